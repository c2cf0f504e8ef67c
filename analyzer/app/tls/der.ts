import { hex, latin, text, u16 } from '../bytes.js';

/** Depth and elements are bounded by position: every reader below moves forward inside its parent only. */
const MAX_RDNS = 32;
const MAX_SANS = 64;

let at0 = 0;
let next = 0;
/** The bytes of a length themselves were cut off. */
let cut = false;
/** Of the certificate read last. */
export const lengthCut = (): boolean => cut;
/** Reads one DER header. Sets value start and end for the caller. @returns tag, or -1 when it does not fit. */
function open(u8: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return -1;
  const tag = u8[at]!;
  let n = u8[at + 1]!;
  let p = at + 2;
  if (n & 0x80) {
    const k = n & 0x7f;
    cut ||= p + k > end;
    if (k === 0 || k > 3 || p + k > end) return -1;
    n = 0;
    for (let i = 0; i < k; i++) n = (n << 8) | u8[p++]!;
  }
  if (p + n > end) return -1;
  at0 = p;
  next = p + n;
  return tag;
}

const NAMES: Record<string, string> = {
  '550403': 'CN',
  '550404': 'SN',
  '550405': 'serialNumber',
  '550406': 'C',
  '550407': 'L',
  '550408': 'ST',
  '550409': 'streetAddress',
  '55040d': 'description',
  '550411': 'postalCode',
  '55042e': 'dnQualifier',
  '55040a': 'O',
  '55040b': 'OU',
  '55040c': 'title',
  '55042a': 'GN',
  '2a864886f70d010901': 'emailAddress',
  '0992268993f22c640119': 'DC',
  '0992268993f22c640101': 'UID',
  '55040f': 'businessCategory',
};

export interface Certificate {
  subject: string;
  issuer: string;
  serial: string;
  notBefore: string;
  notAfter: string;
  names: string[];
}

function string(u8: Uint8Array, tag: number, at: number, length: number): string {
  if (tag !== 0x1e) return text(u8, at, length);
  let s = '';
  for (let i = 0; i + 1 < length; i += 2) s += String.fromCharCode(u16(u8, at + i));
  return s;
}

/** A Name (RFC 5280 4.1.2.4) as Suricata prints it: `C=US, O=Org, CN=host`. */
function name(u8: Uint8Array, at: number, end: number): string {
  const out: string[] = [];
  for (let p = at, i = 0; p < end && i < MAX_RDNS; i++) {
    if (open(u8, p, end) !== 0x31) break;
    const setEnd = next;
    let q = at0;
    while (q < setEnd) {
      if (open(u8, q, setEnd) !== 0x30) break;
      const seqEnd = next;
      if (open(u8, at0, seqEnd) !== 6) break;
      const oid = hex(u8, at0, Math.min(next - at0, 16));
      const tag = open(u8, next, seqEnd);
      if (tag < 0) break;
      out.push(`${NAMES[oid] ?? oid}=${string(u8, tag, at0, Math.min(next - at0, 256))}`);
      q = seqEnd;
    }
    p = setEnd;
  }
  return out.join(', ');
}

/** UTCTime or GeneralizedTime as `2019-10-01T08:00:00`. */
function time(u8: Uint8Array, tag: number, at: number, length: number): string {
  let s = latin(u8, at, Math.min(length, 20));
  if (tag === 0x17) s = (Number(s.slice(0, 2)) < 50 ? '20' : '19') + s;
  const m = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?/.exec(s);
  return m ? `${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6] ?? '00'}` : s;
}

/** Reads the fields of an X.509 certificate (RFC 5280 4.1) that identify it. @returns undefined when it is not one. */
export function readCertificate(u8: Uint8Array, at: number, length: number): Certificate | undefined {
  cut = false;
  if (open(u8, at, at + length) !== 0x30) return undefined;
  if (open(u8, at0, next) !== 0x30) return undefined;
  const end = next;
  let tag = open(u8, at0, end);
  if (tag === 0xa0) tag = open(u8, next, end);
  if (tag !== 2) return undefined;
  const c: Certificate = { subject: '', issuer: '', serial: '', notBefore: '', notAfter: '', names: [] };
  c.serial = hex(u8, at0, Math.min(next - at0, 40))
    .toUpperCase()
    .replace(/..(?!$)/g, '$&:');
  if (open(u8, next, end) !== 0x30) return undefined; // signature algorithm
  if (open(u8, next, end) !== 0x30) return undefined;
  let p = next;
  c.issuer = name(u8, at0, next);
  if (open(u8, p, end) !== 0x30) return c;
  p = next;
  tag = open(u8, at0, p);
  if (tag > 0) {
    c.notBefore = time(u8, tag, at0, next - at0);
    tag = open(u8, next, p);
    if (tag > 0) c.notAfter = time(u8, tag, at0, next - at0);
  }
  if (open(u8, p, end) !== 0x30) return c;
  p = next;
  c.subject = name(u8, at0, next);
  // public key, then optional unique ids, then extensions [3]
  while (p < end) {
    tag = open(u8, p, end);
    if (tag < 0) return c;
    p = next;
    if (tag !== 0xa3 || open(u8, at0, next) !== 0x30) continue;
    let q = at0;
    const extEnd = next;
    while (q < extEnd) {
      if (open(u8, q, extEnd) !== 0x30) return c;
      q = next;
      const one = next;
      if (open(u8, at0, one) !== 6) continue;
      const san = next - at0 === 3 && u8[at0] === 0x55 && u8[at0 + 1] === 0x1d && u8[at0 + 2] === 0x11;
      tag = open(u8, next, one);
      if (tag === 1) tag = open(u8, next, one);
      if (san && tag === 4) names(u8, at0, next, c.names);
    }
  }
  return c;
}

function names(u8: Uint8Array, at: number, end: number, out: string[]): void {
  if (open(u8, at, end) !== 0x30) return;
  let p = at0;
  const stop = next;
  while (p < stop && out.length < MAX_SANS) {
    const tag = open(u8, p, stop);
    if (tag < 0) return;
    p = next;
    if (tag === 0x82 || tag === 0x81 || tag === 0x86) out.push(text(u8, at0, Math.min(next - at0, 256)));
    else if (tag === 0x87 && next - at0 === 4) out.push(`${u8[at0]}.${u8[at0 + 1]}.${u8[at0 + 2]}.${u8[at0 + 3]}`);
  }
}
