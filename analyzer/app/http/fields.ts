import type { Arena } from '../../arena.js';
import { BufferTable, B } from '../../match/buffers.js';
import { copy } from '../bytes.js';
import { H, Head } from './head.js';
import type { HttpTransaction, Message, Span } from './transaction.js';
import { decodeStable, normalisePath, percentDecode, lastSeen, Seen } from './uri.js';

/** Bits found while the buffers were made. */
export const enum Found { DoubleEncoded = 1, Repeated = 2, HostAmbiguous = 4 }

const set = (s: Span, at: number, length: number): void => {
  s.at = at;
  s.length = length;
};

/** Copies a value without its folds: line ends and the blanks after them become one space. @returns the offset after it. */
function unfold(u8: Uint8Array, to: number, at: number, length: number): number {
  const end = at + length;
  for (let r = at; r < end; r++) {
    const c = u8[r]!;
    if (c === 13 || c === 10) {
      while (r + 1 < end && (u8[r + 1]! === 32 || u8[r + 1]! === 9 || u8[r + 1]! === 10 || u8[r + 1]! === 13)) r++;
      u8[to++] = 32;
    } else u8[to++] = c;
  }
  return to;
}

/**
 * Makes a message's own block: the head as sent, then the buffers Suricata derives from it. Worst case per header line
 * is two bytes more than sent, so twice the head and a little is room enough for each copy.
 * @returns bits of `Found`; -1 when the arena has no room (then only the raw head is missing from the evidence).
 */
export function build(arena: Arena, head: Head, at: number, length: number, m: Message, uriLength: number): number {
  const { u8 } = arena;
  const hasCookie = head.index[H['cookie']]! >= 0 || head.index[H['set-cookie']]! >= 0;
  const grown = length * 2 + 8;
  const room = length + grown * (hasCookie ? 2 : 1) + length + 8 + uriLength * 2 + 512;
  const block = arena.take(room);
  if (block === 0) return -1;
  m.block = block;
  m.blockSize = room;
  copy(u8, block, at, length);
  const shift = block - at;
  set(m.raw, block, length);
  set(m.line, head.lineAt + shift, head.lineLength);
  set(m.headerRaw, head.headersAt + shift, head.end - head.headersAt);
  let found = 0;
  let w = block + length;
  const start = w;
  w = copy(u8, w, head.lineAt, head.lineLength);
  u8[w++] = 13;
  u8[w++] = 10;
  const headers = w;
  const lines = new Int32Array(head.count * 4);
  let n = 0;
  for (let i = 0; i < head.count; i++) {
    if (head.firstOf[i] !== i) {
      found |= Found.Repeated;
      continue;
    }
    lines[n++] = w;
    lines[n++] = head.nameLength[i]!;
    w = copy(u8, w, head.nameAt[i]!, head.nameLength[i]!);
    u8[w++] = 0x3a;
    u8[w++] = 32;
    const value = w;
    w = head.folded
      ? unfold(u8, w, head.valueAt[i]!, head.valueLength[i]!)
      : copy(u8, w, head.valueAt[i]!, head.valueLength[i]!);
    // repeated headers are joined as one, except lengths, where the first counts
    if (head.known[i] !== H['content-length']) {
      for (let j = i + 1; j < head.count; j++) {
        if (head.firstOf[j] !== i) continue;
        u8[w++] = 0x2c;
        u8[w++] = 32;
        w = copy(u8, w, head.valueAt[j]!, head.valueLength[j]!);
      }
    }
    lines[n++] = value;
    lines[n++] = w - value;
    setKnown(m, head.known[i]!, value, w - value);
    u8[w++] = 13;
    u8[w++] = 10;
  }
  m.lines = n === lines.length ? lines : lines.slice(0, n);
  if (n === 0) set(m.header, headers, 0);
  else {
    set(m.header, headers, w - headers);
    u8[w++] = 13;
    u8[w++] = 10;
  }
  set(m.start, start, w - start);
  if (hasCookie) {
    const h = w;
    for (let i = 0; i < n; i += 4) {
      if (lines[i + 2] === m.cookie.at && m.cookie.length >= 0) continue;
      w = copy(u8, w, lines[i]!, lines[i + 2]! + lines[i + 3]! + 2 - lines[i]!);
    }
    set(m.header, h, w - h);
  }
  if (n > 0) {
    const names = w;
    u8[w++] = 13;
    u8[w++] = 10;
    for (let i = 0; i < n; i += 4) {
      w = copy(u8, w, lines[i]!, lines[i + 1]!);
      u8[w++] = 13;
      u8[w++] = 10;
    }
    u8[w++] = 13;
    u8[w++] = 10;
    set(m.names, names, w - names);
  }
  free = w;
  return found;
}
/** Room for the URI's forms in the block `build` made last. */
let free = 0;

