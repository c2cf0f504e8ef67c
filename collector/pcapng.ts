import {
  MAX_BLOCK_BYTES, MAX_CAPTURED_BYTES, MAX_INTERFACES, type CaptureFormat, type PacketVisitor, type Tally,
} from './capture-format.js';
import { DEFAULT_RESOLUTION, TickClock } from './pcapng-time.js';

export const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const STATISTICS = 5;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Type, length, trailing length. */
const BLOCK_OVERHEAD = 12;
const BODY = 8;
const OPT_END = 0;
const OPT_IF_NAME = 2;
const OPT_IF_TSRESOL = 9;
const OPT_IF_TSOFFSET = 14;
const OPT_ISB_IFDROP = 5;
/** Names longer than this are cut: they label a source, nothing more. */
const MAX_NAME_BYTES = 64;

interface SectionInterface {
  /** Index into the capture's list. */
  index: number;
  linktype: number;
  snaplen: number;
  clock: TickClock;
}

/** pcapng (draft-ietf-opsawg-pcapng): sections of either byte order, several interfaces, old and new packet blocks. */
export class PcapngFormat implements CaptureFormat {
  readonly name = 'pcapng';
  needed = BLOCK_OVERHEAD;
  stopped = false;
  private little = true;
  private section: SectionInterface[] = [];
  private readonly known = new Map<string, number>();
  /** How many interfaces of this section look alike so far. */
  private readonly alike = new Map<string, number>();
  /** Bytes of an unknown block that are still to be passed over. */
  private skip = 0;
  private lastUs = 0;
  private u8!: Uint8Array;
  private view!: DataView;

  constructor(private readonly tally: Tally, private readonly visitor: PacketVisitor) {}

  consume(u8: Uint8Array, view: DataView, at: number, end: number, position: number): number {
    const base = position - at;
    this.u8 = u8;
    this.view = view;
    for (;;) {
      if (this.skip > 0) {
        const step = Math.min(this.skip, end - at);
        at += step;
        this.skip -= step;
        if (this.skip > 0) {
          this.needed = 1;
          return at;
        }
      }
      this.needed = BLOCK_OVERHEAD;
      if (end - at < BLOCK_OVERHEAD) return at;
      const type = view.getUint32(at, this.little);
      if (type === SECTION_HEADER && !this.openSection(at, base)) return at;
      const length = view.getUint32(at + 4, this.little);
      if (length < BLOCK_OVERHEAD || (length & 3) !== 0) return this.corrupt(at, base, `a block claims ${length} bytes`);
      if (length > MAX_BLOCK_BYTES) {
        if (type === SECTION_HEADER || type === INTERFACE || isPacket(type)) {
          return this.corrupt(at, base, `a block of type ${type} claims ${length} bytes`);
        }
        this.skip = length;
        continue;
      }
      if (end - at < length) {
        this.needed = length;
        return at;
      }
      if (view.getUint32(at + length - 4, this.little) !== length) {
        return this.corrupt(at, base, 'the two lengths of a block differ');
      }
      this.block(type, at, length, base + at);
      if (this.stopped) return at;
      at += length;
    }
  }

  private corrupt(at: number, base: number, what: string): number {
    this.stopped = true;
    this.tally.warn('SW_CAPTURE_CORRUPT', base + at, `${what}; nothing after it can be trusted`);
    return at;
  }

  private openSection(at: number, base: number): boolean {
    if (this.view.getUint32(at + BODY, true) === BYTE_ORDER_MAGIC) this.little = true;
    else if (this.view.getUint32(at + BODY, false) === BYTE_ORDER_MAGIC) this.little = false;
    else {
      this.corrupt(at, base, 'a section header has no byte-order magic');
      return false;
    }
    this.section = [];
    this.alike.clear();
    return true;
  }

  private block(type: number, at: number, length: number, position: number): void {
    const { view, little } = this;
    const limit = at + length - 4;
    switch (type) {
      case ENHANCED_PACKET:
        if (length < 32) return this.skipped(position, 'a packet block is too short');
        return this.packet(view.getUint32(at + 8, little), at + 12, at + 28, limit, position);
      case OBSOLETE_PACKET:
        if (length < 32) return this.skipped(position, 'a packet block is too short');
        return this.packet(view.getUint16(at + 8, little), at + 12, at + 28, limit, position);
      case SIMPLE_PACKET:
        if (length < 16) return this.skipped(position, 'a simple packet block is too short');
        return this.simple(at, limit, position);
      case INTERFACE:
        if (length < 20) return this.skipped(position, 'an interface block is too short');
        return this.addInterface(at, limit, position);
      case STATISTICS:
        if (length >= 24) this.statistics(at, limit);
        return;
      default:
    }
  }

