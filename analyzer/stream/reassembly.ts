import type { Arena } from '../arena.js';
import type { Direction } from '../flow/flow.js';
import { laterWins, type OverlapPolicy } from '../decode/overlap.js';

export interface ReassemblyLimits {
  policy: OverlapPolicy;
  /** Out-of-order bytes that one direction may keep: a megabyte covers what a window holds on our links. */
  streamBytes: number;
  /** Out-of-order segments that one direction may keep; each costs a list entry and at least 256 bytes. */
  streamSegments: number;
  /** Out-of-order bytes of one direction when the other is never seen, so that nothing says what arrived. */
  oneSidedBytes: number;
  /** Out-of-order bytes of all streams. */
  totalBytes: number;
}

export const DEFAULT_REASSEMBLY: ReassemblyLimits = {
  policy: 'linux', streamBytes: 1 << 20, streamSegments: 1024, oneSidedBytes: 64 * 1024, totalBytes: 64 << 20,
};

/** Bytes that wait for those before them; `at` lies in a block of its own. */
interface Segment {
  seq: number;
  length: number;
  /** Data and the block it lies in. */
  at: number;
  block: number;
  blockBytes: number;
  /** Bounds of the segment that brought the bytes, for the overlap policy. */
  from: number;
  to: number;
  /** Perhaps it never reached the receiver: handed on only when acknowledged, and any other bytes replace it. */
  suspect: boolean;
}

/** One direction of a TCP connection. */
export class TcpStream {
  /** Sequence number of the next byte to hand on. */
  next = 0;
  started = false;
  readonly queue: Segment[] = [];
  /** Length of `queue`, beside the fields that every packet reads. */
  waiting = 0;
  queued = 0;
  /** Highest acknowledgement by the peer; meaningful when `peerAcked`. */
  acked = 0;
  peerAcked = false;
  hasFin = false;
  fin = 0;
  ended = false;
  /** Bytes lost for good, and gaps. */
  missing = 0;
  gaps = 0;
  /** End of the last segment far outside the window: when others follow it and nothing comes in order, the stream really is there. */
  strayEnd = 0;
  strays = 0;
  /** Most segments that ever waited (EVE `ts_max_regions`). */
  maxQueue = 0;
  delivered = 0;

  constructor(readonly owner: object, readonly direction: Direction) {}

  /** As new; nothing waits any more. */
  renew(): void {
    this.next = 0;
    this.started = false;
    this.acked = 0;
    this.peerAcked = false;
    this.hasFin = false;
    this.fin = 0;
    this.ended = false;
    this.missing = 0;
    this.gaps = 0;
    this.strayEnd = 0;
    this.strays = 0;
    this.maxQueue = 0;
    this.delivered = 0;
  }
}

export interface StreamSink {
  /** The next bytes of the stream, at `at` in the arena. */
  bytes(stream: TcpStream, at: number, length: number): void;
  /** Bytes that will never come. */
  gap(stream: TcpStream, missing: number): void;
  /** The stream is complete up to its FIN. */
  end(stream: TcpStream): void;
  /** Later bytes differ from those they overlap. */
  conflict(stream: TcpStream): void;
}

/** What became of a segment. */
export const enum Accepted { InOrder = 0, Retransmission = 1, Queued = 2, OutOfWindow = 3, Shed = 4 }

/** A segment this far from what is expected, while no window is known, is not loss but forgery or a new connection. */
const FAR = 1 << 24;

/** Puts the directions of TCP connections in order. In-order bytes are handed on where they lie. */
export class Reassembly {
  queued = 0;
  gaps = 0;
  missingBytes = 0;
  retransmissions = 0;
  outOfOrder = 0;
  overlaps = 0;
  outOfWindow = 0;
  /** Gaps declared because a bound was reached rather than because the peer acknowledged. */
  forced = 0;
  shed = 0;

  constructor(private readonly arena: Arena, private readonly limits: ReassemblyLimits, private readonly sink: StreamSink) {}

