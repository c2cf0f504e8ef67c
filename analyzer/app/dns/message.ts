import { copy, hex, put, text, u16, u32 } from '../bytes.js';

/** Longest name written out (dotted); the wire allows 255 octets, escapes of attackers' making are cut here. */
export const MAX_NAME = 255;
/** Compression jumps followed in one name; a legal name of 127 labels needs fewer in practice. */
const MAX_JUMPS = 32;
/** Records looked at in one section. */
const MAX_RECORDS = 128;

const TYPES: Record<number, string> = {
  1: 'A',
  2: 'NS',
  3: 'MD',
  4: 'MF',
  5: 'CNAME',
  6: 'SOA',
  7: 'MB',
  8: 'MG',
  9: 'MR',
  10: 'NULL',
  11: 'WKS',
  12: 'PTR',
  13: 'HINFO',
  14: 'MINFO',
  15: 'MX',
  16: 'TXT',
  17: 'RP',
  18: 'AFSDB',
  24: 'SIG',
  25: 'KEY',
  28: 'AAAA',
  29: 'LOC',
  33: 'SRV',
  35: 'NAPTR',
  36: 'KX',
  37: 'CERT',
  39: 'DNAME',
  41: 'OPT',
  42: 'APL',
  43: 'DS',
  44: 'SSHFP',
  45: 'IPSECKEY',
  46: 'RRSIG',
  47: 'NSEC',
  48: 'DNSKEY',
  49: 'DHCID',
  50: 'NSEC3',
  51: 'NSEC3PARAM',
  52: 'TLSA',
  55: 'HIP',
  59: 'CDS',
  60: 'CDNSKEY',
  64: 'SVCB',
  65: 'HTTPS',
  99: 'SPF',
  249: 'TKEY',
  250: 'TSIG',
  251: 'IXFR',
  252: 'AXFR',
  253: 'MAILB',
  254: 'MAILA',
  255: 'ANY',
  256: 'URI',
  257: 'CAA',
};
const RCODES = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
];
export const typeName = (type: number): string => TYPES[type] ?? String(type);
export const rcodeName = (rcode: number): string => RCODES[rcode] ?? String(rcode);

let nextAt = 0;
/** Where the wire goes on after the last name read. */
export const afterName = (): number => nextAt;
let looped = false;
export const nameLooped = (): boolean => looped;

/**
 * Writes a name (RFC 1035 4.1.4) dotted, without the last dot, at `to` (room: `MAX_NAME`).
 * @param start Begin of the message, that compression counts from.
 * @returns its length, or -1 when it is broken.
 */
export function readName(u8: Uint8Array, at: number, start: number, end: number, to: number): number {
  let p = at;
  let w = to;
  let jumps = 0;
  nextAt = -1;
  looped = false;
  for (;;) {
    if (p >= end) return -1;
    const n = u8[p]!;
    if (n === 0) {
      if (nextAt < 0) nextAt = p + 1;
      return w - to;
    }
    if ((n & 0xc0) === 0xc0) {
      if (p + 1 >= end) return -1;
      if (nextAt < 0) nextAt = p + 2;
      if (++jumps > MAX_JUMPS) {
        looped = true;
        return -1;
      }
      p = start + (((n & 0x3f) << 8) | u8[p + 1]!);
      continue;
    }
    if (n > 63 || p + 1 + n > end) return -1;
    if (w + n + 1 - to > MAX_NAME) {
      if (nextAt < 0) {
        // too long to write out: skip to its end
        let q = p;
        while (q < end && u8[q] !== 0 && u8[q]! < 0xc0) q += u8[q]! + 1;
        nextAt = q < end && u8[q] === 0 ? q + 1 : q + 2;
      }
      return w - to;
    }
    if (w > to) u8[w++] = 0x2e;
    w = copy(u8, w, p + 1, n);
    p += 1 + n;
  }
}

/** One message as places and strings. */
export interface Message {
  id: number;
  flags: number;
  questions: { at: number; length: number; type: number; unicast: boolean }[];
  answers: Answer[];
  malformed: boolean;
  loop: boolean;
}
export interface Answer {
  at: number;
  length: number;
  type: number;
  ttl: number;
  /** Place of the record's data as text in the scratch, for rules. */
  textAt: number;
  textLength: number;
  /** The text is all there is to the record's data. */
  isText: boolean;
  fields: Record<string, unknown> | undefined;
}

export function address6(u8: Uint8Array, at: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(u16(u8, at + i));
  let best = -1,
    run = 0;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > run && n > 1) {
      best = i;
      run = n;
    }
  }
  const s = (list: number[]): string => list.map((g) => g.toString(16)).join(':');
  return best < 0 ? s(groups) : `${s(groups.slice(0, best))}::${s(groups.slice(best + run))}`;
}

/**
 * Reads a message; names and answers' text are written into [room, room + roomLength).
 * @returns undefined when not even the header is there.
 */
