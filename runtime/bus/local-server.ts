import { randomUUID } from 'node:crypto';
import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { OperatorError } from '../errors.js';
import type { Bus, BusMessage, ConsumeOptions, Delivery, StreamOptions, Subscription } from './bus.js';
import { BusClosed, busErrors } from './errors.js';
import { FrameReader, PROTOCOL, writeFrame, type Frame } from './local-frames.js';

/** Bytes of one client that the bus has not taken yet; with more, its socket is not read. */
const TAKING_BYTES = 32 * 1024 * 1024;
/** Messages of a subscription that a client has not handled yet; with more, its subscriber here waits. */
const WINDOW = 256;
/** `sun_path` holds 108 bytes with the closing zero. */
const PATH_MAX = 107;

const identities = new WeakMap<Bus, string>();
/** Names one life of a bus: sequence numbers mean nothing across two of them. */
function identityOf(bus: Bus): string {
  let identity = identities.get(bus);
  if (identity === undefined) identities.set(bus, identity = randomUUID());
  return identity;
}

interface Held { all: boolean; close(): Promise<void>; deliveries: Map<number, Delivery>; waiting: Map<number, { done: () => void; failed: (e: unknown) => void }>; handled: number; sent: number; wake?: () => void }

/** One connected client: its calls go to the bus, its subscriptions live as long as its socket. */
class Peer {
  readonly #held = new Map<number, Held>();
  readonly #asked = new Map<number, { done: (data: Uint8Array) => void; failed: (e: unknown) => void }>();
  #taking = 0;
  #serial = 0;
  #gone = false;

