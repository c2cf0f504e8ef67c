import { randomInt } from 'node:crypto';
import { InfluxDB, escape } from 'influx';
import type { IBackoffStrategy } from 'influx/lib/src/backoff/backoff.js';
import { grid, groupTags, onGrid } from './buckets.js';
import { Cardinality, cleanName } from './cardinality.js';
import { metricsErrors } from './errors.js';
import type { MetricsStore, Point, Series, SeriesQuery } from './metrics.js';

const FLUSH_MS = 1000;
const BATCH = 5000;
/** Points held while the server is away: about 10 minutes of a busy analyzer, some 50 MB. Then the oldest go. */
const WAITING_MAX = 200_000;
/** A failing server is asked again after this, doubling up to the longest. */
const BACKOFF_FIRST_MS = 500;
const BACKOFF_LONGEST_MS = 15_000;
const TIMEOUT_MS = 10_000;

export interface InfluxOptions {
  /** `http://host:8086` or `https://host:8086`. */
  url: string;
  database?: string;
  user?: string;
  password?: string;
  /** Days after which the server drops points; 0: never. */
  retentionDays?: number;
  waitingMax?: number;
  onError?: (error: unknown) => void;
}

/** The pool of the client would refuse a server that failed for a while; when to ask again is decided here. */
const NO_BACKOFF: IBackoffStrategy = { getDelay: () => 0, next: () => NO_BACKOFF, reset: () => NO_BACKOFF };

interface Waiting extends Point { ns: string }

const POLICY = 'shouwang';

class InfluxMetrics implements MetricsStore {
  readonly #client: InfluxDB;
  readonly #cardinality = new Cardinality();
  readonly #database: string;
  readonly #max: number;
  #waiting: Waiting[] = [];
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ready = false;
  #backoff = 0;
  #notBefore = 0;
  #written = 0;
  #lost = 0;
  #up = false;
  #closed = false;
  /** Points of one series and time would overwrite each other: each gets its own nanoseconds within its millisecond. */
  #nano = randomInt(1_000_000);

