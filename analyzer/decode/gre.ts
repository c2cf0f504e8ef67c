import { A } from './anomalies.js';
import { enterTunnel, toEtherType } from './dispatch.js';
import { erspan, erspan1 } from './erspan.js';
import { ethernet } from './ethernet.js';
import { type Packet, TUNNEL } from './packet.js';
import { ppp } from './pppoe.js';

const HEADER = 4;
const CHECKSUM = 0x80;
const ROUTING = 0x40;
const KEY = 0x20;
const SEQUENCE = 0x10;
const STRICT_ROUTE = 0x08;
const RECURSION = 0x07;
const ACKNOWLEDGED = 0x80;
const TRANSPARENT_ETHERNET = 0x6558;
const ERSPAN = 0x88be;
const ERSPAN3 = 0x22eb;
const PPP = 0x880b;
/** Source routes that RFC 1701 headers may carry; each costs one step. */
const MAX_ROUTES = 16;

/** GRE (RFC 1701, 2784, 2890), its PPTP form (RFC 2637), and what runs over it: IP, Ethernet, NVGRE, ERSPAN, MPLS. */
export function gre(u8: Uint8Array, p: Packet, at: number): void {
  if (at + HEADER > p.limit) return p.flag(A['gre.pkt_too_small']);
  const flags = u8[at];
  const more = u8[at + 1];
  const type = (u8[at + 2] << 8) | u8[at + 3];
  const version = more & 7;
  let next = at + HEADER;
  if (version === 0) {
    if (flags & RECURSION) return p.flag(A['gre.version0_recur']);
    if (more & 0xf8) return p.flag(A['gre.version0_flags']);
    if (flags & (CHECKSUM | ROUTING)) next += 4;
    if (flags & KEY) next += 4;
    if (flags & SEQUENCE) next += 4;
    if (next > p.limit) return p.flag(A['gre.version0_hdr_too_big']);
    if (flags & ROUTING) {
      for (let count = 0; ; count++) {
        if (next + 4 > p.limit || count === MAX_ROUTES) return p.flag(A['gre.version0_malformed_sre_hdr']);
        const family = (u8[next] << 8) | u8[next + 1];
        const length = u8[next + 3];
        next += 4 + length;
        if (family === 0 && length === 0) break;
      }
      if (next > p.limit) return p.flag(A['gre.version0_malformed_sre_hdr']);
    }
  } else if (version === 1) {
    if (flags & CHECKSUM) return p.flag(A['gre.version1_chksum']);
    if (flags & ROUTING) return p.flag(A['gre.version1_route']);
    if (flags & STRICT_ROUTE) return p.flag(A['gre.version1_ssr']);
    if (flags & RECURSION) return p.flag(A['gre.version1_recur']);
    if (more & 0x78) return p.flag(A['gre.version1_flags']);
    if (type !== PPP) return p.flag(A['gre.version1_wrong_protocol']);
    if (!(flags & KEY)) return p.flag(A['gre.version1_no_key']);
    next += 4;
    if (flags & SEQUENCE) next += 4;
    if (more & ACKNOWLEDGED) next += 4;
    if (next > p.limit) return p.flag(A['gre.version1_hdr_too_big']);
    if (u8[at + 4] === 0 && u8[at + 5] === 0) return; // no payload: an acknowledgement
  } else return p.flag(A['gre.wrong_version']);

  if (type === ERSPAN) {
    if (!enterTunnel(p, TUNNEL.erspan)) return;
    // Without a sequence number it is type I, which has no header of its own.
    if (flags & SEQUENCE) erspan(u8, p, next);
    else erspan1(u8, p, next);
  } else if (type === ERSPAN3) {
    if (enterTunnel(p, TUNNEL.erspan)) erspan(u8, p, next);
  } else if (type === TRANSPARENT_ETHERNET) {
    // With a key it is NVGRE (RFC 7637): the virtual subnet's number.
    if (enterTunnel(p, flags & KEY ? TUNNEL.nvgre : TUNNEL.gre)) ethernet(u8, p, next);
  } else if (type === PPP) {
    if (enterTunnel(p, TUNNEL.gre)) ppp(u8, p, next);
  } else if (enterTunnel(p, TUNNEL.gre)) toEtherType(u8, p, next, type);
}
