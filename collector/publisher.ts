import { encodeBlockHeaders, type PacketBlock } from '../contracts/packet-block.js';
import { subjects } from '../contracts/subjects.js';
import type { Bus } from '../runtime/bus/bus.js';
import type { Spool } from './spool.js';

/** Blocks of one partition that are on their way at once: 8 × 512 KiB keep a 10 Gbit/s link with 3 ms of delay busy. */
const DEFAULT_WINDOW = 8;
/** Successes in a row after which the window doubles again. */
const WINDOW_GROWS_AFTER = 16;
const RETRY_FIRST_MS = 5;
const RETRY_LAST_MS = 2000;

export interface PublisherOptions {
  /** In-flight blocks a partition. */
  window?: number;
  /** Where live packets wait while the bus does not take them; without it everybody waits. */
  spool?: Spool;
  /** Sees every block as it is handed over. */
  tap?: (block: PacketBlock) => void;
}

export interface PublisherCounters {
  blocks: number;
  packets: number;
  bytes: number;
  /** Publishes that the bus had stored already. */
  duplicates: number;
  /** Publishes that were refused or failed and were tried again. */
  retries: number;
  spooledBlocks: number;
  /** Lost because the spool was full or its disk refused. */
  droppedBlocks: number;
  droppedPackets: number;
}

interface Waiting {
  block: PacketBlock;
  sent: boolean;
  stored: boolean;
}

/**
 * The blocks of one partition on their way, in order. After a refusal everything behind it settles first, then the
 * rest is sent again from the first that is missing, one at a time until the bus takes blocks again.
 */
class Lane {
  readonly queue: Waiting[] = [];
  private window: number;
  private streak = 0;
  private inFlight = 0;
  private failed = false;
  private backoff = RETRY_FIRST_MS;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly publisher: Publisher, private readonly maxWindow: number) {
    this.window = maxWindow;
  }

  get full(): boolean {
    return this.queue.length >= this.maxWindow;
  }

  add(block: PacketBlock): void {
    this.queue.push({ block, sent: false, stored: false });
    this.pump();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private pump(): void {
    if (this.failed) return;
    for (const waiting of this.queue) {
      if (this.inFlight >= this.window) return;
      if (!waiting.sent) void this.send(waiting);
    }
  }

  private async send(waiting: Waiting): Promise<void> {
    const { publisher } = this;
    const { headers, body } = waiting.block;
    waiting.sent = true;
    this.inFlight++;
    try {
      const { duplicate } = await publisher.bus.publishDurable(
        subjects.packets(headers.unit, headers.node, headers.partition), body,
        `${headers.epoch}:${headers.partition}:${headers.seq}`, encodeBlockHeaders(headers),
      );
      waiting.stored = true;
      publisher.stored(waiting.block, duplicate);
      if (++this.streak >= WINDOW_GROWS_AFTER && this.window < this.maxWindow) {
        this.window = Math.min(this.maxWindow, this.window * 2);
        this.streak = 0;
      }
      if (!this.failed) this.backoff = RETRY_FIRST_MS;
    } catch (error) {
      waiting.sent = false;
      this.failed = true;
      publisher.refused(error);
    }
    this.inFlight--;
    while (this.queue.length > 0 && this.queue[0].stored) this.queue.shift();
    if (this.failed && this.inFlight === 0 && !publisher.stopped) {
      this.window = 1;
      this.streak = 0;
      this.timer = setTimeout(() => {
        this.failed = false;
        this.pump();
      }, this.backoff);
      this.backoff = Math.min(RETRY_LAST_MS, this.backoff * 2);
    } else this.pump();
    publisher.moved();
  }
}

/**
 * Publishes packet blocks in stream order a partition, several in flight. Where the bus is full or away, `offer`
 * waits; `offerLive` never does: what does not fit goes to the spool and follows in order.
 */
export class Publisher {
  readonly counters: PublisherCounters = {
    blocks: 0, packets: 0, bytes: 0, duplicates: 0, retries: 0, spooledBlocks: 0, droppedBlocks: 0, droppedPackets: 0,
  };
  stopped = false;
  /** The last refusal, until a block is taken again. */
  trouble: string | undefined;
  private readonly lanes = new Map<number, Lane>();
  private readonly spool: Spool | undefined;
  private readonly window: number;
  private waiters: (() => void)[] = [];
  /** Read from the spool, waiting for room in its lane. */
  private head: PacketBlock | undefined;

