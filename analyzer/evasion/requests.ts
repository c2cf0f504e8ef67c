import { gzipSync } from 'node:zlib';
import { conversation, type Frame } from './frame.js';

/** An HTTP request with its answer. */
export interface Exchange { method: string; target: string; fields: [name: string, value: string][]; body: Buffer; response: Buffer }

/** What the two sides say, in turn. */
export type Said = [fromClient: boolean, bytes: Uint8Array | string][];
export type Reword = (x: Exchange) => Said | undefined;

/** The first exchange of a conversation of HTTP/1; undefined when it is none. */
export function exchangeOf(frames: readonly Frame[]): Exchange | undefined {
  const first = frames.find((f) => f.payload.length > 0);
  if (!first) return undefined;
  const said = (fromClient: boolean): Buffer => {
    const seen = new Set<number>();
    const mine = frames.filter((f) => f.payload.length > 0 && (f.sport === first.sport && f.dport === first.dport) === fromClient && (fromClient || f.dport === first.sport));
    return Buffer.concat(mine.filter((f) => !seen.has(f.seq) && seen.add(f.seq)).map((f) => f.payload));
  };
  const request = said(true);
  const head = request.indexOf('\r\n\r\n');
  const [line, ...lines] = request.subarray(0, head).toString('latin1').split('\r\n');
  const m = /^([A-Z]+) (.+) HTTP\/1\.[01]$/s.exec(line ?? '');
  if (head < 0 || !m) return undefined;
  const fields = lines.map((l): [string, string] => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 1).trim()]);
  const length = Number(fields.find(([n]) => n.toLowerCase() === 'content-length')?.[1] ?? 0);
  return { method: m[1]!, target: m[2]!, fields, body: request.subarray(head + 4, head + 4 + length), response: said(false) };
}

const without = (fields: Exchange['fields'], ...names: string[]): Exchange['fields'] => fields.filter(([n]) => !names.includes(n.toLowerCase()));

function request(x: Exchange, change: Partial<Exchange & { version: string; end: string }> = {}): Buffer {
  const { method, target, fields, body, version = 'HTTP/1.1', end = '\r\n' } = { ...x, ...change };
  return Buffer.concat([Buffer.from(`${method} ${target} ${version}${end}${fields.map(([n, v]) => `${n}: ${v}${end}`).join('')}${end}`, 'latin1'), body]);
}

function chunked(body: Uint8Array, size: number, extension = '', trailer = ''): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    parts.push(Buffer.from(`${piece.length.toString(16)}${extension}\r\n`), Buffer.from(piece), Buffer.from('\r\n'));
  }
  parts.push(Buffer.from(`0\r\n${trailer}\r\n`));
  return Buffer.concat(parts);
}

const inChunks = (x: Exchange, body: Buffer, more: Exchange['fields'] = []): Buffer =>
  request(x, { body, fields: [...without(x.fields, 'content-length'), ['Transfer-Encoding', 'chunked'], ...more] });

