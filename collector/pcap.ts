import { MAX_CAPTURED_BYTES, type CaptureFormat, type PacketVisitor, type Tally } from './capture-format.js';

const FILE_HEADER = 24;
const OFF_LINKTYPE = 20;
const OFF_SNAPLEN = 16;
const RECORD_HEADER = 16;
/** The "modified" format of old Linux distributions adds interface index, protocol and packet type to each record. */
const RECORD_HEADER_MODIFIED = 24;
const OFF_FRACTION = 4;
const OFF_CAPTURED = 8;
const OFF_WIRE = 12;
/** The upper bits of the link type field carry the FCS length. */
const LINKTYPE_MASK = 0x03ffffff;

export const MAGIC_MICRO = 0xa1b2c3d4;
export const MAGIC_NANO = 0xa1b23c4d;
export const MAGIC_MODIFIED = 0xa1b2cd34;

/** Reads the magic number: byte order and variant, or undefined when this is no pcap file. */
export function pcapMagic(view: DataView, at: number): { little: boolean; magic: number } | undefined {
  for (const little of [true, false]) {
    const magic = view.getUint32(at, little);
    if (magic === MAGIC_MICRO || magic === MAGIC_NANO || magic === MAGIC_MODIFIED) return { little, magic };
  }
  return undefined;
}

/** The classic capture format (draft-ietf-opsawg-pcap), both byte orders, micro- and nanosecond, and "modified". */
export class PcapFormat implements CaptureFormat {
  readonly name = 'pcap';
  needed = FILE_HEADER;
  stopped = false;
  private linktype = -1;
  private readonly nano: boolean;
  private readonly header: number;

  constructor(
    private readonly little: boolean, magic: number,
    private readonly tally: Tally, private readonly visitor: PacketVisitor,
  ) {
    this.nano = magic === MAGIC_NANO;
    this.header = magic === MAGIC_MODIFIED ? RECORD_HEADER_MODIFIED : RECORD_HEADER;
  }

  consume(_u8: Uint8Array, view: DataView, at: number, end: number, position: number): number {
    const { little, nano, header, visitor, tally } = this;
    const base = position - at;
    if (this.linktype < 0) {
      if (end - at < FILE_HEADER) return at;
      this.linktype = view.getUint32(at + OFF_LINKTYPE, little) & LINKTYPE_MASK;
      const snaplen = view.getUint32(at + OFF_SNAPLEN, little);
      tally.interfaces.push({ linktype: this.linktype, snaplen, name: '', dropped: -1 });
      at += FILE_HEADER;
    }
    const linktype = this.linktype;
    let packets = 0;
    let bytes = 0;
    let wireBytes = 0;
    let firstUs = tally.firstUs;
    let lastUs = tally.lastUs;
    this.needed = header;
    while (end - at >= header) {
      const captured = view.getUint32(at + OFF_CAPTURED, little);
      if (captured > MAX_CAPTURED_BYTES) {
        this.stopped = true;
        tally.warn('SW_CAPTURE_CORRUPT', base + at, `a record claims ${captured} captured bytes; nothing after it can be trusted`);
        break;
      }
      if (end - at - header < captured) {
        this.needed = header + captured;
        break;
      }
      const fraction = view.getUint32(at + OFF_FRACTION, little);
      let wire = view.getUint32(at + OFF_WIRE, little);
      if (wire < captured) wire = captured;
      const micros = nano ? Math.floor(fraction / 1000) : fraction;
      const timeUs = view.getUint32(at, little) * 1e6 + micros;
      visitor.packet(at + header, captured, wire, timeUs, nano ? fraction - micros * 1000 : 0, linktype, 0);
      packets++;
      bytes += captured;
      wireBytes += wire;
      if (timeUs < firstUs) firstUs = timeUs;
      if (timeUs > lastUs) lastUs = timeUs;
      at += header + captured;
    }
    tally.packets += packets;
    tally.bytes += bytes;
    tally.wireBytes += wireBytes;
    tally.firstUs = firstUs;
    tally.lastUs = lastUs;
    return at;
  }
}
