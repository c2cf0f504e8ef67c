import {
  MIN_PLACE_BYTES, Tally, type CaptureFormat, type CaptureInterface, type CaptureWarning, type PacketVisitor,
} from './capture-format.js';
import { captureEmpty, captureFormat } from './errors.js';
import { PcapFormat, pcapMagic } from './pcap.js';
import { PcapngFormat, SECTION_HEADER } from './pcapng.js';
import { asRegion, type FixedRegion, type Region } from './region.js';

/** What was read of one capture. */
export interface CaptureSummary {
  format: 'pcap' | 'pcapng';
  gzip: boolean;
  packets: number;
  /** Captured bytes, and bytes on the wire. */
  bytes: number;
  wireBytes: number;
  /** Bytes of the (decompressed) capture itself. */
  captureBytes: number;
  /** Earliest and latest packet, µs since the epoch; 0 without packets. */
  firstUs: number;
  lastUs: number;
  interfaces: CaptureInterface[];
  /** Empty when the capture is whole. At most one entry a code, with its count. */
  warnings: CaptureWarning[];
}

const UNREADABLE: [number, string][] = [
  [0x28b52ffd, 'it is zstd-compressed'], [0xfd377a58, 'it is xz-compressed'], [0x425a6839, 'it is bzip2-compressed'],
  [0x04224d18, 'it is lz4-compressed'], [0x504b0304, 'it is a zip archive'], [0x736e6f6f, 'it is a Solaris snoop file'],
];

/** Reads into memory are several times faster where they begin a line of cache. */
export const READ_ALIGN = 64;

/**
 * Parses one capture that arrives piece by piece. Bytes lie in the caller's region; packets are handed over where
 * they lie and never straddle: what is left of a record is moved to the front of the next place.
 *
 * Either `push` copies bytes in, or the caller reads straight into the region at `writeAt` (up to `writable` bytes)
 * and calls `advance`.
 */
export class CaptureParser {
  readonly tally: Tally;
  gzip = false;
  private readonly region: Region;
  private readonly view: DataView;
  private format: CaptureFormat | undefined;
  private at = 0;
  private end = 0;
  private limit = 0;
  /** Capture offset of `at`. */
  private position = 0;
  private total = 0;

  /** @param name of the capture, for messages @param interfaces filled with the interfaces as they are met */
  constructor(
    region: Region | FixedRegion, private readonly visitor: PacketVisitor, private readonly name = 'the capture',
    interfaces: CaptureInterface[] = [],
  ) {
    this.tally = new Tally(interfaces);
    this.region = asRegion(region);
    const { u8 } = this.region;
    this.view = new DataView(u8.buffer, u8.byteOffset, u8.byteLength);
  }

  /** Bytes of the capture taken in so far. */
  get captureBytes(): number {
    return this.total;
  }

  /** True when nothing more can come of this capture: the rest need not be read. */
  get stopped(): boolean {
    return this.format?.stopped ?? false;
  }

  /** Makes room, then says where the next bytes go: at the begin of a line of cache as long as whole lines are written. */
  writeAt(): number {
    const needed = this.format?.needed ?? 12;
    if (this.limit - this.end < 1 || this.limit - this.at < needed) {
      const tail = this.end - this.at;
      const place = this.region.next(Math.max(MIN_PLACE_BYTES, needed + READ_ALIGN));
      if (place.bytes < MIN_PLACE_BYTES) throw new RangeError(`a place of ${place.bytes} bytes is smaller than ${MIN_PLACE_BYTES}`);
      const at = place.at + (-(place.at + tail) & (READ_ALIGN - 1));
      if (tail > 0) this.region.u8.copyWithin(at, this.at, this.end);
      this.at = at;
      this.end = at + tail;
      this.limit = place.at + place.bytes;
    }
    return this.end;
  }

  /** Bytes that may be written at `writeAt`; at least 1. */
  writable(): number {
    // First: it may move to another place, and the limit with it.
    const at = this.writeAt();
    return this.limit - at;
  }

  /** Parses `bytes` that were written at `writeAt`. A promise comes back when the visitor wants to pause. */
  advance(bytes: number): void | Promise<void> {
    this.end += bytes;
    this.total += bytes;
    if (this.format === undefined && !this.detect()) return;
    const format = this.format!;
    if (format.stopped) {
      this.at = this.end;
      return;
    }
    const before = this.tally.packets;
    const at = format.consume(this.region.u8, this.view, this.at, this.end, this.position);
    this.position += at - this.at;
    this.at = at;
    if (this.tally.packets !== before) return this.visitor.chunk?.();
  }

  /** Copies `bytes` in and parses them; at most one place at a time, waiting for the visitor in between. */
  push(bytes: Uint8Array): void | Promise<void> {
    let from = 0;
    while (from < bytes.length) {
      const writable = this.writable();
      const take = Math.min(writable, bytes.length - from);
      this.region.u8.set(from === 0 && take === bytes.length ? bytes : bytes.subarray(from, from + take), this.end);
      from += take;
      const wait = this.advance(take);
      if (wait) return from < bytes.length ? wait.then(() => this.push(bytes.subarray(from))) : wait;
    }
  }

  /** Closes the capture. @throws OperatorError SW_CAPTURE_EMPTY, SW_CAPTURE_FORMAT when it was none at all */
  finish(): CaptureSummary {
    const { tally, format } = this;
    if (this.total === 0) {
      if (tally.warnings.length > 0) throw captureFormat(this.name, `nothing could be decompressed: ${tally.warnings[0].message}`);
      throw captureEmpty(this.name);
    }
    if (format === undefined) throw captureFormat(this.name, 'it begins like no format we know');
    if (!format.stopped && (this.end > this.at || format.needed === 1)) {
      tally.warn('SW_CAPTURE_TRUNCATED', this.position, 'the capture ends inside a record');
    }
    return {
      format: format.name, gzip: this.gzip,
      packets: tally.packets, bytes: tally.bytes, wireBytes: tally.wireBytes, captureBytes: this.total,
      firstUs: tally.packets > 0 ? tally.firstUs : 0, lastUs: tally.lastUs,
      interfaces: tally.interfaces, warnings: tally.warnings,
    };
  }

  private detect(): boolean {
    if (this.end - this.at < 4) return false;
    const first = this.view.getUint32(this.at, false);
    if (first === SECTION_HEADER) {
      this.format = new PcapngFormat(this.tally, this.visitor);
      return true;
    }
    const magic = pcapMagic(this.view, this.at);
    if (magic === undefined) {
      const known = UNREADABLE.find(([value]) => value === first);
      throw captureFormat(this.name, known ? known[1] : 'it begins like no format we know');
    }
    this.format = new PcapFormat(magic.little, magic.magic, this.tally, this.visitor);
    return true;
  }
}
