import type { Packet } from '../decode/packet.js';

/** Packets remembered at a time; with the mean of 100 B and more that a ring of 32 MiB sees, bytes run out first. */
const PACKETS = 1 << 18;
/** Room at first: most captures are small, and each begins with a ring of its own. */
const FIRST = 1 << 11;

/** Words (32 bits) of a record; the time in µs is the double before them. */
const enum R {
  Offset = 2, Captured = 3, Wire = 4,
  /** Number of the packet before in the same flow, 0: none. Numbers count from 1 and wrap after 2^32. */
  Previous = 5,
  /** ns below the µs | link type << 16 */
  NanosLink = 6,
}
const WORDS = 8;

/**
 * The packets still in the arena's ring, so that an alert can save those of its flow. The reader writes captured bytes
 * into the ring and says so with `claim`; per packet one record links it to the one before in its flow.
 */
export class PacketRing {
  private room = FIRST;
  /** Records of 32 bytes, fields at `R`: a packet writes to one line of cache. */
  private words = new Int32Array(FIRST * WORDS);
  private times = new Float64Array(this.words.buffer);
  private newest = 0;
  private oldest = 1;

  /** Number of the newest packet. */
  get last(): number { return this.newest; }

  /** Twice the room. Until all of it is there, a packet's place is its number, so none moves. */
  private grow(): void {
    this.room *= 2;
    const words = new Int32Array(this.room * WORDS);
    words.set(this.words);
    this.words = words;
    this.times = new Float64Array(words.buffer);
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
    const { words } = this;
    const r = i * WORDS;
    this.times[r / 2] = timeUs;
    words[r + R.Offset] = at;
    words[r + R.Captured] = captured;
    words[r + R.Wire] = wire;
    words[r + R.Previous] = previous;
    words[r + R.NanosLink] = nanos | (linktype << 16);
    return number;
  }

  /**
   * The reader is about to overwrite [from, to): packets there are gone. O(1) amortised: packets lie in the ring in
   * the order of their numbers.
   */
  claim(from: number, to: number): void {
    while (this.oldest <= this.newest) {
      const r = (this.oldest & (PACKETS - 1)) * WORDS;
      const at = this.words[r + R.Offset];
      if (at >= to || at + this.words[r + R.Captured] <= from) break;
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
    for (let number = last; number >= this.oldest && number > 0; number = this.words[place(number) + R.Previous] >>> 0) {
      bytes += 16 + this.words[place(number) + R.Captured];
      if (bytes > maxBytes) break;
      found.push(number);
    }
    return found;
  }

  /** A nanosecond pcap file of the packets of given numbers, in time order. All must have the link type of the first. */
  pcap(u8: Uint8Array, numbers: number[]): { pcap: Uint8Array; packets: number } {
    const { words } = this;
    const linkOf = (number: number): number => words[place(number) + R.NanosLink] >>> 16;
    const link = numbers.length > 0 ? linkOf(numbers[0]!) : 1;
    const chosen = numbers.filter((number) => linkOf(number) === link).sort((a, b) => a - b);
    let size = 24;
    for (const number of chosen) size += 16 + words[place(number) + R.Captured];
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0xa1b23c4d, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(16, 262144, true);
    view.setUint32(20, link, true);
    let at = 24;
    for (const number of chosen) {
      const r = place(number);
      const time = this.times[r / 2];
      const offset = words[r + R.Offset];
      const captured = words[r + R.Captured];
      const seconds = Math.floor(time / 1e6);
      view.setUint32(at, seconds, true);
      view.setUint32(at + 4, Math.round(time - seconds * 1e6) * 1000 + (words[r + R.NanosLink] & 0xffff), true);
      view.setUint32(at + 8, captured, true);
      view.setUint32(at + 12, words[r + R.Wire], true);
      bytes.set(u8.subarray(offset, offset + captured), at + 16);
      at += 16 + captured;
    }
    return { pcap: bytes, packets: chosen.length };
  }
}

function place(number: number): number {
  return (number & (PACKETS - 1)) * WORDS;
}
