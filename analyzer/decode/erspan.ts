import { A } from './anomalies.js';
import { ethernet } from './ethernet.js';
import { ipv4 } from './ipv4.js';
import { ipv6 } from './ipv6.js';
import type { Packet } from './packet.js';
import { pushVlan } from './vlan.js';

const TYPE2 = 8;
const TYPE3 = 12;
const SUBHEADER = 8;

/** ERSPAN type I: the mirrored frame follows the GRE header at once. */
export function erspan1(u8: Uint8Array, p: Packet, at: number): void {
  ethernet(u8, p, at);
}

/** ERSPAN types II and III (draft-foschiano-erspan-03): versions 1 and 2 of the header. */
export function erspan(u8: Uint8Array, p: Packet, at: number): void {
  if (at + TYPE2 > p.limit) return p.flag(A['erspan.header_too_small']);
  const version = u8[at] >> 4;
  if (version !== 1 && version !== 2) return p.flag(A['erspan.unsupported_version']);
  const vlan = ((u8[at] & 15) << 8) | u8[at + 1];
  if (vlan > 0 && !pushVlan(p, vlan)) return p.flag(A['erspan.too_many_vlan_layers']);
  if (version === 1) return ethernet(u8, p, at + TYPE2);
  if (at + TYPE3 > p.limit) return p.flag(A['erspan.header_too_small']);
  // Bytes 10–11: P(1) FT(5) HwID(6) D(1) Gra(2) O(1): O says a platform subheader follows, FT 2 that the payload is IP.
  const frameType = (u8[at + 10] >> 2) & 31;
  const next = at + TYPE3 + (u8[at + 11] & 1 ? SUBHEADER : 0);
  if (next >= p.limit) return p.flag(A['erspan.header_too_small']);
  if (frameType !== 2) ethernet(u8, p, next);
  else if (u8[next] >> 4 === 6) ipv6(u8, p, next);
  else ipv4(u8, p, next);
}
