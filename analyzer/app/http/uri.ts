/** URI and form decoding over bytes. Output never outgrows input, so that it can be written where room for it is known. */
const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 10; i++) HEX[48 + i] = i;
for (let i = 0; i < 6; i++) HEX[65 + i] = HEX[97 + i] = 10 + i;

/** Rounds of decoding before `decodeStable` stops: real double encoding is two, evasion tools use three. */
export const MAX_ROUNDS = 4;

/** What decoding met, as a bit set. */
export const enum Seen { EncodedSeparator = 1, Invalid = 2, U = 4, Overlong = 8, Nul = 16, Dots = 32, Encoded = 64 }
let seen = 0;
/** Bits of the last call of this module. */
export const lastSeen = (): number => seen;

/** One byte for a 16-bit character as common servers map it: Latin-1, full-width ASCII, ideographic stop; else '?'. */
function bestFit(code: number): number {
  if (code < 0x100) return code;
  if (code >= 0xff01 && code <= 0xff5e) return code - 0xfee0;
  if (code === 0x2215 || code === 0x2044) return 0x2f;
  if (code === 0x2216) return 0x5c;
  if (code === 0x2018 || code === 0x2019 || code === 0x02bc) return 0x27;
  return 0x3f;
}

/** Writes a code point as UTF-8 (at most as long as any escape it came from). @returns the offset after it. */
export function putCode(u8: Uint8Array, to: number, code: number): number {
  if (code < 0x80) u8[to++] = code;
  else if (code < 0x800) {
    u8[to++] = 0xc0 | (code >> 6);
    u8[to++] = 0x80 | (code & 63);
  } else {
    u8[to++] = 0xe0 | ((code >> 12) & 15);
    u8[to++] = 0x80 | ((code >> 6) & 63);
    u8[to++] = 0x80 | (code & 63);
  }
  return to;
}

const hex4 = (u8: Uint8Array, at: number): number => {
  const a = HEX[u8[at]!]!,
    b = HEX[u8[at + 1]!]!,
    c = HEX[u8[at + 2]!]!,
    d = HEX[u8[at + 3]!]!;
  return (a | b | c | d) < 0 ? -1 : (a << 12) | (b << 8) | (c << 4) | d;
};

/**
 * Normalises a path once, as Suricata's `http.uri` has it: %XX and %uXXXX decoded, backslash to slash, slashes compressed, dot
 * segments removed (RFC 3986 5.2.4), overlong and full-width UTF-8 folded to the ASCII they stand for. Unlike libhtp,
 * other UTF-8 stays as it is, so that a Chinese path can be read and matched.
 * @returns length written at `to` (room: `length`).
 */
export function normalisePath(u8: Uint8Array, at: number, length: number, to: number): number {
  seen = 0;
  const end = at + length;
  let w = to;
  let slash = false;
  for (let r = at; r < end;) {
    let c = u8[r]!;
    if (c === 0x25) {
      const u = r + 1 < end ? u8[r + 1]! | 32 : 0;
      if (u === 0x75) {
        const code = r + 5 < end ? hex4(u8, r + 2) : -1;
        if (code >= 0) {
          c = bestFit(code);
          r += 6;
          seen |= Seen.U | Seen.Encoded;
        } else {
          seen |= Seen.Invalid;
          r++;
        }
      } else {
        const h = r + 2 < end ? HEX[u8[r + 1]!]! : -1,
          l = r + 2 < end ? HEX[u8[r + 2]!]! : -1;
        if ((h | l) >= 0) {
          c = (h << 4) | l;
          r += 3;
          seen |= Seen.Encoded;
          if (c === 0) seen |= Seen.Nul;
          if (c === 0x2f || c === 0x5c) seen |= Seen.EncodedSeparator;
        } else {
          seen |= Seen.Invalid;
          r++;
        }
      }
    } else r++;
    if (c === 0x5c) c = 0x2f;
    if (c === 0x2f) {
      if (slash) continue;
      slash = true;
    } else slash = false;
    u8[w++] = c;
  }
  w = to + foldOverlong(u8, to, w - to, to);
  return removeDots(u8, to, w - to);
}

/** Folds overlong UTF-8 and full-width ASCII; anything else stays. In place allowed. @returns new length. */
export function foldOverlong(u8: Uint8Array, at: number, length: number, to: number): number {
  const end = at + length;
  let w = to;
  for (let r = at; r < end;) {
    const c = u8[r]!;
    if (c >= 0xc0 && r + 1 < end && (u8[r + 1]! & 0xc0) === 0x80) {
      if (c < 0xc2) {
        u8[w++] = ((c & 1) << 6) | (u8[r + 1]! & 63);
        r += 2;
        seen |= Seen.Overlong;
        continue;
      }
      if (c >= 0xe0 && c < 0xf0 && r + 2 < end && (u8[r + 2]! & 0xc0) === 0x80) {
        const code = ((c & 15) << 12) | ((u8[r + 1]! & 63) << 6) | (u8[r + 2]! & 63);
        if (code < 0x80 || (code >= 0xff01 && code <= 0xff5e)) {
          u8[w++] = code < 0x80 ? code : code - 0xfee0;
          r += 3;
          seen |= Seen.Overlong;
          continue;
        }
      }
      if (c === 0xf0 && r + 3 < end && u8[r + 1] === 0x80) {
        const code = ((u8[r + 2]! & 63) << 6) | (u8[r + 3]! & 63);
        if (code < 0x80) {
          u8[w++] = code;
          r += 4;
          seen |= Seen.Overlong;
          continue;
        }
      }
    }
    u8[w++] = c;
    r++;
  }
  return w - to;
}

