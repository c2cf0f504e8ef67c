import { CompiledQuery, sql, type SelectQueryBuilder, type SqlBool } from 'kysely';
import type { Alert } from '../../../contracts/alert.js';
import { SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import type { AlertCountQuery, AlertQuery } from '../../model/requests.js';
import { readCursor, readTime, writeCursor } from './cursor.js';
import type { AlertTable, Db, Engine, Tables } from './schema.js';
import { withinScope, type Scope } from './scope.js';
import { together } from './transaction.js';
import { queryWords, toFts5, toTsQuery } from './search-text.js';
import type { Selectable } from 'kysely';

export type AlertRecord = Selectable<AlertTable>;
/** Counting stops there: the newest so many that match are counted, and the answer says that there are more. */
export const COUNT_CAP = 10_000;
/** Alerts that a list of the busiest looks at. */
const RECENT_MAX = 20_000;
/** Alerts that a curve of less than an hour a bucket looks at, the newest first: a flood of a minute. */
const SERIES_MAX = 300_000;
/** Rows that one step of a list looks at; steps follow one another until the page is full or its time is over. */
const STEP_ROWS = 4_000;
const STEP_ROWS_MAX = 64_000;
/** A page that is not full by then ends early with a `next`: a filter that fits hardly anything answers all the same. */
const PAGE_MS = 120;
const PAGE_DEFAULT = 100;
/** Steps grow while most of the time is left: the last one, too, has to end near its end. */
const longer = (step: number, rest: number): number => (rest > PAGE_MS / 2 ? Math.min(step * 2, STEP_ROWS_MAX) : step);
/** A walk that has not found a first few matches by then is after a rare word. */
const SEEK_MS = 100;
/** SQLSTATE of a statement that its time limit ended. */
const QUERY_CANCELLED = '57014';
/** Words that a beginning may stand for; more are looked for as a beginning. */
const TERMS_MAX = 32;

export type SeriesTag = 'unit' | 'node' | 'severity' | 'verdict' | 'class';

export interface UnitFilter {
  /** The asked unit with everything below it. */
  units?: readonly string[];
}
type Filters = Omit<AlertCountQuery, 'unit'> & UnitFilter;
type ListQuery = Omit<AlertQuery, 'unit'> & UnitFilter;
type Key = [number, number];
type AlertSelect = SelectQueryBuilder<Tables, 'alert', object>;

const split = (text: string | undefined): string[] | undefined => text?.split(',');
const ordinals = (text: string | undefined, names: readonly string[]): number[] | undefined => split(text)?.map((n) => names.indexOf(n));

type Driver = { column: 'incident' | 'rule' | 'system' | 'node' | 'class' | 'unit' | 'verdict' | 'severity' | 'attacker_ip' | 'victim_ip' | 'attacker_unit'; value: string | number };
/** Columns whose index holds only the rows that have a value. */
const SPARSE: ReadonlySet<string> = new Set(['system', 'attacker_unit', 'node']);
const HOUR_MS = 3_600_000;
/** A week's report and a day more; beyond it the hours are too many for an answer at once. */
const HOURLY_MAX_MS = 8 * 24 * HOUR_MS;
/** Curves of a longer time are drawn by the hour. */
const FINE_MAX_MS = 2 * 24 * HOUR_MS;

/**
 * The index walks whose union is the answer, each in page order, chosen by how few rows each holds: an incident, an
 * address, a rule; then what happened (attempts are most alerts and have no index), then unit, class and severity.
 * Without this the planner sorts millions of rows for `severity in (high, critical)`.
 */
function walks(f: Filters, scope: Scope): (Driver | undefined)[] {
  const of = (column: Driver['column'], values: readonly (string | number)[] | undefined): Driver[] | undefined =>
    // More walks than this cost more than they save.
    (values && values.length <= 24 ? values.map((value) => ({ column, value })) : undefined);
  if (f.ip) return [{ column: 'attacker_ip', value: f.ip }, { column: 'victim_ip', value: f.ip }];
  const verdicts = ordinals(f.verdict, VERDICTS);
  const severities = ordinals(f.severity, SEVERITIES);
  return of('incident', split(f.incident)) ?? of('rule', split(f.rule)) ?? of('system', split(f.system))
    ?? (verdicts && !verdicts.includes(0) ? of('verdict', verdicts) : undefined)
    ?? (severities?.every((s) => s === SEVERITIES.length - 1) ? of('severity', severities) : undefined)
    ?? of('node', f.node === undefined ? undefined : [f.node]) ?? of('unit', f.units) ?? of('class', split(f.class))
    ?? (!scope.all ? of('unit', scope.units)?.flatMap((d) => [d, { ...d, column: 'attacker_unit' as const }]) : undefined)
    ?? of('severity', severities) ?? [undefined];
}

function narrow(query: AlertSelect, f: Filters, scope: Scope): AlertSelect {
  let q = query.where(withinScope(scope, 'alert'));
  const equal = {
    incident: split(f.incident), rule: split(f.rule), system: split(f.system), class: split(f.class), unit: f.units ? [...f.units] : undefined,
    verdict: ordinals(f.verdict, VERDICTS), severity: ordinals(f.severity, SEVERITIES),
  };
  for (const [column, values] of Object.entries(equal)) if (values) q = q.where(sql.ref(`alert.${column}`), 'in', values.length > 0 ? values : [''] as never);
  if (f.ip) q = q.where((eb) => eb.or([eb('attacker_ip', '=', f.ip as string), eb('victim_ip', '=', f.ip as string)]));
  if (f.node) q = q.where('alert.node', '=', f.node);
  const from = readTime(f.from, 'from');
  const to = readTime(f.to, 'to');
  if (from !== undefined) q = q.where('alert.last_seen', '>=', from);
  if (to !== undefined) q = q.where('alert.last_seen', '<', to);
  if (f.after !== undefined) q = q.where('alert.seq', '>', f.after);
  // A condition that is always true of these rows lets the planner use their partial index.
  if (f.demo !== undefined) q = q.where('alert.demo', '=', f.demo ? 1 : 0);
  q = q.where('alert.suppressed', f.suppressed === true ? 'is not' : 'is', null);
  return q;
}

export function alertStore(db: Db, engine: Engine) {
  /**
   * The words of the index that begin like this, in order; undefined where they are more than `TERMS_MAX`. A match of
   * whole words is read lazily, newest first; one of a beginning gathers all its alerts before the first is known.
   */
  async function terms(start: string): Promise<string[] | undefined> {
    const found: string[] = [];
    for (let from = start; ;) {
      const [row] = (await db.executeQuery<{ term: string }>(CompiledQuery.raw('select term from alert_term where term >= ? limit 1', [from]), )).rows;
      if (!row?.term.startsWith(start)) return found;
      if (found.length >= TERMS_MAX) return undefined;
      found.push(row.term);
      // No word of the index holds a control character: the next possible one.
      from = `${row.term}\u0001`;
    }
  }
  /** The question in the index's own language; undefined: no alert holds such a word. */
  async function question(text: string): Promise<string | undefined> {
    const words = queryWords(text);
    if (words.length === 0) return undefined;
    if (engine === 'postgres') return toTsQuery(words);
    const parts: string[] = [];
    for (const word of words) {
      const whole = word.prefix ? await terms(word.token) : [word.token];
      if (whole?.length === 0) return undefined;
      parts.push(whole ? `(${whole.map((t) => `"${t}"`).join(' OR ')})` : toFts5([word]));
    }
    return parts.join(' AND ');
  }
  /**
   * The numbers that match, the latest arrivals first, a step at a time. SQLite reads its index lazily. PostgreSQL does not
   * know how often words stand together: a word that is often seen is found by walking back through the alerts, one that is
   * not within `SEEK_MS` is rare, and all that hold it are gathered.
   * @returns undefined where the time `ms` was over
   */
  async function seek(text: string, cursor?: number) {
    const asked = await question(text);
    let before = cursor ?? Number.MAX_SAFE_INTEGER;
    let [first, rare] = [true, false];
    let step = engine === 'postgres' ? STEP_ROWS / 16 : STEP_ROWS / 4;
    const ask = (gather: boolean, limit: number, ms?: number): Promise<number[] | undefined> => together(db, async (tx) => {
      await sql.raw(`set local ${gather ? 'enable_indexscan' : 'enable_bitmapscan'} = off; set local statement_timeout = ${ms === undefined ? 0 : Math.max(1, Math.round(ms))}`).execute(tx);
      return (await sql<{ num: number }>`select num from alert_search where tokens @@ ${asked}::tsquery and num < ${before} order by num desc limit ${sql.lit(limit)}`.execute(tx)).rows.map((r) => Number(r.num));
    }).catch((error: unknown) => {
      if ((error as { code?: string }).code === QUERY_CANCELLED) return undefined;
      throw error;
    });
    return {
      get at(): number { return before; },
      /** @param ms not of the first step: that one brings the search forward, however long it takes */
      async next(ms: number): Promise<{ nums: number[]; more: boolean } | undefined> {
        if (asked === undefined) return { nums: [], more: false };
        let nums: number[] | undefined;
        if (engine === 'sqlite') {
          const { rows } = await db.executeQuery<{ num: number }>(CompiledQuery.raw('select rowid as num from alert_search where alert_search match ? and rowid < ? order by rowid desc limit ?', [asked, before, step]));
          nums = rows.map((r) => Number(r.num));
        } else {
          if (!rare) nums = await ask(false, step, first ? SEEK_MS : ms);
          if (nums === undefined && (first || rare)) {
            rare = true;
            step = STEP_ROWS_MAX / 4;
            nums = await ask(true, step, first ? undefined : ms);
          }
        }
        first = false;
        if (nums === undefined) return undefined;
        const more = nums.length === step;
        before = nums.at(-1) ?? before;
        step = Math.min(step * (engine === 'postgres' ? 4 : 2), STEP_ROWS_MAX / 4);
        return { nums, more };
      },
    };
  }
  const base = (f: Filters, scope: Scope): AlertSelect => narrow(db.selectFrom('alert') as unknown as AlertSelect, f, scope);
  /** What fits of these alerts. SQLite is told to begin with them: by itself it might walk an index of millions. */
  const ofNums = (f: Filters, scope: Scope, nums: number[]): AlertSelect => (engine === 'postgres'
    ? base(f, scope).where(sql<SqlBool>`alert.num = any(${nums})`)
    : narrow(db.selectFrom(sql<{ value: number }>`json_each(${JSON.stringify(nums)})`.as('found')).crossJoin('alert').where(sql<SqlBool>`alert.num = found.value`) as unknown as AlertSelect, f, scope));

  /** A page of a search: in the order of arrival, as the search index has it. */
  async function search(scope: Scope, q: ListQuery, limit: number): Promise<{ rows: AlertRecord[]; next?: string }> {
    const after = readCursor(q.cursor, ['number']);
    const rows: AlertRecord[] = [];
    const until = performance.now() + PAGE_MS;
    const seeker = await seek(q.text as string, after?.[0] as number | undefined);
    for (;;) {
      const found = await seeker.next(until - performance.now());
      if (found === undefined) return { rows, next: writeCursor(seeker.at) };
      if (found.nums.length > 0) rows.push(...(await ofNums(q, scope, found.nums).selectAll('alert').orderBy('num', 'desc').limit(limit + 1 - rows.length).execute()) as AlertRecord[]);
      if (rows.length > limit) {
        rows.length = limit;
        return { rows, next: writeCursor(rows[limit - 1].num) };
      }
      if (!found.more) return { rows };
      if (performance.now() > until) return { rows, next: writeCursor(seeker.at) };
    }
  }

  const beyond = (key: Key, down: boolean) => (down ? sql<SqlBool>`(alert.last_seen, alert.num) < (${key[0]}, ${key[1]})` : sql<SqlBool>`(alert.last_seen, alert.num) > (${key[0]}, ${key[1]})`);
  /** How far a step of a walk goes, read from the index alone; undefined: to its end. */
  async function edgeOf(q: Filters, driver: Driver | undefined, down: boolean, at: Key | undefined, step: number): Promise<Key | undefined> {
    let edge = db.selectFrom('alert').select(['last_seen', 'num']);
    if (driver) edge = edge.where(driver.column, '=', driver.value as never);
    if (driver?.column === 'verdict') edge = edge.where('verdict', '>', 0);
    if (driver && SPARSE.has(driver.column)) edge = edge.where(driver.column, 'is not', null);
    if (q.demo === true && !driver) edge = edge.where('demo', '=', 1);
    if (q.suppressed === true && !driver) edge = edge.where('suppressed', 'is not', null);
    const from = readTime(q.from, 'from');
    const to = readTime(q.to, 'to');
    if (from !== undefined) edge = edge.where('last_seen', '>=', from);
    if (to !== undefined) edge = edge.where('last_seen', '<', to);
    if (at) edge = edge.where(beyond(at, down));
    const direction = down ? 'desc' : 'asc';
    const last = await edge.orderBy('last_seen', direction).orderBy('num', direction).offset(step - 1).limit(1).executeTakeFirst();
    return last && [last.last_seen, last.num];
  }
  /** The alerts of one step: what fits the filters, from `at` to `edge`. */
  function within(query: AlertSelect, driver: Driver | undefined, down: boolean, at: Key | undefined, edge: Key | undefined): AlertSelect {
    const direction = down ? 'desc' : 'asc';
    let q = query;
    if (driver) q = q.where(`alert.${driver.column}`, '=', driver.value as never);
    if (driver?.column === 'verdict') q = q.where('alert.verdict', '>', 0);
    if (at) q = q.where(beyond(at, down));
    if (edge) q = q.where(down ? sql<SqlBool>`(alert.last_seen, alert.num) >= (${edge[0]}, ${edge[1]})` : sql<SqlBool>`(alert.last_seen, alert.num) <= (${edge[0]}, ${edge[1]})`);
    return q.orderBy('alert.last_seen', direction).orderBy('alert.num', direction);
  }

  /** Walks one index in page order from `after` on, step by step. `end`: where it stopped before the walk was over. */
  async function walk(scope: Scope, q: ListQuery, driver: Driver | undefined, limit: number, down: boolean, after: Key | undefined, until: number): Promise<{ rows: AlertRecord[]; end?: Key }> {
    const rows: AlertRecord[] = [];
    let at = after;
    for (let step = STEP_ROWS; ;) {
      const edge = await edgeOf(q, driver, down, at, step);
      rows.push(...(await within(base(q, scope), driver, down, at, edge).selectAll('alert').limit(limit + 1 - rows.length).execute()) as AlertRecord[]);
      if (rows.length > limit || !edge) return { rows };
      at = edge;
      const rest = until - performance.now();
      if (rest < 0) return { rows, end: at };
      step = longer(step, rest);
    }
  }

  /** Whether the filters ask for nothing but what the tables of counts hold. */
  const onlyKinds = (f: Filters): boolean => !(f.text?.trim() || f.ip || f.node || f.rule || f.system || f.incident || f.after !== undefined || f.suppressed);
  /** Whether the hourly counts can answer: no filter that they do not hold, and whole hours. */
  function hourly(f: Filters): { from: number; to?: number } | undefined {
    if (!onlyKinds(f)) return undefined;
    const from = readTime(f.from, 'from');
    const to = readTime(f.to, 'to');
    if (from === undefined || (to ?? Date.now()) - from > HOURLY_MAX_MS) return undefined;
    return { from, ...(to === undefined ? {} : { to }) };
  }
  type CountRow = { severity: number; verdict: number; class: string; unit: string | null; n: number };
  const tally = (query: AlertSelect): Promise<CountRow[]> => db.selectFrom(query.select(['severity', 'verdict', 'class', 'unit']).as('x'))
    .select(['severity', 'verdict', 'class', 'unit', sql<number>`count(*)`.as('n')]).groupBy(['severity', 'verdict', 'class', 'unit']).execute() as Promise<CountRow[]>;

  return {
    /**
     * One page, newest packet time first unless asked otherwise; a search comes in the order of arrival. A page may hold
     * fewer rows than asked for, even none, and still have a `next`: then the time for looking was over.
     */
    async list(scope: Scope, q: ListQuery): Promise<{ rows: AlertRecord[]; next?: string }> {
      const limit = q.limit ?? PAGE_DEFAULT;
      if (q.text?.trim()) return search(scope, q, limit);
      const down = q.order !== 'oldest';
      const after = readCursor(q.cursor, ['number', 'number']) as Key | undefined;
      const until = performance.now() + PAGE_MS;
      const parts = await Promise.all(walks(q, scope).map((driver) => walk(scope, q, driver, limit, down, after, until)));
      const sign = down ? -1 : 1;
      const order = (a: Key, b: Key): number => sign * (a[0] - b[0] || a[1] - b[1]);
      // Beyond the nearest stop of a walk nothing is known for sure.
      const stop = parts.flatMap((p) => (p.end ? [p.end] : [])).sort(order)[0];
      const seen = new Set<number>();
      const rows = parts.flatMap((p) => p.rows).sort((a, b) => order([a.last_seen, a.num], [b.last_seen, b.num]))
        .filter((row) => !seen.has(row.num) && seen.add(row.num) && (!stop || order([row.last_seen, row.num], stop) <= 0));
      if (rows.length > limit) {
        rows.length = limit;
        return { rows, next: writeCursor(rows[limit - 1].last_seen, rows[limit - 1].num) };
      }
      return { rows, ...(stop ? { next: writeCursor(...stop) } : {}) };
    },

    /**
     * Counts by severity, verdict, class and unit: exact where the totals or whole hours answer, else over the newest
     * `COUNT_CAP` that match, as far as the time for looking goes. `partial`: there are more than were counted.
     */
    async counts(scope: Scope, f: Filters): Promise<{ rows: CountRow[]; partial: boolean }> {
      const tabled = async (query: typeof whole): Promise<CountRow[]> => (await query.select(['severity', 'verdict', 'class', 'unit', sql<number>`sum(alerts)`.as('n')]).groupBy(['severity', 'verdict', 'class', 'unit']).execute())
        .map((r) => ({ ...r, unit: r.unit === '' ? null : r.unit, n: Number(r.n) })).filter((r) => r.n > 0);
      const units = scope.all ? [] : scope.units.length > 0 ? [...scope.units] : ['?'];
      const whole = db.selectFrom('alert_total')
        .$if(!scope.all, (q) => q.where((eb) => eb.or([eb('unit', 'in', units), eb('attacker_unit', 'in', units)])))
        .$if(f.units !== undefined, (q) => q.where('unit', 'in', f.units && f.units.length > 0 ? [...f.units] : ['?']))
        .$if(f.class !== undefined, (q) => q.where('class', 'in', split(f.class) ?? []))
        .$if(f.severity !== undefined, (q) => q.where('severity', 'in', ordinals(f.severity, SEVERITIES) ?? []))
        .$if(f.verdict !== undefined, (q) => q.where('verdict', 'in', ordinals(f.verdict, VERDICTS) ?? []))
        .$if(f.demo !== undefined, (q) => q.where('demo', '=', f.demo ? 1 : 0));
      if (onlyKinds(f) && f.from === undefined && f.to === undefined) return { rows: await tabled(whole), partial: false };
      const range = hourly(f);
      if (range) {
        // Whole hours from their own table, the ends from the alerts themselves.
        const first = Math.ceil(range.from / HOUR_MS);
        const end = range.to === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(range.to / HOUR_MS);
        if (end > first) {
          let q = db.selectFrom('alert_hour').where('hour', '>=', first).where('hour', '<', end);
          if (!scope.all) q = q.where((eb) => eb.or([eb('unit', 'in', units), eb('attacker_unit', 'in', units)]));
          if (f.units) q = q.where('unit', 'in', f.units.length > 0 ? [...f.units] : ['?']);
          if (f.class) q = q.where('class', 'in', f.class.split(','));
          if (f.severity) q = q.where('severity', 'in', ordinals(f.severity, SEVERITIES) as number[]);
          if (f.verdict) q = q.where('verdict', 'in', ordinals(f.verdict, VERDICTS) as number[]);
          if (f.demo !== undefined) q = q.where('demo', '=', f.demo ? 1 : 0);
          const rows = await tabled(q as unknown as typeof whole);
          const part = async (from: number, to: number): Promise<void> => {
            if (to > from) rows.push(...(await tally(base({ ...f, from: String(from), to: String(to) }, scope).orderBy('last_seen', 'desc').limit(COUNT_CAP))).map((r) => ({ ...r, n: Number(r.n) })));
          };
          await part(range.from, first * HOUR_MS);
          if (range.to !== undefined) await part(end * HOUR_MS, range.to);
          return { rows, partial: false };
        }
      }
      const until = performance.now() + PAGE_MS;
      const rows: CountRow[] = [];
      let left = COUNT_CAP + 1;
      const take = async (query: AlertSelect): Promise<void> => {
        for (const r of await tally(query.limit(left))) {
          rows.push({ ...r, n: Number(r.n) });
          left -= Number(r.n);
        }
      };
      if (f.text?.trim()) {
        const seeker = await seek(f.text);
        for (;;) {
          const rest = until - performance.now();
          const found = rest < 0 ? undefined : await seeker.next(rest);
          if (found === undefined) return { rows, partial: true };
          if (found.nums.length > 0) await take(ofNums(f, scope, found.nums));
          if (!found.more) return { rows, partial: left <= 0 };
          if (left <= 0) return { rows, partial: true };
        }
      }
      for (const [i, driver] of walks(f, scope).entries()) {
        let query = base(f, scope);
        if (f.ip && i === 1) query = query.where('attacker_ip', '!=', f.ip);
        if (driver?.column === 'attacker_unit' && !scope.all) query = query.where((eb) => eb.or([eb('alert.unit', 'is', null), eb('alert.unit', 'not in', [...scope.units])]));
        let at: Key | undefined;
        for (let step = STEP_ROWS / 4; ;) {
          const edge = await edgeOf(f, driver, true, at, step);
          await take(within(query, driver, true, at, edge));
          if (left <= 0) return { rows, partial: true };
          if (!edge) break;
          const rest = until - performance.now();
          if (rest < 0) return { rows, partial: true };
          at = edge;
          step = longer(step, rest);
        }
      }
      return { rows, partial: false };
    },

    /** All alerts, hidden ones too. */
    async total(): Promise<number> {
      const row = await db.selectFrom('alert').select(sql<number>`count(*)`.as('n')).executeTakeFirstOrThrow();
      return Number(row.n);
    },

    async byId(scope: Scope, id: string): Promise<{ row: AlertRecord; eve: Alert } | undefined> {
      const row = await db.selectFrom('alert').selectAll().where('id', '=', id).where(withinScope(scope, 'alert')).executeTakeFirst();
      if (!row) return undefined;
      const body = await db.selectFrom('alert_body').select('eve_json').where('num', '=', row.num).executeTakeFirst();
      return { row, eve: JSON.parse(body?.eve_json ?? '{}') as Alert };
    },

    /** Alerts of an incident as they came over the bus, the telling ones first. */
    async ofIncident(scope: Scope, incident: string, limit: number): Promise<{ row: AlertRecord; eve: string }[]> {
      const rows = await db.selectFrom('alert').innerJoin('alert_body', 'alert_body.num', 'alert.num').selectAll('alert').select('eve_json')
        .where('incident', '=', incident).where(withinScope(scope, 'alert')).orderBy('verdict', 'desc').orderBy('severity', 'desc').orderBy('alert.last_seen').limit(limit).execute();
      return rows.map(({ eve_json, ...row }) => ({ row: row as AlertRecord, eve: eve_json }));
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
    /** The most frequent values of a column within a time range; at most `RECENT_MAX` alerts are looked at. */
    async top(scope: Scope, column: 'class' | 'attacker_ip' | 'victim_ip' | 'unit', from: number, to: number, limit: number) {
      const recent = db.selectFrom('alert').where('last_seen', '>=', from).where('last_seen', '<', to).where(withinScope(scope, 'alert'))
        .select(['class', 'attacker_ip', 'victim_ip', 'unit', 'system', 'severity']).orderBy('last_seen', 'desc').limit(RECENT_MAX);
      return (await db.selectFrom(recent.as('x')).where(column, 'is not', null)
        .select([sql<string>`${sql.ref(column)}`.as('key'), sql<number>`count(*)`.as('n'), sql<number>`max(severity)`.as('severity'), sql<string | null>`max(unit)`.as('unit'), sql<string | null>`max(system)`.as('system')])
        .groupBy(column).orderBy('n', 'desc').orderBy('severity', 'desc').orderBy('key').limit(limit).execute()).map((r) => ({ ...r, n: Number(r.n), severity: Number(r.severity) }));
    },
    /** Newest packet time that arrived after `received`; undefined where nothing did. */
    async newest(scope: Scope): Promise<number | undefined> {
      const row = await db.selectFrom('alert').select('last_seen').where(withinScope(scope, 'alert')).orderBy('last_seen', 'desc').limit(1).executeTakeFirst();
      return row?.last_seen;
    },
    /**
     * Alerts by bucket and up to all of these tags, as they stand now: a revision that says more moves its alert. Long
     * times come from the hourly counts, whole hours each; an alert counts where it was last seen.
     */
    async series(scope: Scope, q: { from: number; to: number; interval: number; groupBy: readonly SeriesTag[]; unit?: string; node?: string; units?: readonly string[] }): Promise<{ tags: Record<string, string>; values: [number, number][] }[]> {
      const byHour = !q.node && !q.groupBy.includes('node') && (q.interval % HOUR_MS === 0 || q.to - q.from > FINE_MAX_MS);
      const at = byHour ? sql<number>`hour * 3600000 / ${sql.lit(q.interval)} * ${sql.lit(q.interval)}` : sql<number>`last_seen / ${sql.lit(q.interval)} * ${sql.lit(q.interval)}`;
      const units = scope.all ? [] : scope.units.length > 0 ? [...scope.units] : ['?'];
      let rows: Record<string, string | number | null>[];
      if (byHour) {
        let query = db.selectFrom('alert_hour').where('hour', '>=', Math.floor(q.from / HOUR_MS)).where('hour', '<', Math.ceil(q.to / HOUR_MS));
        if (!scope.all) query = query.where((eb) => eb.or([eb('unit', 'in', units), eb('attacker_unit', 'in', units)]));
        if (q.unit !== undefined) query = query.where('unit', '=', q.unit);
        const tags = q.groupBy as readonly Exclude<SeriesTag, 'node'>[];
        rows = await query.select([at.as('at'), ...tags, sql<number>`sum(alerts)`.as('n')]).groupBy(['at', ...tags]).execute();
      } else {
        let query = db.selectFrom('alert').where('last_seen', '>=', q.from).where('last_seen', '<', q.to).where('suppressed', 'is', null).where(withinScope(scope, 'alert'));
        if (q.unit !== undefined) query = query.where('unit', '=', q.unit);
        if (q.node !== undefined) query = query.where('node', '=', q.node);
        const recent = query.select(['last_seen', ...q.groupBy]).orderBy('last_seen', 'desc').limit(SERIES_MAX);
        rows = await db.selectFrom(recent.as('x')).select([at.as('at'), ...q.groupBy, sql<number>`count(*)`.as('n')]).groupBy(['at', ...q.groupBy]).execute();
      }
      const series = new Map<string, { tags: Record<string, string>; values: [number, number][] }>();
      for (const r of rows) {
        const tags = Object.fromEntries(q.groupBy.map((g) => [g, g === 'severity' ? SEVERITIES[Number(r[g])] : g === 'verdict' ? VERDICTS[Number(r[g])] : String(r[g] ?? '')]));
        const key = JSON.stringify(tags);
        const held = series.get(key) ?? { tags, values: [] };
        if (Number(r.n) > 0) held.values.push([Number(r.at), Number(r.n)]);
        series.set(key, held);
      }
      for (const s of series.values()) s.values.sort((a, b) => a[0] - b[0]);
      return [...series.values()].filter((s) => s.values.length > 0);
    },
  };
}
export type AlertStore = ReturnType<typeof alertStore>;
