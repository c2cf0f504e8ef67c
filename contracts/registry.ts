import { Type, type Static } from '@sinclair/typebox';

/**
 * The assets registry: the organisation tree, the systems, and the address ranges they own. Written by people as
 * YAML or CSV; used by the analyzer (which unit, which zone, who is allowed) and the console (who must fix it).
 */
export const Zone = Type.Object({
  id: Type.String(), zh: Type.String(), en: Type.String(),
  ranges: Type.Array(Type.String()),
  /** Zones that hosts of this zone may open connections to; absent: all. */
  mayReach: Type.Optional(Type.Array(Type.String())),
}, { additionalProperties: false });

export const Unit = Type.Object({
  id: Type.String(), zh: Type.String(), en: Type.String(),
  /** Parent unit; absent for the province. */
  parent: Type.Optional(Type.String()),
  kind: Type.Optional(Type.Union([Type.Literal('province'), Type.Literal('city'), Type.Literal('department')])),
  contact: Type.Optional(Type.String()),
}, { additionalProperties: false });

export const System = Type.Object({
  id: Type.String(), zh: Type.String(), en: Type.String(), unit: Type.String(),
  ranges: Type.Array(Type.String()),
  domains: Type.Optional(Type.Array(Type.String())),
  /** Level of classified protection (等级保护), 1–5. */
  level: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
  filing: Type.Optional(Type.String()),
  value: Type.Optional(Type.Union([Type.Literal('low'), Type.Literal('normal'), Type.Literal('high'), Type.Literal('core')])),
}, { additionalProperties: false });

/** Somebody who may do what would otherwise be an alert, until a date. */
export const Allowance = Type.Object({
  kind: Type.Union([Type.Literal('scanner'), Type.Literal('jump_host'), Type.Literal('backup'), Type.Literal('gateway')]),
  ranges: Type.Array(Type.String()),
  targets: Type.Optional(Type.Array(Type.String())),
  classes: Type.Optional(Type.Array(Type.String())),
  owner: Type.String(), expires: Type.String(), reason: Type.Optional(Type.String()),
}, { additionalProperties: false });

export const Registry = Type.Object({
  units: Type.Array(Unit), systems: Type.Array(System),
  zones: Type.Optional(Type.Array(Zone)), allow: Type.Optional(Type.Array(Allowance)),
  /** Addresses that are ours (`$HOME_NET`); default: private and carrier ranges. */
  home: Type.Optional(Type.Array(Type.String())),
}, { $id: 'Registry', additionalProperties: false });
export type Registry = Static<typeof Registry>;
