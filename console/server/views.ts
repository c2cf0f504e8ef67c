import { CLASSES, SEVERITIES, VERDICTS, type DetectionClass, type Phase } from '../../contracts/classes.js';
import type { AlertRow, AttackGraph, Endpoint, HistoryEntry, IncidentRow, NodeView, TicketRow, UserName } from '../model/api.js';
import type { Health } from '../../contracts/health.js';
import type { Clock, Level } from '../model/deadline.js';
import type { IncidentState } from '../model/incident.js';
import type { TicketState } from '../model/ticket.js';
import type { Assets } from './assets.js';
import { titlesOf } from './bulletin.js';
import type { AlertRecord } from './store/alerts.js';
import { iso } from './store/cursor.js';
import type { HistoryRecord, IncidentRecord } from './store/incidents.js';
import type { TicketRecord } from './store/tickets.js';

/** A node that has not been heard for so long is shown as silent: fifteen missed heartbeats. */
export const NODE_SILENT_MS = 30_000;

const endpoint = (a: Assets, ip: string, port: number | null, unit: string | null, system: string | null): Endpoint => ({
  ip, ...(port === null ? {} : { port }), ...(unit === null ? {} : { unit: a.unit(unit) }), ...(system === null ? {} : { system: a.system(system) }),
});

export function alertRow(r: AlertRecord, a: Assets): AlertRow {
  return {
    id: r.id, revision: r.revision, seq: r.seq, rule: r.rule, title: { zh: r.title_zh, en: r.title_en },
    severity: SEVERITIES[r.severity] ?? 'info', verdict: VERDICTS[r.verdict] ?? 'attempted', class: r.class as DetectionClass, phase: r.phase as Phase,
    attacker: endpoint(a, r.attacker_ip, r.attacker_port, r.attacker_unit, r.attacker_system),
    victim: endpoint(a, r.victim_ip, r.victim_port, r.unit, r.system),
    ...(r.proto === null ? {} : { proto: r.proto }), ...(r.app_proto === null ? {} : { appProto: r.app_proto }), ...(r.node === null ? {} : { node: r.node }),
    firstSeen: iso(r.first_seen), lastSeen: iso(r.last_seen), count: r.count, ...(r.incident === null ? {} : { incident: r.incident }), ...(r.suppressed === null ? {} : { suppressed: r.suppressed }), demo: r.demo === 1,
  };
}

export function incidentRow(
  r: IncidentRecord, a: Assets, people: ReadonlyMap<string, UserName>, campaign?: { incidents: number; victims: number }, tickets = 0,
): IncidentRow {
  const owner = r.owner === null ? undefined : people.get(r.owner);
  return {
    id: r.id, version: r.version, state: r.state as IncidentState, title: { zh: r.title_zh, en: r.title_en },
    severity: SEVERITIES[r.severity] ?? 'info', verdict: VERDICTS[r.verdict] ?? 'attempted', level: r.level as Level, rank: r.rank,
    attacker: endpoint(a, r.attacker_ip, null, r.attacker_unit, r.attacker_system), victim: endpoint(a, r.victim_ip, null, r.unit, r.system),
    phases: JSON.parse(r.phases_json) as Phase[], classes: JSON.parse(r.classes_json) as DetectionClass[], techniques: JSON.parse(r.techniques_json) as string[],
    alerts: r.alerts, events: r.events, firstSeen: iso(r.first_seen), lastSeen: iso(r.last_seen),
    ...(owner ? { owner } : {}), escalated: r.escalated === 1, reopened: r.reopened,
    campaign: { id: r.campaign, incidents: campaign?.incidents ?? 1, victims: campaign?.victims ?? 1 }, tickets, demo: r.demo === 1,
  };
}

