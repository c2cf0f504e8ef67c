import { sql } from 'kysely';
import type { Alert } from '../../../contracts/alert.js';
import { CLASSES, SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import { deadlinesFrom, type ClockTimes, type Level } from '../../model/deadline.js';
import { INCIDENT_MACHINE, INCIDENT_OPEN } from '../../model/incident.js';
import { step } from '../../model/state-machine.js';
import { TICKET_MACHINE, type TicketState } from '../../model/ticket.js';
import type { Assets } from '../assets.js';
import { addSighting, openIncident, rankOf, type Sighting } from '../ingest/grouping.js';
import type { AlertRecord } from './alerts.js';
import type { IncidentRecord } from './incidents.js';
import { among, inOrder, insertMany, updateMany, type Columns } from './many.js';
import type { Db, Engine } from './schema.js';
import { columnText, indexTokens } from './search-text.js';

/** What a batch changed, for the browsers. Hidden alerts are not among `alerts`. */
export interface Taken { alerts: AlertRecord[]; /** The same alerts in EVE, as they are stored. */ eve: string[]; incidents: IncidentRecord[]; tickets: string[]; stale: number; hidden: Map<string, number>; /** Incidents that this batch opened again. */ reopened: IncidentRecord[]; /** Ids of incidents that are new, or whose verdict or severity rose. */ fresh: Set<string> }
/** Says which suppression hides or lowers an alert. */
export type Suppress = (row: Pick<AlertRecord, 'rule' | 'class' | 'attacker_ip' | 'victim_ip' | 'system' | 'unit' | 'verdict' | 'last_seen'>) => { id: string; effect: string } | undefined;
export interface TakeOptions {
  /** The alerts as they came over the bus, so that they need not be written as text again. */
  json?: readonly string[];
  suppress?: Suppress;
  /** Known revisions are grouped again: what a suppression hid joins its incident. */
  again?: boolean;
  /** Deadlines of a bulletin that is issued again now. */
  due?: (at: number, level: Level) => ClockTimes;
}

const ALERT_COLUMNS: Columns = {
  num: 'bigint', id: 'text', revision: 'bigint', rule: 'text', title_zh: 'text', title_en: 'text', severity: 'bigint', verdict: 'bigint', class: 'text', phase: 'text',
  attacker_ip: 'text', attacker_port: 'bigint', attacker_unit: 'text', attacker_system: 'text', victim_ip: 'text', victim_port: 'bigint', unit: 'text', system: 'text',
  proto: 'text', app_proto: 'text', node: 'text', first_seen: 'bigint', last_seen: 'bigint', received: 'bigint', count: 'bigint', incident: 'text', demo: 'bigint', seq: 'bigint', suppressed: 'text',
};
const ALERT_NAMES = Object.keys(ALERT_COLUMNS) as (keyof AlertRecord)[];
const CHANGING = ['revision', 'title_zh', 'title_en', 'severity', 'verdict', 'first_seen', 'last_seen', 'count', 'incident', 'seq', 'suppressed'];
const ALERT_CONFLICT = `on conflict (id) do update set ${CHANGING.map((c) => `${c} = excluded.${c}`).join(', ')}`;
const INCIDENT_COLUMNS: Columns = {
  id: 'text', version: 'bigint', state: 'text', title_zh: 'text', title_en: 'text', severity: 'bigint', verdict: 'bigint', level: 'bigint', rank: 'bigint', attacker_ip: 'text',
  attacker_unit: 'text', attacker_system: 'text', victim_ip: 'text', unit: 'text', system: 'text', phases_json: 'text', classes_json: 'text', techniques_json: 'text', rules_json: 'text',
  alerts: 'bigint', events: 'bigint', first_seen: 'bigint', last_seen: 'bigint', owner: 'text', escalated: 'bigint', reopened: 'bigint', campaign: 'text', closed_at: 'bigint', open: 'bigint', demo: 'bigint',
};
const INCIDENT_NAMES = Object.keys(INCIDENT_COLUMNS) as (keyof IncidentRecord)[];
/** What every further alert changes; then what its kind may change; the rest changes rarely, and indexes rest on it. */
const COUNTED = ['rank', 'alerts', 'events', 'last_seen'] as const satisfies (keyof IncidentRecord)[];
const JUDGED = [
  ...COUNTED, 'version', 'state', 'title_zh', 'title_en', 'severity', 'verdict', 'level', 'phases_json', 'classes_json', 'techniques_json', 'rules_json', 'reopened', 'closed_at', 'open',
] as const satisfies (keyof IncidentRecord)[];
const BOUND = [...JUDGED, 'attacker_unit', 'attacker_system', 'unit', 'system', 'first_seen', 'campaign'] as const satisfies (keyof IncidentRecord)[];
const only = (names: readonly (keyof IncidentRecord)[]): Columns => Object.fromEntries(names.map((n) => [n, INCIDENT_COLUMNS[n]]));
const INCIDENT_CONFLICT = `on conflict (id) do update set ${INCIDENT_NAMES.filter((n) => n !== 'id').map((n) => `${n} = excluded.${n}`).join(', ')}`;

const HOUR_MS = 3_600_000;
const ms = (eve: string): number => {
  const t = Date.parse(eve);
  return Number.isFinite(t) ? t : 0;
};
const text = (value: unknown, max?: number): string => columnText(typeof value === 'string' ? value : String(value ?? ''), max);
const port = (value: unknown): number | null => (Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536 ? (value as number) : null);

interface Pending { row: AlertRecord; sighting: Sighting; json: string }
type Known = Pick<AlertRecord, 'num' | 'id' | 'revision' | 'received' | 'incident' | 'count' | 'severity' | 'verdict' | 'class' | 'unit' | 'attacker_unit' | 'last_seen' | 'demo' | 'suppressed'>;

function toRow(alert: Alert, json: string | undefined, assets: Assets, received: number): Pending {
  const s = alert.shouwang;
  const attackerIp = text(s.attacker?.ip, 64);
  const victimIp = text(s.victim?.ip, 64);
  const attacker = assets.find(attackerIp);
  const victim = assets.find(victimIp);
  const attackerUnit = s.attacker?.unit ?? attacker.unit ?? null;
  const row: AlertRecord = {
    num: 0, seq: 0, suppressed: null, id: text(s.id, 128), revision: Math.max(0, Math.trunc(s.revision) || 0), rule: text(s.rule, 128),
    title_zh: text(s.title?.zh), title_en: text(s.title?.en),
    severity: Math.max(0, SEVERITIES.indexOf(s.severity)), verdict: Math.max(0, VERDICTS.indexOf(s.verdict)),
    class: Object.hasOwn(CLASSES, s.class) ? s.class : 'protocol_anomaly', phase: text(s.phase, 40),
    attacker_ip: attackerIp, attacker_port: port(s.attacker?.port), attacker_unit: attackerUnit === null ? null : text(attackerUnit, 64),
    attacker_system: s.attacker?.system ?? attacker.system ?? null,
    victim_ip: victimIp, victim_port: port(s.victim?.port),
    unit: s.victim?.unit ?? victim.unit ?? attackerUnit ?? (s.unit ? text(s.unit, 64) : null), system: s.victim?.system ?? victim.system ?? null,
    proto: alert.proto ? text(alert.proto, 16) : null, app_proto: alert.app_proto ? text(alert.app_proto, 32) : null,
    node: s.node ?? alert.host ? text(s.node ?? alert.host, 64) : null,
    first_seen: ms(s.first_seen), last_seen: ms(s.last_seen), received, count: Math.max(1, Math.trunc(s.count) || 1),
    incident: null, demo: s.demo ? 1 : 0,
  };
  const sighting: Sighting = {
    ...(row as unknown as Sighting), techniques: (Array.isArray(s.techniques) ? s.techniques : []).slice(0, 16).map((t) => text(t, 16)),
  };
  return { row, sighting, json: columnText(json ?? JSON.stringify(alert), Infinity) };
}

/** Words by which an alert is found. */
export function searchTokens(row: Pick<AlertRecord, 'title_zh' | 'title_en' | 'rule' | 'class' | 'attacker_ip' | 'victim_ip' | 'node' | 'unit' | 'system' | 'app_proto'>, alert: Alert): string[] {
  const http = alert.http as { hostname?: unknown; url?: unknown; http_user_agent?: unknown } | undefined;
  const s = alert.shouwang;
  return indexTokens([
    row.title_zh, row.title_en, row.rule, row.class, CLASSES[row.class as keyof typeof CLASSES]?.zh ?? '', row.attacker_ip, row.victim_ip,
    row.node ?? '', row.unit ?? '', row.system ?? '', row.app_proto ?? '', ...(Array.isArray(s.references) ? s.references : []), ...(Array.isArray(s.techniques) ? s.techniques : []),
    s.because?.zh ?? '', s.because?.en ?? '',
    ...[http?.hostname, http?.url, http?.http_user_agent].map((v) => (typeof v === 'string' ? v.slice(0, 1024) : '')),
  ].map(String).join(' \n '));
}

/**
 * Takes a batch of alerts in one transaction: each id is stored once, under its highest revision, and joins its
 * incident. The same batch again changes nothing, so what was not acknowledged may be delivered again.
 */
export function intakeStore(db: Db, engine: Engine) {
  return async function take(batch: readonly Alert[], assets: Assets, now: number, windowMs: number, options: TakeOptions = {}): Promise<Taken> {
    const newest = new Map<string, Pending>();
    let stale = 0;
    for (const [i, alert] of batch.entries()) {
      const held = newest.get(text(alert.shouwang.id, 128));
      if (held && held.row.revision >= alert.shouwang.revision) { stale++; continue; }
      if (held) stale++;
      const pending = toRow(alert, options.json?.[i], assets, now);
      newest.set(pending.row.id, pending);
    }
    if (newest.size === 0) return { alerts: [], eve: [], incidents: [], tickets: [], stale, hidden: new Map(), reopened: [], fresh: new Set() };

    return db.transaction().execute(async (tx0) => {
      const tx = tx0 as unknown as Db;
      // Two consoles on one PostgreSQL: grouping reads before it writes.
      if (engine === 'postgres') await sql.raw('select pg_advisory_xact_lock(7305002)').execute(tx);
      let known = new Map<string, Known>();
      // A number is never used again, though the latest alerts were cleared: the search index has been there.
      let seq = 0;
      await inOrder(engine, [
        async () => { known = await knownAlerts(tx, engine, [...newest.keys()]); },
        async () => {
          const { rows: tops } = await sql<{ top: number | null }>`select max(seq) as top from alert union all select value from counter where name = 'search_upto'`.execute(tx);
          seq = Math.max(0, ...tops.map((r) => Number(r.top)));
        },
      ]);
      const todo = [...newest.values()].filter((p) => {
        const old = known.get(p.row.id);
        if (old && (options.again ? old.revision !== p.row.revision : old.revision >= p.row.revision)) { stale++; return false; }
        return true;
      });
      if (todo.length === 0) return { alerts: [], eve: [], incidents: [], tickets: [], stale, hidden: new Map(), reopened: [], fresh: new Set() };
      const hidden = new Map<string, number>();
      const hours = new Hours();

      const groups = await loadIncidents(tx, engine, todo, known, windowMs);
      const fresh = new Set<string>();
      const dirty = new Map<string, IncidentRecord>();
      const reopened: { incident: IncidentRecord; cause: AlertRecord }[] = [];
      for (const pending of todo) {
        const { sighting: s, row } = pending;
        const old = known.get(s.id);
        row.seq = ++seq;
        row.num = old?.num ?? seq;
        if (old) row.received = old.received;
        if (old && old.suppressed === null) hours.add(old, -1);
        const ruled = options.suppress?.(row);
        if (ruled) hidden.set(ruled.id, (hidden.get(ruled.id) ?? 0) + (old?.suppressed === ruled.id ? 0 : 1));
        if (ruled?.effect === 'lower') {
          row.severity = Math.max(0, row.severity - 1);
          s.severity = row.severity;
        } else if (ruled && !old?.incident) {
          row.suppressed = ruled.id;
          continue;
        }
        hours.add(row, 1);
        const value = assets.value(s.system);
        let incident = old?.incident ? groups.byId.get(old.incident) : undefined;
        incident ??= groups.find(s);
        if (!incident) {
          incident = openIncident(s, '', value);
          incident.campaign = groups.campaignFor(s) ?? incident.id;
        } else {
          const before = incident;
          incident = addSighting(incident, s, value);
          if (wakes(before, s)) {
            const back = step(INCIDENT_MACHINE, before.state as never, 'reopen', ['system'], (need) => need === 'reason');
            if (back.ok) {
              incident = { ...incident, state: back.to, reopened: incident.reopened + 1, version: incident.version + 1, open: 1, closed_at: null };
              reopened.push({ incident, cause: row });
            }
          }
        }
        const before = old?.incident ? old : undefined;
        incident = { ...incident, alerts: incident.alerts + (before ? 0 : 1), events: incident.events + row.count - (before?.count ?? 0) };
        incident.rank = rankOf(incident, value);
        if (incident.alerts <= 1 || (groups.byId.get(incident.id)?.verdict ?? -1) < incident.verdict || (groups.byId.get(incident.id)?.severity ?? -1) < incident.severity) fresh.add(incident.id);
        groups.put(incident);
        dirty.set(incident.id, incident);
        row.incident = incident.id;
      }

      const changed = [...dirty.values()].map((i) => ({ ...i, campaign: groups.campaignOf(i) }));
      await inOrder(engine, [
        () => insertMany(tx, engine, 'alert', ALERT_COLUMNS, todo.map((p) => ALERT_NAMES.map((name) => p.row[name])), ALERT_CONFLICT),
        () => insertMany(tx, engine, 'alert_body', { num: 'bigint', eve_json: 'text' }, todo.map((p) => [p.row.num, p.json]), 'on conflict (num) do update set eve_json = excluded.eve_json'),
        ...incidentWrites(tx, engine, changed, groups.stored),
        () => hours.write(tx, engine),
        () => groups.merge(tx),
      ]);
      for (const { incident, cause } of reopened) {
        await tx.insertInto('history').values({ object: incident.id, at: now, by: null, action: 'reopen', from_state: null, to_state: incident.state, text: seenAgain(cause) }).execute();
      }
      const seen = todo.filter((p) => p.row.suppressed === null);
      const tickets = await reopenTickets(tx, seen, now, options.due ?? deadlinesFrom, new Map(reopened.map((r) => [r.incident.id, r.cause])));
      return { alerts: seen.map((p) => p.row), eve: seen.map((p) => p.json), incidents: changed, tickets, stale, hidden, reopened: reopened.map((r) => r.incident), fresh };
    });
  };
}

/** New incidents whole; of the others only what this batch changed. */
function incidentWrites(tx: Db, engine: Engine, changed: readonly IncidentRecord[], stored: ReadonlyMap<string, IncidentRecord>): (() => Promise<void>)[] {
  const rows: Record<'fresh' | 'bound' | 'judged' | 'counted', IncidentRecord[]> = { fresh: [], bound: [], judged: [], counted: [] };
  for (const i of changed) {
    const before = stored.get(i.id);
    const same = (names: readonly (keyof IncidentRecord)[]): boolean => names.every((n) => before?.[n] === i[n]);
    rows[!before ? 'fresh' : !same(BOUND.slice(JUDGED.length)) ? 'bound' : !same(JUDGED.slice(COUNTED.length)) ? 'judged' : 'counted'].push(i);
  }
  const update = (names: readonly (keyof IncidentRecord)[], list: IncidentRecord[]) => (): Promise<void> =>
    updateMany(tx, engine, 'incident', { id: 'text' }, only(names), list.map((i) => [i.id, ...names.map((name) => i[name])]));
  return [
    () => insertMany(tx, engine, 'incident', INCIDENT_COLUMNS, rows.fresh.map((i) => INCIDENT_NAMES.map((name) => i[name])), INCIDENT_CONFLICT),
    update(BOUND, rows.bound), update(JUDGED, rows.judged), update(COUNTED, rows.counted),
  ];
}

async function knownAlerts(tx: Db, engine: Engine, ids: string[]): Promise<Map<string, Known>> {
  const { text: condition, value } = among(engine, 'id', ids);
  const [before] = condition.split('?');
  const { rows } = await sql<Known>`select num, id, revision, received, incident, count, severity, verdict, class, unit, attacker_unit, last_seen, demo, suppressed from alert where ${sql.raw(before)}${value}${sql.raw(condition.slice(before.length + 1))}`.execute(tx);
  return new Map(rows.map((r) => [r.id, r]));
}

const TOTAL_COLUMNS: Columns = { demo: 'bigint', unit: 'text', attacker_unit: 'text', class: 'text', severity: 'bigint', verdict: 'bigint', alerts: 'bigint' };
/** What a batch adds to the hourly counts, and takes from them where a revision says something else than the one before. */
class Hours {
  private readonly cells = new Map<string, { key: (string | number)[]; n: number }>();
  add(r: Pick<AlertRecord, 'last_seen' | 'demo' | 'unit' | 'attacker_unit' | 'class' | 'severity' | 'verdict'>, n: number): void {
    const key = [Math.floor(r.last_seen / HOUR_MS), r.demo, r.unit ?? '', r.attacker_unit ?? '', r.class, r.severity, r.verdict];
    const name = key.join('\0');
    const cell = this.cells.get(name);
    if (cell) cell.n += n;
    else this.cells.set(name, { key, n });
  }
  async write(tx: Db, engine: Engine): Promise<void> {
    const cells = [...this.cells.values()].filter((c) => c.n !== 0);
    await insertMany(tx, engine, 'alert_hour', { hour: 'bigint', ...TOTAL_COLUMNS }, cells.map((c) => [...c.key, c.n]),
      'on conflict (hour, demo, unit, attacker_unit, class, severity, verdict) do update set alerts = alert_hour.alerts + excluded.alerts');
    const totals = new Map<string, { key: (string | number)[]; n: number }>();
    for (const { key, n } of cells) {
      const name = key.slice(1).join('\0');
      const held = totals.get(name);
      if (held) held.n += n;
      else totals.set(name, { key: key.slice(1), n });
    }
    await insertMany(tx, engine, 'alert_total', TOTAL_COLUMNS, [...totals.values()].filter((c) => c.n !== 0).map((c) => [...c.key, c.n]),
      'on conflict (demo, unit, attacker_unit, class, severity, verdict) do update set alerts = alert_total.alerts + excluded.alerts');
  }
}

/** What the history says of an alert that brought something back, for readers of both languages. */
const seenAgain = (r: Pick<AlertRecord, 'title_zh' | 'title_en' | 'attacker_ip' | 'victim_ip'>): string =>
  JSON.stringify({ zh: `再次监测到 ${r.attacker_ip} → ${r.victim_ip}：${r.title_zh}`, en: `Seen again, ${r.attacker_ip} → ${r.victim_ip}: ${r.title_en}` });

/** A closed incident wakes when its attack is seen again; a dismissed one only when more happened than was judged. */
function wakes(i: IncidentRecord, s: Sighting): boolean {
  if (i.state === 'closed') return s.verdict >= i.verdict && s.last_seen > (i.last_seen ?? 0);
  return i.state === 'dismissed' && s.verdict > i.verdict;
}

/** What ties an incident to a campaign. */
type Tie = Pick<IncidentRecord, 'campaign' | 'attacker_ip' | 'victim_ip' | 'first_seen' | 'last_seen' | 'verdict' | 'demo'>;
// An attacker's latest incidents share their campaign; a host may have been taken by a few.
const TIES_PER_HOST = 8;

/** Incidents that the batch may join, and the campaigns that it may tie together. */
async function loadIncidents(tx: Db, engine: Engine, todo: Pending[], known: Map<string, Known>, window: number) {
  const since = Math.min(...todo.map((p) => p.sighting.first_seen)) - window;
  const pairs = [...new Map(todo.map(({ sighting: s }) => [`${s.attacker_ip}\0${s.victim_ip}`, [s.attacker_ip, s.victim_ip] as const])).values()];
  const pg = engine === 'postgres';
  const rows: IncidentRecord[] = [];
  // Every statement has one text, whatever the size of the batch.
  const wanted = pg ? sql`unnest(${pairs.map((p) => p[0])}::text[], ${pairs.map((p) => p[1])}::text[]) as x(a, v)` : sql`(select value->>0 as a, value->>1 as v from json_each(${JSON.stringify(pairs)})) as x`;
  rows.push(...(await sql<IncidentRecord>`select i.* from ${wanted} cross join incident as i where i.attacker_ip = x.a and i.victim_ip = x.v and i.last_seen >= ${since}`.execute(tx)).rows);
  const ids = [...new Set([...known.values()].flatMap((r) => (r.incident === null ? [] : [r.incident])))];
  if (ids.length > 0) {
    const of = pg ? sql`unnest(${ids}::text[]) as x(id)` : sql`(select value as id from json_each(${JSON.stringify(ids)})) as x`;
    rows.push(...(await sql<IncidentRecord>`select i.* from ${of} cross join incident as i where i.id = x.id`.execute(tx)).rows);
  }
  const byId = new Map<string, IncidentRecord>();
  const byPair = new Map<string, Set<string>>();
  const byAttacker = new Map<string, Tie[]>();
  const byVictim = new Map<string, Tie[]>();
  const merges = new Map<string, string>();
  const pairOf = (i: { attacker_ip: string; victim_ip: string }): string => `${i.attacker_ip}\0${i.victim_ip}`;
  const tie = (map: Map<string, Tie[]>, host: string, i: Tie): void => {
    const held = map.get(host);
    if (!held) map.set(host, [i]);
    // Of the many incidents of a loud attacker the latest stand for all.
    else if (!held.some((h) => h.campaign === i.campaign && h.demo === i.demo && h.last_seen >= i.last_seen && h.first_seen <= i.first_seen)) {
      held.push(i);
      if (held.length > TIES_PER_HOST) held.shift();
    }
  };
  const put = (i: IncidentRecord): void => {
    byId.set(i.id, i);
    const pair = byPair.get(pairOf(i));
    if (pair) pair.add(i.id);
    else byPair.set(pairOf(i), new Set([i.id]));
    tie(byAttacker, i.attacker_ip, i);
    if (i.verdict >= 1) tie(byVictim, i.victim_ip, i);
  };
  rows.forEach(put);
  const stored = new Map(byId);

  // What these attackers did elsewhere, what took them over before, and what hosts taken now did in turn.
  const fresh = todo.filter((p) => !byPair.has(pairOf(p.sighting)));
  const latest = async (column: 'attacker_ip' | 'victim_ip', hosts: string[], taken: boolean): Promise<Tie[]> => {
    if (hosts.length === 0) return [];
    const of = pg ? sql`unnest(${hosts}::text[]) as x(host)` : sql`(select value as host from json_each(${JSON.stringify(hosts)})) as x`;
    // The latest opened: the order of an index that further alerts do not rewrite.
    return (await sql<Tie>`select i.campaign, i.attacker_ip, i.victim_ip, i.first_seen, i.last_seen, i.verdict, i.demo from ${of} cross join incident as i
      where i.id in (select id from incident where ${sql.ref(column)} = x.host${taken ? sql` and verdict >= 1` : sql``} order by first_seen desc limit ${sql.lit(TIES_PER_HOST)}) and i.last_seen >= ${since}`.execute(tx)).rows;
  };
  const hosts = [...new Set(fresh.flatMap(({ sighting: s }) => (s.verdict >= 1 ? [s.attacker_ip, s.victim_ip] : [s.attacker_ip])))];
  await inOrder(engine, [
    async () => { for (const i of await latest('attacker_ip', hosts, false)) tie(byAttacker, i.attacker_ip, i); },
    async () => { for (const i of await latest('victim_ip', [...new Set(fresh.map((p) => p.sighting.attacker_ip))], true)) tie(byVictim, i.victim_ip, i); },
  ]);
  const near = (i: Tie, s: Sighting): boolean => s.first_seen <= i.last_seen + window && s.last_seen >= i.first_seen - window;
  const campaignOf = (i: Tie): string => {
    let name = i.campaign;
    for (let next = merges.get(name); next !== undefined && next !== name; next = merges.get(name)) name = next;
    return name;
  };

  return {
    byId, put,
    /** As they stood before this batch. */
    stored,
    /** The open incident of this pair within the window, else a finished one that it may wake. */
    find(s: Sighting): IncidentRecord | undefined {
      const pair = [...(byPair.get(pairOf(s)) ?? [])].map((id) => byId.get(id) as IncidentRecord).filter((i) => i.demo === s.demo && near(i, s));
      return pair.find((i) => (INCIDENT_OPEN as readonly string[]).includes(i.state)) ?? pair[0];
    },
    /** The same attacker elsewhere, or a victim that was taken and now attacks (either way round). */
    campaignFor(s: Sighting): string | undefined {
      const tied = [...(byAttacker.get(s.attacker_ip) ?? []), ...(byVictim.get(s.attacker_ip) ?? []), ...(s.verdict >= 1 ? byAttacker.get(s.victim_ip) ?? [] : [])]
        .filter((i) => i.demo === s.demo && near(i, s));
      const [first, ...others] = [...new Set(tied.map(campaignOf))].sort();
      for (const other of others) merges.set(other, first);
      return first;
    },
    /** Two campaigns that turned out to be one take one name. */
    async merge(tx2: Db): Promise<void> {
      for (const from of merges.keys()) await tx2.updateTable('incident').set({ campaign: campaignOf({ campaign: from } as Tie) }).where('campaign', '=', from).execute();
    },
    campaignOf,
  };
}

/** The same attack on the same asset, as far as it got before: the fix did not hold. */
async function reopenTickets(tx: Db, todo: Pending[], now: number, dueAt: (at: number, level: Level) => ClockTimes, woken: ReadonlyMap<string, AlertRecord>): Promise<string[]> {
  const victims = new Set(todo.map((p) => p.sighting.victim_ip));
  // Few tickets are watched at a time, and a batch has many victims: the tickets are read, and compared here.
  const earliest = Math.min(...todo.map((p) => p.sighting.last_seen));
  const held = (await tx.selectFrom('ticket').innerJoin('incident', 'incident.id', 'ticket.incident')
    .select(['ticket.id', 'ticket.state', 'ticket.watch_until', 'ticket.verification_json', 'ticket.level', 'incident.victim_ip', 'incident.classes_json', 'incident.verdict', 'incident.demo'])
    .where('ticket.state', 'in', ['watching', 'closed']).where((eb) => eb.or([eb('ticket.watch_until', 'is', null), eb('ticket.watch_until', '>=', earliest)])).execute()).filter((r) => victims.has(r.victim_ip));
  const back: string[] = [];
  const reopen = async (ticket: { id: string; state: string; level: number }, cause: Pick<AlertRecord, 'title_zh' | 'title_en' | 'attacker_ip' | 'victim_ip'>): Promise<void> => {
    const to = step(TICKET_MACHINE, ticket.state as TicketState, 'reopen', ['system'], () => true);
    if (!to.ok || back.includes(ticket.id)) return;
    const due = dueAt(now, ticket.level as Level);
    await tx.updateTable('ticket').set((eb) => ({
      state: to.to, version: eb('version', '+', 1), ended: null, watch_until: null, issued: now,
      due_acknowledge: due.acknowledge, due_contain: due.contain, due_rectify: due.rectify, due: due.acknowledge, due_clock: 'acknowledge',
      done_acknowledge: null, done_contain: null, done_rectify: null, told_due: null, escalated: null,
    }))
      .where('id', '=', ticket.id).execute();
    await tx.insertInto('history').values({ object: ticket.id, at: now, by: null, action: 'reopen', from_state: ticket.state, to_state: to.to, text: seenAgain(cause) }).execute();
    back.push(ticket.id);
  };
  for (const ticket of held) {
    const since = (JSON.parse(ticket.verification_json ?? '{}') as { at?: string }).at;
    const cause = todo.find(({ sighting: s }) => s.victim_ip === ticket.victim_ip && s.demo === ticket.demo && s.verdict >= ticket.verdict
      && (JSON.parse(ticket.classes_json) as string[]).includes(s.class) && s.last_seen >= (since ? Date.parse(since) : 0)
      && s.last_seen <= (ticket.watch_until ?? now));
    if (cause) await reopen(ticket, cause.row);
  }
  // An incident that woke after its archive takes its latest ticket along: the fix did not hold.
  for (const [incident, cause] of woken) {
    const last = await tx.selectFrom('ticket').select(['id', 'state', 'level']).where('incident', '=', incident).where('state', 'in', ['watching', 'closed']).orderBy('issued', 'desc').limit(1).executeTakeFirst();
    if (last) await reopen(last, cause);
  }
  return back;
}
