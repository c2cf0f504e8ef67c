import type { Clock } from '../../runtime/lifecycle.js';

export interface LateAckLimits {
  /** A block is acknowledged when packet time or the clock has gone on for so long … */
  seconds: number;
  /** … or when so many bytes wait. */
  bytes: number;
}

interface Waiting { ack: () => void; source: string; bytes: number; lastUs: number; since: number; done: boolean; settled: boolean }

/**
 * Acknowledges packet blocks late and in order. What is not acknowledged is delivered again after a crash, so that
 * flows which were under way are seen whole by the next process. A block counts as done when its alerts are stored.
 */
export class LateAck {
  private readonly queue: Waiting[] = [];
  private waitingBytes = 0;
  private newestUs = 0;

  constructor(private readonly limits: LateAckLimits, private readonly clock: Clock) {}

  /**
   * @param source whose block it is
   * @param last the source ends with it: its flows are closed, so none of its blocks need wait.
   * @returns the call that says the block is done.
   */
  add(ack: () => void, source: string, bytes: number, lastUs: number, last: boolean): () => void {
    const entry: Waiting = { ack, source, bytes, lastUs, since: this.clock.now(), done: false, settled: false };
    this.queue.push(entry);
    this.waitingBytes += bytes;
    if (lastUs > this.newestUs) this.newestUs = lastUs;
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
    let last: Waiting | undefined;
    while (this.queue[0]?.done) {
      const entry = this.queue[0];
      const old = this.newestUs - entry.lastUs > this.limits.seconds * 1e6 || now - entry.since > this.limits.seconds * 1000;
      if (!old && !entry.settled && this.waitingBytes <= this.limits.bytes) break;
      this.queue.shift();
      this.waitingBytes -= entry.bytes;
      last = entry;
    }
    last?.ack(); // acknowledges every earlier one
  }

  /** Acknowledges everything that is done; at an orderly stop. */
  drain(): void {
    let last: Waiting | undefined;
    while (this.queue[0]?.done) {
      last = this.queue.shift()!;
      this.waitingBytes -= last.bytes;
    }
    last?.ack();
  }
}
