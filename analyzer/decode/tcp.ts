import { A } from './anomalies.js';
import { type Packet, TCP_SYN } from './packet.js';

const HEADER = 20;
/** NOP NOP timestamps: the options of nearly every segment of an open connection, as one big-endian word. */
const NOP_NOP_TIMESTAMP = 0x0101080a;

/** TCP (RFC 9293 3.1). */
export function tcp(u8: Uint8Array, p: Packet, at: number): void {
  const limit = p.limit;
  if (at + HEADER > limit) return p.flag(A['tcp.pkt_too_small']);
  const headerLength = (u8[at + 12] >> 4) << 2;
  if (headerLength < HEADER) return p.flag(A['tcp.hlen_too_small']);
  const payload = at + headerLength;
  if (payload > limit) return p.flag(A['tcp.invalid_optlen']);
  p.transportOffset = at;
  p.srcPort = (u8[at] << 8) | u8[at + 1];
  p.dstPort = (u8[at + 2] << 8) | u8[at + 3];
  p.tcpSeq = (u8[at + 4] << 24) | (u8[at + 5] << 16) | (u8[at + 6] << 8) | u8[at + 7];
  p.tcpAck = (u8[at + 8] << 24) | (u8[at + 9] << 16) | (u8[at + 10] << 8) | u8[at + 11];
  p.tcpFlags = u8[at + 13];
  p.tcpWindow = (u8[at + 14] << 8) | u8[at + 15];
  p.tcpUrgent = (u8[at + 18] << 8) | u8[at + 19];
  p.tcpScale = -1;
  p.tcpHasTimestamp = 0;
  p.tcpSigned = false;
  p.payloadOffset = payload;
  p.payloadLength = limit - payload;
  p.payloadMissing = p.cut;
  if (headerLength === HEADER) return;
  if (
    headerLength === 32 &&
    ((u8[at + 20] << 24) | (u8[at + 21] << 16) | (u8[at + 22] << 8) | u8[at + 23]) === NOP_NOP_TIMESTAMP
  ) {
    p.tcpHasTimestamp = 1;
    p.tcpTimestamp = (u8[at + 24] << 24) | (u8[at + 25] << 16) | (u8[at + 26] << 8) | u8[at + 27];
    return;
  }
  options(u8, p, at + HEADER, payload);
}

function options(u8: Uint8Array, p: Packet, at: number, end: number): void {
  let seen = 0;
  while (at < end) {
    const kind = u8[at];
    if (kind === 0) return;
    if (kind === 1) {
      at++;
      continue;
    }
    if (at + 2 > end) return;
    const length = u8[at + 1];
    if (length < 2 || at + length > end) return p.flag(A['tcp.opt_invalid_len']);
    if (kind < 9 && kind !== 6 && kind !== 7) {
      if (seen & (1 << kind)) p.flag(A['tcp.opt_duplicate']);
      seen |= 1 << kind;
    }
    if (kind === 3) {
      if (length !== 3) p.flag(A['tcp.opt_invalid_len']);
      // RFC 7323 2.3: more than 14 counts as 14.
      else if (p.tcpFlags & TCP_SYN) p.tcpScale = Math.min(u8[at + 2], 14);
    } else if (kind === 8) {
      if (length !== 10) p.flag(A['tcp.opt_invalid_len']);
      else {
        p.tcpHasTimestamp = 1;
        p.tcpTimestamp = (u8[at + 2] << 24) | (u8[at + 3] << 16) | (u8[at + 4] << 8) | u8[at + 5];
      }
    } else if (kind === 19) p.tcpSigned = true;
    else if ((kind === 2 && length !== 4) || (kind === 4 && length !== 2)) p.flag(A['tcp.opt_invalid_len']);
    at += length;
  }
}
