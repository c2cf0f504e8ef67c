import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { text } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';
import { addString } from '../tls/tls.js';
import { element, integer, valueAt, valueEnd } from './ber.js';

const PDUS: Record<number, string> = {
  0xa0: 'get_request',
  0xa1: 'get_next_request',
  0xa2: 'response',
  0xa3: 'set_request',
  0xa4: 'trap_v1',
  0xa5: 'get_bulk_request',
  0xa6: 'inform_request',
  0xa7: 'trap_v2',
  0xa8: 'report',
};

/** Names told of in one message; a bulk request's answer has up to some hundred. */
const MAX_VARS = 64;
const TRAPS = ['coldStart', 'warmStart', 'linkDown', 'linkUp', 'authenticationFailure', 'egpNeighborLoss', 'enterpriseSpecific'];

/** An object identifier in dots (X.690 8.19). */
function oid(u8: Uint8Array, at: number, end: number): string {
  const parts: number[] = [];
  let v = 0;
  for (let p = at; p < end && parts.length < 128; p++) {
    v = v * 128 + (u8[p]! & 127);
    if (u8[p]! >= 128) continue;
    if (parts.length === 0) parts.push(Math.min(2, Math.floor(v / 40)), v < 80 ? v % 40 : v - 80);
    else parts.push(v);
    v = 0;
  }
  return parts.join('.');
}

/** SNMP 1, 2c (community) and 3 (user name of the security model). */
class SnmpParser implements AppParser {
  readonly protocol = 'snmp';
  private nextId = 0;
  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    const end = at + length;
    if (element(u8, at, end) !== 0x30 || element(u8, valueAt(), end) !== 2) return length;
    const version = integer(u8, valueAt(), valueEnd());
    const o: Record<string, unknown> = { version: version === 3 ? 3 : version + 1 };
    const tag = element(u8, valueEnd(), end);
    if (version < 3 && tag === 4) {
      o['community'] = text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 128));
      c.buffers.add(B['snmp.community'], valueAt(), valueEnd() - valueAt());
      this.pdu(c, o, element(u8, valueEnd(), end));
    } else if (
      version === 3 &&
      tag === 0x30 &&
      element(u8, valueEnd(), end) === 4 &&
      element(u8, valueAt(), end) === 0x30
    ) {
      const to = valueEnd();
      const after = to;
      let p = valueAt();
      for (let i = 0; i < 4 && p < to; i++) {
        if (element(u8, p, to) < 0) break;
        p = valueEnd();
        if (i !== 3) continue;
        o['usm'] = text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 64));
        c.buffers.add(B['snmp.usm'], valueAt(), valueEnd() - valueAt());
      }
      // the scoped PDU: context engine, context name, PDU; an octet string when it is encrypted
      if (element(u8, after, end) === 0x30) {
        const scope = valueEnd();
        if (element(u8, valueAt(), scope) === 4 && element(u8, valueEnd(), scope) === 4)
          this.pdu(c, o, element(u8, valueEnd(), scope));
      } else o['pdu_type'] = 'encrypted';
    }
    c.buffers.addNumber(B['snmp.version'], o['version'] as number);
    const tx = new PlainTransaction(this.nextId++, 'snmp', o);
    c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    c.event(flow, 'snmp', o, tx.id, d);
    return length;
  }
  /** The PDU just found: its type and the names in its variable bindings (RFC 3416 3, RFC 1157 4.1.6). */
  private pdu(c: AppContext, o: Record<string, unknown>, tag: number): void {
    const { u8 } = c.arena;
    let type = tag;
    // The number of the tag in a byte of its own (X.690 8.1.2.4), as some senders have it.
    if (tag === 0xbf) {
      const at = valueAt() - 1;
      if (u8[at]! > 30) return;
      type = 0xa0 + element(u8, at, at + u8[at + 1]! + 2);
    }
    if (PDUS[type] === undefined) return;
    o['pdu_type'] = PDUS[type];
    c.buffers.addNumber(B['snmp.pdu_type'], type - 0xa0);
    const end = valueEnd();
    let p = valueAt();
    if (type === 0xa4) {
      if (element(u8, p, end) === 6) o['trap_oid'] = oid(u8, valueAt(), valueEnd());
      if (element(u8, valueEnd(), end) === 0x40 && valueEnd() - valueAt() === 4) o['trap_address'] = u8.subarray(valueAt(), valueEnd()).join('.');
      if (element(u8, valueEnd(), end) === 2) o['trap_type'] = TRAPS[integer(u8, valueAt(), valueEnd())] ?? 'unknown';
      p = valueEnd();
      if (o['trap_oid'] !== undefined) addString(c, B['snmp.trap_oid'], o['trap_oid'] as string);
      if (o['trap_address'] !== undefined) addString(c, B['snmp.trap_address'], o['trap_address'] as string);
      if (element(u8, p, end) < 0) return; // specific
      if (element(u8, valueEnd(), end) < 0) return; // time
      p = valueEnd();
    } else {
      for (let i = 0; i < 3; i++) {
        if (element(u8, p, end) !== 2) return;
        p = valueEnd();
      }
    }
    if (element(u8, p, end) !== 0x30) return;
    const stop = valueEnd();
    const vars: string[] = [];
    for (p = valueAt(); p < stop && vars.length < MAX_VARS;) {
      if (element(u8, p, stop) !== 0x30) break;
      p = valueEnd();
      if (element(u8, valueAt(), p) === 6) vars.push(oid(u8, valueAt(), valueEnd()));
    }
    o['vars'] = vars;
  }

  gap(): boolean {
    return true;
  }
  end(): void {
    // nothing is kept
  }
}

export const snmp: ProtocolEntry = {
  protocol: 'snmp',
  transport: 'udp',
  ports: [161, 162],
  identify: (u8, at, length) => {
    if (length < 10 || element(u8, at, at + length) !== 0x30) return -1;
    const end = valueEnd();
    if (end !== at + length || element(u8, valueAt(), end) !== 2 || valueEnd() - valueAt() !== 1) return -1;
    const v = u8[valueAt()]!;
    const tag = element(u8, valueEnd(), end);
    return v < 2 ? (tag === 4 && PDUS[u8[valueEnd()]!] !== undefined ? 1 : -1) : v === 3 && tag === 0x30 ? 1 : -1;
  },
  create: () => new SnmpParser(),
};
