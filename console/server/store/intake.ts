import { sql } from 'kysely';
import type { Alert } from '../../../contracts/alert.js';
import { CLASSES, SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import type { ClockTimes, Level } from '../../model/deadline.js';
import type { IncidentState } from '../../model/incident.js';
import type { Assets } from '../assets.js';
import { addSighting, openIncident, rankOf, type Sighting } from '../ingest/grouping.js';
import { roundsOf } from '../../model/rounds.js';
import type { AlertRecord } from './alerts.js';
import { appendAudit, type AuditEntry } from './audit.js';
import { byConsole, noted } from './follow-up.js';
import { loadIncidents, wakes } from './incident-groups.js';
import type { HistoryRecord, IncidentRecord } from './incidents.js';
import { among, appendMany, inOrder, insertMany, updateMany, type Columns } from './many.js';
import { isBack, isOpen, reopenTicket, seenAgain, ticketsOf, wakened, type HeldTicket } from './returning.js';
import type { Db, Engine } from './schema.js';
import { NOTHING_TOLD, writeTold, type Told } from './told.js';
import type { FollowUpRecord } from './tickets.js';
import { columnText, indexTokens } from './search-text.js';

/** What a batch changed, for the browsers. Hidden alerts are not among `alerts`. */
export interface Taken { /** What follows from tickets that this batch opened again. */ followUps: FollowUpRecord[]; alerts: AlertRecord[]; /** The same alerts in EVE, as they are stored. */ eve: string[]; incidents: IncidentRecord[]; tickets: string[]; stale: number; hidden: Map<string, number>; /** Incidents that this batch opened again. */ reopened: IncidentRecord[]; told: Told; /** Ids of incidents that are new, or whose verdict or severity rose. */ fresh: Set<string> }
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
  /** What the batch makes known; written with it. */
  tell?: (taken: Pick<Taken, 'alerts' | 'eve' | 'incidents' | 'fresh' | 'reopened'>) => Told;
}

const ALERT_COLUMNS: Columns = {
  num: 'bigint', id: 'text', revision: 'bigint', rule: 'text', title_zh: 'text', title_en: 'text', severity: 'bigint', verdict: 'bigint', class: 'text', phase: 'text',
  attacker_ip: 'text', attacker_port: 'bigint', attacker_unit: 'text', attacker_system: 'text', victim_ip: 'text', victim_port: 'bigint', unit: 'text', system: 'text',
  proto: 'text', app_proto: 'text', node: 'text', first_seen: 'bigint', last_seen: 'bigint', received: 'bigint', count: 'bigint', incident: 'text', demo: 'bigint', seq: 'bigint', suppressed: 'text',
};
const ALERT_NAMES = Object.keys(ALERT_COLUMNS) as (keyof AlertRecord)[];
const BODY_COLUMNS: Columns = { num: 'bigint', eve_json: 'text' };
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
/** A name of the registry, or none: what an analyzer sends is text of any kind. */
const named = (value: unknown): string | null => (value === undefined || value === null || value === '' ? null : text(value, 64));
const port = (value: unknown): number | null => (Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536 ? (value as number) : null);

export interface Pending { row: AlertRecord & Sighting; json: string }
export type Known = Pick<AlertRecord, 'num' | 'id' | 'revision' | 'received' | 'incident' | 'count' | 'severity' | 'verdict' | 'class' | 'unit' | 'attacker_unit' | 'last_seen' | 'demo' | 'suppressed'>;

