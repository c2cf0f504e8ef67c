import { CLASSES, SEVERITIES, VERDICTS, type DetectionClass } from '../../../contracts/classes.js';
import type { Level } from '../../model/deadline.js';
import { meanTimes, roundOverdue, roundsOf, type Round } from '../../model/rounds.js';
import type { Bar, LeagueRow, MeanTimes, RecurrenceRow, ReportData, ReportKind, WorkRow } from '../../model/report.js';
import { titlesOf } from '../bulletin.js';
import type { Context } from '../context.js';
import { iso } from '../store/cursor.js';
import type { IncidentRecord } from '../store/incidents.js';
import type { Scope } from '../store/scope.js';
import type { TicketRecord } from '../store/tickets.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LISTED = 50;
/** Points that a unit loses for each; fourteen days without feedback cost one, as a province's league table has it. */
const COSTS = { compromised: 10, succeeded: 4, overdue: 5, no_feedback: 1, recurrence: 3, returned: 2, unacknowledged: 2 } as const;
const TITLES: Record<ReportKind, { zh: string; en: string }> = { daily: { zh: '网络安全监测日报', en: 'Daily security report' }, weekly: { zh: '网络安全监测周报', en: 'Weekly security report' }, special: { zh: '网络安全监测专报', en: 'Special security report' }, yearly: { zh: '网络安全监测年报', en: 'Yearly security report' } };
const SEVERITY_NAMES = { info: '提示', low: '低', medium: '中', high: '高', critical: '严重' };
const VERDICT_NAMES = { attempted: '尝试', succeeded: '得手', compromised: '失陷' };

/** The last whole day, week (Monday to Sunday) or year in local time. */
export function lastWhole(kind: ReportKind, now: number, offset: number): { from: number; to: number } {
  const shift = offset * 60_000;
  const today = Math.floor((now + shift) / DAY_MS);
  if (kind === 'weekly') { const monday = today - ((today + 3) % 7); return { from: (monday - 7) * DAY_MS - shift, to: monday * DAY_MS - shift }; }
  if (kind === 'yearly') { const year = new Date(now + shift).getUTCFullYear(); return { from: Date.UTC(year - 1, 0) - shift, to: Date.UTC(year, 0) - shift }; }
  return { from: (today - 1) * DAY_MS - shift, to: today * DAY_MS - shift };
}

