import { createHash } from 'node:crypto';
import type { Alert, EvidenceHeaders } from '../../../contracts/alert.js';
import type { Health } from '../../../contracts/health.js';
import { STREAM_BYTES, streams, subjects } from '../../../contracts/subjects.js';
import type { Delivery, Subscription } from '../../../runtime/bus/bus.js';
import { join } from 'node:path';
import type { Context } from '../context.js';
import { isRefusal, setAside } from './refused.js';

const STREAM_AGE_MS = 7 * 86_400_000;
/** One transaction: the larger, the fewer pages are written for an alert; small enough to be done in a fraction of a second. */
const BATCH_MAX = 2_500;
// What the search index takes up in one go; a search or a page waits for the writer no longer than this takes.
const WORDS_MAX = 500;
// In a flood that does not end the index still gets its turn.
const WORDS_EVERY = 8;
// A second one under way pays from here on.
const WORTH = 1_000;
const BATCH_WAIT_MS = 20;
/** Batches under way at once: one is made ready while the one before is written. The store takes them in their order. */
const WRITING_MAX = 2;
// What is written, what waits to be, and a batch that fills meanwhile.
const UNACKED_MAX = BATCH_MAX * (WRITING_MAX + 1);
const RETRY_MS = 1_000;
/** An alert larger than this is no alert. */
const ALERT_BYTES_MAX = 2 * 1024 * 1024;

/** @returns the alert and its text as it came; undefined where it is none. */
export function parseAlert(data: Uint8Array): { alert: Alert; json: string } | undefined {
  if (data.length > ALERT_BYTES_MAX) return undefined;
  try {
    const json = new TextDecoder().decode(data);
    const alert = JSON.parse(json) as Alert;
    const s = alert?.shouwang;
    const whole = alert?.event_type === 'alert' && typeof s?.id === 'string' && s.id !== '' && typeof s.revision === 'number'
      && typeof s.rule === 'string' && typeof s.attacker?.ip === 'string' && typeof s.victim?.ip === 'string';
    return whole ? { alert, json } : undefined;
  } catch {
    return undefined;
  }
}

interface Arrived { delivery: Delivery; alert: Alert; json: string }

/**
 * From the bus into the store. A message is acknowledged after its transaction is on disk: killed at any moment, the
 * rest is delivered again, and taking an alert twice changes nothing. An alert that the store can never take is set aside
 * in `refused.jsonl` beside the store, so that it stops no other.
 */
export class Ingest {
  private waiting: Arrived[] = [];
  private batches = 0;
  private indexing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly writing = new Set<Promise<void>>();
  private stopped = false;
  private readonly subscriptions: Subscription[] = [];
  readonly counters = { alerts: 0, stale: 0, malformed: 0, evidence: 0, damaged: 0, refused: 0, retries: 0 };

  constructor(private readonly context: Context) {}

  async start(): Promise<void> {
    const { bus } = this.context;
    await bus.ensureStream({ name: streams.alerts, subjects: [subjects.allAlerts], retention: 'keep', maxBytes: STREAM_BYTES.alerts, maxAgeMs: STREAM_AGE_MS, dedupWindowMs: 600_000, storage: 'file' });
    await bus.ensureStream({ name: streams.evidence, subjects: [subjects.allEvidence], retention: 'keep', maxBytes: STREAM_BYTES.evidence, maxAgeMs: STREAM_AGE_MS, dedupWindowMs: 600_000, storage: 'file' });
    this.index();
    this.subscriptions.push(
      await bus.consume(streams.alerts, { durable: 'console', ack: 'explicit', maxUnacked: UNACKED_MAX }, (d) => this.receive(d)),
      await bus.consume(streams.evidence, { durable: 'console', ack: 'explicit', maxUnacked: 16 }, (d) => this.evidence(d)),
      await bus.subscribe(subjects.allHealth, (m) => this.health(m.data)),
    );
  }

  private async receive(delivery: Delivery): Promise<void> {
    const parsed = parseAlert(delivery.data);
    if (!parsed) {
      this.counters.malformed++;
      this.context.log.warn('a message on the alert stream is no alert; it is left out', { subject: delivery.subject, seq: delivery.seq });
      delivery.ack();
      return;
    }
    this.waiting.push({ delivery, ...parsed });
    if (this.waiting.length >= WORTH) this.kick();
    else this.timer ??= setTimeout(() => { this.timer = undefined; this.kick(); }, BATCH_WAIT_MS);
    // The handler is called in order: while a batch is written and the next is full, the stream waits here.
    while (this.waiting.length >= BATCH_MAX && this.writing.size > 0 && !this.stopped) await Promise.race(this.writing);
  }

