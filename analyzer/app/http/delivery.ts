import { personalData } from '../personal-data.js';
import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { copy, text } from '../bytes.js';
import { Stage, type AppContext, type FileInFlight } from '../parser.js';
import { BODY_LIMIT, collect, decode, type Coding } from './body.js';
import { computed } from './computed.js';
import type { HttpAnomaly } from './events.js';
import { form, outcome } from './login.js';
import { boundary, Parts } from './multipart.js';
import type { HttpTransaction, Message } from './transaction.js';
import { decodeStable, unescape } from './uri.js';

const parts = new Parts();

/** One message whose body is under way, whichever version of HTTP carries it. */
export class Delivery {
  tx: HttpTransaction | undefined;
  codings: Coding[] = [];
  inspected = false;
  gap = false;
  /** All bytes taken so far lie side by side in the stream and hold no literal of a rule (`AppContext.barren`). */
  barren = true;
  file: FileInFlight | undefined;
}

const anomaly = (c: AppContext, flow: Flow, name: HttpAnomaly, txId: number): void =>
  c.anomaly(flow, 'http', name, txId);

/** Path of the request, as a file name. */
export function nameOf(c: AppContext, tx: HttpTransaction): string {
  if (tx.uriNormal.length <= 0) return '';
  const name = text(c.arena.u8, tx.uriNormal.at, Math.min(tx.uriNormal.length, 255));
  const cut = name.indexOf('?');
  return cut < 0 ? name : name.slice(0, cut);
}

/** Takes bytes of a body as transferred (chunks taken off). */
export function takeBody(c: AppContext, flow: Flow, d: Direction, side: Delivery, at: number, length: number): void {
  const { tx } = side;
  if (!tx || length === 0) return;
  const m = d === 0 ? tx.request : tx.response;
  if (side.inspected) m.bodyBytes += length;
  else {
    if (d === 1 && side.barren) side.barren = c.barren?.(flow, d, at, length) ?? false;
    collect(c.arena, m, at, length);
  }
  if (side.file && side.codings.length === 0) side.file.data(at, length);
  if (!side.inspected && m.body.length >= BODY_LIMIT) inspectBody(c, flow, d, side, m);
}

/** Inspects what was collected as one buffer: at its end, at `BODY_LIMIT`, or where the stream broke off. */
export function inspectBody(c: AppContext, flow: Flow, d: Direction, side: Delivery, m: Message): void {
  side.inspected = true;
  const tx = side.tx!;
  const truncated = m.bodyBytes > m.body.length;
  if (m.body.length <= 0) return;
  if (side.codings.length > 0) {
    const how = decode(c.arena, m, side.codings);
    if (how === 'failed' && !side.gap && !truncated) anomaly(c, flow, 'gzip_decompression_failed', tx.id);
    if (how === 'bomb') anomaly(c, flow, 'compression_bomb', tx.id);
    if (side.codings.length > 2) anomaly(c, flow, 'abnormal_ce_header', tx.id);
    if (side.file && m.body.length > 0) side.file.data(m.body.at, m.body.length);
  }
  const { at, length } = m.body;
  if (length < 0) return;
  if (c.wants('http')) m.personal = personalData(c.arena.u8, at, length);
  if (d === 1) {
    if (c.wants('http')) tx.computed = computed(c.arena.u8, [tx.uriDecoded, tx.request.body, tx.request.raw], at, length);
    c.buffers.add(B['http.response_body'], at, length);
    c.buffers.add(B['file.data'], at, length);
    fileName(c, tx);
    c.buffers.barren = side.barren && !side.gap && side.codings.length === 0;
    c.inspect(flow, tx, Stage.ResponseBody);
    return;
  }
  form(c.arena.u8, tx);
  c.buffers.add(B['http.request_body'], at, length);
  decoded(c, flow, tx, at, length, side);
  c.inspect(flow, tx, Stage.RequestBody);
}

function fileName(c: AppContext, tx: HttpTransaction): void {
  const s = tx.uriNormal;
  if (s.length <= 0) return;
  const { u8 } = c.arena;
  let n = 0;
  while (n < s.length && u8[s.at + n] !== 0x3f) n++;
  c.buffers.add(B['file.name'], s.at, n);
}

/** `http.request_body.decoded`, and the files of a multipart body. */
function decoded(c: AppContext, flow: Flow, tx: HttpTransaction, at: number, length: number, side: Delivery): void {
  const { u8 } = c.arena;
  const type = tx.request.contentType;
  const [bAt, bLength] = type.length > 0 ? boundary(u8, type.at, type.length) : [0, 0];
  if (bLength > 0) {
    parts.scan(u8, at, length, bAt, bLength);
    if (parts.invalidHeader) anomaly(c, flow, 'multipart_invalid_header', tx.id);
    for (let i = 0; i < parts.count; i++) {
      const a = parts.dataAt[i]!,
        n = parts.dataLength[i]!,
        f = parts.fileLength[i]!;
      if (f < 0) {
        c.buffers.add(B['http.request_body.decoded'], a, n);
        continue;
      }
      c.buffers.add(B['file.data'], a, n);
      if (f > 0) c.buffers.add(B['file.name'], parts.fileAt[i]!, f);
      const file = c.file(flow, tx, 0, text(u8, parts.fileAt[i]!, Math.min(f, 255)));
      file.data(a, n);
      file.close(parts.complete[i] === 1 && !side.gap);
    }
    return;
  }
  c.buffers.add(B['file.data'], at, length);
  fileName(c, tx);
  let escape = false,
    percent = false;
  for (let p = at, e = at + length; p < e && !(escape && percent); p++) {
    const ch = u8[p];
    if (ch === 0x25 || ch === 0x2b) percent = true;
    else if (ch === 0x5c || (ch === 0x26 && u8[p + 1] === 0x23)) escape = true;
  }
  const json = u8[at] === 0x7b || u8[at] === 0x5b || u8[at] === 0x3c;
  const room = escape || percent ? c.scratch(length) : 0;
  if (room === 0) {
    c.buffers.add(B['http.request_body.decoded'], at, length);
    return;
  }
  let n = length;
  if (percent && !json) n = decodeStable(u8, at, length, room, true);
  else copy(u8, room, at, length);
  n = unescape(u8, room, n, room);
  c.buffers.add(B['http.request_body.decoded'], room, n);
}

/** The login's event, if there was one, then the transaction's; its blocks go back. */
export function emitTransaction(c: AppContext, flow: Flow, tx: HttpTransaction): void {
  if (tx.login && c.wants('auth')) {
    const o = outcome(c.arena.u8, tx);
    const target = tx.host.length > 0 ? text(c.arena.u8, tx.host.at, tx.host.length) + nameOf(c, tx) : undefined;
    c.event(
      flow,
      'auth',
      {
        protocol: 'http',
        ...(tx.login.user !== undefined && { user: tx.login.user }),
        result: o.result,
        confidence: o.confidence,
        method: tx.login.method,
        ...(target !== undefined && { target }),
      },
      tx.id,
      0,
    );
  }
  const wanted = c.wants('http');
  const pursued = c.pursued(tx);
  const detail = wanted || pursued ? tx.summary() : undefined;
  if (wanted) c.event(flow, 'http', detail!, tx.id, 0);
  tx.done = true;
  if (pursued) tx.release(detail!);
  else c.leave(tx);
}
