import type { Alert, EvidenceHeaders } from '../../contracts/alert.js';
import { EVENT_TYPES, type EveEvent } from '../../contracts/event.js';
import { decodeBlockHeaders, type PacketBlockHeaders } from '../../contracts/packet-block.js';
import { STREAM_BYTES, streams, subjects } from '../../contracts/subjects.js';
import type { Bus, Delivery, Subscription } from '../../runtime/bus/bus.js';
import { coded } from '../../runtime/errors.js';
import { InOrder } from '../../runtime/bus/in-order.js';
import { HeartbeatSender, type HealthNow } from '../../runtime/health.js';
import type { Clock, Service } from '../../runtime/lifecycle.js';
import type { Log } from '../../runtime/log.js';
import { parseRegistry, RegistryIndex } from '../../runtime/registry.js';
import type { MetricsStore } from '../../runtime/metrics/metrics.js';
import type { AnalyzerConfig } from '../config.js';
import { Correlator } from '../correlator.js';
import { behaviourRule } from '../detect/rules.js';
import { PRIVATE_SITE, type BehaviourRule, type Site } from '../detect/behaviour.js';
import type { Indicators } from '../detect/indicators/match.js';
import { BEHAVIOUR_EVENTS } from '../detect/stage.js';
import { loadRules, type Loaded } from '../match/load.js';
import type { PacketSourceInfo } from '../match/matcher.js';
import type { Lookup } from '../sink/alerts.js';
import { EvidenceTaker } from '../sink/evidence.js';
import { MetricsSink } from '../sink/metrics.js';
import type { HostPoint } from './host-batch.js';
import { HostExchange } from './host-exchange.js';
import { HostWorlds, LIVE } from './host-worlds.js';
import { LateAck, type LateAckLimits } from './late-ack.js';
import { RuleTrials } from './rule-trial.js';
import { WorkerPool, type WorkerResult } from './worker-pool.js';

const MIB = 1 << 20;
const WEEK_MS = 7 * 86_400_000;
const DEDUP_MS = 600_000;
/** Blocks that the bus delivers without an acknowledgement: 30 s of 50 ms blocks of a dozen interfaces. */
const MAX_UNACKED = 8192;
/** Alerts and captures on their way to the bus; with more, no block is taken. */
const MAX_OUTBOX = 2048;
const RETRY_MS = 1000;
const REGISTRY_WAIT_MS = 2000;
/** When no block comes for so long, packet time goes on by the clock, so that open flows and behaviours come to an end. */
const IDLE_MS = 1500;