  private kick(): void {
    // A second one only for many: what is not urgent waits for company.
    while (this.waiting.length > 0 && (this.writing.size === 0 || (this.writing.size < WRITING_MAX && this.waiting.length >= WORTH))) {
      const write: Promise<void> = this.write().finally(() => {
        this.writing.delete(write);
        if (!this.stopped) this.kick();
      });
      this.writing.add(write);
    }
  }

  private write(): Promise<void> {
    return this.take(this.waiting.splice(0, BATCH_MAX));
  }

  private async take(batch: readonly Arrived[]): Promise<void> {
    const { store, assets, clock, config, log } = this.context;
    for (;;) {
      try {
        const taken = await store.take(batch.map((b) => b.alert), assets(), clock.now(), config.windowMs, { json: batch.map((b) => b.json), suppress: this.context.suppress, due: this.context.due, tell: this.context.tellOf });
        for (const { delivery } of batch) delivery.ack();
        this.counters.alerts += taken.alerts.length;
        this.counters.stale += taken.stale;
        await this.context.announce(taken);
        if (this.waiting.length < WORTH || ++this.batches % WORDS_EVERY === 0) this.index();
        return;
      } catch (error) {
        if (this.stopped) return;
        if (isRefusal(error)) {
          if (batch.length === 1 && this.refuse(batch[0], error)) return;
          if (batch.length > 1) {
            const half = batch.length >> 1;
            await this.take(batch.slice(0, half));
            return this.take(batch.slice(half));
          }
        }
        this.counters.retries++;
        log.error('alerts could not be stored; trying again', { error, alerts: batch.length });
        await new Promise((resolve) => { setTimeout(resolve, RETRY_MS).unref(); });
      }
    }
  }

  private refuse({ delivery, alert, json }: Arrived, error: unknown): boolean {
    const file = join(this.context.config.dataDir, 'refused.jsonl');
    if (!setAside(file, json)) return false;
    this.counters.refused++;
    this.context.log.error('an alert that the store cannot take was set aside', { error, id: alert.shouwang.id.slice(0, 128), file });
    delivery.ack();
    return true;
  }

  /** Lets the search index follow, one step after the other, while the intake has nothing more urgent. */
  private index(): void {
    this.indexing ??= (async () => {
      for (let step = 0; await this.context.store.indexWords(WORDS_MAX) === WORDS_MAX && !this.stopped; step++) {
        if (step > 0 && this.waiting.length >= WORTH) return;
      }
    })().catch((error: unknown) => this.context.log.warn('the search index could not follow; it catches up with the next alerts', { error })).finally(() => { this.indexing = undefined; });
  }

  private async evidence(delivery: Delivery): Promise<void> {
    const { store, files, clock, log } = this.context;
    // Header names arrive in any case, on the wire under `Sw-`.
    const h = Object.fromEntries(Object.entries(delivery.headers).map(([k, v]) => [k.toLowerCase().replace(/^sw-/, ''), v])) as Record<keyof EvidenceHeaders | 'demo', string>;
    const id = String(h.id ?? '').slice(0, 128);
    const alert = String(h.alert ?? '').slice(0, 128);
    if (!id || !alert) {
      this.counters.malformed++;
      delivery.ack();
      return;
    }
    const sha256 = await files.put(delivery.data);
    const damaged = sha256 !== h.sha256;
    if (damaged) {
      this.counters.damaged++;
      log.warn('evidence arrived with another hash than announced', { id, alert, announced: h.sha256, sha256 });
    }
    await store.evidence.put({
      id, alert, sha256, bytes: delivery.data.length, packets: Number(h.packets) || 0, state: damaged ? 'damaged' : 'stored',
      stored: clock.now(), demo: h.demo === 'true' || h.demo === '1' ? 1 : 0, sm3: createHash('sm3').update(delivery.data).digest('hex'),
    });
    this.counters.evidence++;
    delivery.ack();
  }

  private async health(data: Uint8Array): Promise<void> {
    let health: Health;
    try {
      health = JSON.parse(new TextDecoder().decode(data)) as Health;
      if (typeof health?.role !== 'string' || typeof health.id !== 'string') throw new TypeError('no heartbeat');
    } catch {
      this.counters.malformed++;
      return;
    }
    await this.context.heard(health).catch((error: unknown) => this.context.log.warn('a heartbeat could not be stored', { error }));
  }

  /** Stops taking, writes what has been received, acknowledges it. */
  async stop(): Promise<void> {
    const closing = Promise.all(this.subscriptions.map((s) => s.close()));
    clearTimeout(this.timer);
    while (this.waiting.length > 0 || this.writing.size > 0) {
      this.kick();
      await Promise.race(this.writing);
    }
    this.stopped = true;
    await this.indexing;
    await closing;
  }
}
