import { join } from 'node:path';
import type { Bus, BusMessage, BusState, ConsumeOptions, Delivery, StreamOptions, Subscription } from './bus.js';
import { DirectoryLock } from './directory-lock.js';
import { BusClosed, BusTimeout, busErrors } from './errors.js';
import { FanOut } from './fan-out.js';
import { Journal } from './journal.js';
import { Positions, type Position } from './positions.js';
import { Responder, type Answer } from './responder.js';
import { StreamConsumer } from './stream-consumer.js';
import { StreamStore, messageBytes } from './stream-store.js';
import { isPattern, isSubject, overlap } from './subject.js';

/** Bytes on their way to a journal before publishDurable waits for its turn. */
const JOURNAL_PENDING_BYTES = 32 * 1024 * 1024;

export interface EmbeddedOptions {
  /** Data directory: `keep` streams with `file` storage and the places of consumers survive the process. */
  dir?: string;
  /** Told of exceptions in handlers, which the bus survives. */
  onError?: (error: unknown, subject: string) => void;
  /** Redelivery of messages that nobody acknowledged; for tests. */
  ackWaitMs?: number;
  now?: () => number;
}

interface Internal extends BusMessage { reply?: (answer: Answer) => void }

/**
 * The bus inside one process. `data` and `headers` belong to the bus from the call on: they are handed to
 * subscribers as they are, so neither side may change them afterwards.
 */
class EmbeddedBus implements Bus {
  readonly #fan: FanOut<Internal>;
  readonly #streams = new Map<string, StreamStore>();
  readonly #consumers = new Map<string, StreamConsumer>();
  readonly #places = new Map<string, Position>();
  readonly #listeners: ((state: BusState) => void)[] = [];
  readonly #onError: (error: unknown, subject: string) => void;
  readonly #lock: DirectoryLock | undefined;
  readonly #positions: Positions | undefined;
  readonly #inFlight = new Set<Promise<unknown>>();
  state: BusState = 'connected';

  constructor(private readonly options: EmbeddedOptions) {
    this.#onError = options.onError ?? (() => {});
    this.#fan = new FanOut(this.#onError);
    if (options.dir !== undefined) {
      this.#lock = DirectoryLock.take(options.dir);
      this.#positions = new Positions(join(options.dir, 'positions'));
    }
  }

