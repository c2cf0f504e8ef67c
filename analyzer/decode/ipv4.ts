import { A } from './anomalies.js';
import { enterTunnel, toIpProtocol } from './dispatch.js';
import { type Packet, TUNNEL } from './packet.js';
import { tcp } from './tcp.js';
import { udp } from './udp.js';

const HEADER = 20;
const TOTAL_LENGTH = 2;
const FRAGMENT = 6;
const PROTOCOL_AT = 9;
const MORE_FRAGMENTS = 0x2000;
const TCP = 6;
const UDP = 17;

/** IPv4 (RFC 791). */
export function ipv4(u8: Uint8Array, p: Packet, at: number): void {
  const limit = p.limit;
  if (at + HEADER > limit) return p.flag(A['ipv4.pkt_too_small']);
  const first = u8[at];
  if (first >> 4 !== 4) return p.flag(A['ipv4.wrong_ip_version']);
  const headerLength = (first & 15) << 2;
  if (headerLength < HEADER) return p.flag(A['ipv4.hlen_too_small']);
  let total = (u8[at + TOTAL_LENGTH] << 8) | u8[at + TOTAL_LENGTH + 1];
  // Segmentation offload leaves 0 in packets larger than the field can say; only the captured length tells.
  if (total === 0 && limit - at > 1500) total = limit - at;
  if (total < headerLength) return p.flag(A['ipv4.iplen_smaller_than_hlen']);
  const end = at + total;

  p.ipVersion = 4;
  p.ipOffset = at;
  p.srcOffset = at + 12;
  p.dstOffset = at + 16;
  p.tos = u8[at + 1];
  p.ipId = (u8[at + 4] << 8) | u8[at + 5];
  p.ttl = u8[at + 8];
  const protocol = u8[at + PROTOCOL_AT];
  p.protocol = protocol;
  p.ipPayloadOffset = at + headerLength;
  p.ipEnd = end;
  if (end <= limit) p.limit = end;
  else {
    p.flag(A['ipv4.trunc_pkt']);
    p.ipEnd = limit;
    // Cut by the snap length: the rest was on the wire, go on. Otherwise no stack would take it.
    if (p.end - p.start >= p.wireLength) return;
    p.cut = end - limit;
    if (at + headerLength > limit) return;
  }
  if (headerLength > HEADER && !options(u8, p, at + HEADER, at + headerLength)) return;

  const fragment = (u8[at + FRAGMENT] << 8) | u8[at + FRAGMENT + 1];
  if ((fragment & 0x3fff) !== 0) {
    p.fragment = 1;
    p.fragmentOffset = (fragment & 0x1fff) << 3;
    p.fragmentMore = fragment & MORE_FRAGMENTS;
    p.fragmentId = p.ipId;
    return;
  }
  if (protocol === TCP) tcp(u8, p, at + headerLength);
  else if (protocol === UDP) udp(u8, p, at + headerLength);
  else if (!toIpProtocol(u8, p, at + headerLength, protocol)) {
    p.payloadOffset = at + headerLength;
    p.payloadLength = p.limit - p.payloadOffset;
    p.payloadMissing = p.cut;
    p.flag(protocol === 58 ? A['ipv4.icmpv6'] : A['ipv4.unknown_protocol']);
  }
}

/** Option list (RFC 791 3.1): @returns false when it cannot be walked. */
function options(u8: Uint8Array, p: Packet, at: number, end: number): boolean {
  while (at < end) {
    const kind = u8[at];
    if (kind === 0) return true;
    if (kind === 1) {
      at++;
      continue;
    }
    if (at + 2 > end) {
      p.flag(A['ipv4.opt_malformed']);
      return false;
    }
    const length = u8[at + 1];
    if (length < 2 || at + length > end) {
      p.flag(A['ipv4.opt_invalid_len']);
      return false;
    }
    at += length;
  }
  return true;
}

/** IPv4 inside IP (RFC 2003, RFC 2473). */
export function ipip(u8: Uint8Array, p: Packet, at: number): void {
  if (p.ipVersion === 6) {
    if (at + HEADER > p.limit) return p.flag(A['ipv6.ipv4_in_ipv6_too_small']);
    if (u8[at] >> 4 !== 4) return p.flag(A['ipv6.ipv4_in_ipv6_wrong_version']);
  }
  if (enterTunnel(p, p.ipVersion === 6 ? TUNNEL['4in6'] : TUNNEL.ipip)) ipv4(u8, p, at);
}
