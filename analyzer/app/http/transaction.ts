import type { Arena } from '../../arena.js';
import type { Leaving, Transaction } from '../parser.js';
import { latin, printable, text } from '../bytes.js';
import type { PersonalData } from '../personal-data.js';
import { bodyShape } from './body-shape.js';

/** A place in the arena; absent while `length` is -1. */
export interface Span {
  at: number;
  length: number;
}
export const span = (): Span => ({ at: 0, length: -1 });

/** Evidence kept of each body after it was inspected, until the transaction ends: what a person reads on one screen. */
export const EVIDENCE_BYTES = 2048;

/** One message (request or response): its head in a block of the arena of its own, and what was collected of its body. */
export class Message {
  seen = false;
  complete = false;
  /** Packet time of a request's end, of a response's head; µs, 0 while unknown. */
  atUs = 0;
  /** Arena block with the head as sent, then the buffers made from it. */
  block = 0;
  blockSize = 0;
  raw = span();
  line = span();
  /** http.start, http.header (without cookies), http.header.raw, http.header_names */
  start = span();
  header = span();
  headerRaw = span();
  names = span();
  cookie = span();
  contentType = span();
  contentLength = span();
  connection = span();
  protocol = span();
  /** Each normalised header line inside `start`: offset of name, length of name, offset and length of value. */
  lines: Int32Array | undefined;
  /** Body as transferred (after chunks were taken off), bytes. */
  bodyBytes = 0;
  /** Lines of chunk sizes and the ends of chunks, bytes; not trailers. */
  framingBytes = 0;
  /** Arena block that holds the decoded body or, after inspection, its first `EVIDENCE_BYTES`. */
  body = span();
  bodyBlockSize = 0;
  /** Numbers of persons that were counted in the body. */
  personal: PersonalData | undefined;

  release(arena: Arena): void {
    if (this.block !== 0) arena.give(this.block, this.blockSize);
    this.block = 0;
    this.releaseBody(arena);
    this.raw.length = this.start.length = this.header.length = this.line.length = -1;
  }
  releaseBody(arena: Arena): void {
    if (this.bodyBlockSize !== 0) arena.give(this.body.at, this.bodyBlockSize);
    this.bodyBlockSize = 0;
    this.body.length = -1;
  }
}

/** One HTTP request with its response. Strings are made in `detail` only, from the blocks, while the transaction lives. */
export class HttpTransaction implements Transaction, Leaving {
  readonly protocol = 'http';
  matcher: unknown;
  readonly request = new Message();
  readonly response = new Message();
  method = span();
  uri = span();
  uriNormal = span();
  uriDecoded = span();
  host = span();
  hostRaw = span();
  userAgent = span();
  referer = span();
  accept = span();
  acceptEncoding = span();
  acceptLanguage = span();
  forwarded = span();
  location = span();
  server = span();
  statusText = span();
  statusMessage = span();
  contentRange = span();
  port = -1;
  status = 0;
  head = false;
  connect = false;
  continued = false;
  /** What is known of a login in this request, until the response tells how it went. */
  login: { user?: string; method: string } | undefined;
  /** A calculation of the request whose result the reply shows. */
  computed: string | undefined;
  done = false;
  private last: Record<string, unknown> | undefined;
  /** Emit with all headers (EVE's dump-all-headers). */
  dumpHeaders = false;

  constructor(
    readonly id: number,
    private readonly arena: Arena,
  ) {}

  private str(s: Span): string | undefined {
    return s.length >= 0 ? text(this.arena.u8, s.at, s.length) : undefined;
  }