export async function reportData(context: Context, scope: Scope, kind: ReportKind, from: number, to: number, unit?: string): Promise<ReportData> {
  const { store, clock } = context;
  const assets = context.assets();
  const now = clock.now();
  const { figures } = store;
  const before = from - (to - from);
  const [bySeverity, byVerdict, byClass, byUnit, hours, earlier, incidents, incidentsBefore, tickets, nodes] = await Promise.all([
    figures.alerts(scope, from, to, 'severity'), figures.alerts(scope, from, to, 'verdict'), figures.alerts(scope, from, to, 'class'), figures.alerts(scope, from, to, 'unit'),
    figures.alerts(scope, from, to, 'hour'), figures.alerts(scope, before, from, 'severity'),
    figures.incidents(scope, from, to), figures.incidents(scope, before, from), figures.tickets(scope, from, to), context.nodeViews(scope),
  ]);
  const sum = (m: Map<string, number>): number => [...m.values()].reduce((a, b) => a + b, 0);
  const name = (id: string | null | undefined) => assets.unit(id) ?? { id: '', zh: '未登记', en: 'Unregistered' };
  const bars = (m: Map<string, number>, of: (key: string) => { zh: string; en: string }): Bar[] => [...m].map(([key, value]) => ({ key, name: of(key), value })).sort((a, b) => b.value - a.value);
  const hosts = (key: 'attacker_ip' | 'victim_ip') => {
    const found = new Map<string, { n: number; worst: IncidentRecord }>();
    for (const i of incidents) { const h = found.get(i[key]); found.set(i[key], { n: (h?.n ?? 0) + i.alerts, worst: h && h.worst.severity >= i.severity ? h.worst : i }); }
    return [...found].sort((a, b) => b[1].n - a[1].n).slice(0, 10);
  };
  const setbacks = await figures.setbacks(tickets.map((t) => t.id));
  // A ticket that was opened again has several rounds: those of the time count, each by its own clocks.
  const within = (r: Round): boolean => r.issued < to && (r.ended === null || r.ended >= from);
  const rounds = (list: readonly TicketRecord[]): Round[] => list.flatMap(roundsOf).filter(within);
  const overdue = (t: TicketRecord): boolean => rounds([t]).some((r) => roundOverdue(r, now));
  const timesOf = (list: readonly TicketRecord[]): MeanTimes => ({ ...meanTimes(rounds(list)), tickets: list.length });
  const times = timesOf(tickets);
  const totals = {
    alerts: sum(bySeverity), alertsBefore: sum(earlier), incidents: incidents.length, incidentsBefore: incidentsBefore.length, succeeded: incidents.filter((i) => i.verdict === 1).length, compromised: incidents.filter((i) => i.verdict === 2).length,
    tickets: tickets.length, closed: tickets.filter((t) => rounds([t]).some((r) => r.closed && (r.ended ?? 0) < to)).length, overdue: tickets.filter(overdue).length, nodes: nodes.length, nodesUp: nodes.filter((n) => !n.silent).length,
  };
  const n = (value: number): string => value.toLocaleString('en-US');
  const change = (a: number, b: number): { zh: string; en: string } => (b === 0 ? { zh: '上期无数据', en: 'nothing the time before' } : { zh: `环比${a >= b ? '上升' : '下降'} ${Math.abs(Math.round(((a - b) / b) * 100))}%`, en: `${a >= b ? 'up' : 'down'} ${Math.abs(Math.round(((a - b) / b) * 100))}%` });
  const [alertsChange, incidentsChange] = [change(totals.alerts, totals.alertsBefore), change(totals.incidents, totals.incidentsBefore)];
  /** By rule: an incident's alerts are those of several, so each rule's own are counted. */
  const busiest = async (): Promise<WorkRow[]> => {
    const named = await context.rules.all(now);
    return Promise.all(work(incidents, (i) => JSON.parse(i.rules_json) as string[], (k) => named.get(k)?.title ?? { zh: k, en: k }).map(async (r) => ({
      ...r, alerts: (await store.alerts.counts(scope, { rule: r.key, from: iso(from), to: iso(to), demo: false })).rows.reduce((n, c) => n + c.n, 0),
    })));
  };
  const data: ReportData = {
    kind, title: TITLES[kind], from: iso(from), to: iso(to), ...(unit ? { unit: name(unit) } : {}), generatedAt: iso(now),
    summary: [
      { zh: `监测到告警 ${n(totals.alerts)} 条（${alertsChange.zh}），归并为事件 ${n(totals.incidents)} 起（${incidentsChange.zh}）。`, en: `${n(totals.alerts)} alerts (${alertsChange.en}) in ${n(totals.incidents)} incidents (${incidentsChange.en}).` },
      { zh: `其中攻击得手 ${n(totals.succeeded)} 起，主机失陷 ${n(totals.compromised)} 起。`, en: `${n(totals.succeeded)} attacks succeeded, ${n(totals.compromised)} hosts were compromised.` },
      { zh: `在办通报 ${n(totals.tickets)} 件，已归档 ${n(totals.closed)} 件，超期 ${n(totals.overdue)} 件。`, en: `${n(totals.tickets)} bulletins, ${n(totals.closed)} closed, ${n(totals.overdue)} overdue.` },
      { zh: `监测节点在线 ${totals.nodesUp}/${totals.nodes}。`, en: `${totals.nodesUp} of ${totals.nodes} nodes are up.` },
    ],
    totals, bySeverity: bars(bySeverity, (k) => ({ zh: SEVERITY_NAMES[SEVERITIES[Number(k)]], en: SEVERITIES[Number(k)] })), byVerdict: bars(byVerdict, (k) => ({ zh: VERDICT_NAMES[VERDICTS[Number(k)]], en: VERDICTS[Number(k)] })),
    byClass: bars(byClass, (k) => CLASSES[k as DetectionClass] ?? { zh: k, en: k }).slice(0, 12).map(({ key, name: n, value }) => ({ key, value, name: { zh: n.zh, en: n.en } })), byUnit: bars(byUnit, (k) => name(k)).slice(0, 20).map(({ key, name: n, value }) => ({ key, value, name: { zh: n.zh, en: n.en } })),
    attackers: hosts('attacker_ip').map(([ip, h]) => ({ key: ip, name: { zh: ip, en: ip }, value: h.n, severity: SEVERITIES[h.worst.severity] })),
    victims: hosts('victim_ip').map(([ip, h]) => ({ key: ip, name: { zh: ip, en: ip }, value: h.n, ...(h.worst.unit === null ? {} : { unit: name(h.worst.unit) }), ...(h.worst.system === null ? {} : { system: assets.system(h.worst.system) }) })),
    trend: curve(hours, from, to, context.remediation.calendar.offset),
    // The worst first; what was dismissed stands behind.
    incidents: incidents.toSorted((a, b) => Number(a.state === 'dismissed') - Number(b.state === 'dismissed') || b.rank - a.rank).slice(0, LISTED).map((i) => ({
      id: i.id, title: { zh: i.title_zh, en: i.title_en }, level: i.level as Level, severity: SEVERITIES[i.severity], verdict: VERDICTS[i.verdict], state: i.state, ...(i.unit === null ? {} : { unit: name(i.unit) }),
      ...(i.system === null ? {} : { system: assets.system(i.system) }), firstSeen: iso(i.first_seen), lastSeen: iso(i.last_seen), alerts: i.alerts,
    })),
    tickets: tickets.slice(0, LISTED).map((t) => ({ id: t.id, ...(t.number === null ? {} : { number: t.number }), title: t.title, ...titlesOf(t), unit: name(t.unit), level: t.level as Level, state: t.state, ...(t.issued === null ? {} : { issuedAt: iso(t.issued) }), overdue: overdue(t) })),
    times, league: league(incidents, tickets, setbacks, overdue, timesOf, name, now), recurrence: recurrence(incidents, name, (s) => assets.system(s)), rules: await busiest(), assets: work(incidents, (i) => [i.system ?? i.victim_ip], (k) => assets.system(k) ?? { zh: k, en: k }),
  };
  if (kind === 'yearly') data.months = await months(context, scope, from, to, incidents, tickets);
  return data;
}

