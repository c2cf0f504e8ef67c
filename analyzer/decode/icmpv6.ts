import { A } from './anomalies.js';
import type { Packet } from './packet.js';

const HEADER = 4;
const QUOTE = 8;

/** ICMPv6 (RFC 4443 and the IANA registry). */
export function icmpv6(u8: Uint8Array, p: Packet, at: number): void {
  if (at + QUOTE > p.limit) return p.flag(A['icmpv6.pkt_too_small']);
  const type = u8[at];
  const code = u8[at + 1];
  p.transportOffset = at;
  p.icmpType = type;
  p.icmpCode = code;
  p.payloadOffset = at + HEADER;
  if (type >= 128) p.payloadOffset = at + QUOTE;
  p.payloadLength = p.limit - p.payloadOffset;
  p.payloadMissing = p.cut;
  if (type >= 1 && type <= 4) {
    if (code > MAX_ERROR_CODE[type]) p.flag(A['icmpv6.unknown_code']);
    const quote = at + QUOTE;
    p.payloadOffset = quote;
    p.payloadLength = p.limit - quote;
    if (quote + 40 > p.limit) p.flag(A['icmpv6.ipv6_trunc_pkt']);
    else if (u8[quote] >> 4 !== 6) p.flag(A['icmpv6.ipv6_unknown_version']);
    else p.quoteOffset = quote;
  } else if (type === 0 || (type >= 5 && type <= 99)) p.flag(A['icmpv6.unassigned_type']);
  else if (type === 100 || type === 101 || type === 200 || type === 201) p.flag(A['icmpv6.experimentation_type']);
  else if (type < 128 || type > 161) p.flag(A['icmpv6.unknown_type']);
  else if (code !== 0 && type !== 138 && type !== 139 && type !== 140 && type < 144) p.flag(A['icmpv6.unknown_code']);
}

/** Codes of unreachable, too big, time exceeded, parameter problem. */
const MAX_ERROR_CODE = [0, 7, 0, 1, 10];
