import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { indexOf, latin, prefix, text, u32, u32le } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';
import { addStream, findStream } from './serialization.js';

/** GIOP messages beyond this aren't sent in one piece (fragments carry the rest). */
const MAX_SIZE = 64 << 20;
const MAX_WAITING = 64;
const KINDS = ['request', 'reply', 'cancel', 'locate_request', 'locate_reply', 'close', 'error', 'fragment'];

/** CORBA's GIOP over TCP, as application servers speak it for remote EJB (WebLogic: CVE-2020-2551). */
class IiopParser extends FrameProtocol {
  readonly protocol = 'java';
  private readonly waiting = new Map<number, PlainTransaction>();

  protected size(u8: Uint8Array, _d: Direction, at: number, length: number): number {
    if (length < 12) return 0;
    if (prefix(u8, at, 4, 'GIOP') !== 1) return -1;
    const size = (u8[at + 6]! & 1) === 1 ? u32le(u8, at + 8) : u32(u8, at + 8);
    return size > MAX_SIZE ? -1 : 12 + size;
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    const read = (u8[at + 6]! & 1) === 1 ? u32le : u32;
    const end = at + length;
    const minor = u8[at + 5]!;
    const kind = KINDS[u8[at + 7]!] ?? 'unknown';
    if (kind === 'request' && length >= 32) {
      let p = at + 12;
      let id = 0;
      let operation: [number, number] | undefined;
      if (minor >= 2) {
        id = read(u8, p);
        p += 8; // id, response flags, reserved
        p += 4; // addressing disposition 0: an object key follows
        p = align(p + 4 + read(u8, p), at);
        operation = name(u8, p, end, read);
      } else {
        // service contexts first; each is an id and a sequence
        let n = Math.min(read(u8, p), 32);
        p += 4;
        for (; n > 0 && p + 8 <= end; n--) p = align(p + 8 + Math.min(read(u8, p + 4), MAX_SIZE), at);
        if (p + 12 > end) return;
        id = read(u8, p);
        p = align(p + 5, at);
        if (minor >= 1) p = align(p, at);
        p = align(p + 4 + Math.min(read(u8, p), MAX_SIZE), at);
        operation = name(u8, p, end, read);
      }
      const tx = new PlainTransaction(this.nextId++, 'java', { kind: 'iiop', giop: `${u8[at + 4]}.${minor}` });
      if (operation) {
        tx.fields['operation'] = latin(u8, operation[0], Math.min(operation[1], 128));
        c.buffers.add(B['giop.operation'], operation[0], operation[1]);
      }
      this.stream(c, tx, at, end);
      c.inspect(flow, tx, Stage.RequestBody);
      if (this.waiting.size >= MAX_WAITING) this.waiting.delete(this.waiting.keys().next().value!);
      this.waiting.set(id, tx);
      if (this.nextId <= 256) c.event(flow, 'java', tx.fields, tx.id, d);
      return;
    }
    const tx = new PlainTransaction(this.nextId++, 'java', { kind: 'iiop', message: kind });
    this.stream(c, tx, at, end);
    c.inspect(flow, tx, d === 0 ? Stage.RequestBody : Stage.ResponseBody);
  }

  /** Values may carry Java's own serialisation; else their class names stand as repository ids ("RMI:name:hash"). */
  private stream(c: AppContext, tx: PlainTransaction, at: number, end: number): void {
    const { u8 } = c.arena;
    const s = findStream(u8, at, end);
    if (s >= 0) addStream(c, s, end);
    else c.buffers.add(B['java.stream'], at, end - at);
    const names: string[] = [];
    for (let p = at; p + 5 < end && names.length < 16; p++) {
      if (u8[p] !== 0x52 || prefix(u8, p, 4, 'RMI:') !== 1) continue;
      const e = indexOf(u8, 0x3a, p + 4, Math.min(end, p + 260));
      if (e < 0) continue;
      c.buffers.add(B['java.class'], p + 4, e - p - 4);
      names.push(text(u8, p + 4, e - p - 4));
    }
    if (names.length > 0) tx.fields['classes'] = names;
  }
}

const align = (p: number, at: number): number => at + ((p - at + 3) & ~3);
function name(u8: Uint8Array, at: number, end: number, read: (u8: Uint8Array, at: number) => number): [number, number] | undefined {
  if (at + 4 > end) return undefined;
  const n = read(u8, at);
  return n > 0 && n <= 256 && at + 4 + n <= end ? [at + 4, n - 1] : undefined;
}

export const iiop: ProtocolEntry = {
  protocol: 'java',
  transport: 'tcp',
  ports: [7001, 3700, 2809],
  identify: (u8, at, length) => {
    const p = prefix(u8, at, length, 'GIOP\x01');
    return p === 1 && length < 8 ? 0 : p;
  },
  isServers: (u8, at, length) => length > 7 && (u8[at + 7] === 1 || u8[at + 7] === 4),
  create: () => new IiopParser(),
};
