import { createHash } from 'node:crypto';
import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { copy, put, text, u16, u24 } from '../bytes.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry, type Transaction } from '../parser.js';
import { lengthCut, readCertificate, type Certificate } from './der.js';
import { ja3, ja3s, ja4, readHello, versionName, type Fingerprint, type Hello } from './hello.js';

/** Anomalies of TLS, named as Suricata names its tls events where it has one. */
export type TlsAnomaly =
  | 'invalid_record_type'
  | 'invalid_record_version'
  | 'invalid_record_length'
  | 'invalid_handshake_message'
  | 'invalid_certificate'
  | 'certificate_invalid_length'
  | 'too_many_records_in_packet'
  | 'heartbeat_message'
  | 'invalid_heartbeat_message'
  | 'dataleak_heartbeat_mismatch'
  | 'handshake_invalid_length';

/** Handshake bytes of one direction kept until a message is whole: chains of ten large certificates fit. */
const MAX_HANDSHAKE = 65536;
/** TLS 1.2 allows 2^14 + 2048 bytes a record (RFC 5246 6.2.3). */
const MAX_RECORD = 18432;
const MAX_CERTIFICATES = 10;

const enum Content { ChangeCipher = 20, Alert = 21, Handshake = 22, Data = 23, Heartbeat = 24 }

class Side {
  encrypted = false;
  /** Bytes are missing, and the next record has not been found yet. */
  lost = false;
  block = 0;
  blockSize = 0;
  kept = 0;
  records = 0;
}

class TlsTransaction implements Transaction {
  readonly id = 0;
  readonly protocol = 'tls';
  matcher: unknown;
  sni: string | undefined;
  version = 0;
  /** What the fingerprints are made of, when somebody asks. */
  clientHello: Hello | undefined;
  serverHello: Hello | undefined;
  clientAlpns: string[] = [];
  serverAlpn: string | undefined;
  certificate: Certificate | undefined;
  fingerprint = '';
  chain = 0;
  resumed = false;
  alert: string | undefined;
  kept: Uint8Array[] = [];
  private made3: Fingerprint | undefined;
  private made3s: Fingerprint | undefined;
  private made4: string | undefined;

  get ja3(): Fingerprint | undefined {
    return (this.made3 ??= this.clientHello && ja3(this.clientHello));
  }
  get ja3s(): Fingerprint | undefined {
    return (this.made3s ??= this.serverHello && ja3s(this.serverHello));
  }
  get ja4(): string | undefined {
    return (this.made4 ??= this.clientHello && ja4(this.clientHello, 't'));
  }

  certificates(): readonly Uint8Array[] {
    return this.kept;
  }
  /** EVE's extended tls object. */
  detail(): Record<string, unknown> {
    const c = this.certificate;
    return {
      ...(c && { subject: c.subject, issuerdn: c.issuer, serial: c.serial, fingerprint: this.fingerprint }),
      ...(this.sni !== undefined && { sni: this.sni }),
      version: this.version === 0 ? 'UNDETERMINED' : versionName(this.version),
      ...(c && { notbefore: c.notBefore, notafter: c.notAfter }),
      ...(c && c.names.length > 0 && { subjectaltname: c.names }),
      ...(this.ja3 && { ja3: this.ja3 }),
      ...(this.ja3s && { ja3s: this.ja3s }),
      ...(this.ja4 && { ja4: this.ja4 }),
      ...(this.clientAlpns.length > 0 && { client_alpns: this.clientAlpns }),
      ...(this.serverAlpn !== undefined && { server_alpns: [this.serverAlpn] }),
      ...(this.resumed && { session_resumed: true }),
      ...(this.chain > 1 && { chain_length: this.chain }),
    };
  }
}

