import type { Registry } from '../../contracts/registry.js';
import { RegistryIndex } from '../../runtime/registry.js';
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

// In a flood the same addresses come again and again; beyond this many the memory starts afresh.
const FOUND_KEPT = 20_000;

export function assetsOf(registry: Registry, version: number): Assets {
  const units = new Map(registry.units.map((u) => [u.id, u]));
  const systems = new Map(registry.systems.map((s) => [s.id, s]));
  const children = new Map<string, string[]>();
  for (const u of registry.units) if (u.parent) children.set(u.parent, [...(children.get(u.parent) ?? []), u.id]);

  const index = new RegistryIndex(registry);
  const found = new Map<string, { unit?: string; system?: string }>();

  return {
    version,
    registry,
    find(ip) {
      let entry = found.get(ip);
      if (!entry) {
        if (found.size >= FOUND_KEPT) found.clear();
        found.set(ip, entry = index.lookup(ip));
      }
      return entry;
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
