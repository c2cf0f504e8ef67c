import type { Packet } from '../decode/packet.js';

/**
 * Classes of flows, in the order in which they are given up when the table is full. Each has one timeout, and a list in
 * the order of last use, so that the next to expire and the next to evict are always at its head.
 */
export const enum FlowClass {
  /** Closed by FIN or RST; kept a while for stragglers. */
  Closed = 0,
  /** TCP without an answer that carries it beyond the handshake: what a SYN or ACK flood fills. */
  TcpNew = 1,
  /** Anything else seen in one direction only. */
  OtherNew = 2,
  /** TCP with payload of which one side only is seen: asymmetric capture, or a flood of forged segments. */
  TcpOneWay = 3,
  OtherEstablished = 4,
  TcpEstablished = 5,
}
const CLASSES = 6;

/**
 * Words (32 bits) of a slot. Doubles are at `D`. One slot is 192 bytes, three lines of cache: the first tells whose packet
 * it is, the second what a packet of an open connection changes, the third what only its beginning, its end and encrypted payload ask for.
 */
export const enum W {
  /** A bit by direction, and `QUIET_OPEN`: what `PlainSegments` knows | TRAFFIC number << 3 | `Matcher.idleEpoch` << 11 */
  Quiet = 0,
  Previous = 1, Next = 2,
  /** class | protocol << 8 | IP version << 16 | `SlotFlag` << 24 */
  Meta = 3,
  Client = 4, Server = 8,
  /** client << 16 | server */
  Ports = 12,
  /** outer VLAN | inner VLAN << 12 | source << 24 */
  Vlan = 13,
  /** Second of the last move to the end of its list. */
  Listed = 14,
  /** Number of its newest packet in the packet ring, 0: none. */
  LastPacket = 15,
  PacketsToServer = 22, PacketsToClient = 23,
  /** TCP: flags of the client | of the server << 8 | state << 16 | `WAITING` of client, server */
  Tcp = 24,
  /** One past the highest sequence number sent, by side. */
  ClientNext = 25, ServerNext = 26,
  /** Highest acknowledgement sent, by side. */
  ClientAck = 27, ServerAck = 28,
  /** Receive window in bytes, by side. */
  ClientWindow = 29, ServerWindow = 30,
  /** Window scale + 1 of client | of server << 8 | TTL of client << 16 | of server << 24 */
  Scale = 31,
  ClientIsn = 34, ServerIsn = 35,
  /** Initial number of a SYN on an open flow: answered, it means that the ports are used again. */
  PendingIsn = 36,
  /** Number of its first packet. */
  FirstPacket = 37,
  Hash = 38,
  /** Of sides that are `UNSETTLED`: bytes that may yet go by unread by their parser, and those that have. */
  Unread = 39, UnreadServer = 40,
  PassedBy = 41, PassedByServer = 42,
}
/** In `W.Quiet`: the flow has its object and its session. */
export const QUIET_OPEN = 4;
export const QUIET_BITS = 7;
const TRAFFIC_SHIFT = 3;
export const EPOCH_SHIFT = 11;
/** In `W.Tcp`: the stream of the client (server: the bit above) has segments that wait for earlier ones. */
export const WAITING = 1 << 24;
/** In `W.Tcp`: both streams have come to their end, and what was kept of them is gone. */
export const FINISHED = 1 << 26;
/**
 * In `W.Tcp`: the stream of the client (server: the bit above) stands at `W.ClientNext`, and what has gone by since is
 * told to its objects when somebody asks (`PlainSegments.settle`).
 */
export const UNSETTLED = 1 << 27;
const STRIDE = 48;
/** Where the slots begin: large buffers lie 16 bytes behind the start of a page, and slots shall begin a line of cache. */
const ALIGN = 48;
/** Doubles of a slot, in units of 8 bytes. */
export const enum D { Last = 8, BytesToServer = 9, BytesToClient = 10, Start = 16 }
const DOUBLES = STRIDE / 2;

export const enum SlotFlag {
  /** The first packet seen was not the first of the connection. */
  Midstream = 1,
  /** Packets both ways. */
  Answered = 2,
  /** SYN on an open flow: see `W.PendingIsn`. */
  PendingSyn = 4,
  /** An initial number is known of client, server. */
  ClientIsn = 8,
  ServerIsn = 16,
  /** Reported as refused. */
  Refused = 32,
  /** Sides whose sequence numbers are known. */
  ClientSeq = 64,
  ServerSeq = 128,
}

