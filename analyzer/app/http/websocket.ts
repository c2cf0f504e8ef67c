import { constants, inflateRawSync } from 'node:zlib';
import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { copy, printable, u16, u32 } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';

/** Anomalies of WebSocket, named as Suricata names its websocket events. */
export type WebSocketAnomaly = 'skip_end_of_payload' | 'reassembly_limit_reached' | 'invalid_opcode' | 'failed_decompression';

/** Bytes of one message inspected, before and after decompression; the rest is skipped. */
const MAX_MESSAGE = 65536;
/** RFC 7692 7.1.2: a message may refer to at most the last 32 KiB of those before it. */
const WINDOW = 32768;
/** Characters shown in an event. */
const MAX_SHOWN = 512;
/** Messages told of as events in one connection; inspection goes on. */
const MAX_EVENTS = 1024;
const TAIL = Buffer.from([0, 0, 255, 255]);

const OPCODES: Record<number, string> = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'connection_close', 9: 'ping', 10: 'pong' };

class Side {
  /** Payload of the frame under way still to come, and what has been taken of it. */
  left = 0;
  taken = 0;
  inFrame = false;
  fin = false;
  opcode = 0;
  masked = false;
  mask = 0;
  /** Message being put together, in a block of the arena. */
  block = 0;
  length = 0;
  message = 0;
  compressed = false;
  cut = false;
  window: Buffer = Buffer.alloc(0);
  lost = false;
}

