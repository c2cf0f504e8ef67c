import ipaddr from 'ipaddr.js';
import { Registry, type Registry as RegistryData } from '../contracts/registry.js';
import { parseConfig, readConfigFile } from './config.js';
import { coded } from './errors.js';

export const registryErrors = {
  invalid: coded('SW_REGISTRY_INVALID', (list: string) => `Not a valid assets registry:\n${list}\n`, 'Correct the lines above.'),
} as const;

/** Addresses that count as ours where the registry says nothing: private, carrier-grade, link-local and loopback. */
export const DEFAULT_HOME = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8', 'fc00::/7', 'fe80::/10', '::1/128'];
const FAULTS_MAX = 12;

/** An address as 16 bytes; IPv4 as IPv4-mapped IPv6, so that one trie holds both. Undefined for what is no address. */
function addressBytes(text: string): Uint8Array | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  const parsed = ipaddr.parse(text);
  return Uint8Array.from(parsed.kind() === 'ipv4' ? (parsed as ipaddr.IPv4).toIPv4MappedAddress().toByteArray() : parsed.toByteArray());
}

/** A range (`10.1.0.0/16`, `10.1.2.3`, `2001:db8::/32`) as bytes and prefix length over 128 bits. */
function parseRange(text: string): { bytes: Uint8Array; bits: number } | undefined {
  const [address, length, more] = text.trim().split('/');
  const bytes = addressBytes(address);
  if (!bytes || more !== undefined || (address.includes('.') && !address.includes(':') && !/^\d+\.\d+\.\d+\.\d+$/.test(address))) return undefined;
  const wide = address.includes(':') ? 128 : 32;
  const bits = length === undefined ? wide : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  return bits < 0 || bits > wide ? undefined : { bytes, bits: bits + 128 - wide };
}

/** Longest-prefix match over 128-bit addresses: a binary trie in two typed arrays, nothing allocated by a lookup. */
export class PrefixTrie {
  #children = new Int32Array(2 * 1024);
  #values = new Int32Array(1024).fill(-1);
  #nodes = 1;

