import type { Alert } from '../../contracts/alert.js';
import type { EveEvent } from '../../contracts/event.js';
import type { AnalyzerConfig } from '../config.js';
import type { PacketSourceInfo } from '../match/matcher.js';
import type { Evidence } from '../outputs.js';
import type { Traffic } from '../traffic.js';

/** Between the analyzer's main thread and its workers. Large arrays travel by transfer. */
export interface WorkerSettings {
  config: AnalyzerConfig;
  rulePaths: string[];
  /** Folder in which rule documents found right are remembered. */
  cache?: string;
  /** Event types that the main thread wants (behaviours, subscribers). */
  events: string[];
}

export type ToWorker =
  | { kind: 'block'; id: number; source: PacketSourceInfo; body: Uint8Array }
  | { kind: 'flush'; id: number }
  | { kind: 'tick'; nowUs: number }
  | { kind: 'prepare'; rulePaths: string[] }
  | { kind: 'commit' }
  | { kind: 'forget' };

export interface WorkerAlert { alert: Alert; each: boolean; evidence?: Evidence }

export type FromWorker =
  | { kind: 'ready'; rules: number }
  | { kind: 'failed'; message: string; hint?: string; code?: string }
  | {
    kind: 'done'; id: number; packets: number; alerts: WorkerAlert[]; events: EveEvent[];
    connections: Uint8Array; nodes: string[]; stats: Record<string, number>; traffic: Traffic[];
  }
  | { kind: 'prepared'; ok: boolean; error?: string };
