import { refusals } from '../errors.js';

/** A page's end as an opaque text: the sort keys of its last row. */
export const writeCursor = (...keys: (number | string)[]): string => Buffer.from(JSON.stringify(keys)).toString('base64url');

/** @param kinds type of each key; anything else is a bad request. */
export function readCursor(cursor: string | undefined, kinds: readonly ('number' | 'string')[]): (number | string)[] | undefined {
  if (!cursor) return undefined;
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(keys) && keys.length === kinds.length && keys.every((k, i) => typeof k === kinds[i])) return keys as (number | string)[];
  } catch { /* falls through */ }
  throw refusals.badRequest('cursor', 'is not one of this list');
}

/** ISO 8601 or milliseconds, as a query string carries it. */
export function readTime(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isFinite(ms)) throw refusals.badRequest(name, 'is no time');
  return ms;
}
export const iso = (ms: number): string => new Date(ms).toISOString();
