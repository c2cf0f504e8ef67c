/**
 * DEFLATE (RFC 1951) from one place of an array to another, bounded by the room for the output. Bodies here are bounded,
 * often cut, sometimes broken on purpose: what can be inflated is wanted up to the first error and never more than the
 * room, in memory that the scan kernels see. A zlib handle gives nothing for an output that is too large and costs more
 * to set up than a typical body to inflate.
 */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DIST_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const DIST_EXTRA = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Canonical Huffman decoding by counts per length and symbols in order; 9-bit table first for speed. */
class Huffman {
  readonly count = new Uint16Array(16);
  readonly symbol = new Uint16Array(320);
  /** (symbol << 4 | length) by the next 9 bits; 0 where the code is longer. */
  readonly fast = new Uint16Array(512);
  build(lengths: Uint8Array, from: number, n: number): boolean {
    const { count, symbol, fast } = this;
    count.fill(0);
    fast.fill(0);
    for (let i = 0; i < n; i++) count[lengths[from + i]!]!++;
    count[0] = 0;
    let left = 1;
    for (let i = 1; i < 16; i++) {
      left = (left << 1) - count[i]!;
      if (left < 0) return false;
    }
    const offs = new Uint16Array(16);
    const next = new Uint16Array(16);
    for (let i = 1, code = 0; i < 16; i++) {
      offs[i] = offs[i - 1]! + count[i - 1]!;
      code = (code + count[i - 1]!) << 1;
      next[i] = code;
    }
    for (let i = 0; i < n; i++) {
      const l = lengths[from + i]!;
      if (l === 0) continue;
      symbol[offs[l]!++] = i;
      let code = next[l]!++;
      if (l > 9) continue;
      let rev = 0;
      for (let b = 0; b < l; b++, code >>= 1) rev = (rev << 1) | (code & 1);
      for (let k = rev; k < 512; k += 1 << l) fast[k] = (i << 4) | l;
    }
    return true;
  }
}

const lit = new Huffman();
const dist = new Huffman();
const fixedLit = new Huffman();
const fixedDist = new Huffman();
{
  const l = new Uint8Array(320);
  l.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288).fill(5, 288, 318);
  fixedLit.build(l, 0, 288);
  fixedDist.build(l, 288, 30);
}
const lengths = new Uint8Array(320);

let src: Uint8Array;
let pos = 0;
let stop = 0;
let hold = 0;
let have = 0;
/** -1 when the input ran out. */
function bits(n: number): number {
  while (have < n) {
    if (pos >= stop) return -1;
    hold |= src[pos++]! << have;
    have += 8;
  }
  const v = hold & ((1 << n) - 1);
  hold >>>= n;
  have -= n;
  return v;
}
function symbolOf(h: Huffman): number {
  while (have < 15 && pos < stop) {
    hold |= src[pos++]! << have;
    have += 8;
  }
  const f = h.fast[hold & 511]!;
  if (f !== 0 && (f & 15) <= have) {
    hold >>>= f & 15;
    have -= f & 15;
    return f >> 4;
  }
  let code = 0,
    first = 0,
    index = 0;
  for (let l = 1; l < 16; l++) {
    if (l > have) return -1;
    code |= (hold >> (l - 1)) & 1;
    const c = h.count[l]!;
    if (code - c < first) {
      hold >>>= l;
      have -= l;
      return h.symbol[index + (code - first)]!;
    }
    index += c;
    first = (first + c) << 1;
    code <<= 1;
  }
  return -2;
}

export const enum Outcome { Complete = 0, Truncated = 1, Broken = 2, Full = 3 }
let outcome: Outcome = Outcome.Complete;
/** How the last `inflate` ended. */
export const lastOutcome = (): Outcome => outcome;

