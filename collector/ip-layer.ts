/**
 * Finds the outermost IP header of a captured packet: through VLAN, MPLS and PPPoE, not through tunnels. Enough to
 * split traffic by address; the analyzer decodes for itself.
 */
const ETHERNET = 1;
const NULL = 0;
const LOOP = 108;
const RAW = [12, 14, 101];
const SLL = 113;
const SLL2 = 276;
const IPV4 = 228;
const IPV6 = 229;

const TYPE_IPV4 = 0x0800;
const TYPE_IPV6 = 0x86dd;
/** Deeper stacks of tags and labels are not seen on a wire; the walk ends there. */
const MAX_TAGS = 8;

/** Offset of the IP header, absolute into `u8`, or -1 where there is none within what was captured. */
export function ipOffset(u8: Uint8Array, offset: number, captured: number, linktype: number): number {
  const end = offset + captured;
  switch (linktype) {
    case ETHERNET:
      return captured < 14 ? -1 : behindType(u8, (u8[offset + 12] << 8) | u8[offset + 13], offset + 14, end);
    case SLL:
      return captured < 16 ? -1 : behindType(u8, (u8[offset + 14] << 8) | u8[offset + 15], offset + 16, end);
    case SLL2:
      return captured < 20 ? -1 : behindType(u8, (u8[offset] << 8) | u8[offset + 1], offset + 20, end);
    case NULL:
    case LOOP:
      return ipAt(u8, offset + 4, end);
    case IPV4:
    case IPV6:
      return ipAt(u8, offset, end);
    default:
      return RAW.includes(linktype) ? ipAt(u8, offset, end) : -1;
  }
}

/** `at` when a whole fixed IP header of either version begins there, else -1. */
function ipAt(u8: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const version = u8[at] >> 4;
  if (version === 4) return end - at >= 20 ? at : -1;
  if (version === 6) return end - at >= 40 ? at : -1;
  return -1;
}

function behindType(u8: Uint8Array, type: number, at: number, end: number): number {
  for (let depth = 0; depth < MAX_TAGS; depth++) {
    switch (type) {
      case TYPE_IPV4:
      case TYPE_IPV6:
        return ipAt(u8, at, end);
      case 0x8100: // 802.1Q, 802.1ad, and the older numbers for stacked tags
      case 0x88a8:
      case 0x9100:
      case 0x9200:
        if (end - at < 4) return -1;
        type = (u8[at + 2] << 8) | u8[at + 3];
        at += 4;
        break;
      case 0x8847: // MPLS: labels up to the one with the bottom-of-stack bit, then IP by its version
      case 0x8848: {
        let labels = 0;
        while (end - at >= 4 && (u8[at + 2] & 1) === 0 && labels++ < MAX_TAGS) at += 4;
        return ipAt(u8, at + 4, end);
      }
      case 0x8864: { // PPPoE session: 6 bytes, then the PPP protocol
        if (end - at < 8) return -1;
        const protocol = (u8[at + 6] << 8) | u8[at + 7];
        return protocol === 0x0021 || protocol === 0x0057 ? ipAt(u8, at + 8, end) : -1;
      }
      default:
        return -1;
    }
  }
  return -1;
}
