import type { Arena } from '../../arena.js';
import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { copy, latin } from '../bytes.js';
import { Stage, type AppContext, type AppParser } from '../parser.js';
import { Tunnel } from '../tunnel.js';
import { codings, shrink, type Coding } from './body.js';
import { Delivery, emitTransaction, inspectBody, nameOf, takeBody } from './delivery.js';
import type { HttpAnomaly } from './events.js';
import { addRequest, addResponse, build, Found, requestFields, responseFields } from './fields.js';
import { H, Head } from './head.js';
import { KNOWN_METHODS } from './identify.js';
import { credentials } from './login.js';
import { boundary } from './multipart.js';
import { HttpTransaction } from './transaction.js';

/** Most bytes of one head; servers take 8–64 KiB. Beyond it the stream is not followed as HTTP any more. */
export const MAX_HEAD = 65536;
/** Requests waiting for their response in one flow (browsers never pipelined more than 8); the oldest is let go. */
export const MAX_PENDING = 64;
/** The same in all flows of a worker, 5 KB each with objects and bytes; beyond it a flow keeps no more than `FEW_PENDING` waiting. */
const MAX_WAITING = 16_384;
const FEW_PENDING = 2;
const waiting = new WeakMap<Arena, { count: number }>();
function waitingIn(arena: Arena): { count: number } {
  let all = waiting.get(arena);
  if (all === undefined) waiting.set(arena, (all = { count: 0 }));
  return all;
}
/** Most bytes of a request line without version; URIs of exploits for old servers fit. */
const MAX_BARE = 16384;
/** Most bytes of a chunk-size line. */
const MAX_CHUNK_LINE = 4096;

const enum State {
  Head = 0,
  Length = 1,
  ChunkSize = 2,
  ChunkData = 3,
  ChunkEnd = 4,
  Trailers = 5,
  Close = 6,
  Resync = 7,
  Tunnel = 8,
}
const NEED = -2;
const FAIL = -1;

const NONE: Buffer = Buffer.alloc(0);

/** One direction of the connection. */
class Side extends Delivery {
  state: State = State.Head;
  /** Bytes of the presented data already searched for the end of the head. */
  scanned = 0;
  left = 0;
  ended = false;
  trailers = false;
  /** A line that may be a whole HTTP/0.9 request, taken as one when its answer or the end comes; then bytes to leave out. */
  bare: Buffer = NONE;
  skip = 0;
  /** Messages begun. */
  begun = 0;
  /** While a new start is looked for: a line may begin with the next byte. */
  fresh = true;
}

const head = new Head();

/**
 * HTTP/1.0 and 1.1 (RFC 9112), both directions of one connection joined into transactions. Suricata's view where rules
 * depend on it (names and contents of buffers); what real servers accept where the standard is stricter.
 */
