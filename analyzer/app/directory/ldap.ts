import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { text } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';
import { LDAP_RESULTS } from './ldap-results.js';
import { findNtlm, ntlmType, readAuthenticate } from '../smb/ntlm.js';
import { addString } from '../tls/tls.js';
import { Tunnel } from '../tunnel.js';
import { element, integer, valueAt, valueEnd, wholeLength } from './ber.js';

const OPERATIONS: Record<number, string> = {
  0x60: 'bind_request',
  0x61: 'bind_response',
  0x42: 'unbind_request',
  0x63: 'search_request',
  0x64: 'search_result_entry',
  0x65: 'search_result_done',
  0x66: 'modify_request',
  0x67: 'modify_response',
  0x68: 'add_request',
  0x69: 'add_response',
  0x4a: 'del_request',
  0x6b: 'del_response',
  0x6c: 'mod_dn_request',
  0x6d: 'mod_dn_response',
  0x6e: 'compare_request',
  0x6f: 'compare_response',
  0x50: 'abandon_request',
  0x73: 'search_result_reference',
  0x77: 'extended_request',
  0x78: 'extended_response',
};
const MAX_RESPONSES = 16;
/** Attributes shown of a search or an entry, and values of each. */
const MAX_ATTRIBUTES = 64;
const MAX_VALUES = 4;

/** LDAP version 3 (RFC 4511). */
class LdapParser extends FrameProtocol {
  readonly protocol = 'ldap';
  private tx: PlainTransaction | undefined;
  private user = '';
  private method = '';
  /** Operations of the answers so far, the last few. */
  private readonly opcodes: number[] = [];
  private responses = 0;

  protected size(u8: Uint8Array, _d: Direction, at: number, length: number): number {
    return u8[at] === 0x30 ? wholeLength(u8, at, length) : -1;
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    element(u8, at, at + length);
    const end = Math.min(valueEnd() || at + length, at + length);
    if (element(u8, valueAt(), end) !== 2) return;
    const id = integer(u8, valueAt(), valueEnd());
    const op = element(u8, valueEnd(), end);
    if (op < 0) return;
    const name = OPERATIONS[op] ?? `0x${op.toString(16)}`;
    const body = valueAt(),
      bodyEnd = valueEnd();
    if (d === 0 && op !== 0x64) this.request(c, flow, id, op, name, body, bodyEnd);
    else this.response(c, flow, op, name, body, bodyEnd);
  }

