import { sql, type Selectable, type SqlBool } from 'kysely';
import { SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import { INCIDENT_OPEN, type IncidentState } from '../../model/incident.js';
import type { IncidentQuery } from '../../model/requests.js';
import { readCursor, readTime, writeCursor } from './cursor.js';
import type { Db, HistoryTable, IncidentTable } from './schema.js';
import { withinScope, type Scope } from './scope.js';

export type IncidentRecord = Selectable<IncidentTable>;
export type HistoryRecord = Selectable<HistoryTable>;
type Query = Omit<IncidentQuery, 'unit'> & { units?: readonly string[] };

const like = (text: string): string => `%${text.replace(/[\\%_]/g, (c) => `\\${c}`)}%`;

export function incidentStore(db: Db) {
  function filtered(scope: Scope, q: Query, me: string | undefined) {
    let query = db.selectFrom('incident').where(withinScope(scope, 'incident'));
    const states = q.state?.split(',') ?? undefined;
    if (states) query = query.where('state', 'in', states);
    if (q.severity) query = query.where('severity', 'in', q.severity.split(',').map((s) => SEVERITIES.indexOf(s as never)));
    if (q.verdict) query = query.where('verdict', 'in', q.verdict.split(',').map((s) => VERDICTS.indexOf(s as never)));
    if (q.class) query = query.where((eb) => eb.or((q.class as string).split(',').map((c) => eb('classes_json', 'like', like(`"${c}"`)))));
    if (q.units) query = query.where('unit', 'in', [...q.units]);
    if (q.campaign) query = query.where('campaign', '=', q.campaign);
    if (q.owner === 'none') query = query.where('owner', 'is', null);
    else if (q.owner) query = query.where('owner', '=', q.owner === 'me' ? (me ?? '') : q.owner);
    if (q.ip) query = query.where((eb) => eb.or([eb('attacker_ip', '=', q.ip as string), eb('victim_ip', '=', q.ip as string)]));
    const from = readTime(q.from, 'from');
    const to = readTime(q.to, 'to');
    if (from !== undefined) query = query.where('last_seen', '>=', from);
    if (to !== undefined) query = query.where('last_seen', '<', to);
    if (q.demo !== undefined) query = query.where('demo', '=', q.demo ? 1 : 0);
    for (const word of q.text?.trim().split(/\s+/).filter(Boolean).slice(0, 8) ?? []) {
      const pattern = like(word);
      query = query.where(sql<SqlBool>`(lower(title_zh) like lower(${pattern}) escape '\\' or lower(title_en) like lower(${pattern}) escape '\\' or lower(techniques_json) like lower(${pattern}) escape '\\' or lower(rules_json) like lower(${pattern}) escape '\\' or id = ${word})`);
    }
    return query;
  }

  return {
    /** One page: by rank (open ones first), or by the last sighting. */
    async list(scope: Scope, q: Query, me?: string): Promise<{ rows: IncidentRecord[]; next?: string }> {
      const limit = q.limit ?? 100;
      const order = q.order ?? 'rank';
      let query = filtered(scope, q, me).selectAll();
      if (order === 'rank') {
        const after = readCursor(q.cursor, ['number', 'number', 'number', 'string']);
        if (after) query = query.where(sql<SqlBool>`(open, rank, last_seen, id) < (${after[0]}, ${after[1]}, ${after[2]}, ${after[3]})`);
        query = query.orderBy('open', 'desc').orderBy('rank', 'desc').orderBy('last_seen', 'desc').orderBy('id', 'desc');
      } else {
        const after = readCursor(q.cursor, ['number', 'string']);
        const down = order === 'newest';
        if (after) query = query.where(down ? sql<SqlBool>`(last_seen, id) < (${after[0]}, ${after[1]})` : sql<SqlBool>`(last_seen, id) > (${after[0]}, ${after[1]})`);
        query = query.orderBy('last_seen', down ? 'desc' : 'asc').orderBy('id', down ? 'desc' : 'asc');
      }
      const rows = await query.limit(limit + 1).execute();
      const more = rows.length > limit;
      if (more) rows.pop();
      const last = rows.at(-1);
      const next = more && last ? (order === 'rank' ? writeCursor(last.open, last.rank, last.last_seen, last.id) : writeCursor(last.last_seen, last.id)) : undefined;
      return { rows, ...(next ? { next } : {}) };
    },
    async counts(scope: Scope, q: Query, me?: string) {
      const rows = await filtered(scope, q, me).select(['state', 'severity', 'verdict', sql<number>`count(*)`.as('n')]).groupBy(['state', 'severity', 'verdict']).execute();
      return rows.map((r) => ({ ...r, n: Number(r.n) }));
    },
    byId: (scope: Scope, id: string): Promise<IncidentRecord | undefined> =>
      db.selectFrom('incident').selectAll().where('id', '=', id).where(withinScope(scope, 'incident')).executeTakeFirst(),
    byIds: (scope: Scope, ids: string[]): Promise<IncidentRecord[]> => (ids.length === 0 ? Promise.resolve([])
      : db.selectFrom('incident').selectAll().where('id', 'in', ids).where(withinScope(scope, 'incident')).execute()),
    campaign: (scope: Scope, campaign: string): Promise<IncidentRecord[]> =>
      db.selectFrom('incident').selectAll().where('campaign', '=', campaign).where(withinScope(scope, 'incident')).orderBy('first_seen').limit(1000).execute(),
    /** Size of each campaign and number of tickets of each incident, within what the reader may see. */
    async around(scope: Scope, rows: readonly Pick<IncidentRecord, 'id' | 'campaign'>[]) {
      if (rows.length === 0) return { campaigns: new Map<string, { incidents: number; victims: number }>(), tickets: new Map<string, number>() };
      const campaigns = await db.selectFrom('incident').where('campaign', 'in', [...new Set(rows.map((r) => r.campaign))]).where(withinScope(scope, 'incident'))
        .select(['campaign', sql<number>`count(*)`.as('incidents'), sql<number>`count(distinct victim_ip)`.as('victims')]).groupBy('campaign').execute();
      let tickets = db.selectFrom('ticket').where('incident', 'in', rows.map((r) => r.id));
      if (!scope.all) tickets = tickets.where('unit', 'in', scope.units.length > 0 ? [...scope.units] : ['']).where('state', 'not in', ['draft', 'review']);
      const counts = await tickets.select(['incident', sql<number>`count(*)`.as('n')]).groupBy('incident').execute();
      return {
        campaigns: new Map(campaigns.map((c) => [c.campaign, { incidents: Number(c.incidents), victims: Number(c.victims) }])),
        tickets: new Map(counts.map((c) => [c.incident, Number(c.n)])),
      };
    },
    /**
     * Writes a decision if nobody was faster. @returns the new version, or undefined on a conflict.
     */
    async decide(id: string, version: number, change: Partial<IncidentRecord> & { state: IncidentState }, entry: Omit<HistoryRecord, 'num' | 'object'>): Promise<number | undefined> {
      return db.transaction().execute(async (tx) => {
        const open = (INCIDENT_OPEN as readonly string[]).includes(change.state) ? 1 : 0;
        const done = await tx.updateTable('incident').set({ ...change, open, version: version + 1 }).where('id', '=', id).where('version', '=', version).executeTakeFirst();
        if (done.numUpdatedRows === 0n) return undefined;
        await tx.insertInto('history').values({ object: id, ...entry }).execute();
        return version + 1;
      });
    },
    history: (object: string): Promise<HistoryRecord[]> => db.selectFrom('history').selectAll().where('object', '=', object).orderBy('num').limit(2000).execute(),
    async comment(entry: Omit<HistoryRecord, 'num'>): Promise<void> { await db.insertInto('history').values(entry).execute(); },
  };
}
export type IncidentStore = ReturnType<typeof incidentStore>;
