/** A thread that reads indicator lists and hands their tables over. */
import { parentPort, workerData } from 'node:worker_threads';
import type { IndicatorTables } from '../analyzer/detect/indicators/store.js';
import { OperatorError } from '../runtime/errors.js';
import { loadIndicators } from './indicators.js';

/** What it says, once. */
export type Loaded = { warnings: string[] } & ({ tables: IndicatorTables } | { code?: string; message: string; hint?: string });

const warnings: string[] = [];
try {
  const { tables, transfer } = loadIndicators(workerData as string[], (line) => warnings.push(line)).tables();
  parentPort!.postMessage({ warnings, tables } satisfies Loaded, transfer);
} catch (error) {
  const { code, hint } = error instanceof OperatorError ? error : {};
  parentPort!.postMessage({ warnings, message: (error as Error).message, ...(code !== undefined && { code }), ...(hint !== undefined && { hint }) } satisfies Loaded);
}
