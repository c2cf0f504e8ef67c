import { Type, type Static } from '@sinclair/typebox';
import { loadConfig } from '../../runtime/config.js';
import type { RemediationSettings } from '../model/remediation.js';

const Day = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$' });
/** A list of the days off that the State Council announces each year, and of the weekend days worked instead (调休). */
export const Holidays = Type.Object({
  /** A day, or the first and the last of several: `2019-10-01..2019-10-07`. */
  holidays: Type.Array(Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d(\\.\\.\\d{4}-\\d\\d-\\d\\d)?$' }), { maxItems: 1000 }),
  workdays: Type.Optional(Type.Array(Day, { maxItems: 500 })),
}, { $id: 'Holidays', additionalProperties: false });
export type Holidays = { holidays: string[]; workdays: string[] };

const DAY_MS = 86_400_000;
// A range is a holiday, not a year.
const RANGE_MAX = 31;

/** Reads the file with line and column of a mistake. @throws SW_CONFIG_* */
export function loadHolidays(path: string): Holidays {
  const file: Static<typeof Holidays> = loadConfig(path, Holidays);
  const days = file.holidays.flatMap((text) => {
    const [first, last = first] = text.split('..');
    const from = Date.parse(first);
    const n = Math.min(RANGE_MAX, Math.round((Date.parse(last) - from) / DAY_MS) + 1);
    return Array.from({ length: Math.max(0, Number.isFinite(n) ? n : 0) }, (_, i) => new Date(from + i * DAY_MS).toISOString().slice(0, 10));
  });
  return { holidays: days, workdays: file.workdays ?? [] };
}

/** The calendar with the file's days beside those that were set in the console. */
export function withHolidays(settings: RemediationSettings, more: Holidays | undefined): RemediationSettings {
  if (!more) return settings;
  const union = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])].sort();
  return { ...settings, calendar: { ...settings.calendar, holidays: union(settings.calendar.holidays, more.holidays), workdays: union(settings.calendar.workdays, more.workdays) } };
}
