import { randomUUID } from 'node:crypto';
import { STREAM_BYTES, streams, subjects } from '../../contracts/subjects.js';
import type { Bus, Delivery, Subscription } from '../../runtime/bus/bus.js';
import type { Clock } from '../../runtime/lifecycle.js';
import { byOwner, byWorld, chunks, decodeHostBatch, encodeHostBatch, renumber, type HostBatch, type HostPoint } from './host-batch.js';
import type { HostWorlds } from './host-worlds.js';
import type { LateAck } from './late-ack.js';

/** What waits for an owner that is away is bounded, and the oldest goes first: detection here never waits for another's health. */
const STREAM_AGE_MS = 3_600_000;
const DEDUP_MS = 600_000;
/** How often a lane with nothing to say tells how far it is. */
const PROGRESS_MS = 200;
const MAX_PROGRESS = 1024;
/** Capture points told apart in records. */
const MAX_POINTS = 256;

export interface ExchangeDependencies {
  bus: Bus;
  clock: Clock;
  /** Partitions whose hosts this analyzer owns. */
  own: readonly number[];
  worlds: HostWorlds;
  /** For messages of other analyzers. */
  late: LateAck[];
  maxUnacked: number;
  /** Publishes; what is acknowledged waits for it. */
  send: (publish: () => Promise<unknown>) => void;
  /** Calls back when everything sent so far is stored. */
  whenStored: (then: () => void) => void;
}

/**
 * Brings what many flows of one host show to the one analyzer that owns the host, whichever analyzers saw the flows.
 * With one partition nothing goes over the bus. At least once: messages carry the block's number as id, so that what a
 * restart publishes again is stored once.
 */
export class HostExchange {
  private readonly points: HostPoint[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly told = new Map<string, number>();
  private readonly ensured = new Set<number>();
  private readonly subscriptions: Subscription[] = [];
  readonly counters = { hostMessagesOut: 0, hostMessagesIn: 0, hostMessagesMalformed: 0 };

  constructor(private readonly deps: ExchangeDependencies) {}

  async start(): Promise<void> {
    const { bus, own, late, maxUnacked, worlds } = this.deps;
    for (const [i, partition] of own.entries()) {
      await this.ensure(partition);
      this.subscriptions.push(await bus.consume(
        streams.hosts(partition), { durable: `analyzer-hosts-${partition}`, ack: 'all', maxUnacked }, (delivery) => this.receive(late[i]!, delivery),
      ));
    }
    this.subscriptions.push(await bus.subscribe(subjects.hostProgress, (message) => {
      const batch = decodeHostBatch(message.data);
      if (batch && !own.includes(batch.lane)) worlds.progress(batch);
    }));
  }

  async stop(): Promise<void> {
    for (const s of this.subscriptions) await s.close();
  }

  /** The capture point of a record that the behaviours have seen. */
  point(source: number): HostPoint | undefined {
    return this.points[source];
  }

  /**
   * Takes what a worker made of one block, or of idle time.
   * @param id the same for the same block; undefined for what has no block
   * @param done called when the behaviours here have seen their part, and the other parts are sent
   */
  take(batch: HostBatch, id: string | undefined, done: () => void): void {
    const [own, ...others] = byWorld(batch);
    for (const other of others) this.share(other, undefined, () => {});
    this.share(own!, id, done);
  }

  private share(batch: HostBatch, id: string | undefined, done: () => void): void {
    const { own } = this.deps;
    if (batch.lanes <= 1) return this.local([batch], done);
    const parts = byOwner(batch);
    const here: HostBatch[] = [];
    let silent = false;
    for (let owner = 0; owner < batch.lanes; owner++) {
      const part = parts.get(owner);
      if (own.includes(owner)) {
        if (part) here.push(part);
      } else if (part || batch.end) this.publish(owner, part ?? { ...batch, records: new Uint8Array(0), events: [] }, id ?? `idle:${randomUUID()}`);
      else silent = true;
    }
    if (silent && !Number.isNaN(batch.upToUs)) this.progress(batch);
    this.local(here.length > 0 ? here : [{ ...batch, records: new Uint8Array(0), events: [] }], done);
  }

  private local(parts: HostBatch[], done: () => void): void {
    let left = parts.length;
    for (const part of parts) {
      this.adopt(part);
      this.deps.worlds.add(part, () => {
        if (--left === 0) done();
      });
    }
  }

  private publish(owner: number, batch: HostBatch, id: string): void {
    const { bus, send } = this.deps;
    let n = 0;
    for (const chunk of chunks(batch)) {
      const data = encodeHostBatch(chunk);
      const name = `${id}:${owner}:${n++}`;
      this.counters.hostMessagesOut++;
      send(async () => {
        await this.ensure(owner);
        await bus.publishDurable(subjects.hosts(owner), data, name);
      });
    }
  }

  private progress(batch: HostBatch): void {
    const { bus, clock } = this.deps;
    const key = `${batch.world}\0${batch.lane}`;
    const now = clock.now();
    if (now - (this.told.get(key) ?? 0) < PROGRESS_MS) return;
    this.told.delete(key);
    this.told.set(key, now);
    if (this.told.size > MAX_PROGRESS) this.told.delete(this.told.keys().next().value!);
    void bus.publish(subjects.hostProgress, encodeHostBatch({ ...batch, points: [], records: new Uint8Array(0), events: [] })).catch(() => {});
  }

  private receive(late: LateAck, delivery: Delivery): void {
    const { worlds, whenStored } = this.deps;
    const batch = decodeHostBatch(delivery.data);
    const key = batch ? `${batch.world}/${batch.lane}` : '';
    // Idle time has no packet time of its own: the clock lets it go.
    const settle = late.add(() => delivery.ack(), key, delivery.data.length, batch && !Number.isNaN(batch.upToUs) ? batch.upToUs : 0, !batch || batch.end);
    if (!batch) {
      this.counters.hostMessagesMalformed++;
      settle();
      return;
    }
    this.counters.hostMessagesIn++;
    this.adopt(batch);
    worlds.add(batch, () => whenStored(settle));
  }

  /** Gives the records the numbers that this analyzer has for their capture points. */
  private adopt(batch: HostBatch): void {
    const numbers = batch.points.map((point) => {
      const key = `${point.node}\0${point.world}\0${point.demo === true}`;
      let n = this.numbers.get(key);
      if (n === undefined) {
        // Beyond that numbers are used again: the newest point stands.
        n = this.numbers.size % MAX_POINTS;
        this.numbers.set(key, n);
        if (this.numbers.size >= 4 * MAX_POINTS) this.numbers.clear();
      }
      this.points[n] = point;
      return n;
    });
    renumber(batch.records, (source) => numbers[source] ?? 0);
  }

  private async ensure(partition: number): Promise<void> {
    if (this.ensured.has(partition)) return;
    await this.deps.bus.ensureStream({
      name: streams.hosts(partition), subjects: [subjects.hosts(partition)], retention: 'keep', maxBytes: STREAM_BYTES.hosts, maxAgeMs: STREAM_AGE_MS,
      dedupWindowMs: DEDUP_MS, storage: 'file',
    });
    this.ensured.add(partition);
  }
}