/** TLS 1.0–1.3, SSL 3 and the national NTLS (GB/T 38636) record layer up to the end of the clear-text handshake. */
export class TlsParser implements AppParser {
  readonly protocol = 'tls';
  private readonly tx = new TlsTransaction();
  private readonly sides: [Side, Side] = [new Side(), new Side()];
  private helloSeen = false;
  private serverSeen = false;
  private emitted = false;

  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    const side = this.sides[direction];
    const { u8 } = c.arena;
    let used = 0;
    if (side.lost) {
      used = nextRecord(u8, at, length);
      if (used === length) return length;
      side.lost = false;
    }
    while (used < length) {
      if (flow.unread(direction) > 0) {
        const n = Math.min(flow.unread(direction), length - used);
        flow.leaveUnread(direction, flow.unread(direction) - n);
        used += n;
        continue;
      }
      if (length - used < 5) break;
      const p = at + used;
      const type = u8[p]!,
        size = u16(u8, p + 3);
      if (type < 20 || type > 24 || size > MAX_RECORD || (u8[p + 1] !== 3 && u8[p + 1] !== 1)) {
        if (side.records === 0 && (u8[p]! & 0x80) !== 0 && u8[p + 2] === 1) {
          const n = this.ssl2(c, flow, direction, p, length - used);
          if (n === 0) break;
          used += n;
          continue;
        }
        c.anomaly(
          flow,
          'tls',
          type < 20 || type > 24
            ? 'invalid_record_type'
            : size > MAX_RECORD
              ? 'invalid_record_length'
              : 'invalid_record_version',
        );
        return -1;
      }
      if (
        type === Content.Data ||
        side.encrypted ||
        (type === Content.Heartbeat && length - used < 5 + size && length - used > 8)
      ) {
        if (type === Content.Data && !side.encrypted) side.encrypted = true;
        if (type === Content.Data) {
          if (this.helloSeen && this.serverSeen) flow.sealed |= 1 << direction;
          this.emit(c, flow);
        }
        if (type === Content.Heartbeat && !side.encrypted) this.heartbeat(c, flow, p, size, length - used);
        flow.leaveUnread(direction, size);
        side.records++;
        used += 5;
        continue;
      }
      if (length - used < 5 + size) break;
      side.records++;
      if (type === Content.Handshake) this.handshake(c, flow, direction, side, p + 5, size);
      else if (type === Content.ChangeCipher) {
        side.encrypted = true;
        if (direction === 1) {
          if (this.serverSeen && !this.tx.certificate && this.tx.version < 0x304) this.tx.resumed = true;
          this.emit(c, flow);
        }
      } else if (type === Content.Heartbeat) this.heartbeat(c, flow, p, size, length - used);
      used += 5 + size;
    }
    return used;
  }

  /** CVE-2014-0160: the payload length asks for more than the record holds. */
  private heartbeat(c: AppContext, flow: Flow, at: number, size: number, have: number): void {
    c.anomaly(flow, 'tls', 'heartbeat_message', 0);
    if (have >= 8 && c.arena.u8[at + 5] === 1 && u16(c.arena.u8, at + 6) + 3 > size)
      c.anomaly(flow, 'tls', 'invalid_heartbeat_message', 0);
  }

  /** A version 2 ClientHello (RFC 5246 E.2): only its version is of use. */
  private ssl2(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    const n = ((c.arena.u8[at]! & 0x7f) << 8) | c.arena.u8[at + 1]!;
    if (length < 2 + n) return 0;
    this.helloSeen = true;
    if (n >= 3) {
      this.tx.version = u16(c.arena.u8, at + 3);
      c.buffers.addNumber(B['tls.version'], this.tx.version);
    }
    this.sides[direction].records++;
    c.inspect(flow, this.tx, Stage.RequestHead);
    return 2 + n;
  }

  /** Whole messages are read where they lie; only one that goes on in the next record is kept. */
  private handshake(c: AppContext, flow: Flow, direction: Direction, side: Side, at: number, length: number): void {
    const { u8 } = c.arena;
    if (side.kept > 0) {
      const n = Math.min(length, MAX_HANDSHAKE - side.kept);
      if (side.kept + n > side.blockSize) this.grow(c, side, side.kept + n);
      if (side.block === 0) return;
      copy(u8, side.block + side.kept, at, n);
      side.kept += n;
      const used = this.messages(c, flow, direction, side.block, side.kept);
      if (used < 0) {
        side.encrypted = true;
        side.kept = 0;
      } else if (used > 0) {
        u8.copyWithin(side.block, side.block + used, side.block + side.kept);
        side.kept -= used;
      } else if (side.kept === MAX_HANDSHAKE) side.kept = 0;
      if (side.kept === 0) this.drop(c, side);
      return;
    }
    const used = this.messages(c, flow, direction, at, length);
    if (used < 0) side.encrypted = true;
    else if (used < length) {
      this.grow(c, side, length - used);
      if (side.block === 0) return;
      copy(u8, side.block, at + used, length - used);
      side.kept = length - used;
    }
  }

  private grow(c: AppContext, side: Side, bytes: number): void {
    const size = Math.max(4096, 1 << (32 - Math.clz32(bytes - 1)));
    const block = c.arena.take(size);
    if (block !== 0 && side.block !== 0) copy(c.arena.u8, block, side.block, side.kept);
    this.drop(c, side);
    side.block = block;
    side.blockSize = block === 0 ? 0 : size;
    if (block === 0) side.kept = 0;
  }
  private drop(c: AppContext, side: Side): void {
    if (side.block !== 0) c.arena.give(side.block, side.blockSize);
    side.block = side.blockSize = 0;
  }

  /** @returns bytes of whole messages, -1 when these are no handshake messages (encrypted). */
  private messages(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    const side = this.sides[direction];
    let used = 0;
    while (length - used >= 4) {
      const p = at + used;
      const type = u8[p]!,
        size = u24(u8, p + 1);
      if (type > 24 || size > MAX_HANDSHAKE) {
        if (!side.encrypted) c.anomaly(flow, 'tls', 'invalid_handshake_message', 0);
        return -1;
      }
      if (length - used < 4 + size) break;
      if (type === 1) this.clientHello(c, flow, p + 4, size);
      else if (type === 2) this.serverHello(c, flow, p + 4, size);
      else if (type === 11 && direction === 1) this.certificates(c, flow, p + 4, size);
      else if (type === 14) this.emit(c, flow);
      used += 4 + size;
    }
    return used;
  }

  private clientHello(c: AppContext, flow: Flow, at: number, length: number): void {
    const h = readHello(c.arena.u8, at, length, true);
    if (!h) return c.anomaly(flow, 'tls', 'invalid_handshake_message', 0);
    if (this.helloSeen) return;
    this.helloSeen = true;
    const { tx } = this;
    const { buffers } = c;
    const { u8 } = c.arena;
    tx.version = h.supported || h.version;
    tx.clientHello = h;
    tx.clientAlpns = h.alpn;
    if (h.sniLength >= 0) {
      tx.sni = text(u8, h.sniAt, h.sniLength);
      buffers.add(B['tls.sni'], h.sniAt, h.sniLength);
    }
    if (h.alpnLength >= 0) buffers.add(B['tls.alpn'], h.alpnAt, h.alpnLength);
    buffers.add(B['tls.random'], h.randomAt, 32);
    buffers.addNumber(B['tls.version'], tx.version);
    addVersion(c, tx.version);
    if (c.reads(B['ja3.hash']) || c.reads(B['ja3.string'])) {
      addString(c, B['ja3.hash'], tx.ja3!.hash);
      addString(c, B['ja3.string'], tx.ja3!.string);
    }
    if (c.reads(B['ja4.hash'])) addString(c, B['ja4.hash'], tx.ja4!);
    c.inspect(flow, tx, Stage.RequestHead);
  }

  private serverHello(c: AppContext, flow: Flow, at: number, length: number): void {
    const h = readHello(c.arena.u8, at, length, false);
    if (!h) return c.anomaly(flow, 'tls', 'invalid_handshake_message', 0);
    if (this.serverSeen) return;
    this.serverSeen = true;
    const { tx } = this;
    tx.version = h.supported || h.version;
    tx.serverHello = h;
    if (h.alpn[0] !== undefined) tx.serverAlpn = h.alpn[0];
    c.buffers.add(B['tls.random'], h.randomAt, 32);
    c.buffers.addNumber(B['tls.version'], tx.version);
    addVersion(c, tx.version);
    if (c.reads(B['ja3s.hash']) || c.reads(B['ja3s.string'])) {
      addString(c, B['ja3s.hash'], tx.ja3s!.hash);
      addString(c, B['ja3s.string'], tx.ja3s!.string);
    }
    c.inspect(flow, tx, Stage.ResponseHead);
    if (tx.version === 0x304) this.emit(c, flow);
  }

  private certificates(c: AppContext, flow: Flow, at: number, length: number): void {
    const { u8 } = c.arena;
    const { tx } = this;
    const end = at + length;
    if (length < 6 || tx.certificate) return;
    for (let p = at + 3, i = 0; p + 3 <= end && i < MAX_CERTIFICATES; i++) {
      const n = u24(u8, p);
      p += 3;
      if (p + n > end) {
        c.anomaly(flow, 'tls', 'invalid_certificate', 0);
        break;
      }
      c.buffers.add(B['tls.certs'], p, n);
      tx.chain++;
      if (c.keepsCertificates) tx.kept.push(u8.slice(p, p + n));
      if (i === 0) {
        tx.certificate = readCertificate(u8, p, n);
        tx.fingerprint = createHash('sha1')
          .update(u8.subarray(p, p + n))
          .digest('hex')
          .replace(/..(?!$)/g, '$&:');
      }
      p += n;
    }
    const cert = tx.certificate;
    c.buffers.addNumber(B['tls.cert_chain_len'], tx.chain);
    if (!cert) {
      if (tx.chain > 0) c.anomaly(flow, 'tls', lengthCut() ? 'certificate_invalid_length' : 'invalid_certificate', 0);
    }
    else {
      addString(c, B['tls.cert_subject'], cert.subject);
      addString(c, B['tls.cert_issuer'], cert.issuer);
      addString(c, B['tls.cert_serial'], cert.serial);
      addString(c, B['tls.cert_fingerprint'], tx.fingerprint);
      for (const name of cert.names) addString(c, B['tls.subjectaltname'], name);
    }
    c.inspect(flow, tx, Stage.ResponseBody);
  }

  private emit(c: AppContext, flow: Flow): void {
    if (this.emitted || (!this.helloSeen && !this.serverSeen)) return;
    this.emitted = true;
    c.inspect(flow, this.tx, Stage.ResponseEnd);
    if (c.wants('tls')) c.event(flow, 'tls', this.tx.detail(), 0, 0);
  }

  gap(_c: AppContext, flow: Flow, direction: Direction, missing: number): boolean {
    const side = this.sides[direction];
    if (flow.unread(direction) >= missing) {
      flow.leaveUnread(direction, flow.unread(direction) - missing);
      return true;
    }
    // A handshake message of which a part is missing is of no use.
    flow.leaveUnread(direction, 0);
    side.kept = 0;
    side.lost = true;
    return true;
  }

  end(c: AppContext, flow: Flow, direction: Direction): void {
    this.drop(c, this.sides[direction]);
    if (direction === 1) this.emit(c, flow);
  }

  close(c: AppContext): void {
    for (const side of this.sides) this.drop(c, side);
  }
}