export function readMessage(
  u8: Uint8Array,
  at: number,
  length: number,
  room: number,
  roomLength: number,
): Message | undefined {
  if (length < 12) return undefined;
  const end = at + length;
  const m: Message = {
    id: u16(u8, at),
    flags: u16(u8, at + 2),
    questions: [],
    answers: [],
    malformed: false,
    loop: false,
  };
  const limit = room + roomLength - 2 * MAX_NAME;
  let w = room;
  let p = at + 12;
  const bad = (): Message => {
    m.malformed = true;
    m.loop = looped;
    return m;
  };
  for (let i = Math.min(u16(u8, at + 4), MAX_RECORDS); i > 0; i--) {
    if (w > limit) return m;
    const n = readName(u8, p, at, end, w);
    if (n < 0 || nextAt + 4 > end) return bad();
    m.questions.push({ at: w, length: n, type: u16(u8, nextAt), unicast: (u8[nextAt + 2]! & 0x80) !== 0 });
    w += n;
    p = nextAt + 4;
  }
  for (let i = Math.min(u16(u8, at + 6), MAX_RECORDS); i > 0; i--) {
    if (w > limit) return m;
    const n = readName(u8, p, at, end, w);
    if (n < 0 || nextAt + 10 > end) return bad();
    const q = nextAt;
    const a: Answer = {
      at: w,
      length: n,
      type: u16(u8, q),
      ttl: u32(u8, q + 4),
      textAt: 0,
      textLength: 0,
      isText: false,
      fields: undefined,
    };
    w += n;
    const size = u16(u8, q + 8);
    p = q + 10 + size;
    if (p > end) return bad();
    m.answers.push(a);
    w = readData(u8, a, q + 10, size, at, end, w, limit);
  }
  return m;
}

/** The record's data as text lies in [from, to). */
function holds(a: Answer, from: number, to: number): number {
  a.textAt = from;
  a.textLength = to - from;
  a.isText = true;
  return to;
}

/** An IPv4 address in decimal at `w`. @returns the end */
function dotted(u8: Uint8Array, w: number, at: number): number {
  for (let i = 0; i < 4; i++) {
    const n = u8[at + i]!;
    if (i > 0) u8[w++] = 0x2e;
    if (n >= 100) u8[w++] = 48 + Math.floor(n / 100);
    if (n >= 10) u8[w++] = 48 + (Math.floor(n / 10) % 10);
    u8[w++] = 48 + (n % 10);
  }
  return w;
}

function readData(
  u8: Uint8Array,
  a: Answer,
  at: number,
  size: number,
  start: number,
  end: number,
  w: number,
  limit: number,
): number {
  if (w > limit) return w;
  switch (a.type) {
    case 1:
      return size === 4 ? holds(a, w, dotted(u8, w, at)) : w;
    case 28:
      return size === 16 ? holds(a, w, put(u8, w, address6(u8, at))) : w;
    case 2:
    case 5:
    case 12:
    case 39: {
      const n = readName(u8, at, start, end, w);
      return n < 0 ? w : holds(a, w, w + n);
    }
    case 15: {
      const n = size > 2 ? readName(u8, at + 2, start, end, w) : -1;
      return n < 0 ? w : holds(a, w, w + n);
    }
    case 16:
    case 99: {
      let to = w;
      for (let p = at; p < at + size;) {
        const n = Math.min(u8[p]!, at + size - p - 1);
        if (to + n > limit + MAX_NAME) break;
        to = copy(u8, to, p + 1, n);
        p += 1 + u8[p]!;
      }
      return holds(a, w, to);
    }
    case 6: {
      const n = readName(u8, at, start, end, w);
      if (n < 0) return w;
      const mname = text(u8, w, n);
      const r = readName(u8, nextAt, start, end, w);
      if (r < 0 || nextAt + 20 > end) return w;
      const q = nextAt;
      a.fields = {
        mname,
        rname: text(u8, w, r),
        serial: u32(u8, q),
        refresh: u32(u8, q + 4),
        retry: u32(u8, q + 8),
        expire: u32(u8, q + 12),
        minimum: u32(u8, q + 16),
      };
      return w;
    }
    case 33: {
      const n = size > 6 ? readName(u8, at + 6, start, end, w) : -1;
      if (n < 0) return w;
      a.fields = { priority: u16(u8, at), weight: u16(u8, at + 2), port: u16(u8, at + 4), name: text(u8, w, n) };
      a.textAt = w;
      a.textLength = n;
      return w + n;
    }
    case 44:
      if (size > 2)
        a.fields = {
          algo: u8[at],
          type: u8[at + 1],
          fingerprint: hex(u8, at + 2, Math.min(size - 2, 64)).replace(/..(?!$)/g, '$&:'),
        };
      return w;
    case 10: {
      const n = Math.min(size, MAX_NAME);
      return holds(a, w, copy(u8, w, at, n));
    }
    default:
      return w;
  }
}
