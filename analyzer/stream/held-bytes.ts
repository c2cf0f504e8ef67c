import type { Arena } from '../arena.js';

/** Most bytes of one direction that a parser may leave for later: the largest block of the arena. */
export const MAX_HELD = 1 << 20;

/** Bytes that a parser did not consume, kept in one block of the arena in one piece with what follows. */
export class HeldBytes {
  private block = 0;
  private size = 0;
  private start = 0;
  length = 0;

  constructor(private readonly arena: Arena) {}

  /** Where the kept bytes lie. */
  get at(): number { return this.block + this.start; }

  /** Appends bytes. @returns false when there is no room for them: then nothing is changed. */
  append(at: number, length: number): boolean {
    const total = this.length + length;
    if (total > MAX_HELD) return false;
    if (this.start + total > this.size) {
      if (total <= this.size) {
        this.arena.u8.copyWithin(this.block, this.at, this.at + this.length);
      } else {
        // Twice what is needed now, so that a stream of small segments is copied a bounded number of times.
        const size = Math.min(MAX_HELD, roomFor(total));
        const block = this.arena.take(size);
        if (block === 0) return false;
        if (this.length > 0) this.arena.u8.copyWithin(block, this.at, this.at + this.length);
        if (this.size > 0) this.arena.give(this.block, this.size);
        this.block = block;
        this.size = size;
      }
      this.start = 0;
    }
    this.arena.u8.copyWithin(this.at + this.length, at, at + length);
    this.length = total;
    return true;
  }

  /** Drops the first `count` bytes. */
  consume(count: number): void {
    this.start += count;
    this.length -= count;
    if (this.length === 0) this.clear();
  }

  clear(): void {
    if (this.size > 0) this.arena.give(this.block, this.size);
    this.block = 0;
    this.size = 0;
    this.start = 0;
    this.length = 0;
  }
}

function roomFor(bytes: number): number {
  let size = 512;
  while (size < bytes) size *= 2;
  return size;
}
