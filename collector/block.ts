import { BLOCK_MAX_BYTES, BLOCK_MAX_SPAN_MS } from '../contracts/packet-block.js';
import { MAX_CAPTURED_BYTES } from './capture-format.js';
import { MAGIC_NANO } from './pcap.js';
import { partitionOf } from './partition.js';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const SPAN_US = BLOCK_MAX_SPAN_MS * 1000;
/** Partitions × link types that are being filled at once; a capture with more closes the oldest. */
const MAX_OPEN = 64;

/** A closed block: a complete little-endian nanosecond pcap file and what is in it. */
export interface ClosedBlock {
  body: Uint8Array;
  partition: number;
  linktype: number;
  /** Interface of all its packets, or -1 when they came from several. */
  iface: number;
  packets: number;
  /** Earliest and latest packet, µs since the epoch. */
  firstUs: number;
  lastUs: number;
}

class OpenBlock {
  readonly bytes = Buffer.allocUnsafeSlow(BLOCK_MAX_BYTES);
  readonly view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  length = FILE_HEADER;
  packets = 0;
  iface = -1;
  firstUs = 0;
  lastUs = 0;

  constructor(readonly partition: number, readonly linktype: number) {
    const { view } = this;
    view.setUint32(0, MAGIC_NANO, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(8, 0, true);
    view.setUint32(12, 0, true);
    view.setUint32(16, MAX_CAPTURED_BYTES, true);
    view.setUint32(20, linktype, true);
  }
}

/** A pcap file without packets: the body of the block that ends an epoch. */
export function emptyBody(linktype: number): Uint8Array {
  return Uint8Array.from(new OpenBlock(0, linktype).bytes.subarray(0, FILE_HEADER));
}

/**
 * Fills packet blocks: one open block per partition and link type, closed at 512 KiB or when its packets span 50 ms.
 * Interfaces of one capture share blocks, because the order of their packets matters more than the label.
 */
export class BlockBuilder {
  private open: OpenBlock[] = [];
  /** By partition, of the link type last seen there: nearly always the one that is wanted. */
  private readonly recent: (OpenBlock | undefined)[];

  /** @param closed called with each closed block; its body is a copy of its own */
  constructor(private readonly partitions: number, private readonly closed: (block: ClosedBlock) => void) {
    this.recent = Array.from({ length: partitions }, () => undefined);
  }

  /** Adds one packet; same arguments as `PacketVisitor.packet`. */
  add(
    u8: Uint8Array, offset: number, captured: number, wire: number,
    timeUs: number, nanos: number, linktype: number, iface: number,
  ): void {
    const partition = this.partitions > 1 ? partitionOf(u8, offset, captured, linktype, this.partitions) : 0;
    const block = this.blockFor(partition, linktype);
    const record = RECORD_HEADER + captured;
    if (block.packets > 0) {
      const span = Math.max(block.lastUs, timeUs) - Math.min(block.firstUs, timeUs);
      if (block.length + record > BLOCK_MAX_BYTES || span > SPAN_US) this.close(block);
    }
    if (block.packets === 0) {
      block.firstUs = timeUs;
      block.lastUs = timeUs;
      block.iface = iface;
    } else {
      if (timeUs < block.firstUs) block.firstUs = timeUs;
      if (timeUs > block.lastUs) block.lastUs = timeUs;
      if (iface !== block.iface) block.iface = -1;
    }
    const { view, length } = block;
    const seconds = Math.floor(timeUs / 1e6);
    view.setUint32(length, seconds, true);
    view.setUint32(length + 4, (timeUs - seconds * 1e6) * 1000 + nanos, true);
    view.setUint32(length + 8, captured, true);
    view.setUint32(length + 12, wire, true);
    block.bytes.set(u8.subarray(offset, offset + captured), length + RECORD_HEADER);
    block.length = length + record;
    block.packets++;
  }

  /** Closes what is open: at the end of a source, and by the clock on a quiet live link. */
  flush(): void {
    for (const block of this.open) if (block.packets > 0) this.close(block);
  }

  private blockFor(partition: number, linktype: number): OpenBlock {
    const recent = this.recent[partition];
    if (recent !== undefined && recent.linktype === linktype) return recent;
    let found = this.open.find((b) => b.partition === partition && b.linktype === linktype);
    if (found === undefined) {
      if (this.open.length >= MAX_OPEN + this.partitions) {
        const oldest = this.open.shift()!;
        if (oldest.packets > 0) this.close(oldest);
        if (this.recent[oldest.partition] === oldest) this.recent[oldest.partition] = undefined;
      }
      found = new OpenBlock(partition, linktype);
      this.open.push(found);
    }
    this.recent[partition] = found;
    return found;
  }

  private close(block: OpenBlock): void {
    const { partition, linktype, iface, packets, firstUs, lastUs } = block;
    const body = new Uint8Array(block.length);
    body.set(block.bytes.subarray(0, block.length));
    block.length = FILE_HEADER;
    block.packets = 0;
    this.closed({ body, partition, linktype, iface, packets, firstUs, lastUs });
  }
}
