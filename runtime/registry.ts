import { Registry, type Registry as RegistryData } from '../contracts/registry.js';
import { parseConfig, readConfigFile } from './config.js';
import { PrefixTrie, addressBytes, parseRange } from './prefix-trie.js';
import { parseCsv, registryErrors } from './registry-csv.js';

/** Addresses that count as ours where the registry says nothing: private, carrier-grade, link-local and loopback. */
export const DEFAULT_HOME = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8', 'fc00::/7', 'fe80::/10', '::1/128'];
/** Faults told at once. */
const FAULTS_MAX = 12;

export interface RegistryEntry { unit?: string; system?: string; zone?: string; value?: string }

interface Permit { targets: PrefixTrie | undefined; classes: Set<string> | undefined; until: number; sources: PrefixTrie }

/** The registry made ready for lookups. Built once per registry version; lookups allocate nothing. */
export class RegistryIndex {
  readonly #systems = new PrefixTrie();
  readonly #zones = new PrefixTrie();
  readonly #home = new PrefixTrie();
  /** Entry by system and zone: a lookup hands out an existing object. */
  readonly #entries: RegistryEntry[] = [];
  readonly #zoneCount: number;
  readonly #permits: Permit[];
  readonly #reach: Map<string, Set<string>>;

  constructor(readonly registry: RegistryData) {
    const zones = registry.zones ?? [];
    this.#zoneCount = zones.length + 1;
    fill(this.#systems, registry.systems);
    fill(this.#zones, zones);
    for (const range of registry.home ?? DEFAULT_HOME) addTo(this.#home, range, 0);
    for (const system of [undefined, ...registry.systems]) {
      for (const zone of [undefined, ...zones]) {
        this.#entries.push({ ...(system ? { unit: system.unit, system: system.id, value: system.value ?? 'normal' } : {}), ...(zone ? { zone: zone.id } : {}) });
      }
    }
    this.#reach = new Map(zones.flatMap((z) => (z.mayReach ? [[z.id, new Set(z.mayReach)]] : [])));
    this.#permits = (registry.allow ?? []).map((a) => ({
      sources: trieOf(a.ranges), targets: a.targets && trieOf(a.targets), classes: a.classes && new Set(a.classes), until: endOf(a.expires),
    }));
  }

  /** What the registry knows of the address at `offset` of `bytes` (4 or 16 bytes). */
  lookupBytes(bytes: Uint8Array, offset: number, length: 4 | 16): RegistryEntry {
    const system = this.#systems.find(bytes, offset, length) + 1;
    const zone = this.#zones.find(bytes, offset, length) + 1;
    return this.#entries[system * this.#zoneCount + zone];
  }

  /** What the registry knows of an address; an empty object for an unknown one. */
  lookup(ip: string): RegistryEntry {
    const bytes = addressBytes(ip);
    return bytes ? this.lookupBytes(bytes, 0, 16) : this.#entries[0];
  }

