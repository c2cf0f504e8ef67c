import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import { grid, groupTags, onGrid, reduce, type Gathered } from './buckets.js';
import { Cardinality, cleanName } from './cardinality.js';
import { metricsErrors } from './errors.js';
import type { MetricsStore, Point, Series, SeriesQuery } from './metrics.js';

/** Resolutions: every point is added to each, so that nothing has to be rolled up later and late points count everywhere. */
const LEVELS = [
  { table: 'fine', width: 10_000, keepMs: 24 * 3_600_000 },
  { table: 'middle', width: 300_000, keepMs: 90 * 86_400_000 },
  { table: 'coarse', width: 3_600_000, keepMs: 3 * 365 * 86_400_000 },
] as const;
const FLUSH_MS = 1000;
/** Cells gathered between two writes; with more, what comes is lost and counted. */
const WAITING_MAX = 100_000;
const PRUNE_MS = 10 * 60_000;
/** Series of the whole file; above it points go to the series without tags. */
const SERIES_MAX = 20_000;

interface Cell extends Gathered { series: number; field: string; bucket: number }

export interface EmbeddedMetricsOptions {
  /** SQLite file; default: in memory. */
  path?: string;
  /** Days that each resolution is kept: 10 s, 5 min, 1 h. */
  keepDays?: [number, number, number];
  now?: () => number;
}

/**
 * Metrics in one SQLite file (WAL). Retention counts from when a point was written, not from its time stamp, so that a
 * replayed capture of an old attack stays as long as live traffic.
 */
class EmbeddedMetrics implements MetricsStore {
  readonly #db: Database.Database;
  readonly #cardinality = new Cardinality();
  readonly #series = new Map<string, number>();
  readonly #cells = new Map<string, Cell>();
  readonly #timers: NodeJS.Timeout[];
  readonly #now: () => number;
  readonly #upsert: Database.Statement[];
  #written = 0;
  #waiting = 0;
  #lost = 0;
  #up = true;
  #closed = false;

