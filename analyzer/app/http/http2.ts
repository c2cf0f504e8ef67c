import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { prefix, put, u16, u24, u32 } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';
import { codings, shrink } from './body.js';
import { Delivery, emitTransaction, inspectBody, nameOf, takeBody } from './delivery.js';
import { addRequest, addResponse, build, requestFields, responseFields } from './fields.js';
import { H, Head } from './head.js';
import { Hpack, type Field } from './hpack.js';
import { FLAG_END_HEADERS, FLAG_END_STREAM, FLAG_PADDED, FLAG_PRIORITY, findFrame, isFrameHead, isMiddle, MAX_FRAME, Type } from './http2-frames.js';
import { credentials } from './login.js';
import { boundary } from './multipart.js';
import { HttpTransaction } from './transaction.js';

/** Anomalies of HTTP/2, named as Suricata names its http2 events. */
export type Http2Anomaly =
  | 'invalid_frame_header'
  | 'invalid_client_magic'
  | 'invalid_frame_data'
  | 'invalid_header'
  | 'invalid_frame_length'
  | 'header_frame_with_too_long_length'
  | 'too_many_streams'
  | 'userinfo_in_uri'
  | 'authority_host_mismatch'
  | 'failed_decompression';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** Header block with its continuations; what a server takes is 8–64 KiB. */
const MAX_BLOCK = 65536;
/** Streams open at a time; servers allow 100–250. The oldest is let go. */
const MAX_STREAMS = 256;
/** Fields shown in an event. */
const MAX_SHOWN = 64;
/** Events of the connection itself (settings, resets, pings) told of. */
const MAX_CONTROL_EVENTS = 32;

const ERRORS =
  'NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED'.split(
    ' ',
  );
const SETTINGS = [
  '',
  'SETTINGS_HEADER_TABLE_SIZE',
  'SETTINGS_ENABLE_PUSH',
  'SETTINGS_MAX_CONCURRENT_STREAMS',
  'SETTINGS_INITIAL_WINDOW_SIZE',
  'SETTINGS_MAX_FRAME_SIZE',
  'SETTINGS_MAX_HEADER_LIST_SIZE',
];

const head = new Head();

/** A transaction with what HTTP/2 adds to its event. */
class StreamTransaction extends HttpTransaction {
  readonly ruleProtocol = 'http2';
  readonly http2: Record<string, unknown>;
  constructor(
    id: number,
    arena: AppContext['arena'],
    readonly stream: number,
  ) {
    super(id, arena);
    this.http2 = { stream_id: stream, request: {}, response: {} };
  }
  override summary(): Record<string, unknown> {
    return {
      ...super.summary(),
      version: '2',
      ...(this.fields[0].length > 0 && { request_headers: this.fields[0] }),
      ...(this.fields[1].length > 0 && { response_headers: this.fields[1] }),
      http2: this.http2,
    };
  }
  override detail(): Record<string, unknown> {
    return this.done ? super.detail() : { ...super.detail(), ...this.summary() };
  }
  /** Fields as sent, pseudo-fields too, as EVE shows them. */
  readonly fields: [{ name: string; value: string }[], { name: string; value: string }[]] = [[], []];
}

class Stream {
  readonly sides: [Delivery, Delivery] = [new Delivery(), new Delivery()];
  readonly ended: [boolean, boolean] = [false, false];
  /** Rule-visible heads seen, so that a second block is taken for trailers. */
  readonly heads: [boolean, boolean] = [false, false];
  constructor(readonly tx: StreamTransaction) {}
}

class Half {
  readonly hpack = new Hpack();
  preface: boolean;
  /** Bytes of the frame under way: to be skipped, or DATA of `stream`. */
  skip = 0;
  data = 0;
  pad = 0;
  stream = 0;
  endAfter = false;
  /** Header block that goes on in CONTINUATION frames. */
  block = 0;
  blockLength = 0;
  blockStream = 0;
  blockEnds = false;
  /** A header block is under way and all of it so far is kept. */
  blockOpen = false;
  /** Bytes are missing: looking for the next frame. */
  seeking = false;
  /** Where frames begin was found by their looks. */
  guessed = false;
  begun = false;
  constructor(direction: Direction) {
    this.preface = direction === 0;
  }
}

