import { randomUUID } from 'node:crypto';
import { createInbox, nanos, type ConsumerConfig, type JetStreamManager, type Msg, type NatsConnection, type Subscription as NatsSubscription } from 'nats';
import type { ConsumeOptions, Delivery, Subscription } from './bus.js';
import { Turn } from './fan-out.js';
import { busErrors } from './errors.js';
import { ACK_WAIT_MS, retryDelay } from './stream-consumer.js';
import { Signal, sleep } from './wait.js';

/** Messages and bytes asked for at once: hides the round trip without hoarding; both bound the memory of a consumer. */
const PULL_MESSAGES = 128;
const PULL_BYTES = 16 * 1024 * 1024;
const PULL_EXPIRES_MS = 30_000;
/** The server says it is alive this often; twice missed, the session is made anew. */
const HEARTBEAT_MS = 2500;
/** The server redelivers what it heard nothing of for this long; messages held here are reported as in progress meanwhile. */
const SERVER_ACK_WAIT_MS = 8000;
/** For `all`, redelivery is by a new session only; the server's own comes so late that it never interferes. */
const ALL_ACK_WAIT_MS = 24 * 3_600_000;
/** Acknowledged numbers remembered, so that an acknowledgement lost with a connection does not repeat the message. */
const REMEMBERED = 65_536;
const RETRY_MS = 300;
/** Between two pulls when the server says that too much is unacknowledged. */
const PAUSE_MS = 50;
/** How often a consumer that was taken over looks whether the other one still reads. */
const TAKEN_OVER_MS = 5000;

interface Item { msg: Msg; seq: number; count: number; arrived: number; handledAt: number; failures: number; dueAt: number }

export interface PullHost {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly inboxPrefix: string | undefined;
  readonly closed: boolean;
  connected(): Promise<void>;
  broken(): Promise<void>;
  /** Creates the stream again where the server lost it and this client knows its options. */
  restoreStream(name: string): Promise<void>;
  onError(error: unknown, subject: string): void;
}

/** Parses the reply subject of a delivery: `$JS.ACK.[domain.account.]stream.consumer.count.seq.delivery.time.pending[.token]`. */
function delivered(msg: Msg): { seq: number; count: number } {
  const t = (msg.reply ?? '').split('.');
  const shift = t.length > 9 ? 2 : 0;
  return { count: Number(t[4 + shift]), seq: Number(t[5 + shift]) };
}

/**
 * One durable pull consumer. Work streams and `all` get a new consumer in each session (process start, reconnect, silence):
 * the server then delivers everything unacknowledged again, in stream order; what this process has already handled is
 * skipped. `keep` with `explicit` keeps its consumer, so that its place survives on the server.
 */
export class PullConsumer implements Subscription {
  readonly #anew: boolean;
  #closed = false;
  #run: Promise<void>;
  #queue: Item[] = [];
  /** Delivered to the handler, or waiting for it, and not acknowledged; by stream sequence. */
  readonly #open = new Map<number, Item>();
  readonly #acked = new Set<number>();
  #ackedThrough = 0;
  #handledThrough = 0;
  /** Delivered in earlier sessions up to here. */
  #deliveredBefore = 0;
  #created = '';
  readonly #change = new Signal();
  #requested = 0;
  #heard = 0;
  #lost = false;
  #askAfter = 0;
  readonly #me = `sw-${randomUUID()}`;
  #sessionCount = 0;

  constructor(private readonly host: PullHost, readonly stream: string, readonly options: ConsumeOptions,
    private readonly work: boolean, private readonly handler: (d: Delivery) => void | Promise<void>) {
    this.#anew = work || options.ack === 'all';
    this.#run = this.#sessions();
  }

