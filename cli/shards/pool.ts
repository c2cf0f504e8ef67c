import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { isGzip, gunzipped, type StreamNotes } from '../../collector/gzip.js';
import { captureMissing } from '../../collector/errors.js';
import { OperatorError } from '../../runtime/errors.js';
import type { Failure, FromShard, ShardSettings, ToShard } from './protocol.js';

/** Pieces of a stream (at most 256 KiB each) that wait in a worker. */
const MAX_PIECES = 32;

type Receiver = (message: FromShard) => void;

/** Worker threads for captures, each with the rules loaded. */
export class ShardPool {
  private readonly workers: Worker[] = [];
  private readonly receivers: (Receiver | undefined)[] = [];
  private readonly broken: ((error: Error) => void)[] = [];
  private readonly starting: Promise<void>[] = [];

  constructor(readonly count: number, settings: ShardSettings) {
    for (let i = 0; i < count; i++) {
      const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: settings });
      this.workers.push(worker);
      worker.on('message', (message: FromShard) => this.receivers[i]?.(message));
      this.starting.push(new Promise((resolve, reject) => {
        this.receivers[i] = (message) => (message.kind === 'ready' ? resolve() : message.kind === 'failed' && reject(errorOf(message)));
        worker.on('error', (error) => {
          reject(error);
          this.broken[i]?.(error);
        });
      }));
      // Said by `ready`, or not at all when the rules are refused before.
      this.starting[i]!.catch(() => {});
    }
  }

  /** @throws OperatorError when the rules cannot be loaded */
  async ready(): Promise<void> {
    await Promise.all(this.starting);
  }

  send(index: number, message: ToShard): void {
    this.workers[index]!.postMessage(message);
  }

  /** Gives worker `index` a task; `receive` takes what it says and returns true with the last of it. A failure ends it, too. */
  task(index: number, message: ToShard, receive: (message: FromShard) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.broken[index] = reject;
      this.receivers[index] = (said) => {
        if (said.kind === 'failed') reject(errorOf(said));
        else if (receive(said)) resolve();
      };
      this.send(index, message);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((w) => w.terminate()));
  }
}

export function errorOf({ code, message, hint }: Failure): Error {
  return code === undefined ? new Error(message) : new OperatorError(code, message, hint ?? '');
}

/** Whether every worker can read a capture for itself: a plain file, not compressed. */
export function readableByAll(file: string): boolean {
  if (file === '-') return false;
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return true; // each of them says so
  }
  try {
    if (fstatSync(fd).isDirectory()) return true;
    const start = Buffer.alloc(2);
    return fstatSync(fd).isFile() && !(readSync(fd, start, 0, 2, 0) === 2 && isGzip(start));
  } finally {
    closeSync(fd);
  }
}

/** Hands a stream, decompressed, to all workers of a pool, no faster than the slowest takes it. */
export class Broadcast {
  private readonly under: number[];
  private waiting: (() => void) | undefined;

  /** @param count the first workers of the pool that take part */
  constructor(private readonly pool: ShardPool, private readonly count: number) {
    this.under = Array.from({ length: count }, () => 0);
  }

  /** Worker `index` has taken a piece. */
  took(index: number): void {
    this.under[index]!--;
    this.waiting?.();
  }

  /** @throws OperatorError SW_CAPTURE_UNREADABLE */
  async run(file: string): Promise<void> {
    const stream: Readable = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 });
    const warnings: Extract<ToShard, { kind: 'last' }>['warnings'] = [];
    const notes = { gzip: false, captureBytes: 0, tally: { warn: (code: never, at: number, message: string) => void warnings.push([code, at, message]) } };
    try {
      for await (const piece of gunzipped(stream, notes as StreamNotes)) {
        notes.captureBytes += piece.length;
        while (Math.max(...this.under) >= MAX_PIECES) await new Promise<void>((resolve) => (this.waiting = resolve));
        for (let i = 0; i < this.count; i++) {
          this.under[i]!++;
          this.pool.send(i, { kind: 'piece', bytes: piece });
        }
      }
    } catch (error) {
      throw typeof (error as NodeJS.ErrnoException).syscall === 'string' ? captureMissing(file, (error as Error).message) : error;
    } finally {
      stream.destroy();
      for (let i = 0; i < this.count; i++) this.pool.send(i, { kind: 'last', gzip: notes.gzip, warnings });
    }
  }
}
