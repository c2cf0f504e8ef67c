import type { Severity } from '../../../contracts/classes.js';

/** Where the units of a province stand on the wall: the province in the middle, its departments close by, cities around. */
export interface Place { id: string; zh: string; en: string; role: 'centre' | 'department' | 'city' | 'satellite'; x: number; y: number; angle: number }
export interface Arc { key: string; d: string; severity: Severity; tried: boolean }
interface UnitLike { id: string; zh: string; en: string; parent?: string; kind?: string }

export const WIDTH = 1000;
export const HEIGHT = 860;
const CENTRE = { x: WIDTH / 2, y: HEIGHT / 2 };
const RINGS = { department: [205, 170], city: [352, 335], outside: [480, 415] } as const;
/** More than these on a ring can't be told apart from three metres. */
const CITIES_MAX = 24;
const DEPARTMENTS_MAX = 14;
const SATELLITES_MAX = 6;

const on = (ring: keyof typeof RINGS, angle: number) => ({ x: CENTRE.x + RINGS[ring][0] * Math.cos(angle), y: CENTRE.y + RINGS[ring][1] * Math.sin(angle) });

/** @returns the places, and for every unit the drawn unit that stands for it. */
export function layout(units: readonly UnitLike[]): { places: Place[]; standsFor: Map<string, string> } {
  const byId = new Map(units.map((u) => [u.id, u]));
  const root = units.find((u) => u.kind === 'province') ?? units.find((u) => u.parent === undefined || !byId.has(u.parent));
  if (!root) return { places: [], standsFor: new Map() };
  const cities = units.filter((u) => u !== root && u.kind === 'city').slice(0, CITIES_MAX);
  const isCity = new Set(cities.map((u) => u.id));
  const departments = units.filter((u) => u !== root && !isCity.has(u.id) && (u.parent === root.id || u.parent === undefined || !byId.has(u.parent))).slice(0, DEPARTMENTS_MAX);
  const places: Place[] = [{ id: root.id, zh: root.zh, en: root.en, role: 'centre', ...CENTRE, angle: -Math.PI / 2 }];
  const place = (u: UnitLike, role: Place['role'], angle: number, at: { x: number; y: number }) => places.push({ id: u.id, zh: u.zh, en: u.en, role, angle, ...at });
  departments.forEach((u, k) => {
    const angle = -Math.PI / 2 + ((k + 0.5) / departments.length) * 2 * Math.PI;
    place(u, 'department', angle, on('department', angle));
  });
  cities.forEach((u, k) => {
    const angle = -Math.PI / 2 + (k / cities.length) * 2 * Math.PI;
    const at = on('city', angle);
    place(u, 'city', angle, at);
    const below = units.filter((d) => d.parent === u.id).slice(0, SATELLITES_MAX);
    const inward = Math.atan2(CENTRE.y - at.y, CENTRE.x - at.x);
    below.forEach((d, n) => {
      const a = inward + (n - (below.length - 1) / 2) * 0.45;
      place(d, 'satellite', angle, { x: at.x + 42 * Math.cos(a), y: at.y + 42 * Math.sin(a) });
    });
  });
  const drawn = new Set(places.map((p) => p.id));
  const standsFor = new Map<string, string>();
  for (const u of units) {
    let at: UnitLike | undefined = u;
    for (let depth = 0; at && !drawn.has(at.id) && depth < 32; depth++) at = at.parent === undefined ? undefined : byId.get(at.parent);
    standsFor.set(u.id, at?.id ?? root.id);
  }
  return { places, standsFor };
}

/** The way of an attack: from a unit of ours or from outside, bent so that both directions can be told apart. */
export function arc(from: Place | undefined, to: Place): string {
  const start = from ?? on('outside', to.role === 'centre' ? -Math.PI / 2 + 0.18 : to.angle + 0.05);
  const [dx, dy] = [to.x - start.x, to.y - start.y];
  const length = Math.hypot(dx, dy) || 1;
  const stop = 24;
  const end = { x: to.x - (dx / length) * stop, y: to.y - (dy / length) * stop };
  const bend = { x: (start.x + end.x) / 2 - dy * 0.16, y: (start.y + end.y) / 2 + dx * 0.16 };
  const n = (v: number) => v.toFixed(1);
  return `M${n(start.x)} ${n(start.y)}Q${n(bend.x)} ${n(bend.y)} ${n(end.x)} ${n(end.y)}`;
}
