import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { latin, text, u16, u24, u32 } from '../bytes.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry, type Transaction } from '../parser.js';
import { ja3, ja3s, ja4, readHello, type Fingerprint } from '../tls/hello.js';
import { addString } from '../tls/tls.js';
import { readChlo } from './gquic.js';
import { decrypt, initialKeys, isIetf, V1, V2, type InitialKeys } from './initial.js';

/** Anomalies of QUIC, named as Suricata names its quic events. */
export type QuicAnomaly = 'failed_decrypt' | 'error_on_data' | 'crypto_frag_too_long';

/** Hello bytes put together; with post-quantum keys a ClientHello has about 1.8 KiB, with a full chain of tickets 4. */
const MAX_CRYPTO = 16384;
/** Pieces of one hello; Chrome cuts it into about a dozen on purpose. */
const MAX_PIECES = 64;
/** Initial packets looked at in one direction. */
const MAX_INITIALS = 32;
/** RFC 9000 17.2: connection ids have at most 20 bytes. */
const MAX_CID = 20;

class QuicTransaction implements Transaction {
  readonly protocol = 'quic';
  matcher: unknown;
  sni: string | undefined;
  ua: string | undefined;
  ja3: Fingerprint | undefined;
  ja3s: Fingerprint | undefined;
  ja4: string | undefined;
  alpn: string[] = [];
  cyu: { hash: string; string: string } | undefined;
  constructor(
    readonly id: number,
    readonly version: string,
  ) {}
  detail(): Record<string, unknown> {
    return {
      version: this.version,
      ...(this.sni !== undefined && { sni: this.sni }),
      ...(this.ua !== undefined && { ua: this.ua }),
      ...(this.cyu && { cyu: [this.cyu] }),
      ...(this.ja3 && { ja3: this.ja3 }),
      ...(this.ja3s && { ja3s: this.ja3s }),
      ...(this.ja4 !== undefined && { ja4: this.ja4 }),
      ...(this.alpn.length > 0 && { alpn: this.alpn }),
    };
  }
}

/** One direction's hello in pieces. */
class Hello {
  pieces: { offset: number; data: Buffer }[] = [];
  initials = 0;
  done = false;
}

let length = 0;
/** A variable-length integer (RFC 9000 16); its size goes to `length`, 0 when it is cut. */
function varint(u8: Uint8Array, at: number, end: number): number {
  length = at < end ? 1 << (u8[at]! >> 6) : 0;
  if (length === 0 || at + length > end) return (length = 0);
  if (length === 1) return u8[at]!;
  if (length === 2) return u16(u8, at) & 0x3fff;
  if (length === 4) return u32(u8, at) % 0x40000000;
  return (u32(u8, at) & 0x3fffffff) * 0x100000000 + u32(u8, at + 4);
}

/** QUIC (RFC 9000, 9001, 9369 and drafts from 22; Google's up to Q046): what its first packets say in the open. */
export class QuicParser implements AppParser {
  readonly protocol = 'quic';
  private keys: [InitialKeys, InitialKeys] | undefined;
  private dcid: Buffer | undefined;
  private readonly hellos: [Hello, Hello] = [new Hello(), new Hello()];
  private nextId = 0;
  private failures = 0;

  data(c: AppContext, flow: Flow, d: Direction, at: number, n: number): number {
    const { u8 } = c.arena;
    const end = at + n;
    let p = at;
    // one datagram may carry several packets
    for (let i = 0; i < 4 && p < end && (u8[p]! & 0x80) !== 0; i++) {
      if (end - p < 7) break;
      const version = u32(u8, p + 1);
      if (!isIetf(version)) {
        this.google(c, flow, d, p, end - p);
        break;
      }
      const next = this.long(c, flow, d, p, end, version);
      if (next <= p) break;
      p = next;
    }
    if (p === at && (u8[at]! & 0x80) === 0) this.google(c, flow, d, at, n);
    return n;
  }

