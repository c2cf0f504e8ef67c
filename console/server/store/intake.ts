import { sql, type Insertable } from 'kysely';
import type { Alert } from '../../../contracts/alert.js';
import { CLASSES, SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import { deadlinesFrom, type Level } from '../../model/deadline.js';
import { INCIDENT_MACHINE, INCIDENT_OPEN } from '../../model/incident.js';
import { step } from '../../model/state-machine.js';
import { TICKET_MACHINE, type TicketState } from '../../model/ticket.js';
import type { Assets } from '../assets.js';
import { addSighting, openIncident, type Sighting } from '../ingest/grouping.js';
import type { AlertRecord } from './alerts.js';
import type { IncidentRecord } from './incidents.js';
import type { AlertTable, Db, Engine } from './schema.js';
import { columnText, indexTokens } from './search-text.js';

/** What a batch changed, for the browsers. */
export interface Taken { alerts: AlertRecord[]; incidents: IncidentRecord[]; tickets: string[]; stale: number }
/** Bind parameters of one statement stay below the engines' limits (32,766 in SQLite). */
const ROWS_PER_INSERT = 200;

const ms = (eve: string): number => {
  const t = Date.parse(eve);
  return Number.isFinite(t) ? t : 0;
};
const text = (value: unknown, max?: number): string => columnText(typeof value === 'string' ? value : String(value ?? ''), max);
const port = (value: unknown): number | null => (Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536 ? (value as number) : null);

type NewAlert = Omit<Insertable<AlertTable>, 'num'>;
interface Pending { row: NewAlert; sighting: Sighting; alert: Alert }

function toRow(alert: Alert, assets: Assets, received: number): Pending {
  const s = alert.shouwang;
  const attackerIp = text(s.attacker?.ip, 64);
  const victimIp = text(s.victim?.ip, 64);
  const attacker = assets.find(attackerIp);
  const victim = assets.find(victimIp);
  const attackerUnit = s.attacker?.unit ?? attacker.unit ?? null;
  const row: NewAlert = {
    id: text(s.id, 128), revision: Math.max(0, Math.trunc(s.revision) || 0), rule: text(s.rule, 128),
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
  return { row, sighting, alert };
}

/** Words by which an alert is found. */
function searchTokens({ row, alert }: Pending): string[] {
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
  return async function take(batch: readonly Alert[], assets: Assets, now: number, windowMs: number): Promise<Taken> {
    const newest = new Map<string, Pending>();
    let stale = 0;
    for (const alert of batch) {
      const pending = toRow(alert, assets, now);
      const held = newest.get(pending.row.id);
      if (held && held.row.revision >= pending.row.revision) { stale++; continue; }
      if (held) stale++;
      newest.set(pending.row.id, pending);
    }
    if (newest.size === 0) return { alerts: [], incidents: [], tickets: [], stale };

    return db.transaction().execute(async (tx0) => {
      const tx = tx0 as unknown as Db;
      // Two consoles on one PostgreSQL: grouping reads before it writes.
      if (engine === 'postgres') await sql.raw('select pg_advisory_xact_lock(7305002)').execute(tx);
      const known = new Map((await tx.selectFrom('alert').selectAll().where('id', 'in', [...newest.keys()]).execute()).map((r) => [r.id, r as AlertRecord]));
      const todo = [...newest.values()].filter((p) => {
        const old = known.get(p.row.id);
        if (old && old.revision >= p.row.revision) { stale++; return false; }
        return true;
      });
      if (todo.length === 0) return { alerts: [], incidents: [], tickets: [], stale };

      const groups = await loadIncidents(tx, todo, known);
      const dirty = new Map<string, IncidentRecord>();
      const reopened: { incident: IncidentRecord; alert: string }[] = [];
      for (const pending of todo) {
        const s = pending.sighting;
        const old = known.get(s.id);
        const value = assets.value(s.system);
        let incident = old?.incident ? groups.byId.get(old.incident) : undefined;
        incident ??= groups.find(s, windowMs);
        if (!incident) {
          incident = openIncident(s, '', value);
          incident.campaign = groups.campaignFor(s, windowMs) ?? incident.id;
        } else {
          const before = incident;
          incident = addSighting(incident, s, value);
          if (wakes(before, s)) {
            const back = step(INCIDENT_MACHINE, before.state as never, 'reopen', ['system'], (need) => need === 'reason');
            if (back.ok) {
              incident = { ...incident, state: back.to, reopened: incident.reopened + 1, version: incident.version + 1, open: 1, closed_at: null };
              reopened.push({ incident, alert: s.id });
            }
          }
        }
        incident = { ...incident, alerts: incident.alerts + (old ? 0 : 1), events: incident.events + (pending.row.count as number) - (old?.count ?? 0) };
        groups.put(incident);
        dirty.set(incident.id, incident);
        pending.row.incident = incident.id;
      }

      const stored: AlertRecord[] = [];
      for (let at = 0; at < todo.length; at += ROWS_PER_INSERT) {
        const slice = todo.slice(at, at + ROWS_PER_INSERT);
        const rows = await tx.insertInto('alert').values(slice.map((p) => p.row))
          .onConflict((c) => c.column('id').doUpdateSet((eb) => ({
            revision: eb.ref('excluded.revision'), title_zh: eb.ref('excluded.title_zh'), title_en: eb.ref('excluded.title_en'),
            severity: eb.ref('excluded.severity'), verdict: eb.ref('excluded.verdict'), first_seen: eb.ref('excluded.first_seen'),
            last_seen: eb.ref('excluded.last_seen'), count: eb.ref('excluded.count'), incident: eb.ref('excluded.incident'),
          })))
          .returning(['id', 'num']).execute();
        const nums = new Map(rows.map((r) => [r.id, r.num]));
        for (const p of slice) stored.push({ ...(p.row as Omit<AlertRecord, 'num'>), received: known.get(p.row.id)?.received ?? now, num: nums.get(p.row.id) as number });
        await tx.insertInto('alert_body').values(slice.map((p) => ({ num: nums.get(p.row.id) as number, eve_json: JSON.stringify(p.alert) })))
          .onConflict((c) => c.column('num').doUpdateSet((eb) => ({ eve_json: eb.ref('excluded.eve_json') }))).execute();
        const fresh = slice.filter((p) => !known.has(p.row.id));
        if (fresh.length > 0) await index(tx, engine, fresh.map((p) => ({ num: nums.get(p.row.id) as number, tokens: searchTokens(p) })));
      }

      const changed = [...dirty.values()].map((i) => groups.byId.get(i.id) as IncidentRecord);
      for (let at = 0; at < changed.length; at += ROWS_PER_INSERT) {
        const slice = changed.slice(at, at + ROWS_PER_INSERT);
        const columns = Object.keys(slice[0]) as (keyof IncidentRecord)[];
        await tx.insertInto('incident').values(slice)
          .onConflict((c) => c.column('id').doUpdateSet((eb) => Object.fromEntries(columns.map((k) => [k, eb.ref(`excluded.${k}`)])))).execute();
      }
      await groups.merge(tx);
      for (const { incident, alert } of reopened) {
        await tx.insertInto('history').values({ object: incident.id, at: now, by: null, action: 'reopen', from_state: null, to_state: incident.state, text: alert }).execute();
      }
      const tickets = await reopenTickets(tx, todo, now);
      return { alerts: stored, incidents: [...dirty.values()], tickets, stale };
    });
  };
}

/** A closed incident wakes when its attack is seen again; a dismissed one only when more happened than was judged. */
function wakes(i: IncidentRecord, s: Sighting): boolean {
  if (i.state === 'closed') return s.verdict >= i.verdict && s.last_seen > (i.last_seen ?? 0);
  return i.state === 'dismissed' && s.verdict > i.verdict;
}

async function index(tx: Db, engine: Engine, rows: { num: number; tokens: string[] }[]): Promise<void> {
  const values = sql.join(rows.map((r) => (engine === 'postgres'
    ? sql`(${r.num}::bigint, array_to_tsvector(${r.tokens}::text[]))`
    : sql`(${r.num}, ${r.tokens.join(' ')})`)));
  await sql`insert into alert_search (${sql.raw(engine === 'postgres' ? 'num' : 'rowid')}, tokens) values ${values}`.execute(tx);
}

/** Incidents that the batch may join, and the campaigns that it may tie together. */
async function loadIncidents(tx: Db, todo: Pending[], known: Map<string, AlertRecord>) {
  // What these attackers did elsewhere, what took them over before, and what hosts taken now did in turn.
  // Not all incidents of a victim: a portal under a distributed attack has as many as there are attackers.
  const attackers = new Set(todo.map((p) => p.sighting.attacker_ip));
  const ips = [...new Set([...attackers, ...todo.filter((p) => p.sighting.verdict >= 1).map((p) => p.sighting.victim_ip)])];
  const ids = [...known.values()].map((r) => r.incident).filter((id): id is string => id !== null);
  const earliest = Math.min(...todo.map((p) => p.sighting.first_seen));
  const rows: IncidentRecord[] = [];
  for (let at = 0; at < ips.length; at += 500) {
    const some = ips.slice(at, at + 500);
    rows.push(...await tx.selectFrom('incident').selectAll().where((eb) => eb.or([eb('attacker_ip', 'in', some), eb.and([eb('victim_ip', 'in', some), eb('verdict', '>=', 1)])]))
      .where('last_seen', '>=', earliest - 31 * 86_400_000).orderBy('last_seen', 'desc').limit(20_000).execute());
  }
  if (ids.length > 0) rows.push(...await tx.selectFrom('incident').selectAll().where('id', 'in', ids).execute());
  const byId = new Map<string, IncidentRecord>();
  const byAttacker = new Map<string, Set<string>>();
  const byVictim = new Map<string, Set<string>>();
  const merges = new Map<string, string>();
  const note = (map: Map<string, Set<string>>, key: string, id: string): void => { (map.get(key) ?? map.set(key, new Set()).get(key) as Set<string>).add(id); };
  const put = (i: IncidentRecord): void => { byId.set(i.id, i); note(byAttacker, i.attacker_ip, i.id); note(byVictim, i.victim_ip, i.id); };
  rows.forEach(put);
  const near = (i: IncidentRecord, s: Sighting, window: number): boolean => s.first_seen <= i.last_seen + window && s.last_seen >= i.first_seen - window;
  const those = (map: Map<string, Set<string>>, key: string): IncidentRecord[] => [...(map.get(key) ?? [])].map((id) => byId.get(id) as IncidentRecord);

  return {
    byId, put,
    /** The open incident of this pair within the window, else a finished one that it may wake. */
    find(s: Sighting, window: number): IncidentRecord | undefined {
      const pair = those(byAttacker, s.attacker_ip).filter((i) => i.victim_ip === s.victim_ip && i.demo === s.demo && near(i, s, window));
      return pair.find((i) => (INCIDENT_OPEN as readonly string[]).includes(i.state)) ?? pair[0];
    },
    /** The same attacker elsewhere, or a victim that was taken and now attacks (either way round). */
    campaignFor(s: Sighting, window: number): string | undefined {
      const tied = [
        ...those(byAttacker, s.attacker_ip),
        ...those(byVictim, s.attacker_ip).filter((i) => i.verdict >= 1),
        ...(s.verdict >= 1 ? those(byAttacker, s.victim_ip) : []),
      ].filter((i) => i.demo === s.demo && near(i, s, window));
      const campaigns = [...new Set(tied.map((i) => i.campaign))].sort();
      const [first, ...others] = campaigns;
      for (const other of others) {
        merges.set(other, first);
        for (const i of byId.values()) if (i.campaign === other) byId.set(i.id, { ...i, campaign: first });
      }
      return first;
    },
    async merge(tx2: Db): Promise<void> {
      for (const [from, to] of merges) await tx2.updateTable('incident').set({ campaign: to }).where('campaign', '=', from).execute();
    },
  };
}

/** The same attack on the same asset, as far as it got before: the fix did not hold. */
async function reopenTickets(tx: Db, todo: Pending[], now: number): Promise<string[]> {
  const victims = [...new Set(todo.map((p) => p.sighting.victim_ip))];
  const held = await tx.selectFrom('ticket').innerJoin('incident', 'incident.id', 'ticket.incident')
    .select(['ticket.id', 'ticket.state', 'ticket.watch_until', 'ticket.verification_json', 'ticket.level', 'incident.victim_ip', 'incident.classes_json', 'incident.verdict', 'incident.demo'])
    .where('ticket.state', 'in', ['watching', 'closed']).where('incident.victim_ip', 'in', victims).execute();
  const back: string[] = [];
  for (const ticket of held) {
    const since = (JSON.parse(ticket.verification_json ?? '{}') as { at?: string }).at;
    const cause = todo.find(({ sighting: s }) => s.victim_ip === ticket.victim_ip && s.demo === ticket.demo && s.verdict >= ticket.verdict
      && (JSON.parse(ticket.classes_json) as string[]).includes(s.class) && s.last_seen >= (since ? Date.parse(since) : 0)
      && s.last_seen <= (ticket.watch_until ?? now));
    if (!cause) continue;
    const to = step(TICKET_MACHINE, ticket.state as TicketState, 'reopen', ['system'], () => true);
    if (!to.ok) continue;
    const due = deadlinesFrom(now, ticket.level as Level);
    await tx.updateTable('ticket').set((eb) => ({
      state: to.to, version: eb('version', '+', 1), ended: null, watch_until: null, issued: now,
      due_acknowledge: due.acknowledge, due_contain: due.contain, due_rectify: due.rectify, due: due.acknowledge, due_clock: 'acknowledge',
      done_acknowledge: null, done_contain: null, done_rectify: null,
    }))
      .where('id', '=', ticket.id).execute();
    await tx.insertInto('history').values({ object: ticket.id, at: now, by: null, action: 'reopen', from_state: ticket.state, to_state: to.to, text: cause.row.id }).execute();
    back.push(ticket.id);
  }
  return back;
}
