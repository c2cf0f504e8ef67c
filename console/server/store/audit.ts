import { createHash } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { AuditQuery } from '../../model/requests.js';
import { readCursor, readTime, writeCursor } from './cursor.js';
import type { AuditTable, Db, Engine } from './schema.js';
import { together } from './transaction.js';

export type AuditRecord = Selectable<AuditTable>;
export interface AuditEntry {
  at: number; actor: string | null; address: string | null; action: string; object: string | null;
  outcome: 'done' | 'refused'; details?: Record<string, unknown>;
}
const GENESIS = '0'.repeat(64);

/** Hash of an entry: SHA-256 over the hash before it and the entry's fields as JSON, in this order. */
export function auditHash(before: string, e: Omit<AuditRecord, 'hash'>): string {
  return createHash('sha256').update(before).update(JSON.stringify([e.seq, e.at, e.actor, e.address, e.action, e.object, e.outcome, e.details_json])).digest('hex');
}

/** Walks entries in their order. A missing, changed or moved one breaks the chain. */
export class AuditChain {
  head = GENESIS;
  entries = 0;
  brokenAt: number | undefined;
  /** @returns whether the chain holds up to here */
  add(row: AuditRecord): boolean {
    if (this.brokenAt === undefined && (row.seq !== this.entries + 1 || auditHash(this.head, row) !== row.hash)) this.brokenAt = this.entries + 1;
    if (this.brokenAt !== undefined) return false;
    this.head = row.hash;
    this.entries++;
    return true;
  }
}

/**
 * Appends within a transaction, so that a change and its entry are there together or not at all. To be called last: every
 * other writer of the log waits until the transaction is over.
 */
export async function appendAudit(tx: Db, engine: Engine, entry: AuditEntry): Promise<void> {
  const { details, ...rest } = entry;
  if (engine === 'postgres') await sql.raw('select pg_advisory_xact_lock(7305003)').execute(tx);
  const last = await tx.selectFrom('audit').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1).executeTakeFirst();
  const row = { seq: (last?.seq ?? 0) + 1, ...rest, details_json: details ? JSON.stringify(details) : null };
  await tx.insertInto('audit').values({ ...row, hash: auditHash(last?.hash ?? GENESIS, row) }).execute();
}

export function auditStore(db: Db, engine: Engine) {
  return {
    append: (entry: AuditEntry): Promise<void> => together(db, (tx) => appendAudit(tx, engine, entry)),
    async list(q: AuditQuery): Promise<{ rows: AuditRecord[]; next?: string }> {
      const limit = q.limit ?? 100;
      let query = db.selectFrom('audit').selectAll();
      if (q.actor) query = query.where('actor', '=', q.actor);
      if (q.action) query = query.where('action', '=', q.action);
      const from = readTime(q.from, 'from');
      const to = readTime(q.to, 'to');
      if (from !== undefined) query = query.where('at', '>=', from);
      if (to !== undefined) query = query.where('at', '<', to);
      const after = readCursor(q.cursor, ['number']);
      if (after) query = query.where('seq', '<', after[0] as number);
      const rows = await query.orderBy('seq', 'desc').limit(limit + 1).execute();
      const more = rows.length > limit;
      if (more) rows.pop();
      const last = rows.at(-1);
      return { rows, ...(more && last ? { next: writeCursor(last.seq) } : {}) };
    },
    /** Entries in order, a thousand at a time. */
    async *all(): AsyncGenerator<AuditRecord[]> {
      for (let seq = 0; ;) {
        const rows = await db.selectFrom('audit').selectAll().where('seq', '>', seq).orderBy('seq').limit(1000).execute();
        if (rows.length === 0) return;
        yield rows;
        seq = rows[rows.length - 1].seq;
      }
    },
    async verify(): Promise<{ intact: boolean; entries: number; head: string; brokenAt?: number }> {
      const chain = new AuditChain();
      for await (const rows of this.all()) {
        for (const row of rows) if (!chain.add(row)) return { intact: false, entries: chain.entries, head: chain.head, brokenAt: chain.brokenAt };
      }
      return { intact: true, entries: chain.entries, head: chain.head };
    },
  };
}
export type AuditStore = ReturnType<typeof auditStore>;
