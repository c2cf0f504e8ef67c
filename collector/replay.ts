import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../runtime/bus/bus.js';
import { BlockSink } from './block-sink.js';
import type { ClosedBlock } from './block.js';
import type { CaptureSummary } from './capture-parser.js';
import { readInto } from './file-source.js';
import { initialStatus } from './packet-source.js';
import { Publisher, type PublisherCounters } from './publisher.js';

/** Longer waits are taken in steps, so that a machine that slept catches up. */
const MAX_SLEEP_MS = 60_000;

export interface ReplayOptions {
  node: string;
  unit: string;
  partitions?: number;
  /** 1: in original time; N: N times faster; 'max': as fast as the bus takes it. */
  speed: number | 'max';
  /** `original`: the capture's own stamps; `now`: shifted so that its first packet is now. */
  timestamps: 'original' | 'now';
  /** With `now`: how long ago the first packet is said to have been, so that a fast replay does not run into the future. */
  ageMs?: number;
  /** Marks everything that follows from it as a demonstration. */
  demo?: boolean;
  /** Identity of the run; the same one again is removed as a duplicate. Default: a new one. */
  epoch?: string;
  signal?: AbortSignal;
}

export interface ReplayResult {
  capture: CaptureSummary;
  epoch: string;
  counters: PublisherCounters;
}

/**
 * Sends a capture file through the bus as any node of any unit; resolves when the bus has stored its last block.
 * @throws OperatorError SW_CAPTURE_*
 */
export async function replay(path: string, bus: Bus, options: ReplayOptions): Promise<ReplayResult> {
  const publisher = new Publisher(bus);
  const signal = options.signal ?? new AbortController().signal;
  const stop = (): void => publisher.stop();
  signal.addEventListener('abort', stop, { once: true });
  const status = initialStatus(-1);
  let sink: BlockSink | undefined;
  try {
    const capture = await readInto(
      path,
      (run) => (sink = new BlockSink(run, publisher, {
        node: options.node, unit: options.unit, partitions: options.partitions ?? 1, demo: options.demo,
        shiftUs: options.timestamps === 'now' ? (firstUs) => (Date.now() - (options.ageMs ?? 0)) * 1000 - firstUs : undefined,
        pace: options.speed === 'max' ? undefined : pacer(options.speed, signal),
      }, status)),
      status, signal, options.epoch,
    );
    await publisher.drain();
    return { capture, epoch: sink!.epoch, counters: publisher.counters };
  } finally {
    signal.removeEventListener('abort', stop);
    publisher.stop();
  }
}

/** Holds a block until its last packet's time has come, counted from the first packet of the run. */
function pacer(speed: number, signal: AbortSignal): (block: ClosedBlock) => Promise<void> {
  let originUs = -1;
  let began = 0;
  return async (block) => {
    if (originUs < 0) {
      originUs = block.firstUs;
      began = performance.now();
    }
    const due = began + (block.lastUs - originUs) / 1000 / speed;
    for (let wait = due - performance.now(); wait > 0 && !signal.aborted; wait = due - performance.now()) {
      await sleep(Math.min(wait, MAX_SLEEP_MS), undefined, { signal }).catch(() => undefined);
    }
  };
}