  constructor(private readonly options: InfluxOptions) {
    const url = new URL(options.url);
    this.#database = options.database ?? 'shouwang';
    this.#max = options.waitingMax ?? WAITING_MAX;
    this.#client = new InfluxDB({
      hosts: [{ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 8086), protocol: url.protocol === 'https:' ? 'https' : 'http', path: url.pathname === '/' ? '' : url.pathname }],
      username: options.user ?? decodeURIComponent(url.username), password: options.password ?? decodeURIComponent(url.password),
      database: this.#database, pool: { maxRetries: 0, requestTimeout: TIMEOUT_MS, backoff: NO_BACKOFF },
    });
    this.#timer = setInterval(() => { void this.#send(); }, FLUSH_MS);
    this.#timer.unref();
  }

  write(points: Point[]): void {
    for (const raw of points) {
      const point = this.#closed ? undefined : this.#cardinality.bound(raw);
      if (!point) { this.#lost++; continue; }
      this.#nano = (this.#nano + 1) % 1_000_000;
      this.#waiting.push({ ...point, ns: `${Math.floor(point.at)}${String(this.#nano).padStart(6, '0')}` });
    }
    const over = this.#waiting.length - this.#max;
    if (over > 0) {
      this.#waiting.splice(0, over);
      this.#lost += over;
    }
    if (this.#waiting.length >= BATCH) void this.#send();
  }

  async #prepare(): Promise<void> {
    try {
      await this.#client.createDatabase(this.#database);
      const days = this.options.retentionDays ?? 0;
      if (days > 0) {
        const policy = { duration: `${days}d`, replication: 1, isDefault: true, database: this.#database };
        await this.#client.createRetentionPolicy(POLICY, policy).catch(() => this.#client.alterRetentionPolicy(POLICY, policy));
      }
    } catch (error) {
      // An account that may only write, or a server that has no such statement, may still have the database.
      if (status(error) === undefined) throw error;
      this.options.onError?.(error);
    }
    this.#ready = true;
  }

  #send(force = false): Promise<void> {
    if (this.#waiting.length === 0 || (!force && Date.now() < this.#notBefore)) return this.#sending ?? Promise.resolve();
    return this.#sending ??= this.#drain().finally(() => { this.#sending = undefined; });
  }

  async #drain(): Promise<void> {
    try {
      if (!this.#ready) await this.#prepare();
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.slice(0, BATCH);
        let lost = 0;
        try {
          await this.#client.writePoints(batch.map((p) => ({ measurement: p.measurement, tags: p.tags, fields: p.fields, timestamp: p.ns })), { precision: 'n', database: this.#database });
        } catch (error) {
          // 400: the server took what it could and will never take the rest (e.g. older than its retention).
          if (status(error) !== 400) throw error;
          const dropped = /dropped=(\d+)/.exec(String((error as Error).message));
          lost = dropped ? Math.min(Number(dropped[1]), batch.length) : batch.length;
          this.options.onError?.(error);
        }
        // write() may have thrown out the oldest meanwhile; what was sent is recognised by identity.
        const sent = new Set(batch);
        const before = this.#waiting.length;
        this.#waiting = this.#waiting.filter((p) => !sent.has(p));
        const kept = batch.length - (before - this.#waiting.length);
        this.#lost += lost - Math.min(kept, this.#lost);
        this.#written += batch.length - lost;
        this.#up = true;
        this.#backoff = 0;
      }
    } catch (error) {
      if (status(error) === 404) this.#ready = false;
      if (this.#up || this.#backoff === 0) this.options.onError?.(metricsErrors.away(this.options.url.replace(/\/\/[^@/]*@/, '//'), (error as Error).message));
      this.#up = false;
      this.#backoff = Math.min(BACKOFF_LONGEST_MS, this.#backoff === 0 ? BACKOFF_FIRST_MS : this.#backoff * 2);
      this.#notBefore = Date.now() + this.#backoff;
    }
  }

  async query(query: SeriesQuery): Promise<Series[]> {
    const starts = grid(query);
    const groupBy = query.groupBy ?? [];
    const conditions = Object.entries(query.where ?? {}).map(([tag, value]) => ` AND ${escape.quoted(tag)} = ${escape.stringLit(value)}`).join('');
    const ms = (n: number) => `${Math.round(n)}ms`;
    const text = `SELECT ${query.aggregate.toUpperCase()}(${escape.quoted(cleanName(query.field))}) FROM ${escape.quoted(cleanName(query.measurement))}`
      + ` WHERE time >= ${ms(query.from)} AND time < ${ms(query.to)}${conditions}`
      + ` GROUP BY ${[`time(${ms(query.interval)})`, ...groupBy.map((g) => escape.quoted(g))].join(', ')} fill(none)`;
    let answer: { results: { error?: string; series?: { tags?: Record<string, string>; values: [number, number | null][] }[] }[] };
    try {
      answer = await this.#client.queryRaw(text, { precision: 'ms', database: this.#database }) as typeof answer;
    } catch (error) {
      this.#up = status(error) !== undefined;
      if (status(error) === 404) return [];
      throw metricsErrors.away(this.options.url.replace(/\/\/[^@/]*@/, '//'), (error as Error).message);
    }
    this.#up = true;
    const result = answer.results[0];
    if (result?.error !== undefined) {
      if (/database not found/.test(result.error)) return [];
      throw metricsErrors.query(result.error);
    }
    return (result?.series ?? [])
      .map((s) => onGrid(starts, groupTags(groupBy, s.tags ?? {}), new Map(s.values.filter((v): v is [number, number] => v[1] !== null))))
      .sort((a, b) => (JSON.stringify(a.tags) < JSON.stringify(b.tags) ? -1 : 1));
  }

  stats(): { written: number; waiting: number; lost: number; up: boolean } {
    return { written: this.#written, waiting: this.#waiting.length, lost: this.#lost, up: this.#up };
  }

  async remove(tag: string, value: string): Promise<void> {
    this.#waiting = this.#waiting.filter((p) => p.tags[tag] !== value);
    await this.#sending;
    await this.#client.queryRaw(`DROP SERIES WHERE ${escape.quoted(tag)} = ${escape.stringLit(value)}`, { database: this.#database }).catch((error) => {
      throw metricsErrors.away(this.options.url.replace(/\/\/[^@/]*@/, '//'), (error as Error).message);
    });
  }

  async flush(): Promise<void> {
    await this.#sending;
    await this.#send(true);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.flush();
    this.#lost += this.#waiting.length;
    this.#waiting = [];
  }
}

/** The HTTP status of a refusal; undefined when the server could not be asked. */
function status(error: unknown): number | undefined {
  return (error as { res?: { statusCode?: number } }).res?.statusCode;
}

/** Metrics in InfluxDB through its 1.x interface (/write and /query). Never waits for the server: points queue in memory. */
export function createInfluxMetrics(options: InfluxOptions): MetricsStore {
  return new InfluxMetrics(options);
}
