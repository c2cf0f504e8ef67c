import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { isExactly, latin, text } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { addString } from '../tls/tls.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';

/** Head of one message; UDP can't carry more. */
const MAX_HEAD = 65536;
/** Registrations under way in one flow, to tell how their logins went. */
const MAX_CALLS = 64;
/** Headers of one name shown to rules. */
const MAX_SAME = 16;
/** Headers that rules name, long and short (RFC 3261 7.3.3). */
const HEADERS = [
  ['From|f', B['sip.from']], ['To|t', B['sip.to']], ['Via|v', B['sip.via']], ['User-Agent', B['sip.user_agent']], ['Content-Type|c', B['sip.content_type']], ['Content-Length|l', B['sip.content_length']],
] as const;
const METHODS = 'REGISTER INVITE ACK BYE CANCEL UPDATE REFER PRACK SUBSCRIBE NOTIFY PUBLISH MESSAGE INFO OPTIONS'.split(' ');

/** SIP (RFC 3261) over datagrams and streams. */
class SipParser implements AppParser {
  readonly protocol = 'sip';
  private nextId = 0;
  private readonly skip: [number, number] = [0, 0];
  /** Users who sent credentials, by Call-ID and CSeq. */
  private readonly logins = new Map<string, { user: string; method: string }>();
  constructor(private readonly stream: boolean) {}

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    let used = 0;
    while (used < length) {
      const p = at + used;
      if (this.skip[d] > 0) {
        const n = Math.min(this.skip[d], length - used);
        this.skip[d] -= n;
        used += n;
        continue;
      }
      if (u8[p] === 13 || u8[p] === 10) {
        used++; // keep-alives between messages
        continue;
      }
      const end = headEnd(u8, p, at + length);
      if (end < 0) {
        if (!this.stream) this.message(c, flow, d, p, length - used);
        else if (length - used < MAX_HEAD) break;
        return this.stream ? -1 : length;
      }
      const body = this.message(c, flow, d, p, end - p);
      used = end - at;
      if (!this.stream) return length;
      this.skip[d] = body;
    }
    return used;
  }

  /** One message's head. @returns length of the body. */
  private message(c: AppContext, flow: Flow, _d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    let e = at;
    while (e < at + length && u8[e] !== 10) e++;
    const lineLength = (e > at && u8[e - 1] === 13 ? e - 1 : e) - at;
    const line = text(u8, at, Math.min(lineLength, 4096));
    const header = text(u8, at, Math.min(length, 8192));
    const value = (name: string): string | undefined =>
      new RegExp(`^(?:${name})[ \\t]*:[ \\t]*([^\\r\\n]*)`, 'im').exec(header)?.[1];
    for (const [name, id] of HEADERS) {
      const pattern = new RegExp(`^(?:${name})[ \\t]*:[ \\t]*([^\\r\\n]*)`, 'gim');
      for (let found = pattern.exec(header), n = 0; found && n < MAX_SAME; found = pattern.exec(header), n++) addString(c, id, found[1]!.trim());
    }
    const bodyLength = Number(value('Content-Length|l') ?? 0);
    const response = /^SIP\/\d\.\d (\d{3}) ?(.*)$/.exec(line);
    const fields: Record<string, unknown> = {};
    const tx = new PlainTransaction(this.nextId++, 'sip', fields);
    const call = `${value('Call-ID|i') ?? ''} ${value('CSeq') ?? ''}`;
    if (response) {
      const code = response[1]!;
      Object.assign(fields, { version: line.slice(0, 7), code, reason: response[2], response_line: line });
      c.buffers.add(B['sip.response_line'], at, lineLength);
      c.buffers.add(B['sip.protocol'], at, 7);
      c.buffers.add(B['sip.stat_code'], at + 8, 3);
      if (lineLength > 12) c.buffers.add(B['sip.stat_msg'], at + 12, lineLength - 12);
      c.inspect(flow, tx, Stage.ResponseHead);
      c.event(flow, 'sip', fields, tx.id, 1);
      const login = this.logins.get(call);
      if (login && code >= '200') {
        this.logins.delete(call);
        const result = code < '300' ? 'success' : /^40[137]/.test(code) ? 'failure' : 'unknown';
        c.event(flow, 'auth', { protocol: 'sip', user: login.user, result, confidence: 0.95, method: login.method }, tx.id, 0);
      }
      return bodyLength >= 0 && bodyLength < 1 << 20 ? bodyLength : 0;
    }
    const m = /^([A-Za-z-]{2,20}) (\S*)(?: (SIP\/\d\.\d))?$/.exec(line);
    if (m) {
      Object.assign(fields, { method: m[1], uri: m[2], version: m[3], request_line: line });
      const uri = at + m[1]!.length + 1;
      c.buffers.add(B['sip.method'], at, m[1]!.length);
      let u = uri;
      while (u < at + lineLength && u8[u] !== 32) u++;
      c.buffers.add(B['sip.uri'], uri, u - uri);
      if (m[3] !== undefined) c.buffers.add(B['sip.protocol'], at + lineLength - 7, 7);
    }
    c.buffers.add(B['sip.request_line'], at, lineLength);
    const agent = value('User-Agent');
    if (agent !== undefined) fields['user_agent'] = agent;
    c.inspect(flow, tx, Stage.RequestHead);
    c.event(flow, 'sip', fields, tx.id, 0);
    const auth = value('Authorization|Proxy-Authorization');
    if (auth !== undefined) {
      if (this.logins.size >= MAX_CALLS) this.logins.delete(this.logins.keys().next().value!);
      this.logins.set(call, {
        user: /username="([^"]{0,128})"/i.exec(auth)?.[1] ?? '',
        method: /^(\w{1,16})/.exec(auth)?.[1]?.toLowerCase() ?? 'digest',
      });
    }
    return bodyLength >= 0 && bodyLength < 1 << 20 ? bodyLength : 0;
  }

  gap(_c: AppContext, _flow: Flow, d: Direction, missing: number): boolean {
    if (!this.stream) return true;
    if (this.skip[d] < missing) return false;
    this.skip[d] -= missing;
    return true;
  }
  end(): void {
    // every message was told of when its head was whole
  }
}

