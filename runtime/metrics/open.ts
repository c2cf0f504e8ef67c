import { join } from 'node:path';
import { Type, type Static } from '@sinclair/typebox';
import { metricsErrors } from './errors.js';
import type { MetricsStore } from './metrics.js';

/** The `metrics` section of a configuration file. */
export const MetricsConfig = Type.Object({
  /** `embedded:` or the address of an InfluxDB. */
  url: Type.String({ default: 'embedded:', pattern: '^(embedded:|https?://)', description: 'embedded:, http://host:8086 or https://host:8086' }),
  /** Directory of the embedded store; without it nothing survives the process. */
  dir: Type.Optional(Type.String()),
  database: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
  user: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  /** Days that InfluxDB keeps points; 0: for ever. */
  retentionDays: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Points held in memory while InfluxDB is away. */
  waitingMax: Type.Optional(Type.Integer({ minimum: 1000, maximum: 5_000_000 })),
}, { additionalProperties: false });
export type MetricsConfig = Static<typeof MetricsConfig>;

/** Opens the metrics store that the address names. Rejects with SW_METRICS_URL or SW_METRICS_FILE; a server that is away is no error. */
export async function openMetrics(config: MetricsConfig, options: { onError?: (error: unknown) => void } = {}): Promise<MetricsStore> {
  if (config.url.startsWith('embedded:')) {
    const { createEmbeddedMetrics } = await import('./embedded.js');
    return createEmbeddedMetrics(config.dir === undefined ? {} : { path: join(config.dir, 'metrics.db') });
  }
  if (!/^https?:\/\//.test(config.url)) throw metricsErrors.url(config.url);
  const { url, database, user, password, retentionDays, waitingMax } = config;
  const { createInfluxMetrics } = await import('./influx.js');
  return createInfluxMetrics({ url, database, user, password, retentionDays, waitingMax, onError: options.onError });
}
