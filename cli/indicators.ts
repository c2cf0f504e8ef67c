import { Worker } from 'node:worker_threads';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseIndicators } from '../analyzer/detect/indicators/parse.js';
import type { Indicators } from '../analyzer/detect/indicators/match.js';
import { IndicatorStore, type Indicator } from '../analyzer/detect/indicators/store.js';
import { coded, OperatorError } from '../runtime/errors.js';
import type { Log } from '../runtime/log.js';
import type { Loaded } from './indicator-loader.js';

const missing = coded('SW_INDICATORS_MISSING', (path: string) => `There is no indicator list "${path}".`, 'Name a CSV file, a STIX 2.1 bundle, a MISP feed, or a folder of them.');
const empty = coded('SW_INDICATORS_EMPTY', (path: string) => `Nothing in "${path}" is an indicator.`, 'A CSV list has a head line "value,type,source,confidence,expires,label", or one value a line; STIX and MISP lists are JSON.');

/** Largest list read. */
const MAX_BYTES = 1 << 30;

function files(path: string): string[] {
  if (!existsSync(path)) throw missing(path);
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).filter((f) => /\.(?:csv|txt|json)$/i.test(f)).sort().map((f) => join(path, f));
}

/** Loads indicator lists and folders of them. @throws SW_INDICATORS_MISSING, SW_INDICATORS_EMPTY */
export function loadIndicators(paths: readonly string[], warn: (line: string) => void = () => {}): IndicatorStore {
  const all: Indicator[][] = [];
  for (const path of paths) {
    let found = 0;
    for (const file of files(path)) {
      if (statSync(file).size > MAX_BYTES) {
        warn(`SW_INDICATORS_LARGE: ${file}: larger than 1 GiB, left out`);
        continue;
      }
      const { indicators, skipped } = parseIndicators(readFileSync(file, 'utf8'), basename(file).replace(/\.[^.]+$/, ''));
      if (skipped > 0) warn(`SW_INDICATORS_SKIPPED: ${file}: ${skipped} entries cannot be used`);
      found += indicators.length;
      all.push(indicators);
    }
    if (found === 0) throw empty(path);
  }
  const store = new IndicatorStore(all.reduce((n, list) => n + list.length, 0));
  for (const list of all) for (const one of list) store.add(one);
  store.ready();
  return store;
}

/** As `loadIndicators`, in a thread of its own: a million entries take seconds, in which packets go on. */
function loadAside(paths: readonly string[], warn: (line: string) => void): Promise<IndicatorStore> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./indicator-loader.js', import.meta.url), { workerData: paths });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread that reads indicator lists ended with ${code}`)));
    worker.once('message', (said: Loaded) => {
      for (const line of said.warnings) warn(line);
      if ('tables' in said) resolve(new IndicatorStore(said.tables));
      else reject(said.code === undefined ? new Error(said.message) : new OperatorError(said.code, said.message, said.hint ?? ''));
    });
  });
}

/** How often it is looked whether lists have changed. */
const EVERY_MS = 10_000;

/**
 * Puts lists that have changed into force while traffic goes on; lists that cannot be read leave those before them.
 * @returns ends it
 */
export function followIndicators(paths: readonly string[], indicators: Indicators, log: Pick<Log, 'info' | 'warn' | 'error'>, everyMs = EVERY_MS): () => void {
  let known = stateOf(paths);
  let reading = false;
  const timer = setInterval(() => {
    const now = stateOf(paths);
    if (now === known || reading) return;
    known = now;
    reading = true;
    loadAside(paths, (line) => log.warn(line)).then((store) => {
      indicators.store = store;
      log.info('indicator lists read again', { entries: store.size });
    }, (error: unknown) => log.error('the indicator lists stay as they were', { error })).finally(() => (reading = false));
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Names, sizes and times of the lists; where it differs they are to be read again. */
function stateOf(paths: readonly string[]): string {
  const state: string[] = [];
  for (const path of paths) {
    try {
      for (const file of files(path)) {
        const { mtimeMs, size, ino } = statSync(file);
        state.push(`${file} ${mtimeMs} ${size} ${ino}`);
      }
    } catch {
      // being written at this moment
    }
  }
  return state.join('\n');
}
