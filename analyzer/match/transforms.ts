import { createHash } from 'node:crypto';
import { gunzipSync, inflateSync } from 'node:zlib';
import { PerlRegex } from './suricata/perl-regex.js';

/** Bytes that a transform looks at and may make: more is not text that somebody typed into a request. */
export const MAX_TRANSFORM = 256 * 1024;

type Transform = (bytes: Buffer) => Buffer;

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const hexValue = (c: number) => (c >= 48 && c <= 57 ? c - 48 : c >= 65 && c <= 70 ? c - 55 : c >= 97 && c <= 102 ? c - 87 : -1);

/** `%HH`, `+` and IIS's `%uHHHH` (as UTF-8); anything else stays as it is. */
export function urlDecode(bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  let n = 0;
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i];
    if (c === 0x2b) out[n++] = 0x20;
    else if (c === 0x25 && i + 2 < bytes.length && hexValue(bytes[i + 1]) >= 0 && hexValue(bytes[i + 2]) >= 0) {
      out[n++] = hexValue(bytes[i + 1]) * 16 + hexValue(bytes[i + 2]);
      i += 2;
    } else if (c === 0x25 && i + 5 < bytes.length && (bytes[i + 1] | 32) === 0x75) {
      const v = [2, 3, 4, 5].reduce((acc, k) => (acc < 0 || hexValue(bytes[i + k]) < 0 ? -1 : acc * 16 + hexValue(bytes[i + k])), 0);
      if (v < 0) out[n++] = c;
      else {
        n += utf8(out, n, v);
        i += 5;
      }
    } else out[n++] = c;
  }
  return out.subarray(0, n);
}

/** Writes a code point of up to 16 bits as UTF-8; never longer than the escapes it stands for. */
function utf8(out: Uint8Array, at: number, v: number): number {
  if (v < 0x80) {
    out[at] = v;
    return 1;
  }
  if (v < 0x800) {
    out[at] = 0xc0 | (v >> 6);
    out[at + 1] = 0x80 | (v & 63);
    return 2;
  }
  out[at] = 0xe0 | (v >> 12);
  out[at + 1] = 0x80 | ((v >> 6) & 63);
  out[at + 2] = 0x80 | (v & 63);
  return 3;
}

/** JSON and JavaScript escapes: `\\uHHHH`, `\\xHH`, `\\n`, `\\/` … */
function unicodeUnescape(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  const simple: Record<number, number> = { 0x6e: 10, 0x72: 13, 0x74: 9, 0x62: 8, 0x66: 12, 0x2f: 0x2f, 0x5c: 0x5c, 0x22: 0x22, 0x27: 0x27 };
  let n = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0x5c || i + 1 >= bytes.length) {
      out[n++] = bytes[i];
      continue;
    }
    const c = bytes[i + 1];
    const digits = c === 0x75 ? 4 : c === 0x78 ? 2 : 0;
    if (digits > 0 && i + 1 + digits < bytes.length) {
      let v = 0;
      for (let k = 0; k < digits && v >= 0; k++) v = hexValue(bytes[i + 2 + k]) < 0 ? -1 : v * 16 + hexValue(bytes[i + 2 + k]);
      if (v >= 0) {
        n += digits === 2 ? ((out[n] = v), 1) : utf8(out, n, v);
        i += 1 + digits;
        continue;
      }
    }
    if (c in simple) {
      out[n++] = simple[c];
      i++;
    } else out[n++] = bytes[i];
  }
  return out.subarray(0, n);
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ', colon: ':', tab: '\t', newline: '\n', lpar: '(', rpar: ')', sol: '/' };
function htmlDecode(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,8}));?/g, (whole, dec?: string, hexa?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
    const v = dec !== undefined ? Number(dec) : Number.parseInt(hexa ?? '', 16);
    return v < 0x110000 && v > 0 ? Buffer.from(String.fromCodePoint(v)).toString('latin1') : whole;
  });
  return latin1(text);
}

/** The longest runs of the base64 alphabet decoded one after the other where they lie; the rest stays as it is. */
function base64Decode(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/\s+/g, '');
  const decoded = text.replace(/[A-Za-z0-9+/_-]{4,}={0,2}/g, (run) => Buffer.from(run, 'base64').toString('latin1'));
  return latin1(decoded);
}

function gunzip(bytes: Buffer): Buffer {
  const options = { maxOutputLength: MAX_TRANSFORM, finishFlush: 2 };
  try {
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, options) : inflateSync(bytes, options);
  } catch {
    return Buffer.alloc(0); // damaged, or larger than the bound: nothing that a rule may match
  }
}

const digest = (name: string): Transform => (bytes) => createHash(name).update(bytes).digest();
const filter = (drop: (c: number) => boolean): Transform => (bytes) => bytes.filter((c) => !drop(c)) as Buffer;
const isSpace = (c: number) => c === 32 || (c >= 9 && c <= 13);

