import { Value } from '@sinclair/typebox/value';
import { statSync } from 'node:fs';
import { AnalyzerConfig } from '../analyzer/config.js';
import { Arena } from '../analyzer/arena.js';
import type { Indicators } from '../analyzer/detect/indicators/match.js';
import { Engine } from '../analyzer/engine.js';
import type { RuleProfile } from '../analyzer/match/profile.js';
import type { Lookup } from '../analyzer/sink/alerts.js';
import type { StoredFile } from '../analyzer/packet-stage-store.js';
import type { Traffic } from '../analyzer/traffic.js';
import type { CaptureSummary } from '../collector/capture-parser.js';
import { READ_BYTES, readCaptureFile, readCaptureStream } from '../collector/capture-reader.js';
import type { Alert } from '../contracts/alert.js';
import type { EveEvent } from '../contracts/event.js';
import { OperatorError } from '../runtime/errors.js';
import type { RegistryIndex } from '../runtime/registry.js';
import { CaptureCorrelation, flowsFor } from './correlation.js';
import { loadPack, type Pack } from './pack.js';
import { threadSeconds } from './shards/thread-time.js';

export interface AnalysisOptions {
  rules: readonly string[];
  config?: AnalyzerConfig;
  /** Already loaded, in place of `rules`. */
  pack?: Pack;
  /** Event types beside alerts that are wanted. */
  events?: ReadonlySet<string>;
  lookup?: Lookup;
  /** Whose hosts they are, in which zones, and who is allowed what. */
  registry?: RegistryIndex;
  indicators?: Indicators;
  /** Measures what each rule costs. */
  profile?: RuleProfile;
}

export interface AnalysisSinks {
  alert(alert: Alert): void;
  event?(event: EveEvent): void;
  /** A file that a rule stores. */
  file?(file: StoredFile): void;
  /** A line for standard error: damage, limits. */
  warn(line: string): void;
  /** A capture that cannot be read at all: with this, the others are still analysed; without it, it is thrown. */
  unreadable?(file: string, error: OperatorError): void;
  /** Bytes of captures read so far. */
  progress?(bytes: number): void;
}

export interface CaptureStats {
  file: string;
  packets: number;
  bytes: number;
  alerts: number;
  first?: string;
  last?: string;
  warnings: string[];
  /** Counters of the packet stage and the matcher; those named in `limits` are what caps have cost. */
  counters: Record<string, number>;
  limits: Record<string, number>;
  seconds: Record<string, number>;
  /** Packets and bytes by application protocol, by transport where none was recognised. */
  traffic: Traffic[];
}

/** Counters that say that a limit was reached. */
const LIMITS = [
  'flowsEvicted', 'flowsRefused', 'streamForcedGaps', 'streamShed', 'fragmentsDropped', 'anomaliesUnsaid', 'heldRefused', 'parsersLost', 'parserFailures',
  'matchPartialsDropped', 'matchCandidatesDropped', 'matchKeptDropped', 'matchGivenUp', 'behavioursEvicted', 'alertsEvicted',
];

export function defaultConfig(): AnalyzerConfig {
  return Value.Default(AnalyzerConfig, {}) as AnalyzerConfig;
}

/** Nobody asks for the packets of an alert here, so little more than what is being read need be kept. */
export const RING_MIB = 8;

/** Size of a capture file; undefined for what has none. */
export function captureSize(path: string): number | undefined {
  if (path === '-') return undefined;
  try {
    const stat = statSync(path);
    return stat.isFile() ? stat.size : undefined;
  } catch {
    return undefined;
  }
}

/** Analyses each capture on its own, in fresh state. `-` is standard input. @throws OperatorError for unreadable captures and rules. */
export async function analyzeCaptures(files: readonly string[], options: AnalysisOptions, sinks: AnalysisSinks): Promise<CaptureStats[]> {
  const config = options.config ?? defaultConfig();
  const pack = options.pack ?? loadPack(options.rules, { variables: config.variables, midstream: config.midstream, ...(config.reputation && { reputation: config.reputation }) }, sinks.warn);
  const stats: CaptureStats[] = [];
  for (const file of files) {
    try {
      stats.push(await analyzeCapture(file, config, pack, options, sinks));
    } catch (error) {
      if (!sinks.unreadable || !(error instanceof OperatorError)) throw error;
      sinks.unreadable(file, error);
    }
  }
  return stats;
}