  /** The `http` object of the event: EVE's extended form. */
  summary(): Record<string, unknown> {
    const { u8 } = this.arena;
    const o: Record<string, unknown> = {};
    const put = (key: string, s: Span): void => {
      if (s.length > 0) o[key] = text(u8, s.at, s.length);
    };
    put('hostname', this.host);
    if (this.port >= 0) o['http_port'] = this.port;
    put('url', this.uri);
    put('http_user_agent', this.userAgent);
    put('xff', this.forwarded);
    const type = this.response.contentType;
    if (type.length > 0) {
      const s = latin(u8, type.at, type.length);
      const cut = s.indexOf(';');
      o['http_content_type'] = cut < 0 ? s : s.slice(0, cut);
    }
    if (this.contentRange.length > 0) o['content_range'] = { raw: this.str(this.contentRange) };
    put('http_refer', this.referer);
    put('http_method', this.method);
    put('protocol', this.request.protocol.length > 0 ? this.request.protocol : this.response.protocol);
    if (this.status > 0) o['status'] = this.status;
    else put('status_string', this.statusText);
    put('redirect', this.location);
    // EVE's length has the lines between chunks in it
    o['length'] = this.response.bodyBytes + this.response.framingBytes;
    if (this.response.framingBytes > 0) o['body_length'] = this.response.bodyBytes;
    if (this.request.atUs > 0 && this.response.atUs >= this.request.atUs) o['response_delay'] = Math.round((this.response.atUs - this.request.atUs) / 1000);
    const answer = this.response.body;
    // Which of two answers it is matters where something was asked in a parameter.
    if (answer.length > 0 && asks(o['url'], this.request.bodyBytes)) o['response_digest'] = digest(u8, answer.at, answer.length);
    if (this.computed !== undefined) o['computed'] = this.computed;
    if (this.response.personal) o['personal'] = this.response.personal;
    if (this.request.personal) o['request_personal'] = this.request.personal;
    const { body, bodyBytes } = this.request;
    if (body.length > 0) {
      o['request_length'] = bodyBytes;
      o['request_shape'] = bodyShape(u8, body.at, body.length, bodyBytes);
      if (answer.length > 0) o['response_shape'] = bodyShape(u8, answer.at, answer.length, this.response.bodyBytes);
    }
    if (this.dumpHeaders) this.headers(o);
    return o;
  }

  private headers(o: Record<string, unknown>): void {
    const { u8 } = this.arena;
    for (const [key, m] of [
      ['request_headers', this.request],
      ['response_headers', this.response],
    ] as const) {
      if (!m.lines || m.block === 0) continue;
      const list: { name: string; value: string }[] = [];
      for (let i = 0; i < m.lines.length; i += 4) {
        list.push({ name: latin(u8, m.lines[i]!, m.lines[i + 1]!), value: text(u8, m.lines[i + 2]!, m.lines[i + 3]!) });
      }
      if (list.length > 0) o[key] = list;
    }
  }

  /**
   * The event's object plus evidence for people: `http_request_printable` and `http_response_printable` (heads as
   * sent, first 2 KiB) and EVE's `http_request_body_printable`, `http_response_body_printable` (decoded bodies, first
   * 2 KiB). Costs strings, so it is called when an alert is raised, not for every transaction.
   */
  detail(): Record<string, unknown> {
    if (this.last) return this.last;
    const { u8 } = this.arena;
    const o = this.summary();
    this.headers(o);
    for (const [key, m] of [
      ['request', this.request],
      ['response', this.response],
    ] as const) {
      if (m.raw.length > 0)
        o[`http_${key}_printable`] = printable(u8, m.raw.at, Math.min(m.raw.length, EVIDENCE_BYTES));
      if (m.body.length > 0) {
        o[`http_${key}_body_printable`] = printable(u8, m.body.at, Math.min(m.body.length, EVIDENCE_BYTES));
      }
    }
    return o;
  }

  gone(): void {
    this.release({});
  }

  /** Gives the blocks back; `detail` answers with `last` from now on. */
  release(last: Record<string, unknown>): void {
    this.done = true;
    this.last = last;
    this.request.release(this.arena);
    this.response.release(this.arena);
  }
}

/** A parameter with something else than a plain value in it. */
const asks = (url: unknown, body: number): boolean => body > 0 || (typeof url === 'string' && /[?&][^=]{1,64}=[^&]*[%+'"()<>]/.test(url));

/** FNV-1a over what was kept of a body: tells answers apart, proves nothing. */
function digest(u8: Uint8Array, at: number, length: number): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < length; i++) h = Math.imul(h ^ u8[at + i]!, 0x01000193);
  return (h >>> 0).toString(16);
}
