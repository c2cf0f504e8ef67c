import { VERDICTS } from '../../contracts/classes.js';
import { PrefixTrie, addressBytes, parseRange } from '../../runtime/prefix-trie.js';
import type { SuppressionMatch } from '../model/triage.js';
import type { Assets } from './assets.js';
import type { AlertRecord } from './store/alerts.js';
import type { Suppress } from './store/intake.js';

type Row = Parameters<Suppress>[0];

/** A test for one address or range; undefined where the text is neither. */
function inRange(text: string): ((ip: string) => boolean) | undefined {
  const range = parseRange(text);
  if (!range) return undefined;
  const trie = new PrefixTrie();
  trie.add(range.bytes, range.bits, 0);
  return (ip) => {
    const bytes = addressBytes(ip);
    return bytes !== undefined && trie.find(bytes, 0, 16) >= 0;
  };
}
export const isRange = (text: string): boolean => parseRange(text) !== undefined;

/** What a suppression says, as a test of an alert's row. Every field given must fit. */
export function testOf(match: SuppressionMatch, assets: Assets): (row: Row) => boolean {
  const units = match.unit === undefined ? undefined : new Set(assets.subtree(match.unit));
  const source = match.source === undefined ? undefined : inRange(match.source) ?? (() => false);
  const asset = match.asset === undefined ? undefined : inRange(match.asset) ?? (() => false);
  const verdict = VERDICTS.indexOf(match.verdict ?? 'attempted');
  return (row) => row.verdict <= verdict && (match.rule === undefined || row.rule === match.rule) && (match.class === undefined || row.class === match.class)
    && (match.system === undefined || row.system === match.system) && (units === undefined || (row.unit !== null && units.has(row.unit)))
    && (source === undefined || source(row.attacker_ip)) && (asset === undefined || asset(row.victim_ip));
}

/** The active suppressions as one function for the intake: the first that fits decides. */
export function suppressor(records: readonly { id: string; match_json: string; effect: string; expires: number }[], assets: Assets, now: () => number): Suppress {
  if (records.length === 0) return () => undefined;
  const tests = records.map((r) => ({ id: r.id, effect: r.effect, expires: r.expires, test: testOf(JSON.parse(r.match_json) as SuppressionMatch, assets) }));
  // Most alerts fit none: rules that name one are looked up by it.
  return (row: Pick<AlertRecord, keyof Row>) => {
    const at = now();
    return tests.find((t) => at < t.expires && t.test(row));
  };
}
