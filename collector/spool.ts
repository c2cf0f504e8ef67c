import { closeSync, existsSync, mkdirSync, openSync, readSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PacketBlock } from '../contracts/packet-block.js';
import { decodeBlockHeaders, encodeBlockHeaders } from '../contracts/packet-block.js';
import { spoolUnusable } from './errors.js';

/** A segment is closed at this size; the oldest segment is what is given up when the spool is full. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
/** Names count from the middle, so that blocks put back find a name before all others. */
const FIRST_SEGMENT = 500_000_000_000;
const MAGIC = 0x53575350;
/** Magic, length of the header JSON, length of the body. */
const RECORD_HEADER = 12;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 1024 * 1024;

interface Segment {
  path: string;
  bytes: number;
  records: number;
  packets: number;
}

/**
 * A bounded queue of packet blocks on disk, oldest first, for the time the bus does not take them. Survives a restart:
 * what lies there is delivered before anything new, under the same ids, so that the bus removes what it had already.
 */
export class Spool {
  droppedBlocks = 0;
  droppedPackets = 0;
  private segments: Segment[] = [];
  private writer = -1;
  private reader = -1;
  private readAt = 0;
  private next = FIRST_SEGMENT;

  /** @throws OperatorError SW_COLLECT_SPOOL */
  constructor(private readonly folder: string, private readonly maxBytes: number) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(folder).filter((n) => /^\d{12}\.spool$/.test(n)).sort()) {
        const path = join(folder, name);
        this.segments.push({ path, bytes: statSync(path).size, records: -1, packets: 0 });
        this.next = segmentNumber(path) + 1;
      }
    } catch (error) {
      throw spoolUnusable(folder, (error as Error).message);
    }
  }

  get empty(): boolean {
    return this.segments.length === 0;
  }

  get bytes(): number {
    let sum = -this.readAt;
    for (const segment of this.segments) sum += segment.bytes;
    return Math.max(0, sum);
  }

  /** Appends a block. @returns false when the disk refuses it: the block is lost and counted. */
  append(block: PacketBlock): boolean {
    const record = encodeRecord(block);
    try {
      let last = this.segments.at(-1);
      if (last === undefined || this.writer < 0 || last.bytes >= Math.min(SEGMENT_BYTES, this.maxBytes / 4)) {
        if (this.writer >= 0) closeSync(this.writer);
        this.writer = -1;
        const path = segmentPath(this.folder, this.next++);
        this.writer = openSync(path, 'w', 0o600);
        last = { path, bytes: 0, records: 0, packets: 0 };
        this.segments.push(last);
      }
      for (let done = 0; done < record.length; ) done += writeSync(this.writer, record, done);
      last.bytes += record.length;
      last.records++;
      last.packets += block.headers.packets;
    } catch {
      this.droppedBlocks++;
      this.droppedPackets += block.headers.packets;
      this.abandonWriter();
      return false;
    }
    while (this.bytes > this.maxBytes && this.segments.length > 1) this.dropOldest();
    return true;
  }

  /** Reads the oldest block and moves past it; undefined when there is none. A torn end is passed over. */
  shift(): PacketBlock | undefined {
    for (;;) {
      const segment = this.segments[0];
      if (segment === undefined) return undefined;
      const block = this.read(segment);
      if (block !== undefined) {
        if (segment.records > 0) segment.records--;
        segment.packets -= Math.min(segment.packets, block.headers.packets);
        return block;
      }
      if (this.segments.length === 1 && this.writer >= 0) {
        closeSync(this.writer);
        this.writer = -1;
      }
      this.removeFirst();
    }
  }

  /** Puts blocks that were read, but not delivered, before everything else. For the moment before `close`. */
  putBack(blocks: PacketBlock[]): void {
    if (blocks.length === 0) return;
    const first = this.segments[0] === undefined ? this.next : segmentNumber(this.segments[0].path);
    try {
      writeFileSync(segmentPath(this.folder, first - 1), Buffer.concat(blocks.map(encodeRecord)), { mode: 0o600 });
    } catch {
      this.droppedBlocks += blocks.length;
      for (const block of blocks) this.droppedPackets += block.headers.packets;
    }
  }

  /** Closes the files; what is on disk stays for the next start. */
  close(): void {
    if (this.writer >= 0) closeSync(this.writer);
    if (this.reader >= 0) closeSync(this.reader);
    this.writer = -1;
    this.reader = -1;
  }

  private read(segment: Segment): PacketBlock | undefined {
    try {
      if (this.reader < 0) this.reader = openSync(segment.path, 'r');
      const head = Buffer.alloc(RECORD_HEADER);
      if (readSync(this.reader, head, 0, RECORD_HEADER, this.readAt) < RECORD_HEADER) return undefined;
      const headerBytes = head.readUInt32LE(4);
      const bodyBytes = head.readUInt32LE(8);
      if (head.readUInt32LE(0) !== MAGIC || headerBytes > MAX_HEADER_BYTES || bodyBytes > MAX_BODY_BYTES) return undefined;
      const rest = Buffer.allocUnsafeSlow(headerBytes + bodyBytes);
      if (readSync(this.reader, rest, 0, rest.length, this.readAt + RECORD_HEADER) < rest.length) return undefined;
      const headers = decodeBlockHeaders(JSON.parse(rest.toString('utf8', 0, headerBytes)) as Record<string, string>);
      this.readAt += RECORD_HEADER + rest.length;
      return headers && { headers, body: rest.subarray(headerBytes) };
    } catch {
      return undefined;
    }
  }

  private abandonWriter(): void {
    try {
      if (this.writer >= 0) closeSync(this.writer);
    } catch {
      // The disk already said no; what counts is that the next append begins a new segment.
    }
    this.writer = -1;
  }

  private dropOldest(): void {
    const segment = this.segments[0];
    this.droppedBlocks += Math.max(0, segment.records);
    this.droppedPackets += segment.packets;
    this.removeFirst();
  }

  private removeFirst(): void {
    const segment = this.segments.shift()!;
    if (this.reader >= 0) closeSync(this.reader);
    this.reader = -1;
    this.readAt = 0;
    if (existsSync(segment.path)) rmSync(segment.path, { force: true });
  }
}

function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(12, '0')}.spool`);
}

function segmentNumber(path: string): number {
  return Number(basename(path).slice(0, 12));
}

function encodeRecord(block: PacketBlock): Buffer {
  const headers = Buffer.from(JSON.stringify(encodeBlockHeaders(block.headers)));
  const record = Buffer.allocUnsafe(RECORD_HEADER + headers.length + block.body.length);
  record.writeUInt32LE(MAGIC, 0);
  record.writeUInt32LE(headers.length, 4);
  record.writeUInt32LE(block.body.length, 8);
  headers.copy(record, RECORD_HEADER);
  record.set(block.body, RECORD_HEADER + headers.length);
  return record;
}
