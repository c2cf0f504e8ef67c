import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { findWord, indexOf, latin, u16, u16le, u32le, utf16 } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';
import { addString } from '../tls/tls.js';
import { Tunnel } from '../tunnel.js';

/** Static channels a client may ask for (MS-RDPBCGR 2.2.1.3.4). */
const MAX_CHANNELS = 31;
const PROTOCOLS: Record<number, string> = { 0: 'rdp', 1: 'ssl', 2: 'hybrid', 4: 'rdstls', 8: 'hybrid_ex' };

/** RDP_NEG_RSP flags and failure codes (MS-RDPBCGR 2.2.1.2.1, 2.2.1.2.2), as EVE words them. */
const SUPPORTS = ['extended_client_data', 'dynvc_gfx', 'nego_rsp_reserved', 'restricted_admin', 'restricted_authentication'];
const REASONS = [
  '',
  'ssl required by server',
  'ssl not allowed by server',
  'ssl cert not on server',
  'inconsistent flags',
  'hybrid required by server',
  'ssl with user auth required by server',
];

/** RDP's clear-text beginning: negotiation, then TLS, or the client's settings with its channels (MS-RDPBCGR 1.3.1.1). */
class RdpParser extends FrameProtocol {
  readonly protocol = 'rdp';

  protected size(u8: Uint8Array, _d: Direction, at: number, length: number): number {
    if (length < 4) return 0;
    if (u8[at] === 3) return Math.max(4, u16(u8, at + 2));
    // fast-path: one or two bytes of length
    return u8[at + 1]! & 0x80 ? Math.max(3, ((u8[at + 1]! & 0x7f) << 8) | u8[at + 2]!) : Math.max(2, u8[at + 1]!);
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    if (u8[at] !== 3 || length < 7) return;
    const end = at + length,
      kind = u8[at + 5]!;
    if (kind === 0xe0 && d === 0) {
      const o: Record<string, unknown> = { tx_id: this.nextId + 1, event_type: 'initial_request' };
      const tx = new PlainTransaction(this.nextId++, 'rdp', o);
      const k = findWord(u8, at + 11, end, 'cookie: mstshash=');
      if (k >= 0) {
        const e = indexOf(u8, 13, k, end);
        const from = k + 17,
          n = (e < 0 ? end : e) - from;
        o['cookie'] = latin(u8, from, n);
        c.buffers.add(B['rdp.cookie'], from, n);
      }
      c.inspect(flow, tx, Stage.RequestHead);
      c.event(flow, 'rdp', o, tx.id, 0);
    } else if (kind === 0xd0 && d === 1) {
      const tx = new PlainTransaction(this.nextId, 'rdp', { tx_id: ++this.nextId, event_type: 'initial_response' });
      const has = length >= 19;
      if (has && u8[at + 11] === 2) {
        const p = u32le(u8, at + 15);
        const flags = u8[at + 12]!;
        const supports = SUPPORTS.filter((_name, bit) => (flags & (1 << bit)) !== 0);
        if (supports.length > 0) tx.fields['server_supports'] = supports;
        tx.fields['protocol'] = PROTOCOLS[p] ?? String(p);
        if (p !== 0) this.tunnel = new Tunnel('tls');
      } else if (has && u8[at + 11] === 3) {
        tx.fields['error_code'] = u32le(u8, at + 15);
        tx.fields['reason'] = REASONS[u32le(u8, at + 15)] ?? 'unknown';
      }
      c.inspect(flow, tx, Stage.ResponseHead);
      c.event(flow, 'rdp', tx.fields, tx.id, 1);
    } else if (kind === 0xf0 && d === 0 && u8[at + 7] === 0x7f && u8[at + 8] === 0x65) this.settings(c, flow, at, end);
  }

  /** MCS Connect-Initial: client data blocks after the T.124 key "Duca". */
  private settings(c: AppContext, flow: Flow, at: number, end: number): void {
    const { u8 } = c.arena;
    const key = findWord(u8, at, end, 'duca');
    if (key < 0) return;
    let p = key + 4;
    p += u8[p]! & 0x80 ? 2 : 1;
    const channels: string[] = [];
    const o: Record<string, unknown> = { tx_id: this.nextId + 1, event_type: 'connect_request', channels };
    const tx = new PlainTransaction(this.nextId++, 'rdp', o);
    for (let i = 0; p + 4 <= end && i < 16; i++) {
      const type = u16le(u8, p),
        n = u16le(u8, p + 2);
      if (n < 4 || p + n > end) break;
      if (type === 0xc001 && n >= 64)
        o['client'] = {
          version: u32le(u8, p + 4) === 0x80001 ? 'v4' : 'v5',
          desktop_width: u16le(u8, p + 8),
          desktop_height: u16le(u8, p + 10),
          client_name: utf16(u8, p + 24, 32).split('\0')[0],
          keyboard_layout: u32le(u8, p + 16),
        };
      else if (type === 0xc003 && n >= 8) {
        const count = Math.min(u32le(u8, p + 4), MAX_CHANNELS);
        for (let k = 0; k < count && p + 8 + k * 12 + 12 <= p + n; k++) {
          const name = latin(u8, p + 8 + k * 12, 8).split('\0')[0]!;
          channels.push(name);
          addString(c, B['rdp.channel'], name);
        }
      }
      p += n;
    }
    c.inspect(flow, tx, Stage.RequestBody);
    c.event(flow, 'rdp', o, tx.id, 0);
  }
}

export const rdp: ProtocolEntry = {
  protocol: 'rdp',
  transport: 'tcp',
  ports: [3389],
  identify: (u8, at, length, d) => {
    if (length < 1) return 0;
    if (u8[at] !== 3 || (length > 1 && u8[at + 1] !== 0)) return -1;
    if (length < 7) return 0;
    const size = u16(u8, at + 2);
    if (size < 7 || u8[at + 5] !== (d === 0 ? 0xe0 : 0xd0) || u8[at + 4]! + 5 !== size) return -1;
    if (size < 12) return 1;
    if (length < 12) return 0;
    // Parameters for the size of a TPDU and for TSAPs: S7, MMS and other ISO applications. RDP has a cookie or a negotiation.
    return u8[at + 11]! >= 0xc0 && u8[at + 11]! <= 0xc2 ? -1 : 1;
  },
  create: () => new RdpParser(),
};
