import type { Alert, EvidenceHeaders } from '../../contracts/alert.js';
import { EVENT_TYPES } from '../../contracts/event.js';
import { decodeBlockHeaders, type PacketBlockHeaders } from '../../contracts/packet-block.js';
import { streams, subjects } from '../../contracts/subjects.js';
import type { Bus, Delivery, Subscription } from '../../runtime/bus/bus.js';
import { coded } from '../../runtime/errors.js';
import { HeartbeatSender, type HealthNow } from '../../runtime/health.js';
import type { Clock, Service } from '../../runtime/lifecycle.js';
import type { Log } from '../../runtime/log.js';
import type { MetricsStore } from '../../runtime/metrics/metrics.js';
import type { AnalyzerConfig } from '../config.js';
import { Correlator } from '../correlator.js';
import { behaviourRule } from '../detect/rules.js';
import type { BehaviourRule } from '../detect/behaviour.js';
import { loadRules, type Loaded } from '../match/load.js';
import type { PacketSourceInfo } from '../match/matcher.js';
import type { Lookup } from '../sink/alerts.js';
import { EvidenceTaker } from '../sink/evidence.js';
import { MetricsSink } from '../sink/metrics.js';
import { LateAck } from './late-ack.js';
import { SequenceTracker } from './sequence.js';
import { WorkerPool, type WorkerResult } from './worker-pool.js';

const MIB = 1 << 20;
const WEEK_MS = 7 * 86_400_000;
const DEDUP_MS = 600_000;
/** Events that behaviours look at; others travel from the workers only when somebody wants them. */
const BEHAVIOUR_EVENTS = ['auth', 'http', 'dns', 'tls', 'flow', 'arp', 'fileinfo', 'smb', 'dcerpc', 'krb5', 'rdp', 'ssh', 'anomaly'];
/** When no block comes for so long, packet time goes on by the clock, so that open flows and behaviours come to an end. */
const IDLE_MS = 1500;

const errors = {
  rules: coded('SW_RULES_INVALID', (count: number, first: string) => `${count} error${count === 1 ? '' : 's'} in the rules; the first: ${first}`,
    'Mend them (npx shouwang rules check lists all), then start again.'),
};

export interface AnalyzerDependencies {
  bus: Bus;
  metrics: MetricsStore;
  config: AnalyzerConfig;
  /** Resolved rule files and folders. */
  rulePaths: string[];
  lookup?: Lookup;
  log: Log;
  clock: Clock;
  version: string;
  /** Told when a worker died: the process is to end, and its successor replays what was not acknowledged. */
  onFatal: (error: Error) => void;
}

/** Takes packet blocks from the bus; sends alerts, evidence, events, metrics and heartbeats. */
export class Analyzer implements Service {
  readonly name = 'analyzer';
  private readonly pool: WorkerPool;
  private readonly sequence = new SequenceTracker();
  private readonly late: LateAck;
  private readonly metricsSink: MetricsSink;
  private readonly heartbeat: HeartbeatSender;
  private readonly points = new Map<string, PacketSourceInfo>();
  private readonly subscriptions: Subscription[] = [];
  private readonly seenAlerts = new Set<string>();
  private correlator!: Correlator;
  private evidence!: EvidenceTaker;
  private loaded!: Loaded;
  private timer: NodeJS.Timeout | undefined;
  private outbox: Promise<unknown> = Promise.resolve();
  private outboxLength = 0;
  private nodes: string[][] = [];
  private newestUs = 0;
  private lastBlockAt = 0;
  private openSources = new Set<string>();
  /** By worker: packets and bytes by protocol so far. */
  private previous: Map<string, [number, number]>[] = [];
  private lagMs = 0;
  private stopped = false;
  private readonly counters = { blocks: 0, packets: 0, bytes: 0, alerts: 0, revisions: 0, malformed: 0, reloads: 0, reloadFailures: 0, publishFailures: 0 };

  constructor(private readonly deps: AnalyzerDependencies) {
    const { config, metrics, bus } = deps;
    const events = [...new Set([...BEHAVIOUR_EVENTS, ...(config.events.includes('all') ? EVENT_TYPES : config.events)])];
    this.pool = new WorkerPool(config.workers, { config, rulePaths: deps.rulePaths, events },
      (worker, result) => this.result(worker, result), (error) => deps.onFatal(error));
    this.late = new LateAck({ seconds: config.replay.seconds, bytes: config.replay.MiB * MIB }, deps.clock);
    this.metricsSink = new MetricsSink((points) => metrics.write(points));
    this.heartbeat = new HeartbeatSender(bus, { role: 'analyzer', id: config.id, version: deps.version }, () => this.health());
  }

