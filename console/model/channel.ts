import { Type, type Static } from '@sinclair/typebox';
import { SEVERITIES, VERDICTS } from '../../contracts/classes.js';
import { Id, Text, oneOf, strict } from './fields.js';

export const CHANNEL_KINDS = ['webhook', 'mail', 'syslog', 'cef', 'eve_file'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];
export const CHANNEL_EVENTS = ['alert', 'incident', 'ticket', 'notice', 'report'] as const;
export type ChannelEvent = (typeof CHANNEL_EVENTS)[number];

const Host = Type.String({ minLength: 1, maxLength: 253 });
const Port = Type.Integer({ minimum: 1, maximum: 65535 });
/** Where it goes. Secrets are written, never read: an answer has `hasSecret`. */
export const ChannelTarget = Type.Object({
  /** webhook */
  url: Type.Optional(Type.String({ maxLength: 1000, pattern: '^https?://' })),
  /** webhook: key of the HMAC-SHA-256 in `x-shouwang-signature`; mail: password. */
  secret: Type.Optional(Type.String({ maxLength: 256 })),
  /** mail, syslog, cef */
  host: Type.Optional(Host), port: Type.Optional(Port),
  /** syslog, cef */
  transport: Type.Optional(oneOf(['udp', 'tcp', 'tls'] as const)),
  /** mail: `starttls` unless said otherwise */
  security: Type.Optional(oneOf(['none', 'starttls', 'tls'] as const)),
  user: Type.Optional(Type.String({ maxLength: 256 })),
  from: Type.Optional(Type.String({ maxLength: 256 })),
  to: Type.Optional(Type.Array(Type.String({ maxLength: 256, pattern: '^[^\\s@,;<>]+@[^\\s@,;<>]+$' }), { maxItems: 50 })),
  /** PEM of the authority that signs the other side, where it is none the system knows. */
  ca: Type.Optional(Type.String({ maxLength: 20_000 })),
  /** eve_file: name of a file in `<dataDir>/eve`, rotated daily. */
  file: Type.Optional(Type.String({ maxLength: 64, pattern: '^[a-z0-9][a-z0-9_-]*\\.json$' })),
}, strict);
export type ChannelTarget = Static<typeof ChannelTarget>;
/** POST /api/channels, PUT /api/channels/:id */
export const ChannelForm = Type.Object({
  name: Text(64), kind: oneOf(CHANNEL_KINDS), enabled: Type.Boolean(),
  events: Type.Array(oneOf(CHANNEL_EVENTS), { minItems: 1, uniqueItems: true, maxItems: CHANNEL_EVENTS.length }),
  /** At least this severity and verdict, for alerts and incidents. */
  severity: Type.Optional(oneOf(SEVERITIES)), verdict: Type.Optional(oneOf(VERDICTS)),
  /** Only what concerns this unit and what lies below it. */
  unit: Type.Optional(Id),
  lang: Type.Optional(oneOf(['zh', 'en'] as const)),
  target: ChannelTarget,
}, strict);
export type ChannelForm = Static<typeof ChannelForm>;
export interface ChannelRow extends Omit<ChannelForm, 'target'> {
  id: string;
  target: Omit<ChannelTarget, 'secret'>;
  hasSecret: boolean;
  /** Deliveries that wait, were done, were given up after the last try. */
  waiting: number;
  done: number;
  failed: number;
  lastAt?: string;
  lastError?: string;
}
/** GET /api/channels/:id/deliveries */
export interface DeliveryRow { id: string; at: string; event: ChannelEvent; object: string; state: 'waiting' | 'done' | 'failed'; tries: number; nextAt?: string; error?: string; bytes: number }
/** POST /api/channels/:id/test */
export interface ChannelTest { ok: boolean; ms: number; error?: string }