  /** `value` is 0 or more; a prefix that is there already takes the new one. */
  add(bytes: Uint8Array, bits: number, value: number): void {
    let node = 0;
    for (let i = 0; i < bits; i++) {
      const bit = (bytes[i >> 3] >> (7 - (i & 7))) & 1;
      if (this.#children[2 * node + bit] === 0) {
        if (this.#nodes === this.#values.length) this.#grow();
        this.#children[2 * node + bit] = this.#nodes++;
      }
      node = this.#children[2 * node + bit];
    }
    this.#values[node] = value;
  }

  #grow(): void {
    const children = new Int32Array(this.#children.length * 2);
    children.set(this.#children);
    this.#children = children;
    const values = new Int32Array(this.#values.length * 2).fill(-1);
    values.set(this.#values);
    this.#values = values;
  }

  /** Value of the longest prefix that covers the address at `offset` (4 or 16 bytes), or -1. */
  find(bytes: Uint8Array, offset: number, length: 4 | 16): number {
    let node = 0;
    let best = this.#values[0];
    if (length === 4) {
      node = this.#mapped();
      if (node < 0) return best;
      if (this.#values[node] >= 0) best = this.#values[node];
    }
    for (let i = 0; i < length * 8; i++) {
      node = this.#children[2 * node + ((bytes[offset + (i >> 3)] >> (7 - (i & 7))) & 1)];
      if (node === 0) break;
      if (this.#values[node] >= 0) best = this.#values[node];
    }
    return best;
  }

  /** The node of ::ffff:0:0/96, under which IPv4 lives; -1 when there is none. */
  #mapped(): number {
    let node = 0;
    for (let i = 0; i < 96; i++) {
      node = this.#children[2 * node + (i < 80 ? 0 : 1)];
      if (node === 0) return -1;
    }
    return node;
  }
}

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
  const at = text.indexOf(needle);
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

const COLUMNS = ['unit', 'unit_zh', 'unit_en', 'parent', 'kind', 'contact', 'system', 'system_zh', 'system_en', 'ranges', 'domains', 'level', 'filing', 'value'] as const;
type Column = (typeof COLUMNS)[number];

/** Fields of one CSV text (RFC 4180: quotes, doubled quotes, line breaks within quotes), with the line each row begins on. */
function csvRows(text: string): { line: number; cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let begun = 1;
  const end = () => { cells.push(cell.trim()); if (cells.some((c) => c !== '')) rows.push({ line: begun, cells }); cells = []; cell = ''; };
  const source = text.replace(/^\uFEFF/, '');
  for (let i = 0; i < source.length; i++) {
    const c = source[i];
    if (c === '\n') line++;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (source[i + 1] === '"') { cell += '"'; i++; } else quoted = false;
    } else if (c === '"' && cell.trim() === '') { quoted = true; cell = ''; } else if (c === ',') { cells.push(cell.trim()); cell = ''; } else if (c === '\n') { end(); begun = line; } else if (c !== '\r') cell += c;
  }
  end();
  return rows;
}

/** One row a system (or a unit without one); a unit is described by its first row. Lists are separated by `;`. */
function parseCsv(text: string, name: string): RegistryData {
  const [header, ...rows] = csvRows(text);
  const faults: string[] = [];
  const columns = (header?.cells ?? []).map((c) => c.toLowerCase());
  for (const c of columns) if (!(COLUMNS as readonly string[]).includes(c)) faults.push(`${name}:${header?.line ?? 1}: unknown column "${c}"; known: ${COLUMNS.join(', ')}`);
  if (!columns.includes('unit')) faults.push(`${name}:1: the column "unit" is missing`);
  const units = new Map<string, RegistryData['units'][number]>();
  const systems: RegistryData['systems'] = [];
  const list = (cell: string) => cell.split(/[;；\s]+/).filter((x) => x !== '');
  for (const { line, cells } of faults.length > 0 ? [] : rows) {
    const get = (c: Column) => cells[columns.indexOf(c)] ?? '';
    if (cells.length > columns.length) faults.push(`${name}:${line}: ${cells.length} fields under ${columns.length} columns; quote fields that contain a comma`);
    const id = get('unit');
    if (id === '') { faults.push(`${name}:${line}: the field "unit" is empty`); continue; }
    const optional = <K extends string, V>(key: K, value: V | undefined) => (value === undefined || value === '' ? {} : { [key]: value }) as Partial<Record<K, V>>;
    if (!units.has(id)) {
      units.set(id, { id, zh: get('unit_zh') || id, en: get('unit_en') || id, ...optional('parent', get('parent')), ...optional('kind', get('kind') as 'city'), ...optional('contact', get('contact')) });
    }
    if (get('kind') !== '' && !/^(province|city|department)$/.test(get('kind'))) faults.push(`${name}:${line}: kind "${get('kind')}" is not province, city or department`);
    const system = get('system');
    if (system === '') continue;
    const level = get('level');
    if (level !== '' && !/^[1-5]$/.test(level)) faults.push(`${name}:${line}: level "${level}" is not 1 to 5`);
    if (get('value') !== '' && !/^(low|normal|high|core)$/.test(get('value'))) faults.push(`${name}:${line}: value "${get('value')}" is not low, normal, high or core`);
    systems.push({
      id: system, zh: get('system_zh') || system, en: get('system_en') || system, unit: id, ranges: list(get('ranges')),
      ...(get('domains') === '' ? {} : { domains: list(get('domains')) }), ...optional('level', level === '' ? undefined : Number(level)),
      ...optional('filing', get('filing')), ...optional('value', get('value') as 'core'),
    });
  }
  if (faults.length > 0) throw registryErrors.invalid(faults.slice(0, FAULTS_MAX).join('\n'));
  return { units: [...units.values()], systems };
}
