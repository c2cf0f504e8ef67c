import { B } from '../../match/buffers.js';
import { isExactly, u16 } from '../bytes.js';
import type { AppContext } from '../parser.js';

/** Class descriptors read in one stream; gadget chains name a few dozen. */
const MAX_CLASSES = 64;

/** First `AC ED 00 05` (Java Object Serialization 6.4.1) in [at, end), or -1. */
export function findStream(u8: Uint8Array, at: number, end: number): number {
  for (let p = at; p + 4 <= end; p++) {
    if (u8[p] === 0xac && u8[p + 1] === 0xed && u8[p + 2] === 0 && u8[p + 3] === 5) return p;
  }
  return -1;
}

/**
 * Puts a serialisation stream and the class names in it into the table. Names follow TC_CLASSDESC (0x72) with a
 * two-byte length; what looks like one is taken, since a full reading would have to know every class.
 * @returns class names found.
 */
export function addStream(c: AppContext, at: number, end: number): number {
  const { u8 } = c.arena;
  c.buffers.add(B['java.stream'], at, end - at);
  let n = 0;
  for (let p = at + 4; p + 12 < end && n < MAX_CLASSES; p++) {
    if (u8[p] !== 0x72) continue;
    const size = u16(u8, p + 1);
    if (size < 3 || size > 255 || p + 3 + size + 8 > end || !isName(u8, p + 3, size)) continue;
    c.buffers.add(B['java.class'], p + 3, size);
    n++;
    p += 2 + size;
  }
  return n;
}

function isName(u8: Uint8Array, at: number, n: number): boolean {
  for (let i = at; i < at + n; i++) {
    const b = u8[i]!;
    const ok =
      (b >= 48 && b <= 57) ||
      ((b | 32) >= 97 && (b | 32) <= 122) ||
      b === 0x2e ||
      b === 0x24 ||
      b === 0x5f ||
      b === 0x5b ||
      b === 0x3b ||
      b === 0x2f;
    if (!ok) return false;
  }
  return true;
}

export const isStream = (u8: Uint8Array, at: number, end: number): boolean =>
  isExactly(u8, at, end, '\xac\xed\x00\x05');