/** Removes `.` and `..` segments in place. @returns new length. */
function removeDots(u8: Uint8Array, at: number, length: number): number {
  const end = at + length;
  let w = at;
  for (let r = at; r < end;) {
    // r stands at the start of a segment: an optional slash and its name
    let e = r + (u8[r] === 0x2f ? 1 : 0);
    const name = e;
    while (e < end && u8[e] !== 0x2f) e++;
    const n = e - name;
    if (n === 1 && u8[name] === 0x2e) {
      if (e === end && name > r) u8[w++] = 0x2f;
      seen |= Seen.Dots;
    } else if (n === 2 && u8[name] === 0x2e && u8[name + 1] === 0x2e) {
      while (w > at && u8[--w] !== 0x2f);
      if (e === end && name > r) u8[w++] = 0x2f;
      seen |= Seen.Dots;
    } else {
      while (r < e) u8[w++] = u8[r++]!;
    }
    r = e;
  }
  return w - at;
}

/**
 * Percent-decodes once; `plus` turns + into a space; `unicode` also takes %uXXXX (written as UTF-8). In place allowed.
 * @returns length written at `to`.
 */
export function percentDecode(
  u8: Uint8Array,
  at: number,
  length: number,
  to: number,
  plus: boolean,
  unicode: boolean,
): number {
  const end = at + length;
  let w = to;
  for (let r = at; r < end;) {
    const c = u8[r]!;
    if (c === 0x25) {
      if (r + 2 < end) {
        const h = HEX[u8[r + 1]!]!,
          l = HEX[u8[r + 2]!]!;
        if ((h | l) >= 0) {
          u8[w++] = (h << 4) | l;
          r += 3;
          seen |= Seen.Encoded;
          continue;
        }
      }
      if (unicode && r + 5 < end && (u8[r + 1]! | 32) === 0x75) {
        const code = hex4(u8, r + 2);
        if (code >= 0) {
          w = putCode(u8, w, code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : code);
          r += 6;
          seen |= Seen.Encoded | Seen.U;
          continue;
        }
      }
      seen |= Seen.Invalid;
    }
    u8[w++] = plus && c === 0x2b ? 0x20 : c;
    r++;
  }
  return w - to;
}

/**
 * Percent-decodes until nothing changes, at most `MAX_ROUNDS` times, then folds overlong UTF-8.
 * @returns length written at `to` (room: `length`). `rounds()` tells how many rounds changed something.
 */
export function decodeStable(u8: Uint8Array, at: number, length: number, to: number, plus: boolean): number {
  let n = length;
  let from = at;
  rounds = 0;
  let all = 0;
  for (let i = 0; i < MAX_ROUNDS; i++) {
    seen = 0;
    n = percentDecode(u8, from, n, to, plus && i === 0, true);
    from = to;
    all |= seen;
    if ((seen & Seen.Encoded) === 0) break;
    rounds++;
  }
  seen = all;
  return foldOverlong(u8, to, n, to);
}
let rounds = 0;
export const lastRounds = (): number => rounds;

/**
 * Decodes what hides text inside JSON, JavaScript and XML values: \uXXXX, \xXX, \/, &#nn; and &#xhh;. In place allowed.
 * @returns length written at `to` (room: `length`).
 */
export function unescape(u8: Uint8Array, at: number, length: number, to: number): number {
  const end = at + length;
  let w = to;
  for (let r = at; r < end;) {
    const c = u8[r]!;
    if (c === 0x5c && r + 1 < end) {
      const k = u8[r + 1]!;
      if (k === 0x75 && r + 5 < end) {
        const code = hex4(u8, r + 2);
        if (code >= 0) {
          w = putCode(u8, w, code);
          r += 6;
          continue;
        }
      } else if (k === 0x78 && r + 3 < end) {
        const h = HEX[u8[r + 2]!]!,
          l = HEX[u8[r + 3]!]!;
        if ((h | l) >= 0) {
          u8[w++] = (h << 4) | l;
          r += 4;
          continue;
        }
      } else if (k === 0x2f) {
        u8[w++] = k;
        r += 2;
        continue;
      }
    } else if (c === 0x26 && u8[r + 1] === 0x23 && r + 3 < end) {
      let p = r + 2;
      const base = (u8[p]! | 32) === 0x78 ? 16 : 10;
      if (base === 16) p++;
      let code = 0,
        digits = 0;
      for (; p < end && digits < 7; p++, digits++) {
        const d = HEX[u8[p]!]!;
        if (d < 0 || d >= base) break;
        code = code * base + d;
      }
      if (digits > 0 && p < end && u8[p] === 0x3b && code < 0x10000) {
        w = putCode(u8, w, code);
        r = p + 1;
        continue;
      }
    }
    u8[w++] = c;
    r++;
  }
  return w - to;
}