  /** A long-header packet. @returns one past it, 0 when it is broken. */
  private long(c: AppContext, flow: Flow, d: Direction, at: number, end: number, version: number): number {
    const { u8 } = c.arena;
    const kind = (u8[at]! >> 4) & 3;
    let p = at + 5;
    const dcidLength = u8[p]!;
    if (dcidLength > MAX_CID || p + 1 + dcidLength >= end) return 0;
    const dcid = p + 1;
    p += 1 + dcidLength;
    const scidLength = u8[p]!;
    if (scidLength > MAX_CID || p + 1 + scidLength > end) return 0;
    p += 1 + scidLength;
    const initial = version === V2 ? 1 : 0;
    const retry = version === V2 ? 0 : 3;
    if (kind === retry) {
      this.keys = undefined; // the client begins again with the id it was given
      return end;
    }
    if (kind === initial) {
      const token = varint(u8, p, end);
      if (length === 0 || token > end - p - length) return 0;
      p += length + token;
    }
    const size = varint(u8, p, end);
    if (length === 0 || size > end - p - length) return 0;
    p += length;
    const over = p + size;
    const hello = this.hellos[d];
    if (kind !== initial || hello.done || hello.initials >= MAX_INITIALS) return over;
    hello.initials++;
    const id = u8.subarray(dcid, dcid + dcidLength);
    let frames: Buffer | undefined;
    if (this.keys) frames = decrypt(u8, at, p, over, this.keys[d]);
    if (!frames && d === 0 && !(this.keys && this.dcid?.equals(id))) {
      const keys = initialKeys(version, id);
      frames = decrypt(u8, at, p, over, keys[0]);
      if (frames) {
        this.keys = keys;
        this.dcid = Buffer.from(id);
        hello.pieces = [];
      }
    }
    if (!frames) {
      if (this.failures++ === 0 && (d === 0 || this.keys)) c.anomaly(flow, 'quic', 'failed_decrypt');
      return over;
    }
    this.frames(c, flow, d, hello, frames, version);
    return over;
  }

  /** Collects CRYPTO frames (RFC 9000 19.6) in whatever order they come. */
  private frames(c: AppContext, flow: Flow, d: Direction, hello: Hello, b: Buffer, version: number): void {
    const end = b.length;
    for (let p = 0; p < end;) {
      const type = b[p++]!;
      if (type === 0 || type === 1) continue; // padding, ping
      if (type === 6) {
        const offset = varint(b, p, end);
        if (length === 0) break;
        p += length;
        const n = varint(b, p, end);
        if (length === 0 || p + length + n > end) break;
        p += length;
        if (offset + n > MAX_CRYPTO || hello.pieces.length >= MAX_PIECES) c.anomaly(flow, 'quic', 'crypto_frag_too_long');
        else hello.pieces.push({ offset, data: b.subarray(p, p + n) });
        p += n;
        continue;
      }
      if (type === 2 || type === 3) {
        // ACK: largest, delay, count, first range, then pairs
        let fields = 4;
        for (let i = 0; i < fields && i < 1024; i++) {
          const v = varint(b, p, end);
          if (length === 0) return;
          p += length;
          if (i === 2) fields += v * 2 + (type === 3 ? 3 : 0);
        }
        continue;
      }
      break; // nothing else belongs into an Initial, CONNECTION_CLOSE ends it
    }
    this.hello(c, flow, d, hello, version);
  }

  private hello(c: AppContext, flow: Flow, d: Direction, hello: Hello, version: number): void {
    hello.pieces.sort((a, b) => a.offset - b.offset);
    let have = 0;
    for (const { offset, data } of hello.pieces) if (offset <= have) have = Math.max(have, offset + data.length);
    const first = hello.pieces[0];
    if (!first || have < 4) return;
    const whole = Buffer.alloc(have);
    for (const { offset, data } of hello.pieces) if (offset < have) whole.set(data.subarray(0, have - offset), offset);
    const size = u24(whole, 1);
    if (whole[0] !== (d === 0 ? 1 : 2) || size > MAX_CRYPTO) {
      hello.done = true;
      return;
    }
    if (have < 4 + size) return;
    hello.done = true;
    hello.pieces = [];
    const at = c.scratch(size);
    if (at === 0) return;
    c.arena.u8.set(whole.subarray(4, 4 + size), at);
    const h = readHello(c.arena.u8, at, size, d === 0);
    if (!h) return c.anomaly(flow, 'quic', 'error_on_data');
    const tx = new QuicTransaction(this.nextId++, versionName(version));
    const { buffers } = c;
    addString(c, B['quic.version'], tx.version);
    if (d === 0) {
      tx.ja3 = ja3(h);
      tx.ja4 = ja4(h, 'q');
      tx.alpn = h.alpn;
      if (h.sniLength >= 0) {
        tx.sni = text(c.arena.u8, h.sniAt, h.sniLength);
        buffers.add(B['quic.sni'], h.sniAt, h.sniLength);
        buffers.add(B['tls.sni'], h.sniAt, h.sniLength);
      }
      if (h.alpnLength >= 0) buffers.add(B['tls.alpn'], h.alpnAt, h.alpnLength);
      addString(c, B['ja3.hash'], tx.ja3.hash);
      addString(c, B['ja3.string'], tx.ja3.string);
      addString(c, B['ja4.hash'], tx.ja4);
    } else {
      tx.ja3s = ja3s(h);
      addString(c, B['ja3s.hash'], tx.ja3s.hash);
      addString(c, B['ja3s.string'], tx.ja3s.string);
    }
    c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    c.event(flow, 'quic', tx.detail(), tx.id, d);
  }

