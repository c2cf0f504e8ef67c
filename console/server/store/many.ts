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

/**
 * Runs statements of one transaction. SQLite's writer thread gets them all at once and never waits for this one; a
 * PostgreSQL connection takes one after the other.
 */
export async function inOrder(engine: Engine, statements: readonly (() => Promise<unknown>)[]): Promise<void> {
  if (engine === 'sqlite') {
    // Not before the last is over: a failed one is rolled back when nothing of the transaction is under way any more.
    const failed = (await Promise.allSettled(statements.map((s) => s()))).find((r) => r.status === 'rejected');
    if (failed) throw failed.reason;
    return;
  }
  for (const statement of statements) await statement();
}

/** `column in (these)` by a statement whose text does not depend on how many they are. @returns text with one parameter and its value */
export const among = (engine: Engine, column: string, values: readonly string[]): { text: string; value: unknown } => (engine === 'sqlite'
  ? { text: `${column} in (select value from json_each(?))`, value: JSON.stringify(values) }
  : { text: `${column} = any(?)`, value: values });
