import { A } from './anomalies.js';
import type { Packet } from './packet.js';

const HEADER = 12;
const CHUNK = 4;
const DATA_HEADER = 16;
const DATA = 0;
const INIT = 1;
/** Chunks looked at in one packet; an MTU holds some 90 of the smallest. */
const MAX_CHUNKS = 96;

/** SCTP (RFC 9260): walks the chunks; the payload is that of the first DATA chunk. */
export function sctp(u8: Uint8Array, p: Packet, at: number): void {
  if (at + HEADER > p.limit) return p.flag(A['sctp.pkt_too_small']);
  p.transportOffset = at;
  p.srcPort = (u8[at] << 8) | u8[at + 1];
  p.dstPort = (u8[at + 2] << 8) | u8[at + 3];
  p.payloadOffset = at + HEADER;
  const tag = (u8[at + 4] << 24) | (u8[at + 5] << 16) | (u8[at + 6] << 8) | u8[at + 7];
  let chunk = at + HEADER;
  let data = false;
  for (let count = 0; chunk < p.limit; count++) {
    if (count === MAX_CHUNKS) return p.flag(A['sctp.too_many_chunks']);
    if (chunk + CHUNK > p.limit) return p.flag(A['sctp.chunk_too_small']);
    const type = u8[chunk];
    const length = (u8[chunk + 2] << 8) | u8[chunk + 3];
    if (length < CHUNK) return p.flag(A['sctp.chunk_len_invalid']);
    const end = chunk + length;
    if (end > p.limit && p.cut === 0) return p.flag(A['sctp.chunk_len_invalid']);
    if (type === INIT) {
      if (tag !== 0) p.flag(A['sctp.init_with_non_zero_vtag']);
      if (count > 0 || end < p.limit - 3) p.flag(A['sctp.init_chunk_bundled']);
    } else if (type === DATA) {
      if (tag === 0) p.flag(A['sctp.data_with_zero_vtag']);
      if (!data && length > DATA_HEADER && chunk + DATA_HEADER < p.limit) {
        data = true;
        p.payloadOffset = chunk + DATA_HEADER;
        p.payloadLength = Math.min(end, p.limit) - p.payloadOffset;
        p.payloadMissing = Math.max(0, end - p.limit);
      }
    }
    chunk += (length + 3) & ~3;
  }
}
