import type { HostStep } from '../../analyzer/match/host-state.js';
import type { Traffic } from '../../analyzer/traffic.js';
import type { CaptureSummary } from '../../collector/capture-parser.js';
import type { Alert } from '../../contracts/alert.js';
import type { EveEvent } from '../../contracts/event.js';
import type { AnalyzerConfig } from '../../analyzer/config.js';
import type { StoredFile } from '../../analyzer/packet-stage-store.js';
import type { CaptureStats } from '../analysis.js';
import type { loadPack } from '../pack.js';

/** What a worker thread of `analyze --workers` is given once. */
export interface ShardSettings { config: AnalyzerConfig; rules: string[]; load: NonNullable<Parameters<typeof loadPack>[1]>; indicators: string[]; events: string[]; files: boolean }

/** Kinds of what a worker hands over, one an item. */
export const enum Item { Record = 0, Event = 1, Alert = 2, Later = 3 }

export interface ShardAlert { alert: Alert; each: boolean; later?: readonly HostStep[]; nowUs: number }

/** What one worker has found in some packets, in their order. */
export interface Part {
  kind: 'part';
  /** Packets of the capture that are through; whatever comes later belongs to later ones. */
  upTo: number;
  /** Bytes of the capture read so far. */
  read: number;
  items: number;
  /** By item: twice the number of its packet in the capture, and 1 when it is of the packet itself and not of the clock before it. */
  keys: Float64Array;
  kinds: Uint8Array;
  records: Uint8Array;
  events: EveEvent[];
  alerts: ShardAlert[];
  laters: { steps: readonly HostStep[]; nowUs: number }[];
}

export interface Failure { kind: 'failed'; code?: string; message: string; hint?: string }
export interface ShardEnd { kind: 'end'; summary: CaptureSummary; stats: Record<string, number>; traffic: Traffic[]; seconds: number; processor: number }

export type ToShard =
  | { kind: 'shard'; file: string; index: number; count: number; pieces: boolean; maxFlows: number; wants: string[]; flowEvents: 'all' | 'answered' | 'none'; fileHashes: ('md5' | 'sha1' | 'sha256' | 'sm3')[] }
  /** Bytes of a capture that only the main thread can read. */
  | { kind: 'piece'; bytes: Uint8Array }
  | { kind: 'last'; gzip: boolean; warnings: [code: 'SW_CAPTURE_TRUNCATED' | 'SW_CAPTURE_CORRUPT', at: number, message: string][] }
  | { kind: 'credit' }
  /** A whole capture, correlated there, too. */
  | { kind: 'whole'; file: string };

export type FromShard =
  | { kind: 'ready' }
  | Failure
  | Part
  | ShardEnd
  | { kind: 'file'; file: StoredFile }
  | { kind: 'took' }
  | { kind: 'warn'; line: string }
  | { kind: 'analysed'; stats: CaptureStats | undefined; error: Failure | undefined; items: ({ alert: Alert } | { event: EveEvent })[] };
