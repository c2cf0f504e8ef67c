import { A } from './anomalies.js';
import { toEtherType } from './dispatch.js';
import { ipv4 } from './ipv4.js';
import type { Packet } from './packet.js';

const HEADER = 14;
const TYPE = 12;
/** Values below are lengths of IEEE 802.3 frames (IEEE 802.3 3.2.6). */
export const MIN_ETHERTYPE = 0x600;

/** Ethernet II; 802.3/LLC frames (spanning tree and the like) end here. */
export function ethernet(u8: Uint8Array, p: Packet, at: number): void {
  if (at + HEADER > p.limit) return p.flag(A['ethernet.pkt_too_small']);
  p.etherOffset = at;
  const type = (u8[at + TYPE] << 8) | u8[at + TYPE + 1];
  if (type === 0x0800) {
    // A direct call: nearly every packet, and the table's indirect call costs a tenth of its decoding.
    p.etherType = type;
    p.layers++;
    ipv4(u8, p, at + HEADER);
  } else if (!toEtherType(u8, p, at + HEADER, type) && type >= MIN_ETHERTYPE) {
    p.etherType = type;
    p.flag(A['ethernet.unknown_ethertype']);
  }
}
