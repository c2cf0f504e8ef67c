import type { Alert } from '../../contracts/alert.js';
import type { Point } from '../../runtime/metrics/metrics.js';

/** Tag of points that are cleared away with the demonstration. */
const demonstration = (from: { demo?: boolean }): Record<string, string> => (from.demo ? { demo: 'true' } : {});

/** Width of a bucket of packet time. */
export const BUCKET_US = 5_000_000;
/** Distinct tag sets per bucket; what comes beyond is added to the set named `other`, so that nothing is lost. */
export const MAX_SERIES = 2_000;
/** Buckets held at once: packets of several workers and nodes come a little out of order. */
const MAX_BUCKETS = 8;
/** Buckets of which it is remembered how often they were handed over. */
const MAX_HANDED = 64;

interface Cell {
  measurement: string;
  tags: Record<string, string>;
  fields: Record<string, number>;
}

/**
 * Counts traffic and alerts in buckets of packet time and hands them over as points. Tags are node, unit, protocol,
 * severity, verdict, class: never an address, and never more than `MAX_SERIES` of them a bucket.
 */
export class MetricsSink {
  private readonly buckets = new Map<number, Map<string, Cell>>();
  private readonly handed = new Map<number, number>();
  private newest = -1;
  /** Additions that went to `other` for want of room; points handed over. */
  readonly counters = { folded: 0, points: 0 };

  /**
   * @param write takes finished points; see `MetricsStore.write`
   * @param tags of every point: what tells this analyzer's from another's of the same node, which would overwrite them
   */
  constructor(private readonly write: (points: Point[]) => void, private readonly bucketUs = BUCKET_US, private readonly tags: Record<string, string> = {}) {}

  /** Adds packets and bytes of one application (or transport) protocol as one node saw them. */
  traffic(atUs: number, from: { node: string; unit: string; demo?: boolean }, protocol: string, packets: number, bytes: number, flows = 0): void {
    this.add(atUs, 'traffic', { node: from.node, unit: from.unit, protocol, ...demonstration(from) }, { packets, bytes, flows });
  }

  /**
   * Counts an alert once in `count`, when it is first raised; in `severities` and `verdicts` once for each that it reaches,
   * at the time it does: what began as an attempt and succeeded is among the successes.
   * @param before as it was last counted; undefined when it is new
   */
  alert(atUs: number, alert: Alert, before?: { severity: string; verdict: string }): void {
    const { node = '', unit = '', severity, verdict } = alert.shouwang;
    const fields = { ...(before ? {} : { count: 1 }), ...(before?.severity === severity ? {} : { severities: 1 }), ...(before?.verdict === verdict ? {} : { verdicts: 1 }) };
    if (Object.keys(fields).length > 0) this.add(atUs, 'alerts', { node, unit, severity, verdict, class: alert.shouwang.class, ...demonstration(alert.shouwang) }, fields);
  }

  /** Adds to the pipeline's own counters (drops, gaps, evictions …). */
  pipeline(atUs: number, node: string, counters: Record<string, number>): void {
    this.add(atUs, 'pipeline', { node }, counters);
  }

  /** Packet time has come to `nowUs`: hands over the buckets that are over, one bucket late for stragglers. */
  advance(nowUs: number): void {
    const current = Math.floor(nowUs / this.bucketUs);
    if (current <= this.newest) return;
    this.newest = current;
    for (const bucket of [...this.buckets.keys()].sort((a, b) => a - b)) if (bucket < current - 1) this.hand(bucket);
  }

  /** Hands over everything. */
  flush(): void {
    for (const bucket of [...this.buckets.keys()].sort((a, b) => a - b)) this.hand(bucket);
  }

  private add(atUs: number, measurement: string, tags: Record<string, string>, fields: Record<string, number>): void {
    const number = Math.floor(atUs / this.bucketUs);
    let bucket = this.buckets.get(number);
    if (!bucket) {
      if (this.buckets.size >= MAX_BUCKETS) this.hand(Math.min(...this.buckets.keys()));
      bucket = new Map();
      this.buckets.set(number, bucket);
    }
    let key = `${measurement}\0${Object.values(tags).join('\0')}`;
    let cell = bucket.get(key);
    if (!cell) {
      if (bucket.size >= MAX_SERIES) {
        this.counters.folded++;
        tags = Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, name === 'demo' ? value : 'other']));
        key = `${measurement}\0${Object.values(tags).join('\0')}`;
        cell = bucket.get(key);
      }
      if (!cell) bucket.set(key, (cell = { measurement, tags, fields: {} }));
    }
    for (const name in fields) cell.fields[name] = (cell.fields[name] ?? 0) + fields[name];
  }

  private hand(number: number): void {
    const bucket = this.buckets.get(number);
    if (!bucket) return;
    this.buckets.delete(number);
    // A point of the same time and tags would replace the first in InfluxDB: what comes late is a millisecond later.
    const again = this.handed.get(number) ?? 0;
    this.handed.delete(number);
    this.handed.set(number, again + 1);
    if (this.handed.size > MAX_HANDED) this.handed.delete(this.handed.keys().next().value!);
    const at = (number * this.bucketUs) / 1000 + again;
    const points = [...bucket.values()].map((cell) => ({ ...cell, tags: { ...cell.tags, ...this.tags }, at }));
    this.counters.points += points.length;
    this.write(points);
  }
}
