import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { text } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';
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
      const pdu = element(u8, valueEnd(), end);
      if (PDUS[pdu] !== undefined) o['pdu_type'] = PDUS[pdu];
    } else if (
      version === 3 &&
      tag === 0x30 &&
      element(u8, valueEnd(), end) === 4 &&
      element(u8, valueAt(), end) === 0x30
    ) {
      const to = valueEnd();
      let p = valueAt();
      for (let i = 0; i < 4 && p < to; i++) {
        if (element(u8, p, to) < 0) break;
        p = valueEnd();
        if (i !== 3) continue;
        o['usm'] = text(u8, valueAt(), Math.min(valueEnd() - valueAt(), 64));
        c.buffers.add(B['snmp.usm'], valueAt(), valueEnd() - valueAt());
      }
    }
    const tx = new PlainTransaction(this.nextId++, 'snmp', o);
    c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    c.event(flow, 'snmp', o, tx.id, d);
    return length;
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
