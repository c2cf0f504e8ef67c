import { createHash } from 'node:crypto';
import type { AppContext, AppParser, FileInFlight, Leaving, ProtocolEntry, Transaction } from '../../analyzer/app/parser.js';
import { Arena } from '../../analyzer/arena.js';
import { Packet } from '../../analyzer/decode/packet.js';
import { Flow, type Direction } from '../../analyzer/flow/flow.js';
import { BUFFER_NAMES, BufferTable } from '../../analyzer/match/buffers.js';
import type { EventType } from '../../contracts/event.js';
import type { Talk } from './talk.js';

const ROOM = 2 << 20;
const WINDOW = 2 << 20;

/** What a parser made of a talk. */
export interface Outcome { failed: boolean; events: string[]; anomalies: string[]; files: string[]; inspections: number }

/** Holds a parser to its contract, talk after talk, in one arena: consumed counts, buffers in bounds, nothing kept. */
export class Probe implements AppContext {
  readonly arena = new Arena(64 << 20);
  readonly packet = new Packet();
  readonly buffers = new BufferTable();
  nowUs = 1_570_000_000_000_000;
  private readonly room = this.arena.reserve(ROOM);
  private readonly window = this.arena.reserve(WINDOW);
  private used = 0;
  private readonly held: [Uint8Array, Uint8Array] = [new Uint8Array(WINDOW >> 1), new Uint8Array(WINDOW >> 1)];
  private flow = new Flow();
  private outcome: Outcome = { failed: false, events: [], anomalies: [], files: [], inspections: 0 };

  scratch(bytes: number): number {
    if (this.used + bytes > ROOM) return 0;
    const at = this.room + this.used;
    this.used += bytes;
    return at;
  }

  inspect(_flow: Flow, tx: Transaction): void {
    const t = this.buffers;
    for (let i = 0; i < t.count; i++) {
      const at = t.offsets[i]!;
      const length = t.lengths[i]!;
      if (!(at >= 0 && length >= 0 && at + length <= this.arena.u8.length)) throw new Error(`buffer ${BUFFER_NAMES[t.ids[i]!]} lies outside: ${at}+${length}`);
    }
    this.outcome.inspections++;
    JSON.stringify(tx.detail());
    t.clear();
    this.used = 0;
  }

  wants(): boolean { return true; }
  reads(): boolean { return true; }
  pursued(): boolean { return true; }
  leave(tx: Leaving): void { tx.gone(); }

  event(_flow: Flow, type: EventType, detail: Record<string, unknown>, txId?: number): void {
    this.outcome.events.push(`${type} ${txId ?? ''} ${JSON.stringify(detail)}`);
  }

  anomaly(_flow: Flow, protocol: string, name: string): void {
    this.outcome.anomalies.push(`${protocol}.${name}`);
  }

  file(_flow: Flow, _tx: Transaction, _direction: Direction, name: string): FileInFlight {
    const hash = createHash('md5');
    let size = 0;
    let open = true;
    return {
      data: (at, length) => {
        if (!open) throw new Error('file fed after its end');
        if (!(length >= 0 && at >= 0 && at + length <= this.arena.u8.length)) throw new Error(`file bytes lie outside: ${at}+${length}`);
        hash.update(this.arena.u8.subarray(at, at + length));
        size += length;
      },
      close: (complete) => {
        if (!open) throw new Error('file closed twice');
        open = false;
        this.outcome.files.push(`${name} ${size} ${hash.digest('hex')} ${complete}`);
      },
    };
  }

  /**
   * Feeds a talk to one protocol's parser, in pieces of at most `step` bytes.
   * @throws Error when the parser breaks its contract, or what it threw itself
   */
  run(entry: ProtocolEntry, talk: Talk, step: number, gapAfter = -1): Outcome {
    const { arena } = this;
    this.outcome = { failed: false, events: [], anomalies: [], files: [], inspections: 0 };
    const { outcome } = this;
    this.flow = new Flow();
    const { flow } = this;
    flow.serverPort = entry.ports[0] ?? 9999;
    flow.protocol = entry.transport === 'tcp' ? 6 : 17;
    flow.app = entry.protocol;
    for (const [direction, bytes] of talk.slice(0, 2)) {
      arena.u8.set(bytes, this.window);
      const is: number = entry.identify(arena.u8, this.window, bytes.length, direction, true);
      if (is !== 0 && is !== 1 && is !== -1) throw new Error(`identify gave ${is}`);
      entry.isServers?.(arena.u8, this.window, bytes.length);
    }
    const before = arena.used;
    const parser = entry.create(flow);
    flow.parser = parser;
    const kept = [0, 0];
    const { held } = this;
    let calls = 0;
    const datagrams = entry.transport === 'udp';
    for (const [direction, bytes] of talk) {
      const size = datagrams ? Math.max(1, bytes.length) : step;
      for (let at = 0; at < bytes.length && !outcome.failed; at += size) {
        const piece = bytes.subarray(at, at + size);
        const mine = held[direction];
        if (kept[direction]! + piece.length > mine.length) { outcome.failed = true; break; }
        mine.set(piece, kept[direction]);
        const length = kept[direction]! + piece.length;
        arena.u8.set(mine.subarray(0, length), this.window);
        const taken = parser.data(this, flow, direction, this.window, length);
        this.between();
        if (!Number.isInteger(taken) || taken < -1 || taken > length) throw new Error(`consumed ${taken} of ${length}`);
        if (taken === -1) outcome.failed = true;
        else if (datagrams) kept[direction] = 0;
        else {
          mine.copyWithin(0, taken, length);
          kept[direction] = length - taken;
        }
        if (calls++ === gapAfter && !outcome.failed && !datagrams) {
          kept[direction] = 0;
          if (!parser.gap(this, flow, direction, 1000)) outcome.failed = true;
          this.between();
        }
      }
    }
    this.finish(parser, flow, held, kept);
    if (arena.used !== before) {
      const leak = arena.used - before;
      throw new Error(`${leak} bytes of the arena not given back`);
    }
    return outcome;
  }

  private finish(parser: AppParser, flow: Flow, held: [Uint8Array, Uint8Array], kept: number[]): void {
    if (!this.outcome.failed) {
      for (const direction of [0, 1] as const) {
        if (kept[direction]! > 0 && parser.rest) {
          this.arena.u8.set(held[direction].subarray(0, kept[direction]), this.window);
          parser.rest(this, flow, direction, this.window, kept[direction]!);
          this.between();
        }
        parser.end(this, flow, direction);
        this.between();
      }
    }
    parser.close?.(this);
  }

  private between(): void {
    this.buffers.clear();
    this.used = 0;
  }
}
