import ipaddr from 'ipaddr.js';
import type { Registry } from '../../contracts/registry.js';
import type { Named } from '../model/api.js';
import type { Scope } from './store/scope.js';

/** Which system and unit an address belongs to, what lies below a unit, and how they are called. */
export interface Assets {
  readonly version: number;
  readonly registry: Registry;
  find(ip: string): { unit?: string; system?: string };
  unit(id: string | null | undefined): Named | undefined;
  system(id: string | null | undefined): Named | undefined;
  value(system: string | null | undefined): 'low' | 'normal' | 'high' | 'core';
  /** The unit and every unit below it. */
  subtree(unit: string): string[];
  /** What a user of this unit may see; no unit: everything. */
  scopeOf(unit: string | null | undefined): Scope;
}

// The same few thousand addresses come again and again; the cache is thrown away when it is full.
const CACHE_MAX = 50_000;

interface Range { bytes: number[]; bits: number; unit: string; system: string }

export function assetsOf(registry: Registry, version: number): Assets {
  const units = new Map(registry.units.map((u) => [u.id, u]));
  const systems = new Map(registry.systems.map((s) => [s.id, s]));
  const children = new Map<string, string[]>();
  for (const u of registry.units) if (u.parent) children.set(u.parent, [...(children.get(u.parent) ?? []), u.id]);

  const ranges: Range[] = [];
  for (const system of registry.systems) {
    for (const text of system.ranges) {
      const [address, bits] = parseRange(text) ?? [];
      if (address) ranges.push({ bytes: address.toByteArray(), bits: bits as number, unit: system.unit, system: system.id });
    }
  }
  ranges.sort((a, b) => b.bits - a.bits); // the narrowest range wins
  const cache = new Map<string, { unit?: string; system?: string }>();

  return {
    version,
    registry,
    find(ip) {
      let found = cache.get(ip);
      if (found) return found;
      found = {};
      if (ipaddr.isValid(ip)) {
        const bytes = ipaddr.process(ip).toByteArray();
        const range = ranges.find((r) => r.bytes.length === bytes.length && prefixEqual(r.bytes, bytes, r.bits));
        if (range) found = { unit: range.unit, system: range.system };
      }
      if (cache.size >= CACHE_MAX) cache.clear();
      cache.set(ip, found);
      return found;
    },
    unit: (id) => (id == null ? undefined : named(units.get(id), id)),
    system: (id) => (id == null ? undefined : named(systems.get(id), id)),
    value: (id) => (id == null ? undefined : systems.get(id)?.value) ?? 'normal',
    subtree(unit) {
      const all = new Set<string>();
      const walk = (id: string): void => {
        if (all.has(id)) return; // a loop in a hand-written tree must not hang
        all.add(id);
        for (const child of children.get(id) ?? []) walk(child);
      };
      walk(unit);
      return [...all];
    },
    scopeOf(unit) {
      if (unit == null) return { all: true };
      // The province itself is the root: it sees what concerns nobody known, too.
      const root = units.get(unit);
      if (root && !root.parent && root.kind === 'province') return { all: true };
      return { all: false, units: this.subtree(unit) };
    },
  };
}

const named = (record: { zh: string; en: string } | undefined, id: string): Named => ({ id, zh: record?.zh ?? id, en: record?.en ?? id });

function parseRange(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | undefined {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.parse(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    return undefined;
  }
}

function prefixEqual(a: number[], b: number[], bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (a[whole] ^ b[whole]) >> (8 - rest) === 0;
}
