import type { Clock, ClockTimes, Level } from './deadline.js';
import { CLOCKS, DEADLINES } from './deadline.js';
import type { RemediationSettings } from './remediation.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Days that are walked at most: a calendar without a single working day must not hang. */
const DAYS_MAX = 4_000;
type Calendar = RemediationSettings['calendar'];

/** Whether work is done on this day (days since the epoch, local time). */
function works(calendar: Calendar, day: number): boolean {
  const name = new Date(day * DAY).toISOString().slice(0, 10);
  if (calendar.workdays.includes(name)) return true;
  if (calendar.holidays.includes(name)) return false;
  // 1970-01-01 was a Thursday.
  return calendar.weekdays.includes(((day + 3) % 7) + 1);
}

/** The moment at which so much working time has passed since `from`. Times in ms. */
export function afterWorking(from: number, duration: number, calendar: Calendar): number {
  const offset = calendar.offset * MINUTE;
  const begin = calendar.from * MINUTE;
  const end = calendar.to * MINUTE;
  if (end <= begin) return from + duration;
  let left = duration;
  const local = from + offset;
  for (let day = Math.floor(local / DAY), n = 0; n < DAYS_MAX; day++, n++) {
    if (!works(calendar, day)) continue;
    const start = Math.max(local, day * DAY + begin);
    const room = day * DAY + end - start;
    if (room <= 0) continue;
    if (left <= room) return start + left - offset;
    left -= room;
  }
  return from + duration;
}

/** Deadlines of a bulletin of this level that is issued now. A day of working time is a working day, not 24 hours. */
export function dueFrom(issuedAt: number, level: Level, settings: RemediationSettings): ClockTimes {
  const due = {} as ClockTimes;
  const workday = Math.max(1, settings.calendar.to - settings.calendar.from);
  for (const clock of CLOCKS) {
    const minutes = settings.deadlines[level][clock];
    due[clock] = settings.workingTime[level]
      ? afterWorking(issuedAt, (Math.floor(minutes / 1440) * workday + (minutes % 1440)) * MINUTE, settings.calendar)
      : issuedAt + minutes * MINUTE;
  }
  return due;
}

const minutes = (level: Level): Record<Clock, number> => ({ acknowledge: DEADLINES[level].acknowledge / MINUTE, contain: DEADLINES[level].contain / MINUTE, rectify: DEADLINES[level].rectify / MINUTE });
/** What holds until somebody sets something else. Working time counts for nobody, so that a deadline is never later than expected. */
export const DEFAULT_SETTINGS: RemediationSettings = {
  number: '网安通〔{year}〕{seq}号', series: 'year', head: '网络安全监测通报', issuer: '网络安全监测中心',
  deadlines: { 1: minutes(1), 2: minutes(2), 3: minutes(3), 4: minutes(4) },
  workingTime: { 1: false, 2: false, 3: false, 4: false },
  calendar: { from: 9 * 60, to: 17 * 60, offset: 480, weekdays: [1, 2, 3, 4, 5], holidays: [], workdays: [] },
  escalation: { remindAt: 75, superviseAfter: 0 },
};

/** Number of a bulletin and the series in which it counts. */
export function numbering(settings: RemediationSettings, at: number, level: Level, unit: string): { series: string; number: (seq: number) => string } {
  const local = new Date(at + settings.calendar.offset * MINUTE);
  const year = String(local.getUTCFullYear());
  const month = String(local.getUTCMonth() + 1).padStart(2, '0');
  const series = settings.series === 'year' ? `bulletin-${year}` : settings.series === 'month' ? `bulletin-${year}-${month}` : 'bulletin';
  return {
    series,
    number: (seq) => settings.number.replaceAll('{year}', year).replaceAll('{month}', month).replaceAll('{level}', ['', 'Ⅰ', 'Ⅱ', 'Ⅲ', 'Ⅳ'][level]).replaceAll('{unit}', unit)
      .replace(/\{seq(?::(\d))?\}/g, (_, digits: string | undefined) => String(seq).padStart(Number(digits ?? 0), '0')),
  };
}
