import { randomBytes } from 'node:crypto';
import type { PacketBlockHeaders } from '../contracts/packet-block.js';
import { BlockBuilder, emptyBody, type ClosedBlock } from './block.js';
import type { Cutoff } from './cutoff.js';
import type { PacketSink, SourceRun, SourceStatus } from './packet-source.js';
import type { Publisher } from './publisher.js';
import { ownRegion, type FixedRegion } from './region.js';

/** Live children deliver 64 KiB at a time; files are read by the MiB. */
const LIVE_REGION = 1024 * 1024;
const FILE_REGION = 4 * 1024 * 1024;
const MAX_LABEL = 64;

export interface SinkOptions {
  node: string;
  unit: string;
  partitions: number;
  demo?: boolean;
  cutoff?: Cutoff;
  /** Added to every time stamp, µs. */
  shiftUs?: (firstUs: number) => number;
  /** Told when the run is over. */
  ended?: (sink: BlockSink) => void;
  /** Waits until a block may go, for replay in time. */
  pace?: (block: ClosedBlock) => Promise<void> | void;
}

/** Turns the packets of one run into numbered blocks and hands them to the publisher. */
export class BlockSink implements PacketSink {
  readonly region: FixedRegion;
  readonly epoch: string;
  packets = 0;
  bytes = 0;
  private readonly builder: BlockBuilder;
  private readonly seqs: number[];
  private readonly outbox: ClosedBlock[] = [];
  private linktype = 1;
  private lastUs = 0;
  private shift: number | undefined;
  private ended = false;
  private endBlocks = false;
  private sending: Promise<void> | undefined;
  private readonly droppedBefore: { kernel: number; interface: number; backpressure: number };

  constructor(
    private readonly run: SourceRun, private readonly publisher: Publisher,
    private readonly options: SinkOptions, private readonly status: Pick<SourceStatus, 'droppedKernel' | 'droppedInterface'>,
  ) {
    this.region = ownRegion(run.kind === 'file' ? FILE_REGION : LIVE_REGION);
    this.epoch = run.epoch ?? `${Date.now().toString(36)}-${randomBytes(8).toString('hex')}`;
    this.droppedBefore = {
      kernel: Math.max(0, status.droppedKernel), interface: Math.max(0, status.droppedInterface),
      backpressure: publisher.counters.droppedPackets,
    };
    this.seqs = Array.from({ length: options.partitions }, () => 0);
    this.builder = new BlockBuilder(options.partitions, (block) => this.closed(block));
  }

  packet(
    offset: number, captured: number, wire: number, timeUs: number, nanos: number, linktype: number, iface: number,
  ): void {
    const { cutoff, shiftUs } = this.options;
    this.packets++;
    this.bytes += wire;
    if (cutoff !== undefined) captured = cutoff.keep(this.region.u8, offset, captured, wire, timeUs, linktype);
    if (shiftUs !== undefined) timeUs += this.shift ??= shiftUs(timeUs);
    this.builder.add(this.region.u8, offset, captured, wire, timeUs, nanos, linktype, iface);
  }

  /** Live blocks have gone already; those of a file wait here for their turn. */
  chunk(): void | Promise<void> {
    if (this.outbox.length > 0) return this.sendOutbox();
  }

  /** Closes what is open, so that a quiet link is watched in time; every 50 ms. */
  tick(): void {
    if (this.run.kind === 'file' || this.ended) return;
    this.builder.flush();
    if (this.outbox.length > 0) void this.sendOutbox();
  }

  async end(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    this.builder.flush();
    await this.sendOutbox();
    this.options.ended?.(this);
    if (this.packets === 0) return;
    this.endBlocks = true;
    for (let partition = 0; partition < this.options.partitions; partition++) {
      const block = {
        body: emptyBody(this.linktype), partition, linktype: this.linktype, iface: 0, packets: 0,
        firstUs: this.lastUs, lastUs: this.lastUs,
      };
      if (this.run.kind === 'live') this.publisher.offerLive({ headers: this.headers(block), body: block.body });
      else this.outbox.push(block);
    }
    await this.sendOutbox();
  }

  private closed(block: ClosedBlock): void {
    this.linktype = block.linktype;
    if (block.lastUs > this.lastUs) this.lastUs = block.lastUs;
    if (this.run.kind === 'live') this.publisher.offerLive({ headers: this.headers(block), body: block.body });
    else this.outbox.push(block);
  }

  /** What is read at once bounds the outbox: the packets of one chunk. */
  private sendOutbox(): Promise<void> {
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
    });
    return this.sending;
  }

  private async sendAll(): Promise<void> {
    for (let block = this.outbox.shift(); block !== undefined; block = this.outbox.shift()) {
      await this.options.pace?.(block);
      await this.publisher.offer({ headers: this.headers(block), body: block.body });
    }
  }

  private headers(block: ClosedBlock): PacketBlockHeaders {
    const { node, unit, partitions, demo } = this.options;
    const { run, status, publisher, droppedBefore: before } = this;
    return {
      node, unit, interface: this.label(block.iface), epoch: this.epoch, seq: this.seqs[block.partition]++,
      partition: block.partition, partitions, linktype: block.linktype, packets: block.packets,
      firstUs: block.firstUs, lastUs: block.lastUs,
      droppedKernel: status.droppedKernel < 0 ? -1 : status.droppedKernel - before.kernel,
      droppedInterface: status.droppedInterface < 0 ? -1 : status.droppedInterface - before.interface,
      droppedBackpressure: publisher.counters.droppedPackets - before.backpressure, clock: run.clock,
      ...(run.file === undefined ? {} : { file: cut(run.file, 255) }),
      ...(demo ? { demo: true } : {}), ...(this.endBlocks ? { end: true } : {}),
    };
  }

  private label(iface: number): string {
    const { run } = this;
    if (run.interfaces === undefined) return cut(run.interface, MAX_LABEL);
    if (iface >= 0) return cut(run.interfaces[iface]?.name || run.interface, MAX_LABEL);
    return cut(run.interfaces.map((i) => i.name || '?').join(','), MAX_LABEL);
  }
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : [...text].slice(0, characters).join('');
}
