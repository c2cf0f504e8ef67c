import { createHash } from 'node:crypto';
import type { Transaction } from './app/parser.js';
import type { Direction, Flow } from './flow/flow.js';

/** Bytes stored of one file; the rest of a larger one is left out, and it is stored as truncated. */
export const MAX_STORED_FILE = 32 << 20;
/** Bytes of files in flight, and of those that ended lately, kept in case a rule still matches. */
const MAX_HELD = 128 << 20;
/** Files that ended lately: a rule is decided with the packet that ends its transaction, or the next one of its side. */
const MAX_ENDED = 64;

/** A file that a rule wants stored, or a chain of certificates in PEM. */
export interface StoredFile {
  readonly kind: 'file' | 'certificates';
  /** Hexadecimal SHA-256 of the bytes. */
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

export class HeldFile {
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  /** The bound cut it. */
  cut = false;
  stored = false;
  /** Says what became of it, once. */
  tell: (() => void) | undefined;
  constructor(readonly flow: Flow, readonly tx: Transaction, readonly direction: Direction) {}
}

/** Keeps the bytes of files while rules with `filestore` may still match them. */
export class FileKeeper {
  private held = 0;
  private ended: HeldFile[] = [];
  /** Directions wanted of a transaction or flow: bits. */
  private readonly wanted = new WeakMap<object, number>();
  /** Files stored, and those whose bytes found no room. */
  readonly counters = { stored: 0, refused: 0 };

  constructor(private readonly out: (file: StoredFile) => void) {}

  open(flow: Flow, tx: Transaction, direction: Direction): HeldFile {
    return new HeldFile(flow, tx, direction);
  }

  data(file: HeldFile, bytes: Uint8Array): void {
    if (file.cut) return;
    if (file.bytes + bytes.length > MAX_STORED_FILE || this.held + bytes.length > MAX_HELD) {
      file.cut = true;
      this.counters.refused++;
      return;
    }
    file.chunks.push(bytes.slice());
    file.bytes += bytes.length;
    this.held += bytes.length;
  }

  /** The file is over: it is stored now, or waits in case a rule still asks for it. */
  close(file: HeldFile): void {
    const bits = (this.wanted.get(file.tx) ?? 0) | (this.wanted.get(file.flow) ?? 0);
    if ((bits & (1 << file.direction)) !== 0) {
      this.store(file);
      return;
    }
    this.ended.push(file);
    if (this.ended.length > MAX_ENDED) this.letGo(this.ended.shift()!);
  }

  /** A rule has matched: files of the transaction (of the whole flow where there is none) are stored, now and later. */
  want(flow: Flow, tx: Transaction | undefined, directions: number): void {
    const of = tx ?? flow;
    this.wanted.set(of, (this.wanted.get(of) ?? 0) | directions);
    const take = (f: HeldFile): boolean => f.flow === flow && (tx === undefined || f.tx === tx) && (directions & (1 << f.direction)) !== 0;
    const found = this.ended.filter(take);
    if (found.length === 0) return;
    this.ended = this.ended.filter((f) => !take(f));
    for (const f of found) this.store(f);
  }

  certificates(tx: Transaction): void {
    const chain = tx.certificates?.() ?? [];
    if (chain.length === 0) return;
    const pem = chain.map((der) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64').replace(/.{64}(?!$)/g, '$&\n')}\n-----END CERTIFICATE-----\n`).join('');
    this.give('certificates', Buffer.from(pem, 'latin1'));
  }

  flowEnd(flow: Flow): void {
    this.wanted.delete(flow);
    for (const f of this.ended) if (f.flow === flow) this.letGo(f);
    this.ended = this.ended.filter((f) => f.flow !== flow);
  }

  private store(file: HeldFile): void {
    file.stored = true;
    if (file.bytes > 0) this.give('file', Buffer.concat(file.chunks));
    this.letGo(file);
  }

  private give(kind: StoredFile['kind'], bytes: Buffer): void {
    this.counters.stored++;
    this.out({ kind, sha256: createHash('sha256').update(bytes).digest('hex'), bytes });
  }

  private letGo(file: HeldFile): void {
    file.tell?.();
    file.tell = undefined;
    this.held -= file.bytes;
    file.chunks.length = 0;
    file.bytes = 0;
  }
}
