import { sql, type Selectable } from 'kysely';
import type { Health } from '../../../contracts/health.js';
import type { Registry } from '../../../contracts/registry.js';
import { token } from '../../../contracts/subjects.js';
import type { Db, Engine, EvidenceTable } from './schema.js';
import { withinScope, type Scope } from './scope.js';
import { together } from './transaction.js';

export type EvidenceRecord = Selectable<EvidenceTable>;

export function evidenceStore(db: Db) {
  return {
    async put(record: EvidenceRecord): Promise<void> {
      await db.insertInto('evidence').values(record).onConflict((c) => c.column('id').doUpdateSet({ state: record.state, sha256: record.sha256, bytes: record.bytes, packets: record.packets, alert: record.alert })).execute();
    },
    async ofIds(ids: string[]): Promise<Map<string, EvidenceRecord>> {
      if (ids.length === 0) return new Map();
      return new Map((await db.selectFrom('evidence').selectAll().where('id', 'in', ids).execute()).map((r) => [r.id, r]));
    },
    /** Evidence of an alert that the reader may see. */
    byId: (scope: Scope, id: string): Promise<EvidenceRecord | undefined> =>
      db.selectFrom('evidence').innerJoin('alert', 'alert.id', 'evidence.alert').selectAll('evidence').where('evidence.id', '=', id).where(withinScope(scope, 'alert')).executeTakeFirst(),
    /** Evidence of alerts that the reader may see, the latest first; each file once. */
    past: (scope: Scope, from: number, to: number, limit: number): Promise<Pick<EvidenceRecord, 'id' | 'alert' | 'sha256' | 'bytes'>[]> =>
      db.selectFrom('evidence').innerJoin('alert', 'alert.id', 'evidence.alert').select(['evidence.id', 'evidence.alert', 'evidence.sha256', 'evidence.bytes'])
        .where('evidence.stored', '>=', from).where('evidence.stored', '<', to).where('evidence.state', '=', 'stored').where(withinScope(scope, 'alert')).orderBy('evidence.stored', 'desc').limit(limit).execute(),
    async used(sha256: string): Promise<boolean> { return (await db.selectFrom('evidence').select('id').where('sha256', '=', sha256).limit(1).executeTakeFirst()) !== undefined; },
  };
}

export function nodeStore(db: Db) {
  return {
    async put(health: Health, at: number): Promise<void> {
      const row = { role: token(health.role), id: token(health.id), unit: health.unit ?? null, at, health_json: JSON.stringify(health) };
      await db.insertInto('node').values(row).onConflict((c) => c.columns(['role', 'id']).doUpdateSet({ unit: row.unit, at: row.at, health_json: row.health_json })).execute();
    },
    async list(scope: Scope): Promise<{ health: Health; at: number; unit: string | null }[]> {
      let q = db.selectFrom('node').selectAll();
      if (!scope.all) q = q.where('unit', 'in', scope.units.length > 0 ? [...scope.units] : ['']);
      return (await q.orderBy('role').orderBy('id').limit(5000).execute()).map((r) => ({ health: JSON.parse(r.health_json) as Health, at: r.at, unit: r.unit }));
    },
  };
}

export function registryStore(db: Db) {
  return {
    async current(): Promise<{ registry: Registry; version: number; at: number; by: string | null } | undefined> {
      const row = await db.selectFrom('registry').selectAll().orderBy('version', 'desc').limit(1).executeTakeFirst();
      return row && { registry: JSON.parse(row.registry_json) as Registry, version: row.version, at: row.at, by: row.by };
    },
    /** Every version is kept. @returns its number, or undefined where another change came between. */
    async put(registry: Registry, after: number, at: number, by: string | null): Promise<number | undefined> {
      const done = await db.insertInto('registry').values({ version: after + 1, at, by, registry_json: JSON.stringify(registry) }).onConflict((c) => c.doNothing()).executeTakeFirst();
      return done.numInsertedOrUpdatedRows === 1n ? after + 1 : undefined;
    },
  };
}

/** Removes the demonstration in one transaction. @returns what went, and the evidence files that nobody needs any more */
export function demoStore(db: Db, engine: Engine) {
  return {
    async present(): Promise<boolean> { return (await db.selectFrom('alert').select('num').where('demo', '=', 1).limit(1).executeTakeFirst()) !== undefined; },
    async clear(): Promise<{ alerts: number; incidents: number; tickets: number; evidence: number; files: string[] }> {
      return together(db, async (tx) => {
        const demoAlerts = tx.selectFrom('alert').select('num').where('demo', '=', 1);
        const demoIds = tx.selectFrom('alert').select('id').where('demo', '=', 1);
        const gone = tx.selectFrom('evidence').where((eb) => eb.or([eb('demo', '=', 1), eb('alert', 'in', demoIds)]));
        const hashes = (await gone.select('sha256').distinct().execute()).map((r) => r.sha256);
        const evidence = await tx.deleteFrom('evidence').where((eb) => eb.or([eb('demo', '=', 1), eb('alert', 'in', demoIds)])).executeTakeFirst();
        const tickets = (await tx.selectFrom('ticket').select('id').where('demo', '=', 1).execute()).map((r) => r.id);
        const incidents = (await tx.selectFrom('incident').select('id').where('demo', '=', 1).execute()).map((r) => r.id);
        const files: string[] = [...hashes];
        for (const ids of [tickets, incidents]) if (ids.length > 0) await tx.deleteFrom('history').where('object', 'in', ids).execute();
        if (tickets.length > 0) {
          files.push(...(await tx.selectFrom('attachment').select('sha256').where('ticket', 'in', tickets).execute()).map((r) => r.sha256));
          await tx.deleteFrom('attachment').where('ticket', 'in', tickets).execute();
          await tx.deleteFrom('ticket').where('demo', '=', 1).execute();
        }
        await tx.deleteFrom('incident').where('demo', '=', 1).execute();
        await sql`delete from alert_body where num in (${demoAlerts})`.execute(tx);
        // `rowid` of the search index is the alert's number in SQLite; PostgreSQL names it.
        await sql`delete from alert_search where ${sql.raw(engine === 'postgres' ? 'num' : 'rowid')} in (${demoAlerts})`.execute(tx);
        await tx.deleteFrom('alert_hour').where('demo', '=', 1).execute();
        await tx.deleteFrom('alert_total').where('demo', '=', 1).execute();
        const alerts = await tx.deleteFrom('alert').where('demo', '=', 1).executeTakeFirst();
        const unused: string[] = [];
        for (const hash of new Set(files)) {
          if (await tx.selectFrom('evidence').select('id').where('sha256', '=', hash).limit(1).executeTakeFirst()) continue;
          if (await tx.selectFrom('attachment').select('id').where('sha256', '=', hash).limit(1).executeTakeFirst()) continue;
          unused.push(hash);
        }
        return { alerts: Number(alerts.numDeletedRows), incidents: incidents.length, tickets: tickets.length, evidence: Number(evidence.numDeletedRows), files: unused };
      });
    },
  };
}