/** Memory of the capture before, for the next: making it anew, and having it collected, costs more than most captures. */
let spare: Arena | undefined;

function arenaOf(bytes: number): Arena {
  const arena = spare;
  spare = undefined;
  if (arena?.u8.length !== bytes) return new Arena(bytes);
  arena.reset();
  return arena;
}

async function analyzeCapture(file: string, config: AnalyzerConfig, pack: Pack, options: AnalysisOptions, sinks: AnalysisSinks): Promise<CaptureStats> {
  const started = performance.now();
  const before = threadSeconds();
  const correlation = new CaptureCorrelation(file, pack, options, sinks);
  const engine = new Engine({
    short: true,
    config: { ...config, maxFlows: flowsFor(captureSize(file), config.maxFlows), ringMiB: Math.min(config.ringMiB, RING_MIB) },
    rules: pack.rules,
    arena: arenaOf(config.arenaMiB << 20),
    ...(options.profile ? { profile: options.profile } : {}),
    stage: correlation.stage,
    outputs: {
      wants: (type) => correlation.wants(type),
      // Connection records that came before go before.
      alert: (alert, each) => {
        engine.stage.blockEnd();
        correlation.alert(alert, each);
      },
      event: (event) => {
        engine.stage.blockEnd();
        correlation.event(event);
      },
      ...(sinks.file && { file: (file: StoredFile) => sinks.file!(file) }),
      connections: (records, count) => correlation.connections(records, count),
    },
  });
  engine.stage.source({ node: '', unit: '', iface: '', file });
  const ready = performance.now();
  const region = { u8: engine.arena.u8, next: (bytes: number) => engine.place(bytes) };
  let read = 0;
  const visitor = {
    packet: (offset: number, captured: number, wire: number, timeUs: number, nanos: number, linktype: number) =>
      engine.stage.packet(offset, captured, wire, timeUs, nanos, linktype),
    chunk: () => {
      engine.stage.blockEnd();
      sinks.progress?.(++read * READ_BYTES);
    },
  };
  const summary: CaptureSummary = file === '-'
    ? await readCaptureStream(process.stdin, region, visitor, { name: 'standard input' })
    : await readCaptureFile(file, region, visitor);
  const analysed = performance.now();
  engine.stage.flush();
  correlation.correlator.flush();
  spare = engine.arena;
  return statsOf(file, summary, correlation, engine.stats(), engine.traffic(), sinks, {
    prepare: (ready - started) / 1000, packets: (analysed - ready - correlation.spent) / 1000, behaviours: correlation.spent / 1000, flush: (performance.now() - analysed) / 1000,
    busiest: threadSeconds() - before, workers: threadSeconds() - before, merge: 0,
  });
}

/** What is said of one capture in the end; its damage goes to the sinks. */
export function statsOf(
  file: string, summary: CaptureSummary, correlation: CaptureCorrelation, counted: Record<string, number>, traffic: Traffic[], sinks: AnalysisSinks, seconds: Record<string, number>,
): CaptureStats {
  for (const w of summary.warnings) sinks.warn(`${w.code}: ${file}: ${w.message}${w.count > 1 ? ` (${w.count} times)` : ''}`);
  const counters: Record<string, number> = { ...counted, ...correlation.counters() };
  const limits = Object.fromEntries(LIMITS.filter((k) => (counters[k] ?? 0) > 0).map((k) => [k, counters[k]!]));
  const time = (us: number) => (us > 0 && Number.isFinite(us) ? new Date(us / 1000).toISOString() : undefined);
  const first = time(summary.firstUs);
  const last = time(summary.lastUs);
  return {
    file, packets: summary.packets, bytes: summary.wireBytes, alerts: correlation.alerts,
    ...(first ? { first } : {}), ...(last ? { last } : {}),
    warnings: summary.warnings.map((w) => `${w.code}: ${w.message}`),
    counters, limits, traffic, seconds,
  };
}
