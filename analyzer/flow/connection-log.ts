import type { Packet } from '../decode/packet.js';

/** What happened to a connection. */
export const ConnectionKind = {
  /** First packet of a flow. */
  Opened: 1,
  /** First packet back (TCP: the SYN-ACK). */
  Answered: 2,
  /** RST to the opening, or an ICMP error that quotes it. */
  Refused: 3,
  Ended: 4,
  /** A TCP packet outside any flow that no stack sends by itself: FIN, NULL, Xmas probes. */
  OddProbe: 5,
} as const;
export type ConnectionKind = (typeof ConnectionKind)[keyof typeof ConnectionKind];

export const RECORD_BYTES = 64;
/** Records that are handed on together: 256 KiB, some milliseconds of the worst flood. */
const RECORDS = 4096;

const KIND = 0, VERSION = 1, PROTOCOL = 2, FLAGS = 3, SRC_PORT = 4, DST_PORT = 6, ICMP = 8, SOURCE = 9, SRC = 12, DST = 28;
const TO_SERVER = 44, TO_CLIENT = 48, TIME = 56;

/**
 * The feed of the behaviour stage: what opens, is answered, refused and ends, in records of 64 bytes that cost a few
 * typed-array writes, so that a SYN flood costs no more. Little-endian.
 */
export class ConnectionLog {
  private readonly bytes = new Uint8Array(RECORDS * RECORD_BYTES);
  private readonly view = new DataView(this.bytes.buffer);
  private used = 0;

  /** @param flushed receives the records; the array is reused afterwards. */
  constructor(private readonly flushed: (records: Uint8Array, count: number) => void) {}

  /** @param client, server address offsets in `u8`; 4 or 16 bytes by `version`. Ports client → server. */
  add(
    kind: ConnectionKind, u8: Uint8Array, version: number, client: number, server: number, clientPort: number,
    serverPort: number, protocol: number, tcpFlags: number, icmpType: number, source: number, timeUs: number,
    toServer: number, toClient: number,
  ): void {
    if (this.used === RECORDS) this.flush();
    const { bytes, view } = this;
    const at = this.used++ * RECORD_BYTES;
    bytes[at + KIND] = kind;
    bytes[at + VERSION] = version;
    bytes[at + PROTOCOL] = protocol;
    bytes[at + FLAGS] = tcpFlags;
    view.setUint16(at + SRC_PORT, clientPort, true);
    view.setUint16(at + DST_PORT, serverPort, true);
    bytes[at + ICMP] = icmpType;
    bytes[at + SOURCE] = source;
    const length = version === 4 ? 4 : 16;
    for (let i = 0; i < length; i++) {
      bytes[at + SRC + i] = u8[client + i];
      bytes[at + DST + i] = u8[server + i];
    }
    if (length === 4) bytes.fill(0, at + SRC + 4, at + DST), bytes.fill(0, at + DST + 4, at + TO_SERVER);
    view.setUint32(at + TO_SERVER, Math.min(toServer, 0xffffffff), true);
    view.setUint32(at + TO_CLIENT, Math.min(toClient, 0xffffffff), true);
    view.setFloat64(at + TIME, timeUs, true);
  }

  /** A record of the packet itself, source as client or, `reversed`, as server. */
  packet(kind: ConnectionKind, u8: Uint8Array, p: Packet, reversed: boolean, source: number): void {
    if (reversed) {
      this.add(kind, u8, p.ipVersion, p.dstOffset, p.srcOffset, p.dstPort, p.srcPort, p.protocol, p.tcpFlags, p.icmpType,
        source, p.timeUs, 0, 0);
    } else {
      this.add(kind, u8, p.ipVersion, p.srcOffset, p.dstOffset, p.srcPort, p.dstPort, p.protocol, p.tcpFlags, p.icmpType,
        source, p.timeUs, 0, 0);
    }
  }

  flush(): void {
    if (this.used === 0) return;
    const count = this.used;
    this.used = 0;
    this.flushed(this.bytes.subarray(0, count * RECORD_BYTES), count);
  }
}

/** A view over one record: `record.at(records, i)` moves it. */
export class ConnectionRecord {
  private bytes: Uint8Array = new Uint8Array(RECORD_BYTES);
  private view = new DataView(this.bytes.buffer);
  private base = 0;

  /** Moves the view to record `i` of `records`. */
  at(records: Uint8Array, i: number): this {
    if (records !== this.bytes) {
      this.bytes = records;
      this.view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    }
    this.base = i * RECORD_BYTES;
    return this;
  }

  get kind(): ConnectionKind { return this.bytes[this.base + KIND] as ConnectionKind; }
  get ipVersion(): 4 | 6 { return this.bytes[this.base + VERSION] as 4 | 6; }
  get protocol(): number { return this.bytes[this.base + PROTOCOL]; }
  /** Flags of the packet (Opened, Answered, Refused, OddProbe), or of both sides together (Ended). */
  get tcpFlags(): number { return this.bytes[this.base + FLAGS]; }
  get srcPort(): number { return this.view.getUint16(this.base + SRC_PORT, true); }
  get dstPort(): number { return this.view.getUint16(this.base + DST_PORT, true); }
  get icmpType(): number { return this.bytes[this.base + ICMP]; }
  /** Number of the capture point. */
  get source(): number { return this.bytes[this.base + SOURCE]; }
  /** Client address: 4 or 16 bytes, in place. */
  get src(): Uint8Array { return this.bytes.subarray(this.base + SRC, this.base + SRC + (this.ipVersion === 4 ? 4 : 16)); }
  get dst(): Uint8Array { return this.bytes.subarray(this.base + DST, this.base + DST + (this.ipVersion === 4 ? 4 : 16)); }
  /** First four bytes of an address as a number: IPv4 whole. */
  get src32(): number { return this.view.getUint32(this.base + SRC); }
  get dst32(): number { return this.view.getUint32(this.base + DST); }
  /** Bytes on the wire so far (Ended). */
  get bytesToServer(): number { return this.view.getUint32(this.base + TO_SERVER, true); }
  get bytesToClient(): number { return this.view.getUint32(this.base + TO_CLIENT, true); }
  /** Packet time, µs since the epoch. */
  get timeUs(): number { return this.view.getFloat64(this.base + TIME, true); }
}
