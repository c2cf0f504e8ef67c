import { A } from './anomalies.js';
import { toEtherType } from './dispatch.js';
import { ipv4 } from './ipv4.js';
import { ipv6 } from './ipv6.js';
import type { Packet } from './packet.js';

const SLL_HEADER = 16;
const SLL2_HEADER = 20;

/** Linux "cooked" capture, as `tcpdump -i any` writes it (LINKTYPE_LINUX_SLL). */
export function sll(u8: Uint8Array, p: Packet, at: number): void {
  if (at + SLL_HEADER > p.limit) return p.flag(A['sll.pkt_too_small']);
  toEtherType(u8, p, at + SLL_HEADER, (u8[at + 14] << 8) | u8[at + 15]);
}

/** Its second version, with the interface index (LINKTYPE_LINUX_SLL2). */
export function sll2(u8: Uint8Array, p: Packet, at: number): void {
  if (at + SLL2_HEADER > p.limit) return p.flag(A['sll2.pkt_too_small']);
  toEtherType(u8, p, at + SLL2_HEADER, (u8[at] << 8) | u8[at + 1]);
}

/** IP without a link layer (LINKTYPE_RAW, IPV4, IPV6, and BSD's numbers for them). */
export function raw(u8: Uint8Array, p: Packet, at: number): void {
  if (at >= p.limit) return p.flag(A['ipv4.pkt_too_small']);
  const version = u8[at] >> 4;
  if (version === 4) ipv4(u8, p, at);
  else if (version === 6) ipv6(u8, p, at);
  else p.flag(A['ipraw.invalid_ip_version']);
}

/** Cisco HDLC (LINKTYPE_C_HDLC): address, control, EtherType; keep-alives of the line have types of their own. */
export function chdlc(u8: Uint8Array, p: Packet, at: number): void {
  if (at + 4 > p.limit) return p.flag(A['chdlc.pkt_too_small']);
  toEtherType(u8, p, at + 4, (u8[at + 2] << 8) | u8[at + 3]);
}

/** BSD loopback: the address family in the byte order of the machine that captured, or in network order (LOOP). */
export function loopback(u8: Uint8Array, p: Packet, at: number): void {
  if (at + 4 > p.limit) return p.flag(A['ltnull.pkt_too_small']);
  const family = u8[at] === 0 && u8[at + 1] === 0 ? (u8[at + 2] << 8) | u8[at + 3] : (u8[at + 1] << 8) | u8[at];
  // AF_INET everywhere; AF_INET6 of BSD, FreeBSD, macOS and Linux.
  if (family === 2) ipv4(u8, p, at + 4);
  else if (family === 24 || family === 28 || family === 30 || family === 10) ipv6(u8, p, at + 4);
  else p.flag(A['ltnull.unsupported_type']);
}
