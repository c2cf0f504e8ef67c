import { BusFull, busErrors } from './errors.js';
import type { StreamOptions } from './bus.js';
import type { Journal, Place } from './journal.js';
import { matcher } from './subject.js';

/** Window in which a second publish of an id is a duplicate, where the stream does not say (NATS has the same default). */
export const DEDUP_WINDOW_MS = 120_000;
/** Ids remembered at most, so that a short window of tiny messages cannot fill memory: 1 M × ~100 B. */
const DEDUP_MAX = 1_000_000;
/** Bodies of a journaled stream kept in memory; older ones are read back from the journal. */
const CACHE_BYTES = 16 * 1024 * 1024;
/** What a message costs beside its bytes. */
const OVERHEAD = 64;

export interface Stored {
  seq: number;
  subject: string;
  id: string;
  headers: Record<string, string>;
  at: number;
  bytes: number;
  data: Uint8Array | undefined;
  place: Place | undefined;
}

/** The messages of one stream: sequence numbers, duplicates, retention. Time is handed in. */
export class StreamStore {
  readonly #messages = new Map<number, Stored>();
  readonly #seen = new Map<string, { at: number; stored: Promise<unknown> | undefined }>();
  #bytes = 0;
  #pendingBytes = 0;
  #cached = 0;
  #cacheFrom = 1;
  #next = 1;
  #first = 1;
  #matches: ((subject: string) => boolean)[] = [];
  journal: Journal | undefined;
  /** Called when a message can be delivered. */
  onStored: () => void = () => {};

  constructor(public options: StreamOptions, private readonly now: () => number) { this.configure(options); }

  configure(options: StreamOptions): void {
    this.options = options;
    this.#matches = options.subjects.map(matcher);
    this.#expire();
  }

  takes(subject: string): boolean { return this.#matches.some((m) => m(subject)); }
  get last(): number { return this.#next - 1; }
  get first(): number { return this.#first; }
  get bytes(): number { return this.#bytes; }
  get count(): number { return this.#messages.size; }

  /** Takes a message that was read back from the journal. */
  restore(message: Stored): void {
    this.#next = message.seq + 1;
    if (this.#messages.size === 0) this.#first = message.seq;
    this.#messages.set(message.seq, message);
    this.#bytes += message.bytes;
    if (message.id !== '') this.#seen.set(message.id, { at: message.at, stored: undefined });
  }

  /** After the last `restore`, or for a fresh stream that continues at `next`. */
  restored(next: number): void {
    this.#next = Math.max(this.#next, next);
    if (this.#messages.size === 0) this.#first = this.#next;
    this.#cacheFrom = this.#next;
    this.#expire();
  }

  /** Resolves when the message is stored (on disk, where there is a journal). Rejects with BusFull. */
  async put(subject: string, data: Uint8Array, id: string, headers: Record<string, string>): Promise<{ duplicate: boolean }> {
    this.#expire();
    const known = id === '' ? undefined : this.#seen.get(id);
    if (known) {
      await known.stored;
      return { duplicate: true };
    }
    const bytes = messageBytes(subject, data, id, headers);
    if (bytes > this.options.maxBytes) throw busErrors.tooLarge(bytes, this.options.maxBytes);
    if (this.options.retention === 'work' && this.#bytes + this.#pendingBytes + bytes > this.options.maxBytes) throw new BusFull(this.options.name);
    const message: Stored = { seq: this.#next++, subject, id, headers, at: this.now(), bytes, data, place: undefined };
    if (!this.journal) {
      if (id !== '') this.#seen.set(id, { at: message.at, stored: undefined });
      this.#commit(message);
      return { duplicate: false };
    }
    this.#pendingBytes += bytes;
    const entry = { at: message.at, stored: undefined as Promise<unknown> | undefined };
    entry.stored = this.journal.append(message, data).then((place) => {
      message.place = place;
      entry.stored = undefined;
      this.#commit(message);
    }).finally(() => { this.#pendingBytes -= bytes; });
    if (id !== '') this.#seen.set(id, entry);
    try {
      await entry.stored;
    } catch (error) {
      if (id !== '') this.#seen.delete(id);
      throw error;
    }
    return { duplicate: false };
  }

  /** Bytes on their way to the journal. */
  get pendingBytes(): number { return this.#pendingBytes; }

  #commit(message: Stored): void {
    if (this.#messages.size === 0) this.#first = message.seq;
    this.#messages.set(message.seq, message);
    this.#bytes += message.bytes;
    if (message.place) {
      this.#cached += message.bytes;
      for (; this.#cached > CACHE_BYTES && this.#cacheFrom < message.seq; this.#cacheFrom++) {
        const old = this.#messages.get(this.#cacheFrom);
        if (old?.data) { this.#cached -= old.bytes; old.data = undefined; }
      }
    }
    this.#expire();
    this.onStored();
  }

  /** The message with the lowest number from `seq` on. */
  from(seq: number): Stored | undefined {
    for (let s = Math.max(seq, this.#first); s < this.#next; s++) {
      const m = this.#messages.get(s);
      if (m) return m;
    }
    return undefined;
  }

  get(seq: number): Stored | undefined { return this.#messages.get(seq); }

  body(message: Stored): Uint8Array | undefined {
    return message.data ?? (message.place && this.journal?.read(message.place));
  }

  remove(seq: number): void {
    const message = this.#messages.get(seq);
    if (!message) return;
    this.#messages.delete(seq);
    this.#bytes -= message.bytes;
    if (message.place && message.data) this.#cached -= message.bytes;
    if (seq === this.#first) {
      while (this.#first < this.#next && !this.#messages.has(this.#first)) this.#first++;
      this.journal?.forgetBefore(this.#first);
    }
  }

  /** Retention by size and age; forgets ids outside their window. */
  #expire(): void {
    const now = this.now();
    const { retention, maxBytes, maxAgeMs, dedupWindowMs = DEDUP_WINDOW_MS } = this.options;
    for (;;) {
      const oldest = this.#messages.get(this.#first);
      if (!oldest) break;
      const over = retention === 'keep' && this.#bytes > maxBytes;
      if (!over && !(maxAgeMs !== undefined && oldest.at < now - maxAgeMs)) break;
      this.remove(oldest.seq);
    }
    for (const [id, { at, stored }] of this.#seen) {
      if (stored || (at >= now - dedupWindowMs && this.#seen.size <= DEDUP_MAX)) break;
      this.#seen.delete(id);
    }
  }
}

export function messageBytes(subject: string, data: Uint8Array, id: string, headers: Record<string, string>): number {
  let bytes = OVERHEAD + subject.length + id.length + data.length;
  for (const key in headers) bytes += key.length + headers[key].length;
  return bytes;
}