/** Inflates raw DEFLATE. @returns bytes written at `to`, at most `room`. */
function inflateRaw(u8: Uint8Array, at: number, length: number, to: number, room: number): number {
  src = u8;
  pos = at;
  stop = at + length;
  hold = have = 0;
  const limit = to + room;
  let w = to;
  for (;;) {
    const last = bits(1),
      type = bits(2);
    if (type < 0) return ended(Outcome.Truncated, w - to);
    if (type === 3) return ended(Outcome.Broken, w - to);
    if (type === 0) {
      pos -= have >> 3; // whole bytes read ahead
      hold = have = 0;
      if (pos + 4 > stop) return ended(Outcome.Truncated, w - to);
      let n = u8[pos]! | (u8[pos + 1]! << 8);
      if ((n ^ 0xffff) !== (u8[pos + 2]! | (u8[pos + 3]! << 8))) return ended(Outcome.Broken, w - to);
      pos += 4;
      const cut = n > stop - pos;
      if (cut) n = stop - pos;
      const full = n > limit - w;
      if (full) n = limit - w;
      u8.copyWithin(w, pos, pos + n);
      w += n;
      pos += n;
      if (full || cut) return ended(full ? Outcome.Full : Outcome.Truncated, w - to);
    } else {
      let l = fixedLit,
        d = fixedDist;
      if (type === 2) {
        const nl = bits(5) + 257,
          nd = bits(5) + 1,
          nc = bits(4) + 4;
        if (nl < 257 || nd < 1 || nc < 4) return ended(Outcome.Truncated, w - to);
        if (nl > 286 || nd > 30) return ended(Outcome.Broken, w - to);
        lengths.fill(0);
        for (let i = 0; i < nc; i++) {
          const v = bits(3);
          if (v < 0) return ended(Outcome.Truncated, w - to);
          lengths[ORDER[i]!] = v;
        }
        if (!lit.build(lengths, 0, 19)) return ended(Outcome.Broken, w - to);
        lengths.fill(0);
        for (let i = 0; i < nl + nd;) {
          const s = symbolOf(lit);
          if (s < 0) return ended(s === -1 ? Outcome.Truncated : Outcome.Broken, w - to);
          if (s < 16) lengths[i++] = s;
          else {
            const before = s === 16 ? (i === 0 ? -1 : lengths[i - 1]!) : 0;
            const more = s === 16 ? bits(2) : s === 17 ? bits(3) : bits(7);
            if (more < 0) return ended(Outcome.Truncated, w - to);
            const n = more + (s === 18 ? 11 : 3);
            if (before < 0 || i + n > nl + nd) return ended(Outcome.Broken, w - to);
            lengths.fill(before, i, i + n);
            i += n;
          }
        }
        if (!lit.build(lengths, 0, nl) || !dist.build(lengths, nl, nd)) return ended(Outcome.Broken, w - to);
        l = lit;
        d = dist;
      }
      for (;;) {
        const s = symbolOf(l);
        if (s < 0) return ended(s === -1 ? Outcome.Truncated : Outcome.Broken, w - to);
        if (s < 256) {
          if (w === limit) return ended(Outcome.Full, w - to);
          u8[w++] = s;
          continue;
        }
        if (s === 256) break;
        if (s > 285) return ended(Outcome.Broken, w - to);
        const extra = LENGTH_EXTRA[s - 257]!;
        const el = extra === 0 ? 0 : bits(extra);
        const ds = symbolOf(d);
        if (el < 0 || ds === -1) return ended(Outcome.Truncated, w - to);
        if (ds < 0 || ds > 29) return ended(Outcome.Broken, w - to);
        const de = DIST_EXTRA[ds]! === 0 ? 0 : bits(DIST_EXTRA[ds]!);
        if (de < 0) return ended(Outcome.Truncated, w - to);
        const back = DIST_BASE[ds]! + de;
        let n = LENGTH_BASE[s - 257]! + el;
        if (back > w - to) return ended(Outcome.Broken, w - to);
        const full = n > limit - w;
        if (full) n = limit - w;
        for (let i = 0; i < n; i++, w++) u8[w] = u8[w - back]!;
        if (full) return ended(Outcome.Full, w - to);
      }
    }
    if (last === 1) return ended(Outcome.Complete, w - to);
  }
}
function ended(how: Outcome, n: number): number {
  outcome = how;
  return n;
}

/**
 * Inflates a `gzip` or `deflate` content coding (RFC 1952; zlib's RFC 1950 or bare DEFLATE, as servers disagree).
 * @returns bytes written at `to` (at most `room`; must not overlap the input); see `lastOutcome`.
 */
export function inflate(u8: Uint8Array, at: number, length: number, to: number, room: number): number {
  const end = at + length;
  let p = at;
  if (length > 9 && u8[p] === 0x1f && u8[p + 1] === 0x8b) {
    const flags = u8[p + 3]!;
    if (u8[p + 2] !== 8) return ended(Outcome.Broken, 0);
    p += 10;
    if (flags & 4) p += 2 + (p + 2 <= end ? u8[p]! | (u8[p + 1]! << 8) : 0);
    for (let names = (flags & 8 ? 1 : 0) + (flags & 16 ? 1 : 0); names > 0; names--) {
      while (p < end && u8[p] !== 0) p++;
      p++;
    }
    if (flags & 2) p += 2;
    if (p >= end) return ended(Outcome.Truncated, 0);
  } else if (length > 2 && (u8[p]! & 15) === 8 && ((u8[p]! << 8) | u8[p + 1]!) % 31 === 0) p += 2;
  return inflateRaw(u8, p, end - p, to, room);
}
