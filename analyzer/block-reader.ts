/** Size of the pcap file header, and of a record's. */
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const NANOSECOND_MAGIC = 0xa1b23c4d;

export type OnPacket = (offset: number, captured: number, wire: number, timeUs: number, nanos: number, linktype: number) => void;

/**
 * Walks the records of a packet block, which is a complete little-endian nanosecond pcap file.
 * @param at the block in memory, `length` its bytes
 * @returns packets handed over, -1 when this is no such file; a damaged tail is left out.
 */
export function readBlock(view: DataView, at: number, length: number, onPacket: OnPacket): number {
  const end = at + length;
  if (length < FILE_HEADER || view.getUint32(at, true) !== NANOSECOND_MAGIC) return -1;
  const linktype = view.getUint32(at + 20, true) & 0xffff;
  let packets = 0;
  let o = at + FILE_HEADER;
  while (o + RECORD_HEADER <= end) {
    const captured = view.getUint32(o + 8, true);
    if (captured > end - o - RECORD_HEADER) break;
    const ns = view.getUint32(o + 4, true);
    const us = (ns / 1000) | 0;
    onPacket(o + RECORD_HEADER, captured, view.getUint32(o + 12, true), view.getUint32(o, true) * 1e6 + us, ns - us * 1000, linktype);
    o += RECORD_HEADER + captured;
    packets++;
  }
  return packets;
}
