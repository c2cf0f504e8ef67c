import { parentPort, workerData } from 'node:worker_threads';
import Database from 'libsql';

/** Runs SQL for `libsql-dialect.ts` off the main thread, so that a long query never holds up the console. */
/** `many`: the statement is run for each of these rows. */
export interface Request { id: number; sql: string; parameters: readonly unknown[]; many?: readonly (readonly unknown[])[] }
export type Reply = { id: number; rows?: unknown[]; changes?: number; lastId?: number } | { id: number; error: string; errorCode?: string };

// Plans of that many texts are kept; batches of every size up to the largest make a text each.
const STATEMENTS_MAX = 400;

const { file, readonly } = workerData as { file: string; readonly: boolean };
const db = new Database(file);
// A reader waits for nobody in WAL mode; a writer waits for a backup or another process.
db.exec('PRAGMA busy_timeout = 10000');
if (!readonly) {
  db.exec('PRAGMA journal_mode = WAL');
  // What a browser or the bus was told is stored survives a power cut: one fsync a commit, and commits are batches.
  db.exec('PRAGMA synchronous = FULL');
  db.exec('PRAGMA foreign_keys = ON');
  // 64 MiB: in a flood the hot pages of the indexes are copied back once for many commits.
  db.exec('PRAGMA wal_autocheckpoint = 16000');
}
// In KiB: the hot ends of the alert indexes fit, a small machine is not filled.
db.exec('PRAGMA cache_size = -65536');
db.exec('PRAGMA temp_store = MEMORY');
if (readonly) db.exec('PRAGMA query_only = ON');

interface Prepared { reader: boolean; all(...parameters: unknown[]): unknown[]; run(...parameters: unknown[]): { changes: number; lastInsertRowid: number | bigint } }
const statements = new Map<string, Prepared>();
function prepared(sql: string): Prepared {
  let statement = statements.get(sql);
  if (statement) return statement;
  statement = db.prepare(sql) as unknown as Prepared;
  if (statements.size >= STATEMENTS_MAX) statements.delete(statements.keys().next().value as string);
  statements.set(sql, statement);
  return statement;
}

const port = parentPort as NonNullable<typeof parentPort>;
port.on('message', (request: Request | 'close') => {
  if (request === 'close') {
    if (!readonly) db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    db.close();
    port.close();
    return;
  }
  const { id, sql, parameters } = request;
  try {
    if (/^(begin|commit|rollback|savepoint|release|pragma|vacuum)/i.test(sql) && parameters.length === 0 && !/^pragma .*;?$/i.test(sql)) {
      db.exec(sql);
      port.postMessage({ id, rows: [], changes: 0 } satisfies Reply);
      return;
    }
    const statement = prepared(sql);
    if (request.many) {
      let changes = 0;
      for (const row of request.many) changes += statement.run(...row).changes;
      port.postMessage({ id, rows: [], changes } satisfies Reply);
      return;
    }
    if (statement.reader) port.postMessage({ id, rows: statement.all(...parameters) } satisfies Reply);
    else {
      const result = statement.run(...parameters);
      port.postMessage({ id, rows: [], changes: result.changes, lastId: Number(result.lastInsertRowid) } satisfies Reply);
    }
  } catch (error) {
    port.postMessage({ id, error: String((error as Error).message), errorCode: (error as { code?: string }).code } satisfies Reply);
  }
});