  private request(c: AppContext, flow: Flow, id: number, op: number, name: string, at: number, end: number): void {
    const { u8 } = c.arena;
    this.done(c, flow);
    const request: Record<string, unknown> = { operation: name, message_id: id };
    const tx = (this.tx = new PlainTransaction(this.nextId++, 'ldap', { request }));
    let dn = '';
    if (op === 0x60) {
      element(u8, at, end); // version
      if (element(u8, valueEnd(), end) === 4) {
        dn = this.user = text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 256));
        const tag = element(u8, valueEnd(), end);
        this.method = tag === 0x80 ? 'simple' : 'sasl';
        const n = findNtlm(u8, at, end);
        if (n >= 0 && ntlmType(u8, n) === 3) {
          const who = readAuthenticate(u8, n, end);
          if (who) this.user = who.domain === '' ? who.user : `${who.domain}\\${who.user}`;
          this.method = 'ntlm';
        } else if (n >= 0) this.method = '';
        addString(c, B['auth.user'], this.user);
      }
      request['name'] = dn;
    } else if (op === 0x63) {
      if (element(u8, at, end) === 4) {
        dn = text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 512));
        request['base_object'] = dn;
      }
      request['search_request'] = this.search(c, dn, end);
      c.buffers.add(B['line'], at, end - at);
    } else if (op === 0x4a) dn = text(u8, at, Math.min(end - at, 512));
    else if (element(u8, at, end) >= 0) {
      dn = text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 512));
      if (op === 0x77) request['name'] = dn;
    }
    addString(c, B['ldap.request.operation'], name);
    c.buffers.addNumber(B['ldap.request.opcode'], op & 31);
    if (op !== 0x63) request[name] = op === 0x60 ? { name: dn } : { dn };
    if (dn !== '') addString(c, B['ldap.request.dn'], dn);
    c.inspect(flow, tx, Stage.RequestHead);
    if (op === 0x42) this.done(c, flow);
  }

  private response(c: AppContext, flow: Flow, op: number, name: string, at: number, end: number): void {
    const { u8 } = c.arena;
    const tx = (this.tx ??= new PlainTransaction(this.nextId++, 'ldap'));
    const response: Record<string, unknown> = { operation: name };
    const list = (tx.fields['responses'] ??= []) as unknown[];
    if (list.length < MAX_RESPONSES) list.push(response);
    c.buffers.add(B['line'], at, end - at);
    this.opcodes.push(op & 31);
    if (this.opcodes.length > MAX_RESPONSES) this.opcodes.shift();
    for (const code of this.opcodes) c.buffers.addNumber(B['ldap.responses.opcode'], code);
    c.buffers.addNumber(B['ldap.responses.count'], ++this.responses);
    if (op === 0x64) {
      if (element(u8, at, end) === 4) {
        response['dn'] = text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 512));
        c.buffers.add(B['ldap.responses.dn'], valueAt(), valueEnd() - valueAt());
        response['search_result_entry'] = { base_object: response['dn'], attributes: this.attributes(c, valueEnd(), end) };
      }
      c.inspect(flow, tx, Stage.ResponseBody);
      return;
    }
    const code = element(u8, at, end) === 10 ? integer(u8, valueAt(), valueEnd()) : -1;
    response['result_code'] = code;
    if (code >= 0) {
      const result: Record<string, unknown> = { result_code: LDAP_RESULTS[code] ?? `unknown-${code}` };
      c.buffers.addNumber(B['ldap.responses.result_code'], code);
      if (element(u8, valueEnd(), end) === 4) {
        result['matched_dn'] = text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 512));
        c.buffers.add(B['ldap.responses.dn'], valueAt(), valueEnd() - valueAt());
        if (element(u8, valueEnd(), end) === 4) {
          result['message'] = text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 512));
          c.buffers.add(B['ldap.responses.message'], valueAt(), valueEnd() - valueAt());
        }
      }
      response[name] = result;
    }
    c.inspect(flow, tx, Stage.ResponseHead);
    if (op === 0x61 && code !== 14) {
      if (this.user !== '' && this.method !== '') {
        c.event(
          flow,
          'auth',
          {
            protocol: 'ldap',
            user: this.user,
            result: code === 0 ? 'success' : code === 49 ? 'failure' : 'unknown',
            confidence: 0.99,
            method: this.method,
          },
          tx.id,
          0,
        );
      }
    }
    if (op === 0x78 && code === 0 && JSON.stringify(tx.fields['request'] ?? '').includes('1.3.6.1.4.1.1466.20037'))
      this.tunnel = new Tunnel('tls');
    if (op !== 0x73) this.done(c, flow);
  }

  /** What a search asks for: scope and attributes (RFC 4511 4.5.1). The base has just been read. */
  private search(c: AppContext, base: string, end: number): Record<string, unknown> {
    const { u8 } = c.arena;
    const scopes = ['base_object', 'single_level', 'whole_subtree'];
    const o: Record<string, unknown> = { base_object: base };
    let p = valueEnd();
    for (let i = 0; i < 6; i++) {
      // scope, aliases, size, time, types only, filter
      if (element(u8, p, end) < 0) return o;
      if (i === 0) o['scope'] = scopes[integer(u8, valueAt(), valueEnd())] ?? 'unknown';
      p = valueEnd();
    }
    if (element(u8, p, end) !== 0x30) return o;
    const stop = valueEnd();
    const attributes: string[] = [];
    for (p = valueAt(); p < stop && attributes.length < MAX_ATTRIBUTES && element(u8, p, stop) === 4; p = valueEnd()) {
      attributes.push(text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 128)));
      c.buffers.add(B['ldap.request.attribute_type'], valueAt(), valueEnd() - valueAt());
    }
    o['attributes'] = attributes;
    return o;
  }

  /** Attributes of an entry with their first values. */
  private attributes(c: AppContext, at: number, end: number): { type: string; values: string[] }[] {
    const { u8 } = c.arena;
    const list: { type: string; values: string[] }[] = [];
    if (element(u8, at, end) !== 0x30) return list;
    const stop = valueEnd();
    for (let p = valueAt(); p < stop && list.length < MAX_ATTRIBUTES;) {
      if (element(u8, p, stop) !== 0x30) break;
      const next = valueEnd();
      if (element(u8, valueAt(), next) !== 4) break;
      const one = { type: text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 128)), values: [] as string[] };
      c.buffers.add(B['ldap.responses.attribute_type'], valueAt(), valueEnd() - valueAt());
      if (element(u8, valueEnd(), next) === 0x31) {
        const last = valueEnd();
        for (let v = valueAt(); v < last && one.values.length < MAX_VALUES && element(u8, v, last) === 4; v = valueEnd()) one.values.push(text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 128)));
      }
      list.push(one);
      p = next;
    }
    return list;
  }

  private done(c: AppContext, flow: Flow): void {
    if (this.tx) c.event(flow, 'ldap', this.tx.fields, this.tx.id, 0);
    this.tx = undefined;
    this.opcodes.length = 0;
    this.responses = 0;
  }
  override end(c: AppContext, flow: Flow, d: Direction): void {
    super.end(c, flow, d);
    if (d === 1) this.done(c, flow);
  }
}

export const ldap: ProtocolEntry = {
  protocol: 'ldap',
  transport: 'tcp',
  ports: [389, 3268, 1389],
  identify: (u8, at, length) => {
    if (length < 1) return 0;
    if (u8[at] !== 0x30) return -1;
    if (length < 12)
      return length >= 7 && u8[at + 1]! < 0x80 && u8[at + 2] !== 2
        ? -1
        : u8[at + 1]! < 12 && length >= 7 && u8[at + 5] === 0x42
          ? 1
          : 0;
    if (element(u8, at, at + (1 << 22)) < 0) return -1;
    const end = at + length;
    if (element(u8, valueAt(), end) !== 2 || valueEnd() - valueAt() > 4 || valueEnd() >= end) return -1;
    const op = u8[valueEnd()]!;
    // a bind has its version 2 or 3 in front, a search its base: SNMP and Kerberos differ here
    if (op === 0x60) return element(u8, valueEnd(), at + (1 << 22)) > 0 && u8[valueAt()] === 2 ? 1 : -1;
    return OPERATIONS[op] !== undefined ? 1 : -1;
  },
  create: () => new LdapParser(),
};