export function ticketRow(r: TicketRecord, a: Assets, now: number): TicketRow {
  return {
    id: r.id, version: r.version, ...(r.number === null ? {} : { number: r.number }), title: r.title, ...titlesOf(r), state: r.state as TicketState, level: r.level as Level,
    unit: a.unit(r.unit) ?? { id: r.unit, zh: r.unit, en: r.unit }, incident: r.incident, createdAt: iso(r.created),
    ...(r.issued === null ? {} : { issuedAt: iso(r.issued) }),
    ...(r.due === null ? {} : { due: { clock: r.due_clock as Clock, at: iso(r.due), overdue: r.due < now } }),
    reminded: r.reminded, supervised: r.supervised === 1, ...(r.escalated === null ? {} : { escalatedAt: iso(r.escalated) }), demo: r.demo === 1,
  };
}

export function nodeView(health: Health, at: number, a: Assets, now: number): NodeView {
  return { ...health, silent: now - at > NODE_SILENT_MS, lastSeen: iso(at), ...(health.unit ? { unitName: a.unit(health.unit) } : {}) };
}

const EDITED: Record<string, { zh: string; en: string }> = {
  title: { zh: '标题', en: 'title' }, summary: { zh: '情况', en: 'summary' }, impact: { zh: '影响', en: 'impact' }, demands: { zh: '处置要求', en: 'demands' }, level: { zh: '级别', en: 'level' },
  unit: { zh: '受送单位', en: 'unit' }, addressee: { zh: '主送', en: 'addressee' }, copies: { zh: '抄送', en: 'copies' }, contact: { zh: '联系人', en: 'contact' },
};
/** A text of the history for the reader: people by name, what the console wrote in the reader's language. */
function historyText(h: HistoryRecord, people: ReadonlyMap<string, UserName>, lang: 'zh' | 'en'): string | undefined {
  if (h.text === null || h.text === '') return undefined;
  if (h.action === 'assign') return people.get(h.text)?.name ?? h.text;
  if (h.action === 'edit') return h.text.split(', ').map((k) => EDITED[k]?.[lang] ?? k).join(lang === 'zh' ? '、' : ', ');
  if (h.by === null && h.text.startsWith('{"zh":')) return (JSON.parse(h.text) as { zh: string; en: string })[lang];
  return h.text;
}
export const historyEntry = (h: HistoryRecord, people: ReadonlyMap<string, UserName>, lang: 'zh' | 'en'): HistoryEntry => {
  const text = historyText(h, people, lang);
  return {
    at: iso(h.at), ...(h.by === null ? {} : { by: people.get(h.by) ?? { id: h.by, account: h.by, name: h.by } }), action: h.action,
    ...(h.from_state === null ? {} : { from: h.from_state }), ...(h.to_state === null ? {} : { to: h.to_state }), ...(text === undefined ? {} : { text }),
  };
};

/** Who attacked whom, over these incidents; a host on both ends is a pivot. */
export function graphOf(rows: readonly IncidentRecord[], a: Assets): AttackGraph {
  const nodes = new Map<string, AttackGraph['nodes'][number]>();
  const put = (ip: string, role: 'attacker' | 'victim', unit: string | null, system: string | null): void => {
    const held = nodes.get(ip);
    if (held) { if (held.role !== role) held.role = 'pivot'; return; }
    nodes.set(ip, { ip, role, ...(unit === null ? {} : { unit: a.unit(unit) }), ...(system === null ? {} : { system: a.system(system) }) });
  };
  for (const r of rows) {
    put(r.attacker_ip, 'attacker', r.attacker_unit, r.attacker_system);
    put(r.victim_ip, 'victim', r.unit, r.system);
  }
  return {
    nodes: [...nodes.values()],
    edges: rows.map((r) => ({
      from: r.attacker_ip, to: r.victim_ip, incident: r.id, phases: JSON.parse(r.phases_json) as Phase[], severity: SEVERITIES[r.severity], verdict: VERDICTS[r.verdict],
      alerts: r.alerts, firstSeen: iso(r.first_seen), lastSeen: iso(r.last_seen),
    })),
  };
}

export const className = (name: string): { zh: string; en: string } => {
  const c = CLASSES[name as DetectionClass];
  return c ? { zh: c.zh, en: c.en } : { zh: name, en: name };
};
