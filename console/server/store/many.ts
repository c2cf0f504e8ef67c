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

/** `column in (these)` by a statement whose text does not depend on how many they are. @returns text with one parameter and its value */
export const among = (engine: Engine, column: string, values: readonly string[]): { text: string; value: unknown } => (engine === 'sqlite'
  ? { text: `${column} in (select value from json_each(?))`, value: JSON.stringify(values) }
  : { text: `${column} = any(?)`, value: values });