/**
 * HTTP/2 in clear text (RFC 9113), with prior knowledge or after `Upgrade: h2c`. Each stream becomes a transaction with
 * the buffers of HTTP/1, made from its decompressed fields (RFC 7541).
 */
export class Http2Parser implements AppParser {
  readonly protocol = 'http2';
  private readonly halves: [Half, Half] = [new Half(0), new Half(1)];
  private readonly streams = new Map<number, Stream>();
  private nextId = 0;
  private controls = 0;

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    const half = this.halves[d];
    let used = 0;
    if (half.preface) {
      const is = prefix(u8, at, length, PREFACE);
      if (is === 0) return 0;
      half.preface = false;
      if (is === 1) {
        used = PREFACE.length;
        this.fromStart = true;
      } else if (!flow.midstream) this.anomaly(c, flow, 'invalid_client_magic');
    }
    if (!half.begun) {
      half.begun = true;
      if (flow.midstream && !this.fromStart) this.lose(c, half);
    }
    while (used < length) {
      const p = at + used;
      const have = length - used;
      if (half.data > 0) {
        const n = Math.min(half.data, have);
        this.body(c, flow, d, half, p, n);
        this.spend(c, flow, d, half, n);
        used += n;
        continue;
      }
      if (half.skip > 0) {
        const n = Math.min(half.skip, have);
        this.spend(c, flow, d, half, n);
        used += n;
        continue;
      }
      if (half.seeking) {
        const found = findFrame(u8, p, at + length, d, (stream) => this.streams.has(stream));
        used = found.at - at;
        if (!found.sure) break;
        half.seeking = false;
        half.guessed = true;
        continue;
      }
      if (have < 9) break;
      const size = u24(u8, p),
        type = u8[p + 3]!,
        flags = u8[p + 4]!,
        stream = u32(u8, p + 5) & 0x7fffffff;
      if (half.guessed && !isFrameHead(u8, p, d) && !(type === Type.Data && this.streams.has(stream))) {
        this.lose(c, half);
        continue;
      }
      if (type > 0x10 && size > MAX_FRAME) {
        this.anomaly(c, flow, 'invalid_frame_header');
        return -1;
      }
      if (type === Type.Data) {
        const padded = (flags & FLAG_PADDED) !== 0 && size > 0;
        if (padded && have < 10) break;
        half.pad = padded ? Math.min(u8[p + 9]!, size - 1) : 0;
        half.data = size - (padded ? 1 : 0) - half.pad;
        half.stream = stream;
        half.endAfter = (flags & FLAG_END_STREAM) !== 0;
        used += padded ? 10 : 9;
        if (half.data === 0) {
          if (half.pad > 0) half.skip = half.pad;
          else this.dataDone(c, flow, d, half);
        }
        continue;
      }
      if (size > MAX_BLOCK) {
        this.anomaly(c, flow, 'header_frame_with_too_long_length');
        if (type === Type.Headers || type === Type.Continuation || type === Type.Push) this.dropBlock(c, half, true);
        half.skip = size;
        used += 9;
        continue;
      }
      if (have < 9 + size) break;
      this.frame(c, flow, d, half, type, flags, stream, p + 9, size);
      used += 9 + size;
    }
    return used;
  }

  private frame(
    c: AppContext, flow: Flow, d: Direction, half: Half, type: number, flags: number, stream: number, at: number, size: number,
  ): void {
    const { u8 } = c.arena;
    let p = at;
    let end = at + size;
    switch (type) {
      case Type.Headers:
      case Type.Push: {
        if ((flags & FLAG_PADDED) !== 0 && p < end) end -= u8[p++]!;
        if (type === Type.Headers && (flags & FLAG_PRIORITY) !== 0) p += 5;
        if (type === Type.Push) p += 4;
        if (p > end) return this.anomaly(c, flow, 'invalid_frame_data');
        half.blockStream = type === Type.Push ? 0 : stream;
        half.blockEnds = (flags & FLAG_END_STREAM) !== 0;
        this.dropBlock(c, half, half.blockOpen);
        if ((flags & FLAG_END_HEADERS) !== 0) return this.fields(c, flow, d, half, p, end - p);
        half.blockOpen = true;
        return this.keep(c, half, p, end - p);
      }
      case Type.Continuation:
        // what it goes on from is missing, and what it adds to the table with it
        if (!half.blockOpen) return half.hpack.forget();
        this.keep(c, half, p, size);
        if ((flags & FLAG_END_HEADERS) === 0 || !half.blockOpen) return;
        this.fields(c, flow, d, half, half.block, half.blockLength);
        return this.dropBlock(c, half);
      case Type.Settings:
        if (stream !== 0 || size % 6 !== 0) return this.anomaly(c, flow, 'invalid_frame_length');
        if ((flags & 1) === 0) this.settings(c, flow, d, p, size);
        return;
      case Type.GoAway:
      case Type.Reset: {
        if (size < (type === Type.Reset ? 4 : 8)) return this.anomaly(c, flow, 'invalid_frame_length');
        const code = u32(u8, type === Type.Reset ? p : p + 4);
        const open = this.streams.get(stream);
        const error = { error_code: (ERRORS[code] ?? String(code)).replaceAll('_', '') };
        if (open) {
          open.tx.http2[d === 0 ? 'request' : 'response'] = error;
          c.buffers.addNumber(B['http2.errorcode'], code);
          c.buffers.addNumber(B['http2.frametype'], type);
          c.inspect(flow, open.tx, d === 0 ? Stage.RequestBody : Stage.ResponseBody);
          this.finish(c, flow, open);
        } else this.control(c, flow, d, stream, error, B['http2.errorcode'], code);
        return;
      }
      case Type.Window:
        if (size === 4) this.number(c, flow, d, stream, B['http2.window'], u32(u8, p) & 0x7fffffff, type);
        return;
      default:
        if (type <= Type.Continuation) this.number(c, flow, d, stream, B['http2.frametype'], type, type);
    }
  }

  /** A number that a frame of a stream, or of the connection, shows to rules and to nobody else. */
  private number(c: AppContext, flow: Flow, d: Direction, stream: number, id: number, value: number, type: number): void {
    c.buffers.addNumber(id, value);
    if (id !== B['http2.frametype']) c.buffers.addNumber(B['http2.frametype'], type);
    this.connection ??= new PlainTransaction(this.nextId++, 'http', { version: '2', http2: { stream_id: 0, request: {}, response: {} } }, 'http2');
    c.inspect(flow, this.streams.get(stream)?.tx ?? this.connection, d === 0 ? Stage.RequestBody : Stage.ResponseBody);
  }
  /** Stands for frames that belong to no stream. */
  private connection: PlainTransaction | undefined;

  private settings(c: AppContext, flow: Flow, d: Direction, at: number, size: number): void {
    const { u8 } = c.arena;
    const list: Record<string, unknown>[] = [];
    for (let p = at; p < at + Math.min(size, 192); p += 6) {
      list.push({ settings_id: (SETTINGS[u16(u8, p)] ?? `SETTINGS_${u16(u8, p)}`).replaceAll('_', ''), settings_value: u32(u8, p + 2) });
    }
    this.control(c, flow, d, 0, { settings: list }, B['http2.frametype'], Type.Settings);
  }

  /** What belongs to the connection or to no open stream. */
  private control(
    c: AppContext, flow: Flow, d: Direction, stream: number, what: Record<string, unknown>, id: number, value: number,
  ): void {
    if (this.controls++ >= MAX_CONTROL_EVENTS) return;
    const detail = {
      version: '2',
      http2: { stream_id: stream, request: d === 0 ? what : {}, response: d === 1 ? what : {} },
    };
    const tx = new PlainTransaction(this.nextId++, 'http', detail, 'http2');
    c.buffers.addNumber(id, value);
    c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    c.event(flow, 'http', detail, tx.id, d);
  }

  private keep(c: AppContext, half: Half, at: number, size: number): void {
    if (half.block === 0) half.block = c.arena.take(MAX_BLOCK);
    if (half.block === 0 || half.blockLength + size > MAX_BLOCK) return this.dropBlock(c, half, true);
    c.arena.u8.copyWithin(half.block + half.blockLength, at, at + size);
    half.blockLength += size;
  }
  /** @param unread its fields were not, so that entries of the table are missing. */
  private dropBlock(c: AppContext, half: Half, unread = false): void {
    if (half.block !== 0) c.arena.give(half.block, MAX_BLOCK);
    half.block = half.blockLength = 0;
    half.blockOpen = false;
    if (unread) half.hpack.forget();
  }

  private fields(c: AppContext, flow: Flow, d: Direction, half: Half, at: number, size: number): void {
    const list = half.hpack.decode(c.arena.u8, at, size);
    if (!list) {
      half.hpack.forget();
      return this.anomaly(c, flow, 'invalid_header');
    }
    const { unknown } = half.hpack;
    if (half.blockStream === 0) return;
    let stream = this.streams.get(half.blockStream);
    if (!stream) {
      // answers without their requests, and trailers without their heads, come of missing bytes only
      if (d === 1 && !this.missing && half.blockStream !== 1) return;
      if (this.missing && unknown === 0 && !list.some(([name]) => name.startsWith(':'))) return;
      if (this.streams.size >= MAX_STREAMS) {
        this.anomaly(c, flow, 'too_many_streams');
        this.finish(c, flow, this.streams.values().next().value!);
      }
      stream = new Stream(new StreamTransaction(this.nextId++, c.arena, half.blockStream));
      this.streams.set(half.blockStream, stream);
    }
    if (unknown > 0) stream.tx.http2['lost_fields'] = ((stream.tx.http2['lost_fields'] as number | undefined) ?? 0) + unknown;
    if (stream.heads[d]) this.trailers(c, flow, d, stream, list);
    else this.head(c, flow, d, stream, list);
    if (half.blockEnds) this.over(c, flow, d, stream);
  }

  /** Lays the fields out as HTTP/1 would, so that one set of code makes the buffers of both. */
  private head(c: AppContext, flow: Flow, d: Direction, stream: Stream, list: Field[]): void {
    const { u8 } = c.arena;
    const { tx } = stream;
    let method = '',
      path = '',
      authority = '',
      status = '';
    let lines = '';
    let cookie = '';
    let host = false;
    for (const [name, value] of list) {
      if (name === ':method') method = value;
      else if (name === ':path') path = value;
      else if (name === ':authority') authority = value;
      else if (name === ':status') status = value;
      else if (name.startsWith(':')) continue;
      else if (name === 'cookie') cookie = cookie === '' ? value : `${cookie}; ${value}`;
      else {
        host ||= name === 'host';
        lines += `${oneLine(name)}: ${oneLine(value)}\r\n`;
      }
    }
    if (d === 1 && /^1\d\d$/.test(status) && status !== '101') return; // an interim response
    stream.heads[d] = true;
    for (const [name, value] of list) if (tx.fields[d].length < MAX_SHOWN) tx.fields[d].push({ name, value: value.slice(0, 2048) });
    if (cookie !== '') lines += `cookie: ${oneLine(cookie)}\r\n`;
    if (authority !== '' && !host) lines = `host: ${oneLine(authority)}\r\n${lines}`;
    const target = method === 'CONNECT' ? authority : path;
    const text = (d === 0 ? `${oneLine(method)} ${oneLine(target)} HTTP/2\r\n` : `HTTP/2 ${oneLine(status)}\r\n`) + lines + '\r\n';
    const at = c.scratch(text.length);
    const side = stream.sides[d];
    side.tx = tx;
    const m = d === 0 ? tx.request : tx.response;
    m.seen = true;
    if (at === 0) return;
    put(u8, at, text);
    head.scan(u8, at, at + text.length);
    const made = build(c.arena, head, at, text.length, m, d === 0 ? head.lineLength : 0);
    const encoding = head.index[H['content-encoding']]!;
    if (encoding >= 0) side.codings = codings(u8, head.valueAt[encoding]!, head.valueLength[encoding]!);
    for (const [name] of list) this.addName(c, name);
    c.buffers.addNumber(B['http2.frametype'], Type.Headers);
    if (d === 0) {
      tx.head = method === 'HEAD';
      tx.connect = method === 'CONNECT';
      if (made >= 0) requestFields(c.arena, head, tx);
      const auth = list.find(([name]) => name === 'authorization');
      if (auth) credentials(tx, auth[1].slice(0, 600));
      if (tx.request.block !== 0) addRequest(c.buffers, tx);
      this.pseudo(c, list, B['http.request_header']);
      c.inspect(flow, tx, Stage.RequestHead);
      if (authority.includes('@')) c.anomaly(flow, 'http2', 'userinfo_in_uri' satisfies Http2Anomaly, tx.id);
      const named = list.find(([name]) => name === 'host');
      if (named && authority !== '' && bare(named[1]) !== bare(authority)) c.anomaly(flow, 'http2', 'authority_host_mismatch' satisfies Http2Anomaly, tx.id);
      const type = tx.request.contentType;
      const parts = type.length > 0 && boundary(u8, type.at, type.length)[1] > 0;
      if (!parts && (method === 'POST' || method === 'PUT')) side.file = c.file(flow, tx, 0, nameOf(c, tx));
      return;
    }
    tx.status = /^\d{3}$/.test(status) ? Number(status) : 0;
    if (made >= 0) responseFields(c.arena, head, tx);
    if (tx.response.block !== 0) addResponse(c.buffers, tx);
    this.pseudo(c, list, B['http.response_header']);
    c.inspect(flow, tx, Stage.ResponseHead);
    side.file = c.file(flow, tx, 1, nameOf(c, tx));
  }

  /** Pseudo-headers are headers to rules (`:authority: host`). */
  private pseudo(c: AppContext, list: Field[], id: number): void {
    for (const [name, value] of list) {
      if (!name.startsWith(':')) continue;
      const line = `${name}: ${oneLine(value)}`;
      const at = c.scratch(line.length);
      if (at === 0) return;
      put(c.arena.u8, at, line);
      c.buffers.add(id, at, line.length);
    }
  }

  private addName(c: AppContext, name: string): void {
    const at = c.scratch(Math.max(1, name.length));
    if (at === 0) return;
    put(c.arena.u8, at, name);
    c.buffers.add(B['http2.header_name'], at, name.length);
  }

  private trailers(c: AppContext, flow: Flow, d: Direction, stream: Stream, list: Field[]): void {
    const { tx } = stream;
    const side = stream.sides[d];
    if (side.tx && !side.inspected) inspectBody(c, flow, d, side, d === 0 ? tx.request : tx.response);
    const lines = list.map(([name, value]) => `${oneLine(name)}: ${oneLine(value)}\r\n`).join('');
    const at = c.scratch(Math.max(1, lines.length));
    if (at === 0) return;
    put(c.arena.u8, at, lines);
    c.buffers.add(B['http.header'], at, lines.length);
  }

  private body(c: AppContext, flow: Flow, d: Direction, half: Half, at: number, length: number): void {
    const stream = this.streams.get(half.stream);
    if (stream) takeBody(c, flow, d, stream.sides[d], at, length);
  }

  private dataDone(c: AppContext, flow: Flow, d: Direction, half: Half): void {
    half.pad = 0;
    const stream = half.endAfter ? this.streams.get(half.stream) : undefined;
    half.endAfter = false;
    if (stream) this.over(c, flow, d, stream);
  }

  /** One side of a stream has ended. */
  private over(c: AppContext, flow: Flow, d: Direction, stream: Stream, whole = true): void {
    if (stream.ended[d]) return;
    stream.ended[d] = true;
    const side = stream.sides[d];
    const { tx } = stream;
    const m = d === 0 ? tx.request : tx.response;
    m.complete = whole && !side.gap;
    if (side.tx && !side.inspected) inspectBody(c, flow, d, side, m);
    if (m.bodyBytes > 0) side.file?.close(m.complete);
    side.file = undefined;
    c.inspect(flow, tx, d === 0 ? Stage.RequestEnd : Stage.ResponseEnd);
    shrink(c.arena, m);
    if (stream.ended[0] && stream.ended[1]) this.finish(c, flow, stream);
  }

  private finish(c: AppContext, flow: Flow, stream: Stream): void {
    this.streams.delete(stream.tx.stream);
    for (const d of [0, 1] as const) if (stream.heads[d]) this.over(c, flow, d, stream, false);
    if (!stream.tx.done) emitTransaction(c, flow, stream.tx);
  }

  gap(c: AppContext, flow: Flow, d: Direction, missing: number): boolean {
    const half = this.halves[d];
    const inside = Math.min(missing, half.data > 0 ? half.data + half.pad : half.skip);
    const side = half.data > 0 ? this.streams.get(half.stream)?.sides[d] : undefined;
    if (side) side.gap = true;
    this.spend(c, flow, d, half, inside);
    if (missing > inside) this.lose(c, half);
    return true;
  }

  /** Bytes of the frame under way are over: DATA first, then what is skipped. */
  private spend(c: AppContext, flow: Flow, d: Direction, half: Half, bytes: number): void {
    let left = bytes;
    if (half.data > 0) {
      const n = Math.min(half.data, left);
      half.data -= n;
      left -= n;
      if (half.data > 0) return;
      half.skip = half.pad;
      if (half.pad === 0) return this.dataDone(c, flow, d, half);
    }
    if (half.skip === 0) return;
    half.skip -= Math.min(half.skip, left);
    if (half.skip === 0 && half.pad > 0) this.dataDone(c, flow, d, half);
  }

  /** Where frames begin is not known, and blocks of fields may be missing. */
  private lose(c: AppContext, half: Half): void {
    half.seeking = true;
    half.data = half.skip = half.pad = 0;
    half.endAfter = false;
    this.missing = true;
    this.dropBlock(c, half, true);
  }
  /** Bytes of this connection were missed. */
  private missing = false;
  /** The client's preface was seen. */
  private fromStart = false;

  end(c: AppContext, flow: Flow, d: Direction): void {
    const both = this.done;
    this.done = true;
    if (!both && d === 0) return;
    for (const stream of [...this.streams.values()]) this.finish(c, flow, stream);
    this.close(c);
  }
  private done = false;

  close(c: AppContext): void {
    for (const half of this.halves) this.dropBlock(c, half);
    for (const { tx, sides } of this.streams.values()) {
      for (const side of sides) side.file?.close(false);
      tx.release({});
    }
    this.streams.clear();
  }

  private anomaly(c: AppContext, flow: Flow, name: Http2Anomaly): void {
    c.anomaly(flow, 'http2', name);
  }
}

