import type { Packet } from '../decode/packet.js';
import { D, type FlowTable, W } from './flow-table.js';

/** What happened to a connection. */
export const enum ConnectionKind {
  /** First packet of a flow. */
  Opened = 1,
  /** First packet back (TCP: the SYN-ACK). */
  Answered = 2,
  /** RST to the opening, or an ICMP error that quotes it. */
  Refused = 3,
  Ended = 4,
  /** A TCP packet outside any flow that no stack sends by itself: FIN, NULL, Xmas probes. */
  OddProbe = 5,
  /** First payload of a TCP connection, whichever side sent it. */
  Spoke = 6,
}

export const RECORD_BYTES = 64;
/** Records that are handed on together: 256 KiB, some milliseconds of the worst flood. */
const RECORDS = 4096;

const KIND = 0, VERSION = 1, PROTOCOL = 2, FLAGS = 3, SRC_PORT = 4, DST_PORT = 6, ICMP = 8, SOURCE = 9, SRC = 12, DST = 28;
const TO_SERVER = 44, TO_CLIENT = 48, LASTED = 52, TIME = 56;

/**
 * The feed of the behaviour stage: what opens, is answered, refused and ends, in records of 64 bytes that cost a few
 * typed-array writes, so that a SYN flood costs no more. Little-endian.
 */
export class ConnectionLog {
  private readonly bytes = new Uint8Array(RECORDS * RECORD_BYTES);
  // The same bytes as words: every machine that Node runs on in this field is little-endian, as the records are.
  private readonly words = new Int32Array(this.bytes.buffer);
  private readonly doubles = new Float64Array(this.bytes.buffer);
  private used = 0;

  /** @param flushed receives the records; the array is reused afterwards. */
  constructor(private readonly flushed: (records: Uint8Array, count: number) => void) {}

  /** @param client, server address offsets in `u8`; 4 or 16 bytes by `version`. Ports client → server. */
  add(
    kind: ConnectionKind, u8: Uint8Array, version: number, client: number, server: number, clientPort: number,
    serverPort: number, protocol: number, tcpFlags: number, icmpType: number, source: number, timeUs: number,
  ): void {
    const w = this.begin(kind, version, clientPort, serverPort, protocol, tcpFlags, icmpType, source, timeUs);
    const { words } = this;
    const length = version === 4 ? 1 : 4;
    for (let i = 0; i < 4; i++) {
      const c = client + i * 4;
      const s = server + i * 4;
      words[w + SRC / 4 + i] = i < length ? u8[c] | (u8[c + 1] << 8) | (u8[c + 2] << 16) | (u8[c + 3] << 24) : 0;
      words[w + DST / 4 + i] = i < length ? u8[s] | (u8[s + 1] << 8) | (u8[s + 2] << 16) | (u8[s + 3] << 24) : 0;
    }
    words[w + TO_SERVER / 4] = 0;
    words[w + TO_CLIENT / 4] = 0;
    words[w + LASTED / 4] = 0;
  }

  /** The end of a flow: addresses and counters come from its slot. */
  ended(table: FlowTable, slot: number): void {
    const from = table.words;
    const t = table.at(slot);
    const f = table.doublesAt(slot);
    const meta = from[t + W.Meta];
    const ports = from[t + W.Ports];
    const tcp = from[t + W.Tcp];
    const w = this.begin(
      ConnectionKind.Ended, (meta >> 16) & 255, ports >>> 16, ports & 0xffff, (meta >> 8) & 255, (tcp | (tcp >> 8)) & 255, 0,
      from[t + W.Vlan] >>> 24, table.doubles[f + D.Last],
    );
    const { words } = this;
    for (let i = 0; i < 8; i++) words[w + SRC / 4 + i] = reversed(from[t + W.Client + i]);
    words[w + TO_SERVER / 4] = Math.min(table.doubles[f + D.BytesToServer], 0xffffffff);
    words[w + TO_CLIENT / 4] = Math.min(table.doubles[f + D.BytesToClient], 0xffffffff);
    words[w + LASTED / 4] = Math.min((table.doubles[f + D.Last] - table.doubles[f + D.Start]) / 1000, 0x7fffffff);
  }

  /** @returns the first word of a new record whose fixed fields are written. */
  private begin(
    kind: number, version: number, clientPort: number, serverPort: number, protocol: number, tcpFlags: number,
    icmpType: number, source: number, timeUs: number,
  ): number {
    if (this.used === RECORDS) this.flush();
    const { words } = this;
    const w = this.used++ * (RECORD_BYTES / 4);
    words[w + KIND / 4] = kind | (version << 8) | (protocol << 16) | (tcpFlags << 24);
    words[w + SRC_PORT / 4] = clientPort | (serverPort << 16);
    words[w + ICMP / 4] = icmpType | (source << 8);
    this.doubles[(w + TIME / 4) / 2] = timeUs;
    return w;
  }

  /** A record of the packet itself, source as client or, `reversed`, as server. */
  packet(kind: ConnectionKind, u8: Uint8Array, p: Packet, reversed: boolean, source: number): void {
    if (reversed) {
      this.add(kind, u8, p.ipVersion, p.dstOffset, p.srcOffset, p.dstPort, p.srcPort, p.protocol, p.tcpFlags, p.icmpType,
        source, p.timeUs);
    } else {
      this.add(kind, u8, p.ipVersion, p.srcOffset, p.dstOffset, p.srcPort, p.dstPort, p.protocol, p.tcpFlags, p.icmpType,
        source, p.timeUs);
    }
  }

  flush(): void {
    if (this.used === 0) return;
    const count = this.used;
    this.used = 0;
    this.flushed(this.bytes.subarray(0, count * RECORD_BYTES), count);
  }
}

function reversed(word: number): number {
  return (word >>> 24) | ((word >>> 8) & 0xff00) | ((word << 8) & 0xff0000) | (word << 24);
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

  /** Copies the record to `at` of `to`. */
  copyTo(to: Uint8Array, at: number): void {
    to.set(this.bytes.subarray(this.base, this.base + RECORD_BYTES), at);
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
  /** From the first packet to the last one, ms (Ended). */
  get lastedMs(): number { return this.view.getUint32(this.base + LASTED, true); }
  /** Packet time, µs since the epoch. */
  get timeUs(): number { return this.view.getFloat64(this.base + TIME, true); }
}
