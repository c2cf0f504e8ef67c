import { createGunzip } from 'node:zlib';
import type { Readable } from 'node:stream';
import type { Tally } from './capture-format.js';

const MAGIC_0 = 0x1f;
const MAGIC_1 = 0x8b;
/** Decompressed bytes handed over at once; memory stays at this whatever the file expands to. */
const PIECE_BYTES = 256 * 1024;

export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === MAGIC_0 && bytes[1] === MAGIC_1;
}

/** What is told of a stream: that it was compressed, and what is wrong with it. */
export interface StreamNotes { gzip: boolean; readonly captureBytes: number; readonly tally: Pick<Tally, 'warn'> }

/**
 * The pieces of a stream, decompressed when it begins with the gzip magic. A gzip stream that breaks off or is damaged
 * ends where it can be read no further, with a warning on the parser.
 */
export async function* gunzipped(stream: Readable, parser: StreamNotes): AsyncGenerator<Uint8Array, void, undefined> {
  const source = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let first = await source.next();
  let head: Uint8Array = first.done ? new Uint8Array(0) : first.value;
  while (head.length < 2 && !first.done) {
    first = await source.next();
    if (!first.done) head = Buffer.concat([head, first.value]);
  }
  if (!isGzip(head)) {
    if (head.length > 0) yield head;
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
    return;
  }
  parser.gzip = true;
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  let sourceError: unknown;
  const feed = (async () => {
    try {
      for (let piece = head; ; ) {
        if (gunzip.destroyed) return;
        if (!gunzip.write(piece)) await drained(gunzip);
        const next = await source.next();
        if (next.done) break;
        piece = next.value;
      }
      gunzip.end();
    } catch (error) {
      sourceError = error;
      gunzip.destroy();
    }
  })();
  try {
    for await (const piece of gunzip) yield piece as Uint8Array;
  } catch (error) {
    if (sourceError !== undefined) throw sourceError;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_')) throw error;
    const broken = code === 'Z_BUF_ERROR';
    parser.tally.warn(
      broken ? 'SW_CAPTURE_TRUNCATED' : 'SW_CAPTURE_CORRUPT', parser.captureBytes,
      broken ? 'the gzip stream breaks off' : 'the gzip stream is damaged',
    );
  } finally {
    gunzip.destroy();
    await Promise.race([feed, Promise.resolve()]);
  }
}

function drained(gunzip: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      gunzip.off('drain', done);
      gunzip.off('close', done);
      gunzip.off('error', done);
      resolve();
    };
    gunzip.on('drain', done);
    gunzip.on('close', done);
    gunzip.on('error', done);
  });
}
