import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { PacketBlock } from '../contracts/packet-block.js';
import { spoolUnusable } from './errors.js';

/** A file of the ring is closed at a sixteenth of it, within these bounds. */
const MIN_FILE_BYTES = 1024 * 1024;
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const PCAP_HEADER = 24;

interface RingFile {
  path: string;
  bytes: number;
  fd: number;
}

/**
 * The last packets of a node on its own disk, as ordinary nanosecond pcap files (one series a link type), oldest
 * removed first. Whoever must look further back than the evidence of an alert takes them from there.
 */
export class CaptureRing {
  /** Blocks that the disk did not take. */
  failed = 0;
  private files: RingFile[] = [];
  private readonly open = new Map<number, RingFile>();
  private readonly fileBytes: number;
  private serial = 0;

  /** @throws OperatorError SW_COLLECT_SPOOL */
  constructor(private readonly folder: string, private readonly maxBytes: number) {
    this.fileBytes = Math.min(MAX_FILE_BYTES, Math.max(MIN_FILE_BYTES, Math.floor(maxBytes / 16)));
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(folder).filter((n) => /^ring-\d{16}-\d+-\d+\.pcap$/.test(n)).sort()) {
        const path = join(folder, name);
        this.files.push({ path, bytes: statSync(path).size, fd: -1 });
      }
    } catch (error) {
      throw spoolUnusable(folder, (error as Error).message);
    }
  }

  get bytes(): number {
    return this.files.reduce((sum, file) => sum + file.bytes, 0);
  }

  /** Paths of the files, oldest first. */
  get paths(): string[] {
    return this.files.map((file) => file.path);
  }

  add(block: PacketBlock): void {
    if (block.headers.packets === 0) return;
    try {
      let file = this.open.get(block.headers.linktype);
      let { body } = block;
      if (file === undefined || file.bytes + body.length > this.fileBytes) {
        if (file !== undefined) this.closeFile(file);
        const stamp = String(Math.floor(block.headers.firstUs)).padStart(16, '0');
        const path = join(this.folder, `ring-${stamp}-${block.headers.linktype}-${this.serial++}.pcap`);
        file = { path, bytes: 0, fd: openSync(path, 'w', 0o600) };
        this.files.push(file);
        this.open.set(block.headers.linktype, file);
      } else body = body.subarray(PCAP_HEADER);
      for (let done = 0; done < body.length; ) done += writeSync(file.fd, body, done);
      file.bytes += body.length;
    } catch {
      this.failed++;
    }
    while (this.bytes > this.maxBytes && this.files.length > 1) {
      const oldest = this.files.shift()!;
      this.closeFile(oldest);
      rmSync(oldest.path, { force: true });
    }
  }

  close(): void {
    for (const file of this.files) this.closeFile(file);
  }

  private closeFile(file: RingFile): void {
    for (const [linktype, open] of this.open) if (open === file) this.open.delete(linktype);
    if (file.fd >= 0) closeSync(file.fd);
    file.fd = -1;
  }
}
