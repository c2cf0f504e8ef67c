/** The bus: one interface; in one process, through a local socket, and NATS with JetStream. All pass `conformance.ts`. */

export interface BusMessage {
  subject: string;
  data: Uint8Array;
  headers: Record<string, string>;
}

export interface Delivery extends BusMessage {
  /** Position in the stream, from 1, growing. */
  seq: number;
  /** The id it was published under. */
  id: string;
  redelivered: boolean;
  /** Acknowledges this message (`explicit`) or this and every earlier one of the consumer (`all`). */
  ack(): void;
}

export interface Subscription {
  /** Resolves when no further message will be handed over and the running handler has returned. */
  close(): Promise<void>;
}

export interface ConsumeOptions {
  /** Same name, same place in the stream after a restart. */
  durable: string;
  /** Only subjects that match (NATS wildcards). */
  filter?: string;
  /** `all`: `ack()` covers every earlier message; what was not acknowledged is delivered again, in order, after a restart. */
  ack: 'explicit' | 'all';
  /** How many messages may be unacknowledged at once; the back-pressure of the consumer. */
  maxUnacked: number;
}

export interface StreamOptions {
  name: string;
  subjects: string[];
  /** `work`: a message goes when it is acknowledged; `keep`: it stays until age or size removes it. */
  retention: 'work' | 'keep';
  maxBytes: number;
  maxAgeMs?: number;
  /** Window in which a second publish of the same id is a duplicate. */
  dedupWindowMs?: number;
  /** Full `work` streams refuse new messages (`BusFull`), full `keep` streams drop the oldest. */
  storage?: 'file' | 'memory';
}

export type BusState = 'connected' | 'disconnected' | 'reconnecting' | 'closed';

/** `data` and `headers` belong to the bus from a call on: they may be handed to subscribers as they are, so don't change them. */
export interface Bus {
  /** At most once, to whoever listens now. Resolves when the message has left this process or sits in a bounded buffer. */
  publish(subject: string, data: Uint8Array, headers?: Record<string, string>): Promise<void>;
  subscribe(
    subject: string,
    handler: (message: BusMessage) => void | Promise<void>,
    options?: { queue?: string },
  ): Promise<Subscription>;
  /** Creates the stream or brings it to these options. */
  ensureStream(options: StreamOptions): Promise<void>;
  /**
   * At least once: resolves when the stream has stored the message, waits through a reconnect. A second message of the
   * same `id` within the stream's window is stored once. Rejects with `BusFull` when a `work` stream is full.
   */
  publishDurable(
    subject: string, data: Uint8Array, id: string, headers?: Record<string, string>,
  ): Promise<{ duplicate: boolean }>;
  /** Handler calls are sequential, in stream order; an exception leaves the message unacknowledged and is delivered again. */
  consume(
    stream: string, options: ConsumeOptions, handler: (delivery: Delivery) => void | Promise<void>,
  ): Promise<Subscription>;
  /** Request and reply, for control. Rejects with `BusTimeout`. */
  request(subject: string, data: Uint8Array, timeoutMs: number): Promise<BusMessage>;
  respond(subject: string, handler: (message: BusMessage) => Promise<Uint8Array> | Uint8Array): Promise<Subscription>;
  readonly state: BusState;
  onState(listener: (state: BusState) => void): void;
  /** Sends what is buffered, then closes. */
  close(): Promise<void>;
}