  async #sessions(): Promise<void> {
    while (!this.#closed && !this.host.closed) {
      await Promise.race([this.host.connected(), this.#change.wait()]);
      if (this.#closed || this.host.closed || this.host.connection.isClosed()) break;
      try {
        await this.#prepare();
        await this.#session();
      } catch (error) {
        if (this.#closed || this.host.closed) break;
        const code = (error as { api_error?: { err_code?: number } }).api_error?.err_code;
        if (code === 10059) await this.host.restoreStream(this.stream).catch((e) => this.host.onError(e, this.stream));
        else this.host.onError(error, this.stream);
        await sleep(RETRY_MS);
      }
    }
  }

  /** Brings the consumer on the server to life. */
  async #prepare(): Promise<void> {
    const { durable, filter, ack, maxUnacked } = this.options;
    const jsm = this.host.manager;
    const info = await jsm.streams.info(this.stream);
    if (this.#created !== String(info.created) || info.state.last_seq < this.#handledThrough) {
      // A stream that was lost and made again counts from 1 again.
      if (this.#created !== '') { this.#acked.clear(); this.#open.clear(); this.#queue = []; this.#ackedThrough = this.#handledThrough = 0; }
      this.#created = String(info.created);
    }
    const existing = await jsm.consumers.info(this.stream, durable).catch((error) => {
      if (error.api_error?.err_code === 10014) return undefined;
      throw error;
    });
    const config: Partial<ConsumerConfig> = {
      durable_name: durable, ...(this.#anew ? { description: this.#me } : {}), ack_policy: 'explicit' as ConsumerConfig['ack_policy'], max_deliver: -1, max_ack_pending: maxUnacked,
      ack_wait: nanos(ack === 'all' ? ALL_ACK_WAIT_MS : SERVER_ACK_WAIT_MS), max_waiting: 16,
      ...(filter === undefined ? {} : { filter_subject: filter }),
    };
    if (!this.#anew) {
      if (existing && existing.config.max_ack_pending === maxUnacked && (existing.config.filter_subject ?? undefined) === filter && existing.config.ack_wait === config.ack_wait) return;
      if (existing) await jsm.consumers.update(this.stream, durable, { max_ack_pending: maxUnacked, ack_wait: config.ack_wait, ...(filter === undefined ? {} : { filter_subject: filter }) });
      else await jsm.consumers.add(this.stream, { ...config, deliver_policy: 'all' as ConsumerConfig['deliver_policy'] });
      return;
    }
    // The newest process wins; the older one waits until the newer has stopped reading, or the two would fight for ever.
    if (this.#sessionCount++ > 0 && existing?.config.description && existing.config.description !== this.#me && existing.num_waiting > 0) {
      this.host.onError(busErrors.takenOver(this.stream, durable), this.stream);
      for (let idle = 0; idle < 2 && !this.#closed && !this.host.closed;) {
        await Promise.race([sleep(TAKEN_OVER_MS, true), this.#change.wait()]);
        const now = await jsm.consumers.info(this.stream, durable).catch(() => undefined);
        idle = (now?.num_waiting ?? 0) > 0 ? 0 : idle + 1;
      }
      return this.#prepare();
    }
    let start: Partial<ConsumerConfig> = { deliver_policy: 'all' as ConsumerConfig['deliver_policy'] };
    if (existing) {
      this.#deliveredBefore = Math.max(this.#deliveredBefore, existing.delivered.stream_seq);
      const floor = Math.max(existing.ack_floor.stream_seq, this.#ackedThrough);
      if (!this.work && floor > 0) start = { deliver_policy: 'by_start_sequence' as ConsumerConfig['deliver_policy'], opt_start_seq: floor + 1 };
      await jsm.consumers.delete(this.stream, durable);
    }
    // Items of the old session can no longer be acknowledged under their own reply subject.
    this.#queue = [];
    this.#open.clear();
    await jsm.consumers.add(this.stream, { ...config, ...start });
  }

  async #session(): Promise<void> {
    const nc = this.host.connection;
    const inbox = createInbox(this.host.inboxPrefix);
    this.#lost = false;
    this.#requested = 0;
    this.#heard = Date.now();
    const sub = nc.subscribe(inbox, { callback: (error, msg) => { if (error) this.#lost = true; else this.#arrived(msg); this.#change.signal(); } });
    let live = true;
    void this.host.broken().then(() => { if (live) { this.#lost = true; this.#change.signal(); } });
    const watch = setInterval(() => this.#watch(), 1000);
    try {
      const ask = () => {
        if (this.#requested > 0 || this.#lost) return;
        const wait = this.#askAfter - Date.now();
        if (wait > 0) { setTimeout(() => this.#change.signal(), wait); return; }
        const room = Math.min(this.options.maxUnacked, PULL_MESSAGES) - this.#queue.length;
        if (room < Math.min(this.options.maxUnacked, PULL_MESSAGES) / 2) return;
        this.#requested = Math.ceil(room);
        nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.stream}.${this.options.durable}`, JSON.stringify({
          batch: this.#requested, max_bytes: PULL_BYTES, expires: nanos(PULL_EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS),
        }), { reply: inbox });
      };
      const turn = new Turn();
      while (!this.#closed && !this.#lost) {
        ask();
        const item = this.#take();
        if (item) await this.#hand(item);
        else await this.#change.wait();
        await turn.over();
      }
    } finally {
      live = false;
      clearInterval(watch);
      this.#stop(sub);
    }
  }

  #stop(sub: NatsSubscription): void {
    try { sub.unsubscribe(); } catch { /* the connection is gone, and the subscription with it */ }
  }

  /** A message, a heartbeat or the end of the pull. */
  #arrived(msg: Msg): void {
    this.#heard = Date.now();
    const status = msg.headers?.code ?? 0;
    if (status === 100) return;
    if (msg.data.length === 0 && status >= 400) {
      this.#requested = 0;
      // 404 nothing, 408 expired, 409 byte limit or too many unacknowledged: ask again. A consumer that is gone: begin anew.
      if (status === 409) this.#askAfter = Date.now() + PAUSE_MS;
      if (status === 503 || (status === 409 && /deleted|leadership|shutdown/i.test(msg.headers?.description ?? ''))) this.#lost = true;
      return;
    }
    this.#requested = Math.max(0, this.#requested - 1);
    const { seq, count } = delivered(msg);
    const known = this.#open.get(seq);
    if (known) {
      // A second copy of one that is held here: acknowledge under the newer reply.
      known.msg = msg;
      return;
    }
    if (seq <= this.#ackedThrough || this.#acked.has(seq)) { msg.respond(); return; }
    const item: Item = { msg, seq, count, arrived: Date.now(), handledAt: 0, failures: 0, dueAt: 0 };
    this.#open.set(seq, item);
    // Handled in an earlier session of this process and not acknowledged yet: it only has to be acknowledgeable.
    if (this.#anew && this.options.ack === 'all' && seq <= this.#handledThrough) return;
    this.#queue.push(item);
  }

  #take(): Item | undefined {
    const now = Date.now();
    for (let i = 0; i < this.#queue.length; i++) {
      if (this.#queue[i].dueAt <= now) return this.#queue.splice(i, 1)[0];
    }
    return undefined;
  }

  async #hand(item: Item): Promise<void> {
    const headers: Record<string, string> = {};
    if (item.msg.headers) for (const [key, values] of item.msg.headers) if (!key.startsWith('Nats-')) headers[key] = values[0] ?? '';
    const delivery: Delivery = {
      subject: item.msg.subject, data: item.msg.data, headers, seq: item.seq,
      id: item.msg.headers?.get('Nats-Msg-Id') || `${this.stream}:${item.seq}`,
      redelivered: item.count > 1 || item.failures > 0 || item.seq <= this.#deliveredBefore,
      ack: () => this.#ack(item.seq),
    };
    while (!this.#closed) {
      try {
        const done = this.handler(delivery);
        if (done) await done;
        item.handledAt = Date.now();
        this.#handledThrough = Math.max(this.#handledThrough, item.seq);
        return;
      } catch (error) {
        this.host.onError(error, item.msg.subject);
        item.failures++;
        delivery.redelivered = true;
        const delay = retryDelay(item.failures);
        if (this.options.ack === 'explicit') {
          item.dueAt = Date.now() + delay;
          this.#queue.push(item);
          setTimeout(() => this.#change.signal(), delay);
          return;
        }
        const end = Date.now() + delay;
        while (!this.#closed && Date.now() < end) await Promise.race([sleep(end - Date.now()), this.#change.wait()]);
      }
    }
  }

  #ack(seq: number): void {
    if (this.#closed) return;
    if (this.options.ack === 'explicit') {
      this.#acked.add(seq);
      if (this.#acked.size > REMEMBERED) for (const oldest of this.#acked) { this.#acked.delete(oldest); break; }
      const item = this.#open.get(seq);
      this.#open.delete(seq);
      this.#send(item, '+ACK');
    } else {
      this.#ackedThrough = Math.max(this.#ackedThrough, seq);
      for (const [earlier, item] of this.#open) {
        if (earlier > this.#ackedThrough) break;
        this.#open.delete(earlier);
        this.#send(item, '+ACK');
      }
    }
    this.#change.signal();
  }

  #send(item: Item | undefined, what: '+ACK' | '+WPI'): void {
    if (!item?.msg.reply) return;
    // An acknowledgement lost with the connection is repeated when the message comes again.
    try { if (!this.#lost) this.host.connection.publish(item.msg.reply, what); } catch { this.#lost = true; }
  }

  /** Every second: silence of the server ends the session; what is held here is reported as in progress. */
  #watch(): void {
    const now = Date.now();
    if (this.#requested > 0 && now - this.#heard > 2 * HEARTBEAT_MS + 1000) { this.#lost = true; this.#change.signal(); }
    if (this.options.ack === 'all') return;
    for (const item of this.#open.values()) {
      if (item.handledAt !== 0 && now - item.handledAt > ACK_WAIT_MS) { this.#open.delete(item.seq); continue; }
      if (now - item.arrived < SERVER_ACK_WAIT_MS / 3) continue;
      item.arrived = now;
      this.#send(item, '+WPI');
    }
  }

  async close(): Promise<void> {
    // What waits here unhandled goes back at once, so that the next consumer need not wait for it.
    if (!this.#closed && !this.#anew) {
      for (const item of this.#queue) if (item.msg.reply && !this.#lost) { try { this.host.connection.publish(item.msg.reply, '-NAK'); } catch { break; } }
    }
    this.#closed = true;
    this.#change.signal();
    await this.#run;
    await Promise.race([this.host.connection.flush().catch(() => {}), sleep(1000, true)]);
  }
}