  /** @param time offset of the time stamp, followed by captured and wire length */
  private packet(iface: number, time: number, data: number, limit: number, position: number): void {
    const { view, little } = this;
    const source = this.section[iface];
    if (source === undefined) return this.skipped(position, `a packet names interface ${iface}, which is not described`);
    const captured = view.getUint32(time + 8, little);
    if (captured > limit - data || captured > MAX_CAPTURED_BYTES) {
      return this.skipped(position, `a packet claims ${captured} captured bytes, more than its block holds`);
    }
    const clock = source.clock;
    if (clock.convert(view.getUint32(time, little), view.getUint32(time + 4, little))) this.lastUs = clock.timeUs;
    else {
      this.tally.warn('SW_CAPTURE_BAD_TIME', position, 'a time stamp outside 1970…2255 was replaced by the one before it');
      clock.nanos = 0;
    }
    this.deliver(data, captured, view.getUint32(time + 12, little), clock.nanos, source);
  }

  /** Simple packets have neither time nor interface: they take the time of the packet before them. */
  private simple(at: number, limit: number, position: number): void {
    const source = this.section[0];
    if (source === undefined) return this.skipped(position, 'a simple packet comes before any interface');
    const wire = this.view.getUint32(at + 8, this.little);
    let captured = Math.min(wire, limit - (at + 12), MAX_CAPTURED_BYTES);
    if (source.snaplen > 0 && captured > source.snaplen) captured = source.snaplen;
    this.deliver(at + 12, captured, wire, 0, source);
  }

  private deliver(data: number, captured: number, wire: number, nanos: number, source: SectionInterface): void {
    const { tally, lastUs } = this;
    if (wire < captured) wire = captured;
    tally.packets++;
    tally.bytes += captured;
    tally.wireBytes += wire;
    if (lastUs < tally.firstUs) tally.firstUs = lastUs;
    if (lastUs > tally.lastUs) tally.lastUs = lastUs;
    this.visitor.packet(data, captured, wire, lastUs, nanos, source.linktype, source.index);
  }

  private skipped(position: number, why: string): void {
    this.tally.warn('SW_CAPTURE_SKIPPED', position, why);
  }

  private addInterface(at: number, limit: number, position: number): void {
    const { view, little } = this;
    const linktype = view.getUint16(at + 8, little);
    const snaplen = view.getUint32(at + 12, little);
    let name = '';
    let resolution = DEFAULT_RESOLUTION;
    let offset = 0;
    this.options(at + 16, limit, (code, value, bytes) => {
      if (code === OPT_IF_NAME) name = Buffer.from(this.u8.subarray(value, value + Math.min(bytes, MAX_NAME_BYTES))).toString('utf8');
      else if (code === OPT_IF_TSRESOL && bytes >= 1) resolution = this.u8[value];
      else if (code === OPT_IF_TSOFFSET && bytes >= 8) offset = Number(view.getBigInt64(value, little));
    });
    // Interfaces of one section stay apart even when they look alike; those of a later section are found again.
    const looks = `${linktype} ${snaplen} ${name}`;
    const nth = this.alike.get(looks) ?? 0;
    this.alike.set(looks, nth + 1);
    const key = `${nth} ${looks}`;
    let index = this.known.get(key);
    if (index === undefined) {
      if (this.tally.interfaces.length >= MAX_INTERFACES) {
        this.stopped = true;
        this.tally.warn('SW_CAPTURE_CORRUPT', position, `more than ${MAX_INTERFACES} interfaces`);
        return;
      }
      index = this.tally.interfaces.length;
      this.tally.interfaces.push({ linktype, snaplen, name, dropped: -1 });
      this.known.set(key, index);
    }
    this.section.push({ index, linktype, snaplen, clock: new TickClock(resolution, offset) });
  }

  private statistics(at: number, limit: number): void {
    const source = this.section[this.view.getUint32(at + 8, this.little)];
    if (source === undefined) return;
    this.options(at + 20, limit, (code, value, bytes) => {
      if (code === OPT_ISB_IFDROP && bytes >= 8) {
        this.tally.interfaces[source.index].dropped = Number(this.view.getBigUint64(value, this.little));
      }
    });
  }

  private options(at: number, limit: number, each: (code: number, value: number, bytes: number) => void): void {
    while (limit - at >= 4) {
      const code = this.view.getUint16(at, this.little);
      const bytes = this.view.getUint16(at + 2, this.little);
      if (code === OPT_END || at + 4 + bytes > limit) return;
      each(code, at + 4, bytes);
      at += 4 + ((bytes + 3) & ~3);
    }
  }
}

function isPacket(type: number): boolean {
  return type === ENHANCED_PACKET || type === SIMPLE_PACKET || type === OBSOLETE_PACKET;
}
