/**
 * The packets of a stored capture: classic pcap, either byte order, micro- or nanoseconds. Captured bytes are hostile:
 * lengths are checked before they are believed, and what does not fit ends the reading with `cut`.
 */
export interface Captured { at: number; offset: number; bytes: number; wire: number }
export interface Capture { link: number; packets: Captured[]; cut: boolean }

/** Evidence is at most 512 KiB; a file of empty packets must not become a list without end. */
const PACKETS_MAX = 20_000;
const HEADER = 24;
const RECORD = 16;

/** @returns undefined where the file is no pcap */
export function readCapture(file: Buffer): Capture | undefined {
  if (file.length < HEADER) return undefined;
  const magic = file.readUInt32LE(0);
  const little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
  const swapped = magic === 0xd4c3b2a1 || magic === 0x4d3cb2a1;
  if (!little && !swapped) return undefined;
  const u32 = (at: number): number => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const divisor = magic === 0xa1b23c4d || magic === 0x4d3cb2a1 ? 1e6 : 1e3;
  const capture: Capture = { link: u32(20) & 0xffff, packets: [], cut: false };
  for (let at = HEADER; at < file.length;) {
    if (at + RECORD > file.length || capture.packets.length >= PACKETS_MAX) { capture.cut = true; break; }
    const bytes = u32(at + 8);
    if (bytes > file.length - at - RECORD) { capture.cut = true; break; }
    capture.packets.push({ at: u32(at) * 1000 + u32(at + 4) / divisor, offset: at + RECORD, bytes, wire: Math.max(bytes, u32(at + 12)) });
    at += RECORD + bytes;
  }
  return capture;
}
