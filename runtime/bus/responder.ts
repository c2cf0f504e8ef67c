import type { BusMessage } from './bus.js';

/** Requests that one responder works on at once. */
const RESPONSES_MAX = 64;

export type Answer = { data: Uint8Array } | { error: unknown };

/** Runs a handler for several requests at a time, up to a bound; an exception becomes the answer. */
export class Responder {
  readonly #busy = new Set<Promise<void>>();
  constructor(private readonly handler: (m: BusMessage) => Promise<Uint8Array> | Uint8Array,
    private readonly onError: (error: unknown, subject: string) => void) {}

  /** Resolves at once, or when there is room for the next request. */
  async handle(message: BusMessage, reply: (answer: Answer) => void): Promise<void> {
    const work = (async () => {
      try {
        reply({ data: await this.handler(message) });
      } catch (error) {
        reply({ error });
        this.onError(error, message.subject);
      }
    })();
    this.#busy.add(work);
    void work.then(() => this.#busy.delete(work));
    if (this.#busy.size >= RESPONSES_MAX) await Promise.race(this.#busy);
  }

  async idle(): Promise<void> { await Promise.all(this.#busy); }
}
