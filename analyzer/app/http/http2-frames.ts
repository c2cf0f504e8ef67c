import type { Direction } from '../../flow/flow.js';
import { u24, u32 } from '../bytes.js';
import { Hpack } from './hpack.js';

/** Largest frame that every peer must take (RFC 9113 4.2); hardly anybody asks for more. */
export const MAX_FRAME = 16384;
/** Frames looked at to tell a connection from its middle. */
const MAX_FRAMES = 16;

export const enum Type { Data = 0, Headers = 1, Priority = 2, Reset = 3, Settings = 4, Push = 5, Ping = 6, GoAway = 7, Window = 8, Continuation = 9 }
export const FLAG_END_STREAM = 1;
export const FLAG_END_HEADERS = 4;
export const FLAG_PADDED = 8;
export const FLAG_PRIORITY = 32;

/** By type: the flags that mean something (RFC 9113 6); others must be unset. */
const FLAGS = [9, 0x2d, 0, 0, 1, 12, 1, 0, 0, 4];
/** By type: the least length, the length it is a multiple of (0: any), and whose it is: a stream's (1), the connection's (0), both's (2). */
const LEAST = [0, 0, 5, 4, 0, 4, 8, 8, 4, 0];
const EXACT = [false, false, true, true, false, false, true, false, true, false];
const OWNER = [1, 1, 1, 1, 0, 1, 0, 0, 2, 1];

/** Whether nine bytes read as the head of a frame: type, flags, length and stream fit one another. */
export function isFrameHead(u8: Uint8Array, at: number, d: Direction): boolean {
  const size = u24(u8, at),
    type = u8[at + 3]!,
    stream = u32(u8, at + 5);
  if (size > MAX_FRAME || type > Type.Continuation || (u8[at + 4]! & ~FLAGS[type]!) !== 0 || stream > 0x7fffffff) return false;
  if (size < LEAST[type]! || (EXACT[type]! && size !== LEAST[type])) return false;
  if (type === Type.Settings && (size % 6 !== 0 || ((u8[at + 4]! & 1) !== 0 && size > 0))) return false;
  if (OWNER[type] === (stream === 0 ? 1 : 0)) return false;
  // clients open odd streams only
  return d === 1 || (stream & 1) === 1 || (type !== Type.Data && type !== Type.Headers && type !== Type.Continuation);
}

/** Where frames go on, as far as `findFrame` can tell. */
export interface FoundFrame {
  /** Offset of the frame, or of the first byte that may belong to one. */
  at: number;
  /** Whether it is one; otherwise more bytes will tell. */
  sure: boolean;
}

/**
 * Looks for the next frame in [at, end) behind missing bytes. One is sure when another follows it, when it ends where
 * the bytes end, as senders write whole frames, or when its stream is open.
 */
export function findFrame(u8: Uint8Array, at: number, end: number, d: Direction, isOpen: (stream: number) => boolean): FoundFrame {
  let p = at;
  for (; p + 9 <= end; p++) {
    if (u8[p] !== 0 || !isFrameHead(u8, p, d)) continue;
    const size = u24(u8, p);
    const next = p + 9 + size;
    if (next + 9 <= end) {
      if (isFrameHead(u8, next, d)) return { at: p, sure: true };
      continue;
    }
    // an empty DATA frame is all zeros but for its stream: such bytes are common
    const ends = next === end && (size > 0 || u8[p + 3] !== Type.Data);
    return { at: p, sure: ends || isOpen(u32(u8, p + 5)) };
  }
  return { at: p, sure: false };
}

/** Whether the first bytes of a direction are the middle of a connection: whole frames, one of which opens a request or an answer. */
export function isMiddle(u8: Uint8Array, at: number, length: number, d: Direction): boolean {
  const end = at + length;
  for (let p = at, n = 0; n < MAX_FRAMES && p + 9 <= end && isFrameHead(u8, p, d); n++) {
    const next = p + 9 + u24(u8, p);
    if (u8[p + 3] === Type.Headers && next <= end) return opens(u8, p, d);
    p = next;
  }
  return false;
}

/** Whether a whole HEADERS frame has the pseudo-field that this direction's heads begin with. */
function opens(u8: Uint8Array, at: number, d: Direction): boolean {
  const flags = u8[at + 4]!;
  if ((flags & FLAG_END_HEADERS) === 0) return false;
  let p = at + 9;
  let end = p + u24(u8, at);
  if ((flags & FLAG_PADDED) !== 0) end -= u8[p++]!;
  if ((flags & FLAG_PRIORITY) !== 0) p += 5;
  if (p >= end) return false;
  const hpack = new Hpack();
  hpack.forget();
  const fields = hpack.decode(u8, p, end - p);
  return fields !== undefined && fields.some(([name]) => (d === 0 ? name === ':method' || name === ':path' : name === ':status'));
}
