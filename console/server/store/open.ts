import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { migrationBackup, storeNewer, storeUnusable } from '../errors.js';
import { LibsqlDialect } from './libsql-dialect.js';
import { MIGRATIONS } from './migrations.js';
import { postgresPool } from './postgres-pool.js';
import type { Db, Engine, Tables } from './schema.js';

export interface OpenStore { db: Db; engine: Engine; file?: string }
// Older ones go: each is as large as the store.
const BACKUPS_KEPT = 3;
// To PostgreSQL: two write alerts, one the search index; the rest answers.
const CONNECTIONS = 10;

/**
 * Opens the store and brings it to this program's schema; it is copied aside before a migration touches it.
 * @param schema an older one, for tests of migrations
 */
export async function openDatabase(dataDir: string, url?: string, schema = MIGRATIONS.length): Promise<OpenStore> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  let db: Db | undefined;
  try {
    if (url) {
      db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: postgresPool(url, CONNECTIONS) }) });
      const store: OpenStore = { db, engine: 'postgres' };
      await migrate(store, dataDir, schema, url);
      return store;
    }
    const file = join(dataDir, 'console.db');
    db = new Kysely<Tables>({ dialect: new LibsqlDialect(file) });
    const store: OpenStore = { db, engine: 'sqlite', file };
    await migrate(store, dataDir, schema);
    return store;
  } catch (error) {
    await db?.destroy().catch(() => { /* it never opened */ });
    if ((error as { code?: string }).code?.startsWith('SW_')) throw error;
    throw storeUnusable((error as Error).message);
  }
}

/** A dump before the schema changes; without pg_dump the operator says that there is one. */
function dumpBefore(url: string, folder: string): void {
  if (process.env.SW_MIGRATE_WITHOUT_BACKUP === '1') return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const done = spawnSync('pg_dump', ['--format=custom', '--no-owner', '--file', join(folder, `before-schema-${MIGRATIONS.length}-${Date.now()}.pgdump`), '--dbname', url], { encoding: 'utf8' });
  if (done.error || done.status !== 0) throw migrationBackup(done.error ? 'pg_dump is not on this machine' : done.stderr.trim().slice(0, 300));
}

async function migrate({ db, engine }: OpenStore, dataDir: string, schema: number, url?: string): Promise<void> {
  await sql.raw('create table if not exists schema_version (version integer not null)').execute(db);
  const current = async (on: Db): Promise<number> => {
    const { rows } = await sql<{ version: number }>`select coalesce(max(version), 0) as version from schema_version`.execute(on);
    return Number(rows[0].version);
  };
  const before = await current(db);
  if (before > schema) throw storeNewer(before, schema);
  if (before === schema) return;
  if (engine === 'sqlite' && before > 0) await backup(db, join(dataDir, 'backup'), `before-schema-${MIGRATIONS.length}`);
  if (engine === 'postgres' && before > 0 && url) dumpBefore(url, join(dataDir, 'backup'));
  await db.transaction().execute(async (tx) => {
    // PostgreSQL: two consoles that start at once must not both migrate.
    if (engine === 'postgres') await sql.raw('select pg_advisory_xact_lock(7305001)').execute(tx);
    for (let version = await current(tx as unknown as Db); version < schema; version++) {
      await MIGRATIONS[version](tx as unknown as Db, engine);
      await sql`insert into schema_version (version) values (${version + 1})`.execute(tx);
    }
  });
}

/** Copies a SQLite store while it runs. @returns the file */
export async function backup(db: Db, folder: string, name: string): Promise<string> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${name}-${Date.now()}.db`);
  await sql`vacuum into ${file}`.execute(db);
  const old = readdirSync(folder).filter((f) => f.startsWith(name)).sort().slice(0, -BACKUPS_KEPT);
  for (const f of old) rmSync(join(folder, f), { force: true });
  return file;
}
