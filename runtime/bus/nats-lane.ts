import { headers as natsHeaders, type Msg, type NatsConnection } from 'nats';
import { BusClosed, BusFull, busErrors } from './errors.js';
import { sleep } from './wait.js';

/** Unacknowledged publishes on the wire of one lane: enough to hide the round trip, few enough to repeat after a break. */
const WINDOW_MESSAGES = 64;
const WINDOW_BYTES = 8 * 1024 * 1024;
/** No acknowledgement for this long and the message is published again under its id. */
const ACK_TIMEOUT_MS = 8000;
const RETRY_MS = 250;

/** Error codes of JetStream: of a full stream or store, and of a server that is not ready yet. */
const FULL = new Set([10047, 10077, 10076, 10023, 10122]);
const TOO_LARGE = 10054;

interface Entry {
  subject: string; data: Uint8Array; id: string; headers: Record<string, string>;
  done: (result: { duplicate: boolean }) => void; failed: (error: unknown) => void;
}
type Outcome = { ok: true; duplicate: boolean } | { ok: false; retry: true; why: string } | { ok: false; retry: false; error: unknown };

/** What a lane needs of the connection. */
export interface LaneHost {
  readonly connection: NatsConnection;
  readonly closed: boolean;
  /** Counts connections; another number means that there was a break in between. */
  readonly epoch: number;
  /** Resolves when connected, or closed. */
  connected(): Promise<void>;
  /** Resolves at the next disconnect. */
  broken(): Promise<void>;
  /** Whether some stream takes the subject, creating a lost one that this client had ensured; undefined when nobody can tell now. */
  hasStream(subject: string): Promise<boolean | undefined>;
}

/**
 * Publishes to JetStream in call order. After a break everything unacknowledged is published again in the same order
 * under the same ids; the first goes alone until it is acknowledged, so that nothing overtakes it on a server that is
 * still starting.
 */
export class Lane {
  #waiting: Entry[] = [];
  #run: Promise<void> | undefined;
  #epoch = 0;

  constructor(private readonly host: LaneHost) {}

  publish(subject: string, data: Uint8Array, id: string, headers: Record<string, string>): Promise<{ duplicate: boolean }> {
    return new Promise((done, failed) => {
      this.#waiting.push({ subject, data, id, headers, done, failed });
      this.#run ??= this.#pump();
    });
  }

  async idle(): Promise<void> { await this.#run; }

  async #pump(): Promise<void> {
    await Promise.resolve();
    let careful = false;
    let epoch = this.#epoch;
    while (this.#waiting.length > 0) {
      await this.host.connected();
      if (this.host.closed) {
        for (const e of this.#waiting.splice(0)) e.failed(new BusClosed());
        break;
      }
      if (epoch !== this.host.epoch) { careful = true; epoch = this.host.epoch; }
      const batch: Entry[] = [];
      for (let bytes = 0; batch.length < (careful ? 1 : WINDOW_MESSAGES) && batch.length < this.#waiting.length && bytes < WINDOW_BYTES;) {
        const entry = this.#waiting[batch.length];
        bytes += entry.data.length;
        batch.push(entry);
      }
      const broken = this.host.broken();
      const outcomes = await Promise.all(batch.map((entry) => this.#send(entry, broken)));
      const again: Entry[] = [];
      outcomes.forEach((outcome, i) => {
        if (outcome.ok) batch[i].done({ duplicate: outcome.duplicate });
        else if (outcome.retry) again.push(batch[i]);
        else batch[i].failed(outcome.error);
      });
      this.#waiting.splice(0, batch.length, ...again);
      careful = again.length > 0;
      if (careful) await sleep(RETRY_MS);
    }
    this.#epoch = epoch;
    this.#run = undefined;
  }

  async #send(entry: Entry, broken: Promise<void>): Promise<Outcome> {
    const nc = this.host.connection;
    const hs = natsHeaders();
    for (const [key, value] of Object.entries(entry.headers)) hs.set(key, value);
    hs.set('Nats-Msg-Id', entry.id);
    let reply: Msg;
    try {
      const answer = nc.request(entry.subject, entry.data, { timeout: ACK_TIMEOUT_MS, headers: hs });
      answer.catch(() => {});
      const first = await Promise.race([answer, broken]);
      if (!first) return { ok: false, retry: true, why: 'disconnected' };
      reply = first;
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === 'MAX_PAYLOAD_EXCEEDED') return { ok: false, retry: false, error: busErrors.tooLarge(entry.data.length, nc.info?.max_payload ?? 0) };
      if (code === 'PERMISSIONS_VIOLATION') return { ok: false, retry: false, error: busErrors.permission('publish', entry.subject) };
      // No responder is either no stream or a server whose JetStream is still starting.
      if (code === '503' && await this.host.hasStream(entry.subject) === false) return { ok: false, retry: false, error: busErrors.noStream(entry.subject) };
      return { ok: false, retry: true, why: String(code ?? error) };
    }
    let ack: { stream?: string; duplicate?: boolean; error?: { err_code?: number; code?: number; description?: string } };
    try { ack = reply.json(); } catch { return { ok: false, retry: true, why: 'unreadable acknowledgement' }; }
    if (!ack.error) return { ok: true, duplicate: ack.duplicate === true };
    const { err_code: code = 0, description = '' } = ack.error;
    if (FULL.has(code) || /maximum (bytes|messages)|insufficient|resources exceeded/.test(description)) return { ok: false, retry: false, error: new BusFull(ack.stream ?? entry.subject) };
    if (code === TOO_LARGE) return { ok: false, retry: false, error: busErrors.tooLarge(entry.data.length, 0) };
    return { ok: false, retry: true, why: description };
  }
}