  constructor(readonly bus: Bus, private readonly options: PublisherOptions = {}) {
    this.spool = options.spool;
    this.window = options.window ?? DEFAULT_WINDOW;
    this.drainSpool();
  }

  /** Hands one block over; resolves when it has a place in the window. Blocks of one partition must come one by one. */
  async offer(block: PacketBlock): Promise<void> {
    this.options.tap?.(block);
    const lane = this.lane(block.headers.partition);
    while (!this.stopped && (lane.full || this.spooling)) await this.movement();
    if (!this.stopped) lane.add(block);
  }

  /** Hands one block over without waiting, by way of the spool where need be. */
  offerLive(block: PacketBlock): void {
    this.options.tap?.(block);
    const lane = this.lane(block.headers.partition);
    if (!this.spooling && !lane.full) return lane.add(block);
    if (this.spool === undefined) {
      this.counters.droppedBlocks++;
      this.counters.droppedPackets += block.headers.packets;
      return;
    }
    if (this.spool.append(block)) this.counters.spooledBlocks++;
    this.countSpoolLoss();
  }

  /** Bytes waiting on disk. */
  get spoolBytes(): number {
    return this.spool?.bytes ?? 0;
  }

  /** Blocks waiting in memory. */
  get waitingBlocks(): number {
    let sum = this.head ? 1 : 0;
    for (const lane of this.lanes.values()) sum += lane.queue.length;
    return sum;
  }

  /** Resolves when everything handed over has been stored, or false after `timeoutMs` with blocks left. */
  async drain(timeoutMs = Infinity): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    while (this.waitingBlocks > 0 || this.spooling) {
      if (this.stopped || Date.now() >= deadline) return false;
      await this.movement(Math.min(deadline - Date.now(), 1000));
    }
    return true;
  }

  /** Stops sending. Blocks in memory go back to the spool, where there is one, so that a restart loses none. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    for (const lane of this.lanes.values()) lane.stop();
    if (this.spool !== undefined) {
      const left = [...this.lanes.values()].flatMap((lane) => lane.queue.filter((w) => !w.stored).map((w) => w.block));
      if (this.head) left.push(this.head);
      this.spool.putBack(left);
      this.spool.close();
    }
    this.moved();
  }

  /** @internal for `Lane` */
  stored(block: PacketBlock, duplicate: boolean): void {
    this.counters.blocks++;
    this.counters.packets += block.headers.packets;
    this.counters.bytes += block.body.length;
    if (duplicate) this.counters.duplicates++;
    this.trouble = undefined;
  }

  /** @internal for `Lane` */
  refused(error: unknown): void {
    this.counters.retries++;
    this.trouble = error instanceof Error ? error.message : String(error);
  }

  /** @internal for `Lane`: something left the queue. */
  moved(): void {
    this.drainSpool();
    const { waiters } = this;
    this.waiters = [];
    for (const wake of waiters) wake();
  }

  private get spooling(): boolean {
    return this.head !== undefined || (this.spool !== undefined && !this.spool.empty);
  }

  private drainSpool(): void {
    if (this.spool === undefined || this.stopped) return;
    for (;;) {
      this.head ??= this.spool.shift();
      if (this.head === undefined) return;
      const lane = this.lane(this.head.headers.partition);
      if (lane.full) return;
      const block = this.head;
      this.head = undefined;
      lane.add(block);
    }
  }

  private countSpoolLoss(): void {
    this.counters.droppedBlocks = this.spool!.droppedBlocks;
    this.counters.droppedPackets = this.spool!.droppedPackets;
  }

  private lane(partition: number): Lane {
    let lane = this.lanes.get(partition);
    if (lane === undefined) {
      lane = new Lane(this, this.window);
      this.lanes.set(partition, lane);
    }
    return lane;
  }

  private movement(timeoutMs = 1000): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, timeoutMs));
      this.waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