/** Every letter and sign of the query (and of the path behind the first two segments) as %XX. */
function percent(target: string, times: number): string {
  const [path = '', ...rest] = target.split('?');
  const encode = (s: string): string => s.replace(/%(?![0-9a-fA-F]{2})|[^%&=/\w]|[a-zA-Z]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).replace(/%25(?=[0-9a-f]{2})/g, '%');
  let query = rest.join('?');
  for (let i = 0; i < times; i++) query = i === 0 ? query.replace(/(%[0-9a-fA-F]{2})|([a-zA-Z<>'"()\\. ])/g, (all, e: string | undefined) => e ?? encode(all)) : query.replace(/%/g, '%25');
  return query === '' ? path : `${path}?${query}`;
}

const hasQuery = (x: Exchange): boolean => x.target.includes('?');
const formBody = (x: Exchange): boolean => x.body.length > 0;
const PLAIN = 'GET /index.html HTTP/1.1\r\nHost: www.example.gov.cn\r\nUser-Agent: Mozilla/5.0\r\n\r\n';
const PAGE = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>hi</p>';

/** HPACK without tables: every field a literal that is never indexed (RFC 7541 6.2.3). */
function literal(name: string, value: string): Buffer {
  const text = (s: string): Buffer => {
    const b = Buffer.from(s, 'latin1');
    const size = b.length < 127 ? [b.length] : [127, ...((b.length - 127) < 128 ? [b.length - 127] : [((b.length - 127) & 127) | 128, (b.length - 127) >> 7])];
    return Buffer.concat([Buffer.from(size), b]);
  };
  return Buffer.concat([Buffer.from([0x10]), text(name), text(value)]);
}

function h2frame(type: number, flags: number, stream: number, data: Uint8Array): Buffer {
  const head = Buffer.from([data.length >> 16, data.length >> 8, data.length, type, flags, 0, 0, 0, stream]);
  return Buffer.concat([head, data]);
}

/** The same exchange in HTTP/2 by prior knowledge, the header block cut into continuations. */
function http2(x: Exchange): Said | undefined {
  const end = x.response.indexOf('\r\n\r\n');
  const [status, ...lines] = x.response.subarray(0, end).toString('latin1').split('\r\n');
  if (/transfer-encoding|content-encoding/i.test(lines.join('\n'))) return undefined;
  const host = x.fields.find(([n]) => n.toLowerCase() === 'host')?.[1] ?? 'h';
  const block = Buffer.concat([
    literal(':method', x.method), literal(':scheme', 'http'), literal(':authority', host), literal(':path', x.target),
    ...without(x.fields, 'host', 'connection').map(([n, v]) => literal(n.toLowerCase(), v)),
  ]);
  const answer = Buffer.concat([literal(':status', status!.split(' ')[1]!), ...lines.filter((l) => !/^connection/i.test(l)).map((l) => literal(l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 1).trim()))]);
  const settings = h2frame(4, 0, 0, new Uint8Array());
  const last = x.body.length === 0 ? 1 : 0;
  const half = block.length >> 1;
  const body = x.response.subarray(end + 4);
  return [
    [true, Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings, h2frame(1, last, 1, block.subarray(0, half)), h2frame(9, 4, 1, block.subarray(half)), ...(last ? [] : [h2frame(0, 1, 1, x.body)])])],
    [false, Buffer.concat([settings, h2frame(1, 4, 1, answer), h2frame(0, 1, 1, body)])],
  ];
}

