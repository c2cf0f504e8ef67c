import { sql, type Expression, type SqlBool } from 'kysely';

/**
 * What part of the organisation a reader may see: everything, or these units (a subtree). Every function of the store
 * that returns findings takes it first. A finding concerns the unit of its victim and the unit of its attacker.
 */
export type Scope = { all: true } | { all: false; units: readonly string[] };
export const EVERYTHING: Scope = { all: true };

/** Condition over the columns `unit` and `attacker_unit` of `table`. */
export function withinScope(scope: Scope, table: 'alert' | 'incident'): Expression<SqlBool> {
  if (scope.all) return sql<SqlBool>`1 = 1`;
  if (scope.units.length === 0) return sql<SqlBool>`1 = 0`;
  const units = sql.join(scope.units.map((u) => sql`${u}`));
  return sql<SqlBool>`(${sql.ref(`${table}.unit`)} in (${units}) or ${sql.ref(`${table}.attacker_unit`)} in (${units}))`;
}

export function sees(scope: Scope, ...units: (string | null | undefined)[]): boolean {
  return scope.all || units.some((unit) => unit != null && scope.units.includes(unit));
}