function toRow(alert: Alert, json: string | undefined, assets: Assets, received: number): Pending {
  const s = alert.shouwang;
  const attackerIp = text(s.attacker?.ip, 64);
  const victimIp = text(s.victim?.ip, 64);
  const attacker = assets.find(attackerIp);
  const victim = assets.find(victimIp);
  const attackerUnit = named(s.attacker?.unit ?? attacker.unit);
  const row: AlertRecord & Sighting = {
    techniques: (Array.isArray(s.techniques) ? s.techniques : []).slice(0, 16).map((t) => text(t, 16)),
    num: 0, seq: 0, suppressed: null, id: text(s.id, 128), revision: Math.max(0, Math.trunc(s.revision) || 0), rule: text(s.rule, 128),
    title_zh: text(s.title?.zh), title_en: text(s.title?.en),
    severity: Math.max(0, SEVERITIES.indexOf(s.severity)), verdict: Math.max(0, VERDICTS.indexOf(s.verdict)),
    class: Object.hasOwn(CLASSES, s.class) ? s.class : 'protocol_anomaly', phase: text(s.phase, 40),
    attacker_ip: attackerIp, attacker_port: port(s.attacker?.port), attacker_unit: attackerUnit,
    attacker_system: named(s.attacker?.system ?? attacker.system),
    victim_ip: victimIp, victim_port: port(s.victim?.port),
    unit: named(s.victim?.unit ?? victim.unit) ?? attackerUnit ?? named(s.unit), system: named(s.victim?.system ?? victim.system),
    proto: alert.proto ? text(alert.proto, 16) : null, app_proto: alert.app_proto ? text(alert.app_proto, 32) : null,
    node: s.node ?? alert.host ? text(s.node ?? alert.host, 64) : null,
    first_seen: ms(s.first_seen), last_seen: ms(s.last_seen), received, count: Math.max(1, Math.trunc(s.count) || 1),
    incident: null, demo: s.demo ? 1 : 0,
  };
  return { row, json: columnText(json ?? JSON.stringify(alert), Infinity) };
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
  const nothing = (stale: number): Taken => ({ followUps: [], alerts: [], eve: [], incidents: [], tickets: [], stale, hidden: new Map(), reopened: [], fresh: new Set(), told: NOTHING_TOLD });
  const line = new Line();
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
    if (newest.size === 0) return nothing(stale);

    return line.pass((handedOver) => db.transaction().execute(async (tx0) => {
      const tx = tx0 as unknown as Db;
      // Two consoles on one PostgreSQL: grouping reads before it writes.
      if (engine === 'postgres') await sql.raw('select pg_advisory_xact_lock(7305002)').execute(tx);
      let known = new Map<string, Known>();
      let held: HeldTicket[] = [];
      let seq = 0;
      await inOrder([
        async () => { known = await knownAlerts(tx, engine, [...newest.keys()]); },
        async () => { held = await ticketsOf(tx, engine, [...new Set([...newest.values()].flatMap(({ row }) => [row.victim_ip, row.attacker_ip]))]); },
        async () => { seq = Number((await tx.selectFrom('counter').select('value').where('name', '=', 'alert_seq').executeTakeFirst())?.value ?? 0); },
      ]);
      const todo = [...newest.values()].filter((p) => {
        const old = known.get(p.row.id);
        if (old && (options.again ? old.revision !== p.row.revision : old.revision >= p.row.revision)) { stale++; return false; }
        return true;
      });
      if (todo.length === 0) return nothing(stale);
      const hidden = new Map<string, number>();
      const hours = new Hours();

      const groups = await loadIncidents(tx, engine, todo, known, held, windowMs);
      const fresh = new Set<string>();
      const dirty = new Map<string, IncidentRecord>();
      const reopened = new Map<string, IncidentRecord>();
      const history: Omit<HistoryRecord, 'num'>[] = [];
      const back = new Map<HeldTicket, AlertRecord>();
      /** Opens a finished incident again. */
      const wake = (incident: IncidentRecord, cause: AlertRecord, ticket: boolean): void => {
        for (const { action, to } of wakened(incident.state as IncidentState, ticket)) {
          history.push({ object: incident.id, at: now, by: null, action, from_state: incident.state, to_state: to, text: seenAgain(cause) });
          if (action === 'reopen') Object.assign(incident, { reopened: incident.reopened + 1, closed_at: null, open: 1 });
          incident.state = to;
          incident.version++;
          reopened.set(incident.id, incident);
        }
      };
      for (const pending of todo) {
        const { row } = pending;
        const old = known.get(row.id);
        row.seq = ++seq;
        row.num = old?.num ?? seq;
        if (old) row.received = old.received;
        if (old && old.suppressed === null) hours.add(old, -1);
        const ruled = options.suppress?.(row);
        if (ruled) hidden.set(ruled.id, (hidden.get(ruled.id) ?? 0) + (old?.suppressed === ruled.id ? 0 : 1));
        if (ruled?.effect === 'lower') row.severity = Math.max(0, row.severity - 1);
        else if (ruled && !old?.incident) {
          row.suppressed = ruled.id;
          continue;
        }
        hours.add(row, 1);
        for (const t of held) if (!back.has(t) && isBack(t, row)) back.set(t, row);
        const value = assets.value(row.system);
        const found = (old?.incident ? groups.byId.get(old.incident) : undefined) ?? groups.find(row);
        const incident = found ? groups.own(found) : openIncident(row, groups.campaignFor(row) ?? '', value);
        if (!found) fresh.add(incident.id);
        else {
          const { verdict, severity } = incident;
          const woken = wakes(incident, row);
          addSighting(incident, row, value);
          if (incident.verdict > verdict || incident.severity > severity) fresh.add(incident.id);
          if (woken) {
            // Its latest ticket comes along: the fix did not hold.
            const last = held.filter((t) => t.incident === incident.id && !isOpen(t)).sort((a, b) => (b.issued ?? 0) - (a.issued ?? 0))[0];
            if (last && !back.has(last)) back.set(last, row);
            wake(incident, row, last !== undefined);
          }
        }
        const before = old?.incident ? old : undefined;
        incident.alerts += before ? 0 : 1;
        incident.events += row.count - (before?.count ?? 0);
        groups.put(incident);
        dirty.set(incident.id, incident);
        row.incident = incident.id;
      }
      const tickets: string[] = [];
      const entries: AuditEntry[] = [];
      const followUps: FollowUpRecord[] = [];
      for (const [ticket, cause] of back) {
        if (!await reopenTicket(tx, ticket, cause, now, options.due)) continue;
        tickets.push(ticket.id);
        // The fix did not hold: everybody who had to do with it hears of it.
        followUps.push(noted(ticket.id, now, { notice: { kind: 'reopened', audience: ['unit', 'people', 'watch', 'leaders'] } }));
        entries.push(byConsole(now, ticket, 'reopen', 'issued', { alert: cause.id, round: roundsOf(ticket).at(-1) }));
        const incident = groups.own(groups.byId.get(ticket.incident) as IncidentRecord);
        wake(incident, cause, true);
        dirty.set(incident.id, incident);
      }
      const changed = [...dirty.values()];
      for (const i of changed) {
        i.campaign = groups.campaignOf(i);
        i.rank = rankOf(i, assets.value(i.system));
      }
      const [arrived, revised] = [todo.filter((p) => !known.has(p.row.id)), todo.filter((p) => known.has(p.row.id))];
      const columns = (list: Pending[]) => list.map((p) => ALERT_NAMES.map((name) => p.row[name]));
      const bodies = (list: Pending[]) => list.map((p) => [p.row.num, p.json]);
      const seen = todo.filter((p) => p.row.suppressed === null);
      const taken = { alerts: seen.map((p) => p.row), eve: seen.map((p) => p.json), incidents: changed, reopened: [...reopened.values()], fresh };
      const told = options.tell?.(taken) ?? NOTHING_TOLD;
      const writing = inOrder([
        () => appendMany(tx, engine, 'alert', ALERT_COLUMNS, columns(arrived)),
        () => appendMany(tx, engine, 'alert_body', BODY_COLUMNS, bodies(arrived)),
        () => insertMany(tx, engine, 'alert', ALERT_COLUMNS, columns(revised), ALERT_CONFLICT),
        () => insertMany(tx, engine, 'alert_body', BODY_COLUMNS, bodies(revised), 'on conflict (num) do update set eve_json = excluded.eve_json'),
        ...incidentWrites(tx, engine, changed, groups.stored),
        () => hours.write(tx, engine),
        () => groups.merge(tx),
        // A number is never used again, though the latest alerts were cleared; and to ask the table for its highest reads all of it where only a BRIN index knows.
        () => tx.insertInto('counter').values({ name: 'alert_seq', value: seq }).onConflict((c) => c.column('name').doUpdateSet({ value: seq })).execute(),
        async () => { if (history.length > 0) await tx.insertInto('history').values(history).execute(); },
        () => writeTold(tx, engine, told),
        async () => { if (followUps.length > 0) await tx.insertInto('follow_up').values(followUps).execute(); },
      ]);
      handedOver();
      await writing;
      for (const entry of entries) await appendAudit(tx, engine, entry);
      return { ...taken, followUps, tickets, stale, hidden, told };
    }));
  };
}

/**
 * Lets batches through one behind the other so that this thread and the writer's work at the same time: whoever waits for
 * a batch that is stored hears of it when the next one's rows are with the writer, and makes the one after it ready meanwhile.
 */
class Line {
  private last: { handedOver: Promise<void>; behind?: Promise<void> } | undefined;

  /** @param work calls what it gets when the writer has all its rows */
  async pass<T>(work: (handedOver: () => void) => Promise<T>): Promise<T> {
    const before = this.last;
    let handedOver!: () => void;
    const mine: NonNullable<typeof this.last> = { handedOver: new Promise<void>((resolve) => { handedOver = resolve; }) };
    this.last = mine;
    if (before) before.behind = mine.handedOver;
    await before?.handedOver;
    try {
      return await work(handedOver);
    } finally {
      handedOver();
      await mine.behind;
    }
  }
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
