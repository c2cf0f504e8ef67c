import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { indexOf, latin, text, u32le } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';

/** MongoDB's own limit of a message (48 MB); larger is not MongoDB. */
const MAX_SIZE = 48_000_000;
/** Elements read of one document; what is asked for comes first. */
const MAX_ELEMENTS = 64;
const MAX_WAITING = 64;
const enum Op { Reply = 1, Update = 2001, Insert = 2002, Query = 2004, GetMore = 2005, Delete = 2006, Kill = 2007, Compressed = 2012, Message = 2013 }
const LEGACY: Record<number, string> = { 2001: 'update', 2002: 'insert', 2005: 'getMore', 2006: 'delete', 2007: 'killCursors' };

interface Element {
  name: string;
  type: number;
  at: number;
  end: number;
}

/** The elements of a document one level deep (bsonspec.org); stops at what it can't read. */
function elements(u8: Uint8Array, at: number, end: number): Element[] {
  const list: Element[] = [];
  if (at + 5 > end) return list;
  const stop = Math.min(end, at + u32le(u8, at));
  for (let p = at + 4; p < stop && list.length < MAX_ELEMENTS;) {
    const type = u8[p++]!;
    if (type === 0) break;
    const e = indexOf(u8, 0, p, Math.min(stop, p + 128));
    if (e < 0) break;
    const name = text(u8, p, e - p);
    p = e + 1;
    const more = p + 4 <= stop ? u32le(u8, p) : 0;
    const size =
      type === 1 || type === 9 || type === 17 || type === 18 ? 8
      : type === 2 || type === 13 || type === 14 ? 4 + more
      : type === 3 || type === 4 || type === 15 ? more
      : type === 5 ? 5 + more
      : type === 7 ? 12
      : type === 8 ? 1
      : type === 16 ? 4
      : type === 19 ? 16
      : type === 6 || type === 10 || type === 255 || type === 127 ? 0
      : -1;
    if (size < 0 || p + size > stop) break;
    list.push({ name, type, at: p, end: p + size });
    p += size;
  }
  return list;
}

function string(u8: Uint8Array, e: Element | undefined): string | undefined {
  return e?.type === 2 ? text(u8, e.at + 4, Math.min(e.end - e.at - 5, 256)) : undefined;
}
function number(u8: Uint8Array, e: Element | undefined): number | undefined {
  if (!e) return undefined;
  if (e.type === 1) return Buffer.from(u8.buffer, u8.byteOffset + e.at, 8).readDoubleLE();
  return e.type === 16 ? u32le(u8, e.at) | 0 : e.type === 8 ? u8[e.at] : undefined;
}

/** MongoDB's wire protocol: commands, their outcome, SCRAM logins. */
class MongoParser extends FrameProtocol {
  readonly protocol = 'mongodb';
  private readonly waiting = new Map<number, PlainTransaction>();
  private user: string | undefined;
  private mechanism = '';

  protected size(u8: Uint8Array, _d: Direction, at: number, length: number): number {
    if (length < 16) return 0;
    const size = u32le(u8, at);
    return size < 16 || size > MAX_SIZE ? -1 : size;
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    const end = at + length;
    const id = u32le(u8, at + 4),
      to = u32le(u8, at + 8),
      op = u32le(u8, at + 12);
    let document = 0;
    let collection: string | undefined;
    if (op === Op.Message) {
      // flag bits, then sections: kind 0 is the command
      for (let p = at + 20; p + 5 < end;) {
        const kind = u8[p]!;
        if (kind === 0) {
          document = p + 1;
          break;
        }
        if (kind !== 1) break;
        p += 1 + Math.max(4, u32le(u8, p + 1));
      }
    } else if (op === Op.Reply) document = at + 36;
    else if (op >= Op.Update && op <= Op.Kill && op !== Op.Kill) {
      const e = indexOf(u8, 0, at + 20, Math.min(end, at + 276));
      if (e > 0) {
        collection = text(u8, at + 20, e - at - 20);
        if (op === Op.Query) document = e + 9;
      }
    }
    if (document + 5 > end) document = 0;
    const list = document === 0 ? [] : elements(u8, document, end);
    if (d === 0) this.command(c, flow, id, op, list, collection, document, end);
    else this.reply(c, flow, to, list, document, end);
  }