/** Every hour, or every local day of a longer time; what nothing is known of was quiet. */
function curve(counts: ReadonlyMap<string, number>, from: number, to: number, offset: number): [number, number][] {
  const long = to - from > 8 * DAY_MS;
  const step = long ? DAY_MS : HOUR_MS;
  // Days begin where the report's reader has midnight.
  const shift = long ? ((offset * 60_000) % DAY_MS) : 0;
  const sums = new Map<number, number>();
  for (const [hour, n] of counts) {
    const at = Math.floor((Number(hour) * HOUR_MS + shift) / step) * step - shift;
    sums.set(at, (sums.get(at) ?? 0) + n);
  }
  const points: [number, number][] = [];
  for (let at = Math.floor((from + shift) / step) * step - shift; at < to; at += step) points.push([at, sums.get(at) ?? 0]);
  return points;
}

function league(incidents: readonly IncidentRecord[], tickets: readonly TicketRecord[], setbacks: ReadonlyMap<string, { returned: number; reopened: number }>, overdue: (t: TicketRecord) => boolean, timesOf: (list: readonly TicketRecord[]) => MeanTimes, name: (id: string) => { id: string; zh: string; en: string }, now: number): LeagueRow[] {
  const units = new Set([...incidents.flatMap((i) => (i.unit === null ? [] : [i.unit])), ...tickets.map((t) => t.unit)]);
  return [...units].map((unit): LeagueRow => {
    const mine = incidents.filter((i) => i.unit === unit && i.state !== 'dismissed');
    const theirs = tickets.filter((t) => t.unit === unit && t.state !== 'withdrawn');
    const count: Record<keyof typeof COSTS, number> = {
      compromised: mine.filter((i) => i.verdict === 2).length, succeeded: mine.filter((i) => i.verdict === 1).length, overdue: theirs.filter(overdue).length,
      no_feedback: theirs.filter((t) => t.feedback_json === null && t.ended === null && now - (t.issued ?? now) > 14 * DAY_MS).length,
      recurrence: mine.reduce((n, i) => n + i.reopened, 0) + theirs.reduce((n, t) => n + (setbacks.get(t.id)?.reopened ?? 0), 0),
      returned: theirs.reduce((n, t) => n + (setbacks.get(t.id)?.returned ?? 0), 0), unacknowledged: theirs.filter((t) => t.done_acknowledge === null && t.ended === null && t.due_acknowledge !== null && now > t.due_acknowledge).length,
    };
    const parts = (Object.keys(COSTS) as (keyof typeof COSTS)[]).map((p) => ({ name: p, count: count[p], each: COSTS[p], points: count[p] * COSTS[p] })).filter((p) => p.count > 0);
    return { unit: name(unit), score: Math.max(0, 100 - parts.reduce((n, p) => n + p.points, 0)), parts, incidents: mine.length, tickets: theirs.length, closed: theirs.filter((t) => t.state === 'closed').length, times: timesOf(theirs) };
  }).sort((a, b) => b.score - a.score || a.incidents - b.incidents || (a.unit.id < b.unit.id ? -1 : 1));
}
function recurrence(incidents: readonly IncidentRecord[], unit: (id: string) => { id: string; zh: string; en: string }, system: (id: string) => { id: string; zh: string; en: string } | undefined): RecurrenceRow[] {
  const groups = new Map<string, RecurrenceRow & { first: number; last: number }>();
  for (const i of incidents) {
    if (i.state === 'dismissed') continue;
    for (const cls of JSON.parse(i.classes_json) as string[]) {
      const key = `${i.unit}\0${i.system ?? i.victim_ip}\0${cls}`;
      const g = groups.get(key) ?? { class: cls, className: { zh: CLASSES[cls as DetectionClass]?.zh ?? cls, en: CLASSES[cls as DetectionClass]?.en ?? cls }, ...(i.unit === null ? {} : { unit: unit(i.unit) }), ...(i.system === null ? {} : { system: system(i.system) }), incidents: 0, reopened: 0, first: Infinity, last: 0, firstSeen: '', lastSeen: '' };
      groups.set(key, { ...g, incidents: g.incidents + 1, reopened: g.reopened + i.reopened, first: Math.min(g.first, i.first_seen), last: Math.max(g.last, i.last_seen) });
    }
  }
  return [...groups.values()].filter((g) => g.incidents > 1 || g.reopened > 0).sort((a, b) => b.incidents + b.reopened - a.incidents - a.reopened).slice(0, 30).map(({ first, last, ...g }) => ({ ...g, firstSeen: iso(first), lastSeen: iso(last) }));
}
function work(incidents: readonly IncidentRecord[], keys: (i: IncidentRecord) => string[], name: (key: string) => { zh: string; en: string }): WorkRow[] {
  const rows = new Map<string, { alerts: number; incidents: number; dismissed: number; judged: number }>();
  for (const i of incidents) for (const key of keys(i)) {
    const r = rows.get(key) ?? { alerts: 0, incidents: 0, dismissed: 0, judged: 0 };
    rows.set(key, { alerts: r.alerts + i.alerts, incidents: r.incidents + 1, dismissed: r.dismissed + (i.state === 'dismissed' ? 1 : 0), judged: r.judged + (i.state === 'new' || i.state === 'triage' ? 0 : 1) });
  }
  return [...rows].sort((a, b) => b[1].incidents - a[1].incidents || b[1].alerts - a[1].alerts).slice(0, 15).map(([key, r]) => ({ key, name: { zh: name(key).zh, en: name(key).en }, alerts: r.alerts, incidents: r.incidents, dismissed: r.dismissed, dismissedShare: r.judged === 0 ? 0 : r.dismissed / r.judged }));
}
async function months(context: Context, scope: Scope, from: number, to: number, incidents: readonly IncidentRecord[], tickets: readonly TicketRecord[]): Promise<NonNullable<ReportData['months']>> {
  const shift = context.remediation.calendar.offset * 60_000;
  const rows: NonNullable<ReportData['months']> = [];
  for (let at = from; at < to;) {
    const d = new Date(at + shift);
    const next = Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1) - shift;
    const within = (ms: number | null): boolean => ms !== null && ms >= at && ms < next;
    const rounds = tickets.flatMap(roundsOf);
    const issued = rounds.filter((r) => within(r.issued));
    rows.push({
      month: `${d.getUTCFullYear()}-${String(d.getUTCMonth() + 1).padStart(2, '0')}`, alerts: [...(await context.store.figures.alerts(scope, at, next, 'severity')).values()].reduce((a, b) => a + b, 0),
      incidents: incidents.filter((i) => within(i.last_seen)).length, tickets: tickets.filter((t) => within(t.first_issued ?? t.issued)).length, closed: rounds.filter((r) => r.closed && within(r.ended)).length, times: { ...meanTimes(issued), tickets: issued.length },
    });
    at = next;
  }
  return rows;
}
