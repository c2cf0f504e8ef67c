/**
 * What a format parser (pcap, pcapng) and the reader share. Captured files are hostile: every length is bounded,
 * nothing here throws on file content, and a bad length ends the parse with a warning instead of a search.
 */

/** No link we know captures more of a packet; the same bound as libpcap's MAXIMUM_SNAPLEN for Ethernet. */
export const MAX_CAPTURED_BYTES = 256 * 1024;
/** A packet block: the packet, its header and at most as much again in options. */
export const MAX_BLOCK_BYTES = 2 * MAX_CAPTURED_BYTES;
/** Distinct interfaces of one capture; a file with more is made to exhaust memory. */
export const MAX_INTERFACES = 4096;
/** A place must hold the largest record and leave room to read more. */
export const MIN_PLACE_BYTES = 2 * MAX_BLOCK_BYTES;

export interface CaptureInterface {
  linktype: number;
  /** 0: no limit. */
  snaplen: number;
  name: string;
  /** Packets that the capturing program lost here, where the file says so; -1 where it does not. */
  dropped: number;
}

export type WarningCode =
  | 'SW_CAPTURE_TRUNCATED'
  | 'SW_CAPTURE_CORRUPT'
  | 'SW_CAPTURE_SKIPPED'
  | 'SW_CAPTURE_BAD_TIME';

/** What was wrong with a file that was read as far as it goes. */
export interface CaptureWarning {
  code: WarningCode;
  /** Byte offset in the (decompressed) capture where it was first seen. */
  offset: number;
  message: string;
  /** How often. */
  count: number;
}

/** Receives packets. All arguments are integers; offsets are into the region's `u8`. */
export interface PacketVisitor {
  /**
   * @param offset first captured byte, valid until the region hands the place out again
   * @param captured captured bytes @param wire bytes on the wire
   * @param timeUs µs since the epoch @param nanos remainder, 0…999
   * @param iface index into `CaptureSummary.interfaces`
   */
  packet(
    offset: number, captured: number, wire: number, timeUs: number, nanos: number, linktype: number, iface: number,
  ): void;
  /** After each chunk that was parsed. A promise holds the reader back until it resolves: back-pressure. */
  chunk?(): void | Promise<void>;
}

/** Counts of one capture, kept while it is read. */
export class Tally {
  packets = 0;
  bytes = 0;
  wireBytes = 0;
  /** Infinity / 0 while there is no packet. */
  firstUs = Infinity;
  lastUs = 0;
  readonly warnings: CaptureWarning[] = [];

  constructor(readonly interfaces: CaptureInterface[] = []) {}

  warn(code: WarningCode, offset: number, message: string): void {
    const known = this.warnings.find((w) => w.code === code);
    if (known) known.count++;
    else this.warnings.push({ code, offset, message, count: 1 });
  }
}

/** Parses one format out of a window of bytes. */
export interface CaptureFormat {
  readonly name: 'pcap' | 'pcapng';
  /**
   * Hands every complete record in [at, end) to the visitor.
   * @param position offset of `at` in the capture, for warnings
   * @returns the first byte not used; from there `needed` bytes are wanted at least
   */
  consume(u8: Uint8Array, view: DataView, at: number, end: number, position: number): number;
  needed: number;
  /** Set when nothing more can be read: the lengths cannot be trusted any more. */
  stopped: boolean;
}
