import { readFileSync } from 'node:fs';
import {
  connect, credsAuthenticator, headers as natsHeaders, nanos, nkeyAuthenticator,
  type ConnectionOptions, type JetStreamManager, type Msg, type NatsConnection, type StreamConfig, type TlsOptions,
} from 'nats';
import type { Bus, BusMessage, BusState, ConsumeOptions, Delivery, StreamOptions, Subscription } from './bus.js';
import { BusClosed, BusTimeout, busErrors } from './errors.js';
import { FanOut } from './fan-out.js';
import { Lane } from './nats-lane.js';
import { PullConsumer } from './nats-pull.js';
import { Responder } from './responder.js';
import { DEDUP_WINDOW_MS } from './stream-store.js';
import { isPattern, isSubject, matcher } from './subject.js';
import { Signal, sleep } from './wait.js';

/** Bytes handed to the socket before a publisher waits for a round trip to the server. */
const FLUSH_BYTES = 4 * 1024 * 1024;
/** At-most-once messages held while the server is away; with more, publishers wait. */
const HELD_BYTES = 8 * 1024 * 1024;
/** How long close() waits for what is still on its way. */
const CLOSE_MS = 5000;

export interface NatsOptions {
  /** `nats://host:4222`, `tls://host:4222`. */
  servers: string | string[];
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  user?: string;
  pass?: string;
  token?: string;
  /** Seed of an nkey (`SU…`), or the file that holds it. */
  nkeySeed?: string;
  nkeyFile?: string;
  credsFile?: string;
  /** Shown by the server for this connection. */
  name?: string;
  /** First token of reply subjects, so that the server can keep the answers of one account user from the others; default `_INBOX`. */
  inboxPrefix?: string;
  /** Copies of each stream in a cluster. */
  replicas?: number;
  /** How long the first connection may take; later ones are tried for ever. */
  connectTimeoutMs?: number;
  onError?: (error: unknown, subject: string) => void;
}

class NatsBus implements Bus {
  state: BusState = 'connected';
  epoch = 1;
  readonly #listeners: ((state: BusState) => void)[] = [];
  readonly #up = new Signal();
  readonly #down = new Signal();
  readonly #lanes = new Map<string, Lane>();
  readonly #consumers = new Set<PullConsumer>();
  readonly #ensured = new Map<string, StreamOptions>();
  #unflushed = 0;
  #flushing: Promise<void> | undefined;
  #held: { message: BusMessage; reply?: string }[] = [];
  #heldBytes = 0;
  readonly onError: (error: unknown, subject: string) => void;

  constructor(readonly connection: NatsConnection, readonly manager: JetStreamManager, private readonly options: NatsOptions) {
    this.onError = options.onError ?? (() => {});
    void this.#watch();
  }

  get inboxPrefix(): string | undefined { return this.options.inboxPrefix; }
  get closed(): boolean { return this.state === 'closed'; }
  get #away(): boolean { return this.state !== 'connected'; }

