import { Correlator } from '../analyzer/correlator.js';
import { PRIVATE_SITE, type Site } from '../analyzer/detect/behaviour.js';
import type { AnalyzerConfig } from '../analyzer/config.js';
import type { Alert } from '../contracts/alert.js';
import type { EveEvent } from '../contracts/event.js';
import type { PacketStageConfig } from '../analyzer/packet-stage-config.js';
import type { AnalysisOptions, AnalysisSinks } from './analysis.js';
import type { Pack } from './pack.js';

function siteOf({ registry, indicators }: AnalysisOptions): Site {
  return {
    ...(registry ? { isHome: (ip) => registry.isHome(ip), zoneOf: (ip) => registry.lookup(ip).zone, mayReach: (from, to) => registry.mayReach(from, to) } : PRIVATE_SITE),
    ...(indicators && { indicators }),
  };
}

/** What follows the packet stage in the analysis of one capture: behaviours, aggregation, and the caller's sinks. */
export class CaptureCorrelation {
  alerts = 0;
  /** Milliseconds spent on behaviours. */
  spent = 0;
  readonly correlator: Correlator;
  /** Whether anybody looks at connection records. */
  readonly watched: boolean;
  /** How the packet stage is to be set. */
  readonly stage: Pick<PacketStageConfig, 'flowEvents' | 'fileHashes' | 'expireAtOnce'>;
  private readonly reads: ReadonlySet<string>;
  private readonly events: ReadonlySet<string>;

  constructor(file: string, pack: Pack, options: AnalysisOptions, private readonly sinks: AnalysisSinks) {
    const { registry } = options;
    this.correlator = new Correlator({
      behaviours: pack.behaviours,
      mode: 'batch',
      ...(options.lookup ? { lookup: options.lookup } : {}),
      ...(registry && {
        lookup: (ip) => registry.lookup(ip), allowed: (attacker, victim, cls, atMs) => registry.allowed(attacker, victim, cls, atMs),
        ...(options.config && { allowedAs: options.config.allowedAs }),
      }),
      ...((registry || options.indicators) && { site: siteOf(options) }),
      point: () => ({ node: '', unit: '', file }),
      emit: (alert) => {
        this.alerts++;
        sinks.alert(alert);
      },
    });
    const events = (this.events = options.events ?? new Set<string>());
    const behaviours = pack.behaviours.length > 0;
    // Rules in Suricata's language alert once a hit, as their authors expect: nothing is followed up, and no event made for it.
    const ours = behaviours || options.indicators !== undefined || pack.rules.signatures.some((signature) => !signature.info.suricata);
    this.watched = ours;
    this.reads = ours ? this.correlator.behaviours.reads() : new Set<string>();
    this.stage = {
      flowEvents: events.has('flow') ? 'all' : behaviours ? 'answered' : 'none',
      // Digests cost more than all the rest; rules on them are served by the matcher itself.
      fileHashes: [...new Set([...(events.has('fileinfo') ? (['md5', 'sha256', 'sm3'] as const) : []), ...(options.indicators?.store.digests ?? [])])],
      expireAtOnce: Infinity, // nobody waits for the packet behind
    };
  }

  wants(type: string): boolean {
    return this.events.has(type) || this.reads.has(type);
  }

  /** Types of events wanted. */
  wanted(): string[] {
    return [...new Set([...this.events, ...this.reads])];
  }

  event(event: EveEvent): void {
    if (this.reads.has(event.event_type)) {
      const t = performance.now();
      this.correlator.event(event);
      this.spent += performance.now() - t;
    }
    if (this.events.has(event.event_type)) this.sinks.event?.(event);
  }

  alert(alert: Alert, each: boolean): void {
    this.correlator.alert(alert, each);
  }

  connections(records: Uint8Array, count: number): void {
    if (!this.watched) return;
    const t = performance.now();
    this.correlator.connections(records, count);
    this.spent += performance.now() - t;
  }

  counters(): Record<string, number> {
    const { correlator } = this;
    return {
      behavioursEvicted: correlator.behaviours.stats().evicted, alertsEvicted: correlator.sink.counters.evicted, alertsRaised: correlator.sink.counters.in,
    };
  }
}

/** A table no larger than the capture can fill, so that small captures start fast. */
export function flowsFor(bytes: number | undefined, most: AnalyzerConfig['maxFlows']): number {
  if (bytes === undefined) return most;
  // A compressed capture may hold a hundred times as much.
  return Math.min(most, Math.max(1024, 2 ** Math.ceil(Math.log2(1 + (bytes / MIN_RECORD) * 4))));
}

/** Fewest bytes that a packet takes in a capture: a bound on its flows. */
const MIN_RECORD = 60;
