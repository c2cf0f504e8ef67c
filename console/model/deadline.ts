import type { Bilingual } from '../../contracts/alert.js';
import type { Severity, Verdict } from '../../contracts/classes.js';

/** Levels of a security incident, Ⅰ (the worst) to Ⅳ. */
export type Level = 1 | 2 | 3 | 4;

export interface LevelName extends Bilingual { roman: string; colour: 'red' | 'orange' | 'yellow' | 'blue' }
export const LEVELS: Record<Level, LevelName> = {
  1: { roman: 'Ⅰ', zh: '特别重大', en: 'Extremely serious', colour: 'red' },
  2: { roman: 'Ⅱ', zh: '重大', en: 'Serious', colour: 'orange' },
  3: { roman: 'Ⅲ', zh: '较大', en: 'Considerable', colour: 'yellow' },
  4: { roman: 'Ⅳ', zh: '一般', en: 'Ordinary', colour: 'blue' },
};

export const CLOCKS = ['acknowledge', 'contain', 'rectify'] as const;
export type Clock = (typeof CLOCKS)[number];
/** What a clock runs for, as notices and the history say it. */
export const CLOCK_NAMES: Record<Clock, Bilingual> = {
  acknowledge: { zh: '签收', en: 'signing for it' }, contain: { zh: '处置', en: 'containment' }, rectify: { zh: '整改', en: 'rectification' },
};
/** Milliseconds from the issue of the bulletin. */
export type ClockTimes = Record<Clock, number>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Defaults; no national limits per level exist, so the configuration may replace them. */
export const DEADLINES: Record<Level, ClockTimes> = {
  1: { acknowledge: 15 * MINUTE, contain: HOUR, rectify: DAY },
  2: { acknowledge: 30 * MINUTE, contain: 4 * HOUR, rectify: 3 * DAY },
  3: { acknowledge: 4 * HOUR, contain: DAY, rectify: 7 * DAY },
  4: { acknowledge: DAY, contain: 3 * DAY, rectify: 14 * DAY },
};
/** How long an asset stays quiet before its finding is closed. */
export const QUIET_WINDOW_MS = 7 * DAY;

/** Moments (ms since the epoch) by which each thing is due. */
export function deadlinesFrom(issuedAt: number, level: Level, times: Record<Level, ClockTimes> = DEADLINES): ClockTimes {
  const t = times[level];
  return { acknowledge: issuedAt + t.acknowledge, contain: issuedAt + t.contain, rectify: issuedAt + t.rectify };
}

/** The level proposed for an incident: what happened weighs more than how bad it could be. */
export function proposedLevel(severity: Severity, verdict: Verdict, value: 'low' | 'normal' | 'high' | 'core' = 'normal'): Level {
  const base = { info: 0, low: 0, medium: 1, high: 2, critical: 3 }[severity];
  const happened = { attempted: 0, succeeded: 1, compromised: 2 }[verdict];
  const weight = { low: -1, normal: 0, high: 0, core: 1 }[value];
  const score = happened === 0 ? Math.min(1, base - 1) : base + happened - 1 + weight;
  return score >= 4 ? 1 : score >= 3 ? 2 : score >= 1 ? 3 : 4;
}
