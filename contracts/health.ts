/** A heartbeat: what one process has done since it started and how it stands. Sent every 2 s, kept by the console. */
export interface Health {
  role: 'collector' | 'analyzer' | 'console';
  id: string;
  node?: string;
  unit?: string;
  version: string;
  startedAt: string;
  at: string;
  state: 'starting' | 'running' | 'degraded' | 'stopping';
  /** Why it is degraded, coded: e.g. `SW_COLLECT_INTERFACE_GONE`. */
  reasons: { code: string; message: string }[];
  /** Monotonic counters, e.g. packets, bytes, droppedKernel, gaps, duplicates, alerts. */
  counters: Record<string, number>;
  /** Momentary values, e.g. flows, memoryBytes, lagMs, spoolBytes. */
  gauges: Record<string, number>;
}