const IDLE_STEP_US = 500_000;
/** Capture points remembered. */
const MAX_SOURCES = 10_000;

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
  /** Strict mode: rejects when a rule fails its own captures; asked before rules are taken while running. */
  prove?: (rulePaths: string[]) => Promise<void>;
  /** Folder in which rule documents found right are remembered. */
  cache?: string;
  lookup?: Lookup;
  /** Lists of indicators in force; the owner puts others in their place while traffic goes on. */
  indicators?: Indicators;
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
  /** By position in `config.partitions`: blocks go to the workers one behind the other. */
  private readonly turns: Promise<void>[] = [];
  /** By position in `config.partitions`: of the packets, and of what other analyzers say of the partition's hosts. */
  private readonly late: LateAck[];
  private readonly order: InOrder<() => Promise<void>>[];
  private readonly lateHosts: LateAck[];
  private readonly workers: number;
  private readonly metricsSink: MetricsSink;
  private readonly heartbeat: HeartbeatSender;
  private readonly sources = new Map<string, PacketSourceInfo>();
  /** The latest capture point of a node's name. */
  private readonly points = new Map<string, HostPoint>();
  private readonly subscriptions: Subscription[] = [];
  private readonly trials: RuleTrials;
  /** As they were last counted. */
  private readonly seenAlerts = new Map<string, { severity: string; verdict: string }>();
  private correlator!: Correlator;
  /** The console's, once it has sent one; the configured file's until then. */
  private workersReady: Promise<void> | undefined;
  private registry: RegistryIndex | undefined;
  private registryVersion = 0;
  /** Events that behaviours read; files only where lists may name them, since digests cost more than all the rest. */
  private readonly reads: ReadonlySet<string>;
  private worlds!: HostWorlds;
  private hosts!: HostExchange;
  private evidence!: EvidenceTaker;
  private loaded!: Loaded;
  private timer: NodeJS.Timeout | undefined;
  private outbox: Promise<unknown> = Promise.resolve();
  private outboxLength = 0;
  private reloading: Promise<unknown> = Promise.resolve();
  /** Lanes in all, as collectors say. */
  private lanes = 1;
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
    this.reads = new Set<string>([...BEHAVIOUR_EVENTS, ...(deps.indicators ? ['fileinfo'] : [])]);
    const events = [...new Set([...this.reads, ...(config.events.includes('all') ? EVENT_TYPES : config.events)])];
    this.workers = Math.min(config.workers, config.partitions.length);
    if (this.workers < config.workers) deps.log.warn('a partition is one worker\'s: the others would be idle and are not started', { workers: config.workers, partitions: config.partitions });
    this.pool = new WorkerPool(this.workers, { config, rulePaths: deps.rulePaths, events, ...(deps.cache ? { cache: deps.cache } : {}) },
      (worker, result, block) => this.result(worker, result, block), (error) => deps.onFatal(error));
    const limits: LateAckLimits = { seconds: config.replay.seconds, bytes: (config.replay.MiB * MIB) / config.partitions.length, blocks: MAX_UNACKED / 2 };
    this.late = config.partitions.map(() => new LateAck(limits, deps.clock));
    this.order = config.partitions.map(() => new InOrder(() => deps.clock.now()));
    this.lateHosts = config.partitions.map(() => new LateAck(limits, deps.clock));
    this.trials = new RuleTrials(config);
    this.metricsSink = new MetricsSink((points) => metrics.write(points), undefined, { analyzer: config.id });
    this.heartbeat = new HeartbeatSender(bus, { role: 'analyzer', id: config.id, version: deps.version }, () => this.health());
  }

  /** Starts the worker threads ahead of `start`, so that they load their rules while other parts are made. */
  warm(): Promise<void> {
    this.workersReady ??= this.pool.start();
    this.workersReady.catch(() => {}); // told by `start`
    return this.workersReady;
  }

  async start(): Promise<void> {
    const { bus, config, rulePaths, lookup } = this.deps;
    // Workers load the rules, too: side by side.
    const workers = this.warm();
    this.loaded = this.load(rulePaths);
    this.evidence = new EvidenceTaker({
      maxBytes: config.evidence.maxBytes, perMinute: config.evidence.perMinute,
      save: (headers, pcap) => this.publishEvidence(headers, pcap),
    });
    this.correlator = new Correlator({
      behaviours: behavioursOf(this.loaded), mode: 'stream', evidence: this.evidence,
      lookup: (ip) => (this.registry ? this.registry.lookup(ip) : lookup?.(ip)),
      emit: (alert) => this.publishAlert(alert),
      site: this.site(), allowed: (attacker, victim, cls, atMs) => this.registry?.allowed(attacker, victim, cls, atMs) ?? false,
      allowedAs: config.allowedAs,
      point: (source, node) => (node === undefined ? this.hosts.point(source) : this.points.get(node)),
    });
    this.worlds = new HostWorlds(this.deps.clock, () => this.correlator.openStage(), (stage) => this.correlator.closeStage(stage));
    this.hosts = new HostExchange({
      bus, clock: this.deps.clock, own: config.partitions, worlds: this.worlds, late: this.lateHosts, maxUnacked: MAX_UNACKED,
      send: (publish) => this.send(publish), whenStored: (then) => void this.outbox.then(then),
    });
    for (const [name, all] of [[streams.alerts, subjects.allAlerts], [streams.evidence, subjects.allEvidence]] as const) {
      await bus.ensureStream({ name, subjects: [all], retention: 'keep', maxBytes: name === streams.alerts ? STREAM_BYTES.alerts : STREAM_BYTES.evidence, maxAgeMs: WEEK_MS, dedupWindowMs: DEDUP_MS, storage: 'file' });
    }
    await workers;
    await this.hosts.start();
    for (const [index, partition] of config.partitions.entries()) {
      this.subscriptions.push(await this.consume(index, partition));
    }
    this.subscriptions.push(
      await bus.subscribe(subjects.registry, (m) => this.useRegistry(m)),
      await bus.respond(subjects.command('analyzer', 'rules'), () => this.rulesAnswer()),
      // By the analyzer's own name: a trial is one analyzer's work.
      await bus.respond(subjects.command('analyzer', `try-rule-${config.id}`), (m) => this.trials.answer(m.data)),
      await bus.respond(subjects.command('analyzer', 'reload-rules'), async () => Buffer.from(JSON.stringify(await this.reloadRules()))),
    );
    void bus.request(subjects.registryWanted, new Uint8Array(), REGISTRY_WAIT_MS).then((m) => this.useRegistry(m), () => { /* no console yet: it sends the registry when it starts */ });
    await this.heartbeat.start();
    this.timer = setInterval(() => this.idle(), IDLE_STEP_US / 1000);
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearInterval(this.timer);
    await this.trials.stop();
    for (const s of this.subscriptions) await s.close();
    await this.hosts?.stop();
    // What is open is told now. What flows and counts rest on stays unacknowledged: the successor sees it again, and tells
    // the same under the same ids.
    if (this.timer) await this.pool.flush();
    this.worlds?.flush();
    this.correlator?.flush();
    this.metricsSink.flush();
    await this.outbox;
    for (const late of [...this.late, ...this.lateHosts]) late.release();
    await this.heartbeat.stop();
    await this.pool.close();
  }

  /** Whose addresses are, by the registry in force. */
  private site(): Site {
    const { indicators } = this.deps;
    return {
      isHome: (ip) => (this.registry ? this.registry.isHome(ip) : PRIVATE_SITE.isHome(ip)),
      zoneOf: (ip) => this.registry?.lookup(ip).zone,
      mayReach: (from, to) => this.registry?.mayReach(from, to) ?? true,
      ...(indicators && { indicators }),
    };
  }

  /** Takes a registry that the console sent, whole or not at all. */
  private useRegistry(message: { data: Uint8Array; headers?: Record<string, string> }): void {
    // On the wire header names come in any case, with a prefix.
    const version = Number(Object.entries(message.headers ?? {}).find(([name]) => /(^|-)version$/i.test(name))?.[1] ?? 0) || 0;
    if (message.data.length === 0 || (version > 0 && version <= this.registryVersion)) return;
    try {
      this.registry = new RegistryIndex(parseRegistry(new TextDecoder().decode(message.data), 'registry.yaml'));
      this.registryVersion = version;
      this.deps.log.info('a new registry is in use', { version, units: this.registry.registry.units.length, systems: this.registry.registry.systems.length });
    } catch (error) {
      this.deps.log.warn('a registry that was sent cannot be used; the one before stays', { error });
    }
  }

  private async consume(index: number, partition: number): Promise<Subscription> {
    const name = streams.packets(partition);
    const options = { durable: `analyzer-${partition}`, ack: 'all', maxUnacked: MAX_UNACKED } as const;
    const handle = (delivery: Delivery): Promise<void> => this.receive(index, delivery);
    const { bus } = this.deps;
    try {
      return await bus.consume(name, options, handle);
    } catch (error) {
      if ((error as { code?: string }).code !== 'SW_BUS_NO_STREAM') throw error;
      // Collectors say how large it may be; here none has come yet.
      await bus.ensureStream({ name, subjects: [subjects.packetsOf(partition)], retention: 'work', maxBytes: STREAM_BYTES.packets, dedupWindowMs: 120_000, storage: 'file' });
      return bus.consume(name, options, handle);
    }
  }

  private load(paths: string[]): Loaded {
    const loaded = loadRules(paths, { variables: this.deps.config.variables, midstream: this.deps.config.midstream, ...(this.deps.config.reputation && { reputation: this.deps.config.reputation }), cache: this.deps.cache });
    if (!loaded.rules) {
      for (const e of loaded.errors) this.deps.log.error('rule', { code: e.code, message: e.message, hint: e.hint });
      throw errors.rules(loaded.errors.length, loaded.errors[0]!.message);
    }
    if (Object.keys(loaded.suricata.withoutEffect).length > 0) this.deps.log.warn('parts of rules change nothing here', loaded.suricata.withoutEffect);
    return loaded;
  }

  private async receive(index: number, delivery: Delivery): Promise<void> {
    const late = this.late[index]!;
    const headers = decodeBlockHeaders(delivery.headers);
    if (!headers) {
      this.counters.malformed++;
      late.add(() => delivery.ack(), '', 0, 0, true)();
      return;
    }
    const key = `${headers.unit}/${headers.node}/${headers.interface}/${headers.epoch}/${headers.partition}`;
    const settle = late.add(() => delivery.ack(), key, delivery.data.length, headers.lastUs, headers.end === true);
    const ready = this.order[index]!.take(key, headers.seq, headers.end === true, () => this.handle(index, headers, key, delivery, settle));
    if (ready === undefined) settle();
    else await this.inTurn(index, ready);
  }

  /** What the clock releases goes behind what a message released just now. */
  private inTurn(index: number, ready: readonly (() => Promise<void>)[]): Promise<void> {
    const turn = (this.turns[index] ?? Promise.resolve()).then(async () => {
      for (const handle of ready) await handle();
    });
    this.turns[index] = turn.catch(() => {});
    return turn;
  }

  private async handle(index: number, headers: PacketBlockHeaders, key: string, delivery: Delivery, settle: () => void): Promise<void> {
    if (this.stopped) return;
    while (this.outboxLength > MAX_OUTBOX && !this.stopped) await this.outbox;
    this.lastBlockAt = this.deps.clock.now();
    const { source, point } = this.sourceOf(headers);
    this.openSources.add(key);
    if (headers.partitions > this.lanes) this.lanes = headers.partitions;
    const worker = index % this.workers;
    await this.pool.block(worker, source, delivery.data, (result) => {
      this.counted(worker, headers, result, delivery.data.length);
      this.hosts.take({
        world: point.world, lane: headers.partition, lanes: headers.partitions, upToUs: headers.lastUs, end: headers.end === true,
        ...this.forBehaviours(result),
      }, `${headers.epoch}:${headers.partition}:${headers.seq}`, () => {
        // Acknowledged only when what it raised is stored.
        void this.outbox.then(settle);
      });
    });
    if (headers.end) {
      this.openSources.delete(key);
      if (this.openSources.size === 0) await this.pool.flush();
    }
  }

  private forBehaviours(result: WorkerResult): { points: HostPoint[]; records: Uint8Array; events: EveEvent[] } {
    const points = result.nodes.map((node) => this.points.get(node) ?? { node, unit: '', world: LIVE });
    return { points, records: result.connections, events: result.events.filter((e) => this.reads.has(e.event_type)) };
  }

  /** The same object for the same source, as the packet stage compares by identity. */
  private sourceOf(h: PacketBlockHeaders): { source: PacketSourceInfo; point: HostPoint } {
    const key = `${h.node}\0${h.interface}\0${h.file ?? ''}\0${h.demo === true}`;
    let source = this.sources.get(key);
    if (!source) {
      source = { node: h.node, unit: h.unit, iface: h.interface, ...(h.file ? { file: h.file } : {}), ...(h.demo ? { demo: true } : {}) };
      if (this.sources.size > MAX_SOURCES) this.sources.clear();
      this.sources.set(key, source);
    }
    const world = h.file === undefined ? LIVE : h.epoch;
    let point = this.points.get(h.node);
    if (!point || point.world !== world || point.unit !== h.unit || point.file !== h.file || (point.demo ?? false) !== (h.demo ?? false)) {
      point = { node: h.node, unit: h.unit, world, ...(h.file ? { file: h.file } : {}), ...(h.demo ? { demo: true } : {}) };
      if (this.points.size > MAX_SOURCES) this.points.clear();
      this.points.set(h.node, point);
    }
    return { source, point };
  }

  private counted(worker: number, h: PacketBlockHeaders, result: WorkerResult, bytes: number): void {
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
    const before = (this.previous[worker] ??= new Map());
    const from = { node: h.node, unit: h.unit, ...(h.demo ? { demo: true } : {}) };
    for (const [protocol, packets, volume] of result.traffic) {
      const [packetsBefore, volumeBefore] = before.get(protocol) ?? [0, 0];
      before.set(protocol, [packets, volume]);
      if (packets > packetsBefore) this.metricsSink.traffic(h.lastUs, from, protocol, packets - packetsBefore, volume - volumeBefore);
    }
    this.metricsSink.advance(h.lastUs);
  }

  private result(worker: number, result: WorkerResult, block: boolean): void {
    const { events, partitions } = this.deps.config;
    if (events.length > 0) {
      for (const event of result.events) {
        if (!events.includes(event.event_type) && !events.includes('all')) continue;
        void this.deps.bus.publish(subjects.event(event.event_type, event.host ?? '_'), Buffer.from(JSON.stringify(event))).catch(() => {});
      }
    }
    for (const { alert, each, evidence } of result.alerts) this.correlator.alert(alert, each, evidence ? () => evidence : undefined);
    if (!block && (result.connections.length > 0 || result.events.length > 0)) {
      this.hosts.take({ world: LIVE, lane: partitions[worker]!, lanes: this.lanes, upToUs: Number.NaN, end: false, ...this.forBehaviours(result) }, undefined, () => {});
    }
    if (this.newestUs > 0) this.correlator.advance(this.newestUs);
  }

  private publishAlert(alert: Alert): void {
    const s = alert.shouwang;
    this.counters.revisions++;
    const before = this.seenAlerts.get(s.id);
    if (!before) this.counters.alerts++;
    this.metricsSink.alert(Math.floor(Date.parse(s.last_seen) * 1000), alert, before);
    this.seenAlerts.set(s.id, { severity: s.severity, verdict: s.verdict });
    if (this.seenAlerts.size > 100_000) this.seenAlerts.delete(this.seenAlerts.keys().next().value!);
    const data = Buffer.from(JSON.stringify(alert));
    this.send(() => this.deps.bus.publishDurable(subjects.alert(s.severity, s.unit ?? '_'), data, `${s.id}:${s.revision}`));
  }

  private publishEvidence(headers: EvidenceHeaders, pcap: Uint8Array): void {
    this.send(() => this.deps.bus.publishDurable(subjects.evidence(headers.alert), pcap, headers.id, {
      id: headers.id, alert: headers.alert, sha256: headers.sha256, packets: String(headers.packets),
    }));
  }

  /** In call order; blocks are acknowledged behind what they raised. */
  private send(publish: () => Promise<unknown>): void {
    this.outboxLength++;
    const stored = this.stored(publish).finally(() => { this.outboxLength--; });
    this.outbox = Promise.all([this.outbox, stored]);
  }

  /** Tries until the bus has it; only what the bus can never take is given up. */
  private async stored(publish: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await publish();
        return;
      } catch (error) {
        const { code } = error as { code?: string };
        const hopeless = code === 'SW_BUS_TOO_LARGE' || code === 'SW_BUS_CLOSED' || this.stopped;
        if (hopeless || attempt === 1) this.deps.log.error(hopeless ? 'an alert could not be stored on the bus' : 'the bus does not take an alert; trying again', { error });
        this.counters.publishFailures++;
        if (hopeless) return;
        await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
      }
    }
  }

  private idle(): void {
    for (const late of [...this.late, ...this.lateHosts]) late.release();
    for (const [index, order] of this.order.entries()) void this.inTurn(index, order.due());
    const now = this.deps.clock.now();
    this.worlds.tick(IDLE_STEP_US);
    if (this.newestUs > 0 && now - this.lastBlockAt > IDLE_MS && this.pool.idle) {
      this.newestUs += IDLE_STEP_US;
      this.pool.tick(this.newestUs);
      this.correlator.advance(this.newestUs);
    }
    if (now - this.lastBlockAt > IDLE_MS) this.metricsSink.flush();
  }

  private rulesAnswer(): Uint8Array {
    return Buffer.from(JSON.stringify({ rules: this.loaded.documents.map(({ document }) => ({ document })) }));
  }

  /** Loads the rules anew, in all workers or, when there is any error in them, in none. */
  reloadRules(): Promise<{ ok: true; rules: number } | { ok: false; error: string }> {
    const turn = this.reloading.then(() => this.reload());
    this.reloading = turn.catch(() => {});
    return turn;
  }

  private async reload(): Promise<{ ok: true; rules: number } | { ok: false; error: string }> {
    const { rulePaths, log } = this.deps;
    let error: string | undefined;
    try {
      const loaded = this.load(rulePaths);
      await this.deps.prove?.(rulePaths);
      error = await this.pool.reload(rulePaths);
      if (error === undefined) {
        this.loaded = loaded;
        this.correlator.reload(behavioursOf(loaded));
        this.counters.reloads++;
        log.info('rules reloaded', { rules: loaded.documents.length });
        return { ok: true, rules: loaded.documents.length };
      }
    } catch (failure) {
      error = (failure as Error).message;
    }
    this.counters.reloadFailures++;
    return { ok: false, error };
  }

  private health(): HealthNow {
    const { order, evidence, correlator } = this;
    const stats = this.pool.stats();
    const { flows = 0, flowsHalfOpen = 0, streamQueuedBytes = 0, arenaBytes = 0, ...counted } = stats;
    const store = this.deps.metrics.stats();
    const reasons = store.up ? [] : [{ code: 'SW_METRICS_AWAY', message: `the metrics store does not answer; ${store.waiting} points wait, ${store.lost} are lost` }];
    return {
      reasons,
      counters: {
        ...counted, ...this.counters, gaps: order.reduce((n, o) => n + o.counters.gaps, 0), duplicates: order.reduce((n, o) => n + o.counters.duplicates, 0),
        evidenceSaved: evidence?.counters.saved ?? 0, evidenceRefused: evidence?.counters.refused ?? 0,
        behaviourHits: correlator?.hits ?? 0, ...this.hosts?.counters, ...this.worlds?.counters, metricsLost: store.lost,
      },
      gauges: {
        flows, flowsHalfOpen, streamQueuedBytes, arenaBytes, lagMs: this.lagMs, outbox: this.outboxLength,
        replayBytes: this.late.reduce((n, l) => n + l.pendingBytes, 0), hostBatchesWaiting: this.worlds?.waitingBatches ?? 0, rules: this.loaded?.documents.length ?? 0, openAlerts: correlator?.sink.openAlerts ?? 0,
      },
    };
  }
}

function behavioursOf(loaded: Loaded): BehaviourRule[] {
  return loaded.behaviours.map(({ document, place }) => behaviourRule(document, place)).filter((b) => b !== undefined);
}
