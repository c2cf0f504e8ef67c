import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { text, u16 } from '../bytes.js';
import { Stage, type AppContext, type AppParser, type Leaving, type ProtocolEntry, type Transaction } from '../parser.js';
import { MAX_NAME, rcodeName, readMessage, typeName, type Message } from './message.js';

/** Anomalies of DNS, named as Suricata names its dns events. */
export type DnsAnomaly =
  | 'malformed_data'
  | 'not_request'
  | 'not_response'
  | 'z_flag_set'
  | 'invalid_opcode'
  | 'infinite_loop'
  | 'unsolicited_response';

/** Queries of one flow that wait for their answer; a resolver's source port is used for one or a few. */
const MAX_WAITING = 32;
/** Room for the names of one message. */
const NAMES_ROOM = 16 * 1024;

class DnsTransaction implements Transaction, Leaving {
  matcher: unknown;
  query: Record<string, unknown>[] | undefined;
  answer: Record<string, unknown> | undefined;
  /** The message under way, while its bytes are there: its object is made when somebody asks. */
  message: Message | undefined;
  constructor(
    readonly id: number,
    readonly wire: number,
    readonly protocol: string,
    private readonly u8: Uint8Array,
  ) {}

  /** Makes the object of the message under way. */
  settle(): void {
    const m = this.message;
    if (m === undefined) return;
    if ((m.flags & 0x8000) !== 0) this.answer ??= answerOf(this.u8, m);
    else this.query ??= queryOf(this.u8, m, this.id);
  }

  gone(): void {
    this.message = undefined;
  }

  /** As in the alerts of Suricata 7, `{query: [...], answer: {...}}`, and beside it flat, as in those of Suricata 8. */
  detail(): Record<string, unknown> {
    this.settle();
    const { query, answer } = this;
    const flat = answer ?? query?.[0];
    return {
      ...(query && { query }), ...(answer && { answer }),
      ...(flat && { id: flat['id'], opcode: flat['opcode'] }),
      ...(query && { queries: query.map(({ rrname, rrtype }) => ({ rrname, rrtype })) }),
      ...(answer && { rcode: answer['rcode'], ...(answer['answers'] !== undefined && { answers: answer['answers'] }) }),
    };
  }
}

/** Messages with which reading goes on behind missing bytes are no longer: a chance length would swallow what follows. */
const MAX_RESUMED = 8192;

/** DNS (RFC 1035), LLMNR and mDNS over UDP; DNS over TCP with its two-byte lengths. */
export class DnsParser implements AppParser {
  readonly protocol = 'dns';
  /** The query that waits for its answer, and those after it: few flows have more than one. */
  private first: DnsTransaction | undefined;
  private more: DnsTransaction[] | undefined;
  private nextId = 0;
  private valid = false;

  constructor(
    private readonly tcp: boolean,
    private readonly event: 'dns' | 'mdns',
  ) {}