function setKnown(m: Message, known: number, at: number, length: number): void {
  if (known === H['cookie'] || known === H['set-cookie']) set(m.cookie, at, length);
  else if (known === H['content-type']) set(m.contentType, at, length);
  else if (known === H['content-length']) set(m.contentLength, at, length);
  else if (known === H['connection']) set(m.connection, at, length);
}

/** The request's own fields from the block: method, URI in its forms, host, … @returns bits of `Found`. */
export function requestFields(arena: Arena, head: Head, tx: HttpTransaction): number {
  const { u8 } = arena;
  const m = tx.request;
  let found = 0;
  const { at, length } = m.line;
  const end = at + length;
  let p = at;
  while (p < end && u8[p]! > 32) p++;
  set(tx.method, at, p - at);
  while (p < end && u8[p]! <= 32) p++;
  let e = end;
  while (e > p && u8[e - 1]! <= 32) e--;
  let last = e;
  while (last > p && u8[last - 1]! > 32) last--;
  // the last word is the protocol only when it looks so: spaces inside a URI are allowed
  if (last > p && (u8[last]! | 32) === 0x68 && (u8[last + 1]! | 32) === 0x74 && u8[last + 4] === 0x2f) {
    set(m.protocol, last, e - last);
    e = last;
    while (e > p && u8[e - 1]! <= 32) e--;
  }
  set(tx.uri, p, e - p);
  let host = -1,
    hostEnd = -1;
  let path = p;
  if (tx.connect) {
    host = p;
    hostEnd = e;
  } else if (u8[p] !== 0x2f) {
    let c = p;
    while (c < e && c < p + 12 && u8[c] !== 0x3a && u8[c] !== 0x2f) c++;
    if (c + 2 < e && u8[c] === 0x3a && u8[c + 1] === 0x2f && u8[c + 2] === 0x2f) {
      host = c + 3;
      hostEnd = host;
      while (hostEnd < e && u8[hostEnd] !== 0x2f && u8[hostEnd] !== 0x3f && u8[hostEnd] !== 0x23) hostEnd++;
      path = hostEnd;
    }
  }
  let q = path;
  while (q < e && u8[q] !== 0x3f && u8[q] !== 0x23) q++;
  let w = free;
  const normal = w;
  if (tx.connect) w = copy(u8, w, p, e - p);
  else {
    w += normalisePath(u8, path, q - path, w);
    if (q < e) w += percentDecode(u8, q, e - q, w, false, false);
  }
  set(tx.uriNormal, normal, w - normal);
  const decoded = w;
  w += decodeStable(u8, path, q - path, w, false);
  if (lastSeen() & Seen.Encoded && w > decoded && doubleEncoded(u8, path, e)) found |= Found.DoubleEncoded;
  if (q < e) w += decodeStable(u8, q, e - q, w, true);
  set(tx.uriDecoded, decoded, w - decoded);
  for (let i = 0; i < head.count; i++) {
    const k = head.known[i]!;
    if (k < 0 || head.firstOf[i] !== i) continue;
    const line = lineOf(m, head, i);
    if (line < 0) continue;
    const v = m.lines![line + 2]!,
      n = m.lines![line + 3]!;
    if (k === H['host']) set(tx.hostRaw, v, n);
    else if (k === H['user-agent']) set(tx.userAgent, v, n);
    else if (k === H['referer']) set(tx.referer, v, n);
    else if (k === H['accept']) set(tx.accept, v, n);
    else if (k === H['accept-encoding']) set(tx.acceptEncoding, v, n);
    else if (k === H['accept-language']) set(tx.acceptLanguage, v, n);
    else if (k === H['x-forwarded-for']) set(tx.forwarded, v, n);
  }
  if (host < 0 && tx.hostRaw.length >= 0) {
    host = tx.hostRaw.at;
    hostEnd = host + tx.hostRaw.length;
  } else if (host >= 0 && tx.hostRaw.length < 0) set(tx.hostRaw, host, hostEnd - host);
  if (host >= 0) {
    for (let i = host; i < hostEnd; i++) if (u8[i] === 0x40 && path > p) host = i + 1;
    let n = hostEnd - host;
    let colon = hostEnd - 1;
    while (colon > host && u8[colon]! >= 48 && u8[colon]! <= 57) colon--;
    if (colon > host && colon < hostEnd && u8[colon] === 0x3a && hostEnd - colon <= 6) {
      n = colon - host;
      if (hostEnd - colon > 1) {
        tx.port = 0;
        for (let i = colon + 1; i < hostEnd; i++) tx.port = tx.port * 10 + u8[i]! - 48;
      }
    }
    if (n > 256) n = 256; // room is reserved for one host name
    set(tx.host, w, n);
    for (let i = 0; i < n; i++) {
      const c = u8[host + i]!;
      u8[w++] = c >= 65 && c <= 90 ? c | 32 : c;
    }
  }
  return found;
}

