import type { Clock } from '../../runtime/lifecycle.js';

export interface LateAckLimits {
  /** A block is acknowledged when its source's packet time, or the clock, has gone on for so long … */
  seconds: number;
  /** … or when so many bytes wait … */
  bytes: number;
  /** … or so many blocks, which must be fewer than the bus delivers without an acknowledgement. */
  blocks: number;
}

interface Waiting { ack: () => void; source: string; bytes: number; lastUs: number; since: number; done: boolean; settled: boolean }

/**
 * Acknowledges the messages of one consumer late and in order. What is not acknowledged is delivered again after a crash,
 * so that flows which were under way are seen whole by the next process. A message counts as done when its alerts are stored.
 */
export class LateAck {
  private readonly queue: Waiting[] = [];
  private waitingBytes = 0;
  /** Packet time of each source with messages in the queue: one may replay an old capture while another is live. */
  private readonly newest = new Map<string, { us: number; waiting: number }>();

  constructor(private readonly limits: LateAckLimits, private readonly clock: Clock) {}

  /**
   * @param source whose message it is
   * @param last the source ends with it: its flows are closed, so none of its messages need wait.
   * @returns the call that says the message is done.
   */
  add(ack: () => void, source: string, bytes: number, lastUs: number, last: boolean): () => void {
    const entry: Waiting = { ack, source, bytes, lastUs, since: this.clock.now(), done: false, settled: false };
    this.queue.push(entry);
    this.waitingBytes += bytes;
    const newest = this.newest.get(source);
    if (newest) {
      newest.waiting++;
      if (lastUs > newest.us) newest.us = lastUs;
    } else this.newest.set(source, { us: lastUs, waiting: 1 });
    return () => {
      entry.done = true;
      if (last) for (const e of this.queue) if (e.source === source) e.settled = true;
      this.release();
    };
  }

  /** Bytes that a restart would replay. */
  get pendingBytes(): number {
    return this.waitingBytes;
  }

  /** Acknowledges what is due; to be called now and then while no block comes. */
  release(): void {
    const now = this.clock.now();
    const { seconds, bytes, blocks } = this.limits;
    let last: Waiting | undefined;
    while (this.queue[0]?.done) {
      const entry = this.queue[0];
      const old = this.newest.get(entry.source)!.us - entry.lastUs > seconds * 1e6 || now - entry.since > seconds * 1000;
      if (!old && !entry.settled && this.waitingBytes <= bytes && this.queue.length <= blocks) break;
      last = this.shift();
    }
    last?.ack(); // acknowledges every earlier one
  }

  private shift(): Waiting {
    const entry = this.queue.shift()!;
    this.waitingBytes -= entry.bytes;
    const newest = this.newest.get(entry.source)!;
    if (--newest.waiting === 0) this.newest.delete(entry.source);
    return entry;
  }
}
