import type { BusMessage, Subscription } from './bus.js';
import { matcher } from './subject.js';

/** Messages and bytes that may wait for one subscriber before publishers are made to wait: some seconds of events. */
export const PENDING_MESSAGES = 4096;
export const PENDING_BYTES = 32 * 1024 * 1024;
/** A pump that ran this long lets timers and sockets have a turn, or a fast publisher would starve them. */
const TURN_MS = 8;

/** Lets input, output and timers run when a pump has held the thread for a while. */
export class Turn {
  #since = performance.now();
  /** Undefined when there is still time; otherwise a promise to wait for. */
  over(): Promise<void> | undefined {
    if (performance.now() - this.#since < TURN_MS) return undefined;
    return new Promise((resolve) => setImmediate(() => { this.#since = performance.now(); resolve(); }));
  }
}

class Listener<M extends BusMessage> {
  readonly matches: (subject: string) => boolean;
  #waiting: M[] = [];
  #bytes = 0;
  #run: Promise<void> | undefined;
  #closed = false;
  #room: (() => void)[] = [];
  dropped = 0;

  constructor(pattern: string, readonly queue: string | undefined, private readonly handler: (m: M) => void | Promise<void>,
    private readonly onError: (error: unknown, subject: string) => void) {
    this.matches = matcher(pattern);
  }

  get pending(): number { return this.#waiting.length; }
  get full(): boolean { return this.#waiting.length >= PENDING_MESSAGES || this.#bytes >= PENDING_BYTES; }

  push(message: M): void {
    if (this.#closed) return;
    this.#waiting.push(message);
    this.#bytes += message.data.length;
    this.#run ??= this.#pump();
  }

  async #pump(): Promise<void> {
    const turn = new Turn();
    // The handler never runs inside publish(): a publisher must not find itself deep in a subscriber's stack.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#closed) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (let i = 0; i < batch.length && !this.#closed; i++) {
        this.#bytes -= batch[i].data.length;
        try {
          const done = this.handler(batch[i]);
          if (done) await done;
        } catch (error) {
          this.onError(error, batch[i].subject);
        }
        await turn.over();
      }
      this.#release();
    }
    this.#run = undefined;
  }

  #release(): void {
    const waiters = this.#room;
    this.#room = [];
    for (const go of waiters) go();
  }

  async room(): Promise<void> {
    while (this.full && !this.#closed) await new Promise<void>((resolve) => this.#room.push(resolve));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#release();
    await this.#run;
    this.#waiting = [];
  }
}

/** At-most-once delivery in one process: each subscriber has a bounded queue and one handler call at a time. */
export class FanOut<M extends BusMessage> {
  readonly #listeners = new Set<Listener<M>>();
  constructor(private readonly onError: (error: unknown, subject: string) => void) {}

  subscribe(pattern: string, handler: (m: M) => void | Promise<void>, queue?: string): Subscription {
    const listener = new Listener<M>(pattern, queue, handler, this.onError);
    this.#listeners.add(listener);
    return { close: () => { this.#listeners.delete(listener); return listener.close(); } };
  }

  #receivers(subject: string): Listener<M>[] {
    const all: Listener<M>[] = [];
    let groups: Map<string, Listener<M>> | undefined;
    for (const listener of this.#listeners) {
      if (!listener.matches(subject)) continue;
      if (listener.queue === undefined) { all.push(listener); continue; }
      groups ??= new Map();
      const best = groups.get(listener.queue);
      if (!best || listener.pending < best.pending) groups.set(listener.queue, listener);
    }
    if (groups) {
      for (const chosen of groups.values()) {
        all.push(chosen);
        // To the back of the line, so that members of a group with equal queues take turns.
        this.#listeners.delete(chosen);
        this.#listeners.add(chosen);
      }
    }
    return all;
  }

  /** Hands over and returns how many subscribers there were; waits while one of them is over its bound. */
  async publish(message: M): Promise<number> {
    const receivers = this.#receivers(message.subject);
    for (const r of receivers) r.push(message);
    for (const r of receivers) if (r.full) await r.room();
    return receivers.length;
  }

  /** Hands over without waiting; a subscriber over its bound misses the message. Returns how many got it. */
  offer(message: M): number {
    let taken = 0;
    for (const r of this.#receivers(message.subject)) {
      if (r.full) r.dropped++;
      else { r.push(message); taken++; }
    }
    return taken;
  }

  async close(): Promise<void> {
    const all = [...this.#listeners];
    this.#listeners.clear();
    await Promise.all(all.map((l) => l.close()));
  }
}