/** Behind missing bytes: offset of the first record header behind whose record the next one or the end lies, or `length`. */
function nextRecord(u8: Uint8Array, at: number, length: number): number {
  const isHeader = (p: number): boolean => u8[p]! >= 20 && u8[p]! <= 24 && u8[p + 1] === 3 && u8[p + 2]! <= 4 && u16(u8, p + 3) <= MAX_RECORD && u16(u8, p + 3) > 0;
  for (let p = at, end = at + length; p + 5 <= end; p++) {
    if (!isHeader(p)) continue;
    const next = p + 5 + u16(u8, p + 3);
    // One that goes on beyond what is here is taken where a segment begins: there senders put them.
    if (next === end || (next + 5 <= end ? isHeader(next) : p === at)) return p - at;
  }
  return length;
}

function addVersion(c: AppContext, version: number): void {
  if (c.reads(B['tls.version'])) addString(c, B['tls.version'], versionName(version));
}

/** Puts a string made for this inspection into the scratch and the table, where a rule looks at it. */
export function addString(c: AppContext, id: number, value: string): void {
  if (!c.reads(id)) return;
  const bytes = Buffer.from(value, 'utf8');
  const at = c.scratch(Math.max(1, bytes.length));
  if (at === 0) return;
  if (bytes.length === value.length) put(c.arena.u8, at, value);
  else c.arena.u8.set(bytes, at);
  c.buffers.add(id, at, bytes.length);
}

