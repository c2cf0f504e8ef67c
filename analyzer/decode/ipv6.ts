import { A } from './anomalies.js';
import { enterTunnel, toIpProtocol } from './dispatch.js';
import { type Packet, PROTOCOL, TUNNEL } from './packet.js';
import { tcp } from './tcp.js';
import { udp } from './udp.js';

const HEADER = 40;
/** More extension headers than this in one packet are an attack on whoever walks them. */
const MAX_EXTENSIONS = 12;

/** IPv6 with its extension headers (RFC 8200). */
export function ipv6(u8: Uint8Array, p: Packet, at: number): void {
  const limit = p.limit;
  if (at + HEADER > limit) return p.flag(A['ipv6.pkt_too_small']);
  if (u8[at] >> 4 !== 6) return p.flag(A['ipv6.wrong_ip_version']);
  let length = (u8[at + 4] << 8) | u8[at + 5];
  // Offload or a jumbogram: 0 with data behind.
  if (length === 0 && limit - at > 1500) length = limit - at - HEADER;
  const end = at + HEADER + length;
  p.ipVersion = 6;
  p.ipOffset = at;
  p.srcOffset = at + 8;
  p.dstOffset = at + 24;
  p.tos = ((u8[at] & 15) << 4) | (u8[at + 1] >> 4);
  p.ttl = u8[at + 7];
  p.protocol = u8[at + 6];
  p.ipPayloadOffset = at + HEADER;
  p.ipEnd = end;
  if (end <= limit) p.limit = end;
  else {
    p.flag(A['ipv6.trunc_pkt']);
    p.ipEnd = limit;
    if (p.end - p.start >= p.wireLength) return;
    p.cut = end - limit;
  }
  extensions(u8, p, at + HEADER, u8[at + 6], at + 6);
}

/** @param pointer offset of the next-header byte that named the header at `at`. */
function extensions(u8: Uint8Array, p: Packet, at: number, next: number, pointer: number): void {
  let seen = 0;
  for (let count = 0; count < MAX_EXTENSIONS; count++) {
    p.protocol = next;
    p.ipPayloadOffset = at;
    // Nothing where the next header should begin.
    if (count > 0 && at + 2 > p.limit && next !== PROTOCOL.NoNext) return p.flag(A['ipv6.trunc_exthdr']);
    switch (next) {
      case PROTOCOL.Tcp:
        return tcp(u8, p, at);
      case PROTOCOL.Udp:
        return udp(u8, p, at);
      case PROTOCOL.NoNext:
        if (at < p.limit) p.flag(A['ipv6.data_after_none_header']);
        return;
      case PROTOCOL.Fragment: {
        if (at + 8 > p.limit) return p.flag(A['ipv6.trunc_exthdr']);
        if (seen & 1) p.flag(A['ipv6.exthdr_dupl_fh']);
        seen |= 1;
        const field = (u8[at + 2] << 8) | u8[at + 3];
        if (u8[at + 1] !== 0 || (field & 6) !== 0) p.flag(A['ipv6.fh_non_zero_reserved_field']);
        // RFC 6946: offset 0 without more is a whole datagram, not a fragment.
        if ((field & 0xfff9) !== 0) {
          p.fragment = 1;
          p.fragmentOffset = field & 0xfff8;
          p.fragmentMore = field & 1;
          p.fragmentId = (u8[at + 4] << 24) | (u8[at + 5] << 16) | (u8[at + 6] << 8) | u8[at + 7];
          p.fragmentHeader = at;
          p.fragmentPointer = pointer;
          p.protocol = u8[at];
          p.ipPayloadOffset = at + 8;
          if (p.fragmentMore && (p.limit - at - 8 + p.cut) % 8 !== 0) p.flag(A['ipv6.frag_invalid_length']);
          return;
        }
        p.flag(A['ipv6.exthdr_useless_fh']);
        pointer = at;
        next = u8[at];
        at += 8;
        break;
      }
      case PROTOCOL.HopByHop:
      case PROTOCOL.DestinationOptions:
      case PROTOCOL.Routing:
      case PROTOCOL.Mobility:
      case PROTOCOL.Hip:
      case PROTOCOL.Shim6: {
        if (at + 8 > p.limit) return p.flag(A['ipv6.trunc_exthdr']);
        const size = (u8[at + 1] + 1) << 3;
        if (at + size > p.limit) return p.flag(A['ipv6.trunc_exthdr']);
        if (next === PROTOCOL.Routing) {
          if (seen & 2) p.flag(A['ipv6.exthdr_dupl_rh']);
          seen |= 2;
          if (u8[at + 2] === 0) p.flag(A['ipv6.rh_type_0']); // RFC 5095: deprecated, an attack
        } else if (next === PROTOCOL.HopByHop) {
          if (seen & 4) p.flag(A['ipv6.exthdr_dupl_hh']);
          seen |= 4;
          if (!options(u8, p, at + 2, at + size, true)) return;
        } else if (next === PROTOCOL.DestinationOptions) {
          // Twice is allowed: before a routing header and last (RFC 8200 4.1).
          if (seen & 16) p.flag(A['ipv6.exthdr_dupl_dh']);
          seen |= seen & 8 ? 16 : 8;
          if (!options(u8, p, at + 2, at + size, false)) return;
        }
        pointer = at;
        next = u8[at];
        at += size;
        break;
      }
      case PROTOCOL.Ah: {
        if (at + 12 > p.limit) return p.flag(A['ipv6.trunc_exthdr']);
        if (seen & 32) p.flag(A['ipv6.exthdr_dupl_ah']);
        seen |= 32;
        if (u8[at + 2] !== 0 || u8[at + 3] !== 0) p.flag(A['ipv6.exthdr_ah_res_not_null']);
        const size = (u8[at + 1] + 2) << 2;
        if (at + size > p.limit) return p.flag(A['ipv6.trunc_exthdr']);
        pointer = at;
        next = u8[at];
        at += size;
        break;
      }
      default:
        if (!toIpProtocol(u8, p, at, next)) {
          p.payloadOffset = at;
          p.payloadLength = p.limit - at;
          p.payloadMissing = p.cut;
          p.flag(next === PROTOCOL.Icmp ? A['ipv6.icmpv4'] : A['ipv6.unknown_next_header']);
        }
        return;
    }
  }
  p.flag(A.too_many_layers);
}

