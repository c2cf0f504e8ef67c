import { Type } from '@sinclair/typebox';
import { AnalyzerConfig } from '../analyzer/config.js';
import { CollectorConfig } from '../collector/config.js';
import { ConsoleConfig } from '../console/server/config.js';
import { BusConfig } from '../runtime/bus/open.js';
import { MetricsConfig } from '../runtime/metrics/open.js';

const closed = { additionalProperties: false } as const;
const bus = Type.Composite([BusConfig], { ...closed, default: {} });
const metrics = Type.Composite([MetricsConfig], { ...closed, default: {} });

/** `collect --config`: where to send, and what to capture. */
export const CollectFile = Type.Object({ bus, collector: CollectorConfig }, { ...closed, $id: 'CollectFile' });
/** `analyze --config`, with and without `--serve`. */
export const AnalyzeFile = Type.Object(
  { bus, metrics, analyzer: Type.Composite([AnalyzerConfig], { ...closed, default: {} }) }, { ...closed, $id: 'AnalyzeFile' },
);
/** `console --config`. */
export const ConsoleFile = Type.Object({ bus, metrics, console: ConsoleConfig }, { ...closed, $id: 'ConsoleFile' });