  constructor(private readonly options: EmbeddedMetricsOptions) {
    const path = options.path ?? ':memory:';
    this.#now = options.now ?? Date.now;
    try {
      if (options.path !== undefined) mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
      this.#db = new Database(path);
      this.#db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=3000;
        CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, tags TEXT NOT NULL, UNIQUE (measurement, tags));
        ${LEVELS.map(({ table }) => `CREATE TABLE IF NOT EXISTS ${table} (series INTEGER NOT NULL, field TEXT NOT NULL, bucket INTEGER NOT NULL,
          count INTEGER NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL, last REAL NOT NULL, last_at INTEGER NOT NULL,
          written INTEGER NOT NULL, PRIMARY KEY (series, field, bucket)) WITHOUT ROWID;
          CREATE INDEX IF NOT EXISTS ${table}_written ON ${table} (written);`).join('\n')}`);
    } catch (error) {
      throw metricsErrors.file(path, (error as Error).message);
    }
    for (const row of this.#db.prepare('SELECT id, measurement, tags FROM series').all() as { id: number; measurement: string; tags: string }[]) {
      this.#series.set(`${row.measurement}\0${row.tags}`, row.id);
    }
    this.#upsert = LEVELS.map(({ table }) => this.#db.prepare(`INSERT INTO ${table} VALUES (?,?,?,?,?,?,?,?,?,?)
      ON CONFLICT (series, field, bucket) DO UPDATE SET count = count + excluded.count, sum = sum + excluded.sum,
      min = min(min, excluded.min), max = max(max, excluded.max), written = excluded.written,
      last = CASE WHEN excluded.last_at >= last_at THEN excluded.last ELSE last END, last_at = max(last_at, excluded.last_at)`));
    this.#timers = [setInterval(() => { void this.flush(); }, FLUSH_MS), setInterval(() => this.#prune(), PRUNE_MS)];
    for (const timer of this.#timers) timer.unref();
    this.#prune();
  }

  #seriesOf(measurement: string, tags: Record<string, string>): number {
    const key = `${measurement}\0${JSON.stringify(tags)}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= SERIES_MAX && Object.keys(tags).length > 0) return this.#seriesOf(measurement, {});
    const { lastInsertRowid } = this.#db.prepare('INSERT INTO series (measurement, tags) VALUES (?, ?)').run(measurement, JSON.stringify(tags));
    this.#series.set(key, Number(lastInsertRowid));
    return Number(lastInsertRowid);
  }

  write(points: Point[]): void {
    for (const raw of points) {
      const point = this.#closed ? undefined : this.#cardinality.bound(raw);
      if (!point || this.#cells.size >= WAITING_MAX) { this.#lost++; continue; }
      try {
        const series = this.#seriesOf(point.measurement, point.tags);
        for (const field in point.fields) this.#gather(series, field, point.fields[field], point.at);
        this.#waiting++;
      } catch {
        this.#lost++;
        this.#up = false;
      }
    }
  }

  #gather(series: number, field: string, value: number, at: number): void {
    const bucket = Math.floor(at / LEVELS[0].width) * LEVELS[0].width;
    const key = `${series}\0${bucket}\0${field}`;
    const cell = this.#cells.get(key);
    if (!cell) { this.#cells.set(key, { series, field, bucket, count: 1, sum: value, min: value, max: value, last: value, lastAt: at }); return; }
    cell.count++;
    cell.sum += value;
    cell.min = Math.min(cell.min, value);
    cell.max = Math.max(cell.max, value);
    if (at >= cell.lastAt) { cell.last = value; cell.lastAt = at; }
  }

  async flush(): Promise<void> {
    if (this.#cells.size === 0 || this.#closed) return;
    const written = this.#now();
    try {
      this.#db.exec('BEGIN');
      for (const c of this.#cells.values()) {
        LEVELS.forEach(({ width }, i) => {
          this.#upsert[i].run(c.series, c.field, Math.floor(c.bucket / width) * width, c.count, c.sum, c.min, c.max, c.last, c.lastAt, written);
        });
      }
      this.#db.exec('COMMIT');
      this.#cells.clear();
      this.#written += this.#waiting;
      this.#waiting = 0;
      this.#up = true;
    } catch {
      // A full disk: the cells stay and are tried again; write() counts what no longer fits.
      this.#up = false;
      try { this.#db.exec('ROLLBACK'); } catch { /* the transaction never began */ }
    }
  }

  #keepMs(level: number): number {
    return this.options.keepDays ? this.options.keepDays[level] * 86_400_000 : LEVELS[level].keepMs;
  }

  #prune(): void {
    try {
      LEVELS.forEach(({ table }, i) => { this.#db.prepare(`DELETE FROM ${table} WHERE written < ?`).run(this.#now() - this.#keepMs(i)); });
    } catch { this.#up = false; }
  }

  /** The finest resolution that the interval can be made of and that still holds the beginning. */
  #level(query: SeriesQuery, ids: number[]): (typeof LEVELS)[number] {
    const fits = LEVELS.filter(({ width }) => query.interval % width === 0);
    for (const level of fits) {
      const row = this.#db.prepare(`SELECT 1 AS found FROM ${level.table} WHERE series IN (${ids.join(',')}) AND bucket >= ? AND bucket < ? LIMIT 1`)
        .get(query.from - (query.from % level.width), query.from + Math.max(query.interval, level.width)) as unknown;
      if (row) return level;
    }
    // Nothing at the very beginning: the level that reaches furthest back wins, the finer one when they are equal.
    let best: (typeof LEVELS)[number] = fits[0] ?? LEVELS[0];
    let oldest = Infinity;
    for (const level of fits) {
      const row = this.#db.prepare(`SELECT min(bucket) AS first FROM ${level.table} WHERE series IN (${ids.join(',')}) AND bucket >= ? AND bucket < ?`)
        .get(query.from - (query.from % level.width), query.to) as { first: number | null };
      const first = row.first === null ? Infinity : row.first + level.width;
      if (first < oldest - level.width) { best = level; oldest = first; }
    }
    return best;
  }

  /** Intervals are made of 10 s steps: a finer one is rounded up. */
  async query(query: SeriesQuery): Promise<Series[]> {
    await this.flush();
    grid(query);
    const step = LEVELS[0].width;
    const asked: SeriesQuery = { ...query, interval: Math.max(1, Math.ceil(query.interval / step)) * step };
    const starts = grid(asked);
    const where = Object.entries(query.where ?? {});
    const groupBy = query.groupBy ?? [];
    const tagsOf = new Map<number, Record<string, string>>();
    for (const [key, id] of this.#series) {
      const [measurement, json] = key.split('\0');
      if (measurement !== cleanName(query.measurement)) continue;
      const tags = JSON.parse(json) as Record<string, string>;
      if (where.every(([name, value]) => (tags[name] ?? '') === value)) tagsOf.set(id, tags);
    }
    if (tagsOf.size === 0 || starts.length === 0) return [];
    const ids = [...tagsOf.keys()];
    const level = this.#level(asked, ids);
    const rows = this.#db.prepare(`SELECT series, bucket, count, sum, min, max, last, last_at AS lastAt FROM ${level.table}
      WHERE series IN (${ids.join(',')}) AND field = ? AND bucket >= ? AND bucket < ?`)
      .all(cleanName(query.field), Math.floor(query.from / level.width) * level.width, query.to) as (Gathered & { series: number; bucket: number })[];
    const groups = new Map<string, { tags: Record<string, string>; buckets: Map<number, Gathered> }>();
    for (const row of rows) {
      const tags = groupTags(groupBy, tagsOf.get(row.series)!);
      const key = JSON.stringify(tags);
      let group = groups.get(key);
      if (!group) groups.set(key, group = { tags, buckets: new Map() });
      const start = Math.floor(row.bucket / asked.interval) * asked.interval;
      const g = group.buckets.get(start);
      if (!g) { group.buckets.set(start, { ...row }); continue; }
      g.count += row.count;
      g.sum += row.sum;
      g.min = Math.min(g.min, row.min);
      g.max = Math.max(g.max, row.max);
      if (row.lastAt >= g.lastAt) { g.last = row.last; g.lastAt = row.lastAt; }
    }
    return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { tags, buckets }]) =>
      onGrid(starts, tags, new Map([...buckets].map(([at, g]) => [at, reduce(g, query.aggregate)]))));
  }

  stats(): { written: number; waiting: number; lost: number; up: boolean } {
    return { written: this.#written, waiting: this.#waiting, lost: this.#lost, up: this.#up };
  }

  async remove(tag: string, value: string): Promise<void> {
    await this.flush();
    for (const [key, id] of this.#series) {
      if (JSON.parse(key.split('\0')[1])[tag] !== value) continue;
      for (const { table } of LEVELS) this.#db.prepare(`DELETE FROM ${table} WHERE series = ?`).run(id);
      this.#db.prepare('DELETE FROM series WHERE id = ?').run(id);
      this.#series.delete(key);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.flush();
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#db.close();
  }
}

/** Metrics inside this process, in one file or in memory. Throws SW_METRICS_FILE. */
export function createEmbeddedMetrics(options: EmbeddedMetricsOptions = {}): MetricsStore {
  return new EmbeddedMetrics(options);
}
