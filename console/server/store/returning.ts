import { sql } from 'kysely';
import { INCIDENT_MACHINE, type IncidentState } from '../../model/incident.js';
import { deadlinesFrom, type ClockTimes, type Level } from '../../model/deadline.js';
import { reopened, type Rounded } from '../../model/rounds.js';
import { step } from '../../model/state-machine.js';
import { TICKET_MACHINE, type TicketState } from '../../model/ticket.js';
import type { Sighting } from '../ingest/grouping.js';
import type { AlertRecord } from './alerts.js';
import type { IncidentRecord } from './incidents.js';
import type { Db, Engine } from './schema.js';

/** A ticket about an asset that the batch concerns, with what it was written about as that stood before the batch. */
export interface HeldTicket extends Rounded {
  id: string; number: string | null; state: TicketState; level: number; asset: string; incident: string;
  attacker_ip: string; victim_ip: string; classes_json: string; verdict: number; demo: 0 | 1;
}
export type Seen = Pick<Sighting, 'attacker_ip' | 'victim_ip' | 'class' | 'verdict' | 'last_seen' | 'demo'>;

/** States in which a ticket waits for the attack to come back: its fix is said to hold. */
const PROVEN: readonly TicketState[] = ['watching', 'closed'];
/** A ticket in one of these has work going on; further alerts of its pair belong to it. */
export const isOpen = (t: Pick<HeldTicket, 'state'>): boolean => !PROVEN.includes(t.state);

/** The host whose weakness or infection the unit is to mend: the victim, or the unit's own machine that attacks others. */
export const assetOf = (unit: string, i: Pick<IncidentRecord, 'unit' | 'attacker_unit' | 'victim_ip' | 'attacker_ip'>): string => (i.attacker_unit === unit && i.unit !== unit ? i.attacker_ip : i.victim_ip);

/** Tickets about these hosts, however old. */
export async function ticketsOf(tx: Db, engine: Engine, hosts: readonly string[]): Promise<HeldTicket[]> {
  const of = engine === 'postgres' ? sql`unnest(${[...hosts]}::text[]) as x(host)` : sql`(select value as host from json_each(${JSON.stringify(hosts)})) as x`;
  return (await sql<HeldTicket>`select t.id, t.number, t.state, t.level, t.issued, t.ended, t.signer, t.feedback_json, t.verification_json, t.rounds_json, t.due_acknowledge, t.due_contain, t.due_rectify, t.done_acknowledge, t.done_contain, t.done_rectify, t.asset, t.incident, i.attacker_ip, i.victim_ip, i.classes_json, i.verdict, i.demo
    from ${of} cross join ticket as t join incident as i on i.id = t.incident where t.asset = x.host and t.state <> 'withdrawn'`.execute(tx)).rows;
}

/**
 * The same attack on the same asset, as far as it got before, after its fix was verified: the fix did not hold, whoever
 * attacks and however late. Of what never got anywhere there is no hole to find again: after the archive only the same attacker counts.
 */
export function isBack(t: HeldTicket, s: Seen): boolean {
  if (isOpen(t) || s.demo !== t.demo || s.verdict < t.verdict) return false;
  if (t.asset === t.attacker_ip && t.asset !== t.victim_ip) {
    if (s.attacker_ip !== t.asset) return false;
  } else if (s.victim_ip !== t.asset || (t.verdict === 0 && t.state === 'closed' && s.attacker_ip !== t.attacker_ip)) return false;
  if (!(JSON.parse(t.classes_json) as string[]).includes(s.class)) return false;
  const verified = (JSON.parse(t.verification_json ?? '{}') as { at?: string }).at;
  return verified === undefined || s.last_seen >= Date.parse(verified);
}

/** What the history says of an alert that brought something back, for readers of both languages. */
export const seenAgain = (r: Pick<AlertRecord, 'title_zh' | 'title_en' | 'attacker_ip' | 'victim_ip'>): string =>
  JSON.stringify({ zh: `再次监测到 ${r.attacker_ip} → ${r.victim_ip}：${r.title_zh}`, en: `Seen again, ${r.attacker_ip} → ${r.victim_ip}: ${r.title_en}` });

/** Steps of the console itself on a finished incident that is back: open again, and under remediation where its ticket is. @returns the state after each step */
export function wakened(state: IncidentState, ticket: boolean): { action: 'reopen' | 'remediate'; to: IncidentState }[] {
  const steps: { action: 'reopen' | 'remediate'; to: IncidentState }[] = [];
  for (const action of ticket ? ['reopen', 'remediate'] as const : ['reopen'] as const) {
    const done = step(INCIDENT_MACHINE, steps.at(-1)?.to ?? state, action, ['system'], (need) => need === 'reason');
    if (done.ok && done.to !== (steps.at(-1)?.to ?? state)) steps.push({ action, to: done.to });
  }
  return steps;
}

/** Issues a ticket again: its clocks start anew, what the round before took is kept. @returns false where its state does not allow it */
export async function reopenTicket(tx: Db, t: HeldTicket, cause: AlertRecord, now: number, dueAt: ((at: number, level: Level) => ClockTimes) | undefined): Promise<boolean> {
  const to = step(TICKET_MACHINE, t.state, 'reopen', ['system'], () => true);
  if (!to.ok) return false;
  const due = (dueAt ?? deadlinesFrom)(now, t.level as Level);
  await tx.updateTable('ticket').set((eb) => ({
    state: to.to, version: eb('version', '+', 1), ...reopened(t, now, due), due: due.acknowledge, due_clock: 'acknowledge',
  })).where('id', '=', t.id).execute();
  await tx.insertInto('history').values({ object: t.id, at: now, by: null, action: 'reopen', from_state: t.state, to_state: to.to, text: seenAgain(cause) }).execute();
  return true;
}