  async start(): Promise<void> {
    const { bus, config, rulePaths, lookup } = this.deps;
    this.loaded = this.load(rulePaths);
    this.evidence = new EvidenceTaker({
      maxBytes: config.evidence.maxBytes, perMinute: config.evidence.perMinute,
      save: (headers, pcap) => this.publishEvidence(headers, pcap),
    });
    this.correlator = new Correlator({
      behaviours: behavioursOf(this.loaded), mode: 'stream', evidence: this.evidence,
      ...(lookup ? { lookup } : {}),
      emit: (alert) => this.publishAlert(alert),
      point: (source, node) => this.points.get(node ?? this.nodes[0]?.[source] ?? ''),
    });
    for (const [name, all] of [[streams.alerts, subjects.allAlerts], [streams.evidence, subjects.allEvidence]] as const) {
      await bus.ensureStream({ name, subjects: [all], retention: 'keep', maxBytes: (name === streams.alerts ? 4 : 8) * 1024 * MIB, maxAgeMs: WEEK_MS, dedupWindowMs: DEDUP_MS, storage: 'file' });
    }
    await this.pool.start();
    for (const partition of config.partitions) {
      await bus.ensureStream({ name: streams.packets(partition), subjects: [subjects.packetsOf(partition)], retention: 'work', maxBytes: 512 * MIB, dedupWindowMs: 120_000, storage: 'file' });
      this.subscriptions.push(await bus.consume(
        streams.packets(partition),
        { durable: `analyzer-${partition}`, ack: 'all', maxUnacked: Math.max(1024, config.replay.MiB * 64) },
        (delivery) => this.receive(partition, delivery),
      ));
    }
    this.subscriptions.push(
      await bus.respond(subjects.command('analyzer', 'rules'), () => this.rulesAnswer()),
      await bus.respond(subjects.command('analyzer', 'reload-rules'), () => this.reload()),
    );
    await this.heartbeat.start();
    this.timer = setInterval(() => this.idle(), 500);
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearInterval(this.timer);
    for (const s of this.subscriptions) await s.close();
    // What is open is told now; a successor that replays the same packets tells it again under the same ids.
    await this.pool.flush();
    this.correlator.flush();
    this.metricsSink.flush();
    await this.outbox;
    this.late.drain();
    await this.heartbeat.stop();
    await this.pool.close();
  }

  private load(paths: string[]): Loaded {
    const loaded = loadRules(paths, { variables: this.deps.config.variables });
    if (!loaded.rules) {
      for (const e of loaded.errors) this.deps.log.error('rule', { code: e.code, message: e.message, hint: e.hint });
      throw errors.rules(loaded.errors.length, loaded.errors[0]!.message);
    }
    return loaded;
  }

  private async receive(partition: number, delivery: Delivery): Promise<void> {
    const headers = decodeBlockHeaders(delivery.headers);
    if (!isHeaders(headers)) {
      this.counters.malformed++;
      this.late.add(() => delivery.ack(), '', 0, 0, true)();
      return;
    }
    if (!this.sequence.accept(headers)) {
      this.late.add(() => delivery.ack(), '', 0, 0, true)();
      return;
    }
    this.lastBlockAt = this.deps.clock.now();
    const source = this.sourceOf(headers);
    const key = `${headers.unit}/${headers.node}/${headers.interface}/${headers.epoch}/${partition}`;
    this.openSources.add(key);
    const settle = this.late.add(() => delivery.ack(), key, delivery.data.length, headers.lastUs, headers.end === true);
    await this.pool.block(partition, source, delivery.data, (result) => {
      this.counted(headers, result, delivery.data.length);
      // Acknowledged only when what it raised is stored.
      void this.outbox.then(settle);
    });
    if (headers.end) {
      this.openSources.delete(key);
      if (this.openSources.size === 0) await this.pool.flush();
    }
  }

  /** The same object for the same source, as the packet stage compares by identity. */
  private sourceOf(h: PacketBlockHeaders): PacketSourceInfo {
    const key = `${h.node}\0${h.interface}\0${h.file ?? ''}\0${h.demo === true}`;
    let source = this.points.get(key);
    if (!source) {
      source = { node: h.node, unit: h.unit, iface: h.interface, ...(h.file ? { file: h.file } : {}), ...(h.demo ? { demo: true } : {}) };
      if (this.points.size > 10_000) this.points.clear();
      this.points.set(key, source);
    }
    this.points.set(h.node, source);
    return source;
  }

  private counted(h: PacketBlockHeaders, result: WorkerResult, bytes: number): void {
    this.counters.blocks++;
    if (result.packets < 0) {
      this.counters.malformed++;
      return;
    }
    this.counters.packets += result.packets;
    this.counters.bytes += bytes;
    if (h.lastUs > this.newestUs) this.newestUs = h.lastUs;
    const behind = this.deps.clock.now() - h.lastUs / 1000;
    // A capture of long ago is not late.
    this.lagMs = behind > 0 && behind < 3_600_000 ? behind : 0;
    const worker = h.partition % this.deps.config.workers;
    const before = (this.previous[worker] ??= new Map());
    const from = { node: h.node, unit: h.unit, ...(h.demo ? { demo: true } : {}) };
    for (const [protocol, packets, volume] of result.traffic) {
      const [packetsBefore, volumeBefore] = before.get(protocol) ?? [0, 0];
      before.set(protocol, [packets, volume]);
      if (packets > packetsBefore) this.metricsSink.traffic(h.lastUs, from, protocol, packets - packetsBefore, volume - volumeBefore);
    }
    this.metricsSink.advance(h.lastUs);
  }

