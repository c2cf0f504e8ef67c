import { sql } from 'kysely';
import { INCIDENT_OPEN } from '../../model/incident.js';
import type { Sighting } from '../ingest/grouping.js';
import type { IncidentRecord } from './incidents.js';
import type { Known, Pending } from './intake.js';
import { inOrder } from './many.js';
import { isOpen, type HeldTicket } from './returning.js';
import type { Db, Engine } from './schema.js';

/** A closed incident wakes when its attack is seen again; a dismissed one only when more happened than was judged. */
export function wakes(i: IncidentRecord, s: Sighting): boolean {
  if (i.state === 'closed') return s.verdict >= i.verdict && s.last_seen > (i.last_seen ?? 0);
  return i.state === 'dismissed' && s.verdict > i.verdict;
}

/** What ties an incident to a campaign. */
type Tie = Pick<IncidentRecord, 'campaign' | 'attacker_ip' | 'victim_ip' | 'first_seen' | 'last_seen' | 'verdict' | 'demo'>;
// An attacker's latest incidents share their campaign; a host may have been taken by a few.
const TIES_PER_HOST = 8;

/** Incidents that the batch may join, and the campaigns that it may tie together. Those with a ticket on these hosts are among them, however old. */
export async function loadIncidents(tx: Db, engine: Engine, todo: readonly Pending[], known: ReadonlyMap<string, Known>, held: readonly HeldTicket[], window: number) {
  const since = Math.min(...todo.map((p) => p.row.first_seen)) - window;
  const pairs = [...new Map(todo.map(({ row: s }) => [`${s.attacker_ip}\0${s.victim_ip}`, [s.attacker_ip, s.victim_ip] as const])).values()];
  const pg = engine === 'postgres';
  const rows: IncidentRecord[] = [];
  // Every statement has one text, whatever the size of the batch.
  const wanted = pg ? sql`unnest(${pairs.map((p) => p[0])}::text[], ${pairs.map((p) => p[1])}::text[]) as x(a, v)` : sql`(select value->>0 as a, value->>1 as v from json_each(${JSON.stringify(pairs)})) as x`;
  rows.push(...(await sql<IncidentRecord>`select i.* from ${wanted} cross join incident as i where i.attacker_ip = x.a and i.victim_ip = x.v and i.last_seen >= ${since}`.execute(tx)).rows);
  const ids = [...new Set([...[...known.values()].flatMap((r) => (r.incident === null ? [] : [r.incident])), ...held.map((t) => t.incident)])];
  const worked = new Set(held.filter(isOpen).map((t) => t.incident));
  const mended = new Set(held.map((t) => t.incident));
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
    // One that this batch has changed stands there itself.
    else if (!held.includes(i) && !held.some((h) => h.campaign === i.campaign && h.demo === i.demo && h.last_seen >= i.last_seen && h.first_seen <= i.first_seen)) {
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
  const fresh = todo.filter((p) => !byPair.has(pairOf(p.row)));
  const latest = async (column: 'attacker_ip' | 'victim_ip', hosts: string[], taken: boolean): Promise<Tie[]> => {
    if (hosts.length === 0) return [];
    const of = pg ? sql`unnest(${hosts}::text[]) as x(host)` : sql`(select value as host from json_each(${JSON.stringify(hosts)})) as x`;
    // The latest opened: the order of an index that further alerts do not rewrite.
    const found = sql`select id from incident where ${sql.ref(column)} = x.host${taken ? sql` and verdict >= 1` : sql``} order by first_seen desc limit ${sql.lit(TIES_PER_HOST)}`;
    // PostgreSQL would ask the list of a host anew for every incident there is; SQLite has no lateral join.
    const theirs = pg ? sql`cross join lateral (${found}) as y join incident as i on i.id = y.id where` : sql`cross join incident as i where i.id in (${found}) and`;
    return (await sql<Tie>`select i.campaign, i.attacker_ip, i.victim_ip, i.first_seen, i.last_seen, i.verdict, i.demo from ${of} ${theirs} i.last_seen >= ${since}`.execute(tx)).rows;
  };
  const hosts = [...new Set(fresh.flatMap(({ row: s }) => (s.verdict >= 1 ? [s.attacker_ip, s.victim_ip] : [s.attacker_ip])))];
  await inOrder([
    async () => { for (const i of await latest('attacker_ip', hosts, false)) tie(byAttacker, i.attacker_ip, i); },
    async () => { for (const i of await latest('victim_ip', [...new Set(fresh.map((p) => p.row.attacker_ip))], true)) tie(byVictim, i.victim_ip, i); },
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
    /** A record that this batch may change: a copy, the first time. */
    own(i: IncidentRecord): IncidentRecord {
      if (stored.get(i.id) !== i) return i;
      const copy = { ...i };
      for (const ties of [byAttacker.get(i.attacker_ip), byVictim.get(i.victim_ip)]) if (ties?.includes(i)) ties[ties.indexOf(i)] = copy;
      byId.set(i.id, copy);
      return copy;
    },
    /**
     * The open incident of this pair within the window, else the one whose ticket is being worked on, however old; else a
     * finished one of the window; else one whose ticket was closed and that this wakes.
     */
    find(s: Sighting): IncidentRecord | undefined {
      const pair = [...(byPair.get(pairOf(s)) ?? [])].map((id) => byId.get(id) as IncidentRecord).filter((i) => i.demo === s.demo);
      const close = pair.filter((i) => near(i, s));
      return close.find((i) => (INCIDENT_OPEN as readonly string[]).includes(i.state)) ?? pair.find((i) => worked.has(i.id)) ?? close[0] ?? pair.find((i) => mended.has(i.id) && wakes(i, s));
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
