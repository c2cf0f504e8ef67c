import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseIndicators } from '../analyzer/detect/indicators/parse.js';
import { IndicatorStore, type Indicator } from '../analyzer/detect/indicators/store.js';
import { coded } from '../runtime/errors.js';

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

/** Newest change among the lists, ms; a new one means that they are to be read again. */
export function changedAt(paths: readonly string[]): number {
  let newest = 0;
  for (const path of paths) {
    try {
      for (const file of [path, ...files(path)]) newest = Math.max(newest, statSync(file).mtimeMs);
    } catch {
      // being written at this moment
    }
  }
  return newest;
}
