import { Type, type Static } from '@sinclair/typebox';
import type { AlertRow, IncidentRow, Named, RuleRow, TicketRow, UserName } from './api.js';
import { Id, Text, oneOf, strict } from './fields.js';
import { TICKET_ACTION_NAMES } from './ticket.js';

/**
 * Suppression: what alerts a person does not want in the queue any more. Every field given must fit (at least one).
 * A suppressed alert is stored, found under `suppressed=true` and counted; it joins no incident and is not pushed.
 */
export const SuppressionMatch = Type.Object({
  rule: Type.Optional(Id),
  class: Type.Optional(Id),
  /** Attacker: an address or a CIDR range. */
  source: Type.Optional(Text(64)),
  /** Victim: an address or a CIDR range. */
  asset: Type.Optional(Text(64)),
  system: Type.Optional(Id),
  /** That unit and everything below it. */
  unit: Type.Optional(Id),
  /** Up to this verdict; default `attempted`, so that a success always shows. */
  verdict: Type.Optional(oneOf(['attempted', 'succeeded', 'compromised'] as const)),
}, { ...strict, minProperties: 1 });
export type SuppressionMatch = Static<typeof SuppressionMatch>;
/** POST /api/suppressions */
export const SuppressionCreate = Type.Object({
  match: SuppressionMatch,
  /** `suppress` hides; `lower` keeps the alert with its severity lowered by one. */
  effect: Type.Optional(oneOf(['suppress', 'lower'] as const)),
  reason: Text(2000),
  /** At most a year ahead. */
  expires: Type.String({ minLength: 1, maxLength: 40 }),
  /** The alert it was made from. */
  alert: Type.Optional(Id),
}, strict);
export type SuppressionCreate = Static<typeof SuppressionCreate>;
/** POST /api/suppressions/preview */
export const SuppressionPreviewForm = Type.Object({ match: SuppressionMatch, days: Type.Optional(Type.Integer({ minimum: 1, maximum: 90 })) }, strict);
export type SuppressionPreviewForm = Static<typeof SuppressionPreviewForm>;

export interface SuppressionRow {
  id: string;
  match: SuppressionMatch;
  effect: 'suppress' | 'lower';
  reason: string;
  createdAt: string;
  by: UserName;
  expires: string;
  /** `ended`: undone by a person, or its time is over. */
  state: 'active' | 'ended';
  endedAt?: string;
  endedBy?: UserName;
  /** Alerts it has touched. */
  hits: number;
  lastHit?: string;
  alert?: string;
  unitName?: Named;
  systemName?: Named;
}
/** What it would have hidden in the last `days`. */
export interface SuppressionPreview {
  days: number;
  alerts: number;
  capped: boolean;
  incidents: number;
  byVerdict: Partial<Record<'attempted' | 'succeeded' | 'compromised', number>>;
  bySeverity: Partial<Record<'info' | 'low' | 'medium' | 'high' | 'critical', number>>;
  /** Attackers it would have hidden, the busiest first. */
  sources: { ip: string; count: number }[];
  samples: AlertRow[];
}

/** POST /api/filters: `query` is the page's query string without cursor. */
export const SavedFilterForm = Type.Object({
  page: oneOf(['alerts', 'incidents', 'tickets'] as const), name: Text(64), query: Type.String({ maxLength: 2000 }),
}, strict);
export type SavedFilterForm = Static<typeof SavedFilterForm>;
export interface SavedFilter extends SavedFilterForm { id: string; createdAt: string }

/** POST /api/tickets/actions: only actions that ask for no form of their own. */
export const TicketBulkAct = Type.Object({
  items: Type.Array(Type.Object({ id: Id, version: Type.Integer({ minimum: 1 }) }, strict), { minItems: 1, maxItems: 200 }),
  action: oneOf(TICKET_ACTION_NAMES), reason: Type.Optional(Text(4000)),
}, strict);
export type TicketBulkAct = Static<typeof TicketBulkAct>;

/** GET /api/search?text= : everything within the reader's scope and permissions; a few of each kind. */
export const SearchQuery = Type.Object({ text: Text(200), limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })) }, strict);
export type SearchQuery = Static<typeof SearchQuery>;
export interface SearchAnswer {
  alerts: AlertRow[];
  incidents: IncidentRow[];
  tickets: TicketRow[];
  rules: RuleRow[];
  systems: (Named & { unit: Named })[];
  units: Named[];
}

/** GET /api/incidents/:id/ranking: why it stands where it stands in the queue. Points add up to `rank`. */
export interface RankingView { rank: number; parts: { name: 'escalated' | 'verdict' | 'severity' | 'asset' | 'spread' | 'phases' | 'recurrence'; points: number; value: string | number }[] }
