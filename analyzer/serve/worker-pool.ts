import { Worker } from 'node:worker_threads';
import { OperatorError } from '../../runtime/errors.js';
import type { PacketSourceInfo } from '../match/matcher.js';
import type { FromWorker, ToWorker, WorkerSettings } from './protocol.js';

/** Blocks under way in one worker: enough that it never waits for us, few enough that memory stays small. */
const MAX_UNDER_WAY = 8;

export type WorkerResult = Extract<FromWorker, { kind: 'done' }>;

interface Member {
  worker: Worker;
  underWay: Map<number, { block: boolean; settled: (result: WorkerResult) => void }>;
  waiting: (() => void)[];
  prepared: ((answer: Extract<FromWorker, { kind: 'prepared' }>) => void) | undefined;
  stats: Record<string, number>;
}

/**
 * Worker threads with an engine each. The caller gives a partition's blocks to the same worker always, in order, so that
 * its flows are seen whole.
 */
export class WorkerPool {
  private readonly members: Member[] = [];
  private next = 0;
  private closing = false;

  /**
   * @param onResult every result in the order of its worker; `block` is false for those of ticks and flushes
   * @param onDeath a worker has died: its flows are lost, and the process should start anew from the bus
   */
  constructor(
    private readonly count: number, private readonly settings: WorkerSettings,
    private readonly onResult: (worker: number, result: WorkerResult, block: boolean) => void,
    private readonly onDeath: (error: Error) => void,
  ) {}

  /** @throws OperatorError when a worker cannot start (rules with errors, arena too small). */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.count }, (_, i) => this.spawn(i)));
  }

  private spawn(index: number): Promise<void> {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: this.settings });
    const member: Member = { worker, underWay: new Map(), waiting: [], prepared: undefined, stats: {} };
    this.members[index] = member;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') resolve();
        else if (message.kind === 'failed') {
          this.closing = true;
          reject(new OperatorError(message.code ?? 'SW_ANALYZER_WORKER', message.message, message.hint ?? 'Mend what it names and start again.'));
        } else if (message.kind === 'prepared') member.prepared?.(message);
        else this.done(index, member, message);
      });
      worker.on('error', (error) => {
        reject(error);
        if (!this.closing) this.onDeath(error);
      });
      worker.on('exit', (code) => {
        if (!this.closing) this.onDeath(new Error(`worker thread ended with ${code}`));
      });
    });
  }

  private done(index: number, member: Member, result: WorkerResult): void {
    member.stats = result.stats;
    const task = member.underWay.get(result.id);
    this.onResult(index, result, task?.block === true);
    if (!task) return;
    member.underWay.delete(result.id);
    task.settled(result);
    member.waiting.shift()?.();
  }

  /**
   * Hands a block to a worker. Resolves once there is room for another.
   * @param settled called after `onResult` for this block
   */
  async block(worker: number, source: PacketSourceInfo, body: Uint8Array, settled: (result: WorkerResult) => void): Promise<void> {
    const member = this.members[worker]!;
    while (member.underWay.size >= MAX_UNDER_WAY) await new Promise<void>((resolve) => member.waiting.push(resolve));
    const id = this.next++;
    member.underWay.set(id, { block: true, settled });
    // Bus messages share their memory with others: the worker gets a copy of its own. (A Buffer's slice would be none.)
    const copy = new Uint8Array(body);
    this.post(member, { kind: 'block', id, source, body: copy }, [copy.buffer]);
  }

  /** Ends every flow in every worker and waits for what comes of it. */
  async flush(): Promise<void> {
    await Promise.all(this.members.map((member) => new Promise<void>((resolve) => {
      const id = this.next++;
      member.underWay.set(id, { block: false, settled: () => resolve() });
      this.post(member, { kind: 'flush', id });
    })));
  }

  /** Packet time goes on although no packets come. */
  tick(nowUs: number): void {
    for (const member of this.members) if (member.underWay.size === 0) this.post(member, { kind: 'tick', nowUs });
  }

  /** Changes the rules in all workers or in none. @returns the first error */
  async reload(rulePaths: string[]): Promise<string | undefined> {
    const answers = await Promise.all(this.members.map((member) => new Promise<Extract<FromWorker, { kind: 'prepared' }>>((resolve) => {
      member.prepared = resolve;
      this.post(member, { kind: 'prepare', rulePaths });
    })));
    const failed = answers.find((a) => !a.ok);
    for (const member of this.members) this.post(member, { kind: failed ? 'forget' : 'commit' });
    return failed?.error;
  }

  get idle(): boolean {
    return this.members.every((m) => m.underWay.size === 0);
  }

  /** Sums of the workers' counters. */
  stats(): Record<string, number> {
    const sum: Record<string, number> = {};
    for (const { stats } of this.members) for (const [k, v] of Object.entries(stats)) sum[k] = (sum[k] ?? 0) + v;
    return sum;
  }

  async close(): Promise<void> {
    this.closing = true;
    await Promise.all(this.members.map((m) => m.worker.terminate()));
  }

  private post(member: Member, message: ToWorker, transfer: ArrayBuffer[] = []): void {
    member.worker.postMessage(message, transfer);
  }
}