  private command(
    c: AppContext, flow: Flow, id: number, op: number, list: Element[], collection: string | undefined, document: number, end: number,
  ): void {
    const { u8 } = c.arena;
    const first = list[0];
    const command = op === Op.Query && collection !== undefined && !collection.endsWith('.$cmd') ? 'find'
      : (LEGACY[op] ?? (op === Op.Compressed ? 'compressed' : (first?.name ?? 'unknown')));
    const tx = new PlainTransaction(this.nextId++, 'mongodb', { command });
    const value = string(u8, first);
    if (value !== undefined) tx.fields['collection'] = value;
    else if (collection !== undefined && !collection.endsWith('.$cmd')) tx.fields['collection'] = collection.slice(collection.indexOf('.') + 1);
    const db = string(u8, list.find((e) => e.name === '$db')) ?? (collection?.includes('.') === true ? collection.split('.', 1)[0] : undefined);
    if (db !== undefined) tx.fields['database'] = db;
    const payload = list.find((e) => e.name === 'payload');
    if (command === 'saslStart') {
      this.mechanism = string(u8, list.find((e) => e.name === 'mechanism')) ?? 'sasl';
      if (payload?.type === 5) this.user = /n=([^,]{0,128}),r=/.exec(latin(u8, payload.at + 5, Math.min(payload.end - payload.at - 5, 512)))?.[1];
    } else if (command === 'isMaster' || command === 'hello' || command === 'ismaster') {
      // drivers may begin the login with their greeting
      const speculative = list.find((e) => e.name === 'speculativeAuthenticate');
      if (speculative) this.user = /n=([^,]{0,128}),r=/.exec(latin(u8, speculative.at, Math.min(speculative.end - speculative.at, 512)))?.[1] ?? this.user;
    }
    if (first) c.buffers.add(B['mongodb.command'], first.at - first.name.length - 1, first.name.length);
    if (document !== 0) c.buffers.add(B['mongodb.document'], document, end - document);
    c.inspect(flow, tx, Stage.RequestHead);
    if (op === Op.Update || op === Op.Insert || op === Op.Delete || op === Op.Kill) return c.event(flow, 'mongodb', tx.fields, tx.id, 0);
    if (this.waiting.size >= MAX_WAITING) this.waiting.delete(this.waiting.keys().next().value!);
    this.waiting.set(id, tx);
  }

  private reply(c: AppContext, flow: Flow, to: number, list: Element[], document: number, end: number): void {
    const { u8 } = c.arena;
    const tx = this.waiting.get(to) ?? new PlainTransaction(this.nextId++, 'mongodb');
    this.waiting.delete(to);
    const find = (name: string): Element | undefined => list.find((e) => e.name === name);
    const ok = number(u8, find('ok'));
    if (ok !== undefined) tx.fields['ok'] = ok === 1;
    const code = number(u8, find('code'));
    if (code !== undefined) tx.fields['code'] = code;
    const error = string(u8, find('errmsg'));
    if (error !== undefined) tx.fields['error'] = error;
    if (document !== 0) c.buffers.add(B['mongodb.document'], document, end - document);
    c.inspect(flow, tx, Stage.ResponseHead);
    c.event(flow, 'mongodb', tx.fields, tx.id, 0);
    const { command } = tx.fields;
    if (command !== 'saslStart' && command !== 'saslContinue' && command !== 'authenticate') return;
    const done = number(u8, find('done')) === 1;
    if (ok === 1 && (done || command === 'authenticate')) this.login(c, flow, tx, 'success');
    else if (ok === 0) this.login(c, flow, tx, 'failure');
  }

  private login(c: AppContext, flow: Flow, tx: PlainTransaction, result: 'success' | 'failure'): void {
    const method = this.mechanism === '' ? 'sasl' : this.mechanism.toLowerCase();
    c.event(flow, 'auth', { protocol: 'mongodb', ...(this.user !== undefined && { user: this.user }), result, confidence: 0.99, method }, tx.id, 0);
  }

  override end(c: AppContext, flow: Flow, d: Direction): void {
    super.end(c, flow, d);
    if (d === 0) return;
    for (const tx of this.waiting.values()) c.event(flow, 'mongodb', tx.fields, tx.id, 0);
    this.waiting.clear();
  }
}

export const mongodb: ProtocolEntry = {
  protocol: 'mongodb',
  transport: 'tcp',
  ports: [27017, 27018],
  identify: (u8, at, length, d, onPort) => {
    // opcodes are 1 or 2001…2013 in little endian, sizes below 48 MB
    if (length < 4) return length > 0 ? 0 : -1;
    const size = u32le(u8, at);
    if (size < 16 || size > MAX_SIZE) return -1;
    if (length < 16) return size < 65536 ? 0 : -1;
    const op = u32le(u8, at + 12);
    if (op === Op.Reply) return d === 1 && onPort && u32le(u8, at + 8) !== 0 ? 1 : -1;
    if (!((op >= 2001 && op <= 2007) || op === Op.Compressed || op === Op.Message)) return -1;
    return d === 0 ? (u32le(u8, at + 8) === 0 ? 1 : -1) : op >= Op.Compressed ? 1 : -1;
  },
  isServers: (u8, at) => u32le(u8, at + 8) !== 0,
  create: () => new MongoParser(),
};
