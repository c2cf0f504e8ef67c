// Scan kernels of the literal prefilter (AssemblyScript, SIMD). No runtime objects and no data of their own: every
// table lies where the caller says, in the memory that the packets lie in. Layout of the tables: prefilter.ts.

@inline function lower(c: u32): u32 {
  return c - 65 < 26 ? c | 32 : c;
}

/** Compares `length` bytes at `p`, folded, with the folded literal at `literal`. */
@inline function same(p: usize, literal: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) {
    if (lower(load<u8>(p + i)) != <u32>load<u8>(literal + i)) return false;
  }
  return true;
}

/** Walks the entries of one bucket: fold of 4 bytes, literal, length, offset in the literal, id, next entry. */
function verify(entry: usize, folded: u32, p: usize, at: usize, end: usize, stamps: usize, epoch: i32, out: usize, count: i32): i32 {
  while (entry != 0) {
    if (load<u32>(entry) == folded) {
      const id = load<u32>(entry, 16);
      const stamp = stamps + ((<usize>id) << 2);
      if (load<i32>(stamp) != epoch) {
        const q = p - <usize>load<u32>(entry, 12);
        const length = <usize>load<u32>(entry, 8);
        if (q >= at && q + length <= end && same(q, <usize>load<u32>(entry, 4), length)) {
          store<i32>(stamp, epoch);
          store<u32>(out + ((<usize>count) << 2), id);
          count++;
        }
      }
    }
    entry = <usize>load<u32>(entry, 20);
  }
  return count;
}

/**
 * Looks at 4 bytes at every `stride`-th place of [at, end): a bitmap over their hash says where it is worth comparing.
 * Each id is reported once per `epoch`. Returns the count of ids written at `out`, counted on from `count`.
 */
export function scanHash(at: usize, end: usize, stride: usize, table: usize, epoch: i32, out: usize, count: i32): i32 {
  const shift = load<u32>(table);
  const bitmap = <usize>load<u32>(table, 4);
  const heads = <usize>load<u32>(table, 8);
  const headShift = load<u32>(table, 12);
  const stamps = <usize>load<u32>(table, 16);
  let p = at;
  if (end >= 16 + at) {
    // Four places at a time.
    const step = stride << 2;
    const last = end - 4 - 3 * stride;
    for (; p <= last; p += step) {
      const x0 = load<u32>(p) | 0x20202020;
      const x1 = load<u32>(p + stride) | 0x20202020;
      const x2 = load<u32>(p + 2 * stride) | 0x20202020;
      const x3 = load<u32>(p + 3 * stride) | 0x20202020;
      const h0 = (x0 * 0x9e3779b1) >> shift;
      const h1 = (x1 * 0x9e3779b1) >> shift;
      const h2 = (x2 * 0x9e3779b1) >> shift;
      const h3 = (x3 * 0x9e3779b1) >> shift;
      const b0 = <u32>load<u8>(bitmap + (h0 >> 3)) >> (h0 & 7);
      const b1 = <u32>load<u8>(bitmap + (h1 >> 3)) >> (h1 & 7);
      const b2 = <u32>load<u8>(bitmap + (h2 >> 3)) >> (h2 & 7);
      const b3 = <u32>load<u8>(bitmap + (h3 >> 3)) >> (h3 & 7);
      if (((b0 | b1 | b2 | b3) & 1) != 0) {
        if (b0 & 1) count = verify(<usize>load<u32>(heads + ((<usize>(x0 * 0x9e3779b1 >> headShift)) << 2)), x0, p, at, end, stamps, epoch, out, count);
        if (b1 & 1) count = verify(<usize>load<u32>(heads + ((<usize>(x1 * 0x9e3779b1 >> headShift)) << 2)), x1, p + stride, at, end, stamps, epoch, out, count);
        if (b2 & 1) count = verify(<usize>load<u32>(heads + ((<usize>(x2 * 0x9e3779b1 >> headShift)) << 2)), x2, p + 2 * stride, at, end, stamps, epoch, out, count);
        if (b3 & 1) count = verify(<usize>load<u32>(heads + ((<usize>(x3 * 0x9e3779b1 >> headShift)) << 2)), x3, p + 3 * stride, at, end, stamps, epoch, out, count);
      }
    }
  }
  for (; p + 4 <= end; p += stride) {
    const x = load<u32>(p) | 0x20202020;
    const h = (x * 0x9e3779b1) >> shift;
    if ((<u32>load<u8>(bitmap + (h >> 3)) >> (h & 7)) & 1) {
      count = verify(<usize>load<u32>(heads + ((<usize>(x * 0x9e3779b1 >> headShift)) << 2)), x, p, at, end, stamps, epoch, out, count);
    }
  }
  return count;
}