/** WebSocket after its handshake (RFC 6455) with per-message deflate (RFC 7692). */
export class WebSocketParser implements AppParser {
  readonly protocol = 'websocket';
  private readonly sides: [Side, Side] = [new Side(), new Side()];
  private nextId = 0;
  private events = 0;
  /** A control frame of at most 125 bytes may come between fragments. */
  private readonly control = Buffer.alloc(125);

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    const side = this.sides[d];
    let used = 0;
    while (used < length || (side.inFrame && side.left === 0)) {
      const p = at + used;
      if (side.inFrame) {
        const n = Math.min(side.left, length - used);
        this.payload(c, flow, side, p, n);
        side.left -= n;
        used += n;
        if (side.left > 0) break;
        side.inFrame = false;
        this.frameDone(c, flow, d, side);
        continue;
      }
      const have = length - used;
      if (have < 2) break;
      const short = u8[p + 1]! & 127;
      const masked = u8[p + 1]! >= 128;
      const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
      const header = 2 + extra + (masked ? 4 : 0);
      if (have < header) break;
      const size = extra === 2 ? u16(u8, p + 2) : extra === 8 ? u32(u8, p + 2) * 0x100000000 + u32(u8, p + 6) : short;
      const opcode = u8[p]! & 15;
      if (OPCODES[opcode] === undefined || (opcode >= 8 && size > 125)) {
        c.anomaly(flow, 'websocket', 'invalid_opcode');
        return -1;
      }
      side.inFrame = true;
      side.fin = u8[p]! >= 128;
      side.opcode = opcode;
      side.masked = masked;
      side.mask = masked ? u32(u8, p + header - 4) : 0;
      side.left = size;
      side.taken = 0;
      if (opcode === 1 || opcode === 2) {
        side.message = opcode;
        side.length = 0;
        side.cut = false;
        side.compressed = (u8[p]! & 0x40) !== 0;
      }
      used += header;
    }
    return used;
  }

  private payload(c: AppContext, flow: Flow, side: Side, at: number, n: number): void {
    const { u8 } = c.arena;
    if (side.opcode >= 8) {
      for (let i = 0; i < n; i++) this.control[side.taken + i] = u8[at + i]! ^ this.maskByte(side, side.taken + i);
      side.taken += n;
      return;
    }
    const room = MAX_MESSAGE - side.length;
    const take = Math.min(n, room);
    if (take < n && !side.cut) {
      side.cut = true;
      c.anomaly(flow, 'websocket', 'reassembly_limit_reached');
    }
    if (take > 0) {
      if (side.block === 0) side.block = c.arena.take(MAX_MESSAGE);
      if (side.block !== 0) {
        const to = side.block + side.length;
        if (!side.masked) copy(u8, to, at, take);
        else for (let i = 0; i < take; i++) u8[to + i] = u8[at + i]! ^ this.maskByte(side, side.taken + i);
        side.length += take;
      } else side.cut = true;
    }
    side.taken += n;
  }

  private maskByte(side: Side, i: number): number {
    return side.masked ? (side.mask >>> (24 - 8 * (i & 3))) & 255 : 0;
  }

  private frameDone(c: AppContext, flow: Flow, d: Direction, side: Side): void {
    if (side.opcode >= 8) {
      const at = c.scratch(125);
      if (at !== 0) c.arena.u8.set(this.control.subarray(0, side.taken), at);
      return this.emit(c, flow, d, side, side.opcode, at, at === 0 ? 0 : side.taken);
    }
    if (!side.fin) return;
    let at = side.block;
    let length = side.length;
    if (side.compressed && length > 0) {
      const plain = this.inflate(c, side, at, length);
      if (!plain) c.anomaly(flow, 'websocket', 'failed_decompression');
      else {
        length = Math.min(plain.length, MAX_MESSAGE);
        at = c.scratch(Math.max(1, length));
        if (at === 0) length = 0;
        else c.arena.u8.set(plain.subarray(0, length), at);
      }
    }
    this.emit(c, flow, d, side, side.message, at, length);
    if (side.block !== 0) c.arena.give(side.block, MAX_MESSAGE);
    side.block = side.length = 0;
  }

  /** Every message is inflated with those before it as dictionary, which is right with and without context takeover. */
  private inflate(c: AppContext, side: Side, at: number, length: number): Buffer | undefined {
    if (side.lost) return undefined;
    const data = Buffer.concat([c.arena.u8.subarray(at, at + length), TAIL]);
    try {
      const plain = inflateRawSync(data, {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: MAX_MESSAGE * 16,
        ...(side.window.length > 0 && { dictionary: side.window }),
      });
      side.window = Buffer.from(plain.length >= WINDOW ? plain.subarray(-WINDOW) : Buffer.concat([side.window, plain]).subarray(-WINDOW));
      if (side.cut) side.lost = true;
      return plain;
    } catch {
      side.lost = true;
      return undefined;
    }
  }

  private emit(c: AppContext, flow: Flow, d: Direction, side: Side, opcode: number, at: number, length: number): void {
    const tx = new PlainTransaction(this.nextId++, 'websocket', { fin: side.fin, opcode: OPCODES[opcode] });
    if (side.masked) tx.fields['mask'] = side.mask;
    if (length > 0) {
      if (this.events < MAX_EVENTS) tx.fields['payload_printable'] = printable(c.arena.u8, at, Math.min(length, MAX_SHOWN));
      c.buffers.add(B['websocket.payload'], at, length);
    }
    c.buffers.addNumber(B['websocket.opcode'], opcode);
    c.buffers.addNumber(B['websocket.flags'], (side.fin ? 128 : 0) | (side.compressed ? 64 : 0));
    if (side.masked) c.buffers.addNumber(B['websocket.mask'], side.mask);
    c.inspect(flow, tx, d === 0 ? Stage.RequestBody : Stage.ResponseBody);
    if (this.events++ < MAX_EVENTS) c.event(flow, 'websocket', tx.fields, tx.id, d);
  }

  gap(_c: AppContext, flow: Flow, d: Direction, missing: number): boolean {
    void flow;
    const side = this.sides[d];
    if (!side.inFrame || missing > side.left) return false;
    side.left -= missing;
    side.taken += missing;
    side.cut = true;
    side.lost = side.compressed;
    return true;
  }

  end(c: AppContext, _flow: Flow, d: Direction): void {
    this.give(c, this.sides[d]);
  }
  close(c: AppContext): void {
    for (const side of this.sides) this.give(c, side);
  }
  private give(c: AppContext, side: Side): void {
    if (side.block !== 0) c.arena.give(side.block, MAX_MESSAGE);
    side.block = 0;
    side.length = 0;
    side.inFrame = false;
  }
}

export const websocket: ProtocolEntry = {
  protocol: 'websocket',
  transport: 'tcp',
  ports: [],
  identify: () => -1, // by its handshake only
  create: () => new WebSocketParser(),
};
