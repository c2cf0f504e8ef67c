import { sql, type Selectable, type SqlBool } from 'kysely';
import type { Alert } from '../../../contracts/alert.js';
import { VERDICTS } from '../../../contracts/classes.js';
import type { SuppressionMatch } from '../../model/triage.js';
import type { AlertRecord } from './alerts.js';
import { among } from './many.js';
import type { Db, Engine, SavedFilterTable, SuppressionTable } from './schema.js';
import { withinScope, type Scope } from './scope.js';
import { together } from './transaction.js';

export type SuppressionRecord = Selectable<SuppressionTable>;
export type SavedFilterRecord = Selectable<SavedFilterTable>;
/** Alerts that a preview looks at, the newest first. */
const PREVIEW_MAX = 20_000;
/** Per user; a list that nobody can read through helps nobody. */
export const FILTERS_MAX = 100;

export function suppressionStore(db: Db, engine: Engine) {
  return {
    /** Newest first. A user of one unit sees those made for what lies below it. */
    async list(scope: Scope): Promise<SuppressionRecord[]> {
      let q = db.selectFrom('suppression').selectAll();
      if (!scope.all) q = q.where('unit', 'in', scope.units.length > 0 ? [...scope.units] : ['']);
      return q.orderBy('created', 'desc').limit(1000).execute();
    },
    active: (now: number): Promise<SuppressionRecord[]> => db.selectFrom('suppression').selectAll().where('ended', 'is', null).where('expires', '>', now).execute(),
    /** Those whose time is over and that nobody ended. */
    over: (now: number): Promise<SuppressionRecord[]> => db.selectFrom('suppression').selectAll().where('ended', 'is', null).where('expires', '<=', now).execute(),
    async byId(scope: Scope, id: string): Promise<SuppressionRecord | undefined> {
      const row = await db.selectFrom('suppression').selectAll().where('id', '=', id).executeTakeFirst();
      return row && (scope.all || (row.unit !== null && scope.units.includes(row.unit))) ? row : undefined;
    },
    async create(record: SuppressionRecord): Promise<void> { await db.insertInto('suppression').values(record).execute(); },
    async end(id: string, at: number, by: string | null): Promise<boolean> {
      const done = await db.updateTable('suppression').set({ ended: at, ended_by: by }).where('id', '=', id).where('ended', 'is', null).executeTakeFirst();
      return done.numUpdatedRows === 1n;
    },
    async count(hits: ReadonlyMap<string, number>, at: number): Promise<void> {
      for (const [id, n] of hits) if (n > 0) await db.updateTable('suppression').set((eb) => ({ hits: eb('hits', '+', n), last_hit: at })).where('id', '=', id).execute();
    },
    /** The newest alerts since `from` that could fit: fields that have an index are tested here, ranges by the caller. */
    async candidates(scope: Scope, match: SuppressionMatch, units: readonly string[] | undefined, from: number): Promise<{ rows: AlertRecord[]; capped: boolean }> {
      let q = db.selectFrom('alert').selectAll().where(withinScope(scope, 'alert')).where('last_seen', '>=', from).where('suppressed', 'is', null);
      if (match.rule) q = q.where('rule', '=', match.rule);
      if (match.class) q = q.where('class', '=', match.class);
      if (match.system) q = q.where('system', '=', match.system);
      if (units) q = q.where('unit', 'in', units.length > 0 ? [...units] : ['']);
      if (match.source && !match.source.includes('/')) q = q.where('attacker_ip', '=', match.source);
      if (match.asset && !match.asset.includes('/')) q = q.where('victim_ip', '=', match.asset);
      q = q.where('verdict', '<=', VERDICTS.indexOf(match.verdict ?? 'attempted'));
      const rows = await q.orderBy('last_seen', 'desc').limit(PREVIEW_MAX + 1).execute();
      return { rows: rows.slice(0, PREVIEW_MAX) as AlertRecord[], capped: rows.length > PREVIEW_MAX };
    },
    /** How many alerts this one hides. */
    async hiding(id: string): Promise<number> {
      const { n } = await db.selectFrom('alert').select(sql<number>`count(*)`.as('n')).where('suppressed', 'is not', null).where('suppressed', '=', id).executeTakeFirstOrThrow();
      return Number(n);
    },
    /** Ended ones that still hide something: a stop came between. */
    async unfinished(): Promise<string[]> {
      const hides = db.selectFrom('alert').select('suppressed').where('suppressed', 'is not', null).distinct();
      return (await db.selectFrom('suppression').select('id').where('ended', 'is not', null).where('id', 'in', hides).execute()).map((r) => r.id);
    },
    /** A part of what this one hides, as it came over the bus. */
    async hidden(id: string, limit: number): Promise<Alert[]> {
      const rows = await db.selectFrom('alert').innerJoin('alert_body', 'alert_body.num', 'alert.num').select('eve_json')
        .where('suppressed', 'is not', null).where('suppressed', '=', id).orderBy('alert.last_seen').limit(limit).execute();
      return rows.map((r) => JSON.parse(r.eve_json) as Alert);
    },
    async filters(user: string): Promise<SavedFilterRecord[]> { return db.selectFrom('saved_filter').selectAll().where('user', '=', user).orderBy('name').limit(FILTERS_MAX).execute(); },
    async saveFilter(record: SavedFilterRecord): Promise<boolean> {
      return together(db, async (tx) => {
        // One name a page: saving again replaces.
        await tx.deleteFrom('saved_filter').where('user', '=', record.user).where('page', '=', record.page).where('name', '=', record.name).execute();
        const { n } = await tx.selectFrom('saved_filter').select(sql<number>`count(*)`.as('n')).where('user', '=', record.user).executeTakeFirstOrThrow();
        if (Number(n) >= FILTERS_MAX) return false;
        await tx.insertInto('saved_filter').values(record).execute();
        return true;
      });
    },
    async dropFilter(user: string, id: string): Promise<boolean> {
      return (await db.deleteFrom('saved_filter').where('user', '=', user).where('id', '=', id).executeTakeFirst()).numDeletedRows > 0n;
    },
    /** How many incidents these alerts are in. */
    async incidentsOf(ids: string[]): Promise<number> {
      if (ids.length === 0) return 0;
      const { text, value } = among(engine, 'id', ids);
      const [before, after] = text.split('?');
      const { rows } = await sql<{ n: number }>`select count(*) as n from incident where ${sql.raw(before)}${value}${sql.raw(after)} and ${sql<SqlBool>`1 = 1`}`.execute(db);
      return Number(rows[0].n);
    },
  };
}
