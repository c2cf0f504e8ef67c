import type { ConsumeOptions, Delivery, Subscription } from './bus.js';
import { Turn } from './fan-out.js';
import type { Position } from './positions.js';
import type { Stored, StreamStore } from './stream-store.js';
import { matcher } from './subject.js';

/** An `explicit` message that was neither acknowledged nor failed is delivered again after this (NATS has the same default). */
export const ACK_WAIT_MS = 30_000;
/** A failed message is tried again after this, doubling up to the longest. */
export const RETRY_FIRST_MS = 200;
export const RETRY_LONGEST_MS = 10_000;

export const retryDelay = (failures: number): number => Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** (failures - 1));

interface Open { dueAt: number; failures: number; busy: boolean }

/** One durable consumer of one stream in this process: where it stands, and the loop that hands messages over. */
export class StreamConsumer implements Subscription {
  readonly matches: (subject: string) => boolean;
  /** Delivered and not acknowledged, in stream order. */
  readonly #open = new Map<number, Open>();
  /** Open in an earlier session: to be delivered before the cursor moves on. */
  #again: number[];
  /** No open message is due before this. */
  #dueAt = Infinity;
  #cursor: number;
  #closed = false;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #run: Promise<void> | undefined;

  constructor(private readonly store: StreamStore, readonly options: ConsumeOptions, position: Position | undefined,
    private readonly hooks: {
      handler: (delivery: Delivery) => void | Promise<void>;
      onError: (error: unknown, subject: string) => void;
      moved: (consumer: StreamConsumer) => void;
      ackWaitMs?: number;
    }) {
    this.matches = options.filter === undefined ? () => true : matcher(options.filter);
    this.#cursor = position?.cursor ?? 1;
    this.#again = [...(position?.open ?? [])].sort((a, b) => a - b);
  }

  start(): this {
    this.#run ??= this.#loop();
    return this;
  }

  position(): Position {
    return { cursor: this.#cursor, open: [...this.#again, ...this.#open.keys()].sort((a, b) => a - b) };
  }

  /** Something was stored. */
  poke(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #next(now: number): { message: Stored; redelivered: boolean } | undefined {
    if (this.#dueAt <= now) {
      this.#dueAt = Infinity;
      for (const [seq, open] of this.#open) {
        if (open.busy) continue;
        if (open.dueAt > now) { this.#dueAt = Math.min(this.#dueAt, open.dueAt); continue; }
        this.#dueAt = now;
        const message = this.store.get(seq);
        if (message) return { message, redelivered: true };
        this.#open.delete(seq);
      }
    }
    if (this.#open.size >= this.options.maxUnacked) return undefined;
    while (this.#again.length > 0) {
      const message = this.store.get(this.#again.shift()!);
      if (message) return { message, redelivered: true };
    }
    for (;;) {
      const message = this.store.from(this.#cursor);
      if (!message) return undefined;
      this.#cursor = message.seq + 1;
      if (this.matches(message.subject)) return { message, redelivered: false };
    }
  }

  async #loop(): Promise<void> {
    const turn = new Turn();
    await Promise.resolve();
    while (!this.#closed) {
      const next = this.#next(Date.now());
      if (!next) await this.#sleep();
      else await this.#hand(next.message, next.redelivered);
      await turn.over();
    }
    clearTimeout(this.#timer);
  }

  /** Until poked, or until the next redelivery is due. */
  #sleep(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const due = ms ?? Math.max(1, this.#dueAt - Date.now());
      clearTimeout(this.#timer);
      if (due < Infinity) this.#timer = setTimeout(() => this.poke(), due);
      this.#wake = resolve;
      if (this.#closed) this.poke();
    });
  }

  async #hand(message: Stored, redelivered: boolean): Promise<void> {
    const data = this.store.body(message);
    if (!data) return;
    const open = this.#open.get(message.seq) ?? { dueAt: 0, failures: 0, busy: true };
    open.busy = true;
    this.#open.set(message.seq, open);
    const delivery: Delivery = {
      subject: message.subject, data, headers: message.headers, seq: message.seq, redelivered,
      id: message.id === '' ? `${this.store.options.name}:${message.seq}` : message.id,
      ack: () => this.#ack(message.seq),
    };
    while (!this.#closed) {
      try {
        const done = this.hooks.handler(delivery);
        if (done) await done;
        open.dueAt = Date.now() + (this.hooks.ackWaitMs ?? ACK_WAIT_MS);
        break;
      } catch (error) {
        this.hooks.onError(error, message.subject);
        const delay = retryDelay(++open.failures);
        open.dueAt = Date.now() + delay;
        delivery.redelivered = true;
        // An `all` acknowledgement of a later message would cover this one, so nothing may overtake it.
        if (this.options.ack === 'explicit') break;
        const until = open.dueAt;
        while (!this.#closed && Date.now() < until) await this.#sleep(until - Date.now());
      }
    }
    open.busy = false;
    if (this.options.ack === 'explicit' && this.#open.has(message.seq)) this.#dueAt = Math.min(this.#dueAt, open.dueAt);
  }

  #ack(seq: number): void {
    // After close the place belongs to whoever consumes next; a late acknowledgement would lose their messages.
    if (this.#closed && this.#run === undefined) return;
    if (this.options.ack === 'explicit') this.#done(seq);
    else {
      for (const earlier of this.#open.keys()) {
        if (earlier > seq) break;
        this.#done(earlier);
      }
    }
    this.hooks.moved(this);
    this.poke();
  }

  #done(seq: number): void {
    if (this.#open.delete(seq) && this.store.options.retention === 'work') this.store.remove(seq);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.poke();
    await this.#run;
    this.#run = undefined;
  }
}