  constructor(private readonly bus: Bus, private readonly socket: Socket) {
    const reader = new FrameReader((frame) => this.#take(frame));
    socket.on('data', (chunk) => {
      const wrong = reader.push(chunk as Buffer);
      if (wrong !== undefined) { this.#fail(0, busErrors.protocol(wrong)); socket.destroySoon(); }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#leave());
  }

  #fail(number: number, error: unknown): void {
    const e = error instanceof OperatorError ? error : new OperatorError('SW_BUS_REMOTE', (error as Error)?.message ?? String(error), 'See the log of the appliance.');
    void writeFrame(this.socket, 'error', number, { code: e.code, message: e.message, hint: e.hint });
  }

  #take(frame: Frame): void {
    const { kind, number, meta, data } = frame;
    const held = this.#held.get(number);
    switch (kind) {
      case 'ack': {
        const seq = meta.seq as number;
        held?.deliveries.get(seq)?.ack();
        held?.deliveries.delete(seq);
        if (held?.all) for (const earlier of held.deliveries.keys()) { if (earlier > seq) break; held.deliveries.delete(earlier); }
        return;
      }
      case 'done': {
        if (!held) return;
        if (typeof meta.seq !== 'number') { held.handled++; held.wake?.(); return; }
        const waiting = held.waiting.get(meta.seq);
        held.waiting.delete(meta.seq);
        if (meta.error === undefined) waiting?.done();
        else waiting?.failed(new Error(String(meta.error)));
        return;
      }
      case 'answer': {
        const asked = this.#asked.get(number);
        this.#asked.delete(number);
        if (meta.error === undefined) asked?.done(data);
        else asked?.failed(new Error(String(meta.error)));
        return;
      }
    }
    this.#taking += data.length;
    if (this.#taking > TAKING_BYTES) this.socket.pause();
    this.#call(frame).then(
      (result) => { if (result !== undefined) void writeFrame(this.socket, 'ok', number, result.meta, result.data); },
      (error) => this.#fail(number, error),
    ).finally(() => {
      this.#taking -= data.length;
      if (this.#taking <= TAKING_BYTES && this.socket.isPaused()) this.socket.resume();
    });
  }

  async #call({ kind, number, meta, data }: Frame): Promise<{ meta: object; data?: Uint8Array } | undefined> {
    const subject = String(meta.subject);
    const headers = (meta.headers ?? {}) as Record<string, string>;
    switch (kind) {
      case 'hello':
        if (meta.protocol !== PROTOCOL) throw busErrors.protocol(`protocol ${String(meta.protocol)}, not ${PROTOCOL}`);
        return { meta: { bus: identityOf(this.bus) } };
      case 'publish': await this.bus.publish(subject, data, headers); return { meta: {} };
      case 'durable': return { meta: await this.bus.publishDurable(subject, data, String(meta.id), headers) };
      case 'ensure': await this.bus.ensureStream(meta as unknown as StreamOptions); return { meta: {} };
      case 'request': {
        const answer = await this.bus.request(subject, data, Number(meta.timeoutMs));
        return { meta: { headers: answer.headers }, data: answer.data };
      }
      case 'close': {
        const held = this.#held.get(meta.of as number);
        this.#held.delete(meta.of as number);
        if (held) { held.wake?.(); await held.close(); }
        return { meta: {} };
      }
      case 'subscribe': await this.#hold(number, false, (held) => this.bus.subscribe(subject, (m) => this.#send(number, held, m), { queue: meta.queue as string | undefined })); return { meta: {} };
      case 'consume': await this.#hold(number, (meta.options as ConsumeOptions).ack === 'all', (held) => this.bus.consume(String(meta.stream), meta.options as ConsumeOptions, (d) => this.#deliver(number, held, d))); return { meta: {} };
      case 'respond': await this.#hold(number, false, () => this.bus.respond(subject, (m) => this.#ask(number, m))); return { meta: {} };
      default: throw busErrors.protocol(`"${kind}" from a client`);
    }
  }

  async #hold(number: number, all: boolean, open: (held: Held) => Promise<Subscription>): Promise<void> {
    const held: Held = { all, close: async () => {}, deliveries: new Map(), waiting: new Map(), handled: 0, sent: 0 };
    this.#held.set(number, held);
    const subscription = await open(held);
    held.close = () => subscription.close();
    if (this.#gone) await subscription.close();
  }

  async #send(number: number, held: Held, m: BusMessage): Promise<void> {
    await writeFrame(this.socket, 'message', number, { subject: m.subject, headers: m.headers }, m.data);
    held.sent++;
    while (held.sent - held.handled >= WINDOW && this.#held.has(number)) await new Promise<void>((resolve) => { held.wake = resolve; });
  }

  #deliver(number: number, held: Held, d: Delivery): Promise<void> {
    held.deliveries.set(d.seq, d);
    return new Promise((done, failed) => {
      if (this.#gone) { failed(new BusClosed()); return; }
      held.waiting.set(d.seq, { done, failed });
      void writeFrame(this.socket, 'delivery', number, { subject: d.subject, headers: d.headers, seq: d.seq, id: d.id, redelivered: d.redelivered }, d.data);
    });
  }

  #ask(number: number, m: BusMessage): Promise<Uint8Array> {
    return new Promise((done, failed) => {
      if (this.#gone) { failed(new BusClosed()); return; }
      const ask = ++this.#serial;
      this.#asked.set(ask, { done, failed });
      void writeFrame(this.socket, 'asked', number, { ask, subject: m.subject, headers: m.headers }, m.data);
    });
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const held of all) {
      void held.close();
      held.wake?.();
      for (const waiting of held.waiting.values()) waiting.failed(new BusClosed());
    }
    for (const asked of this.#asked.values()) asked.failed(new BusClosed());
  }
}

/** Whether somebody listens on the socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => { probe.destroy(); resolve(true); });
    probe.on('error', () => resolve(false));
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket is born with the mode of the mask; chmod alone would leave a moment in which others could connect.
    const mask = process.umask(0o177);
    try {
      server.listen(path, () => { server.off('error', reject); resolve(); });
    } finally {
      process.umask(mask);
    }
  });
}

/**
 * Opens `bus` to other processes of the same user on this machine, through a unix socket (mode 0600). A socket that a
 * killed process left behind is removed; one that answers is SW_BUS_DIR_BUSY.
 */
export async function serveLocalBus(bus: Bus, path: string): Promise<{ close(): Promise<void> }> {
  if (Buffer.byteLength(path) > PATH_MAX) throw busErrors.socketPath(path);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    new Peer(bus, socket);
  });
  try {
    await listen(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw busErrors.connect(`unix:${path}`, (error as Error).message);
    if (await answers(path)) throw busErrors.socketBusy(path);
    unlinkSync(path);
    await listen(server, path);
  }
  chmodSync(path, 0o600);
  return {
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroySoon();
    }),
  };
}