export class Http1Parser implements AppParser {
  readonly protocol = 'http';
  private readonly sides: [Side, Side] = [new Side(), new Side()];
  private readonly pending: HttpTransaction[] = [];
  private nextId = 0;
  private tunnel: Tunnel | undefined;
  /** Sides are swapped when the first packet seen came from the server. */
  private swapped: boolean | undefined;

  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    if (this.swapped === undefined && length > 0) this.orient(c, flow, direction, at, length);
    const d = this.swapped ? ((1 - direction) as Direction) : direction;
    const side = this.sides[d];
    let used = 0;
    if (d === 1 && length > 0 && this.sides[0].bare.length > 0) this.takeBare(c, flow);
    if (side.skip > 0) {
      used = Math.min(side.skip, length);
      side.skip -= used;
    }
    for (let steps = 0; used < length || side.state === State.Tunnel; steps++) {
      if (side.state === State.Tunnel) {
        if (used === length) break;
        const n = this.tunnel?.data(c, flow, direction, at + used, length - used) ?? length - used;
        return n < 0 ? length : used + n;
      }
      const n = this.step(c, flow, d, side, at + used, length - used);
      if (n === NEED) break;
      if (n === FAIL) return -1;
      used += n;
    }
    return used;
  }

  /** In midstream pickup the "client" of the flow may be the server. */
  private orient(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): void {
    this.swapped = false;
    if (!flow.midstream) return;
    const response = length >= 5 && latin(c.arena.u8, at, 5) === 'HTTP/';
    this.swapped = response === (direction === 0);
  }

  private step(c: AppContext, flow: Flow, d: Direction, side: Side, at: number, length: number): number {
    switch (side.state) {
      case State.Head:
        return this.head(c, flow, d, side, at, length);
      case State.Length: {
        const n = Math.min(side.left, length);
        takeBody(c, flow, d, side, at, n);
        side.left -= n;
        if (side.left === 0) this.complete(c, flow, d, side);
        return n;
      }
      case State.Close:
        takeBody(c, flow, d, side, at, length);
        return length;
      case State.ChunkSize:
        return this.chunkSize(c, flow, d, side, at, length);
      case State.ChunkData: {
        const n = Math.min(side.left, length);
        side.barren = false; // what goes across two chunks stands nowhere in the stream
        takeBody(c, flow, d, side, at, n);
        side.left -= n;
        if (side.left === 0) side.state = State.ChunkEnd;
        return n;
      }
      case State.ChunkEnd: {
        const { u8 } = c.arena;
        if (u8[at] === 13 && length < 2) return NEED;
        const n = u8[at] === 13 && u8[at + 1] === 10 ? 2 : u8[at] === 10 ? 1 : 0;
        if (n === 0) return this.badChunk(c, flow, d, side);
        side.state = State.ChunkSize;
        this.countFraming(side, d, n);
        return n;
      }
      case State.Trailers:
        return this.trailers(c, flow, d, side, at, length);
      case State.Resync:
        return this.resync(c, d, side, at, length);
      default:
        return length;
    }
  }

  /** One past the blank line that ends a head, or NEED. Looks at each byte once, however the stream is cut. */
  private headEnd(u8: Uint8Array, side: Side, at: number, length: number): number {
    const end = at + length;
    for (let p = at + side.scanned; p < end; p++) {
      if (u8[p] !== 10) continue;
      if (
        p === at ||
        u8[p - 1] === 10 ||
        (p - 1 > at && u8[p - 1] === 13 && u8[p - 2] === 10) ||
        (p - 1 === at && u8[at] === 13)
      ) {
        side.scanned = 0;
        return p + 1;
      }
    }
    side.scanned = length;
    return NEED;
  }

  private head(c: AppContext, flow: Flow, d: Direction, side: Side, at: number, length: number): number {
    const { u8 } = c.arena;
    if (side.scanned === 0 && (u8[at] === 13 || u8[at] === 10)) {
      let n = 1;
      while (n < length && (u8[at + n] === 13 || u8[at + n] === 10)) n++;
      return n; // blank lines before a head (RFC 9112 2.2)
    }
    const end = this.headEnd(u8, side, at, length);
    if (end === NEED || end - at > MAX_HEAD) {
      // no end within the largest head, or a line that can't begin a message: this is not HTTP, or not any more
      if (length >= MAX_HEAD) {
        this.anomaly(c, flow, d === 0 ? 'request_field_too_long' : 'response_field_too_long');
        side.scanned = 0;
        return this.nextId === 0 ? FAIL : this.lose(side, MAX_HEAD);
      }
      if (d === 1 && length >= 5 && this.startless(c, flow, side, at, length)) return 0;
      // a first request that does not look like one: the answer has told the protocol, so servers took it
      if (length >= 8 && side.begun > 0 && !this.plausible(u8, d, at, length)) return this.lose(side, 1);
      if (d === 0) side.bare = bareLine(u8, at, length);
      return NEED;
    }
    if (d === 1 && this.startless(c, flow, side, at, end - at)) return 0;
    if (!this.plausible(u8, d, at, end - at) && (side.begun > 0 || d === 1))
      return this.nextId === 0 ? FAIL : this.lose(side, 1);
    side.bare = NONE;
    if (d === 0) this.request(c, flow, side, at, end - at);
    else this.response(c, flow, side, at, end - at);
    return end - at;
  }

  /** The request that its answer, or the end of the stream, shows to be whole. */
  private takeBare(c: AppContext, flow: Flow): void {
    const side = this.sides[0];
    const { bare } = side;
    side.bare = NONE;
    const at = c.scratch(bare.length);
    if (at === 0 || side.state !== State.Head) return;
    c.arena.u8.set(bare, at);
    side.skip = bare.length;
    side.scanned = 0;
    this.request(c, flow, side, at, bare.length);
  }

  /** A first answer without a status line is a body from its first byte (HTTP/0.9, or no web server at all). */
  private startless(c: AppContext, flow: Flow, side: Side, at: number, length: number): boolean {
    const { u8 } = c.arena;
    if (side.begun > 0 || length < 5 || latin(u8, at, 5).toUpperCase() === 'HTTP/') return false;
    const tx = this.pending[0];
    if (!tx) return false;
    side.begun++;
    side.tx = tx;
    side.scanned = 0;
    side.inspected = false;
    side.barren = true;
    side.codings = [];
    tx.response.seen = true;
    side.state = State.Close;
    side.file = c.file(flow, tx, 1, nameOf(c, tx));
    if (tx.request.protocol.length > 0) this.anomaly(c, flow, 'response_invalid_status', tx.id);
    return true;
  }

  private lose(side: Side, n: number): number {
    side.state = State.Resync;
    side.scanned = 0;
    side.fresh = false;
    return n;
  }

  private plausible(u8: Uint8Array, d: Direction, at: number, length: number): boolean {
    if (d === 1) return length < 5 || latin(u8, at, 5).toUpperCase() === 'HTTP/';
    let p = at;
    const end = at + Math.min(length, 40);
    while (p < end && (u8[p] === 32 || u8[p] === 9)) p++;
    const word = p;
    while (
      p < end &&
      ((u8[p]! >= 65 && u8[p]! <= 90) || (u8[p]! >= 97 && u8[p]! <= 122) || u8[p] === 45 || u8[p] === 95)
    )
      p++;
    if (p === end) return length < 40;
    return p > word && (u8[p] === 32 || u8[p] === 9);
  }

  private resync(c: AppContext, d: Direction, side: Side, at: number, length: number): number {
    const { u8 } = c.arena;
    const end = at + length;
    for (let p = at; p < end; p++) {
      // Where segments begin says nothing: only what follows a line end, or the gap, can be a start.
      if (p > at ? u8[p - 1] !== 10 : !side.fresh) continue;
      if (end - p < 12) {
        side.fresh = true;
        return p > at ? p - at : NEED;
      }
      const s = latin(u8, p, 12);
      const found =
        d === 1 ? /^HTTP\/1\.[01] \d\d/.test(s) : KNOWN_METHODS.has(/^[A-Z_-]+(?= [/h*])/.exec(s)?.[0] ?? '');
      if (!found) continue;
      side.state = State.Head;
      side.scanned = 0;
      return p - at;
    }
    side.fresh = u8[end - 1] === 10;
    return length;
  }

  private request(c: AppContext, flow: Flow, side: Side, at: number, length: number): void {
    const { u8 } = c.arena;
    head.scan(u8, at, at + length);
    if (this.sides[1].state === State.Resync) while (this.pending.length > 0) this.finish(c, flow, this.pending[0]!);
    const most = waitingIn(c.arena).count >= MAX_WAITING ? FEW_PENDING : MAX_PENDING;
    if (this.pending.length >= most) this.anomaly(c, flow, 'too_many_pending_requests', this.pending[0]!.id);
    while (this.pending.length >= most) this.finish(c, flow, this.pending[0]!);
    const tx = new HttpTransaction(this.nextId++, c.arena);
    side.begun++;
    this.enlist(c, tx);
    side.tx = tx;
    tx.request.seen = true;
    let w = head.lineAt,
      lineEnd = head.lineAt + head.lineLength;
    if (u8[w]! <= 32) {
      this.anomaly(c, flow, 'request_line_leading_whitespace', tx.id);
      while (w < lineEnd && u8[w]! <= 32) w++;
      head.lineLength = lineEnd - w;
      head.lineAt = w;
    }
    let e = w;
    while (e < lineEnd && u8[e]! > 32) e++;
    const method = latin(u8, w, Math.min(e - w, 40));
    tx.head = method === 'HEAD';
    tx.connect = method === 'CONNECT';
    if (!KNOWN_METHODS.has(method)) this.anomaly(c, flow, 'request_line_unknown_method', tx.id);
    if (u8[e] === 9 || u8[e + 1] === 32) this.anomaly(c, flow, 'method_delim_non_compliant', tx.id);
    const made = build(c.arena, head, at, length, tx.request, head.lineLength);
    if (made >= 0) {
      let found = requestFields(c.arena, head, tx);
      found |= made;
      if (tx.request.protocol.length < 0) this.anomaly(c, flow, 'request_line_missing_protocol', tx.id);
      if (found & Found.DoubleEncoded) this.anomaly(c, flow, 'double_encoded_uri', tx.id);
      if (found & Found.Repeated) this.anomaly(c, flow, 'request_header_repetition', tx.id);
    }
    if (head.missingColon) this.anomaly(c, flow, 'request_field_missing_colon', tx.id);
    if (head.badName) this.anomaly(c, flow, 'request_header_invalid', tx.id);
    if (head.emptyName) this.anomaly(c, flow, 'request_invalid_empty_name', tx.id);
    if (head.spaceAfterName) this.anomaly(c, flow, 'request_invalid_lws_after_name', tx.id);
    if (head.folded) this.anomaly(c, flow, 'invalid_request_field_folding', tx.id);
    if (head.tooMany) this.anomaly(c, flow, 'request_too_many_headers', tx.id);
    if (head.bareLf) this.anomaly(c, flow, 'deformed_eol', tx.id);
    const host = head.index[H['host']]!;
    if (host < 0 && tx.request.protocol.length > 0 && latin(u8, tx.request.protocol.at + 5, 3) === '1.1') {
      this.anomaly(c, flow, 'missing_host_header', tx.id);
    } else if (host >= 0) {
      for (let i = host + 1; i < head.count; i++) {
        if (head.known[i] === H['host']) {
          this.anomaly(c, flow, 'host_header_ambiguous', tx.id);
          break;
        }
      }
    }
    const auth = head.index[H['authorization']]!;
    if (auth >= 0) credentials(tx, latin(u8, head.valueAt[auth]!, Math.min(head.valueLength[auth]!, 600)));
    side.codings = this.codingsOf(u8);
    const framing = this.framing(c, flow, 0, tx);
    if (tx.request.block !== 0) {
      addRequest(c.buffers, tx);
      c.inspect(flow, tx, Stage.RequestHead);
    }
    side.inspected = false;
    side.barren = true;
    side.gap = false;
    if (framing === State.Head) this.complete(c, flow, 0, side);
    else {
      side.state = framing;
      this.openRequestFile(c, flow, side, method);
    }
  }

  private openRequestFile(c: AppContext, flow: Flow, side: Side, method: string): void {
    const tx = side.tx!;
    const type = tx.request.contentType;
    if (type.length > 0 && boundary(c.arena.u8, type.at, type.length)[1] > 0) return; // parts are opened one by one
    if (method !== 'PUT' && method !== 'POST') return;
    side.file = c.file(flow, tx, 0, nameOf(c, tx));
  }

  private response(c: AppContext, flow: Flow, side: Side, at: number, length: number): void {
    const { u8 } = c.arena;
    head.scan(u8, at, at + length);
    let status = 0;
    let p = head.lineAt;
    const lineEnd = p + head.lineLength;
    while (p < lineEnd && u8[p]! > 32) p++;
    while (p < lineEnd && u8[p]! <= 32) p++;
    let digits = 0;
    for (; p < lineEnd && u8[p]! >= 48 && u8[p]! <= 57 && digits < 4; p++, digits++) status = status * 10 + u8[p]! - 48;
    if (digits !== 3 || (p < lineEnd && u8[p]! > 32)) {
      this.anomaly(c, flow, 'response_invalid_status');
      status = 0;
    }
    let tx = this.pending[0];
    if (!tx) {
      tx = new HttpTransaction(this.nextId++, c.arena);
      this.enlist(c, tx);
      if (this.sides[0].ended || !flow.midstream) this.anomaly(c, flow, 'unable_to_match_response_to_request', tx.id);
    }
    if (status === 100 || (status > 101 && status < 200)) {
      // an interim response: the final one follows
      if (tx.continued && status === 100) this.anomaly(c, flow, '100_continue_already_seen', tx.id);
      tx.continued = true;
      return;
    }
    side.begun++;
    side.tx = tx;
    tx.response.seen = true;
    tx.status = status;
    const made = build(c.arena, head, at, length, tx.response, 0);
    if (made >= 0) {
      responseFields(c.arena, head, tx);
      if (made & Found.Repeated && head.index[H['set-cookie']]! < 0)
        this.anomaly(c, flow, 'response_header_repetition', tx.id);
    }
    if (head.missingColon) this.anomaly(c, flow, 'response_field_missing_colon', tx.id);
    if (head.badName) this.anomaly(c, flow, 'response_header_invalid', tx.id);
    if (head.emptyName) this.anomaly(c, flow, 'response_invalid_empty_name', tx.id);
    if (head.spaceAfterName) this.anomaly(c, flow, 'response_invalid_lws_after_name', tx.id);
    if (head.folded) this.anomaly(c, flow, 'invalid_response_field_folding', tx.id);
    if (head.tooMany) this.anomaly(c, flow, 'response_too_many_headers', tx.id);
    side.codings = this.codingsOf(u8);
    let framing = this.framing(c, flow, 1, tx);
    const tunnel = status === 101 || (tx.connect && status >= 200 && status < 300);
    if (tx.head || status === 204 || status === 304 || tunnel) framing = State.Head;
    tx.response.atUs = c.nowUs;
    if (tx.response.block !== 0) {
      addResponse(c.buffers, tx);
      c.inspect(flow, tx, Stage.ResponseHead);
    }
    side.inspected = false;
    side.barren = true;
    side.gap = false;
    const upgrade = head.index[H['upgrade']]!;
    const inner =
      tunnel && status === 101 && upgrade >= 0
        ? latin(u8, head.valueAt[upgrade]!, Math.min(head.valueLength[upgrade]!, 32)).toLowerCase()
        : '';
    if (framing === State.Head) this.complete(c, flow, 1, side);
    else {
      side.state = framing;
      side.file = c.file(flow, tx, 1, nameOf(c, tx));
    }
    if (tunnel) {
      this.tunnel = new Tunnel(inner);
      this.sides[0].state = this.sides[1].state = State.Tunnel;
    }
  }

  private codingsOf(u8: Uint8Array): Coding[] {
    const i = head.index[H['content-encoding']]!;
    return i < 0 ? [] : codings(u8, head.valueAt[i]!, head.valueLength[i]!);
  }

  /** How long the body is (RFC 9112 6.3), with what request smuggling does to it made visible. */
  private framing(c: AppContext, flow: Flow, d: Direction, tx: HttpTransaction): State {
    const { u8 } = c.arena;
    const side = this.sides[d];
    const te = head.index[H['transfer-encoding']]!;
    const cl = head.index[H['content-length']]!;
    let length = -1;
    if (cl >= 0) {
      length = number(u8, head.valueAt[cl]!, head.valueLength[cl]!);
      if (length < 0)
        this.anomaly(
          c,
          flow,
          d === 0 ? 'invalid_content_length_field_in_request' : 'invalid_content_length_field_in_response',
          tx.id,
        );
      for (let i = cl + 1; i < head.count; i++) {
        if (head.known[i] !== H['content-length']) continue;
        this.anomaly(
          c,
          flow,
          d === 0 ? 'duplicate_content_length_field_in_request' : 'duplicate_content_length_field_in_response',
          tx.id,
        );
        break;
      }
    }
    if (te >= 0) {
      const value = latin(u8, head.valueAt[te]!, Math.min(head.valueLength[te]!, 64)).toLowerCase();
      if (value !== 'chunked') {
        this.anomaly(
          c,
          flow,
          d === 0 ? 'invalid_transfer_encoding_value_in_request' : 'invalid_transfer_encoding_value_in_response',
          tx.id,
        );
      }
      if (cl >= 0)
        this.anomaly(
          c,
          flow,
          d === 0 ? 'request_content_length_and_chunked' : 'response_content_length_and_chunked',
          tx.id,
        );
      if (value.includes('chunked')) {
        if (d === 1 && latin(u8, head.lineAt, 8) === 'HTTP/1.0')
          this.anomaly(c, flow, 'response_chunked_old_proto', tx.id);
        return State.ChunkSize;
      }
    }
    if (length >= 0) {
      side.left = length;
      return length === 0 ? State.Head : State.Length;
    }
    return d === 0 ? State.Head : State.Close;
  }

  private chunkSize(c: AppContext, flow: Flow, d: Direction, side: Side, at: number, length: number): number {
    const { u8 } = c.arena;
    const end = at + length;
    let p = at + side.scanned;
    while (p < end && u8[p] !== 10) p++;
    if (p === end) {
      side.scanned = length;
      return length > MAX_CHUNK_LINE ? this.badChunk(c, flow, d, side) : NEED;
    }
    side.scanned = 0;
    let size = 0,
      digits = 0;
    let q = at;
    while (q < p && (u8[q] === 32 || u8[q] === 9)) q++;
    for (; q < p; q++, digits++) {
      const ch = u8[q]!;
      const v = ch >= 48 && ch <= 57 ? ch - 48 : (ch | 32) >= 97 && (ch | 32) <= 102 ? (ch | 32) - 87 : -1;
      if (v < 0) break;
      size = size * 16 + v;
    }
    if (digits === 0 || size > Number.MAX_SAFE_INTEGER) return this.badChunk(c, flow, d, side);
    for (; q < p; q++) {
      if (u8[q] === 0x3b) {
        this.anomaly(c, flow, d === 0 ? 'request_chunk_extension' : 'response_chunk_extension', side.tx?.id);
        break;
      }
    }
    side.left = size;
    side.state = size === 0 ? State.Trailers : State.ChunkData;
    this.countFraming(side, d, p + 1 - at);
    return p + 1 - at;
  }

  private countFraming(side: Side, d: Direction, bytes: number): void {
    if (side.tx) (d === 0 ? side.tx.request : side.tx.response).framingBytes += bytes;
  }

  private badChunk(c: AppContext, flow: Flow, d: Direction, side: Side): number {
    this.anomaly(c, flow, d === 0 ? 'invalid_request_chunk_len' : 'invalid_response_chunk_len', side.tx?.id);
    side.scanned = 0;
    side.gap = true;
    if (d === 0) {
      this.complete(c, flow, d, side);
      side.state = State.Resync;
      side.fresh = true;
    } else side.state = State.Close;
    return 0;
  }

  private trailers(c: AppContext, flow: Flow, d: Direction, side: Side, at: number, length: number): number {
    const { u8 } = c.arena;
    const end = this.headEnd(u8, side, at, length);
    if (end === NEED) {
      if (length < MAX_HEAD) return NEED;
      side.scanned = 0;
      this.complete(c, flow, d, side);
      return length;
    }
    const tx = side.tx;
    if (tx && end - at > 2) {
      if (!side.inspected) inspectBody(c, flow, d, side, d === 0 ? tx.request : tx.response);
      head.scan(u8, at, end, false);
      const w = c.scratch((end - at) * 2 + 8);
      if (w !== 0) {
        let e = w;
        for (let i = 0; i < head.count; i++) {
          const line = e;
          e = copy(u8, e, head.nameAt[i]!, head.nameLength[i]!);
          u8[e++] = 0x3a;
          u8[e++] = 32;
          e = copy(u8, e, head.valueAt[i]!, head.valueLength[i]!);
          c.buffers.add(d === 0 ? B['http.request_header'] : B['http.response_header'], line, e - line);
          u8[e++] = 13;
          u8[e++] = 10;
        }
        c.buffers.add(B['http.header'], w, e - w);
      }
    }
    this.complete(c, flow, d, side);
    return end - at;
  }

  /** The message of this direction is over. */
  private complete(c: AppContext, flow: Flow, d: Direction, side: Side, whole = true): void {
    const { tx } = side;
    side.state = State.Head;
    side.scanned = 0;
    if (!tx) return;
    const m = d === 0 ? tx.request : tx.response;
    m.complete = whole && !side.gap;
    if (d === 0) m.atUs = c.nowUs;
    if (!side.inspected) inspectBody(c, flow, d, side, m);
    side.file?.close(m.complete);
    side.file = undefined;
    side.tx = undefined;
    c.inspect(flow, tx, d === 0 ? Stage.RequestEnd : Stage.ResponseEnd);
    if (d === 0) {
      shrink(c.arena, m);
      if (tx === this.early || tx.done) this.finish(c, flow, tx);
      return;
    }
    // an early response leaves its transaction open until the request's body is through
    if (tx.request.seen && this.sides[0].tx === tx) {
      shrink(c.arena, m);
      this.delist(c, tx);
      this.early = tx;
      return;
    }
    this.finish(c, flow, tx);
  }
  private early: HttpTransaction | undefined;

  private enlist(c: AppContext, tx: HttpTransaction): void {
    this.pending.push(tx);
    waitingIn(c.arena).count++;
  }

  private delist(c: AppContext, tx: HttpTransaction): void {
    const i = this.pending.indexOf(tx);
    if (i < 0) return;
    this.pending.splice(i, 1);
    waitingIn(c.arena).count--;
  }

  /** Emits the events and gives the blocks back. */
  private finish(c: AppContext, flow: Flow, tx: HttpTransaction): void {
    this.delist(c, tx);
    if (this.early === tx) this.early = undefined;
    if (tx.done) return;
    for (const side of this.sides) {
      if (side.tx !== tx) continue;
      side.file?.close(false);
      side.file = undefined;
      side.tx = undefined;
    }
    emitTransaction(c, flow, tx);
  }

  gap(c: AppContext, flow: Flow, direction: Direction, missing: number): boolean {
    const d = this.swapped ? ((1 - direction) as Direction) : direction;
    const side = this.sides[d];
    side.gap = true;
    if (side.state === State.Tunnel) return this.tunnel?.gap(c, flow, direction, missing) ?? true;
    if (side.state === State.Close) return this.count(side, d, missing);
    if ((side.state === State.Length || side.state === State.ChunkData) && missing <= side.left) {
      side.left -= missing;
      this.count(side, d, missing);
      if (side.left === 0) {
        if (side.state === State.Length) this.complete(c, flow, d, side);
        else side.state = State.ChunkEnd;
      }
      return true;
    }
    // the rest of this message and perhaps more is gone: what was collected is inspected, then a new start is looked for
    if (side.tx) this.complete(c, flow, d, side, false);
    side.state = State.Resync;
    side.fresh = true;
    side.scanned = 0;
    return true;
  }

  private count(side: Side, d: Direction, missing: number): true {
    if (side.tx) (d === 0 ? side.tx.request : side.tx.response).bodyBytes += missing;
    return true;
  }

  /** A head that was cut off is shown as far as its last whole line: what it asks for is known. */
  rest(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): void {
    const d = this.swapped ? ((1 - direction) as Direction) : direction;
    const side = this.sides[d];
    if (d === 1 || side.ended || side.state !== State.Head || side.bare.length > 0) return;
    const { u8 } = c.arena;
    let end = at + length;
    while (end > at && u8[end - 1] !== 10) end--;
    if (end - at < 8 || end - at >= MAX_HEAD || !this.plausible(u8, 0, at, end - at)) return;
    side.scanned = 0;
    this.request(c, flow, side, at, end - at);
  }

  end(c: AppContext, flow: Flow, direction: Direction): void {
    const d = this.swapped ? ((1 - direction) as Direction) : direction;
    const side = this.sides[d];
    if (side.ended) return;
    side.ended = true;
    if (this.sides[0].bare.length > 0) this.takeBare(c, flow);
    this.tunnel?.end(c, flow, direction);
    if (side.tx) this.complete(c, flow, d, side, side.state === State.Close && !side.gap);
    if (this.sides[1].ended) {
      while (this.pending.length > 0 && (this.sides[0].ended || this.pending[0]!.request.complete)) {
        this.finish(c, flow, this.pending[0]!);
      }
      if (this.early && this.sides[0].ended) this.finish(c, flow, this.early);
    }
  }

  close(c: AppContext): void {
    this.tunnel?.close(c);
    for (const side of this.sides) {
      side.file?.close(false);
      side.file = undefined;
      side.tx?.release({});
      side.tx = undefined;
    }
    waitingIn(c.arena).count -= this.pending.length;
    for (const tx of this.pending.splice(0)) tx.release({});
    this.early?.release({});
    this.early = undefined;
  }

  private anomaly(c: AppContext, flow: Flow, name: HttpAnomaly, txId?: number): void {
    c.anomaly(flow, 'http', name, txId);
  }
}

/** A copy of a single complete line without a version, which may be a whole HTTP/0.9 request; else nothing. */
function bareLine(u8: Uint8Array, at: number, length: number): Buffer {
  if (length > MAX_BARE || u8[at + length - 1] !== 10) return NONE;
  for (let p = at; p < at + length - 1; p++) if (u8[p] === 10) return NONE;
  const line = latin(u8, at, length);
  return /^[A-Za-z_-]+[ \t]/.test(line) && !/HTTP\/\d/i.test(line) ? Buffer.from(line, 'latin1') : NONE;
}

/** A decimal length of at most 15 digits, or -1. */
function number(u8: Uint8Array, at: number, length: number): number {
  let v = 0;
  if (length === 0 || length > 15) return -1;
  for (let i = at; i < at + length; i++) {
    const c = u8[i]!;
    if (c < 48 || c > 57) return -1;
    v = v * 10 + c - 48;
  }
  return v;
}

