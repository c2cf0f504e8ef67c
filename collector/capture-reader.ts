import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CaptureInterface, PacketVisitor } from './capture-format.js';
import { CaptureParser, READ_ALIGN, type CaptureSummary } from './capture-parser.js';
import { captureMissing } from './errors.js';
import { gunzipped, isGzip } from './gzip.js';
import type { FixedRegion, Region } from './region.js';

/** What one read asks for: fits the second-level cache, so that the packets are warm when they are parsed. */
export const READ_BYTES = 256 * 1024;
/** The event loop gets a turn this often while a file is read without pauses. */
const TURN_MS = 10;

export interface ReadOptions {
  /** Name for messages; default the path. */
  name?: string;
  /** Ends the read early, at the next chunk; the summary covers what was read. */
  signal?: AbortSignal;
  /** Filled with the interfaces as they are met; `PacketVisitor.packet` gives indexes into it. */
  interfaces?: CaptureInterface[];
}

/**
 * Reads a capture file (pcap or pcapng, plain or gzip; told by its bytes) into `region`.
 * Damage is a warning in the summary, not an error.
 * @throws OperatorError SW_CAPTURE_UNREADABLE, SW_CAPTURE_EMPTY, SW_CAPTURE_FORMAT
 */
export async function readCaptureFile(
  path: string, region: Region | FixedRegion, visitor: PacketVisitor, options: ReadOptions = {},
): Promise<CaptureSummary> {
  const name = options.name ?? path;
  const fd = openCapture(path, name);
  let ours = true;
  try {
    if (!fstatSync(fd).isFile()) {
      ours = false; // the stream closes it
      return await readCaptureStream(createReadStream(path, { fd }), region, visitor, { ...options, name });
    }
    const start = Buffer.alloc(2);
    if (readSync(fd, start, 0, 2, 0) === 2 && isGzip(start)) {
      ours = false;
      const file = createReadStream(path, { fd, start: 0, highWaterMark: 256 * 1024 });
      return await readCaptureStream(file, region, visitor, { ...options, name });
    }
    const parser = new CaptureParser(region, visitor, name, options.interfaces);
    let turn = performance.now();
    let position = 0;
    while (!parser.stopped && !options.signal?.aborted) {
      const at = parser.writeAt();
      const room = Math.min(READ_BYTES, parser.writable());
      const bytes = readSync(fd, region.u8, at, room > READ_ALIGN ? room & -READ_ALIGN : room, position);
      if (bytes === 0) break;
      position += bytes;
      const wait = parser.advance(bytes);
      if (wait) {
        await wait;
        turn = performance.now();
      } else if (performance.now() - turn > TURN_MS) {
        await nextTurn();
        turn = performance.now();
      }
    }
    return parser.finish();
  } catch (error) {
    if (isSystemError(error)) throw captureMissing(name, error.message);
    throw error;
  } finally {
    if (ours) closeSync(fd);
  }
}

/**
 * Reads a capture from a stream such as standard input or a child's pipe, plain or gzip.
 * @throws OperatorError SW_CAPTURE_EMPTY, SW_CAPTURE_FORMAT, SW_CAPTURE_UNREADABLE
 */
export async function readCaptureStream(
  stream: Readable, region: Region | FixedRegion, visitor: PacketVisitor, options: ReadOptions = {},
): Promise<CaptureSummary> {
  const name = options.name ?? 'standard input';
  const parser = new CaptureParser(region, visitor, name, options.interfaces);
  const abort = (): void => void stream.destroy();
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    for await (const piece of gunzipped(stream, parser)) {
      const wait = parser.push(piece);
      if (wait) await wait;
      if (parser.stopped || options.signal?.aborted) break;
    }
  } catch (error) {
    if (!options.signal?.aborted) {
      if (isSystemError(error)) throw captureMissing(name, error.message);
      throw error;
    }
  } finally {
    options.signal?.removeEventListener('abort', abort);
    stream.destroy();
  }
  return parser.finish();
}

function openCapture(path: string, name: string): number {
  try {
    const fd = openSync(path, 'r');
    if (fstatSync(fd).isDirectory()) {
      closeSync(fd);
      throw captureMissing(name, 'it is a folder');
    }
    return fd;
  } catch (error) {
    if (isSystemError(error)) throw captureMissing(name, error.message);
    throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}
