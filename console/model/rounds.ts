import { CLOCKS, type Clock, type ClockTimes } from './deadline.js';

/** One way of a ticket from its issue to its end: what is opened again begins another. Times in ms since the epoch. */
export interface Round {
  issued: number;
  /** When it was closed, or opened again before that. */
  ended: number | null;
  closed: boolean;
  due: Record<Clock, number | null>;
  done: Record<Clock, number | null>;
  signer: string | null;
  /** Feedback and verification as the ticket holds them, JSON. */
  feedback: string | null;
  verification: string | null;
}
/** What a ticket's record says of the round under way, and of those before it. */
export interface Rounded extends Record<`due_${Clock}` | `done_${Clock}`, number | null> {
  state: string; issued: number | null; ended: number | null; signer: string | null; feedback_json: string | null; verification_json: string | null; rounds_json: string;
}
/** An attack that comes back for ever must not make a record without end: the first and the latest stay. */
const ROUNDS_MAX = 50;

const clocks = (of: (c: Clock) => number | null): Record<Clock, number | null> => ({ acknowledge: of('acknowledge'), contain: of('contain'), rectify: of('rectify') });
/** The rounds before the one under way, oldest first. */
export const earlierRounds = (t: Pick<Rounded, 'rounds_json'>): Round[] => JSON.parse(t.rounds_json) as Round[];

/** All rounds of a ticket, oldest first; none where it was never issued. */
export function roundsOf(t: Rounded): Round[] {
  if (t.issued === null) return [];
  return [...earlierRounds(t), {
    issued: t.issued, ended: t.ended, closed: t.state === 'closed', due: clocks((c) => t[`due_${c}`]), done: clocks((c) => t[`done_${c}`]),
    signer: t.signer, feedback: t.feedback_json, verification: t.verification_json,
  }];
}

/** Whether a clock ran out: what was not done by then, or after its time. */
export const roundOverdue = (r: Round, now: number): boolean => CLOCKS.some((c) => r.due[c] !== null && (r.done[c] ?? Math.min(now, r.ended ?? now)) > (r.due[c] as number));

/** The change that opens a ticket again at `now`: its clocks begin anew, and what the round before it took is kept. */
export function reopened(t: Rounded, now: number, due: ClockTimes) {
  const rounds = roundsOf(t).map((r) => ({ ...r, ended: r.ended ?? now }));
  const kept = rounds.length > ROUNDS_MAX ? [rounds[0], ...rounds.slice(1 - ROUNDS_MAX)] : rounds;
  return {
    issued: now, ended: null, watch_until: null, told_due: null, escalated: null, extension_json: null, signer: null, feedback_json: null, verification_json: null,
    due_acknowledge: due.acknowledge, due_contain: due.contain, due_rectify: due.rectify, done_acknowledge: null, done_contain: null, done_rectify: null,
    rounds_json: JSON.stringify(kept),
  };
}

/** Mean times in minutes from the issue to signing, containment and fix; absent where nothing was measured. */
export function meanTimes(rounds: readonly Round[]): Partial<Record<Clock, number>> {
  const times: Partial<Record<Clock, number>> = {};
  for (const clock of CLOCKS) {
    const spans = rounds.flatMap((r) => (r.done[clock] === null ? [] : [(r.done[clock] as number) - r.issued]));
    if (spans.length > 0) times[clock] = Math.round(spans.reduce((a, b) => a + b, 0) / spans.length / 60_000);
  }
  return times;
}