  /**
   * Takes a segment of `length` bytes at `at`.
   * @param window bytes that the receiver accepts beyond what it acknowledged; 0 where that is not known.
   * @param ack the peer's highest acknowledgement; 0 where none was seen.
   * @param suspect it may have been sent so that it never arrives (a short TTL).
   */
  accept(stream: TcpStream, seq: number, at: number, length: number, window: number, ack: number, suspect = false): Accepted {
    if (!stream.started) {
      stream.started = true;
      stream.next = seq;
    }
    let ahead = (seq - stream.next) | 0;
    if (ahead === 0 && stream.waiting === 0 && !suspect) {
      stream.next = (seq + length) | 0;
      stream.delivered += length;
      stream.strays = 0;
      this.sink.bytes(stream, at, length);
      if (stream.hasFin) this.checkFin(stream);
      return Accepted.InOrder;
    }
    if (ahead < 0) {
      if (ahead + length <= 0) {
        this.retransmissions++;
        return Accepted.Retransmission;
      }
      at -= ahead;
      length += ahead;
      seq = stream.next;
      ahead = 0;
    }
    if (ack !== 0) {
      stream.acked = ack;
      stream.peerAcked = true;
    }
    if (ahead > 0 && this.isStray(stream, seq, length, ahead, window)) {
      this.outOfWindow++;
      return Accepted.OutOfWindow;
    }
    if (ahead === 0 && !suspect && (stream.queue.length === 0 || length <= ((stream.queue[0].seq - seq) | 0))) {
      stream.next = (seq + length) | 0;
      stream.delivered += length;
      stream.strays = 0;
      this.sink.bytes(stream, at, length);
      this.drain(stream, false);
      return Accepted.InOrder;
    }
    this.outOfOrder++;
    const kept = this.insert(stream, seq, at, length, suspect);
    if (ahead === 0) this.drain(stream, false);
    this.resolve(stream);
    if (!kept) {
      this.shed++;
      return Accepted.Shed;
    }
    return Accepted.Queued;
  }

  /** The peer acknowledged up to `ack`: holes below it will not be filled. */
  acknowledged(stream: TcpStream, ack: number): void {
    if (stream.peerAcked && ((ack - stream.acked) | 0) <= 0) return;
    stream.acked = ack;
    stream.peerAcked = true;
    if (stream.queue.length > 0) this.resolve(stream);
  }

  /** FIN whose number is `seq`. */
  finish(stream: TcpStream, seq: number): void {
    if (stream.hasFin) return;
    if (stream.started && ((seq - stream.next) | 0) < 0) return;
    stream.hasFin = true;
    stream.fin = seq;
    if (!stream.started) {
      stream.started = true;
      stream.next = seq;
    }
    this.checkFin(stream);
  }

  /** No more packets will come: hands on what waits, with its gaps, and lets go of all memory. */
  flush(stream: TcpStream): void {
    while (stream.queue.length > 0) this.skip(stream);
  }

  private checkFin(stream: TcpStream): void {
    if (!stream.ended && stream.queue.length === 0 && stream.next === stream.fin) {
      stream.ended = true;
      this.sink.end(stream);
    }
  }

  private isStray(stream: TcpStream, seq: number, length: number, ahead: number, window: number): boolean {
    const base = stream.peerAcked && ((stream.acked - stream.next) | 0) > 0 ? (stream.acked - stream.next) | 0 : 0;
    // A capture may have lost what moved the window: bytes beyond it count as forged until they prove consistent.
    const limit = window > 0 ? base + Math.max(window, 65535) + length : FAR;
    if (ahead <= limit) {
      stream.strays = 0;
      return false;
    }
    stream.strays = stream.strays > 0 && seq === stream.strayEnd ? stream.strays + 1 : 1;
    stream.strayEnd = (seq + length) | 0;
    return stream.strays < 3;
  }

  /** Declares holes lost that the peer has acknowledged, or that the bounds no longer let us wait for. */
  private resolve(stream: TcpStream): void {
    const { limits } = this;
    while (stream.queue.length > 0) {
      const hole = (stream.queue[0].seq - stream.next) | 0;
      if (hole > 0 || stream.queue[0].suspect) {
        const acknowledged = stream.peerAcked && ((stream.acked - stream.queue[0].seq) | 0) > 0;
        if (!acknowledged) {
          const bound = stream.peerAcked ? limits.streamBytes : limits.oneSidedBytes;
          const over = stream.queued > bound || stream.queue.length > limits.streamSegments || this.queued > limits.totalBytes;
          if (!over) return;
          this.forced++;
        }
      }
      this.skip(stream);
    }
  }

  /** Gives up the hole before the first waiting segment and hands that on. */
  private skip(stream: TcpStream): void {
    const hole = (stream.queue[0].seq - stream.next) | 0;
    if (hole > 0) {
      stream.gaps++;
      stream.missing += hole;
      this.gaps++;
      this.missingBytes += hole;
      stream.next = stream.queue[0].seq;
      this.sink.gap(stream, hole);
    }
    this.drain(stream, true);
  }

  /** Hands on what has become contiguous, up to the first suspect segment; `force`: beyond it. */
  private drain(stream: TcpStream, force: boolean): void {
    while (stream.queue.length > 0) {
      const first = stream.queue[0];
      const behind = (stream.next - first.seq) | 0;
      if (behind < 0) break;
      if (first.suspect && !force && !(stream.peerAcked && ((stream.acked - first.seq) | 0) > 0)) break;
      force = false;
      stream.queue.shift();
      if (behind < first.length) {
        stream.next = (first.seq + first.length) | 0;
        stream.delivered += first.length - behind;
        this.sink.bytes(stream, first.at + behind, first.length - behind);
      }
      this.release(stream, first);
    }
    stream.waiting = stream.queue.length;
    if (stream.hasFin) this.checkFin(stream);
  }