  #check(subject: string, pattern = false): void {
    if (this.state === 'closed') throw new BusClosed();
    if (!(pattern ? isPattern(subject) : isSubject(subject))) throw busErrors.subject(subject);
  }

  #streamOf(subject: string): StreamStore | undefined {
    for (const store of this.#streams.values()) if (store.takes(subject)) return store;
    return undefined;
  }

  async publish(subject: string, data: Uint8Array, headers: Record<string, string> = {}): Promise<void> {
    this.#check(subject);
    const store = this.#streamOf(subject);
    // As on NATS, a stream also takes what is published without waiting for it; a full one misses it.
    if (store) await store.put(subject, data, '', headers).catch((error) => this.#onError(error, subject));
    await this.#fan.publish({ subject, data, headers });
  }

  async subscribe(subject: string, handler: (m: BusMessage) => void | Promise<void>, options: { queue?: string } = {}): Promise<Subscription> {
    this.#check(subject, true);
    return this.#fan.subscribe(subject, handler, options.queue);
  }

  async ensureStream(options: StreamOptions): Promise<void> {
    for (const s of options.subjects) this.#check(s, true);
    for (const other of this.#streams.values()) {
      if (other.options.name === options.name) continue;
      if (other.options.subjects.some((a) => options.subjects.some((b) => overlap(a, b)))) throw busErrors.overlap(options.name, other.options.name);
    }
    const existing = this.#streams.get(options.name);
    if (existing) { existing.configure({ ...options }); return; }
    const store = new StreamStore({ ...options }, this.options.now ?? Date.now);
    if (this.options.dir !== undefined && options.retention === 'keep' && options.storage !== 'memory') {
      const journal = Journal.open(join(this.options.dir, options.name.replace(/[^A-Za-z0-9_-]/g, '_')), (record, place) => {
        const bytes = messageBytes(record.subject, { length: place.length } as Uint8Array, record.id, record.headers);
        store.restore({ ...record, bytes, data: undefined, place });
      });
      store.journal = journal;
      if (journal.damaged > 0) this.#onError(new Error(`${journal.damaged} torn or damaged segment(s) of stream ${options.name} were cut at the last whole record`), options.name);
    }
    // A consumer's place must never lie beyond the stream: numbers go on where the furthest one stood.
    store.restored(Math.max(store.last + 1, this.#positions?.furthest(`${options.name}/`) ?? 1));
    store.onStored = () => {
      for (const [key, consumer] of this.#consumers) if (key.startsWith(`${options.name}/`)) consumer.poke();
    };
    this.#streams.set(options.name, store);
  }

  async publishDurable(subject: string, data: Uint8Array, id: string, headers: Record<string, string> = {}): Promise<{ duplicate: boolean }> {
    this.#check(subject);
    const store = this.#streamOf(subject);
    if (!store) throw busErrors.noStream(subject);
    while (store.pendingBytes > JOURNAL_PENDING_BYTES && this.#inFlight.size > 0) await Promise.race(this.#inFlight).catch(() => {});
    const work = store.put(subject, data, id, headers);
    this.#inFlight.add(work);
    try {
      const result = await work;
      if (!result.duplicate) this.#fan.offer({ subject, data, headers });
      return result;
    } finally {
      this.#inFlight.delete(work);
    }
  }

  async consume(stream: string, options: ConsumeOptions, handler: (d: Delivery) => void | Promise<void>): Promise<Subscription> {
    if (options.filter !== undefined) this.#check(options.filter, true);
    else if (this.state === 'closed') throw new BusClosed();
    const store = this.#streams.get(stream);
    if (!store) throw busErrors.noStream(`consumer ${options.durable} (stream ${stream})`);
    const key = `${stream}/${options.durable}`;
    if (store.options.retention === 'work') {
      for (const [other, consumer] of this.#consumers) {
        if (other === key || !other.startsWith(`${stream}/`)) continue;
        if (overlap(consumer.options.filter ?? '>', options.filter ?? '>')) throw busErrors.consumerOverlap(stream, options.durable, consumer.options.durable);
      }
    }
    // The newest takes over the place: an old one of the same name is a leftover of a client that went away.
    await this.#consumers.get(key)?.close();
    const journaled = store.journal !== undefined;
    const consumer = new StreamConsumer(store, options, this.#places.get(key) ?? (journaled ? this.#positions?.get(key) : undefined), {
      handler, onError: this.#onError, ackWaitMs: this.options.ackWaitMs,
      moved: (c) => { if (journaled) this.#positions?.touch(key, () => c.position()); },
    });
    this.#consumers.set(key, consumer);
    consumer.start();
    return {
      close: async () => {
        await consumer.close();
        if (this.#consumers.get(key) !== consumer) return;
        this.#consumers.delete(key);
        this.#places.set(key, consumer.position());
      },
    };
  }

  request(subject: string, data: Uint8Array, timeoutMs: number): Promise<BusMessage> {
    return new Promise((resolve, reject) => {
      this.#check(subject);
      const timer = setTimeout(() => reject(new BusTimeout(subject)), timeoutMs);
      const reply = (answer: Answer) => {
        clearTimeout(timer);
        if ('error' in answer) reject(busErrors.remote(subject, (answer.error as Error)?.message ?? String(answer.error)));
        else resolve({ subject, data: answer.data, headers: {} });
      };
      void this.#fan.publish({ subject, data, headers: {}, reply }).then((receivers) => {
        if (receivers > 0) return;
        clearTimeout(timer);
        reject(new BusTimeout(subject));
      });
    });
  }

  async respond(subject: string, handler: (m: BusMessage) => Promise<Uint8Array> | Uint8Array): Promise<Subscription> {
    this.#check(subject, true);
    const responder = new Responder(handler, this.#onError);
    const subscription = this.#fan.subscribe(subject, (message) => responder.handle(message, (answer) => message.reply?.(answer)));
    return { close: async () => { await subscription.close(); await responder.idle(); } };
  }

  onState(listener: (state: BusState) => void): void { this.#listeners.push(listener); }

  async close(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closed';
    await Promise.allSettled(this.#inFlight);
    await Promise.all([...this.#consumers.values()].map((c) => c.close()));
    await this.#fan.close();
    this.#positions?.close();
    for (const store of this.#streams.values()) await store.journal?.close();
    this.#lock?.release();
    for (const listener of this.#listeners) listener('closed');
  }
}

/** A bus inside this process; with `dir`, alerts and the places of their consumers survive a kill -9. */
export function createEmbeddedBus(options: EmbeddedOptions = {}): Bus {
  return new EmbeddedBus(options);
}
