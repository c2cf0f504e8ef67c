import { sql, type SelectQueryBuilder, type Expression, type SqlBool } from 'kysely';
import type { Alert } from '../../../contracts/alert.js';
import { SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import type { AlertCountQuery, AlertQuery } from '../../model/requests.js';
import { readCursor, readTime, writeCursor } from './cursor.js';
import type { AlertTable, Db, Engine, Tables } from './schema.js';
import { withinScope, type Scope } from './scope.js';
import { queryWords, toFts5, toTsQuery } from './search-text.js';
import type { Selectable } from 'kysely';

export type AlertRecord = Selectable<AlertTable>;
/** Counting stops there: the newest so many that match are counted, and the answer says that there are more. */
export const COUNT_CAP = 50_000;
const PAGE_DEFAULT = 100;

export interface UnitFilter {
  /** The asked unit with everything below it. */
  units?: readonly string[];
}
type Filters = Omit<AlertCountQuery, 'unit'> & UnitFilter;
type AlertSelect = SelectQueryBuilder<Tables, 'alert', object>;

const split = (text: string | undefined): string[] | undefined => text?.split(',');
const ordinals = (text: string | undefined, names: readonly string[]): number[] | undefined => split(text)?.map((n) => names.indexOf(n));

/** Equality filters that have an index in page order, the most telling first. */
function drivers(filters: Filters, scope: Scope): { column: 'incident' | 'rule' | 'system' | 'class' | 'unit' | 'verdict' | 'severity'; values: (string | number)[] }[] {
  const all = [
    { column: 'incident' as const, values: split(filters.incident) },
    { column: 'rule' as const, values: split(filters.rule) },
    { column: 'system' as const, values: split(filters.system) },
    { column: 'unit' as const, values: filters.units ? [...filters.units] : undefined },
    { column: 'class' as const, values: split(filters.class) },
    { column: 'verdict' as const, values: ordinals(filters.verdict, VERDICTS) },
    { column: 'severity' as const, values: ordinals(filters.severity, SEVERITIES) },
  ].filter((f): f is typeof f & { values: (string | number)[] } => f.values !== undefined);
  void scope;
  return all;
}

function narrow(query: AlertSelect, filters: Filters, scope: Scope): AlertSelect {
  let q = query.where(withinScope(scope, 'alert'));
  for (const { column, values } of drivers(filters, scope)) q = q.where(`alert.${column}`, 'in', values as never);
  if (filters.node) q = q.where('alert.node', '=', filters.node);
  const from = readTime(filters.from, 'from');
  const to = readTime(filters.to, 'to');
  if (from !== undefined) q = q.where('alert.last_seen', '>=', from);
  if (to !== undefined) q = q.where('alert.last_seen', '<', to);
  if (filters.demo !== undefined) q = q.where('alert.demo', '=', filters.demo ? 1 : 0);
  return q;
}

export function alertStore(db: Db, engine: Engine) {
  function matching(text: string): Expression<SqlBool> | undefined {
    const words = queryWords(text);
    if (words.length === 0) return undefined;
    return engine === 'postgres'
      ? sql<SqlBool>`alert.num in (select num from alert_search where tokens @@ ${toTsQuery(words)}::tsquery)`
      : sql<SqlBool>`alert.num in (select rowid from alert_search where alert_search match ${toFts5(words)})`;
  }

  /**
   * The queries whose union is the answer, each of which walks one index in page order and stops at the limit; without
   * this the planner sorts millions of rows for `severity in (high, critical)`.
   */
  function branches(filters: Filters, scope: Scope): AlertSelect[] {
    const base = (): AlertSelect => {
      let q = narrow(db.selectFrom('alert') as unknown as AlertSelect, filters, scope);
      const words = filters.text === undefined ? undefined : matching(filters.text);
      if (filters.text !== undefined && filters.text.trim() !== '') q = q.where(words ?? sql<SqlBool>`1 = 0`);
      return q;
    };
    if (filters.ip) return [base().where('attacker_ip', '=', filters.ip), base().where('victim_ip', '=', filters.ip).where('attacker_ip', '!=', filters.ip)];
    if (filters.text?.trim()) return [base()];
    const driver = drivers(filters, scope)[0];
    // More branches than this cost more than they save.
    if (driver && driver.values.length <= 20) return driver.values.map((value) => base().where(`alert.${driver.column}`, '=', value as never));
    if (!scope.all && scope.units.length <= 20 && !driver) {
      return scope.units.flatMap((unit) => [
        base().where('alert.unit', '=', unit),
        base().where('alert.attacker_unit', '=', unit).where((eb) => eb.or([eb('alert.unit', 'is', null), eb('alert.unit', 'not in', [...scope.units])])),
      ]);
    }
    return [base()];
  }

  return {
    /** One page, newest packet time first unless asked otherwise. */
    async list(scope: Scope, query: Omit<AlertQuery, 'unit'> & UnitFilter): Promise<{ rows: AlertRecord[]; next?: string }> {
      const limit = query.limit ?? PAGE_DEFAULT;
      const down = query.order !== 'oldest';
      const direction = down ? 'desc' : 'asc';
      const after = readCursor(query.cursor, ['number', 'number']);
      const pages = await Promise.all(branches(query, scope).map((branch) => {
        let q = branch.selectAll('alert');
        if (after) {
          const [seen, num] = after as number[];
          q = q.where(down ? sql<SqlBool>`(alert.last_seen, alert.num) < (${seen}, ${num})` : sql<SqlBool>`(alert.last_seen, alert.num) > (${seen}, ${num})`);
        }
        return q.orderBy('alert.last_seen', direction).orderBy('alert.num', direction).limit(limit + 1).execute();
      }));
      const sign = down ? -1 : 1;
      const seen = new Set<number>();
      const rows = (pages.flat() as AlertRecord[])
        .sort((a, b) => sign * (a.last_seen - b.last_seen || a.num - b.num))
        .filter((row) => !seen.has(row.num) && seen.add(row.num))
        .slice(0, limit + 1);
      const more = rows.length > limit;
      if (more) rows.pop();
      const last = rows.at(-1);
      return { rows, ...(more && last ? { next: writeCursor(last.last_seen, last.num) } : {}) };
    },

    /** Counts by severity, verdict, class and unit over the newest `COUNT_CAP` that match. */
    async counts(scope: Scope, filters: Filters) {
      let inner = narrow(db.selectFrom('alert') as unknown as AlertSelect, filters, scope);
      if (filters.ip) inner = inner.where((eb) => eb.or([eb('attacker_ip', '=', filters.ip as string), eb('victim_ip', '=', filters.ip as string)]));
      if (filters.text?.trim()) inner = inner.where(matching(filters.text) ?? sql<SqlBool>`1 = 0`);
      const capped = inner.select(['severity', 'verdict', 'class', 'unit']).orderBy('last_seen', 'desc').limit(COUNT_CAP + 1);
      const rows = await db.selectFrom(capped.as('x')).select(['severity', 'verdict', 'class', 'unit', sql<number>`count(*)`.as('n')])
        .groupBy(['severity', 'verdict', 'class', 'unit']).execute();
      return rows.map((r) => ({ ...r, n: Number(r.n) }));
    },

    async byId(scope: Scope, id: string): Promise<{ row: AlertRecord; eve: Alert } | undefined> {
      const row = await db.selectFrom('alert').selectAll().where('id', '=', id).where(withinScope(scope, 'alert')).executeTakeFirst();
      if (!row) return undefined;
      const body = await db.selectFrom('alert_body').select('eve_json').where('num', '=', row.num).executeTakeFirst();
      return { row, eve: JSON.parse(body?.eve_json ?? '{}') as Alert };
    },

    /** The steps of an incident: alerts of one rule and phase, with a telling one of each. */
    async steps(incident: string) {
      return db.selectFrom('alert').where('incident', '=', incident)
        .select([
          'phase', 'class', 'rule', sql<string>`max(title_zh)`.as('title_zh'), sql<string>`max(title_en)`.as('title_en'),
          sql<number>`max(severity)`.as('severity'), sql<number>`max(verdict)`.as('verdict'), sql<number>`min(first_seen)`.as('first_seen'),
          sql<number>`max(last_seen)`.as('last_seen'), sql<number>`count(*)`.as('alerts'), sql<number>`sum(count)`.as('events'),
          sql<number>`max(verdict * 1125899906842624 + num)`.as('telling'),
        ])
        .groupBy(['phase', 'class', 'rule']).orderBy('first_seen').limit(500).execute();
    },
    async idsOf(nums: number[]): Promise<Map<number, string>> {
      if (nums.length === 0) return new Map();
      const rows = await db.selectFrom('alert').select(['num', 'id']).where('num', 'in', nums).execute();
      return new Map(rows.map((r) => [r.num, r.id]));
    },

    /** Hits of each rule since `from`, by time of arrival of the packets. */
    async hitsByRule(scope: Scope, from: number): Promise<Map<string, number>> {
      const rows = await db.selectFrom('alert').where('last_seen', '>=', from).where(withinScope(scope, 'alert'))
        .select(['rule', sql<number>`count(*)`.as('n')]).groupBy('rule').execute();
      return new Map(rows.map((r) => [r.rule, Number(r.n)]));
    },
    /** The most frequent values of a column within a time range; at most `COUNT_CAP` alerts are looked at. */
    async top(scope: Scope, column: 'class' | 'attacker_ip' | 'victim_ip' | 'unit', from: number, to: number, limit: number) {
      const recent = db.selectFrom('alert').where('last_seen', '>=', from).where('last_seen', '<', to).where(withinScope(scope, 'alert'))
        .select(['class', 'attacker_ip', 'victim_ip', 'unit', 'system', 'severity']).orderBy('last_seen', 'desc').limit(COUNT_CAP);
      return (await db.selectFrom(recent.as('x')).where(column, 'is not', null)
        .select([sql<string>`${sql.ref(column)}`.as('key'), sql<number>`count(*)`.as('n'), sql<number>`max(severity)`.as('severity'), sql<string | null>`max(unit)`.as('unit'), sql<string | null>`max(system)`.as('system')])
        .groupBy(column).orderBy('n', 'desc').orderBy('key').limit(limit).execute()).map((r) => ({ ...r, n: Number(r.n), severity: Number(r.severity) }));
    },
    /** Newest packet time that arrived after `received`; undefined where nothing did. */
    async newest(scope: Scope): Promise<number | undefined> {
      const row = await db.selectFrom('alert').select('last_seen').where(withinScope(scope, 'alert')).orderBy('last_seen', 'desc').limit(1).executeTakeFirst();
      return row?.last_seen;
    },
    /** Alerts by bucket and severity, where no metrics store may be asked (a unit's user). */
    async buckets(scope: Scope, from: number, to: number, interval: number) {
      const recent = db.selectFrom('alert').where('last_seen', '>=', from).where('last_seen', '<', to).where(withinScope(scope, 'alert'))
        .select(['last_seen', 'severity']).orderBy('last_seen', 'desc').limit(COUNT_CAP);
      return db.selectFrom(recent.as('x')).select([sql<number>`last_seen / ${sql.lit(interval)} * ${sql.lit(interval)}`.as('at'), 'severity', sql<number>`count(*)`.as('n')])
        .groupBy(['at', 'severity']).orderBy('at').execute();
    },
  };
}
export type AlertStore = ReturnType<typeof alertStore>;
