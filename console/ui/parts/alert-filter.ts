import type { LocationQuery } from 'vue-router';
import type { AlertQuery, AlertRow, DetectionClass, Severity, Verdict } from '../../model/api.js';
import { CLASS_NAMES, SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import { toMs } from '../text/time.js';
import type { Range } from './time-range.vue';

export interface AlertFilter {
  severity: Severity[];
  verdict: Verdict[];
  class: DetectionClass[];
  unit?: string;
  ip?: string;
  rule?: string;
  incident?: string;
  text: string;
  /** Only what a suppression hides. */
  suppressed?: boolean;
  range: Range;
}

const among = <K extends string>(names: readonly K[], value: unknown): K[] =>
  String(value ?? '').split(',').filter((v): v is K => (names as readonly string[]).includes(v));
const one = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** Reads the filter from the address of the page, so that a view can be bookmarked and passed on. */
export function fromAddress(query: LocationQuery): AlertFilter {
  return {
    severity: among(SEVERITIES, query.severity), verdict: among(VERDICTS, query.verdict), class: among(CLASS_NAMES, query.class),
    unit: one(query.unit), ip: one(query.ip), rule: one(query.rule), incident: one(query.incident), text: one(query.text) ?? '', ...(query.suppressed === '1' ? { suppressed: true } : {}),
    range: one(query.last) ? { last: Number(query.last) || 86_400_000 } : one(query.from) ? { from: one(query.from), to: one(query.to) } : {},
  };
}

export function toAddress(f: AlertFilter): Record<string, string> {
  const out: Record<string, string | undefined> = {
    severity: f.severity.join(','), verdict: f.verdict.join(','), class: f.class.join(','), unit: f.unit, ip: f.ip, rule: f.rule,
    incident: f.incident, text: f.text.trim(), suppressed: f.suppressed ? '1' : '', last: f.range.last ? String(f.range.last) : '', from: f.range.from, to: f.range.to,
  };
  return Object.fromEntries(Object.entries(out).filter((e): e is [string, string] => !!e[1]));
}

export function toQuery(f: AlertFilter): Omit<AlertQuery, 'cursor' | 'limit'> {
  const { last, suppressed, ...rest } = toAddress(f);
  return { ...rest, ...(suppressed ? { suppressed: true } : {}), ...(last ? { from: new Date(Date.now() - Number(last)).toISOString() } : {}) };
}

/**
 * Whether a pushed alert belongs into the table. What only the server can tell (units below a unit, words in the
 * payload) is left to it: those filters answer `ask`.
 */
export function belongs(f: AlertFilter, row: AlertRow, now: number): boolean | 'ask' {
  if ((row.suppressed !== undefined) !== (f.suppressed === true)) return false;
  if (f.severity.length > 0 && !f.severity.includes(row.severity)) return false;
  if (f.verdict.length > 0 && !f.verdict.includes(row.verdict)) return false;
  if (f.class.length > 0 && !f.class.includes(row.class)) return false;
  if (f.rule && f.rule !== row.rule) return false;
  if (f.incident && f.incident !== row.incident) return false;
  if (f.ip && f.ip !== row.attacker.ip && f.ip !== row.victim.ip) return false;
  const seen = toMs(row.lastSeen);
  if (f.range.last && seen < now - f.range.last) return false;
  if (f.range.from && seen < toMs(f.range.from)) return false;
  if (f.range.to && seen > toMs(f.range.to)) return false;
  return f.unit || f.text.trim() ? 'ask' : true;
}
