import { createHash } from 'node:crypto';
import { Arena } from '../arena.js';
import { Packet } from '../decode/packet.js';
import { Flow, type Direction } from '../flow/flow.js';
import { BUFFER_NAMES, BufferTable } from '../match/buffers.js';
import type { EventType } from '../../contracts/event.js';
import type { AppContext, AppParser, FileInFlight, Leaving, ProtocolEntry, Stage, Transaction } from './parser.js';

/** One call of `inspect`: buffers as strings of one character a byte. */
export interface Inspection {
  tx: number;
  stage: Stage;
  buffers: [name: string, value: string][];
  numbers: [name: string, value: number][];
}

/**
 * Feeds bytes to a parser as a stream would, in any segmentation, and records what comes out. Used by the parsers'
 * tests, which need no packets.
 */
export class Harness implements AppContext {
  readonly arena: Arena;
  readonly packet = new Packet();
  readonly buffers = new BufferTable();
  nowUs = 1_570_000_000_000_000;
  readonly flow = new Flow();
  readonly inspections: Inspection[] = [];
  readonly events: { type: EventType; detail: Record<string, unknown>; txId: number | undefined }[] = [];
  readonly anomalies: string[] = [];
  readonly files: { name: string; size: number; sha: string; complete: boolean }[] = [];
  readonly details: Record<string, unknown>[] = [];
  private readonly room: number;
  private roomUsed = 0;
  private readonly window: number;
  private readonly kept: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];
  parser: AppParser | undefined;
  failed = false;

  constructor(
    private readonly entries: readonly ProtocolEntry[],
    serverPort = 0,
    private readonly transport: 'tcp' | 'udp' = 'tcp',
    /** A harness that is done with, whose arena is taken over: making one costs more than a short stream. */
    earlier?: Harness,
  ) {
    this.arena = earlier?.arena ?? new Arena(24 << 20);
    this.room = earlier?.room ?? this.arena.reserve(1 << 20);
    this.window = earlier?.window ?? this.arena.reserve(8 << 20);
    this.flow.serverPort = serverPort;
    this.flow.protocol = transport === 'tcp' ? 6 : 17;
  }

  scratch(bytes: number): number {
    if (this.roomUsed + bytes > 1 << 20) return 0;
    const at = this.room + this.roomUsed;
    this.roomUsed += bytes;
    return at;
  }

  inspect(_flow: Flow, tx: Transaction, stage: Stage): void {
    const t = this.buffers;
    const buffers: [string, string][] = [];
    for (let i = 0; i < t.count; i++) {
      const at = t.offsets[i]!,
        n = t.lengths[i]!;
      if (at < 0 || n < 0 || at + n > this.arena.u8.length)
        throw new Error(`buffer ${BUFFER_NAMES[t.ids[i]!]} out of bounds`);
      buffers.push([BUFFER_NAMES[t.ids[i]!]!, Buffer.from(this.arena.u8.buffer, at, n).toString('latin1')]);
    }
    const numbers: [string, number][] = [];
    for (let i = 0; i < t.numberCount; i++) numbers.push([BUFFER_NAMES[t.numberIds[i]!]!, t.numbers[i]!]);
    this.inspections.push({ tx: tx.id, stage, buffers, numbers });
    this.details.push(tx.detail());
    t.clear();
    this.roomUsed = 0;
  }

  wants(): boolean {
    return true;
  }

  reads(): boolean {
    return true;
  }

  pursued(): boolean {
    return true;
  }

  leave(tx: Leaving): void {
    tx.gone();
  }

  event(_flow: Flow, type: EventType, detail: Record<string, unknown>, txId?: number): void {
    this.events.push({ type, detail, txId });
  }

  anomaly(_flow: Flow, protocol: string, name: string): void {
    this.anomalies.push(`${protocol}.${name}`);
  }

  file(_flow: Flow, _tx: Transaction, _direction: Direction, name: string): FileInFlight {
    const hash = createHash('sha256');
    const record = { name, size: 0, sha: '', complete: false };
    return {
      data: (at, length) => {
        hash.update(this.arena.u8.subarray(at, at + length));
        record.size += length;
      },
      close: (complete) => {
        record.sha = hash.digest('hex').slice(0, 16);
        record.complete = complete;
        this.files.push(record);
      },
    };
  }

  /** Presents the next bytes of one direction. UDP parsers get each call as one datagram. */
  feed(direction: Direction, bytes: Uint8Array | string): void {
    if (this.failed) return;
    const more = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    const before = this.kept[direction];
    const all = new Uint8Array(before.length + more.length);
    all.set(before);
    all.set(more, before.length);
    this.arena.u8.set(all, this.window);
    if (!this.parser) {
      let maybe = false;
      for (const entry of this.entries) {
        if (entry.transport !== this.transport) continue;
        const is = entry.identify(
          this.arena.u8,
          this.window,
          all.length,
          direction,
          entry.ports.includes(this.flow.serverPort),
        );
        if (is === 0) maybe = true;
        if (is !== 1) continue;
        this.flow.app = entry.protocol;
        this.parser = entry.create(this.flow);
        break;
      }
      if (!this.parser) {
        this.kept[direction] = all;
        if (!maybe) this.failed = true;
        return;
      }
      this.flow.parser = this.parser;
      const other = (1 - direction) as Direction;
      if (this.kept[other].length > 0) {
        const waiting = this.kept[other];
        this.kept[other] = new Uint8Array(0);
        this.feed(other, waiting);
        this.arena.u8.set(all, this.window);
      }
    }
    const n = this.parser.data(this, this.flow, direction, this.window, all.length);
    this.roomUsed = 0;
    this.buffers.clear();
    if (n > all.length || (n < 0 && n !== -1)) throw new Error(`consumed ${n} of ${all.length}`);
    if (n === -1) {
      this.failed = true;
      return;
    }
    this.kept[direction] = all.slice(n);
  }

  gap(direction: Direction, missing: number): void {
    this.kept[direction] = new Uint8Array(0);
    if (this.parser && !this.failed && !this.parser.gap(this, this.flow, direction, missing)) this.failed = true;
    this.buffers.clear();
  }

  end(): void {
    if (!this.parser || this.failed) return;
    this.parser.end(this, this.flow, 0);
    this.parser.end(this, this.flow, 1);
  }

  /** First value of a buffer in the inspections of one transaction (all when undefined). */
  value(name: string, tx?: number): string | undefined {
    for (const i of this.inspections) {
      if (tx !== undefined && i.tx !== tx) continue;
      for (const [n, v] of i.buffers) if (n === name) return v;
    }
    return undefined;
  }

  all(name: string): string[] {
    return this.inspections.flatMap((i) => i.buffers.filter(([n]) => n === name).map(([, v]) => v));
  }

  of(type: EventType): Record<string, unknown>[] {
    return this.events.filter((e) => e.type === type).map((e) => e.detail);
  }
}
