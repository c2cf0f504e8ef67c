import { createHash } from 'node:crypto';
import { latin, u16 } from '../bytes.js';

/** A hello's lists are bounded by its own length; more entries than this are cut (a real client sends under 100). */
const MAX_LIST = 512;

export interface Hello {
  version: number;
  randomAt: number;
  sniAt: number;
  sniLength: number;
  alpn: string[];
  alpnAt: number;
  alpnLength: number;
  /** From supported_versions; 0 when absent. */
  supported: number;
  sessionLength: number;
  ciphers: number[];
  extensions: number[];
  groups: number[];
  formats: number[];
  signatures: number[];
}

/** GREASE values (RFC 8701) are noise in a fingerprint. */
const grease = (v: number): boolean => (v & 0x0f0f) === 0x0a0a && v >> 8 === (v & 255);

/**
 * Reads a ClientHello or ServerHello body (RFC 8446 4.1, RFC 5246 7.4.1).
 * @returns undefined when its fixed part does not fit; a broken extension ends the list.
 */
export function readHello(u8: Uint8Array, at: number, length: number, client: boolean): Hello | undefined {
  const end = at + length;
  if (length < 38) return undefined;
  const h: Hello = {
    version: u16(u8, at),
    randomAt: at + 2,
    sniAt: 0,
    sniLength: -1,
    alpn: [],
    alpnAt: 0,
    alpnLength: -1,
    supported: 0,
    sessionLength: u8[at + 34]!,
    ciphers: [],
    extensions: [],
    groups: [],
    formats: [],
    signatures: [],
  };
  let p = at + 35 + h.sessionLength;
  if (p + 2 > end) return undefined;
  if (client) {
    const n = u16(u8, p);
    p += 2;
    if (p + n > end) return undefined;
    for (let i = 0; i + 1 < n && h.ciphers.length < MAX_LIST; i += 2) h.ciphers.push(u16(u8, p + i));
    p += n;
    if (p >= end) return h;
    p += 1 + u8[p]!;
  } else {
    h.ciphers.push(u16(u8, p));
    p += 3;
  }
  if (p + 2 > end) return h;
  const stop = Math.min(end, p + 2 + u16(u8, p));
  p += 2;
  while (p + 4 <= stop && h.extensions.length < MAX_LIST) {
    const type = u16(u8, p),
      n = u16(u8, p + 2);
    p += 4;
    h.extensions.push(type);
    if (p + n > stop) break;
    extension(u8, h, type, p, n, client);
    p += n;
  }
  return h;
}

function extension(u8: Uint8Array, h: Hello, type: number, at: number, n: number, client: boolean): void {
  const end = at + n;
  const list = (to: number[], from: number): void => {
    for (let i = from; i + 1 < end && to.length < MAX_LIST; i += 2) to.push(u16(u8, i));
  };
  if (type === 0 && n >= 5 && u8[at + 2] === 0) {
    h.sniAt = at + 5;
    h.sniLength = Math.min(u16(u8, at + 3), end - at - 5);
  } else if (type === 16 && n >= 3) {
    for (let p = at + 2; p < end && h.alpn.length < 16; p += 1 + u8[p]!) {
      if (p + 1 + u8[p]! > end) break;
      if (h.alpn.length === 0) {
        h.alpnAt = p + 1;
        h.alpnLength = u8[p]!;
      }
      h.alpn.push(latin(u8, p + 1, u8[p]!));
    }
  } else if (type === 10) list(h.groups, at + 2);
  else if (type === 11) for (let p = at + 1; p < end && h.formats.length < 64; p++) h.formats.push(u8[p]!);
  else if (type === 13) list(h.signatures, at + 2);
  else if (type === 43) {
    if (!client && n === 2) h.supported = u16(u8, at);
    else
      for (let p = at + 1; p + 1 < end; p += 2)
        if (!grease(u16(u8, p))) h.supported = Math.max(h.supported, u16(u8, p));
  }
}

const md5 = (s: string): string => createHash('md5').update(s).digest('hex');
const sha12 = (s: string): string =>
  s === '' ? '000000000000' : createHash('sha256').update(s).digest('hex').slice(0, 12);
const dashes = (list: number[]): string => list.filter((v) => !grease(v)).join('-');
const hex4 = (v: number): string => v.toString(16).padStart(4, '0');

export interface Fingerprint {
  hash: string;
  string: string;
}

export function ja3(h: Hello): Fingerprint {
  const string = `${h.version},${dashes(h.ciphers)},${dashes(h.extensions)},${dashes(h.groups)},${h.formats.join('-')}`;
  return { string, hash: md5(string) };
}

export function ja3s(h: Hello): Fingerprint {
  const string = `${h.version},${h.ciphers[0] ?? 0},${h.extensions.join('-')}`;
  return { string, hash: md5(string) };
}

const VERSIONS: Record<number, string> = {
  0x304: '13',
  0x303: '12',
  0x302: '11',
  0x301: '10',
  0x300: 's3',
  0x200: 's2',
};

/** JA4 of a ClientHello. @param transport 't' TCP, 'q' QUIC. */
export function ja4(h: Hello, transport: 't' | 'q'): string {
  const ciphers = h.ciphers.filter((v) => !grease(v));
  const extensions = h.extensions.filter((v) => !grease(v));
  const first = h.alpn[0] ?? '';
  let alpn = '00';
  if (first.length > 0) {
    const a = first.charCodeAt(0),
      b = first.charCodeAt(first.length - 1);
    const alnum = (v: number): boolean => (v >= 48 && v <= 57) || ((v | 32) >= 97 && (v | 32) <= 122);
    alpn =
      alnum(a) && alnum(b)
        ? String.fromCharCode(a) + String.fromCharCode(b)
        : (a >> 4).toString(16) + (b & 15).toString(16);
  }
  const two = (n: number): string => String(Math.min(n, 99)).padStart(2, '0');
  const head =
    transport +
    (VERSIONS[h.supported || h.version] ?? '00') +
    (h.extensions.includes(0) ? 'd' : 'i') +
    two(ciphers.length) +
    two(extensions.length) +
    alpn;
  const sorted = extensions
    .filter((v) => v !== 0 && v !== 16)
    .map(hex4)
    .sort()
    .join(',');
  const signatures = h.signatures
    .filter((v) => !grease(v))
    .map(hex4)
    .join(',');
  const tail = sorted === '' && signatures === '' ? '' : signatures === '' ? sorted : `${sorted}_${signatures}`;
  return `${head}_${sha12(ciphers.map(hex4).sort().join(','))}_${sha12(tail)}`;
}

export function versionName(v: number): string {
  return (
    { 0x304: 'TLS 1.3', 0x303: 'TLS 1.2', 0x302: 'TLS 1.1', 0x301: 'TLSv1', 0x300: 'SSLv3', 0x200: 'SSLv2' }[v] ??
    (v === 0x0101 ? 'NTLS 1.1' : `0x${hex4(v)}`)
  );
}
