/** Metrics: one interface, an embedded store and InfluxDB; both pass `conformance.ts`. */

export interface Point {
  measurement: string;
  /** Few values each: node, unit, protocol, severity, verdict. Never an address. */
  tags: Record<string, string>;
  fields: Record<string, number>;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface SeriesQuery {
  measurement: string;
  field: string;
  aggregate: 'sum' | 'mean' | 'max' | 'min' | 'last' | 'count';
  /** Milliseconds since the epoch, half-open [from, to). */
  from: number;
  to: number;
  /** Bucket width in ms. */
  interval: number;
  groupBy?: string[];
  where?: Record<string, string>;
}

export interface Series {
  tags: Record<string, string>;
  /** [bucket start in ms, value or null where nothing was measured] */
  values: [number, number | null][];
}

export interface MetricsStore {
  /** Never throws and never waits for the store: points go to a bounded buffer, what does not fit is counted. */
  write(points: Point[]): void;
  query(query: SeriesQuery): Promise<Series[]>;
  /** Points written, waiting, lost since the start; whether the store answers. */
  stats(): { written: number; waiting: number; lost: number; up: boolean };
  /** Removes the points that carry this tag value (used to clear the demonstration). */
  remove(tag: string, value: string): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}