  /** TCP, a bit by direction: bytes are missing, and the next message has not been found yet. */
  private lost = 0;

  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    if (!this.tcp) return this.message(c, flow, at, length) || this.valid ? length : -1;
    let used = 0;
    if ((this.lost & (1 << direction)) !== 0) {
      used = nextMessage(c.arena.u8, at, length);
      if (used === length) return length;
      this.lost &= ~(1 << direction);
    }
    while (length - used >= 2) {
      const n = u16(c.arena.u8, at + used);
      if (n < 12 && !this.valid) return -1;
      if (length - used < 2 + n) break;
      // One too short to be a message is passed over, as a server does.
      if (n < 12) c.anomaly(flow, 'dns', 'malformed_data');
      else if (!this.message(c, flow, at + used + 2, n) && !this.valid) return -1;
      used += 2 + n;
    }
    return used;
  }

  private message(c: AppContext, flow: Flow, at: number, length: number): boolean {
    const room = c.scratch(NAMES_ROOM);
    if (room === 0) return true;
    const m = readMessage(c.arena.u8, at, length, room, NAMES_ROOM);
    if (!m || (m.malformed && m.questions.length === 0 && m.answers.length === 0)) {
      if (this.valid) c.anomaly(flow, 'dns', m?.loop ? 'infinite_loop' : 'malformed_data');
      return false;
    }
    this.valid = true;
    const response = (m.flags & 0x8000) !== 0;
    let tx: DnsTransaction | undefined;
    if (response) tx = this.answered(m.id);
    const solicited = tx !== undefined;
    tx ??= new DnsTransaction(this.nextId++, m.id, 'dns', c.arena.u8);
    const { buffers } = c;
    for (const q of m.questions) {
      if (!response) buffers.add(B['dns.query'], q.at, q.length);
      buffers.add(B['dns.queries.rrname'], q.at, q.length);
      if (!response) buffers.addNumber(B['dns.rrtype'], q.type);
    }
    for (const a of m.answers) {
      buffers.add(B['dns.answers.rrname'], a.at, a.length);
      buffers.addNumber(B['dns.rrtype'], a.type);
      if (a.textLength > 0) buffers.add(B['dns.answer'], a.textAt, a.textLength);
    }
    buffers.addNumber(B['dns.opcode'], (m.flags >> 11) & 15);
    buffers.addNumber(B['dns.rcode'], m.flags & 15);
    if (response) {
      tx.message = m;
      c.inspect(flow, tx, Stage.ResponseHead);
      this.anomalies(c, flow, m, tx);
      if (!solicited && flow.seen(0) > 0 && !flow.midstream && this.event === 'dns')
        c.anomaly(flow, 'dns', 'unsolicited_response', tx.id);
      if (c.wants(this.event) || c.pursued(tx)) tx.settle();
      if (c.wants(this.event)) {
        c.event(flow, this.event, tx.answer!, tx.id, 1);
      }
      c.leave(tx);
      return true;
    }
    tx.message = m;
    c.inspect(flow, tx, Stage.RequestHead);
    this.anomalies(c, flow, m, tx);
    const wanted = c.wants(this.event);
    if (wanted || c.pursued(tx)) tx.settle();
    c.leave(tx);
    if (wanted) for (const q of tx.query!) c.event(flow, this.event, q, tx.id, 0);
    this.wait(tx);
    return true;
  }

  private wait(tx: DnsTransaction): void {
    if (this.first === undefined) {
      this.first = tx;
      return;
    }
    this.more ??= [];
    if (this.more.length === MAX_WAITING - 1) this.first = this.more.shift();
    this.more.push(tx);
  }

  /** The oldest query with that id, which waits no longer. */
  private answered(id: number): DnsTransaction | undefined {
    const { first, more } = this;
    if (first === undefined) return undefined;
    if (first.wire === id) {
      this.first = more?.shift();
      return first;
    }
    const i = more?.findIndex((w) => w.wire === id) ?? -1;
    return i < 0 ? undefined : more!.splice(i, 1)[0];
  }

  private anomalies(c: AppContext, flow: Flow, m: Message, tx: DnsTransaction): void {
    if (m.loop) c.anomaly(flow, 'dns', 'infinite_loop', tx.id);
    else if (m.malformed) c.anomaly(flow, 'dns', 'malformed_data', tx.id);
    if ((m.flags & 0x40) !== 0) c.anomaly(flow, 'dns', 'z_flag_set', tx.id);
    if (((m.flags >> 11) & 15) > 6) c.anomaly(flow, 'dns', 'invalid_opcode', tx.id);
  }

  gap(_c: AppContext, _flow: Flow, direction: Direction): boolean {
    if (this.tcp) this.lost |= 1 << direction;
    return true;
  }

  end(): void {
    this.first = undefined;
    this.more = undefined;
  }
}

function queryOf(u8: Uint8Array, m: Message, txId: number): Record<string, unknown>[] {
  return m.questions.slice(0, 16).map((q) => ({
    type: 'query',
    id: m.id,
    rrname: text(u8, q.at, q.length),
    rrtype: typeName(q.type),
    tx_id: txId,
    opcode: (m.flags >> 11) & 15,
  }));
}

