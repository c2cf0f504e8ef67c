import { createHash } from 'node:crypto';
import { CLASSES, PHASES, SEVERITIES, VERDICTS, type DetectionClass } from '../../../contracts/classes.js';
import { proposedLevel } from '../../model/deadline.js';
import type { IncidentRecord } from '../store/incidents.js';

/** What grouping needs of an alert. */
export interface Sighting {
  id: string; rule: string; title_zh: string; title_en: string; severity: number; verdict: number; class: string; phase: string;
  techniques: readonly string[];
  attacker_ip: string; attacker_unit: string | null; attacker_system: string | null; victim_ip: string; unit: string | null; system: string | null;
  first_seen: number; last_seen: number; demo: 0 | 1;
}

// Lists on an incident's row are for reading; an attacker with hundreds of techniques stays readable.
const LIST_MAX = 64;
// The same few lists stand on most rows: each is parsed once. Beyond this many the memory starts afresh.
const LISTS_KEPT = 4_096;
const lists = new Map<string, ReadonlySet<string>>();
function keep(json: string, list: ReadonlySet<string>): ReadonlySet<string> {
  if (lists.size >= LISTS_KEPT) lists.clear();
  lists.set(json, list);
  return list;
}
const listOf = (json: string): ReadonlySet<string> => lists.get(json) ?? keep(json, new Set(JSON.parse(json) as string[]));
/** The list with these in it too; the same text where nothing is new. */
function withMore(json: string, more: readonly string[]): string {
  const held = listOf(json);
  if (held.size >= LIST_MAX || more.every((m) => held.has(m))) return json;
  const all = [...new Set([...held, ...more])].slice(0, LIST_MAX);
  const longer = JSON.stringify(all);
  if (!lists.has(longer)) keep(longer, new Set(all));
  return longer;
}

type Value = 'low' | 'normal' | 'high' | 'core';
const VALUE_POINTS: Record<Value, number> = { low: 0, normal: 100, high: 300, core: 500 };
// Spread counts for less than how bad it is: no number of attempts outranks a success.
const SPREAD_MAX = 90;

/** What the rank of an incident is made of: what happened, how bad, how valuable, how many rules and phases, how often back. */
export function rankParts(
  i: Pick<IncidentRecord, 'verdict' | 'severity' | 'phases_json' | 'escalated' | 'rules_json' | 'reopened' | 'alerts'>, value: Value,
): { name: 'escalated' | 'verdict' | 'severity' | 'asset' | 'spread' | 'phases' | 'recurrence'; points: number; value: string | number }[] {
  const phases = listOf(i.phases_json).size;
  const rules = listOf(i.rules_json).size;
  return [
    { name: 'escalated', points: i.escalated ? 100_000 : 0, value: i.escalated },
    { name: 'verdict', points: i.verdict * 10_000, value: VERDICTS[i.verdict] },
    { name: 'severity', points: i.severity * 1_000, value: SEVERITIES[i.severity] },
    { name: 'asset', points: VALUE_POINTS[value], value },
    { name: 'phases', points: phases * 10, value: phases },
    { name: 'spread', points: Math.min(SPREAD_MAX, rules * 3 + Math.floor(Math.log2(1 + i.alerts)) * 2), value: i.alerts },
    { name: 'recurrence', points: Math.min(200, i.reopened * 50), value: i.reopened },
  ];
}

/** The queue's order. Higher is worse. */
export const rankOf = (i: Parameters<typeof rankParts>[0], value: Value): number => rankParts(i, value).reduce((n, p) => n + p.points, 0);

export function titleOf(i: Pick<IncidentRecord, 'attacker_ip' | 'victim_ip' | 'verdict' | 'classes_json'>): { zh: string; en: string } {
  const classes = ([...listOf(i.classes_json)] as DetectionClass[]).map((c) => CLASSES[c] ?? { zh: c, en: c });
  const zh = classes.slice(0, 3).map((c) => c.zh).join('、') + (classes.length > 3 ? '等' : '');
  const en = classes.slice(0, 3).map((c) => c.en.toLowerCase()).join(', ') + (classes.length > 3 ? ' and more' : '');
  const ending = [{ zh: '', en: '' }, { zh: '（已得手）', en: ' (succeeded)' }, { zh: '（已失陷）', en: ' (compromised)' }][i.verdict] ?? { zh: '', en: '' };
  return { zh: `${i.attacker_ip} 对 ${i.victim_ip} 的${zh}${ending.zh}`, en: `${i.attacker_ip} against ${i.victim_ip}: ${en}${ending.en}` };
}

/** A new incident from its first alert. Its id follows from that alert, so a replayed batch makes the same one. */
export function openIncident(s: Sighting, campaign: string, value: Value): IncidentRecord {
  const id = `inc-${createHash('sha256').update(`${s.attacker_ip}\0${s.victim_ip}\0${s.id}`).digest('hex').slice(0, 16)}`;
  const fresh: IncidentRecord = {
    id, version: 1, state: 'new', title_zh: '', title_en: '', severity: s.severity, verdict: s.verdict, level: 4, rank: 0,
    attacker_ip: s.attacker_ip, attacker_unit: s.attacker_unit, attacker_system: s.attacker_system,
    victim_ip: s.victim_ip, unit: s.unit, system: s.system,
    phases_json: '[]', classes_json: '[]', techniques_json: '[]', rules_json: '[]',
    alerts: 0, events: 0, first_seen: s.first_seen, last_seen: s.last_seen,
    owner: null, escalated: 0, reopened: 0, campaign: campaign || id, closed_at: null, open: 1, demo: s.demo,
  };
  addSighting(fresh, s, value);
  return fresh;
}

/** Puts one more alert (or a higher revision of one) into the incident; its counts and its rank are the caller's. */
export function addSighting(i: IncidentRecord, s: Sighting, value: Value): void {
  const { severity, verdict, classes_json } = i;
  i.severity = Math.max(severity, s.severity);
  i.verdict = Math.max(verdict, s.verdict);
  i.first_seen = Math.min(i.first_seen, s.first_seen);
  i.last_seen = Math.max(i.last_seen, s.last_seen);
  const phases = listOf(i.phases_json);
  if (!phases.has(s.phase)) i.phases_json = JSON.stringify(PHASES.filter((p) => p === s.phase || phases.has(p)));
  i.classes_json = withMore(classes_json, [s.class]);
  i.techniques_json = withMore(i.techniques_json, s.techniques);
  i.rules_json = withMore(i.rules_json, [s.rule]);
  i.unit ??= s.unit;
  i.system ??= s.system;
  i.attacker_unit ??= s.attacker_unit;
  i.attacker_system ??= s.attacker_system;
  i.level = proposedLevel(SEVERITIES[i.severity], VERDICTS[i.verdict], value);
  if (i.title_zh !== '' && i.verdict === verdict && i.classes_json === classes_json) return;
  const title = titleOf(i);
  i.title_zh = title.zh;
  i.title_en = title.en;
}
