import { A } from './anomalies.js';
import { ipv4 } from './ipv4.js';
import { ipv6 } from './ipv6.js';
import type { Packet } from './packet.js';

const PPPOE = 6;
const SESSION_DATA = 0;
const PPP_IPV4 = 0x21;
const PPP_IPV6 = 0x57;

/** PPPoE session (RFC 2516 4): code 0 carries PPP. */
export function pppoe(u8: Uint8Array, p: Packet, at: number): void {
  if (at + PPPOE + 1 > p.limit) return p.flag(A['pppoe.pkt_too_small']);
  if (u8[at + 1] !== SESSION_DATA) return p.flag(A['pppoe.wrong_code']);
  const end = at + PPPOE + ((u8[at + 4] << 8) | u8[at + 5]);
  if (end < p.limit) p.limit = end; // Ethernet padding
  pppProtocol(u8, p, at + PPPOE);
}

/** PPP with HDLC address and control bytes in front (RFC 1662 3.1) or without. */
export function ppp(u8: Uint8Array, p: Packet, at: number): void {
  if (at + 2 > p.limit) return p.flag(A['ppp.pkt_too_small']);
  pppProtocol(u8, p, u8[at] === 0xff && u8[at + 1] === 0x03 ? at + 2 : at);
}

/** The protocol field is one byte where its lowest bit is set, else two (RFC 1661 2). */
function pppProtocol(u8: Uint8Array, p: Packet, at: number): void {
  if (at + 2 > p.limit) return p.flag(A['ppp.pkt_too_small']);
  const short = u8[at] & 1;
  const protocol = short ? u8[at] : (u8[at] << 8) | u8[at + 1];
  const next = at + (short ? 1 : 2);
  if (protocol === PPP_IPV4) {
    if (next + 20 > p.limit) return p.flag(A['ppp.ip4_pkt_too_small']);
    ipv4(u8, p, next);
  } else if (protocol === PPP_IPV6) {
    if (next + 40 > p.limit) return p.flag(A['ppp.ip6_pkt_too_small']);
    ipv6(u8, p, next);
  } else if (protocol < 0x4000) {
    // Network layers nobody sends over our links; 0x8021, 0xc021 … are control and fine.
    p.flag((protocol & 1) === 0 ? A['ppp.wrong_type'] : A['ppp.unsup_proto']);
  }
}
