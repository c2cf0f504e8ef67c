import { createHash, type Hash } from 'node:crypto';
import type { FileInFlight, Transaction } from './app/parser.js';
import type { FileKeeper, HeldFile } from './packet-stage-store.js';
import { magicOf } from './packet-stage-magic.js';
import type { Direction, Flow } from './flow/flow.js';
import type { MatchContext } from './match/matcher.js';

/** First bytes kept of a file to tell its type. */
const MAGIC_BYTES = 512;

/** A file in flight that nobody asks for. */
export const UNSEEN: FileInFlight = { data() {}, close() {} };

/** A file in flight: digests as it passes, and a `fileinfo` event at its end. */
export class PassingFile implements FileInFlight {
  private size = 0;
  private readonly hashes: [string, Hash][] = [];
  private readonly head = new Uint8Array(MAGIC_BYTES);
  private headLength = 0;
  private closed = false;
  private readonly held: HeldFile | undefined;

  constructor(
    private readonly context: MatchContext,
    private readonly flow: Flow,
    private readonly tx: Transaction,
    private readonly direction: Direction,
    private readonly name: string,
    hashes: readonly string[],
    private readonly keeper?: FileKeeper,
  ) {
    this.held = keeper?.open(flow, tx, direction);
    for (const algorithm of hashes) this.hashes.push([algorithm, createHash(algorithm)]);
  }

  data(at: number, length: number): void {
    if (length <= 0 || this.closed) return;
    const bytes = this.context.arena.u8.subarray(at, at + length);
    if (this.headLength < MAGIC_BYTES) {
      const take = Math.min(MAGIC_BYTES - this.headLength, length);
      this.head.set(bytes.subarray(0, take), this.headLength);
      this.headLength += take;
    }
    this.size += length;
    if (this.held) this.keeper!.data(this.held, bytes);
    for (const [, hash] of this.hashes) hash.update(bytes);
  }

  close(complete: boolean): void {
    if (this.closed) return;
    this.closed = true;
    if (!this.context.wants('fileinfo')) {
      if (this.held) this.keeper!.close(this.held);
      return;
    }
    const info: Record<string, unknown> = {
      filename: this.name,
      gaps: !complete,
      state: complete ? 'CLOSED' : 'TRUNCATED',
      stored: false,
      size: this.size,
      tx_id: this.tx.id,
    };
    const magic = magicOf(this.head, 0, this.headLength);
    if (magic !== '') info.magic = magic;
    if (complete) for (const [algorithm, hash] of this.hashes) info[algorithm] = hash.digest('hex');
    const event = this.context.header('fileinfo', this.flow, this.direction);
    const about = this.tx.summary?.() ?? summary(this.tx.detail());
    if (about.email !== undefined) {
      event.email = about.email;
      delete about.email;
    }
    event[this.tx.protocol] = about;
    event.fileinfo = info;
    if (!this.held) {
      this.context.emit(event);
      return;
    }
    // Whether it is stored is known once the rules have decided.
    const { held } = this;
    held.tell = () => {
      info.stored = held.stored;
      this.context.emit(event);
    };
    this.keeper!.close(held);
  }
}

/** The transaction without what only an alert needs: bodies, header lists. */
function summary(detail: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(detail).filter(([key]) => !key.endsWith('_printable') && !key.endsWith('_headers') && !key.endsWith('_body')),
  );
}
