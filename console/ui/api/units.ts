import { shallowRef } from 'vue';
import type { RegistryView } from '../../model/api.js';
import { api } from './client.js';
import { can, onAnotherUser } from './session.js';

export interface UnitNode { id: string; zh: string; en: string; parent?: string; depth: number }

/** The units that the person may see, parents before children, for pickers. */
export const units = shallowRef<UnitNode[]>([]);
let asked: Promise<void> | undefined;
onAnotherUser(() => {
  units.value = [];
  asked = undefined;
});

/** Orders units as a tree walked depth first; units whose parent is not visible stand at the top. */
export function treeOrder(all: { id: string; zh: string; en: string; parent?: string }[]): UnitNode[] {
  const known = new Set(all.map((u) => u.id));
  const children = new Map<string, typeof all>();
  for (const u of all) {
    const key = u.parent !== undefined && known.has(u.parent) && u.parent !== u.id ? u.parent : '';
    children.set(key, [...(children.get(key) ?? []), u]);
  }
  const out: UnitNode[] = [];
  const walk = (key: string, depth: number) => {
    for (const u of children.get(key) ?? []) {
      out.push({ id: u.id, zh: u.zh, en: u.en, parent: u.parent, depth });
      if (depth < 32) walk(u.id, depth + 1);
    }
  };
  walk('', 0);
  return out;
}

export function loadUnits(again = false): Promise<void> {
  if (!can('registry.read')) return Promise.resolve();
  if (!asked || again) {
    const mine: Promise<void> = api.get<RegistryView>('/api/registry').then(
      (view) => {
        if (mine === asked) units.value = treeOrder(view.registry.units);
      },
      () => {
        if (mine === asked) asked = undefined;
      },
    );
    asked = mine;
  }
  return asked ?? Promise.resolve();
}
