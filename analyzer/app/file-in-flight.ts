import { createHash, type Hash } from 'node:crypto';
import type { Arena } from '../arena.js';
import type { FileInFlight } from './parser.js';
import { magic } from './magic.js';

/** What is computed over a file's bytes. Hashing costs more than parsing, so each is asked for. */
export interface FileOptions {
  readonly md5: boolean;
  readonly sha256: boolean;
  readonly sm3: boolean;
}

/** EVE's `fileinfo` object. */
export interface FileInfo {
  filename: string;
  gaps: boolean;
  state: 'CLOSED' | 'TRUNCATED';
  stored: boolean;
  size: number;
  tx_id: number;
  magic?: string;
  md5?: string;
  sha256?: string;
  sm3?: string;
}

/** Bytes kept for the magic: signatures lie in the first 512, tar's at 257. */
const MAGIC_BYTES = 512;

/** Follows one file: size, type, hashes; tells `done` once, when it is closed. */
export class HashedFile implements FileInFlight {
  private size = 0;
  private readonly head = new Uint8Array(MAGIC_BYTES);
  private headLength = 0;
  private readonly hashes: [name: 'md5' | 'sha256' | 'sm3', hash: Hash][] = [];
  private closed = false;

  constructor(
    private readonly arena: Arena, private readonly name: string, private readonly txId: number, options: FileOptions,
    private readonly done: (info: FileInfo) => void,
  ) {
    if (options.md5) this.hashes.push(['md5', createHash('md5')]);
    if (options.sha256) this.hashes.push(['sha256', createHash('sha256')]);
    if (options.sm3) this.hashes.push(['sm3', createHash('sm3')]);
  }

  data(at: number, length: number): void {
    const { u8 } = this.arena;
    if (this.headLength < MAGIC_BYTES) {
      const n = Math.min(length, MAGIC_BYTES - this.headLength);
      this.head.set(u8.subarray(at, at + n), this.headLength);
      this.headLength += n;
    }
    this.size += length;
    if (this.hashes.length === 0) return;
    const bytes = u8.subarray(at, at + length);
    for (const [, hash] of this.hashes) hash.update(bytes);
  }

  close(complete: boolean): void {
    if (this.closed) return;
    this.closed = true;
    const info: FileInfo = {
      filename: this.name, gaps: !complete, state: complete ? 'CLOSED' : 'TRUNCATED', stored: false, size: this.size, tx_id: this.txId,
    };
    const type = magic(this.head, this.headLength);
    if (type !== '') info.magic = type;
    // a hash of part of a file names another file
    if (complete) for (const [name, hash] of this.hashes) info[name] = hash.digest('hex');
    this.done(info);
  }
}