export interface FlowTableOptions {
  /** Most flows at a time. */
  capacity: number;
  /** Seconds without a packet after which a flow of each class is over, by class number. */
  timeouts: readonly number[];
  /** Keys the hash, so that nobody can choose addresses that collide. */
  seed: number;
  /** Called before a slot is freed. */
  onEnd(slot: number, reason: EndReason): void;
}

export type EndReason = 'timeout' | 'evicted' | 'tcp_reuse' | 'shutdown';

/** Suricata's defaults: TCP new 60, established 600, closed 60; others new 30, established 300. */
export const DEFAULT_TIMEOUTS: readonly number[] = [60, 60, 30, 300, 300, 600];

/**
 * What may be taken by flows that have proven themselves (one-way, established): the rest stays free for newcomers, so
 * that a table full of idle connections still sees new ones, and a flood of newcomers never costs an established one.
 */
const PROVEN_SHARE = 7 / 8;

/** Entries of the index at first, and up to where it doubles; beyond, it takes its full size at once. */
const FIRST_INDEX = 1 << 13;
const LAST_DOUBLING = 1 << 17;

/** Bounded table of flows in typed arrays: open addressing, lists by class, no object per flow. */
export class FlowTable {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** Direction of the packet that `find` or `open` just placed: 0 client to server. */
  direction: 0 | 1 = 0;
  /** Flows now, and what the bound has cost so far. */
  size = 0;
  evicted = 0;
  evictedProven = 0;
  refused = 0;
  opened = 0;
  /** High-water mark of slots in use: memory touched. */
  peak = 0;

  /** Slot + 1 in the low bits (`slots`), bits of its hash above; 0: vacant. At most half full; no larger than the flows need, since every packet reads it somewhere. */
  private index: Int32Array;
  private mask: number;
  private readonly slots: number;
  private readonly largest: number;
  private readonly heads = new Int32Array(CLASSES).fill(-1);
  private readonly tails = new Int32Array(CLASSES).fill(-1);
  private readonly counts = new Int32Array(CLASSES);
  private readonly proven: number;
  private free = -1;
  private fresh = 0;
  private readonly seed: number;
  // The key of the packet under way, left by `find` for `open`.
  private hash = 0;
  private s0 = 0; private s1 = 0; private s2 = 0; private s3 = 0;
  private d0 = 0; private d1 = 0; private d2 = 0; private d3 = 0;
  private vlan = 0;

  constructor(readonly options: FlowTableOptions) {
    const capacity = options.capacity;
    let size = 64;
    while (size < capacity * 2) size *= 2;
    this.slots = size - 1;
    this.largest = size;
    size = Math.min(size, FIRST_INDEX);
    this.mask = size - 1;
    this.index = new Int32Array(size);
    const buffer = new ArrayBuffer(ALIGN + capacity * STRIDE * 4);
    this.words = new Int32Array(buffer, ALIGN);
    this.doubles = new Float64Array(buffer, ALIGN);
    this.seed = options.seed | 0;
    this.proven = Math.floor(capacity * PROVEN_SHARE);
  }

  /** First word of a slot. */
  at(slot: number): number { return slot * STRIDE; }
  /** First double of a slot. */
  doublesAt(slot: number): number { return slot * DOUBLES; }

