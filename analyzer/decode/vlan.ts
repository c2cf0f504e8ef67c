import { A } from './anomalies.js';
import { toEtherType } from './dispatch.js';
import { MIN_ETHERTYPE } from './ethernet.js';
import type { Packet } from './packet.js';

const TAG = 4;
/** Three tags are the most that providers stack and that the flow key tells apart. */
export const MAX_VLANS = 3;

/** 802.1Q, 802.1ad and the older QinQ types: one tag, then whatever it wraps. */
export function vlan(u8: Uint8Array, p: Packet, at: number): void {
  if (at + TAG > p.limit) return p.flag(A['vlan.header_too_small']);
  if (!pushVlan(p, ((u8[at] & 0x0f) << 8) | u8[at + 1])) return p.flag(A['vlan.too_many_layers']);
  const type = (u8[at + 2] << 8) | u8[at + 3];
  if (!toEtherType(u8, p, at + TAG, type) && type >= MIN_ETHERTYPE) p.flag(A['vlan.unknown_type']);
}

/** Notes a VLAN id. @returns false when there is no room for it. */
export function pushVlan(p: Packet, id: number): boolean {
  if (p.vlanDepth === 0) p.vlan0 = id;
  else if (p.vlanDepth === 1) p.vlan1 = id;
  else if (p.vlanDepth === 2) p.vlan2 = id;
  else return false;
  p.vlanDepth++;
  return true;
}
