import { connect, type Socket } from 'node:net';
import type { Bus, BusMessage, BusState, ConsumeOptions, Delivery, StreamOptions, Subscription } from './bus.js';
import { BusClosed, BusTimeout, busErrors, reviveError } from './errors.js';
import { FrameReader, PROTOCOL, writeFrame, type Frame, type Kind } from './local-frames.js';
import { isPattern, isSubject } from './subject.js';
import { Signal, sleep } from './wait.js';

const RECONNECT_MS = 250;
/** Calls on the wire at once; more wait here for their turn, in order. */
const CALLS_MAX = 64;
/** How long close() waits for answers. */
const CLOSE_MS = 3000;

interface Call { kind: Kind; number: number; meta: object; data?: Uint8Array; done: (frame: Frame) => void; failed: (error: unknown) => void; sent: boolean }
/** A subscription, consumer or responder: made again after a reconnect. */
interface Held { kind: Kind; number: number; meta: object; take: (frame: Frame, socket: Socket) => void | Promise<void>; chain: Promise<void> }

class LocalBus implements Bus {
  state: BusState = 'reconnecting';
  #socket: Socket | undefined;
  #number = 0;
  /** Calls without an answer, in call order; what was sent over a broken socket is sent again. */
  readonly #calls = new Map<number, Call>();
  readonly #held = new Map<number, Held>();
  readonly #ensured = new Map<string, StreamOptions>();
  readonly #listeners: ((state: BusState) => void)[] = [];
  readonly #up = new Signal();
  #closing = false;
  /** Which life of the bus behind the socket this is. */
  #life = '';
  #onWire = 0;

  constructor(private readonly path: string, private readonly onError: (error: unknown, subject: string) => void) {}

