import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { fdatasync, writev } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { busErrors } from './errors.js';

/**
 * Append-only segments of one stream. A record is: u32 length, u32 CRC-32 of the rest, then u64 seq, f64 time,
 * u16 length of id, u16 length of subject, u32 length of headers (JSON), and id, subject, headers, data.
 * All little-endian. Whole segments are removed when nothing in them is wanted any more.
 */
const HEAD = 8;
const FIXED = 24;
/** A new segment begins here: small enough that retention frees space soon, large enough to keep files few. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Longest record believed when reading back: a length above it is damage, not data. */
const RECORD_MAX = 64 * 1024 * 1024;
/** Records written in one go; IOV_MAX is 1024. */
const BATCH_MAX = 512;

const writevAsync = promisify(writev);
const fdatasyncAsync = promisify(fdatasync);

export interface JournalRecord {
  seq: number;
  at: number;
  id: string;
  subject: string;
  headers: Record<string, string>;
}
/** Where the body of a record lies. */
export interface Place { segment: number; offset: number; length: number }

function encode(record: JournalRecord, data: Uint8Array): Buffer {
  const id = Buffer.from(record.id);
  const subject = Buffer.from(record.subject);
  const headers = Buffer.from(JSON.stringify(record.headers));
  const meta = id.length + subject.length + headers.length;
  const out = Buffer.allocUnsafe(HEAD + FIXED + meta + data.length);
  out.writeUInt32LE(FIXED + meta + data.length, 0);
  out.writeBigUInt64LE(BigInt(record.seq), HEAD);
  out.writeDoubleLE(record.at, HEAD + 8);
  out.writeUInt16LE(id.length, HEAD + 16);
  out.writeUInt16LE(subject.length, HEAD + 18);
  out.writeUInt32LE(headers.length, HEAD + 20);
  let at = HEAD + FIXED;
  for (const part of [id, subject, headers, data]) { out.set(part, at); at += part.length; }
  out.writeUInt32LE(crc32(out.subarray(HEAD)), 4);
  return out;
}

function readFully(fd: number, length: number, position: number): Buffer {
  const out = Buffer.allocUnsafe(length);
  let have = 0;
  while (have < length) {
    const n = readSync(fd, out, have, length - have, position + have);
    if (n === 0) break;
    have += n;
  }
  return out.subarray(0, have);
}

interface Segment { first: number; path: string; bytes: number; last: number; fd: number }
interface Waiting { record: JournalRecord; data: Uint8Array; done: (place: Place) => void; failed: (e: unknown) => void }

export class Journal {
  readonly #segments: Segment[] = [];
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  /** Records that were unreadable when the journal was opened: a torn tail after a crash, or a damaged disk. */
  damaged = 0;

  private constructor(private readonly dir: string) {}

  /** Opens the journal and hands every readable record to `each`, oldest first; a torn tail is cut off. */
  static open(dir: string, each: (record: JournalRecord, place: Place) => void): Journal {
    const journal = new Journal(dir);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const names = readdirSync(dir).filter((n) => /^\d{16}\.log$/.test(n)).sort();
    for (const [i, name] of names.entries()) journal.#recover(join(dir, name), Number(name.slice(0, 16)), i === names.length - 1, each);
    return journal;
  }

