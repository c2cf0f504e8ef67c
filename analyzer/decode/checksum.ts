import { A } from './anomalies.js';
import { type Packet, PROTOCOL } from './packet.js';

/** One's complement sum of [at, end), not folded (RFC 1071). */
function sum(u8: Uint8Array, at: number, end: number): number {
  let total = 0;
  const even = at + ((end - at) & ~1);
  for (; at < even; at += 2) total += (u8[at] << 8) | u8[at + 1];
  if (at < end) total += u8[at] << 8;
  return total;
}

function fold(total: number): number {
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

/** @returns the anomaly of the first wrong checksum (IPv4 header, TCP, UDP, ICMP), or -1. What was cut is not judged. */
export function badChecksum(u8: Uint8Array, p: Packet): number {
  if (p.ipVersion === 4 && fold(sum(u8, p.ipOffset, p.ipOffset + ((u8[p.ipOffset] & 15) << 2))) !== 0xffff) {
    return A['ipv4.invalid_checksum'];
  }
  if (p.cut > 0 || p.payloadMissing > 0) return -1;
  const at = p.transportOffset;
  const { protocol } = p;
  let end = p.payloadOffset + p.payloadLength;
  let anomaly: number;
  if (protocol === PROTOCOL.Tcp) anomaly = A['tcp.invalid_checksum'];
  else if (protocol === PROTOCOL.Udp) {
    // Zero means none (RFC 768); over IPv6 as well where tunnels send so (RFC 6935).
    if (u8[at + 6] === 0 && u8[at + 7] === 0) return -1;
    anomaly = A['udp.invalid_checksum'];
  } else if (protocol === PROTOCOL.Icmp) {
    return fold(sum(u8, at, p.limit)) === 0xffff ? -1 : A['icmpv4.invalid_checksum'];
  } else if (protocol === PROTOCOL.Icmpv6) {
    anomaly = A['icmpv6.invalid_checksum'];
    end = p.limit;
  } else return -1;
  const size = p.ipVersion === 4 ? 4 : 16;
  const length = end - at;
  const pseudo = sum(u8, p.srcOffset, p.srcOffset + size) + sum(u8, p.dstOffset, p.dstOffset + size) + protocol + length;
  return fold(pseudo + sum(u8, at, end)) === 0xffff ? -1 : anomaly;
}
