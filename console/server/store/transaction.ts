import type { Db } from './schema.js';

/** Runs the work in a transaction: in the one that `db` is, or in one of its own. */
export const together = <T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T> => (db.isTransaction ? work(db) : db.transaction().execute((tx) => work(tx as unknown as Db)));
