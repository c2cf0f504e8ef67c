import { ipOffset } from './ip-layer.js';

/** Slots looked at before one is given up; keeps the cost of a full table constant. */
const PROBES = 8;
const WORDS = 2;
/** A flow that was quiet this long has given its slot up; the usual time-out of an established connection is longer. */
const IDLE_SECONDS = 120;
const TCP = 6;
const UDP = 17;
const FLAGS_KEPT = 0x07; // FIN, SYN, RST

/**
 * Cuts the payload of long flows: behind the first `bytes` of a flow, in both directions together, packets go on as
 * headers with their length on the wire. Backups and video lose their tails first, while the analyzer still counts
 * bytes, follows sequence numbers and sees how connections end. The table never grows: a flow it forgets begins anew.
 */
export class Cutoff {
  cutPackets = 0;
  cutBytes = 0;
  /** Flows that lost their slot to another. */
  evicted = 0;
  private readonly keys: Int32Array;
  private readonly seen: Float64Array;
  private readonly last: Int32Array;
  private readonly mask: number;

  /** @param bytes payload forwarded a flow @param slots flows remembered, a power of two; 24 bytes each */
  constructor(private readonly bytes: number, slots = 65536) {
    const size = 1 << (31 - Math.clz32(Math.max(PROBES, slots)));
    this.mask = size - 1;
    this.keys = new Int32Array(size * WORDS);
    this.seen = new Float64Array(size);
    this.last = new Int32Array(size);
  }

  /** @returns how many of the captured bytes go on: all of them, or the headers alone. */
  keep(u8: Uint8Array, offset: number, captured: number, wire: number, timeUs: number, linktype: number): number {
    const end = offset + captured;
    const ip = ipOffset(u8, offset, captured, linktype);
    if (ip < 0) return captured;
    const v4 = u8[ip] >> 4 === 4;
    const protocol = v4 ? u8[ip + 9] : u8[ip + 6];
    if (protocol !== TCP && protocol !== UDP) return captured;
    // Fragments, and IPv6 extension headers (which have another number), pass.
    if (v4 && (((u8[ip + 6] << 8) | u8[ip + 7]) & 0x3fff) !== 0) return captured;
    const transport = ip + (v4 ? (u8[ip] & 15) * 4 : 40);
    if (end - transport < (protocol === TCP ? 20 : 8)) return captured;
    if (protocol === TCP && (u8[transport + 13] & FLAGS_KEPT) !== 0) return captured;
    const header = protocol === TCP ? (u8[transport + 12] >> 4) * 4 : 8;
    const payload = transport + header;
    if (header < 8 || payload >= end) return captured;
    const slot = this.slotOf(u8, ip, v4, transport, protocol, Math.floor(timeUs / 1e6) | 0);
    const onWire = wire - (payload - offset);
    this.seen[slot] += onWire;
    if (this.seen[slot] - onWire < this.bytes) return captured;
    this.cutPackets++;
    this.cutBytes += end - payload;
    return payload - offset;
  }

  private slotOf(u8: Uint8Array, ip: number, v4: boolean, transport: number, protocol: number, now: number): number {
    const words = v4 ? 1 : 4;
    const source = ip + (v4 ? 12 : 8);
    const a = side(u8, source, words, transport, protocol);
    const b = side(u8, source + words * 4, words, transport + 2, protocol);
    // Sum and product of the two sides: the same in both directions, and together 64 bits of identity.
    const high = (a + b) | 0;
    const low = Math.imul(a | 1, b | 1) ^ protocol || 1;
    const start = (high ^ (high >>> 15)) & this.mask;
    let victim = start;
    for (let i = 0; i < PROBES; i++) {
      const slot = (start + i) & this.mask;
      if (this.keys[slot * WORDS] === high && this.keys[slot * WORDS + 1] === low) {
        if (now - this.last[slot] > IDLE_SECONDS) this.seen[slot] = 0;
        this.last[slot] = now;
        return slot;
      }
      if (this.keys[slot * WORDS + 1] === 0) {
        victim = slot;
        break;
      }
      if (this.last[slot] < this.last[victim]) victim = slot;
    }
    if (this.keys[victim * WORDS + 1] !== 0 && now - this.last[victim] <= IDLE_SECONDS) this.evicted++;
    this.keys[victim * WORDS] = high;
    this.keys[victim * WORDS + 1] = low;
    this.seen[victim] = 0;
    this.last[victim] = now;
    return victim;
  }
}

function side(u8: Uint8Array, address: number, words: number, port: number, protocol: number): number {
  let hash = (u8[port] << 8) | u8[port + 1] | (protocol << 16);
  for (let i = 0; i <= words; i++, address += 4) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b | 0);
    if (i < words) hash ^= (u8[address] << 24) | (u8[address + 1] << 16) | (u8[address + 2] << 8) | u8[address + 3];
  }
  return hash ^ (hash >>> 13);
}