/** Ways to say the same request; undefined where a way does not fit it. */
export const REQUEST_VARIANTS: Record<string, Reword> = {
  'said again': (x) => [[true, request(x)], [false, x.response]],
  'mixed case of field names': (x) => [[true, request(x, { fields: x.fields.map(([n, v], i) => [i % 2 ? n.toUpperCase() : n.toLowerCase(), v]) })], [false, x.response]],
  'bare LF': (x) => [[true, request(x, { end: '\n' })], [false, x.response]],
  'absolute URI': (x) => (x.target.startsWith('/') ? [[true, request(x, { target: `http://www.example.gov.cn${x.target}` })], [false, x.response]] : undefined),
  'folded fields': (x) => [[true, request(x, { fields: x.fields.map(([n, v]) => [n, /^(host|content-length|content-type)$/i.test(n) ? v : `\r\n ${v}`]) })], [false, x.response]],
  'tabs around values': (x) => [[true, request(x, { fields: x.fields.map(([n, v]) => [n, `\t ${v}\t`]) })], [false, x.response]],
  'long header before': (x) => [[true, request(x, { fields: [['X-Filler', 'a'.repeat(7000)], ...x.fields] })], [false, x.response]],
  'HTTP/1.0': (x) => [[true, request(x, { version: 'HTTP/1.0' })], [false, x.response]],
  'empty lines before': (x) => [[true, Buffer.concat([Buffer.from('\r\n\r\n'), request(x)])], [false, x.response]],
  'fifth of a pipeline': (x) => [[true, Buffer.concat([Buffer.from(PLAIN.repeat(4)), request(x)])], [false, Buffer.concat([Buffer.from(PAGE.repeat(4)), x.response])]],
  'pipelined with one behind': (x) => (/content-length/i.test(x.response.toString('latin1')) ? [[true, Buffer.concat([request(x), Buffer.from(PLAIN)])], [false, Buffer.concat([x.response, Buffer.from(PAGE)])]] : undefined),
  '100 Continue': (x) => (formBody(x) ? [[true, request(x, { body: Buffer.alloc(0), fields: [...x.fields, ['Expect', '100-continue']] })], [false, 'HTTP/1.1 100 Continue\r\n\r\n'], [true, x.body], [false, x.response]] : undefined),
  chunked: (x) => (formBody(x) ? [[true, inChunks(x, chunked(x.body, 64))], [false, x.response]] : undefined),
  'chunks of one byte': (x) => (formBody(x) ? [[true, inChunks(x, chunked(x.body.subarray(0, 6000), 1))], [false, x.response]] : undefined),
  'chunks with extensions and trailers': (x) => (formBody(x) ? [[true, inChunks(x, chunked(x.body, 7, ';name="value"', 'X-Trailer: yes\r\n'), [['Trailer', 'X-Trailer']])], [false, x.response]] : undefined),
  'gzip body': (x) => {
    if (!formBody(x)) return undefined;
    const body = gzipSync(x.body);
    return [[true, request(x, { body, fields: [...without(x.fields, 'content-length'), ['Content-Encoding', 'gzip'], ['Content-Length', String(body.length)]] })], [false, x.response]];
  },
  'gzip body in chunks': (x) => (formBody(x) ? [[true, inChunks(x, chunked(gzipSync(x.body), 9), [['Content-Encoding', 'gzip']])], [false, x.response]] : undefined),
  'response in chunks, gzip': (x) => {
    const end = x.response.indexOf('\r\n\r\n');
    const head = x.response.subarray(0, end).toString('latin1');
    if (/transfer-encoding|content-encoding/i.test(head) || end < 0) return undefined;
    const lines = head.split('\r\n').filter((l) => !/^content-length/i.test(l));
    return [[true, request(x)], [false, Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n`, 'latin1'), chunked(gzipSync(x.response.subarray(end + 4)), 11)])]];
  },
  'query percent-encoded': (x) => (hasQuery(x) ? [[true, request(x, { target: percent(x.target, 1) })], [false, x.response]] : undefined),
  'HTTP/2 in clear text': http2,
  'HTTP/2 after an upgrade': (x) => {
    const said = http2(x);
    if (!said) return undefined;
    return [[true, 'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n'],
      [false, 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
      ...said.map(([c, b]): [boolean, Uint8Array] => [c, shift(b as Buffer, c)])];
  },
};

/** Stream 1 is the upgraded request's own: the same frames on stream 3. */
function shift(bytes: Buffer, fromClient: boolean): Buffer {
  const out = Buffer.from(bytes);
  for (let at = fromClient ? 24 : 0; at + 9 <= out.length; at += 9 + out.readUIntBE(at, 3)) if (out[at + 8] === 1) out[at + 8] = 3;
  return out;
}

/** Double and triple encoding: only some servers decode so often, so only the attempt is certain. */
export const ENCODING_VARIANTS: Record<string, Reword> = {
  'query encoded twice': (x) => (hasQuery(x) ? [[true, request(x, { target: percent(x.target, 2) })], [false, x.response]] : undefined),
  'query encoded three times': (x) => (hasQuery(x) ? [[true, request(x, { target: percent(x.target, 3) })], [false, x.response]] : undefined),
  '%u encoding': (x) => (hasQuery(x) ? [[true, request(x, { target: percent(x.target, 1).replace(/%([0-7][0-9a-f])/g, '%u00$1') })], [false, x.response]] : undefined),
  'overlong UTF-8': (x) => (/\.\.\//.test(x.target) ? [[true, request(x, { target: x.target.replace(/\.\.\//g, '%c0%ae%c0%ae%c0%af') })], [false, x.response]] : undefined),
};

/** An exchange said another way, as packets. */
export function saying(said: Said, like: readonly Frame[]): Frame[] {
  const first = like.find((f) => f.payload.length > 0) ?? like[0]!;
  return conversation(said, { client: first.from, server: first.to, clientPort: first.sport, serverPort: first.dport, startUs: first.timeUs });
}