/** One past the blank line, or -1. */
function headEnd(u8: Uint8Array, at: number, end: number): number {
  for (let p = at; p + 1 < end; p++) {
    if (u8[p] === 10 && (u8[p + 1] === 10 || (u8[p + 1] === 13 && u8[p + 2] === 10 && p + 2 < end)))
      return p + (u8[p + 1] === 10 ? 2 : 3);
  }
  return -1;
}

function identify(u8: Uint8Array, at: number, length: number): 1 | 0 | -1 {
  // All begin with a capital letter.
  if (length > 0 && (u8[at]! < 0x41 || u8[at]! > 0x5a)) return -1;
  const n = Math.min(length, 9);
  const start = latin(u8, at, n);
  if (start.startsWith('SIP/2.0 ')) return 1;
  if (n < 8 && 'SIP/2.0 '.startsWith(start)) return 0;
  const method = METHODS.find((m) => start.startsWith(`${m} `));
  if (!method) return n < 9 && METHODS.some((m) => `${m} `.startsWith(start)) ? 0 : -1;
  const p = at + method.length + 1;
  const end = at + length;
  let e = p;
  while (e < end && u8[e] !== 10 && e < p + 2048) e++;
  if (e === end) return 0;
  const q = u8[e - 1] === 13 ? e - 1 : e;
  return isExactly(u8, q - 7, end, 'SIP/2.0') ? 1 : -1;
}

export const sipUdp: ProtocolEntry = {
  protocol: 'sip',
  transport: 'udp',
  ports: [5060],
  identify: (u8, at, length) => (identify(u8, at, length) === 1 ? 1 : -1),
  isServers: (u8, at, length) => isExactly(u8, at, at + length, 'SIP/2.0'),
  create: () => new SipParser(false),
};
export const sipTcp: ProtocolEntry = { ...sipUdp, transport: 'tcp', identify, create: () => new SipParser(true) };