  /**
   * Finds the flow of a packet with an IP layer and sets `direction`.
   * @param source number of the capture point (8 bits): the same addresses at two nodes are two flows.
   * @returns its slot, or -1.
   */
  find(u8: Uint8Array, p: Packet, source: number): number {
    const s = p.srcOffset;
    const d = p.dstOffset;
    if (p.ipVersion === 4) return this.find4(word(u8, s), word(u8, d), (p.srcPort << 16) | p.dstPort, p.protocol, p.vlan0 | (p.vlan1 << 12) | (source << 24));
    const s0 = word(u8, s);
    const d0 = word(u8, d);
    const vlan = p.vlan0 | (p.vlan1 << 12) | (source << 24);
    const ports = (p.srcPort << 16) | p.dstPort;
    const reverse = (p.dstPort << 16) | p.srcPort;
    const kind = (p.protocol << 8) | (p.ipVersion << 16);
    const { words, index, mask, slots } = this;
    this.s0 = s0;
    this.d0 = d0;
    this.vlan = vlan;
    const s1 = word(u8, s + 4), s2 = word(u8, s + 8), s3 = word(u8, s + 12);
    const d1 = word(u8, d + 4), d2 = word(u8, d + 8), d3 = word(u8, d + 12);
    this.s1 = s1; this.s2 = s2; this.s3 = s3;
    this.d1 = d1; this.d2 = d2; this.d3 = d3;
    const hash = this.mix(this.fold(s0, s1, s2, s3), this.fold(d0, d1, d2, d3), p.srcPort, p.dstPort, kind ^ vlan);
    this.hash = hash;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const entry = index[i];
      if (entry === 0) return -1;
      if (((entry ^ hash) & ~slots) !== 0) continue;
      const slot = (entry & slots) - 1;
      const w = slot * STRIDE;
      if ((words[w + W.Meta] & 0xffff00) !== kind || words[w + W.Vlan] !== vlan) continue;
      if (words[w + W.Ports] === ports && this.same(w + W.Client, s0, s1, s2, s3) && this.same(w + W.Server, d0, d1, d2, d3)) {
        this.direction = 0;
        return slot;
      }
      if (words[w + W.Ports] === reverse && this.same(w + W.Client, d0, d1, d2, d3) && this.same(w + W.Server, s0, s1, s2, s3)) {
        this.direction = 1;
        return slot;
      }
    }
  }

  /**
   * As `find`, by the fields of an IPv4 packet.
   * @param ports source << 16 | destination @param vlan as `W.Vlan`
   */
  find4(source: number, destination: number, ports: number, protocol: number, vlan: number): number {
    const { words, index, mask, slots } = this;
    const kind = (protocol << 8) | (4 << 16);
    const from = ports >>> 16;
    const to = ports & 0xffff;
    const reverse = (to << 16) | from;
    this.s0 = source;
    this.d0 = destination;
    this.vlan = vlan;
    const hash = this.mix(source, destination, from, to, kind ^ vlan);
    this.hash = hash;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const entry = index[i];
      if (entry === 0) return -1;
      if (((entry ^ hash) & ~slots) !== 0) continue;
      const slot = (entry & slots) - 1;
      const w = slot * STRIDE;
      if ((words[w + W.Meta] & 0xffff00) !== kind || words[w + W.Vlan] !== vlan) continue;
      if (words[w + W.Client] === source && words[w + W.Server] === destination && words[w + W.Ports] === ports) {
        this.direction = 0;
        return slot;
      }
      if (words[w + W.Client] === destination && words[w + W.Server] === source && words[w + W.Ports] === reverse) {
        this.direction = 1;
        return slot;
      }
    }
  }

  /**
   * Opens a flow for the packet that `find` just missed.
   * @param fromServer the packet comes from the server (a SYN-ACK, say).
   * @returns its slot, or -1 when the table is full of better-proven flows.
   */
  open(p: Packet, kind: FlowClass, fromServer: boolean): number {
    let slot = this.free;
    if (slot >= 0) this.free = this.words[slot * STRIDE + W.Next];
    else if (this.fresh < this.options.capacity) {
      slot = this.fresh++;
      this.peak = this.fresh;
    } else {
      const victim = this.victim(kind);
      if (victim < 0) {
        this.refused++;
        return -1;
      }
      this.evicted++;
      this.close(victim, 'evicted');
      slot = this.free;
      this.free = this.words[slot * STRIDE + W.Next];
    }
    const { words, doubles } = this;
    const w = slot * STRIDE;
    words.fill(0, w, w + STRIDE);
    words[w + W.Hash] = this.hash;
    words[w + W.Meta] = kind | (p.protocol << 8) | (p.ipVersion << 16);
    words[w + W.Vlan] = this.vlan;
    const c = w + (fromServer ? W.Server : W.Client);
    const v = w + (fromServer ? W.Client : W.Server);
    words[c] = this.s0;
    words[v] = this.d0;
    if (p.ipVersion === 6) {
      words[c + 1] = this.s1; words[c + 2] = this.s2; words[c + 3] = this.s3;
      words[v + 1] = this.d1; words[v + 2] = this.d2; words[v + 3] = this.d3;
    }
    words[w + W.Ports] = fromServer ? (p.dstPort << 16) | p.srcPort : (p.srcPort << 16) | p.dstPort;
    const f = slot * DOUBLES;
    doubles[f + D.Start] = p.timeUs;
    doubles[f + D.Last] = p.timeUs;
    this.direction = fromServer ? 1 : 0;
    this.insert(this.hash, slot);
    this.size++;
    this.opened++;
    this.append(slot, kind, seconds(p.timeUs));
    if (kind >= FlowClass.TcpOneWay) this.trim();
    return slot;
  }

  /** Counts a packet of a flow. */
  count(slot: number, direction: number, p: Packet): void {
    this.countPacket(slot, slot * STRIDE, slot * DOUBLES, direction, p.timeUs, p.wireLength);
  }

  /** As `count`. @param w first word, @param f first double of the slot */
  countPacket(slot: number, w: number, f: number, direction: number, timeUs: number, bytes: number): void {
    this.words[w + W.PacketsToServer + direction]++;
    this.doubles[f + D.BytesToServer + direction] += bytes;
    if (timeUs > this.doubles[f + D.Last]) this.doubles[f + D.Last] = timeUs;
    // Moving it in its list at most once a second of packet time keeps neighbours out of the cache.
    const second = seconds(timeUs);
    if (this.words[w + W.Listed] !== second) this.touch(slot, second);
  }

  kind(slot: number): FlowClass { return (this.words[slot * STRIDE + W.Meta] & 255) as FlowClass; }

  /** Puts a flow into another class. */
  promote(slot: number, kind: FlowClass): void {
    const w = slot * STRIDE;
    const meta = this.words[w + W.Meta];
    if ((meta & 255) === kind) return;
    const second = this.words[w + W.Listed];
    this.unlink(slot);
    this.words[w + W.Meta] = (meta & ~255) | kind;
    this.append(slot, kind, second);
    if (kind >= FlowClass.TcpOneWay) this.trim();
  }

  /** What its packets count as (`TRAFFIC` and beyond); 0 while not known. */
  traffic(slot: number): number { return (this.words[slot * STRIDE + W.Quiet] >>> TRAFFIC_SHIFT) & 255; }
  setTraffic(slot: number, id: number): void {
    const w = slot * STRIDE + W.Quiet;
    this.words[w] = (this.words[w] & ~(255 << TRAFFIC_SHIFT)) | (id << TRAFFIC_SHIFT);
  }

  has(slot: number, flag: number): boolean { return (this.words[slot * STRIDE + W.Meta] & (flag << 24)) !== 0; }
  set(slot: number, flag: number): void { this.words[slot * STRIDE + W.Meta] |= flag << 24; }
  unset(slot: number, flag: number): void { this.words[slot * STRIDE + W.Meta] &= ~(flag << 24); }

  /** Packets, then bytes, then bytes of the TCP streams (SYN counted), each to server and to client. */
  totals(slot: number): readonly [number, number, number, number, number, number] {
    const { words, doubles } = this;
    const w = slot * STRIDE;
    const d = slot * DOUBLES;
    const sent = (next: number, isn: number, known: number) => (this.has(slot, known) ? (words[w + next] - words[w + isn]) >>> 0 : 0);
    return [
      words[w + W.PacketsToServer] >>> 0, words[w + W.PacketsToClient] >>> 0, doubles[d + D.BytesToServer], doubles[d + D.BytesToClient],
      sent(W.ClientNext, W.ClientIsn, SlotFlag.ClientIsn), sent(W.ServerNext, W.ServerIsn, SlotFlag.ServerIsn),
    ];
  }

  /** Swaps client and server of a flow. */
  turn(slot: number): void {
    const { words, doubles } = this;
    const w = slot * STRIDE;
    const f = slot * DOUBLES;
    for (let i = 0; i < 4; i++) swap(words, w + W.Client + i, w + W.Server + i);
    words[w + W.Ports] = (words[w + W.Ports] >>> 16) | (words[w + W.Ports] << 16);
    swap(words, w + W.PacketsToServer, w + W.PacketsToClient);
    swap(words, w + W.ClientNext, w + W.ServerNext);
    swap(words, w + W.ClientAck, w + W.ServerAck);
    swap(words, w + W.ClientWindow, w + W.ServerWindow);
    swap(words, w + W.ClientIsn, w + W.ServerIsn);
    swap(doubles, f + D.BytesToServer, f + D.BytesToClient);
    const tcp = words[w + W.Tcp];
    words[w + W.Tcp] = (tcp & ~0xffff) | ((tcp & 255) << 8) | ((tcp >> 8) & 255);
    const scale = words[w + W.Scale];
    words[w + W.Scale] = ((scale & 0x00ff00ff) << 8) | ((scale >>> 8) & 0x00ff00ff);
    const flags = words[w + W.Meta] >>> 24;
    const rest = flags & ~(SlotFlag.ClientIsn | SlotFlag.ServerIsn | SlotFlag.ClientSeq | SlotFlag.ServerSeq);
    const moved = (from: number, to: number): number => ((flags & from) !== 0 ? to : 0);
    const turned = rest | moved(SlotFlag.ClientIsn, SlotFlag.ServerIsn) | moved(SlotFlag.ServerIsn, SlotFlag.ClientIsn)
      | moved(SlotFlag.ClientSeq, SlotFlag.ServerSeq) | moved(SlotFlag.ServerSeq, SlotFlag.ClientSeq);
    words[w + W.Meta] = (words[w + W.Meta] & 0xffffff) | (turned << 24);
  }

  /** Ends a flow: tells `onEnd`, then frees its slot. */
  close(slot: number, reason: EndReason): void {
    this.options.onEnd(slot, reason);
    this.remove(slot);
    this.unlink(slot);
    this.words[slot * STRIDE + W.Next] = this.free;
    this.free = slot;
    this.size--;
  }

  /** Ends flows whose time is over, at most `limit` a call so that no packet waits long. */
  expire(nowUs: number, limit: number): number {
    let ended = 0;
    for (let kind = 0; kind < CLASSES; kind++) {
      const age = this.options.timeouts[kind] * 1e6;
      while (ended < limit) {
        const slot = this.heads[kind];
        if (slot < 0) break;
        const idle = nowUs - this.doubles[slot * DOUBLES + D.Last];
        if (idle < age) {
          // Used since it was listed: its place is further back.
          const second = seconds(this.doubles[slot * DOUBLES + D.Last]);
          if (this.words[slot * STRIDE + W.Listed] < second) {
            this.touch(slot, second);
            ended++;
            continue;
          }
          break;
        }
        this.close(slot, 'timeout');
        ended++;
      }
    }
    return ended;
  }

  /** Ends all flows, oldest first within each class. */
  clear(reason: EndReason): void {
    for (let kind = 0; kind < CLASSES; kind++) {
      while (this.heads[kind] >= 0) this.close(this.heads[kind], reason);
    }
  }

  countOf(kind: FlowClass): number { return this.counts[kind]; }

  /** Bytes reserved; pages never touched cost nothing. */
  get bytes(): number { return this.words.byteLength + this.index.byteLength; }

  /** The flow to give up for a newcomer of a class, or -1. */
  private victim(kind: FlowClass): number {
    if (this.heads[FlowClass.Closed] >= 0) return this.heads[FlowClass.Closed];
    const other = this.counts[FlowClass.TcpNew] >= this.counts[FlowClass.OtherNew] ? FlowClass.TcpNew : FlowClass.OtherNew;
    if (this.heads[other] >= 0) return this.heads[other];
    if (kind >= FlowClass.TcpOneWay && this.heads[FlowClass.TcpOneWay] >= 0) return this.heads[FlowClass.TcpOneWay];
    return -1;
  }

  /** Keeps proven flows within their share, giving up the one longest without a packet of the least proven class. */
  private trim(): void {
    const { counts, heads } = this;
    while (counts[3] + counts[4] + counts[5] > this.proven) {
      const slot = heads[3] >= 0 && counts[3] > 1 ? heads[3] : counts[4] > counts[5] ? heads[4] : heads[5];
      this.evicted++;
      this.evictedProven++;
      this.close(slot, 'evicted');
    }
  }

  private same(at: number, a: number, b: number, c: number, d: number): boolean {
    const { words } = this;
    return words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d;
  }

  /** Symmetric in the two ends: both directions of a flow hash alike. */
  private mix(a: number, b: number, aPort: number, bPort: number, rest: number): number {
    let x = Math.imul(a ^ this.seed, 0x85ebca6b) + Math.imul(aPort, 0xc2b2ae35);
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
    x ^= x >>> 12;
    let y = Math.imul(b ^ this.seed, 0x85ebca6b) + Math.imul(bPort, 0xc2b2ae35);
    y = Math.imul(y ^ (y >>> 15), 0x2c1b3c6d);
    y ^= y >>> 12;
    let h = (x + y) ^ Math.imul(rest, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    return h ^ (h >>> 16);
  }

  private fold(a: number, b: number, c: number, d: number): number {
    let h = Math.imul(a ^ this.seed, 0xcc9e2d51);
    h = Math.imul(((h << 15) | (h >>> 17)) ^ b, 0x1b873593);
    h = Math.imul(((h << 13) | (h >>> 19)) ^ c, 0xcc9e2d51);
    h = Math.imul(((h << 15) | (h >>> 17)) ^ d, 0x1b873593);
    return h ^ (h >>> 16);
  }

  private insert(hash: number, slot: number): void {
    if (this.size * 2 >= this.index.length && this.index.length < this.largest) this.growIndex();
    const { index, mask } = this;
    let i = hash & mask;
    while (index[i] !== 0) i = (i + 1) & mask;
    index[i] = (hash & ~this.slots) | (slot + 1);
  }

  private growIndex(): void {
    const before = this.index;
    const { words, slots } = this;
    const size = before.length >= LAST_DOUBLING ? this.largest : before.length * 2;
    const index = new Int32Array(size);
    const mask = size - 1;
    for (let k = 0; k < before.length; k++) {
      const entry = before[k];
      if (entry === 0) continue;
      let i = words[((entry & slots) - 1) * STRIDE + W.Hash] & mask;
      while (index[i] !== 0) i = (i + 1) & mask;
      index[i] = entry;
    }
    this.index = index;
    this.mask = mask;
  }

  /** Removal by shifting back what follows, so that no tombstones gather under a flood. */
  private remove(slot: number): void {
    const { index, mask, slots, words } = this;
    let i = words[slot * STRIDE + W.Hash] & mask;
    while ((index[i] & slots) !== slot + 1) i = (i + 1) & mask;
    for (let j = (i + 1) & mask; ; j = (j + 1) & mask) {
      const entry = index[j];
      if (entry === 0) break;
      const home = words[((entry & slots) - 1) * STRIDE + W.Hash] & mask;
      if (((j - home) & mask) >= ((j - i) & mask)) {
        index[i] = entry;
        i = j;
      }
    }
    index[i] = 0;
  }

  private touch(slot: number, second: number): void {
    const kind = this.words[slot * STRIDE + W.Meta] & 255;
    if (this.tails[kind] === slot) {
      this.words[slot * STRIDE + W.Listed] = second;
      return;
    }
    this.unlink(slot);
    this.append(slot, kind, second);
  }

  private append(slot: number, kind: number, second: number): void {
    const { words } = this;
    const w = slot * STRIDE;
    const tail = this.tails[kind];
    words[w + W.Previous] = tail;
    words[w + W.Next] = -1;
    words[w + W.Listed] = second;
    if (tail < 0) this.heads[kind] = slot;
    else words[tail * STRIDE + W.Next] = slot;
    this.tails[kind] = slot;
    this.counts[kind]++;
  }

  private unlink(slot: number): void {
    const { words } = this;
    const w = slot * STRIDE;
    const kind = words[w + W.Meta] & 255;
    const previous = words[w + W.Previous];
    const next = words[w + W.Next];
    if (previous < 0) this.heads[kind] = next;
    else words[previous * STRIDE + W.Next] = next;
    if (next < 0) this.tails[kind] = previous;
    else words[next * STRIDE + W.Previous] = previous;
    this.counts[kind]--;
  }
}

function swap(array: Int32Array | Float64Array, a: number, b: number): void {
  const kept = array[a];
  array[a] = array[b];
  array[b] = kept;
}

function word(u8: Uint8Array, at: number): number {
  return (u8[at] << 24) | (u8[at + 1] << 16) | (u8[at + 2] << 8) | u8[at + 3];
}

function seconds(timeUs: number): number {
  return (timeUs / 1e6) | 0;
}
