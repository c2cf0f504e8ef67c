import { BLOCK_MAX_SPAN_MS } from '../contracts/packet-block.js';
import type { Health } from '../contracts/health.js';
import { streams, subjects } from '../contracts/subjects.js';
import type { Bus } from '../runtime/bus/bus.js';
import { OperatorError } from '../runtime/errors.js';
import { systemClock, type Clock, type Service } from '../runtime/lifecycle.js';
import { BlockSink } from './block-sink.js';
import type { CollectorConfig } from './config.js';
import { Cutoff } from './cutoff.js';
import { FileSource, StdinSource } from './file-source.js';
import { FolderSource } from './folder-source.js';
import { LiveSource, chooseBackend } from './live-source.js';
import type { PacketSource, SourceRun } from './packet-source.js';
import { Publisher } from './publisher.js';
import { CaptureRing } from './ring.js';
import { Spool } from './spool.js';

const HEARTBEAT_MS = 2000;
/** How long `stop` waits for the bus; what is left then lies in the spool, or is counted as lost. */
const DRAIN_MS = 5000;
const MIB = 1024 * 1024;

export interface CollectorContext {
  bus: Bus;
  version: string;
  clock?: Clock;
  /** Folder for the spool where the configuration names none. */
  spoolFolder?: string;
  /** Told of sources that fail; the others go on. */
  onSourceError?: (source: string, error: OperatorError | Error) => void;
}

/** Captures on one node: sources → blocks → bus, with a heartbeat. */
export class Collector implements Service {
  readonly name = 'collector';
  readonly sources: PacketSource[] = [];
  /** Resolves when every source is at its end and its blocks are stored; rejects when every source failed. */
  readonly finished: Promise<void>;
  private readonly publisher: Publisher;
  private readonly ring: CaptureRing | undefined;
  private readonly cutoff: Cutoff | undefined;
  private readonly clock: Clock;
  private readonly startedAt: string;
  private readonly sinks = new Set<BlockSink>();
  private readonly past = { packets: 0, bytes: 0 };
  private readonly errors: { source: string; error: Error }[] = [];
  private running: Promise<void>[] = [];
  private timers: NodeJS.Timeout[] = [];
  private state: Health['state'] = 'starting';
  private finish!: { resolve: () => void; reject: (error: Error) => void };

  /** @throws OperatorError SW_COLLECT_NO_BACKEND, SW_COLLECT_SPOOL */
  constructor(private readonly config: CollectorConfig, private readonly context: CollectorContext) {
    this.clock = context.clock ?? systemClock;
    this.startedAt = new Date(this.clock.now()).toISOString();
    const spoolPath = config.spool.path ?? context.spoolFolder;
    const wantsSpool = config.spool.maxMiB > 0 && spoolPath !== undefined && config.sources.some((s) => s.kind === 'live');
    for (const source of config.sources) this.sources.push(this.makeSource(source));
    this.ring = config.ring && new CaptureRing(config.ring.path, config.ring.maxMiB * MIB);
    this.publisher = new Publisher(context.bus, {
      spool: wantsSpool ? new Spool(spoolPath, config.spool.maxMiB * MIB) : undefined,
      tap: this.ring && ((block) => this.ring!.add(block)),
    });
    this.cutoff = config.cutoffKiB > 0 ? new Cutoff(config.cutoffKiB * 1024) : undefined;
    this.finished = new Promise((resolve, reject) => {
      this.finish = { resolve, reject };
    });
    this.finished.catch(() => undefined);
  }

  async start(): Promise<void> {
    const { config, context } = this;
    for (let partition = 0; partition < config.partitions; partition++) {
      await context.bus.ensureStream({
        name: streams.packets(partition), subjects: [subjects.packetsOf(partition)], retention: 'work',
        maxBytes: config.streamMiB * MIB, dedupWindowMs: 120_000, storage: 'file',
      });
    }
    this.state = 'running';
    this.timers.push(setInterval(() => this.tick(), BLOCK_MAX_SPAN_MS));
    this.timers.push(setInterval(() => void this.heartbeat(), HEARTBEAT_MS));
    this.running = this.sources.map((source) => this.runSource(source));
    void this.heartbeat();
    void Promise.all(this.running).then(async () => {
      if (this.errors.length > 0 && this.errors.length === this.sources.length) return this.finish.reject(this.errors[0].error);
      await this.publisher.drain();
      this.finish.resolve();
    });
  }

