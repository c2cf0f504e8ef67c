import { isWord } from '../bytes.js';

/** Most header lines looked at (Suricata's limit is 1024; what a server takes is 100–200). */
export const MAX_HEADERS = 256;

/** Header names the parser asks for, lower case; their index is the `known` id. */
export const KNOWN = [
  'host',
  'user-agent',
  'cookie',
  'referer',
  'content-type',
  'content-length',
  'accept',
  'accept-encoding',
  'accept-language',
  'connection',
  'transfer-encoding',
  'content-encoding',
  'authorization',
  'upgrade',
  'expect',
  'set-cookie',
  'location',
  'server',
  'x-forwarded-for',
  'content-disposition',
  'proxy-authorization',
  'content-range',
] as const;
export const H = Object.fromEntries(KNOWN.map((n, i) => [n, i])) as Record<(typeof KNOWN)[number], number>;
const byLength: number[][] = [];
KNOWN.forEach((n, i) => (byLength[n.length] ??= []).push(i));

/**
 * Where the lines of one head are: offsets into the scanned bytes. One instance a worker, refilled for every head.
 * Values are trimmed; a folded value spans its lines as they were sent.
 */
export class Head {
  lineAt = 0;
  lineLength = 0;
  count = 0;
  readonly nameAt = new Int32Array(MAX_HEADERS);
  readonly nameLength = new Int32Array(MAX_HEADERS);
  readonly valueAt = new Int32Array(MAX_HEADERS);
  readonly valueLength = new Int32Array(MAX_HEADERS);
  /** Index of the first header of the same name, its own when it is the first. */
  readonly firstOf = new Int16Array(MAX_HEADERS);
  readonly known = new Int16Array(MAX_HEADERS);
  /** Index of the first header of a known name, or -1. */
  readonly index = new Int16Array(KNOWN.length);
  folded = false;
  missingColon = false;
  badName = false;
  emptyName = false;
  spaceAfterName = false;
  tooMany = false;
  nul = false;
  bareLf = false;

  /** First header line begins here, the end of the head (after the blank line) is `end`. */
  headersAt = 0;
  end = 0;

  /** Scans a complete head: [at, end) ends with its blank line (or is all there is). `line` false: headers only (trailers). */
  scan(u8: Uint8Array, at: number, end: number, line = true): void {
    this.count = 0;
    this.index.fill(-1);
    this.folded = this.missingColon = this.badName = this.emptyName = this.spaceAfterName = this.tooMany = false;
    this.nul = this.bareLf = false;
    this.end = end;
    let p = at;
    this.lineAt = at;
    this.lineLength = 0;
    if (line) {
      let e = at;
      while (e < end && u8[e] !== 10) e++;
      p = Math.min(e + 1, end);
      if (e > at && u8[e - 1] === 13) e--;
      else this.bareLf = true;
      this.lineLength = e - at;
    }
    this.headersAt = p;
    while (p < end) {
      let e = p;
      while (e < end && u8[e] !== 10) e++;
      const next = e < end ? e + 1 : end;
      if (e > p && u8[e - 1] === 13) e--;
      else if (e > p) this.bareLf = true;
      if (e === p) break;
      const first = u8[p]!;
      if ((first === 32 || first === 9) && this.count > 0) {
        this.folded = true;
        const i = this.count - 1;
        while (e > p && (u8[e - 1]! === 32 || u8[e - 1]! === 9)) e--;
        if (e > p) {
          if (this.valueLength[i] === 0) this.valueAt[i] = p;
          this.valueLength[i] = e - this.valueAt[i]!;
        }
      } else this.field(u8, p, e);
      p = next;
    }
  }

  private field(u8: Uint8Array, at: number, end: number): void {
    if (this.count === MAX_HEADERS) {
      this.tooMany = true;
      return;
    }
    let colon = at;
    let token = true;
    while (colon < end && u8[colon] !== 0x3a) {
      const c = u8[colon++]!;
      if (c <= 32 || c > 126 || c === 0x22 || c === 0x28 || c === 0x29 || c === 0x2c || c === 0x2f) token = false;
    }
    const i = this.count++;
    let nameEnd = colon;
    let v = colon + 1;
    if (colon === end) {
      // libhtp keeps such a line as a header with an empty name and the line as value
      this.missingColon = true;
      nameEnd = at;
      v = at;
    } else if (nameEnd === at) this.emptyName = true;
    let start = at;
    while (start < nameEnd && (u8[start] === 32 || u8[start] === 9)) start++;
    if (nameEnd > start && (u8[nameEnd - 1] === 32 || u8[nameEnd - 1] === 9)) {
      this.spaceAfterName = true;
      while (nameEnd > start && (u8[nameEnd - 1] === 32 || u8[nameEnd - 1] === 9)) nameEnd--;
    } else if (!token && colon < end) this.badName = true;
    while (v < end && (u8[v] === 32 || u8[v] === 9)) v++;
    let e = end;
    while (e > v && (u8[e - 1] === 32 || u8[e - 1] === 9)) e--;
    const n = nameEnd - start;
    this.nameAt[i] = start;
    this.nameLength[i] = n;
    this.valueAt[i] = v;
    this.valueLength[i] = e - v;
    this.known[i] = -1;
    this.firstOf[i] = i;
    for (const k of byLength[n] ?? []) {
      if (!isWord(u8, start, nameEnd, KNOWN[k]!)) continue;
      this.known[i] = k;
      if (this.index[k]! < 0) this.index[k] = i;
      else this.firstOf[i] = this.index[k]!;
      return;
    }
    for (let j = 0; j < i; j++) {
      if (this.nameLength[j] === n && n > 0 && this.firstOf[j] === j && sameName(u8, this.nameAt[j]!, start, n)) {
        this.firstOf[i] = j;
        return;
      }
    }
  }
}

function sameName(u8: Uint8Array, a: number, b: number, n: number): boolean {
  for (let i = 0; i < n; i++) {
    const x = u8[a + i]!,
      y = u8[b + i]!;
    if (x !== y && ((x ^ y) !== 32 || (x | 32) < 97 || (x | 32) > 122)) return false;
  }
  return true;
}
