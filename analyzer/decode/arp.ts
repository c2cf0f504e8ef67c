import { A } from './anomalies.js';
import type { Packet } from './packet.js';

const HEADER = 8;
/** Header, and two pairs of Ethernet and IPv4 addresses (RFC 826). */
const LENGTH = 28;
export const ARP_SENDER_MAC = 8;
export const ARP_SENDER_IP = 14;
export const ARP_TARGET_MAC = 18;
export const ARP_TARGET_IP = 24;

/** ARP for IPv4 over Ethernet; operation in `p.icmpType`, addresses in `srcOffset`, `dstOffset`. */
export function arp(u8: Uint8Array, p: Packet, at: number): void {
  if (at + HEADER > p.limit) return p.flag(A['arp.pkt_too_small']);
  if (u8[at] !== 0 || u8[at + 1] !== 1) return p.flag(A['arp.unsupported_hardware']);
  if (u8[at + 2] !== 0x08 || u8[at + 3] !== 0x00) return p.flag(A['arp.unsupported_protocol']);
  if (u8[at + 4] !== 6) return p.flag(A['arp.invalid_hardware_size']);
  if (u8[at + 5] !== 4) return p.flag(A['arp.invalid_protocol_size']);
  if (at + LENGTH > p.limit) return p.flag(A['arp.pkt_too_small']);
  const operation = (u8[at + 6] << 8) | u8[at + 7];
  // Request, reply, and their reverse and inverse forms (RFC 903, RFC 2390).
  if (operation < 1 || (operation > 4 && operation !== 8 && operation !== 9)) p.flag(A['arp.unsupported_opcode']);
  p.arp = operation;
  p.arpOffset = at;
  p.srcOffset = at + ARP_SENDER_IP;
  p.dstOffset = at + ARP_TARGET_IP;
}
