import type { Arena } from '../arena.js';
import { type OverlapPolicy, laterWins } from './overlap.js';
import { A } from './anomalies.js';
import type { Packet } from './packet.js';

export interface DefragmentationLimits {
  policy: OverlapPolicy;
  /** Bytes of the arena that unfinished datagrams may hold. */
  bytes: number;
  timeoutSeconds: number;
}

/** Largest IP datagram: what the length fields can say. */
const MAX_DATAGRAM = 65535;
/** Fragments of one datagram: 64 KiB in pieces of 8 bytes would be 8192; no network sends a hundredth of that. */
const MAX_FRAGMENTS = 512;
/** Datagrams under way at a time. */
const MAX_DATAGRAMS = 4096;
/** First size of a datagram's block; it grows as fragments come. */
const FIRST_BLOCK = 4096;

/** A part that has arrived: [from, to) of the datagram's payload, and the bounds of the fragment that brought it. */
interface Part { from: number; to: number; start: number; end: number }

/** One datagram that is being put together: header room, then payload, in one block of the arena. */
class Datagram {
  block = 0;
  size = 0;
  headerLength = 0;
  /** Payload length, known with the last fragment; -1 before. */
  total = -1;
  readonly parts: Part[] = [];
  fragments = 0;
  expiresUs = 0;
  /** Next-header offset within the kept header (IPv6), and the protocol to write there. */
  pointer = 0;
  protocol = 0;
  hasFirst = false;

  constructor(readonly key: string) {}
}

/** Puts fragments of IPv4 and IPv6 (RFC 791 3.2, RFC 8200 4.5) together, under a bound, by the overlap policy of a system. */
export class Defragmenter {
  completed = 0;
  timeouts = 0;
  dropped = 0;
  /** Where the datagram that `add` just completed lies, until `release`. */
  at = 0;
  private held = 0;
  private finished: Datagram | undefined;
  private readonly datagrams = new Map<string, Datagram>();

  constructor(private readonly arena: Arena, private readonly limits: DefragmentationLimits) {}

  /**
   * Takes the fragment in `p`.
   * @returns the length of the whole datagram, which lies at `at` until `release`; 0 while parts are missing.
   */
  add(p: Packet, source: number): number {
    const key = this.keyOf(p, source);
    const from = p.fragmentOffset;
    const length = p.limit - p.ipPayloadOffset;
    const to = from + length;
    const v4 = p.ipVersion === 4;
    if (p.cut > 0 || length <= 0) return this.ignore(p);
    if (to > MAX_DATAGRAM - (v4 ? 20 : 0)) {
      p.flag(v4 ? A['ipv4.frag_pkt_too_large'] : A['ipv6.frag_pkt_too_large']);
      this.dropped++;
      return 0;
    }
    if (p.fragmentMore !== 0 && length % 8 !== 0) return this.ignore(p);
    let datagram = this.datagrams.get(key);
    if (datagram === undefined) {
      if (this.datagrams.size >= MAX_DATAGRAMS) this.dropOldest();
      datagram = new Datagram(key);
      datagram.expiresUs = p.timeUs + this.limits.timeoutSeconds * 1e6;
      this.datagrams.set(key, datagram);
    }
    if (++datagram.fragments > MAX_FRAGMENTS) {
      this.discard(datagram);
      return this.ignore(p);
    }
    if (!this.reserve(datagram, HEADER_ROOM + to)) {
      this.discard(datagram);
      return this.ignore(p);
    }
    if (from === 0 && !datagram.hasFirst) this.keepHeader(datagram, p);
    if (p.fragmentMore === 0 && (datagram.total < 0 || this.limits.policy === 'last')) datagram.total = to;
    this.place(datagram, p, from, to);
    return this.finish(datagram);
  }

  /** Lets go of the datagram that `add` completed. */
  release(): void {
    if (this.finished === undefined) return;
    this.free(this.finished);
    this.finished = undefined;
  }

  /** Drops datagrams whose time is over. */
  expire(nowUs: number): void {
    for (const datagram of this.datagrams.values()) {
      if (datagram.expiresUs > nowUs) break; // in order of their first fragment
      this.timeouts++;
      this.discard(datagram);
    }
  }

  clear(): void {
    for (const datagram of this.datagrams.values()) this.discard(datagram);
  }

  private ignore(p: Packet): 0 {
    p.flag(p.ipVersion === 4 ? A['ipv4.frag_ignored'] : A['ipv6.frag_ignored']);
    this.dropped++;
    return 0;
  }

  /** Fragments are rare and few; a string key for them costs nobody. */
  private keyOf(p: Packet, source: number): string {
    const { u8 } = this.arena;
    const size = p.ipVersion === 4 ? 4 : 16;
    let key = `${p.ipVersion}.${source}.${p.vlan0}.${p.vlan1}.${p.fragmentId}.${p.ipVersion === 4 ? p.protocol : 0}`;
    for (let i = 0; i < size; i++) key += String.fromCharCode(u8[p.srcOffset + i]);
    for (let i = 0; i < size; i++) key += String.fromCharCode(u8[p.dstOffset + i]);
    return key;
  }