/** Options of hop-by-hop and destination headers (RFC 8200 4.2). @returns false when they cannot be walked. */
function options(u8: Uint8Array, p: Packet, at: number, end: number, hop: boolean): boolean {
  let real = 0;
  while (at < end) {
    const kind = u8[at];
    if (kind === 0) {
      at++;
      continue;
    }
    if (at + 2 > end || at + 2 + u8[at + 1] > end) {
      p.flag(A['ipv6.exthdr_invalid_optlen']);
      return false;
    }
    const length = u8[at + 1];
    if (kind === 1) {
      if (length === 0) p.flag(A['ipv6.zero_len_padn']);
    } else {
      real++;
      // Router alert, jumbo payload, home address, tunnel limit, quick start, RPL, CALIPSO, SMF, ILNP.
      const known = kind === 0x05 || kind === 0xc2 || kind === 0xc9 || kind === 0x04 || kind === 0x26 || kind === 0x63 ||
        kind === 0x07 || kind === 0x08 || kind === 0x8b;
      if (!known) p.flag(hop ? A['ipv6.hopopts_unknown_opt'] : A['ipv6.dstopts_unknown_opt']);
    }
    at += 2 + length;
  }
  if (real === 0) p.flag(hop ? A['ipv6.hopopts_only_padding'] : A['ipv6.dstopts_only_padding']);
  return true;
}

/** IPv6 inside IPv4 (RFC 4213, 6to4) or inside IPv6 (RFC 2473). */
export function ipv6InIp(u8: Uint8Array, p: Packet, at: number): void {
  if (p.ipVersion === 6) {
    if (at + HEADER > p.limit) return p.flag(A['ipv6.ipv6_in_ipv6_too_small']);
    if (u8[at] >> 4 !== 6) return p.flag(A['ipv6.ipv6_in_ipv6_wrong_version']);
  }
  if (enterTunnel(p, p.ipVersion === 6 ? TUNNEL['6in6'] : TUNNEL['6in4'])) ipv6(u8, p, at);
}
