import { A } from './anomalies.js';
import type { Packet } from './packet.js';

const HEADER = 8;

/** ICMP (RFC 792 and the IANA registry). Errors quote the packet they answer: `quoteOffset`. */
export function icmp(u8: Uint8Array, p: Packet, at: number): void {
  if (at + HEADER > p.limit) return p.flag(A['icmpv4.pkt_too_small']);
  const type = u8[at];
  const code = u8[at + 1];
  p.transportOffset = at;
  p.icmpType = type;
  p.icmpCode = code;
  p.payloadOffset = at + HEADER;
  p.payloadLength = p.limit - p.payloadOffset;
  p.payloadMissing = p.cut;
  switch (type) {
    case 3: // unreachable
      if (code > 15) p.flag(A['icmpv4.unknown_code']);
      return quote(u8, p, at + HEADER);
    case 4: // source quench
      if (code !== 0) p.flag(A['icmpv4.unknown_code']);
      return quote(u8, p, at + HEADER);
    case 5: // redirect
      if (code > 3) p.flag(A['icmpv4.unknown_code']);
      return quote(u8, p, at + HEADER);
    case 11: // time exceeded
      if (code > 1) p.flag(A['icmpv4.unknown_code']);
      return quote(u8, p, at + HEADER);
    case 12: // parameter problem
      if (code > 2) p.flag(A['icmpv4.unknown_code']);
      return quote(u8, p, at + HEADER);
    case 0: case 8: case 10: case 13: case 14: case 15: case 16: case 17: case 18:
      if (code !== 0) p.flag(A['icmpv4.unknown_code']);
      return;
    case 9: // router advertisement; 16 is Mobile IP's
      if (code !== 0 && code !== 16) p.flag(A['icmpv4.unknown_code']);
      return;
    case 30: case 31: case 32: case 33: case 34: case 35: case 36: case 37: case 38: case 39: case 40: case 41: case 42:
    case 43:
      return;
    default:
      p.flag(A['icmpv4.unknown_type']);
  }
}

function quote(u8: Uint8Array, p: Packet, at: number): void {
  if (at + 20 > p.limit) return p.flag(A['icmpv4.ipv4_trunc_pkt']);
  if (u8[at] >> 4 !== 4) return p.flag(A['icmpv4.ipv4_unknown_ver']);
  p.quoteOffset = at;
}