  #become(state: BusState): void {
    if (this.state === state || this.closed) return;
    this.state = state;
    if (state === 'connected') {
      this.epoch++;
      this.#up.signal();
      this.#release();
    } else {
      this.#down.signal();
      if (state === 'closed') this.#up.signal();
    }
    for (const listener of this.#listeners) listener(state);
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      switch (status.type) {
        case 'disconnect': this.#become('disconnected'); break;
        case 'reconnecting': this.#become('reconnecting'); break;
        case 'reconnect': this.#become('connected'); break;
        case 'error': {
          const c = status.permissionContext;
          this.onError(c ? busErrors.permission(c.operation, c.subject) : new Error(`NATS: ${String(status.data)}`), c?.subject ?? '');
          break;
        }
      }
    }
    this.#become('closed');
  }

  async connected(): Promise<void> {
    while (this.state !== 'connected' && !this.closed) await this.#up.wait();
  }

  broken(): Promise<void> { return this.state === 'connected' ? this.#down.wait() : Promise.resolve(); }

  #check(subject: string, pattern = false): void {
    if (this.closed) throw new BusClosed();
    if (!(pattern ? isPattern(subject) : isSubject(subject))) throw busErrors.subject(subject);
  }

  #put({ subject, data, headers }: BusMessage, reply?: string): void {
    const names = Object.entries(headers);
    const hs = names.length > 0 ? natsHeaders() : undefined;
    for (const [key, value] of names) hs!.set(key, value);
    try {
      this.connection.publish(subject, data, { headers: hs, reply });
    } catch (error) {
      if ((error as { code?: string }).code === 'MAX_PAYLOAD_EXCEEDED') throw busErrors.tooLarge(data.length, this.connection.info?.max_payload ?? 0);
      throw error;
    }
    this.#unflushed += data.length + subject.length + 64;
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const { message } of held) {
      try { this.#put(message); } catch (error) { this.onError(error, message.subject); }
    }
  }

  async publish(subject: string, data: Uint8Array, headers: Record<string, string> = {}): Promise<void> {
    this.#check(subject);
    if (this.#away) {
      while (this.#heldBytes + data.length > HELD_BYTES && this.#away && !this.closed) await this.#up.wait();
      if (this.closed) throw new BusClosed();
      if (this.#away) {
        this.#held.push({ message: { subject, data, headers } });
        this.#heldBytes += data.length + 256;
        return;
      }
    }
    this.#put({ subject, data, headers });
    if (this.#unflushed > FLUSH_BYTES) {
      this.#flushing ??= this.#flush().finally(() => { this.#flushing = undefined; });
      await this.#flushing;
    }
  }

  async #flush(): Promise<void> {
    this.#unflushed = 0;
    await Promise.race([this.connection.flush().catch(() => {}), this.broken()]);
  }

  async subscribe(subject: string, handler: (m: BusMessage) => void | Promise<void>, options: { queue?: string } = {}): Promise<Subscription> {
    this.#check(subject, true);
    return this.#listen(subject, options.queue, (message) => handler(message));
  }

  /** A subscription whose client side is bounded: what a slow handler has no room for is lost, as at-most-once allows. */
  #listen(subject: string, queue: string | undefined, handler: (m: BusMessage, raw: Msg) => void | Promise<void>): Subscription {
    const fan = new FanOut<BusMessage & { raw: Msg }>(this.onError);
    const local = fan.subscribe('>', (m) => handler({ subject: m.subject, data: m.data, headers: m.headers }, m.raw));
    const sub = this.connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, raw) => {
        if (error) { this.onError(error, subject); return; }
        fan.offer({ subject: raw.subject, data: raw.data, headers: plainHeaders(raw), raw });
      },
    });
    return {
      close: async () => {
        try { sub.unsubscribe(); } catch { /* closed with the connection */ }
        await local.close();
      },
    };
  }

  async ensureStream(options: StreamOptions): Promise<void> {
    for (const s of options.subjects) this.#check(s, true);
    const config: Partial<StreamConfig> & { name: string } = {
      name: options.name, subjects: options.subjects,
      retention: (options.retention === 'work' ? 'workqueue' : 'limits') as StreamConfig['retention'],
      discard: (options.retention === 'work' ? 'new' : 'old') as StreamConfig['discard'],
      max_bytes: options.maxBytes, max_age: nanos(options.maxAgeMs ?? 0), num_replicas: this.options.replicas ?? 1,
      duplicate_window: nanos(Math.min(options.dedupWindowMs ?? DEDUP_WINDOW_MS, options.maxAgeMs ?? Infinity)),
      storage: (options.storage ?? 'file') as StreamConfig['storage'],
    };
    this.#ensured.set(options.name, options);
    for (let attempt = 0; ; attempt++) {
      try {
        const existing = await this.manager.streams.info(options.name).catch((error) => {
          if (error.api_error?.err_code === 10059) return undefined;
          throw error;
        });
        if (!existing) await this.manager.streams.add(config);
        else if (Object.entries(config).some(([key, value]) => JSON.stringify(existing.config[key as keyof StreamConfig]) !== JSON.stringify(value))) await this.manager.streams.update(options.name, config);
        return;
      } catch (error) {
        const api = (error as { api_error?: { err_code: number; description: string } }).api_error;
        if (api?.err_code === 10065) throw busErrors.overlap(options.name, 'of another name');
        if (api && api.err_code !== 10008 && api.err_code !== 10058) throw busErrors.stream(options.name, api.description);
        // Not ready yet, disconnected, or another process made the stream at the same moment.
        if (this.closed) throw new BusClosed();
        if (attempt >= 20) throw busErrors.stream(options.name, (error as Error).message);
        await sleep(250);
        await this.connected();
      }
    }
  }

  async restoreStream(name: string): Promise<void> {
    const options = this.#ensured.get(name);
    if (options) await this.ensureStream(options);
  }

  async hasStream(subject: string): Promise<boolean | undefined> {
    try {
      await this.manager.streams.find(subject);
      return true;
    } catch (error) {
      if (!/no stream matches/i.test((error as Error).message)) return undefined;
    }
    for (const options of this.#ensured.values()) {
      if (options.subjects.some((s) => matcher(s)(subject))) {
        await this.ensureStream(options).catch((error) => this.onError(error, options.name));
        return undefined;
      }
    }
    return false;
  }

  publishDurable(subject: string, data: Uint8Array, id: string, headers: Record<string, string> = {}): Promise<{ duplicate: boolean }> {
    try { this.#check(subject); } catch (error) { return Promise.reject(error); }
    // A lane for packets, one for alerts, …: a full one does not hold up the others.
    const key = subject.split('.', 2).join('.');
    let lane = this.#lanes.get(key);
    if (!lane) this.#lanes.set(key, lane = new Lane(this));
    return lane.publish(subject, data, id, headers);
  }

  async consume(stream: string, options: ConsumeOptions, handler: (d: Delivery) => void | Promise<void>): Promise<Subscription> {
    if (options.filter !== undefined) this.#check(options.filter, true);
    await this.connected();
    if (this.closed) throw new BusClosed();
    const info = await this.manager.streams.info(stream).catch((error) => {
      if (error.api_error?.err_code === 10059) throw busErrors.noStream(`consumer ${options.durable} (stream ${stream})`);
      throw error;
    });
    for (const c of this.#consumers) if (c.stream === stream && c.options.durable === options.durable) await c.close();
    const consumer = new PullConsumer(this, stream, options, (info.config.retention as string) === 'workqueue', handler);
    this.#consumers.add(consumer);
    return { close: async () => { await consumer.close(); this.#consumers.delete(consumer); } };
  }

  async request(subject: string, data: Uint8Array, timeoutMs: number): Promise<BusMessage> {
    this.#check(subject);
    try {
      const raw = await this.connection.request(subject, data, { timeout: timeoutMs });
      const headers = plainHeaders(raw);
      if (headers['Sw-Error'] !== undefined) throw busErrors.remote(subject, headers['Sw-Error']);
      return { subject, data: raw.data, headers };
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === 'TIMEOUT' || code === '503' || code === 'DISCONNECT') throw new BusTimeout(subject);
      throw error;
    }
  }

  async respond(subject: string, handler: (m: BusMessage) => Promise<Uint8Array> | Uint8Array): Promise<Subscription> {
    this.#check(subject, true);
    const responder = new Responder(handler, this.onError);
    const subscription = this.#listen(subject, undefined, (message, raw) => responder.handle(message, (answer) => {
      if ('data' in answer) { raw.respond(answer.data); return; }
      const hs = natsHeaders();
      hs.set('Sw-Error', String((answer.error as Error)?.message ?? answer.error).replace(/[\r\n]+/g, ' ').slice(0, 500));
      raw.respond(new Uint8Array(0), { headers: hs });
    }));
    return { close: async () => { await subscription.close(); await responder.idle(); } };
  }

  onState(listener: (state: BusState) => void): void { this.#listeners.push(listener); }

  async close(): Promise<void> {
    if (this.closed) return;
    const limit = sleep(CLOSE_MS, true);
    await Promise.race([Promise.all([...this.#consumers].map((c) => c.close())), limit]);
    await Promise.race([Promise.all([...this.#lanes.values()].map((l) => l.idle())), limit]);
    await Promise.race([this.connection.flush().catch(() => {}), this.broken(), limit]);
    this.#become('closed');
    await this.connection.close();
  }
}

function plainHeaders(raw: Msg): Record<string, string> {
  const headers: Record<string, string> = {};
  if (raw.headers) for (const [key, values] of raw.headers) if (!key.startsWith('Nats-')) headers[key] = values[0] ?? '';
  return headers;
}

function connectionOptions(options: NatsOptions): ConnectionOptions {
  const servers = [options.servers].flat();
  const text = (path: string) => {
    try { return readFileSync(path); } catch (error) { throw busErrors.connect(servers[0], (error as Error).message); }
  };
  const seed = options.nkeySeed ?? (options.nkeyFile === undefined ? undefined : text(options.nkeyFile).toString('utf8').trim());
  const authenticator = seed !== undefined ? nkeyAuthenticator(new TextEncoder().encode(seed))
    : options.credsFile !== undefined ? credsAuthenticator(text(options.credsFile)) : undefined;
  const { caFile, certFile, keyFile } = options.tls ?? {};
  const tls: TlsOptions | undefined = options.tls || servers.some((s) => s.startsWith('tls://'))
    ? { ...(caFile === undefined ? {} : { ca: text(caFile).toString() }), ...(certFile === undefined ? {} : { cert: text(certFile).toString() }), ...(keyFile === undefined ? {} : { key: text(keyFile).toString() }) } : undefined;
  return {
    servers: servers.map((s) => s.replace(/^(nats|tls):\/\//, '').replace(/\/$/, '')), name: options.name ?? 'shouwang',
    ...(options.user === undefined ? {} : { user: options.user, pass: options.pass }), ...(options.token === undefined ? {} : { token: options.token }),
    ...(authenticator ? { authenticator } : {}), ...(tls ? { tls } : {}),
    timeout: 5000, reconnect: true, maxReconnectAttempts: -1, reconnectTimeWait: 250, reconnectJitter: 250, reconnectJitterTLS: 500,
    pingInterval: 10_000, maxPingOut: 2, ignoreAuthErrorAbort: true, noAsyncTraces: true,
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
  };
}

/**
 * A bus over NATS with JetStream (2.9 and later). Waits for the first connection up to `connectTimeoutMs`, then reconnects
 * for ever. `data` belongs to the bus until the call resolves. Rejects with SW_BUS_CONNECT.
 */
export async function createNatsBus(options: NatsOptions): Promise<Bus> {
  const wanted = connectionOptions(options);
  const where = [options.servers].flat().join(',').replace(/\/\/[^@/]*@/g, '//');
  const end = Date.now() + (options.connectTimeoutMs ?? 15_000);
  let connection: NatsConnection;
  for (;;) {
    try {
      connection = await connect(wanted);
      break;
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string };
      if (/AUTHORIZATION|AUTHENTICATION|BAD_/.test(code) || Date.now() > end) throw busErrors.connect(where, message);
      await sleep(300);
    }
  }
  try {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: 5000 });
    return new NatsBus(connection, manager, options);
  } catch (error) {
    await connection.close();
    throw busErrors.connect(where, (error as Error).message);
  }
}
