import { A } from './anomalies.js';
import { toUdpPort } from './dispatch.js';
import type { Packet } from './packet.js';

const HEADER = 8;

/** UDP (RFC 768), and the tunnels known by its ports. */
export function udp(u8: Uint8Array, p: Packet, at: number): void {
  if (at + HEADER > p.limit) return p.flag(A['udp.pkt_too_small']);
  const length = (u8[at + 4] << 8) | u8[at + 5];
  const available = p.limit - at;
  // 0 is legal only for jumbograms (RFC 2675); segmentation offload leaves it too.
  if (length !== 0 && length < HEADER) return p.flag(A['udp.len_invalid']);
  if (length > available + p.cut) return p.flag(A['udp.hlen_invalid']);
  p.transportOffset = at;
  p.srcPort = (u8[at] << 8) | u8[at + 1];
  p.dstPort = (u8[at + 2] << 8) | u8[at + 3];
  p.payloadOffset = at + HEADER;
  let missing = p.cut;
  let payload = available - HEADER;
  if (length !== 0 && length < available + p.cut) {
    // Bytes behind the datagram belong to nobody.
    p.flag(A['udp.len_invalid']);
    payload = Math.min(length, available) - HEADER;
    missing = Math.max(0, length - available);
  }
  p.payloadLength = payload;
  p.payloadMissing = missing;
  if (payload >= HEADER) toUdpPort(u8, p);
}
