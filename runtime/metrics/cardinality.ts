import type { Point } from './metrics.js';

/** Distinct values of one tag of one measurement: above any number of nodes, units or classes; an address scan is far more. */
export const VALUES_MAX = 512;
/** Tags of a point, and characters of a value. */
const TAGS_MAX = 12;
const VALUE_CHARS = 128;
export const OTHER = 'other';

/** A tag value that every store takes: no control characters and no backslash (InfluxDB cannot end a value with one). */
export function cleanValue(value: string): string {
  // oxlint-disable-next-line no-control-regex
  return value.replace(/[\x00-\x1f\x7f]/g, '_').replaceAll('\\', '/').slice(0, VALUE_CHARS);
}

/** Names of measurements, tags and fields are the program's own; what does not look like one is made to. */
export function cleanName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.:-]/g, '_').slice(0, VALUE_CHARS) || '_';
}

/** Bounds what tags can take: beyond the cap a new value becomes `other`, so that no traffic can fill a store with series. */
export class Cardinality {
  readonly #seen = new Map<string, Set<string>>();
  /** Values that became `other`. */
  folded = 0;

  constructor(private readonly max = VALUES_MAX) {}

  /** The point with clean, bounded tags and finite fields; undefined when nothing is left to store. */
  bound(point: Point): Point | undefined {
    const tags: Record<string, string> = {};
    for (const name of Object.keys(point.tags).sort().slice(0, TAGS_MAX)) {
      const value = cleanValue(point.tags[name]);
      if (value !== '') tags[cleanName(name)] = this.#admit(`${point.measurement}\0${name}`, value);
    }
    const fields: Record<string, number> = {};
    let any = false;
    for (const name in point.fields) {
      if (!Number.isFinite(point.fields[name])) continue;
      fields[cleanName(name)] = point.fields[name];
      any = true;
    }
    return any && Number.isFinite(point.at) ? { measurement: cleanName(point.measurement), tags, fields, at: point.at } : undefined;
  }

  #admit(tag: string, value: string): string {
    let values = this.#seen.get(tag);
    if (!values) this.#seen.set(tag, values = new Set());
    if (values.has(value)) return value;
    if (values.size >= this.max) { this.folded++; return OTHER; }
    values.add(value);
    return value;
  }
}