  private reserve(datagram: Datagram, bytes: number): boolean {
    if (bytes <= datagram.size) return true;
    let size = FIRST_BLOCK;
    while (size < bytes) size *= 2;
    if (this.held + size - datagram.size > this.limits.bytes) {
      while (this.held + size - datagram.size > this.limits.bytes && this.datagrams.size > 1) this.dropOldest(datagram);
      if (this.held + size - datagram.size > this.limits.bytes) return false;
    }
    const block = this.arena.take(size);
    if (block === 0) return false;
    if (datagram.size > 0) {
      this.arena.u8.copyWithin(block, datagram.block, datagram.block + datagram.size);
      this.arena.give(datagram.block, datagram.size);
    }
    this.held += size - datagram.size;
    datagram.block = block;
    datagram.size = size;
    return true;
  }

  /** Keeps the IP header of the first fragment right before where its payload starts. */
  private keepHeader(datagram: Datagram, p: Packet): void {
    const { u8 } = this.arena;
    const v4 = p.ipVersion === 4;
    const end = v4 ? p.ipPayloadOffset : p.fragmentHeader;
    const length = end - p.ipOffset;
    if (length > HEADER_ROOM) return;
    u8.copyWithin(datagram.block + HEADER_ROOM - length, p.ipOffset, end);
    datagram.headerLength = length;
    datagram.hasFirst = true;
    datagram.pointer = v4 ? 0 : p.fragmentPointer - p.ipOffset;
    datagram.protocol = p.protocol;
  }

  private place(datagram: Datagram, p: Packet, from: number, to: number): void {
    const { u8 } = this.arena;
    const base = datagram.block + HEADER_ROOM;
    const source = p.ipPayloadOffset;
    const { parts } = datagram;
    let overlapped = false;
    const added: Part[] = [];
    let here = from;
    for (let i = 0; i < parts.length && here < to; i++) {
      const old = parts[i];
      if (old.to <= here) continue;
      if (old.from >= to) break;
      if (old.from > here) {
        u8.copyWithin(base + here, source + here - from, source + old.from - from);
        added.push({ from: here, to: old.from, start: from, end: to });
        here = old.from;
      }
      const stop = Math.min(old.to, to);
      overlapped = true;
      if (laterWins(this.limits.policy, from - old.start, to - old.end)) {
        u8.copyWithin(base + here, source + here - from, source + stop - from);
        // The bytes change owner: cut the old part around them.
        if (old.from < here) added.push({ from: old.from, to: here, start: old.start, end: old.end });
        if (old.to > stop) added.push({ from: stop, to: old.to, start: old.start, end: old.end });
        old.from = here;
        old.to = stop;
        old.start = from;
        old.end = to;
      }
      here = stop;
    }
    if (here < to) {
      u8.copyWithin(base + here, source + here - from, source + to - from);
      added.push({ from: here, to, start: from, end: to });
    }
    parts.push(...added);
    parts.sort((a, b) => a.from - b.from);
    if (overlapped) p.flag(p.ipVersion === 4 ? A['ipv4.frag_overlap'] : A['ipv6.frag_overlap']);
  }

  private finish(datagram: Datagram): number {
    if (datagram.total < 0 || !datagram.hasFirst) return 0;
    let covered = 0;
    for (const part of datagram.parts) {
      if (part.from > covered) return 0;
      if (part.to > covered) covered = part.to;
    }
    if (covered < datagram.total) return 0;
    const { u8 } = this.arena;
    const at = datagram.block + HEADER_ROOM - datagram.headerLength;
    const length = datagram.headerLength + datagram.total;
    if (u8[at] >> 4 === 4) {
      u8[at + 2] = length >> 8;
      u8[at + 3] = length & 255;
      u8[at + 6] = 0;
      u8[at + 7] = 0;
      fixHeaderChecksum(u8, at, datagram.headerLength);
    } else {
      const payload = length - 40;
      u8[at + 4] = payload >> 8;
      u8[at + 5] = payload & 255;
      u8[at + datagram.pointer] = datagram.protocol;
    }
    this.datagrams.delete(datagram.key);
    this.finished = datagram;
    this.at = at;
    this.completed++;
    return length;
  }

  private dropOldest(except?: Datagram): void {
    for (const datagram of this.datagrams.values()) {
      if (datagram === except) continue;
      this.dropped++;
      this.discard(datagram);
      return;
    }
  }

  private discard(datagram: Datagram): void {
    this.datagrams.delete(datagram.key);
    this.free(datagram);
  }

  private free(datagram: Datagram): void {
    if (datagram.size === 0) return;
    this.held -= datagram.size;
    this.arena.give(datagram.block, datagram.size);
    datagram.size = 0;
  }
}

/** Room before the payload for the header: IPv4's largest, or IPv6 with extension headers before the fragment header. */
const HEADER_ROOM = 512;

function fixHeaderChecksum(u8: Uint8Array, at: number, length: number): void {
  u8[at + 10] = 0;
  u8[at + 11] = 0;
  let total = 0;
  for (let i = 0; i < length; i += 2) total += (u8[at + i] << 8) | u8[at + i + 1];
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  total = ~total & 0xffff;
  u8[at + 10] = total >> 8;
  u8[at + 11] = total & 255;
}