  /** Puts bytes among those that wait, by policy where they overlap. @returns false when some had to be dropped. */
  private insert(stream: TcpStream, seq: number, at: number, length: number, suspect: boolean): boolean {
    const { queue } = stream;
    const end = (seq + length) | 0;
    let i = queue.length;
    while (i > 0 && ((queue[i - 1].seq + queue[i - 1].length - seq) | 0) > 0) i--;
    let kept = true;
    let here = seq;
    // Segments from `i` on end behind `seq`; `here` is the first byte of the new segment not yet placed.
    while (((end - here) | 0) > 0) {
      const old = queue[i];
      if (old === undefined || ((old.seq - end) | 0) >= 0) {
        kept = this.place(stream, i, here, end, seq, end, at, suspect) && kept;
        break;
      }
      if (((old.seq - here) | 0) > 0) {
        if (this.place(stream, i, here, old.seq, seq, end, at, suspect)) i++;
        else kept = false;
        here = old.seq;
        continue;
      }
      const oldEnd = (old.seq + old.length) | 0;
      const stop = ((oldEnd - end) | 0) < 0 ? oldEnd : end;
      this.overlaps++;
      const { u8 } = this.arena;
      const size = (stop - here) | 0;
      const source = at + ((here - seq) | 0);
      const target = old.at + ((here - old.seq) | 0);
      let differs = false;
      for (let k = 0; k < size && !differs; k++) differs = u8[source + k] !== u8[target + k];
      if (differs) this.sink.conflict(stream);
      const wins = old.suspect !== suspect ? old.suspect : laterWins(this.limits.policy, (seq - old.from) | 0, (end - old.to) | 0);
      if (wins) {
        i = this.replace(stream, i, here, stop, seq, end, source, suspect);
      } else i++;
      here = stop;
    }
    stream.waiting = queue.length;
    if (queue.length > stream.maxQueue) stream.maxQueue = queue.length;
    return kept;
  }

  /** Overwrites [from, to) of waiting segment `i`. @returns the index behind what was written. */
  private replace(stream: TcpStream, i: number, from: number, to: number, origin: number, originEnd: number, source: number, suspect: boolean): number {
    const { queue } = stream;
    const { u8 } = this.arena;
    const old = queue[i];
    const oldEnd = (old.seq + old.length) | 0;
    u8.copyWithin(old.at + ((from - old.seq) | 0), source, source + ((to - from) | 0));
    if (from === old.seq && to === oldEnd) {
      old.from = origin;
      old.to = originEnd;
      old.suspect = suspect;
      return i + 1;
    }
    // Part of the segment has a new owner: cut it into pieces, each with its own bounds. Where there is no room the
    // bytes are right all the same, and only the bounds for a third overlap are not.
    let index = i;
    const middle = this.piece(stream, old, from, to, origin, originEnd, suspect);
    if (middle === undefined) return i + 1;
    const tail = to === oldEnd ? undefined : this.piece(stream, old, to, oldEnd, old.from, old.to, old.suspect);
    if (to !== oldEnd && tail === undefined) {
      this.release(stream, middle);
      return i + 1;
    }
    if (from === old.seq) {
      queue[index] = middle;
      this.release(stream, old);
    } else {
      stream.queued -= old.length - ((from - old.seq) | 0);
      this.queued -= old.length - ((from - old.seq) | 0);
      old.length = (from - old.seq) | 0;
      queue.splice(++index, 0, middle);
    }
    if (tail !== undefined) queue.splice(index + 1, 0, tail);
    return index + 1;
  }

  private piece(stream: TcpStream, of: Segment, from: number, to: number, origin: number, originEnd: number, suspect: boolean): Segment | undefined {
    const length = (to - from) | 0;
    const block = this.arena.take(length);
    if (block === 0) return undefined;
    const at = of.at + ((from - of.seq) | 0);
    this.arena.u8.copyWithin(block, at, at + length);
    stream.queued += length;
    this.queued += length;
    return { seq: from, length, at: block, block, blockBytes: length, from: origin, to: originEnd, suspect };
  }

  /** Copies [from, to) of the segment that starts at `origin` into the queue before index `i`. */
  private place(stream: TcpStream, i: number, from: number, to: number, origin: number, originEnd: number, at: number, suspect: boolean): boolean {
    const length = (to - from) | 0;
    const block = this.arena.take(length);
    if (block === 0) return false;
    const source = at + ((from - origin) | 0);
    this.arena.u8.copyWithin(block, source, source + length);
    stream.queued += length;
    this.queued += length;
    const segment: Segment = { seq: from, length, at: block, block, blockBytes: length, from: origin, to: originEnd, suspect };
    if (i === stream.queue.length) stream.queue.push(segment);
    else stream.queue.splice(i, 0, segment);
    return true;
  }

  private release(stream: TcpStream, segment: Segment): void {
    stream.queued -= segment.length;
    this.queued -= segment.length;
    this.arena.give(segment.block, segment.blockBytes);
  }
}