  #recover(path: string, first: number, newest: boolean, each: (record: JournalRecord, place: Place) => void): void {
    const size = statSync(path).size;
    const fd = openSync(path, 'r+');
    const segment: Segment = { first, path, bytes: 0, last: first - 1, fd };
    this.#segments.push(segment);
    let at = 0;
    while (at + HEAD <= size) {
      const head = readFully(fd, HEAD, at);
      const length = head.readUInt32LE(0);
      if (length < FIXED || length > RECORD_MAX || at + HEAD + length > size) break;
      const body = readFully(fd, length, at + HEAD);
      if (body.length < length || crc32(body) !== head.readUInt32LE(4)) break;
      const idEnd = FIXED + body.readUInt16LE(16);
      const subjectEnd = idEnd + body.readUInt16LE(18);
      const headersEnd = subjectEnd + body.readUInt32LE(20);
      const record: JournalRecord = {
        seq: Number(body.readBigUInt64LE(0)), at: body.readDoubleLE(8), id: body.toString('utf8', FIXED, idEnd),
        subject: body.toString('utf8', idEnd, subjectEnd), headers: JSON.parse(body.toString('utf8', subjectEnd, headersEnd)),
      };
      segment.last = record.seq;
      each(record, { segment: first, offset: at + HEAD + headersEnd, length: length - headersEnd });
      at += HEAD + length;
    }
    if (at < size) {
      this.damaged++;
      // Only the newest segment is written to again; an older one keeps its bytes for whoever wants to look at them.
      if (newest) ftruncateSync(fd, at);
    }
    segment.bytes = newest ? at : size;
  }

  /** Resolves when the record is on disk (fdatasync), with the place of its body. Records are written in call order. */
  append(record: JournalRecord, data: Uint8Array): Promise<Place> {
    return new Promise((done, failed) => {
      this.#waiting.push({ record, data, done, failed });
      this.#writing ??= this.#write();
    });
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      let segment: Segment | undefined;
      try {
        segment = this.#current(batch[0].record.seq);
        const chunks = batch.map((w) => encode(w.record, w.data));
        await this.#put(segment, chunks);
        let at = segment.bytes;
        const places = chunks.map((chunk, i) => {
          at += chunk.length;
          return { segment: segment!.first, offset: at - batch[i].data.length, length: batch[i].data.length };
        });
        segment.bytes = at;
        segment.last = batch[batch.length - 1].record.seq;
        batch.forEach((w, i) => w.done(places[i]));
      } catch (error) {
        // What came half-way is cut off, so that the journal stays readable to its end.
        try { if (segment) ftruncateSync(segment.fd, segment.bytes); } catch { /* the next open cuts it off */ }
        const failure = busErrors.journal(this.dir, (error as Error).message);
        for (const w of batch.concat(this.#waiting.splice(0))) w.failed(failure);
      }
    }
    this.#writing = undefined;
  }

  async #put(segment: Segment, chunks: Buffer[]): Promise<void> {
    let at = segment.bytes;
    let rest = chunks;
    while (rest.length > 0) {
      let { bytesWritten } = await writevAsync(segment.fd, rest, at) as unknown as { bytesWritten: number };
      at += bytesWritten;
      let skip = 0;
      while (skip < rest.length && bytesWritten >= rest[skip].length) bytesWritten -= rest[skip++].length;
      rest = rest.slice(skip);
      if (rest.length > 0 && bytesWritten > 0) rest[0] = rest[0].subarray(bytesWritten);
    }
    await fdatasyncAsync(segment.fd);
  }

  #current(seq: number): Segment {
    const last = this.#segments[this.#segments.length - 1];
    if (last && last.bytes < SEGMENT_BYTES) return last;
    const path = join(this.dir, `${String(seq).padStart(16, '0')}.log`);
    const segment: Segment = { first: seq, path, bytes: 0, last: seq - 1, fd: openSync(path, 'w+', 0o600) };
    const dir = openSync(this.dir, 'r');
    try { fsyncSync(dir); } finally { closeSync(dir); }
    this.#segments.push(segment);
    return segment;
  }

  /** Reads a body back; undefined when its segment is gone. */
  read(place: Place): Uint8Array | undefined {
    const segment = this.#segments.find((s) => s.first === place.segment);
    if (!segment) return undefined;
    const data = readFully(segment.fd, place.length, place.offset);
    return data.length === place.length ? data : undefined;
  }

  /** Removes segments that hold nothing from `seq` on. The newest stays: it is the one written to. */
  forgetBefore(seq: number): void {
    while (this.#segments.length > 1 && this.#segments[0].last < seq) {
      const gone = this.#segments.shift()!;
      closeSync(gone.fd);
      unlinkSync(gone.path);
    }
  }

  async close(): Promise<void> {
    await this.#writing;
    for (const s of this.#segments.splice(0)) { fdatasyncSync(s.fd); closeSync(s.fd); }
  }
}
