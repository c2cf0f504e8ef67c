import { Worker } from 'node:worker_threads';
import {
  CompiledQuery, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler,
  type DatabaseConnection, type DatabaseIntrospector, type Dialect, type DialectAdapter, type Driver, type Kysely,
  type QueryCompiler, type QueryResult,
} from 'kysely';
import type { Reply } from './libsql-worker.js';
import { Many } from './many.js';

/**
 * Kysely over libsql in worker threads: one connection writes, two read beside it (WAL). A transaction holds the writer; a
 * select outside a transaction goes to the reader that has less to do and does not wait for the writer.
 */
export class LibsqlDialect implements Dialect {
  constructor(private readonly file: string) {}
  createDriver(): Driver { return new LibsqlDriver(this.file); }
  createQueryCompiler(): QueryCompiler { return new SqliteQueryCompiler(); }
  createAdapter(): DialectAdapter { return new SqliteAdapter(); }
  createIntrospector(db: Kysely<never>): DatabaseIntrospector { return new SqliteIntrospector(db as never); }
}

// A question that takes its time leaves the other reader free.
const READERS = 2;
interface Waiting { resolve: (rows: QueryResult<never>) => void; reject: (error: Error) => void }

class Thread {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private readonly gone: Promise<void>;
  private next = 1;
  private dead: Error | undefined;

  constructor(file: string, readonly: boolean) {
    this.worker = new Worker(new URL('./libsql-worker.js', import.meta.url), { workerData: { file, readonly }, execArgv: [] });
    this.worker.on('message', (reply: Reply) => {
      const waiting = this.waiting.get(reply.id);
      if (!waiting) return;
      this.waiting.delete(reply.id);
      if ('error' in reply) waiting.reject(Object.assign(new Error(reply.error), { code: reply.errorCode }));
      else {
        waiting.resolve({
          rows: (reply.rows ?? []) as never[],
          numAffectedRows: BigInt(reply.changes ?? 0),
          insertId: reply.lastId === undefined ? undefined : BigInt(reply.lastId),
        });
      }
    });
    this.gone = new Promise((resolve) => {
      this.worker.once('exit', () => { this.fail(new Error('the store is closed')); resolve(); });
    });
    this.worker.once('error', (error) => this.fail(error as Error));
  }

  private fail(error: Error): void {
    this.dead = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  run<R>(sql: string, parameters: readonly unknown[]): Promise<QueryResult<R>> {
    if (this.dead) return Promise.reject(this.dead);
    return new Promise((resolve, reject) => {
      const id = this.next++;
      this.waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      const [first] = parameters;
      this.worker.postMessage(first instanceof Many ? { id, sql, parameters: [], many: first.rows } : { id, sql, parameters });
    });
  }

  /** Statements that have not been answered yet. */
  get load(): number { return this.waiting.size; }

  async close(): Promise<void> {
    if (!this.dead) this.worker.postMessage('close');
    await this.gone;
  }
}

/** One at a time, first come first served. */
class Turn {
  private tail: Promise<void> = Promise.resolve();
  async take(): Promise<() => void> {
    let release!: () => void;
    const mine = new Promise<void>((resolve) => { release = resolve; });
    const before = this.tail;
    this.tail = before.then(() => mine);
    await before;
    return release;
  }
}

class LibsqlDriver implements Driver {
  private writer!: Thread;
  private readers: Thread[] = [];
  private readonly turn = new Turn();
  constructor(private readonly file: string) {}

  async init(): Promise<void> {
    this.writer = new Thread(this.file, false);
    await this.writer.run('select 1', []);
    this.readers = Array.from({ length: READERS }, () => new Thread(this.file, true));
  }
  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(new Connection(this.writer, this.readers, this.turn));
  }
  async beginTransaction(connection: DatabaseConnection): Promise<void> { await (connection as Connection).begin(); }
  async commitTransaction(connection: DatabaseConnection): Promise<void> { await (connection as Connection).end('commit'); }
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> { await (connection as Connection).end('rollback'); }
  releaseConnection(): Promise<void> { return Promise.resolve(); }
  async destroy(): Promise<void> {
    await Promise.all(this.readers.map((r) => r.close()));
    await this.writer?.close();
  }
}

class Connection implements DatabaseConnection {
  private release: (() => void) | undefined;
  constructor(private readonly writer: Thread, private readonly readers: readonly Thread[], private readonly turn: Turn) {}

  async begin(): Promise<void> {
    this.release = await this.turn.take();
    // Immediate: a transaction that reads first must not fail when it comes to write.
    try {
      await this.writer.run('begin immediate', []);
    } catch (error) {
      this.release();
      this.release = undefined;
      throw error;
    }
  }

  async end(how: 'commit' | 'rollback'): Promise<void> {
    try {
      await this.writer.run(how, []);
    } finally {
      this.release?.();
      this.release = undefined;
    }
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.release) return this.writer.run<R>(query.sql, query.parameters);
    if (query.query.kind === 'SelectQueryNode' || /^\s*select\b/i.test(query.sql)) return this.readers.reduce((a, b) => (b.load < a.load ? b : a)).run<R>(query.sql, query.parameters);
    const release = await this.turn.take();
    try {
      return await this.writer.run<R>(query.sql, query.parameters);
    } finally {
      release();
    }
  }

  // eslint-disable-next-line require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('not supported: pages are read by key');
  }
}