/** Buckets set in `mask` for windows that end at `p`: compares their literals. */
function verifyWindow(mask: u32, p: usize, at: usize, end: usize, heads: usize, stamps: usize, epoch: i32, out: usize, count: i32): i32 {
  while (mask != 0) {
    const bucket = ctz(mask);
    mask &= mask - 1;
    let entry = <usize>load<u32>(heads + ((<usize>bucket) << 2));
    while (entry != 0) {
      const id = load<u32>(entry, 8);
      const stamp = stamps + ((<usize>id) << 2);
      const length = <usize>load<u32>(entry, 4);
      const q = p - <usize>load<u32>(entry, 16);
      if (load<i32>(stamp) != epoch && q >= at && q + length <= end && same(q, <usize>load<u32>(entry), length)) {
        store<i32>(stamp, epoch);
        store<u32>(out + ((<usize>count) << 2), id);
        count++;
      }
      entry = <usize>load<u32>(entry, 12);
    }
  }
  return count;
}

/**
 * Few literals, or short ones: 16 places at a time, nibble tables for the four bytes of a window and eight buckets.
 * Reads up to 15 bytes beyond `end`; the caller sees to it that they are memory.
 */
export function scanWindows(at: usize, end: usize, table: usize, epoch: i32, out: usize, count: i32): i32 {
  const lo0 = v128.load(table);
  const hi0 = v128.load(table, 16);
  const lo1 = v128.load(table, 32);
  const hi1 = v128.load(table, 48);
  const lo2 = v128.load(table, 64);
  const hi2 = v128.load(table, 80);
  const lo3 = v128.load(table, 96);
  const hi3 = v128.load(table, 112);
  const heads = table + 128;
  const stamps = <usize>load<u32>(table, 160);
  const low = i8x16.splat(15);
  const fold = i8x16.splat(32);
  // Bytes before `at` may be anything: literals shorter than a window begin at its later bytes.
  let before0 = i8x16.splat(-1);
  let before1 = before0;
  let before2 = before0;
  for (let p = at; p < end; p += 16) {
    const a = v128.or(v128.load(p), fold);
    const lo = v128.and(a, low);
    const hi = v128.and(i16x8.shr_u(a, 4), low);
    const r0 = v128.and(i8x16.swizzle(lo0, lo), i8x16.swizzle(hi0, hi));
    const r1 = v128.and(i8x16.swizzle(lo1, lo), i8x16.swizzle(hi1, hi));
    const r2 = v128.and(i8x16.swizzle(lo2, lo), i8x16.swizzle(hi2, hi));
    const r3 = v128.and(i8x16.swizzle(lo3, lo), i8x16.swizzle(hi3, hi));
    const m = v128.and(
      v128.and(r3, i8x16.shuffle(before2, r2, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)),
      v128.and(
        i8x16.shuffle(before1, r1, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29),
        i8x16.shuffle(before0, r0, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28)));
    before0 = r0;
    before1 = r1;
    before2 = r2;
    if (v128.any_true(m)) {
      let places = <u32>i8x16.bitmask(i8x16.ne(m, i8x16.splat(0)));
      store<v128>(table + 176, m);
      while (places != 0) {
        const i = <usize>ctz(places);
        places &= places - 1;
        if (p + i >= end) break;
        count = verifyWindow(<u32>load<u8>(table + 176 + i), p + i, at, end, heads, stamps, epoch, out, count);
      }
    }
  }
  return count;
}

/** Copies `length` bytes; the places may overlap. */
export function move(to: usize, from: usize, length: usize): void {
  memory.copy(to, from, length);
}