/** An authority without user and password, in one case. */
const bare = (authority: string): string => authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();

/** A field can't end its line: RFC 9113 8.2.1 forbids it, and an attacker does it to split requests at a gateway. */
function oneLine(value: string): string {
  return /[\r\n\0]/.test(value) ? value.replace(/[\r\n\0]/g, ' ') : value;
}

export const http2: ProtocolEntry = {
  protocol: 'http2',
  transport: 'tcp',
  ports: [],
  identify: (u8, at, length, d) => {
    if (length >= 9 && u8[at] === 0 && isMiddle(u8, at, length, d)) return 1;
    if (d === 0) return prefix(u8, at, length, PREFACE);
    // the server's preface is a SETTINGS frame of at most some ten settings (RFC 9113 3.4)
    if (length < 9) return length > 0 && u8[at] === 0 && (length < 2 || u8[at + 1] === 0) && (length < 4 || u8[at + 3] === 4) ? 0 : -1;
    return u24(u8, at) % 6 === 0 && u24(u8, at) <= 96 && u8[at + 3] === 4 && u8[at + 4] === 0 && u32(u8, at + 5) === 0 ? 1 : -1;
  },
  isServers: (u8, at, length) => prefix(u8, at, length, PREFACE) !== 1 && !isMiddle(u8, at, length, 0),
  create: () => new Http2Parser(),
};