  async stop(): Promise<void> {
    if (this.state === 'stopping') return;
    this.state = 'stopping';
    for (const source of this.sources) source.stop();
    await Promise.race([Promise.all(this.running), new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())]);
    await this.publisher.drain(DRAIN_MS);
    for (const timer of this.timers) clearInterval(timer);
    await this.heartbeat();
    this.publisher.stop();
    this.ring?.close();
  }

  /** How it stands, as it goes into the heartbeat. */
  health(): Health {
    const { config, publisher, sources } = this;
    const reasons = sources.flatMap((source) => source.status.reasons);
    if (publisher.trouble !== undefined) reasons.push({ code: 'SW_COLLECT_BUS_REFUSES', message: publisher.trouble });
    if (this.context.bus.state !== 'connected') reasons.push({ code: 'SW_COLLECT_BUS_AWAY', message: `the bus is ${this.context.bus.state}` });
    if (publisher.spoolBytes > 0) reasons.push({ code: 'SW_COLLECT_SPOOLING', message: `${publisher.spoolBytes} bytes wait on disk` });
    const known = (key: 'droppedKernel' | 'droppedInterface'): number =>
      sources.some((s) => s.status[key] >= 0) ? sources.reduce((sum, s) => sum + Math.max(0, s.status[key]), 0) : -1;
    let { packets, bytes } = this.past;
    for (const sink of this.sinks) {
      packets += sink.packets;
      bytes += sink.bytes;
    }
    const c = publisher.counters;
    return {
      role: 'collector', id: config.node, node: config.node, unit: config.unit, version: this.context.version,
      startedAt: this.startedAt, at: new Date(this.clock.now()).toISOString(),
      state: this.state === 'running' && reasons.length > 0 ? 'degraded' : this.state, reasons: reasons.slice(0, 32),
      counters: {
        packets, bytes, droppedKernel: known('droppedKernel'), droppedInterface: known('droppedInterface'),
        droppedBackpressure: c.droppedPackets, blocks: c.blocks, publishedPackets: c.packets, publishedBytes: c.bytes,
        duplicates: c.duplicates, retries: c.retries, spooledBlocks: c.spooledBlocks,
        cutPackets: this.cutoff?.cutPackets ?? 0, cutBytes: this.cutoff?.cutBytes ?? 0, ringFailed: this.ring?.failed ?? 0,
        runs: sources.reduce((sum, s) => sum + s.status.runs, 0),
      },
      gauges: {
        spoolBytes: publisher.spoolBytes, ringBytes: this.ring?.bytes ?? 0, waitingBlocks: publisher.waitingBlocks,
        memoryBytes: process.memoryUsage.rss(), sourcesRunning: sources.filter((s) => s.status.state === 'running').length,
      },
    };
  }

  private async runSource(source: PacketSource): Promise<void> {
    try {
      await source.run((run) => this.openSink(source, run));
    } catch (error) {
      const failure = error as Error;
      source.status.state = 'failed';
      source.status.reasons = [{ code: failure instanceof OperatorError ? failure.code : 'SW_COLLECT_SOURCE_FAILED', message: failure.message }];
      this.errors.push({ source: source.name, error: failure });
      this.context.onSourceError?.(source.name, failure);
    }
  }

  private openSink(source: PacketSource, run: SourceRun): BlockSink {
    const { node, unit, partitions, demo } = this.config;
    const sink = new BlockSink(run, this.publisher, { node, unit, partitions, demo, cutoff: this.cutoff, ended: (s) => this.closeSink(s) }, source.status);
    this.sinks.add(sink);
    return sink;
  }

  private closeSink(sink: BlockSink): void {
    if (!this.sinks.delete(sink)) return;
    this.past.packets += sink.packets;
    this.past.bytes += sink.bytes;
  }

  private tick(): void {
    for (const sink of this.sinks) sink.tick();
  }

  private async heartbeat(): Promise<void> {
    try {
      const health = Buffer.from(JSON.stringify(this.health()));
      await this.context.bus.publish(subjects.health('collector', this.config.node), health);
    } catch {
      // The bus is away; the next heartbeat follows in two seconds, and the console sees the silence.
    }
  }

  private makeSource(source: CollectorConfig['sources'][number]): PacketSource {
    const { config } = this;
    switch (source.kind) {
      case 'live':
        return new LiveSource(
          {
            interface: source.interface, filter: source.bpf ?? config.bpf, snaplen: source.snaplen ?? config.snaplen,
            bufferKiB: config.bufferMiB * 1024, promiscuous: config.promiscuous, user: config.user,
            netns: source.netns,
          },
          chooseBackend(source.backend ?? config.backend),
        );
      case 'file':
        return new FileSource(source.path);
      case 'folder':
        return new FolderSource({
          path: source.path, stateFile: source.stateFile, settleMs: source.settleSeconds * 1000, once: source.once,
        });
      case 'stdin':
        return new StdinSource();
    }
  }
}