export const tls: ProtocolEntry = {
  protocol: 'tls',
  transport: 'tcp',
  ports: [443, 465, 636, 853, 993, 995, 8443],
  identify: (u8, at, length, direction, onPort) => {
    const type = u8[at]!;
    if (length < 1) return 0;
    if (type === 22 || type === 21) {
      if (length > 1 && u8[at + 1] !== 3 && u8[at + 1] !== 1) return -1;
      if (length > 2 && (u8[at + 2]! > 4 || (u8[at + 1] === 1 && u8[at + 2] !== 1))) return -1;
      if (length < 6) return 0;
      if (u16(u8, at + 3) > MAX_RECORD) return -1;
      return type === 21
        ? u16(u8, at + 3) === 2
          ? 1
          : -1
        : u8[at + 5] === (direction === 0 ? 1 : 2) || u8[at + 5] === 2 || u8[at + 5] === 1
          ? 1
          : -1;
    }
    if (type === 23 && onPort) return length < 3 ? 0 : u8[at + 1] === 3 && u8[at + 2]! <= 4 ? 1 : -1;
    if ((type & 0x80) !== 0) {
      if (length < 5) return 0;
      const n = ((type & 0x7f) << 8) | u8[at + 1]!;
      return n < 512 &&
        u8[at + 2] === 1 &&
        ((u8[at + 3] === 3 && u8[at + 4]! <= 4) || (u8[at + 3] === 0 && u8[at + 4] === 2))
        ? 1
        : -1;
    }
    return -1;
  },
  isServers: (u8, at, length) => length > 5 && u8[at] === 22 && u8[at + 5] === 2,
  create: () => new TlsParser(),
};
