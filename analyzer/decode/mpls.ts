import { A } from './anomalies.js';
import { ethernet } from './ethernet.js';
import { ipv4 } from './ipv4.js';
import { ipv6 } from './ipv6.js';
import type { Packet } from './packet.js';

const SHIM = 4;
const PSEUDOWIRE = 4;
/** Deeper label stacks than this do not occur; each label costs one step. */
const MAX_LABELS = 16;
const EXPLICIT_NULL_4 = 0;
const ROUTER_ALERT = 1;
const EXPLICIT_NULL_6 = 2;
const IMPLICIT_NULL = 3;
/** RFC 3032 2.1, RFC 7274: labels below 16 are reserved. */
const FIRST_FREE_LABEL = 16;

/** MPLS label stack (RFC 3032); what is inside is told by its first nibble (RFC 4928 3, pseudowires RFC 4385 3). */
export function mpls(u8: Uint8Array, p: Packet, at: number): void {
  let label = 0;
  for (let depth = 0; ; depth++) {
    if (at + SHIM > p.limit || depth === MAX_LABELS) return p.flag(A['mpls.header_too_small']);
    label = (u8[at] << 12) | (u8[at + 1] << 4) | (u8[at + 2] >> 4);
    const bottom = u8[at + 2] & 1;
    at += SHIM;
    if (bottom) break;
  }
  if (label === EXPLICIT_NULL_4) return ipv4(u8, p, at);
  if (label === EXPLICIT_NULL_6) return ipv6(u8, p, at);
  if (label === ROUTER_ALERT) return p.flag(A['mpls.bad_label_router_alert']);
  if (label === IMPLICIT_NULL) return p.flag(A['mpls.bad_label_implicit_null']);
  if (label < FIRST_FREE_LABEL) return p.flag(A['mpls.bad_label_reserved']);
  if (at + PSEUDOWIRE > p.limit) return p.flag(A['mpls.pkt_too_small']);
  const nibble = u8[at] >> 4;
  if (nibble === 4) ipv4(u8, p, at);
  else if (nibble === 6) ipv6(u8, p, at);
  else if (nibble === 0) ethernet(u8, p, at + PSEUDOWIRE);
  else p.flag(A['mpls.unknown_payload_type']);
}