  isHomeBytes(bytes: Uint8Array, offset: number, length: 4 | 16): boolean { return this.#home.find(bytes, offset, length) >= 0; }
  isHome(ip: string): boolean {
    const bytes = addressBytes(ip);
    return bytes !== undefined && this.#home.find(bytes, 0, 16) >= 0;
  }

  /** Whether an allowance covers this attacker, victim and class at that time (ms, packet time). */
  allowed(attackerIp: string, victimIp: string, cls: string, atMs: number): boolean {
    if (this.#permits.length === 0) return false;
    const attacker = addressBytes(attackerIp);
    const victim = addressBytes(victimIp);
    if (!attacker) return false;
    return this.#permits.some((p) => atMs < p.until && (!p.classes || p.classes.has(cls)) && p.sources.find(attacker, 0, 16) >= 0
      && (!p.targets || (victim !== undefined && p.targets.find(victim, 0, 16) >= 0)));
  }

  /** Whether hosts of one zone may open connections to another; true where a zone is unknown or says nothing. */
  mayReach(fromZone: string | undefined, toZone: string | undefined): boolean {
    const allowed = fromZone === undefined ? undefined : this.#reach.get(fromZone);
    return !allowed || toZone === undefined || fromZone === toZone || allowed.has(toZone);
  }
}

function addTo(trie: PrefixTrie, range: string, value: number): void {
  const parsed = parseRange(range);
  if (parsed) trie.add(parsed.bytes, parsed.bits, value);
}
function fill(trie: PrefixTrie, owners: { ranges: string[] }[]): void {
  owners.forEach((owner, i) => { for (const range of owner.ranges) addTo(trie, range, i); });
}
function trieOf(ranges: string[]): PrefixTrie {
  const trie = new PrefixTrie();
  for (const range of ranges) addTo(trie, range, 0);
  return trie;
}
/** A day without a time lasts until its end (China standard time, in which the registry is written). */
function endOf(expires: string): number {
  return /^\d{4}-\d\d-\d\d$/.test(expires) ? Date.parse(`${expires}T00:00:00+08:00`) + 86_400_000 : Date.parse(expires);
}

/** Loads a registry from YAML, or CSV when the name ends in `.csv`. Throws SW_CONFIG_* or SW_REGISTRY_INVALID with lines. */
export function loadRegistry(path: string): RegistryData {
  return parseRegistry(readConfigFile(path), path);
}

export function parseRegistry(text: string, name: string): RegistryData {
  const registry = name.toLowerCase().endsWith('.csv') ? parseCsv(text, name) : parseConfig(text, name, Registry, { env: {} });
  const faults = check(registry, (needle) => `${name}:${lineOf(text, needle)}`);
  if (faults.length > 0) throw registryErrors.invalid(faults.slice(0, FAULTS_MAX).join('\n'));
  return registry;
}

function lineOf(text: string, needle: string): number {
  // An id stands behind its key, or as a field of a CSV row; a range or a date is found as it is.
  const safe = needle.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const at = Math.max(text.search(new RegExp(`\\bid: *['"]?${safe}['"]? *[,}\\n]`)), text.search(new RegExp(`(?<![\\w.:/-])${safe}(?![\\w.:/-])`)));
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}

/** What the schema cannot say: ranges, references, duplicates, dates. */
function check(registry: RegistryData, at: (needle: string) => string): string[] {
  const faults: string[] = [];
  const units = new Set(registry.units.map((u) => u.id));
  const ranges = (owner: string, list: string[] | undefined) => {
    for (const range of list ?? []) if (!parseRange(range)) faults.push(`${at(range)}: ${owner}: "${range}" is not an address range; write 10.1.0.0/16, 10.1.2.3 or 2001:db8::/32`);
  };
  for (const [what, list] of [['unit', registry.units], ['system', registry.systems], ['zone', registry.zones ?? []]] as const) {
    const seen = new Set<string>();
    for (const { id } of list) {
      if (seen.has(id)) faults.push(`${at(id)}: ${what} "${id}" is there twice`);
      seen.add(id);
    }
  }
  for (const u of registry.units) if (u.parent !== undefined && !units.has(u.parent)) faults.push(`${at(u.parent)}: unit "${u.id}": there is no unit "${u.parent}"`);
  const owners = new Map<string, string>();
  for (const s of registry.systems) {
    if (!units.has(s.unit)) faults.push(`${at(s.id)}: system "${s.id}": there is no unit "${s.unit}"`);
    ranges(`system "${s.id}"`, s.ranges);
    for (const range of s.ranges) {
      const other = owners.get(range);
      if (other !== undefined) faults.push(`${at(range)}: the range ${range} belongs to "${other}" and "${s.id}"`);
      owners.set(range, s.id);
    }
  }
  for (const z of registry.zones ?? []) ranges(`zone "${z.id}"`, z.ranges);
  for (const a of registry.allow ?? []) {
    ranges(`allowance of ${a.owner}`, a.ranges);
    ranges(`allowance of ${a.owner}`, a.targets);
    if (Number.isNaN(endOf(a.expires))) faults.push(`${at(a.expires)}: allowance of ${a.owner}: "${a.expires}" is not a date; write 2026-12-31`);
  }
  ranges('home', registry.home);
  return faults;
}
