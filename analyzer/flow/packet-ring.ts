import type { Packet } from '../decode/packet.js';

/** Packets remembered at a time; with the mean of 100 B and more that a ring of 32 MiB sees, bytes run out first. */
const PACKETS = 1 << 18;
/** Room at first: most captures are small, and each begins with a ring of its own. */
const FIRST = 1 << 11;

/**
 * The packets still in the arena's ring, so that an alert can save those of its flow. The reader writes captured bytes
 * into the ring and says so with `claim`; per packet a few typed-array writes link it to the one before in its flow.
 */
export class PacketRing {
  private room = FIRST;
  private offsets = new Int32Array(FIRST);
  private captured = new Int32Array(FIRST);
  private wire = new Int32Array(FIRST);
  private times = new Float64Array(FIRST);
  private nanos = new Uint16Array(FIRST);
  private links = new Uint16Array(FIRST);
  /** Number of the packet before in the same flow, 0: none. Numbers count from 1 and wrap after 2^32. */
  private previous = new Float64Array(FIRST);
  private newest = 0;
  private oldest = 1;

  /** Number of the newest packet. */
  get last(): number { return this.newest; }

  /** Twice the room. Until all of it is there, a packet's place is its number, so none moves. */
  private grow(): void {
    this.room *= 2;
    const larger = <T extends { set(from: T): void }>(array: T, make: new (length: number) => T): T => {
      const copy = new make(this.room);
      copy.set(array);
      return copy;
    };
    this.offsets = larger(this.offsets, Int32Array);
    this.captured = larger(this.captured, Int32Array);
    this.wire = larger(this.wire, Int32Array);
    this.times = larger(this.times, Float64Array);
    this.nanos = larger(this.nanos, Uint16Array);
    this.links = larger(this.links, Uint16Array);
    this.previous = larger(this.previous, Float64Array);
  }

  /** Remembers a packet. @returns its number. */
  add(p: Packet, previous: number): number {
    return this.put(p.start, p.end - p.start, p.wireLength, p.timeUs, p.nanos, p.linktype, previous);
  }

  /** As `add`, by the packet's place and fields. */
  put(at: number, captured: number, wire: number, timeUs: number, nanos: number, linktype: number, previous: number): number {
    const number = ++this.newest;
    if (number === this.room && number < PACKETS) this.grow();
    const i = number & (PACKETS - 1);
    if (number - this.oldest >= PACKETS) this.oldest = number - PACKETS + 1;
    this.offsets[i] = at;
    this.captured[i] = captured;
    this.wire[i] = wire;
    this.times[i] = timeUs;
    this.nanos[i] = nanos;
    this.links[i] = linktype;
    this.previous[i] = previous;
    return number;
  }

  /**
   * The reader is about to overwrite [from, to): packets there are gone. O(1) amortised: packets lie in the ring in
   * the order of their numbers.
   */
  claim(from: number, to: number): void {
    while (this.oldest <= this.newest) {
      const i = this.oldest & (PACKETS - 1);
      const at = this.offsets[i];
      if (at >= to || at + this.captured[i] <= from) break;
      this.oldest++;
    }
  }

  /** Forgets all packets. */
  clear(): void {
    this.oldest = this.newest + 1;
  }

  /**
   * Numbers of a flow's packets, newest first, as long as they are in the ring and fit into `maxBytes` of pcap records.
   * @param last its newest packet (`W.LastPacket`).
   */
  packetsOf(last: number, maxBytes: number): number[] {
    const found: number[] = [];
    let bytes = 24;
    for (let number = last; number >= this.oldest && number > 0; number = this.previous[number & (PACKETS - 1)]) {
      bytes += 16 + this.captured[number & (PACKETS - 1)];
      if (bytes > maxBytes) break;
      found.push(number);
    }
    return found;
  }

  /** A nanosecond pcap file of the packets of given numbers, in time order. All must have the link type of the first. */
  pcap(u8: Uint8Array, numbers: number[]): { pcap: Uint8Array; packets: number } {
    const mask = PACKETS - 1;
    const link = numbers.length > 0 ? this.links[numbers[0] & mask] : 1;
    const chosen = numbers.filter((number) => this.links[number & mask] === link).sort((a, b) => a - b);
    let size = 24;
    for (const number of chosen) size += 16 + this.captured[number & mask];
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0xa1b23c4d, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(16, 262144, true);
    view.setUint32(20, link, true);
    let at = 24;
    for (const number of chosen) {
      const i = number & mask;
      const seconds = Math.floor(this.times[i] / 1e6);
      view.setUint32(at, seconds, true);
      view.setUint32(at + 4, Math.round(this.times[i] - seconds * 1e6) * 1000 + this.nanos[i], true);
      view.setUint32(at + 8, this.captured[i], true);
      view.setUint32(at + 12, this.wire[i], true);
      bytes.set(u8.subarray(this.offsets[i], this.offsets[i] + this.captured[i]), at + 16);
      at += 16 + this.captured[i];
    }
    return { pcap: bytes, packets: chosen.length };
  }
}