/** Version 2 of the answer object: flags, answers one by one and grouped by type. */
function answerOf(u8: Uint8Array, m: Message): Record<string, unknown> {
  const f = m.flags;
  const q = m.questions[0];
  const grouped: Record<string, unknown[]> = {};
  const answers = m.answers.slice(0, 64).map((a) => {
    const type = typeName(a.type);
    const o: Record<string, unknown> = { rrname: text(u8, a.at, a.length), rrtype: type, ttl: a.ttl };
    const data = a.isText ? text(u8, a.textAt, a.textLength) : a.fields;
    if (data !== undefined) {
      o[a.isText ? 'rdata' : type.toLowerCase()] = data;
      (grouped[type] ??= []).push(data);
    }
    return o;
  });
  return {
    version: 2,
    type: 'answer',
    id: m.id,
    flags: f.toString(16),
    qr: true,
    ...((f & 0x400) !== 0 && { aa: true }),
    ...((f & 0x200) !== 0 && { tc: true }),
    ...((f & 0x100) !== 0 && { rd: true }),
    ...((f & 0x80) !== 0 && { ra: true }),
    ...((f & 0x40) !== 0 && { z: true }),
    opcode: (f >> 11) & 15,
    ...(q && { rrname: text(u8, q.at, q.length), rrtype: typeName(q.type) }),
    rcode: rcodeName(f & 15),
    ...(answers.length > 0 && { answers, grouped }),
  };
}

/** Behind missing bytes: offset of the first thing that is a message with its length in front, or `length`. */
function nextMessage(u8: Uint8Array, at: number, length: number): number {
  for (let p = 0; p + 14 <= length; p++) {
    const n = u16(u8, at + p);
    if (n >= 17 && n <= MAX_RESUMED && plausible(u8, at + p + 2, Math.min(n, length - p - 2), false)) return p;
  }
  return length;
}

/** Header fields in range and a question name that can be one (RFC 1035 4.1). */
function plausible(u8: Uint8Array, at: number, length: number, onPort: boolean): boolean {
  if (length < 12) return false;
  const flags = u16(u8, at + 2);
  const questions = u16(u8, at + 4),
    answers = u16(u8, at + 6),
    authorities = u16(u8, at + 8),
    additionals = u16(u8, at + 10);
  const opcode = (flags >> 11) & 15;
  if (questions > 16 || answers > 512 || authorities > 512 || additionals > 512) return false;
  // On its port an operation that there is not is an anomaly, not another protocol.
  if (onPort && questions === 1 && (flags & 15) <= 11 && length > 16) return true;
  if (opcode > 6 || opcode === 3 || (flags & 15) > 11) return false;
  if (onPort) return questions + answers + authorities + additionals > 0;
  if (questions !== 1 || ((flags & 0x8000) === 0 && (answers !== 0 || authorities !== 0))) return false;
  let p = at + 12;
  const end = at + length;
  while (p < end && u8[p] !== 0) {
    if (u8[p]! > 63) return false;
    for (let i = p + 1; i <= p + u8[p]! && i < end; i++) if (u8[i]! < 0x20 || u8[i]! > 0x7e) return false;
    p += u8[p]! + 1;
    if (p - at > MAX_NAME + 12) return false;
  }
  if (p + 5 > end) return false;
  const type = u16(u8, p + 1),
    kind = u16(u8, p + 3) & 0x7fff;
  return (type <= 65 || (type >= 249 && type <= 257)) && type > 0 && (kind <= 4 || kind === 255) && kind > 0;
}

export const dnsUdp: ProtocolEntry = {
  protocol: 'dns',
  transport: 'udp',
  ports: [53, 5353, 5355],
  identify: (u8, at, length, _d, onPort) => (plausible(u8, at, length, onPort) ? 1 : -1),
  isServers: (u8, at, length) => length > 2 && (u8[at + 2]! & 0x80) !== 0,
  create: (flow) => new DnsParser(false, flow.serverPort === 5353 || flow.clientPort === 5353 ? 'mdns' : 'dns'),
};
export const dnsTcp: ProtocolEntry = {
  protocol: 'dns',
  transport: 'tcp',
  ports: [53, 5355],
  identify: (u8, at, length, _d, onPort) => {
    if (length < 2) return 0;
    const n = u16(u8, at);
    if (n < 17 || n > 8192) return -1;
    if (length < 14) return onPort ? 0 : length >= 6 && (u16(u8, at + 4) & 0x7800) > 0x3000 ? -1 : 0;
    if (length < 2 + n && length < 300) return plausible(u8, at + 2, Math.max(12, length - 2), true) ? 0 : -1;
    return plausible(u8, at + 2, Math.min(n, length - 2), onPort) ? 1 : -1;
  },
  isServers: (u8, at, length) => length > 4 && (u8[at + 4]! & 0x80) !== 0,
  create: () => new DnsParser(true, 'dns'),
};
