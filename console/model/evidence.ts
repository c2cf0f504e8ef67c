import { Type, type Static } from '@sinclair/typebox';
import type { Bilingual } from '../../contracts/alert.js';
import { strict } from './fields.js';

/** GET /api/evidence/:id/packets : a page of the stored capture, dissected. All text came off the wire. */
export const PacketQuery = Type.Object({
  /** First packet, counted from 1. */
  from: Type.Optional(Type.Integer({ minimum: 1 })), limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  /** Only packets of this conversation. */
  stream: Type.Optional(Type.Integer({ minimum: 0 })),
}, strict);
export type PacketQuery = Static<typeof PacketQuery>;
export const PacketParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }), number: Type.Integer({ minimum: 1 }) }, strict);
export type PacketParams = Static<typeof PacketParams>;

export interface PacketSummary {
  number: number;
  at: string;
  /** Seconds since the first packet. */
  since: number;
  source: string;
  destination: string;
  protocol: string;
  bytes: number;
  /** One line, e.g. `51012 → 80 [PSH, ACK] seq 1 ack 1 len 312`. */
  info: string;
  stream?: number;
}
export interface PacketPage {
  packets: PacketSummary[];
  total: number;
  /** The capture ends in the middle of a packet, or has more packets than are dissected. */
  cut: boolean;
  conversations: { stream: number; protocol: string; client: string; server: string; packets: number; bytes: number; firstAt: string; lastAt: string }[];
}
/** A field of a layer: where it lies in the packet and what it says. */
export interface PacketField { name: string; value: string; offset: number; length: number }
export interface PacketLayer { name: string; title: string; offset: number; length: number; fields: PacketField[]; /** What is wrong with it. */ fault?: string }
/** GET /api/evidence/:id/packets/:number */
export interface PacketDetail extends PacketSummary {
  layers: PacketLayer[];
  /** base64 */
  data: string;
  /** Bytes that were on the wire; more than `data` where the capture cut the packet. */
  wireBytes: number;
}
export const StreamQuery = Type.Object({ stream: Type.Integer({ minimum: 0 }) }, strict);
export type StreamQuery = Static<typeof StreamQuery>;
/** GET /api/evidence/:id/stream?stream= : the conversation as both sides said it, in order. */
export interface StreamView {
  stream: number;
  protocol: string;
  client: string;
  server: string;
  /** Pieces in the order of the packets; `printable` has a dot for each byte that is no text. */
  pieces: { from: 'client' | 'server'; at: string; bytes: number; data: string; printable: string; /** Bytes missing before this piece. */ gap: number }[];
  clientBytes: number;
  serverBytes: number;
  cut: boolean;
}

/** GET /api/incidents/:id/chain : packet → alert → incident → bulletin → closure, each link naming the hash of the one before. */
export interface ChainLink {
  seq: number;
  kind: 'evidence' | 'alert' | 'incident' | 'bulletin' | 'step' | 'attachment' | 'closure';
  id: string;
  at: string;
  /** SHA-256 and SM3 of the thing itself: file or canonical JSON. */
  sha256: string;
  sm3: string;
  /** SHA-256 over the link before and this one. */
  link: string;
  title: string;
  /** Set where the console wrote the title in both languages. */
  titles?: Bilingual;
  /** Where the bundle has it. */
  file: string;
}
export interface ChainView { incident: string; links: ChainLink[]; head: string; /** Evidence that is announced but not stored, or damaged. */ missing: string[]; keyId: string; /** Alerts beyond the cap are left out; the telling ones come first. */ cut: boolean }
/** GET /api/signing-key */
export interface SigningKeyView { keyId: string; publicKey: string; algorithm: 'ed25519' }
