import type { Direction, Flow } from '../../flow/flow.js';
import { hex, u32 } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';

/** Packets told of in one flow: a client asks the same for years. */
const MAX_EVENTS = 64;
const MODES = ['reserved', 'symmetric_active', 'symmetric_passive', 'client', 'server', 'broadcast', 'control', 'private'];

/** NTP (RFC 5905), with the control and private modes that amplification attacks use. */
class NtpParser implements AppParser {
  readonly protocol = 'ntp';
  private nextId = 0;

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    const version = (u8[at]! >> 3) & 7;
    const mode = u8[at]! & 7;
    const fields: Record<string, unknown> = { version, mode, mode_name: MODES[mode] };
    if (mode < 6 && length >= 48) {
      fields['stratum'] = u8[at + 1]!;
      fields['reference_id'] = hex(u8, at + 12, 4);
      if (mode === 4) fields['transmit_time'] = u32(u8, at + 40);
    } else if (mode === 6) fields['opcode'] = u8[at + 1]! & 31;
    // the request code of the private mode; 42 is MON_GETLIST_1 of CVE-2013-5211
    else if (mode === 7 && length >= 4) fields['request_code'] = u8[at + 3]!;
    const tx = new PlainTransaction(this.nextId++, 'ntp', fields);
    c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    if (tx.id < MAX_EVENTS) c.event(flow, 'ntp', fields, tx.id, d);
    return length;
  }
  gap(): boolean {
    return true;
  }
  end(): void {
    // every packet stands for itself
  }
}

export const ntp: ProtocolEntry = {
  protocol: 'ntp',
  transport: 'udp',
  ports: [123],
  identify: (u8, at, length, _d, onPort) => {
    if (length < 4) return -1;
    const version = (u8[at]! >> 3) & 7,
      mode = u8[at]! & 7;
    if (version < 1 || version > 4 || mode === 0) return -1;
    if (mode === 7 && length >= 8 && (u8[at]! & 0x80) !== 0) {
      // an answer of the private mode says how many items of what size follow: reflected to a victim on any port
      const items = ((u8[at + 4]! & 15) << 8) | u8[at + 5]!,
        size = ((u8[at + 6]! & 15) << 8) | u8[at + 7]!;
      if (items > 0 && items * size + 8 === length) return 1;
    }
    if (mode >= 6) return onPort ? 1 : -1;
    if (length < 48) return -1;
    if (onPort) return 1;
    // off its port: a client's empty packet of exact size, or an answer whose fields are possible
    const stratum = u8[at + 1]!;
    return length === 48 && (version === 3 || version === 4) && mode >= 3 && stratum <= 16 && u8[at + 2]! <= 17 && u8[at + 3]! >= 0xe0 ? 1 : -1;
  },
  isServers: (u8, at) => (u8[at]! & 7) === 4,
  create: () => new NtpParser(),
};
