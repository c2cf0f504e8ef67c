import { type Packet, PROTOCOL } from './packet.js';

/**
 * Reads the addresses and ports of a packet that an ICMP error quotes: at least its IP header and 8 bytes (RFC 792;
 * RFC 4443 as much as fits). @returns false when there is too little.
 */
export function readQuote(u8: Uint8Array, q: Packet, at: number): boolean {
  let transport: number;
  if (u8[at] >> 4 === 4) {
    transport = at + ((u8[at] & 15) << 2);
    q.ipVersion = 4;
    q.protocol = u8[at + 9];
    q.srcOffset = at + 12;
    q.dstOffset = at + 16;
    if (((u8[at + 6] & 0x1f) | u8[at + 7]) !== 0) return false;
  } else {
    transport = at + 40;
    q.ipVersion = 6;
    q.protocol = u8[at + 6];
    q.srcOffset = at + 8;
    q.dstOffset = at + 24;
  }
  if (transport + 8 > q.limit || transport < at + 20) return false;
  if (q.protocol === PROTOCOL.Tcp || q.protocol === PROTOCOL.Udp || q.protocol === PROTOCOL.Sctp) {
    q.srcPort = (u8[transport] << 8) | u8[transport + 1];
    q.dstPort = (u8[transport + 2] << 8) | u8[transport + 3];
  } else if (q.protocol === PROTOCOL.Icmp || q.protocol === PROTOCOL.Icmpv6) {
    q.srcPort = (u8[transport + 4] << 8) | u8[transport + 5];
    q.dstPort = q.srcPort;
  }
  q.transportOffset = transport;
  return true;
}