function doubleEncoded(u8: Uint8Array, at: number, end: number): boolean {
  for (let i = at; i + 4 < end; i++) if (u8[i] === 0x25 && u8[i + 1] === 0x32 && u8[i + 2] === 0x35) return true;
  return false;
}

/** Index into `m.lines` of header `i` of the scan (repeated ones were joined into the first). */
function lineOf(m: Message, head: Head, i: number): number {
  let n = 0;
  for (let j = 0; j < i; j++) if (head.firstOf[j] === j) n += 4;
  return m.lines !== undefined && n < m.lines.length ? n : -1;
}

/** The response's own fields from the block. */
export function responseFields(arena: Arena, head: Head, tx: HttpTransaction): void {
  const { u8 } = arena;
  const m = tx.response;
  const { at, length } = m.line;
  const end = at + length;
  let p = at;
  while (p < end && u8[p]! > 32) p++;
  set(m.protocol, at, p - at);
  while (p < end && u8[p]! <= 32) p++;
  const s = p;
  while (p < end && u8[p]! > 32) p++;
  set(tx.statusText, s, p - s);
  while (p < end && u8[p]! <= 32) p++;
  set(tx.statusMessage, p, end - p);
  for (let i = 0; i < head.count; i++) {
    const k = head.known[i]!;
    if (k < 0 || head.firstOf[i] !== i) continue;
    const line = lineOf(m, head, i);
    if (line < 0) continue;
    const v = m.lines![line + 2]!,
      n = m.lines![line + 3]!;
    if (k === H['location']) set(tx.location, v, n);
    else if (k === H['server']) set(tx.server, v, n);
    else if (k === H['content-range']) set(tx.contentRange, v, n);
  }
}

const add = (t: BufferTable, id: number, s: Span): void => {
  if (s.length >= 0) t.add(id, s.at, s.length);
};

function addMessage(t: BufferTable, m: Message, perHeader: number): void {
  add(t, B['http.start'], m.start);
  add(t, B['http.header'], m.header);
  add(t, B['http.header.raw'], m.headerRaw);
  add(t, B['http.header_names'], m.names);
  add(t, B['http.cookie'], m.cookie);
  add(t, B['http.content_type'], m.contentType);
  add(t, B['http.content_len'], m.contentLength);
  add(t, B['http.connection'], m.connection);
  add(t, B['http.protocol'], m.protocol);
  if (m.lines) {
    for (let i = 0; i < m.lines.length; i += 4)
      t.add(perHeader, m.lines[i]!, m.lines[i + 2]! + m.lines[i + 3]! - m.lines[i]!);
  }
}

/** Puts the buffers of the request's head into the table. */
export function addRequest(t: BufferTable, tx: HttpTransaction): void {
  add(t, B['http.method'], tx.method);
  add(t, B['http.uri'], tx.uriNormal);
  add(t, B['http.uri.raw'], tx.uri);
  add(t, B['http.uri.decoded'], tx.uriDecoded);
  add(t, B['http.host'], tx.host);
  add(t, B['http.host.raw'], tx.hostRaw);
  add(t, B['http.user_agent'], tx.userAgent);
  add(t, B['http.referer'], tx.referer);
  add(t, B['http.accept'], tx.accept);
  add(t, B['http.accept_enc'], tx.acceptEncoding);
  add(t, B['http.accept_lang'], tx.acceptLanguage);
  add(t, B['http.request_line'], tx.request.line);
  addMessage(t, tx.request, B['http.request_header']);
}

/** Puts the buffers of the response's head into the table. */
export function addResponse(t: BufferTable, tx: HttpTransaction): void {
  add(t, B['http.stat_code'], tx.statusText);
  if (tx.status > 0) t.addNumber(B['http.stat_code'], tx.status);
  add(t, B['http.stat_msg'], tx.statusMessage);
  add(t, B['http.response_line'], tx.response.line);
  add(t, B['http.location'], tx.location);
  add(t, B['http.server'], tx.server);
  addMessage(t, tx.response, B['http.response_header']);
}