const TRANSFORMS: Record<string, Transform> = {
  'url-decode': urlDecode,
  'double-url-decode': (b) => urlDecode(urlDecode(b)),
  'base64-decode': base64Decode,
  'hex-decode': (b) => Buffer.from(b.toString('latin1').replace(/[^0-9a-fA-F]/g, ''), 'hex'),
  'html-entity-decode': htmlDecode,
  'unicode-unescape': unicodeUnescape,
  'to-lowercase': (b) => b.map((c) => (c >= 65 && c <= 90 ? c | 32 : c)) as Buffer,
  'to-uppercase': (b) => b.map((c) => (c >= 97 && c <= 122 ? c & ~32 : c)) as Buffer,
  'strip-whitespace': filter(isSpace),
  'compress-whitespace': (b) => b.filter((c, i) => !isSpace(c) || i === 0 || !isSpace(b[i - 1])) as Buffer,
  'strip-nul': filter((c) => c === 0),
  reverse: (b) => Buffer.from(b).reverse(),
  gunzip,
  md5: digest('md5'),
  sha1: digest('sha1'),
  sha256: digest('sha256'),
  dotprefix: (b) => {
    const out = Buffer.allocUnsafe(b.length + 1);
    out[0] = 0x2e;
    out.set(b, 1);
    return out;
  },
  'header-lowercase': (b) => latin1(b.toString('latin1').replace(/^[^:\r\n]{1,256}:/gm, (name) => name.toLowerCase())),
  'strip-pseudo-headers': (b) => latin1(b.toString('latin1').replace(/^:[^\r\n]*\r?\n?/gm, '')),
};

const expressions = new Map<string, PerlRegex>();

/** What the first group of an expression matched; the bytes as they are where it does not match. */
function group(source: string, bytes: Buffer): Buffer {
  let regex = expressions.get(source);
  if (!regex) expressions.set(source, (regex = new PerlRegex(source)));
  if (!regex.exec(bytes, 0, bytes.length, 0) || !(regex.caps[2] >= 0)) return bytes;
  return bytes.subarray(regex.caps[2], regex.caps[3]);
}

/** From an offset on, with a key given or taken from the bytes themselves; as it is where that lies outside. */
function xorFrom(options: string, bytes: Buffer): Buffer {
  const [from, given, length, at] = options.split(',');
  const offset = Number(from);
  const place = Number(at);
  const key = given !== '' ? Buffer.from(given, 'hex') : bytes.subarray(place, place + Number(length));
  if (offset >= bytes.length || key.length === 0 || (given === '' && key.length < Number(length))) return bytes;
  return bytes.map((c, i) => (i < offset ? c : c ^ key[(i - offset) % key.length])) as Buffer;
}

/** `bytes 12, offset 3, mode strict`: a part decoded (RFC 4648 unless it says otherwise); as it is where it is no base64. */
function fromBase64(options: string, bytes: Buffer): Buffer {
  const number = (name: string) => Number(new RegExp(`${name}\\s+(\\d+)`).exec(options)?.[1] ?? 0);
  const mode = /mode\s+(\w+)/.exec(options)?.[1] ?? 'rfc4648';
  const offset = number('offset');
  const count = number('bytes');
  if (offset >= bytes.length) return bytes;
  let text = bytes.subarray(offset, count > 0 ? offset + count : undefined).toString('latin1');
  if (mode === 'rfc2045') text = text.replace(/[^A-Za-z0-9+/=]/g, '');
  const clean = /^[A-Za-z0-9+/]*={0,2}/.exec(text)?.[0] ?? '';
  if (mode === 'strict' && (clean.length !== text.length || clean.length % 4 !== 0)) return bytes;
  const decoded = Buffer.from(clean, 'base64');
  return decoded.length === 0 ? bytes : decoded;
}

/** `offset, size[, truncate]`; negative numbers count from the end. */
function subslice(options: string, bytes: Buffer): Buffer {
  const [a, b] = options.split(',').map((part) => part.trim());
  const offset = Number(a);
  const start = offset < 0 ? Math.max(0, bytes.length + offset) : Math.min(offset, bytes.length);
  const size = b === undefined || !/^-?\d+$/.test(b) ? bytes.length - start : Number(b);
  const end = size < 0 ? bytes.length + size : start + size;
  return bytes.subarray(start, Math.max(start, Math.min(end, bytes.length)));
}

/** One step of a chain by its name and options. */
function stepOf(name: string): Transform {
  if (name.startsWith('xor:')) {
    const key = Buffer.from(name.slice(4), 'hex');
    return (b) => b.map((c, i) => c ^ key[i % key.length]) as Buffer;
  }
  if (name.startsWith('xor-from:')) return (b) => xorFrom(name.slice(9), b);
  if (name.startsWith('pcrexform:')) return (b) => group(name.slice(10), b);
  if (name.startsWith('from_base64:')) return (b) => fromBase64(name.slice(12), b);
  if (name.startsWith('subslice:')) return (b) => subslice(name.slice(9), b);
  return TRANSFORMS[name] ?? ((b) => b);
}

const steps = new WeakMap<readonly string[], readonly Transform[]>();

/** Runs a chain of transforms; never throws, never makes more than `MAX_TRANSFORM` bytes. */
export function transform(chain: readonly string[], bytes: Uint8Array): Buffer {
  let run = steps.get(chain);
  if (run === undefined) steps.set(chain, (run = chain.map(stepOf)));
  const given = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_TRANSFORM));
  let out = given;
  for (const step of run) out = step(out) as typeof out;
  return out.buffer === given.buffer ? Buffer.from(out) : out;
}
