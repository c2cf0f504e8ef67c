/**
 * Reads of captured bytes shared by the parsers. All offsets are absolute; callers have checked lengths once before
 * reading fixed fields. Strings are made for events only.
 */
const utf8 = new TextDecoder('utf-8', { fatal: true });
const gbk = new TextDecoder('gbk', { fatal: true });

/** Slicing straight to a string, without a Buffer object in between; in Node since 0.x, absent from its types. */
interface Slices {
  latin1Slice(from: number, to: number): string;
  ucs2Slice(from: number, to: number): string;
  hexSlice(from: number, to: number): string;
}
let lastBuffer: ArrayBufferLike | undefined;
let lastView = Buffer.alloc(0) as Buffer & Slices;

/** A Buffer over the same memory (one worker has one arena, so this is a pointer comparison). */
function viewOf(u8: Uint8Array): Buffer & Slices {
  if (u8.buffer !== lastBuffer || u8.byteOffset !== lastView.byteOffset || u8.length !== lastView.length) {
    lastBuffer = u8.buffer;
    lastView = Buffer.from(u8.buffer, u8.byteOffset, u8.length) as Buffer & Slices;
  }
  return lastView;
}

/** Bytes as characters 0…255. */
export function latin(u8: Uint8Array, at: number, length: number): string {
  return length <= 0 ? '' : viewOf(u8).latin1Slice(at, at + length);
}

/** Text for people: ASCII, else UTF-8 where valid, else GBK where valid, else one character a byte. */
export function text(u8: Uint8Array, at: number, length: number): string {
  if (length <= 0) return '';
  let ascii = true;
  for (let i = at, end = at + length; i < end; i++) {
    if (u8[i]! > 0x7e) {
      ascii = false;
      break;
    }
  }
  if (ascii) return viewOf(u8).latin1Slice(at, at + length);
  const bytes = u8.subarray(at, at + length);
  // A cut may fall inside a character: up to three bytes of the last one are left out before giving a charset up.
  for (const decoder of [utf8, gbk]) {
    for (let cut = 0; cut < 4 && cut < length; cut++) {
      try {
        return decoder.decode(cut === 0 ? bytes : bytes.subarray(0, length - cut));
      } catch {
        // not this charset, or cut inside a character
      }
    }
  }
  return viewOf(u8).latin1Slice(at, at + length);
}

/** `text` with control characters other than tab, CR and LF shown as dots. */
export function printable(u8: Uint8Array, at: number, length: number): string {
  // eslint-disable-next-line no-control-regex
  return text(u8, at, length).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '.');
}

/** UTF-16LE as DCE/RPC, SMB and TDS carry it; `bytes` is a byte count. */
export function utf16(u8: Uint8Array, at: number, bytes: number): string {
  return bytes <= 1 ? '' : viewOf(u8).ucs2Slice(at, at + (bytes & ~1));
}

/** Lower-case hexadecimal. */
export function hex(u8: Uint8Array, at: number, length: number): string {
  return length <= 0 ? '' : viewOf(u8).hexSlice(at, at + length);
}

export const u16 = (u8: Uint8Array, at: number): number => (u8[at]! << 8) | u8[at + 1]!;
export const u24 = (u8: Uint8Array, at: number): number => (u8[at]! << 16) | (u8[at + 1]! << 8) | u8[at + 2]!;
export const u32 = (u8: Uint8Array, at: number): number => u8[at]! * 0x1000000 + u24(u8, at + 1);
export const u16le = (u8: Uint8Array, at: number): number => u8[at]! | (u8[at + 1]! << 8);
export const u24le = (u8: Uint8Array, at: number): number => u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16);
export const u32le = (u8: Uint8Array, at: number): number => u24le(u8, at) + u8[at + 3]! * 0x1000000;

/** First `byte` in [at, end), or -1. Bounded, unlike `Uint8Array.indexOf`, which would run on through the arena. */
export function indexOf(u8: Uint8Array, byte: number, at: number, end: number): number {
  for (let i = at; i < end; i++) if (u8[i] === byte) return i;
  return -1;
}

/** Whether the bytes at `at` are the ASCII `word`, in any case when `word` is lower case. */
export function isWord(u8: Uint8Array, at: number, end: number, word: string): boolean {
  if (at + word.length > end) return false;
  for (let i = 0; i < word.length; i++) {
    let c = u8[at + i]!;
    if (c >= 65 && c <= 90) c |= 32;
    if (c !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether the bytes at `at` are exactly `word`. */
export function isExactly(u8: Uint8Array, at: number, end: number, word: string): boolean {
  if (at + word.length > end) return false;
  for (let i = 0; i < word.length; i++) if (u8[at + i] !== word.charCodeAt(i)) return false;
  return true;
}

/**
 * Compares what there is of a prefix.
 * @returns 1 it starts so, 0 it may (too short yet), -1 it does not.
 */
export function prefix(u8: Uint8Array, at: number, length: number, word: string): 1 | 0 | -1 {
  const n = Math.min(length, word.length);
  for (let i = 0; i < n; i++) if (u8[at + i] !== word.charCodeAt(i)) return -1;
  return n === word.length ? 1 : 0;
}

/** First place of the lower-case ASCII `word` in [at, end), in any case, or -1. */
export function findWord(u8: Uint8Array, at: number, end: number, word: string): number {
  const first = word.charCodeAt(0);
  const last = end - word.length;
  for (let i = at; i <= last; i++) {
    let c = u8[i]!;
    if (c >= 65 && c <= 90) c |= 32;
    if (c === first && isWord(u8, i, end, word)) return i;
  }
  return -1;
}

/** Writes an ASCII string. @returns the offset after it. */
export function put(u8: Uint8Array, at: number, word: string): number {
  for (let i = 0; i < word.length; i++) u8[at + i] = word.charCodeAt(i);
  return at + word.length;
}

/** Copies within one array. @returns the offset after the copy. */
export function copy(u8: Uint8Array, to: number, from: number, length: number): number {
  if (length > 32) u8.copyWithin(to, from, from + length);
  else for (let i = 0; i < length; i++) u8[to + i] = u8[from + i]!;
  return to + length;
}
