/** Times as an operator reads them. The console shows the browser's own time zone; the exact time is in the tooltip. */

const pad = (n: number, width = 2) => String(n).padStart(width, '0');

/** EVE (`…+0000`) and ISO 8601 to milliseconds; NaN for what is neither. */
export function toMs(time: string | number | Date | undefined | null): number {
  if (time === undefined || time === null || time === '') return Number.NaN;
  if (typeof time === 'number') return time;
  if (time instanceof Date) return time.getTime();
  return Date.parse(time.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
}

/** `2019-10-01 08:00:00`, with milliseconds where asked. */
export function full(time: string | number | undefined | null, millis = false): string {
  const ms = toMs(time);
  if (Number.isNaN(ms)) return '—';
  const d = new Date(ms);
  const text = `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  return millis ? `${text}.${pad(d.getMilliseconds(), 3)}` : text;
}

/** Without what can be taken for granted: the time of today, the day of this year. */
export function short(time: string | number | undefined | null, now: number): string {
  const ms = toMs(time);
  if (Number.isNaN(ms)) return '—';
  const d = new Date(ms);
  const n = new Date(now);
  const clock = `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  if (d.toDateString() === n.toDateString()) return clock;
  const day = `${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
  return d.getFullYear() === n.getFullYear() ? `${day} ${clock}` : `${d.getFullYear()}-${day} ${clock}`;
}

/** A name of a text and its numbers, for the translations under `words`. */
export interface Phrase { key: string; values: Record<string, number> }

export function ago(time: string | number | undefined | null, now: number): Phrase | undefined {
  const s = Math.round((now - toMs(time)) / 1000);
  if (Number.isNaN(s)) return undefined;
  if (s < 5) return { key: 'words.justNow', values: {} };
  if (s < 60) return { key: 'words.secondsAgo', values: { n: s } };
  if (s < 3600) return { key: 'words.minutesAgo', values: { n: Math.floor(s / 60) } };
  if (s < 86_400) return { key: 'words.hoursAgo', values: { n: Math.floor(s / 3600) } };
  return { key: 'words.daysAgo', values: { n: Math.floor(s / 86_400) } };
}

/** How long until a deadline or how long past it. */
export function left(time: string | number, now: number): { phrase: Phrase; overdue: boolean; ms: number } {
  const ms = toMs(time) - now;
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  const name = ms < 0 ? 'overdue' : 'in';
  const hours = Math.floor(minutes / 60);
  const phrase: Phrase = minutes < 60
    ? { key: `words.${name}Minutes`, values: { n: minutes } }
    : hours < 24
      ? { key: `words.${name}Hours`, values: { h: hours, m: minutes % 60 } }
      : { key: `words.${name}Days`, values: { d: Math.floor(hours / 24), h: hours % 24 } };
  return { phrase, overdue: ms < 0, ms };
}