  private result(worker: number, result: WorkerResult): void {
    this.nodes[worker] = result.nodes;
    this.correlator.connections(result.connections, result.connections.length / 64);
    for (const event of result.events) {
      this.correlator.event(event);
      const { events } = this.deps.config;
      if (events.includes(event.event_type) || events.includes('all')) {
        void this.deps.bus.publish(subjects.event(event.event_type, event.host ?? '_'), Buffer.from(JSON.stringify(event))).catch(() => {});
      }
    }
    for (const { alert, each, evidence } of result.alerts) this.correlator.alert(alert, each, evidence ? () => evidence : undefined);
    if (this.newestUs > 0) this.correlator.advance(this.newestUs);
  }

  private publishAlert(alert: Alert): void {
    const s = alert.shouwang;
    this.counters.revisions++;
    if (!this.seenAlerts.has(s.id)) {
      this.counters.alerts++;
      this.metricsSink.alert(Math.floor(Date.parse(s.last_seen) * 1000), alert);
      this.seenAlerts.add(s.id);
      if (this.seenAlerts.size > 100_000) this.seenAlerts.delete(this.seenAlerts.values().next().value!);
    }
    const data = Buffer.from(JSON.stringify(alert));
    this.send(() => this.deps.bus.publishDurable(subjects.alert(s.severity, s.unit ?? '_'), data, `${s.id}:${s.revision}`));
  }

  private publishEvidence(headers: EvidenceHeaders, pcap: Uint8Array): void {
    this.send(() => this.deps.bus.publishDurable(subjects.evidence(headers.alert), pcap, headers.id, {
      id: headers.id, alert: headers.alert, sha256: headers.sha256, packets: String(headers.packets),
    }));
  }

  /** One after the other, so that revisions arrive in order; blocks are acknowledged behind what they raised. */
  private send(publish: () => Promise<unknown>): void {
    this.outboxLength++;
    this.outbox = this.outbox.then(publish).catch((error: unknown) => {
      this.counters.publishFailures++;
      this.deps.log.error('an alert could not be stored on the bus', { error });
    }).finally(() => { this.outboxLength--; });
  }

  private idle(): void {
    this.late.release();
    const now = this.deps.clock.now();
    if (this.newestUs > 0 && now - this.lastBlockAt > IDLE_MS && this.pool.idle) {
      this.newestUs += 500_000;
      this.pool.tick(this.newestUs);
      this.correlator.advance(this.newestUs);
    }
    if (now - this.lastBlockAt > IDLE_MS) this.metricsSink.flush();
  }

  private rulesAnswer(): Uint8Array {
    return Buffer.from(JSON.stringify({ rules: this.loaded.documents.map(({ document }) => ({ document })) }));
  }

  private async reload(): Promise<Uint8Array> {
    const { rulePaths, log } = this.deps;
    let error: string | undefined;
    try {
      const loaded = this.load(rulePaths);
      error = await this.pool.reload(rulePaths);
      if (error === undefined) {
        this.loaded = loaded;
        this.correlator.behaviours.reload(behavioursOf(loaded));
        this.counters.reloads++;
        log.info('rules reloaded', { rules: loaded.documents.length });
      }
    } catch (failure) {
      error = (failure as Error).message;
    }
    if (error !== undefined) this.counters.reloadFailures++;
    return Buffer.from(JSON.stringify(error === undefined ? { ok: true, rules: this.loaded.documents.length } : { ok: false, error }));
  }

  private health(): HealthNow {
    const { sequence, evidence, correlator } = this;
    const stats = this.pool.stats();
    const { flows = 0, flowsHalfOpen = 0, streamQueuedBytes = 0, arenaBytes = 0, ...counted } = stats;
    const store = this.deps.metrics.stats();
    const reasons = store.up ? [] : [{ code: 'SW_METRICS_AWAY', message: `the metrics store does not answer; ${store.waiting} points wait, ${store.lost} are lost` }];
    return {
      reasons,
      counters: {
        ...counted, ...this.counters, gaps: sequence.counters.gaps, duplicates: sequence.counters.duplicates,
        evidenceSaved: evidence?.counters.saved ?? 0, evidenceRefused: evidence?.counters.refused ?? 0,
        behaviourHits: correlator?.behaviours.counters.hits ?? 0, metricsLost: store.lost,
      },
      gauges: {
        flows, flowsHalfOpen, streamQueuedBytes, arenaBytes, lagMs: this.lagMs, outbox: this.outboxLength,
        replayBytes: this.late.pendingBytes, rules: this.loaded?.documents.length ?? 0, openAlerts: correlator?.sink.openAlerts ?? 0,
      },
    };
  }
}

function behavioursOf(loaded: Loaded): BehaviourRule[] {
  return loaded.behaviours.map(({ document, place }) => behaviourRule(document, place)).filter((b) => b !== undefined);
}

function isHeaders(h: ReturnType<typeof decodeBlockHeaders>): h is PacketBlockHeaders {
  return h !== undefined && typeof (h as { node?: unknown }).node === 'string';
}
