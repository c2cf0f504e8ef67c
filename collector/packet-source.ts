import type { CaptureInterface, PacketVisitor } from './capture-format.js';
import type { FixedRegion, Region } from './region.js';

/** One uninterrupted run of one source: a capture file, or a capturing child from its start to its end. An epoch. */
export interface SourceRun {
  /** Interface where all packets are from one; capture files name theirs in `interfaces`. */
  interface: string;
  interfaces?: CaptureInterface[];
  /** Name of the capture file, without its folder. */
  file?: string;
  /**
   * `file`: waits for the bus, in blocks that depend on the packets alone. `pipe`: waits too, but blocks are closed by
   * the clock. `live`: never waits.
   */
  kind: 'file' | 'pipe' | 'live';
  clock: 'exact' | 'approximate';
  /** The same for the same input, where a repeat after a crash must be recognised as one. */
  epoch?: string;
}

/** Where a source's packets go. */
export interface PacketSink extends PacketVisitor {
  readonly region: Region | FixedRegion;
  chunk(): void | Promise<void>;
  /** The run is over: sends what is left, and the word that it is over. */
  end(): Promise<void>;
}

export interface SourceStatus {
  state: 'starting' | 'running' | 'waiting' | 'ended' | 'failed';
  /** Coded reasons why it is not well. */
  reasons: { code: string; message: string }[];
  /** Packets lost so far by kernel and interface; -1 where the source cannot know. */
  droppedKernel: number;
  droppedInterface: number;
  /** Starts of a capturing child, or files read. */
  runs: number;
}

/** Something packets come from. */
export interface PacketSource {
  /** E.g. `live:eth0`, `file:day.pcap`. */
  readonly name: string;
  /**
   * Runs until the input is at its end or `stop` is called.
   * @throws OperatorError when it cannot run at all
   */
  run(open: (run: SourceRun) => PacketSink): Promise<void>;
  /** Ends `run` soon; safe to call twice. */
  stop(): void;
  readonly status: SourceStatus;
}

export function initialStatus(dropped: 0 | -1): SourceStatus {
  return { state: 'starting', reasons: [], droppedKernel: dropped, droppedInterface: dropped, runs: 0 };
}
