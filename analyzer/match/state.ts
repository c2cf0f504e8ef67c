import type { HostStep } from './host-state.js';
import type { Signature } from './signature.js';
import type { FlowFacts } from './suricata/flow-facts.js';
import { BufferTable } from './buffers.js';
import { StreamWindow } from './stream-window.js';

/** Rules of one transaction (or flow) that wait for more; more are not kept, and counted. */
export const MAX_PARTIALS = 64;
/** Bytes of earlier stages kept for one transaction. */
export const MAX_KEPT = 16 * 1024;
/** Bytes that a condition has matched, copied when it did. */
export interface Seen { buffer: number; direction: 0 | 1; bytes: Uint8Array; marks: [number, number][]; cutFront: boolean; cutBack: boolean }

/** Buffers to test: where they lie, and in which memory. */
export interface View {
  u8: Uint8Array;
  table: BufferTable;
  /** Streams: where offset 0 of the direction (message) would lie, by entry. */
  origins: number[] | undefined;
  /** Transformed bytes by entry and chain. */
  transformed: Map<number, Buffer>;
}

/** One rule on its way through one transaction. */
export interface Partial {
  readonly signature: Signature;
  /** Direction of the first part. */
  readonly direction: 0 | 1;
  /** Part under way; the number of parts when all hold. */
  phase: number;
  readonly truth: Int8Array[];
  readonly verdictRequest: (Int8Array | undefined)[];
  readonly verdictResponse: (Int8Array | undefined)[];
  /** Verdict that stands: -1 attempted, otherwise an index into `signature.verdicts`. */
  verdict: number;
  /** Nothing more can come of it. */
  done: boolean;
  suppressed: boolean;
  /** Waits for rules that it yields to, until the request is over. */
  held: boolean;
  /** The question of its threshold, where that is decided elsewhere. */
  later?: Extract<HostStep, { kind: 'threshold' }>;
  key: string;
  /** Stream position of either direction when the match held: a response counts from there. */
  since: [number, number];
  seen: Seen[];
}

/** What the matcher keeps of a transaction. */
export class TxState {
  partials: Partial[] = [];
  kept: View[] = [];
  keptBytes = 0;
}

export class FlowState extends TxState {
  readonly windows: [StreamWindow, StreamWindow] = [new StreamWindow(), new StreamWindow()];
  lastDirection = -1;
  /** What Suricata's rules know of the flow. */
  facts: FlowFacts | undefined;
}

export function newPartial(signature: Signature, direction: 0 | 1, key: string): Partial {
  const truth = (slots: number) => new Int8Array(slots).fill(-1);
  return {
    signature, direction, phase: 0, truth: signature.parts.map((p) => truth(p.slots)),
    verdictRequest: signature.verdicts.map((v) => v.request && truth(v.request.slots)),
    verdictResponse: signature.verdicts.map((v) => v.response && truth(v.response.slots)),
    verdict: -1, done: false, suppressed: false, held: false, key, since: [0, 0], seen: [],
  };
}