  /** One attempt to connect; rejects when nobody answers. */
  dial(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.path);
      let greeted = false;
      const reader = new FrameReader((frame) => {
        if (!greeted) {
          if (frame.kind !== 'ok') { reject(reviveError(String(frame.meta.code), String(frame.meta.message), String(frame.meta.hint))); socket.destroy(); return; }
          greeted = true;
          this.#life = String(frame.meta.bus);
          this.#greet(socket);
          resolve();
        } else this.#take(frame, socket);
      });
      socket.on('connect', () => { void writeFrame(socket, 'hello', 0, { protocol: PROTOCOL }); });
      socket.on('data', (chunk) => { if (reader.push(chunk as Buffer) !== undefined) socket.destroy(); });
      socket.on('error', reject);
      socket.on('close', () => {
        reject(new BusClosed());
        if (this.#socket !== socket) return;
        this.#socket = undefined;
        if (!this.#closing) void this.#redial();
      });
    });
  }

  async #redial(): Promise<void> {
    this.#become('reconnecting');
    while (!this.#closing) {
      await sleep(RECONNECT_MS);
      try { await this.dial(); return; } catch { /* the appliance is still away */ }
    }
  }

  #become(state: BusState): void {
    if (this.state === state) return;
    this.state = state;
    if (state === 'connected' || state === 'closed') this.#up.signal();
    for (const listener of this.#listeners) listener(state);
  }

  #greet(socket: Socket): void {
    this.#socket = socket;
    this.#onWire = 0;
    // Streams first, then who listens, then what was under way, as it was called.
    for (const options of this.#ensured.values()) this.#again('ensure', options);
    for (const held of this.#held.values()) this.#again(held.kind, held.meta, held.number);
    for (const call of this.#calls.values()) call.sent = false;
    this.#become('connected');
    this.#send();
  }

  #again(kind: Kind, meta: object, number = ++this.#number): void {
    if (this.#calls.has(number)) return;
    void writeFrame(this.#socket!, kind, number, meta);
  }

  #send(): void {
    for (const call of this.#calls.values()) {
      if (!this.#socket || this.#onWire >= CALLS_MAX) return;
      if (call.sent) continue;
      call.sent = true;
      this.#onWire++;
      void writeFrame(this.#socket, call.kind, call.number, call.meta, call.data);
    }
  }

  #call(kind: Kind, meta: object, data?: Uint8Array, number = ++this.#number): Promise<Frame> {
    if (this.#closing) return Promise.reject(new BusClosed());
    return new Promise((done, failed) => {
      this.#calls.set(number, { kind, number, meta, data, done, failed, sent: false });
      if (this.#onWire < CALLS_MAX) this.#send();
    });
  }

  #take(frame: Frame, socket: Socket): void {
    if (frame.kind === 'ok' || frame.kind === 'error') {
      const call = this.#calls.get(frame.number);
      if (!call) return;
      this.#calls.delete(frame.number);
      this.#onWire--;
      if (frame.kind === 'ok') call.done(frame);
      else call.failed(reviveError(String(frame.meta.code), String(frame.meta.message), String(frame.meta.hint)));
      this.#send();
      return;
    }
    const held = this.#held.get(frame.number);
    if (!held) return;
    // A responder works on several requests at once, everything else on one message at a time.
    if (frame.kind === 'asked') void held.take(frame, socket);
    else held.chain = held.chain.then(() => held.take(frame, socket));
  }

  #check(subject: string, pattern = false): void {
    if (this.#closing) throw new BusClosed();
    if (!(pattern ? isPattern(subject) : isSubject(subject))) throw busErrors.subject(subject);
  }

  async #hold(kind: Kind, meta: object, take: Held['take']): Promise<Subscription> {
    const number = ++this.#number;
    const held: Held = { kind, number, meta, take, chain: Promise.resolve() };
    this.#held.set(number, held);
    try {
      await this.#call(kind, meta, undefined, number);
    } catch (error) {
      this.#held.delete(number);
      throw error;
    }
    return {
      close: async () => {
        if (!this.#held.delete(number)) return;
        const gone = this.#closing ? undefined : this.#call('close', { of: number }).catch(() => {});
        await held.chain;
        await gone;
      },
    };
  }

  async publish(subject: string, data: Uint8Array, headers: Record<string, string> = {}): Promise<void> {
    this.#check(subject);
    await this.#call('publish', { subject, headers }, data);
  }

  async publishDurable(subject: string, data: Uint8Array, id: string, headers: Record<string, string> = {}): Promise<{ duplicate: boolean }> {
    this.#check(subject);
    const { meta } = await this.#call('durable', { subject, id, headers }, data);
    return { duplicate: meta.duplicate === true };
  }

  async ensureStream(options: StreamOptions): Promise<void> {
    const { name, subjects, retention, maxBytes, maxAgeMs, dedupWindowMs, storage } = options;
    const plain = { name, subjects, retention, maxBytes, maxAgeMs, dedupWindowMs, storage };
    await this.#call('ensure', plain);
    this.#ensured.set(name, plain);
  }

  async subscribe(subject: string, handler: (m: BusMessage) => void | Promise<void>, options: { queue?: string } = {}): Promise<Subscription> {
    this.#check(subject, true);
    return this.#hold('subscribe', { subject, queue: options.queue }, async (frame, socket) => {
      if (!this.#held.has(frame.number)) return;
      try {
        await handler({ subject: String(frame.meta.subject), headers: frame.meta.headers as Record<string, string>, data: frame.data });
      } catch (error) {
        this.onError(error, subject);
      }
      void writeFrame(socket, 'done', frame.number);
    });
  }

  async consume(stream: string, options: ConsumeOptions, handler: (d: Delivery) => void | Promise<void>): Promise<Subscription> {
    const { durable, filter, ack, maxUnacked } = options;
    // After a reconnect an `all` consumer gets everything unacknowledged again; what was handled here is not handled twice.
    let life = this.#life;
    let handled = 0;
    let acked = 0;
    return this.#hold('consume', { stream, options: { durable, filter, ack, maxUnacked } }, async (frame, socket) => {
      if (!this.#held.has(frame.number)) return;
      const { meta, data, number } = frame;
      const seq = meta.seq as number;
      if (life !== this.#life) { life = this.#life; handled = acked = 0; }
      if (ack === 'all' && seq <= handled) {
        if (seq <= acked) void writeFrame(socket, 'ack', number, { seq });
        void writeFrame(socket, 'done', number, { seq });
        return;
      }
      let error: unknown;
      try {
        await handler({
          subject: String(meta.subject), headers: meta.headers as Record<string, string>, data, seq, id: String(meta.id), redelivered: meta.redelivered === true,
          ack: () => {
            if (!this.#held.has(number)) return;
            acked = Math.max(acked, seq);
            void writeFrame(this.#socket ?? socket, 'ack', number, { seq });
          },
        });
        handled = Math.max(handled, seq);
      } catch (thrown) {
        error = thrown;
        this.onError(thrown, String(meta.subject));
      }
      void writeFrame(socket, 'done', number, error === undefined ? { seq } : { seq, error: (error as Error)?.message ?? String(error) });
    });
  }

  async request(subject: string, data: Uint8Array, timeoutMs: number): Promise<BusMessage> {
    this.#check(subject);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new BusTimeout(subject)), timeoutMs); });
    try {
      const { meta, data: answer } = await Promise.race([this.#call('request', { subject, timeoutMs }, data), late]);
      return { subject, data: answer, headers: (meta.headers ?? {}) as Record<string, string> };
    } finally {
      clearTimeout(timer);
    }
  }

  async respond(subject: string, handler: (m: BusMessage) => Promise<Uint8Array> | Uint8Array): Promise<Subscription> {
    this.#check(subject, true);
    return this.#hold('respond', { subject }, async ({ meta, data }, socket) => {
      const ask = meta.ask as number;
      try {
        const answer = await handler({ subject: String(meta.subject), headers: meta.headers as Record<string, string>, data });
        void writeFrame(socket, 'answer', ask, {}, answer);
      } catch (error) {
        this.onError(error, subject);
        void writeFrame(socket, 'answer', ask, { error: (error as Error)?.message ?? String(error) });
      }
    });
  }

  onState(listener: (state: BusState) => void): void { this.#listeners.push(listener); }

  async close(): Promise<void> {
    if (this.#closing) return;
    const limit = sleep(CLOSE_MS, true);
    const pending = [...this.#calls.values()].map((c) => new Promise<void>((resolve) => {
      const { done, failed } = c;
      c.done = (f) => { done(f); resolve(); };
      c.failed = (e) => { failed(e); resolve(); };
    }));
    this.#closing = true;
    if (this.#socket) await Promise.race([Promise.all(pending), limit]);
    await Promise.race([Promise.all([...this.#held.values()].map((h) => h.chain)), limit]);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket && !socket.destroyed) await new Promise<void>((resolve) => { socket.once('close', () => resolve()); socket.end(); void limit.then(() => socket.destroy()); });
    for (const call of this.#calls.values()) call.failed(new BusClosed());
    this.#calls.clear();
    this.#become('closed');
  }
}

/**
 * A client of a bus that runs in another process on this machine. Reconnects for ever; calls under way are repeated in
 * order. Rejects with SW_BUS_CONNECT when nobody answers on the socket.
 */
export async function connectLocalBus(path: string, options: { onError?: (error: unknown, subject: string) => void } = {}): Promise<Bus> {
  const bus = new LocalBus(path, options.onError ?? (() => {}));
  try {
    await bus.dial();
  } catch (error) {
    if (error instanceof Error && 'hint' in error && !(error instanceof BusClosed)) throw error;
    throw busErrors.connect(`unix:${path}`, (error as Error).message);
  }
  return bus;
}
