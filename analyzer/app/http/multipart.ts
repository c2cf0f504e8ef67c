import { findWord, isExactly } from '../bytes.js';

/** Parts looked at in one body; forms have a few, a flood of empty parts is an attack on the parser. */
export const MAX_PARTS = 64;

/** Parts of a multipart body (RFC 7578), as places in it. */
export class Parts {
  count = 0;
  readonly dataAt = new Int32Array(MAX_PARTS);
  readonly dataLength = new Int32Array(MAX_PARTS);
  readonly fileAt = new Int32Array(MAX_PARTS);
  /** -1: a field, not a file. */
  readonly fileLength = new Int32Array(MAX_PARTS);
  readonly nameAt = new Int32Array(MAX_PARTS);
  readonly nameLength = new Int32Array(MAX_PARTS);
  readonly complete = new Uint8Array(MAX_PARTS);
  invalidHeader = false;

  /** @param boundary Places of the boundary's text (without the leading hyphens), in the same array. */
  scan(u8: Uint8Array, at: number, length: number, boundaryAt: number, boundaryLength: number): void {
    this.count = 0;
    this.invalidHeader = false;
    const end = at + length;
    let p = delimiter(u8, at, end, boundaryAt, boundaryLength);
    while (p >= 0 && this.count < MAX_PARTS) {
      p += 2 + boundaryLength;
      if (u8[p] === 0x2d && u8[p + 1] === 0x2d) return;
      while (p < end && u8[p] !== 10) p++;
      p++;
      if (p >= end) return;
      const i = this.count;
      this.fileLength[i] = this.nameLength[i] = -1;
      let closed = false;
      while (p < end) {
        let e = p;
        while (e < end && u8[e] !== 10) e++;
        const next = e + 1;
        if (e > p && u8[e - 1] === 13) e--;
        if (e === p) {
          p = next;
          closed = true;
          break;
        }
        this.header(u8, p, e, i);
        p = next;
      }
      if (!closed) {
        this.invalidHeader = true;
        return;
      }
      const next = delimiter(u8, p, end, boundaryAt, boundaryLength);
      let stop = next < 0 ? end : next;
      if (next > p && u8[stop - 1] === 10) stop--;
      if (next > p && stop > p && u8[stop - 1] === 13) stop--;
      this.dataAt[i] = p;
      this.dataLength[i] = Math.max(0, stop - p);
      this.complete[i] = next >= 0 ? 1 : 0;
      this.count++;
      p = next;
    }
  }

  private header(u8: Uint8Array, at: number, end: number, i: number): void {
    if (findWord(u8, at, Math.min(end, at + 20), 'content-disposition') !== at) return;
    let p = at + 19;
    while (p < end) {
      while (p < end && u8[p] !== 0x3b) p++;
      p++;
      while (p < end && u8[p]! <= 32) p++;
      const k = p;
      while (p < end && u8[p] !== 0x3d && u8[p] !== 0x3b) p++;
      if (u8[p] !== 0x3d) continue;
      const kn = p - k;
      p++;
      let v = p,
        e: number;
      if (u8[p] === 0x22) {
        v = ++p;
        while (p < end && (u8[p] !== 0x22 || u8[p - 1] === 0x5c)) p++;
        e = p++;
      } else {
        while (p < end && u8[p] !== 0x3b) p++;
        e = p;
      }
      if (kn === 4 && findWord(u8, k, k + 4, 'name') === k) {
        this.nameAt[i] = v;
        this.nameLength[i] = e - v;
      } else if ((kn === 8 || kn === 9) && findWord(u8, k, k + 8, 'filename') === k && this.fileLength[i]! <= 0) {
        this.fileAt[i] = v;
        this.fileLength[i] = e - v;
      }
    }
  }
}

/** Next `--boundary` at a line start, or -1. */
function delimiter(u8: Uint8Array, at: number, end: number, boundaryAt: number, n: number): number {
  for (let p = at, last = end - n - 2; p <= last; p++) {
    if (u8[p] !== 0x2d || u8[p + 1] !== 0x2d) continue;
    if (p > at && u8[p - 1] !== 10) continue;
    let i = 0;
    while (i < n && u8[p + 2 + i] === u8[boundaryAt + i]) i++;
    if (i === n) return p;
  }
  return -1;
}

/** Place of the boundary in a Content-Type value. @returns [at, length], length 0 when it is not multipart. */
export function boundary(u8: Uint8Array, at: number, length: number): readonly [number, number] {
  const end = at + length;
  if (findWord(u8, at, Math.min(end, at + 10), 'multipart/') !== at) return [0, 0];
  let p = findWord(u8, at, end, 'boundary=');
  if (p < 0) return [0, 0];
  p += 9;
  const quoted = isExactly(u8, p, end, '"');
  if (quoted) p++;
  let e = p;
  while (e < end && (quoted ? u8[e] !== 0x22 : u8[e] !== 0x3b && u8[e]! > 32 && u8[e] !== 0x2c)) e++;
  return [p, Math.min(e - p, 256)];
}
