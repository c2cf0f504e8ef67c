import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { indexOf, latin, prefix, text, u16, u32 } from '../bytes.js';
import { FrameProtocol, MAX_FRAME } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';
import { addStream, findStream } from './serialization.js';

/** Bytes of one call presented at once; gadget chains are 1–20 KiB. */
const MAX_CALL = MAX_FRAME;

function inspectStream(
  c: AppContext,
  flow: Flow,
  tx: PlainTransaction,
  d: Direction,
  at: number,
  length: number,
  stage: Stage = d === 0 ? Stage.RequestBody : Stage.ResponseBody,
): void {
  const s = findStream(c.arena.u8, at, at + length);
  if (s >= 0) addStream(c, s, at + length);
  const names: string[] = [];
  const t = c.buffers;
  for (let i = 0; i < t.count && names.length < 16; i++)
    if (t.ids[i] === B['java.class']) names.push(latin(c.arena.u8, t.offsets[i]!, t.lengths[i]!));
  if (names.length > 0) tx.fields['classes'] = names;
  c.inspect(flow, tx, stage);
}

/** What one side says until the other speaks, or it has said `MAX_CALL`. */
class Call {
  block = 0;
  size = 0;
  length = 0;
  /** Length when it was last shown to the rules. */
  looked = 0;
  constructor(readonly tx: PlainTransaction) {}

  /** Adds bytes. @returns false when there is no room */
  append(c: AppContext, at: number, length: number): boolean {
    if (this.length + length > this.size) {
      const size = Math.max(1024, 2 * (this.length + length));
      const block = c.arena.take(size);
      if (block === 0) return false;
      c.arena.u8.copyWithin(block, this.block, this.block + this.length);
      this.release(c);
      this.block = block;
      this.size = size;
    }
    c.arena.u8.copyWithin(this.block + this.length, at, at + length);
    this.length += length;
    return true;
  }

  release(c: AppContext): void {
    if (this.size > 0) c.arena.give(this.block, this.size);
    this.size = 0;
  }
}

/**
 * Java RMI (JRMP stream protocol) and bare serialisation streams on a socket. A call has no length: it lasts until the
 * other side answers. Rules see it as it grows, each time it has doubled, and whole at its end.
 */
class JavaParser implements AppParser {
  readonly protocol = 'java';
  private nextId = 0;
  private greeted = false;
  private events = 0;
  private readonly calls: [Call | undefined, Call | undefined] = [undefined, undefined];

  constructor(private readonly kind: 'rmi' | 'serialization') {}

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    if (this.kind === 'rmi' && d === 0 && !this.greeted) {
      if (length < 7) return 0;
      this.greeted = true;
    }
    this.finish(c, flow, (1 - d) as Direction);
    let call = this.calls[d];
    if (!call) {
      call = new Call(new PlainTransaction(this.nextId++, 'java', { kind: this.kind, direction: d === 0 ? 'call' : 'return' }));
      this.calls[d] = call;
    }
    const n = Math.min(length, MAX_CALL - call.length);
    if (!call.append(c, at, n)) return -1;
    if (call.length === MAX_CALL) this.finish(c, flow, d);
    else if (call.length >= 2 * call.looked) {
      call.looked = call.length;
      inspectStream(c, flow, call.tx, d, call.block, call.length, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    }
    return n;
  }

  private finish(c: AppContext, flow: Flow, d: Direction): void {
    const call = this.calls[d];
    if (!call) return;
    this.calls[d] = undefined;
    const { u8 } = c.arena;
    const { tx, block, length } = call;
    delete tx.fields['classes'];
    if (this.kind === 'rmi' && d === 1 && u8[block] === 0x4e && length >= 3) {
      const n = u16(u8, block + 1);
      if (n <= length - 3) {
        tx.fields['host'] = text(u8, block + 3, Math.min(n, 255));
        c.buffers.add(B['rmi.host'], block + 3, n);
      }
    }
    inspectStream(c, flow, tx, d, block, length);
    // a long transfer is one thing to tell of, not one a call
    if (tx.fields['classes'] !== undefined || tx.fields['host'] !== undefined)
      if (this.events++ < 32) c.event(flow, 'java', tx.fields, tx.id, d);
    call.release(c);
  }

  gap(c: AppContext, flow: Flow, d: Direction): boolean {
    this.finish(c, flow, d);
    return true;
  }

  end(c: AppContext, flow: Flow, d: Direction): void {
    this.finish(c, flow, d);
  }

  close(c: AppContext): void {
    for (const call of this.calls) call?.release(c);
    this.calls.fill(undefined);
  }
}

/** WebLogic T3: a text greeting, then frames with a four-byte length. */
class T3Parser extends FrameProtocol {
  readonly protocol = 'java';
  private readonly greeted: [boolean, boolean] = [false, false];

  protected size(u8: Uint8Array, d: Direction, at: number, length: number): number {
    if (this.greeted[d]) return length < 4 ? 0 : Math.max(4, u32(u8, at));
    for (let p = at + 1; p < at + length; p++) if (u8[p] === 10 && u8[p - 1] === 10) return p + 1 - at;
    return length > 4096 ? -1 : 0;
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const tx = new PlainTransaction(this.nextId++, 'java', { kind: 't3' });
    if (!this.greeted[d]) {
      this.greeted[d] = true;
      c.buffers.add(B['t3.header'], at, length);
      tx.fields[d === 0 ? 'client' : 'server'] = latin(
        c.arena.u8,
        at,
        Math.min(indexOf(c.arena.u8, 10, at, at + length) - at, 128),
      );
      c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
      c.event(flow, 'java', tx.fields, tx.id, d);
      return;
    }
    inspectStream(c, flow, tx, d, at, length);
    if (tx.fields['classes'] !== undefined) c.event(flow, 'java', tx.fields, tx.id, d);
  }
}

export const rmi: ProtocolEntry = {
  protocol: 'java',
  transport: 'tcp',
  ports: [1099],
  identify: (u8, at, length, d) => {
    if (d === 1) return -1;
    const p = prefix(u8, at, length, 'JRMI\0');
    return p === 1 ? (length < 7 ? 0 : u8[at + 5]! <= 2 && u8[at + 6]! >= 0x4b && u8[at + 6]! <= 0x4d ? 1 : -1) : p;
  },
  create: () => new JavaParser('rmi'),
};
export const t3: ProtocolEntry = {
  protocol: 'java',
  transport: 'tcp',
  ports: [7001, 7002],
  identify: (u8, at, length, d) => {
    if (d === 1) return -1;
    const plain = prefix(u8, at, length, 't3 ');
    return plain >= 0 ? plain : prefix(u8, at, length, 't3s ');
  },
  create: () => new T3Parser(),
};
export const serialization: ProtocolEntry = {
  protocol: 'java',
  transport: 'tcp',
  ports: [],
  identify: (u8, at, length) => prefix(u8, at, length, '\xac\xed\x00\x05'),
  create: () => new JavaParser('serialization'),
};