  /** Google's QUIC: a public header with version, or a long header with `Q046`. */
  private google(c: AppContext, flow: Flow, d: Direction, at: number, n: number): void {
    if (d === 1 || this.hellos[0].done) return;
    const version = googleVersion(c.arena.u8, at, n);
    if (version === '') return;
    const chlo = readChlo(c.arena.u8, at, n, version);
    if (!chlo) return;
    this.hellos[0].done = true;
    const tx = new QuicTransaction(this.nextId++, version);
    addString(c, B['quic.version'], version);
    if (chlo.sniLength >= 0) {
      tx.sni = text(c.arena.u8, chlo.sniAt, chlo.sniLength);
      c.buffers.add(B['quic.sni'], chlo.sniAt, chlo.sniLength);
    }
    if (chlo.uaLength >= 0) {
      tx.ua = text(c.arena.u8, chlo.uaAt, chlo.uaLength);
      c.buffers.add(B['quic.ua'], chlo.uaAt, chlo.uaLength);
    }
    tx.cyu = chlo.cyu;
    addString(c, B['quic.cyu.hash'], chlo.cyu.hash);
    addString(c, B['quic.cyu.string'], chlo.cyu.string);
    c.inspect(flow, tx, Stage.RequestHead);
    c.event(flow, 'quic', tx.detail(), tx.id, 0);
  }

  gap(): boolean {
    return true;
  }
  end(): void {
    // every hello was told of when it was whole
  }
}

function versionName(version: number): string {
  if (version === V1) return '1';
  if (version === V2) return '2';
  if (version >>> 8 === 0xff0000) return `draft-${version & 255}`;
  return version.toString(16).padStart(8, '0');
}

/** `Q0xx` of a client's packet, or ''. */
function googleVersion(u8: Uint8Array, at: number, n: number): string {
  const long = (u8[at]! & 0x80) !== 0;
  // long header (Q046 on), else public header: flags, 8-byte connection id, version when its bit is set
  const p = long ? at + 1 : (u8[at]! & 1) === 0 ? 0 : at + 1 + ((u8[at]! & 8) !== 0 ? 8 : 0);
  if (p === 0 || p + 4 > at + n) return '';
  if ((u8[p] !== 0x51 && u8[p] !== 0x54) || u8[p + 1] !== 0x30) return '';
  const version = latin(u8, p, 4);
  return /^[QT]0\d\d$/.test(version) ? version : '';
}

export const quic: ProtocolEntry = {
  protocol: 'quic',
  transport: 'udp',
  ports: [443, 853, 784, 8853],
  identify: (u8, at, n, _d, onPort) => {
    if (n < 16) return -1;
    if ((u8[at]! & 0xc0) === 0xc0) {
      const version = u32(u8, at + 1);
      if (isIetf(version)) return u8[at + 5]! <= MAX_CID && n >= 7 + u8[at + 5]! ? 1 : -1;
      // a client asks for a version that can't exist to have the real ones told (RFC 9000 15)
      if ((version & 0x0f0f0f0f) === 0x0a0a0a0a && n >= 1200) return u8[at + 5]! <= MAX_CID ? 1 : -1;
      if (version === 0) return onPort && u8[at + 5]! <= MAX_CID ? 1 : -1;
    } else if ((u8[at]! & 0x80) !== 0 && u32(u8, at + 1) === 0) return onPort && u8[at + 5]! <= MAX_CID ? 1 : -1;
    return googleVersion(u8, at, n) !== '' ? 1 : -1;
  },
  isServers: (u8, at, n) => n < 1000 && (u8[at]! & 0x80) !== 0,
  create: () => new QuicParser(),
};
