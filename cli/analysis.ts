import { Value } from '@sinclair/typebox/value';
import { statSync } from 'node:fs';
import { AnalyzerConfig } from '../analyzer/config.js';
import { Correlator } from '../analyzer/correlator.js';
import { PRIVATE_SITE } from '../analyzer/detect/behaviour.js';
import type { Indicators } from '../analyzer/detect/indicators/match.js';
import { Engine } from '../analyzer/engine.js';
import type { Lookup } from '../analyzer/sink/alerts.js';
import type { StoredFile } from '../analyzer/packet-stage-store.js';
import type { Traffic } from '../analyzer/traffic.js';
import type { CaptureSummary } from '../collector/capture-parser.js';
import { readCaptureFile, readCaptureStream } from '../collector/capture-reader.js';
import type { Alert } from '../contracts/alert.js';
import type { EveEvent } from '../contracts/event.js';
import { OperatorError } from '../runtime/errors.js';
import { loadPack, type Pack } from './pack.js';

export interface AnalysisOptions {
  rules: readonly string[];
  config?: AnalyzerConfig;
  /** Already loaded, in place of `rules`. */
  pack?: Pack;
  /** Event types beside alerts that are wanted. */
  events?: ReadonlySet<string>;
  lookup?: Lookup;
  indicators?: Indicators;
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
  'flowsEvicted', 'flowsRefused', 'streamForcedGaps', 'streamShed', 'fragmentsDropped', 'anomaliesUnsaid', 'heldRefused', 'parserFailures',
  'matchPartialsDropped', 'matchCandidatesDropped', 'matchKeptDropped', 'matchGivenUp', 'behavioursEvicted', 'alertsEvicted',
];

/** Fewest bytes that a packet takes in a capture: a bound on its flows. */
const MIN_RECORD = 60;

export function defaultConfig(): AnalyzerConfig {
  return Value.Default(AnalyzerConfig, {}) as AnalyzerConfig;
}

/** A table no larger than the capture can fill, so that small captures start fast. */
function flowsFor(path: string, most: number): number {
  if (path === '-') return most;
  try {
    const bytes = statSync(path).size;
    const packets = bytes / MIN_RECORD;
    // A compressed capture may hold a hundred times as much.
    return Math.min(most, Math.max(1024, 2 ** Math.ceil(Math.log2(1 + packets * 4))));
  } catch {
    return most;
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

async function analyzeCapture(file: string, config: AnalyzerConfig, pack: Pack, options: AnalysisOptions, sinks: AnalysisSinks): Promise<CaptureStats> {
  const started = performance.now();
  let alerts = 0;
  let correlating = 0;
  const correlator = new Correlator({
    behaviours: pack.behaviours,
    mode: 'batch',
    ...(options.lookup ? { lookup: options.lookup } : {}),
    ...(options.indicators ? { site: { ...PRIVATE_SITE, indicators: options.indicators } } : {}),
    point: () => ({ node: '', unit: '', file }),
    emit: (alert) => {
      alerts++;
      sinks.alert(alert);
    },
  });
  const events = options.events ?? new Set<string>();
  const watched = pack.behaviours.length > 0;
  // Rules in Suricata's language alert once a hit, as their authors expect: nothing is followed up, and no event made for it.
  const ours = watched || options.indicators !== undefined || pack.rules.signatures.some((signature) => !signature.info.suricata);
  const reads = ours ? correlator.behaviours.reads() : new Set<string>();
  const engine = new Engine({
    config: { ...config, maxFlows: flowsFor(file, config.maxFlows) },
    rules: pack.rules,
    stage: {
      flowEvents: events.has('flow') ? 'all' : watched ? 'answered' : 'none',
      // Digests cost more than all the rest; rules on them are served by the matcher itself.
      fileHashes: events.has('fileinfo') ? ['md5', 'sha256', 'sm3'] : options.indicators ? ['md5', 'sha1', 'sha256'] : [],
    },
    outputs: {
      wants: (type) => events.has(type) || reads.has(type),
      alert: (alert, each) => correlator.alert(alert, each),
      event: (event) => {
        if (reads.has(event.event_type)) {
          const t = performance.now();
          correlator.event(event);
          correlating += performance.now() - t;
        }
        if (events.has(event.event_type)) sinks.event?.(event);
      },
      ...(sinks.file && { file: (file: StoredFile) => sinks.file!(file) }),
      connections: (records, count) => {
        if (!watched) return;
        const t = performance.now();
        correlator.connections(records, count);
        correlating += performance.now() - t;
      },
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
      sinks.progress?.(++read * (1 << 20));
    },
  };
  const summary: CaptureSummary = file === '-'
    ? await readCaptureStream(process.stdin, region, visitor, { name: 'standard input' })
    : await readCaptureFile(file, region, visitor);
  const analysed = performance.now();
  engine.stage.flush();
  correlator.flush();
  const flushed = performance.now();
  for (const w of summary.warnings) sinks.warn(`${w.code}: ${file}: ${w.message}${w.count > 1 ? ` (${w.count} times)` : ''}`);
  const counters = {
    ...engine.stats(), behavioursEvicted: correlator.behaviours.stats().evicted, alertsEvicted: correlator.sink.counters.evicted,
    alertsRaised: correlator.sink.counters.in,
  };
  const limits = Object.fromEntries(LIMITS.filter((k) => (counters[k as keyof typeof counters] ?? 0) > 0).map((k) => [k, counters[k as keyof typeof counters] as number]));
  const time = (us: number) => (us > 0 && Number.isFinite(us) ? new Date(us / 1000).toISOString() : undefined);
  const first = time(summary.firstUs);
  const last = time(summary.lastUs);
  return {
    file, packets: summary.packets, bytes: summary.wireBytes, alerts,
    ...(first ? { first } : {}), ...(last ? { last } : {}),
    warnings: summary.warnings.map((w) => `${w.code}: ${w.message}`),
    counters, limits, traffic: engine.traffic(),
    seconds: {
      prepare: (ready - started) / 1000, packets: (analysed - ready - correlating) / 1000, behaviours: correlating / 1000, flush: (flushed - analysed) / 1000,
    },
  };
}
