import { A } from './anomalies.js';
import { enterTunnel, looksLikeEthernet, toEtherType } from './dispatch.js';
import { ethernet } from './ethernet.js';
import { ipv4 } from './ipv4.js';
import { ipv6 } from './ipv6.js';
import { type Packet, TUNNEL } from './packet.js';

/*
 * Tunnels over UDP, known by their ports. Ports prove nothing, so each checks what must be fixed in its header before it
 * takes the packet from being a plain datagram.
 */

/** VXLAN (RFC 7348 5): flags 0x08, three reserved bytes, VNI, one reserved byte. */
export function vxlan(u8: Uint8Array, p: Packet, at: number): void {
  const next = at + 8;
  if (next + 14 > p.limit || (u8[at] & 0x08) === 0 || u8[at + 7] !== 0) return;
  // Group policy uses bits of the first three bytes; plain VXLAN has zeros there.
  if (u8[at] === 0x08 && (u8[at + 1] !== 0 || u8[at + 2] !== 0 || u8[at + 3] !== 0)) return;
  if (!looksLikeEthernet(u8, p, next)) return p.flag(A['vxlan.unknown_payload_type']);
  if (enterTunnel(p, TUNNEL.vxlan)) ethernet(u8, p, next);
}

/** Geneve (RFC 8926 3.4). */
export function geneve(u8: Uint8Array, p: Packet, at: number): void {
  if (at + 8 > p.limit || u8[at] >> 6 !== 0 || u8[at + 7] !== 0 || (u8[at + 1] & 0x3f) !== 0) return;
  const next = at + 8 + ((u8[at] & 0x3f) << 2);
  const type = (u8[at + 2] << 8) | u8[at + 3];
  if (next >= p.limit) return;
  if (type === 0x6558) {
    if (enterTunnel(p, TUNNEL.geneve)) ethernet(u8, p, next);
  } else if (type === 0x0800 || type === 0x86dd || type === 0x0806) {
    if (enterTunnel(p, TUNNEL.geneve)) toEtherType(u8, p, next, type);
  } else p.flag(A['geneve.unknown_payload_type']);
}

const GTP_T_PDU = 255;
/** Extension headers of one GTP-U packet; the radio side uses one or two. */
const MAX_GTP_EXTENSIONS = 8;

/** GTPv1-U (3GPP TS 29.281 5): T-PDUs carry an IP packet of a subscriber. */
export function gtpu(u8: Uint8Array, p: Packet, at: number): void {
  if (at + 8 > p.limit || u8[at] >> 4 !== 3 || u8[at + 1] !== GTP_T_PDU) return;
  const flags = u8[at] & 7;
  let next = at + 8;
  if (flags !== 0) {
    next += 4;
    let type = flags & 4 ? u8[at + 11] : 0;
    for (let count = 0; type !== 0; count++) {
      if (next >= p.limit || count === MAX_GTP_EXTENSIONS || u8[next] === 0) return;
      next += u8[next] << 2;
      if (next > p.limit) return;
      type = u8[next - 1];
    }
  }
  if (next >= p.limit) return;
  const version = u8[next] >> 4;
  if (version === 4 && next + 20 <= p.limit) {
    if (enterTunnel(p, TUNNEL.gtp)) ipv4(u8, p, next);
  } else if (version === 6 && next + 40 <= p.limit) {
    if (enterTunnel(p, TUNNEL.gtp)) ipv6(u8, p, next);
  }
}

/** Teredo (RFC 4380 5.1.1): optional authentication and origin headers, then IPv6. */
export function teredo(u8: Uint8Array, p: Packet, at: number): void {
  let next = at;
  if (next + 4 <= p.limit && u8[next] === 0 && u8[next + 1] === 1) next += 13 + u8[next + 2] + u8[next + 3];
  if (next + 8 <= p.limit && u8[next] === 0 && u8[next + 1] === 0) next += 8;
  if (next + 40 > p.limit || u8[next] >> 4 !== 6) return;
  const length = (u8[next + 4] << 8) | u8[next + 5];
  if (next + 40 + length !== p.limit + p.cut) return;
  if (enterTunnel(p, TUNNEL.teredo)) ipv6(u8, p, next);
}
