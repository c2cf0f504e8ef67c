import { CompiledQuery } from 'kysely';
import type { Db, Engine } from './schema.js';

/** Rows for one prepared statement that the writer thread runs for each of them: one message, no text made anew. */
export class Many {
  constructor(readonly rows: readonly (readonly unknown[])[]) {}
}

/** Columns in the order of the values; the types are PostgreSQL's. */
export type Columns = Readonly<Record<string, 'text' | 'bigint'>>;

/** Inserts rows by one statement whose text is always the same. `conflict` is what stands behind the values. */
export async function insertMany(db: Db, engine: Engine, table: string, columns: Columns, rows: readonly (readonly unknown[])[], conflict = ''): Promise<void> {
  if (rows.length === 0) return;
  const names = Object.keys(columns);
  const into = `insert into ${table} (${names.join(', ')})`;
  if (engine === 'sqlite') {
    await db.executeQuery(CompiledQuery.raw(`${into} values (${names.map(() => '?').join(', ')}) ${conflict}`, [new Many(rows)]));
    return;
  }
  const arrays = names.map((name, i) => `$${i + 1}::${columns[name]}[]`);
  await db.executeQuery(CompiledQuery.raw(`${into} select * from unnest(${arrays.join(', ')}) ${conflict}`, names.map((_, i) => rows.map((r) => r[i]))));
}

/** Appends rows none of which is there yet: without looking for them, and to PostgreSQL by COPY. */
export async function appendMany(db: Db, engine: Engine, table: string, columns: Columns, rows: readonly (readonly unknown[])[]): Promise<void> {
  if (rows.length === 0) return;
  if (engine === 'sqlite') return insertMany(db, engine, table, columns, rows);
  await db.executeQuery(CompiledQuery.raw(`copy ${table} (${Object.keys(columns).join(', ')}) from stdin`, [new Many(rows)]));
}

/** Sets columns of many rows by one statement whose text is always the same; each row begins with the key. The types are PostgreSQL's. */
export async function updateMany(db: Db, engine: Engine, table: string, key: Columns, columns: Columns, rows: readonly (readonly unknown[])[]): Promise<void> {
  if (rows.length === 0) return;
  const [id] = Object.keys(key);
  const names = Object.keys(columns);
  if (engine === 'sqlite') {
    const set = names.map((name, i) => `${name} = ?${i + 2}`).join(', ');
    await db.executeQuery(CompiledQuery.raw(`update ${table} set ${set} where ${id} = ?1`, [new Many(rows)]));
    return;
  }
  const all = { ...key, ...columns };
  const arrays = Object.keys(all).map((name, i) => `$${i + 1}::${all[name]}[]`);
  const set = names.map((name) => `${name} = x.${name}`).join(', ');
  await db.executeQuery(CompiledQuery.raw(`update ${table} set ${set} from unnest(${arrays.join(', ')}) as x(${Object.keys(all).join(', ')}) where ${table}.${id} = x.${id}`, Object.keys(all).map((_, i) => rows.map((r) => r[i]))));
}

/** Runs statements of one transaction, handed over all at once: the store never waits for this thread between them. */
export async function inOrder(statements: readonly (() => Promise<unknown>)[]): Promise<void> {
  // Not before the last is over: a failed one is rolled back when nothing of the transaction is under way any more.
  const failed = (await Promise.allSettled(statements.map((s) => s()))).find((r) => r.status === 'rejected');
  if (failed) throw failed.reason;
}

/** `column in (these)` by a statement whose text does not depend on how many they are. @returns text with one parameter and its value */
export const among = (engine: Engine, column: string, values: readonly string[]): { text: string; value: unknown } => (engine === 'sqlite'
  ? { text: `${column} in (select value from json_each(?))`, value: JSON.stringify(values) }
  : { text: `${column} = any(?)`, value: values });
