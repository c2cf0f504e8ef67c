import { sql, type Selectable, type SqlBool } from 'kysely';
import { SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import { INCIDENT_OPEN, type IncidentState } from '../../model/incident.js';
import type { IncidentQuery } from '../../model/requests.js';
import { appendAudit, type AuditEntry } from './audit.js';
import { readCursor, readTime, writeCursor } from './cursor.js';
import type { Db, Engine, HistoryTable, IncidentTable } from './schema.js';
import { withinScope, type Scope } from './scope.js';
import { writeTold, type Told } from './told.js';
import { together } from './transaction.js';

export type IncidentRecord = Selectable<IncidentTable>;
export type HistoryRecord = Selectable<HistoryTable>;
type Query = Omit<IncidentQuery, 'unit'> & { units?: readonly string[] };

/** Rows that one step of a list looks at, and the time after which a page ends as it is. */
const STEP_ROWS = 4_000;
const STEP_ROWS_MAX = 32_000;
const PAGE_MS = 120;
/** Incidents that are counted one by one where no index holds what is asked; beyond it the answer says that there are more. */
export const INCIDENT_COUNT_CAP = 10_000;

// A whole address is looked up, not searched for.
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;
const like = (text: string): string => `%${text.replace(/[\\%_]/g, (c) => `\\${c}`)}%`;

export function incidentStore(db: Db, engine: Engine) {
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
      if (ADDRESS.test(word)) {
        query = query.where((eb) => eb.or([eb('attacker_ip', '=', word), eb('victim_ip', '=', word)]));
        continue;
      }
      const pattern = like(word);
      query = query.where(sql<SqlBool>`(lower(title_zh) like lower(${pattern}) escape '\\' or lower(title_en) like lower(${pattern}) escape '\\' or lower(techniques_json) like lower(${pattern}) escape '\\' or lower(rules_json) like lower(${pattern}) escape '\\' or id = ${word})`);
    }
    return query;
  }

  return {
    /**
     * One page: by rank (open ones first), or by the last sighting. Filters that no index knows are tried step by step
     * along the order; a page may end early with a `next` when the time for looking is over.
     */
    async list(scope: Scope, q: Query, me?: string): Promise<{ rows: IncidentRecord[]; next?: string }> {
      const limit = q.limit ?? 100;
      const order = q.order ?? 'rank';
      const keys = order === 'rank' ? ['open', 'rank', 'last_seen', 'id'] as const : ['last_seen', 'id'] as const;
      const direction = order === 'oldest' ? 'asc' : 'desc';
      const key = sql.raw(`(${keys.join(', ')})`);
      type Key = (number | string)[];
      const tuple = (k: Key) => sql.join(k);
      const beyond = (k: Key) => (direction === 'desc' ? sql<SqlBool>`${key} < (${tuple(k)})` : sql<SqlBool>`${key} > (${tuple(k)})`);
      const upTo = (k: Key) => (direction === 'desc' ? sql<SqlBool>`${key} >= (${tuple(k)})` : sql<SqlBool>`${key} <= (${tuple(k)})`);
      let at = readCursor(q.cursor, keys.map((k) => (k === 'id' ? 'string' : 'number')));
      const page = (from: Key | undefined, edge: Key | undefined, most: number): Promise<IncidentRecord[]> => {
        let query = filtered(scope, q, me).selectAll();
        if (from) query = query.where(beyond(from));
        if (edge) query = query.where(upTo(edge));
        for (const k of keys) query = query.orderBy(k, direction);
        return query.limit(most).execute();
      };
      // Few incidents are these: their own index finds them all.
      const narrow = q.campaign !== undefined || q.ip !== undefined || !scope.all || (q.text?.trim().split(/\s+/).some((w) => ADDRESS.test(w)) ?? false);
      const broad = !q.text?.trim() && !q.class;
      const rows: IncidentRecord[] = [];
      const until = performance.now() + PAGE_MS;
      for (let step = STEP_ROWS; ;) {
        let edge: Key | undefined;
        if (!narrow && !broad) {
          let query = db.selectFrom('incident').select(keys);
          if (at) query = query.where(beyond(at));
          for (const k of keys) query = query.orderBy(k, direction);
          const last = await query.offset(step - 1).limit(1).executeTakeFirst() as Record<string, number | string> | undefined;
          edge = last && keys.map((k) => last[k]);
        }
        rows.push(...await page(at, edge, limit + 1 - rows.length));
        if (rows.length > limit) {
          rows.length = limit;
          return { rows, next: writeCursor(...keys.map((k) => rows[limit - 1][k])) };
        }
        if (!edge) return { rows };
        at = edge;
        const rest = until - performance.now();
        if (rest < 0) return { rows, next: writeCursor(...edge) };
        // The last step, too, has to end near the end of the time.
        if (rest > PAGE_MS / 2) step = Math.min(step * 2, STEP_ROWS_MAX);
      }
    },
    async counts(scope: Scope, q: Query, me?: string) {
      const plain = !q.text?.trim() && !q.class && !q.ip && !q.campaign && q.from === undefined && q.to === undefined && q.owner === undefined;
      if (plain) {
        // All that is asked for stands in one index.
        const rows = await filtered(scope, q, me).select(['state', 'severity', 'verdict', sql<number>`count(*)`.as('n')]).groupBy(['state', 'severity', 'verdict']).execute();
        return { rows: rows.map((r) => ({ ...r, n: Number(r.n) })), partial: false };
      }
      const tally = new Map<string, { state: string; severity: number; verdict: number; n: number }>();
      let left = INCIDENT_COUNT_CAP;
      let cursor: string | undefined;
      const until = performance.now() + PAGE_MS;
      do {
        const page = await this.list(scope, { ...q, order: q.order ?? 'rank', limit: 2_000, ...(cursor ? { cursor } : { cursor: undefined }) }, me);
        for (const r of page.rows) {
          const k = `${r.state} ${r.severity} ${r.verdict}`;
          const held = tally.get(k) ?? { state: r.state, severity: r.severity, verdict: r.verdict, n: 0 };
          tally.set(k, { ...held, n: held.n + 1 });
        }
        left -= page.rows.length;
        cursor = page.next;
      } while (cursor && left > 0 && performance.now() < until);
      return { rows: [...tally.values()], partial: cursor !== undefined };
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
      if (!scope.all) tickets = tickets.where('unit', 'in', scope.units.length > 0 ? [...scope.units] : ['']).where('state', 'not in', ['draft', 'review']).where('issued', 'is not', null);
      const counts = await tickets.select(['incident', sql<number>`count(*)`.as('n')]).groupBy('incident').execute();
      return {
        campaigns: new Map(campaigns.map((c) => [c.campaign, { incidents: Number(c.incidents), victims: Number(c.victims) }])),
        tickets: new Map(counts.map((c) => [c.incident, Number(c.n)])),
      };
    },
    /**
     * Writes a decision if nobody was faster. @returns the new version, or undefined on a conflict.
     */
    async decide(id: string, version: number, change: Partial<IncidentRecord> & { state: IncidentState }, entry: Omit<HistoryRecord, 'num' | 'object'>, { audit, told }: { audit?: AuditEntry; told?: Told } = {}): Promise<number | undefined> {
      return together(db, async (tx) => {
        const open = (INCIDENT_OPEN as readonly string[]).includes(change.state) ? 1 : 0;
        const done = await tx.updateTable('incident').set({ ...change, open, version: version + 1 }).where('id', '=', id).where('version', '=', version).executeTakeFirst();
        if (done.numUpdatedRows === 0n) return undefined;
        await tx.insertInto('history').values({ object: id, ...entry }).execute();
        if (told) await writeTold(tx, engine, told);
        if (audit) await appendAudit(tx, engine, audit);
        return version + 1;
      });
    },
    history: (object: string): Promise<HistoryRecord[]> => db.selectFrom('history').selectAll().where('object', '=', object).orderBy('num').limit(2000).execute(),
    async comment(entry: Omit<HistoryRecord, 'num'>, audit: AuditEntry): Promise<void> {
      await together(db, async (tx) => {
        await tx.insertInto('history').values(entry).execute();
        await appendAudit(tx, engine, audit);
      });
    },
  };
}
export type IncidentStore = ReturnType<typeof incidentStore>;
