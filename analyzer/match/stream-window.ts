import type { Arena } from '../arena.js';
import { mover, type Move } from './prefilter.js';

/** Bytes of a stream that stay in view behind the chunk under way: what a match may straddle. */
export const STREAM_BACK = 4096;
/** Bytes of a direction that stream rules look at: beyond it is bulk, whose packets rules of Suricata's language see one by one. */
export const STREAM_DEPTH = 1024 * 1024;
/** Smallest block of a window, and the largest that it keeps between chunks. */
const SMALLEST = 512;
const LARGEST = 4 * STREAM_BACK;

/**
 * The last bytes of one direction of a stream, in a block of the arena, so that a chunk appended to them is scanned and
 * tested together with them in one piece. Without a block it only counts.
 */
export class StreamWindow {
  private block = 0;
  private size = 0;
  private start = 0;
  length = 0;
  /** Stream position of the first byte held, and where the message under way began. */
  position = 0;
  messageAt = 0;

  /** Where the bytes held lie. */
  get at(): number { return this.block + this.start; }

  /** Bytes of the chunk under way. */
  private fresh = 0;

  /** Stream position one past the last byte before the chunk under way. */
  get end(): number { return this.position + this.length - this.fresh; }

  /** Appends a chunk behind at most `STREAM_BACK` bytes. @returns false when the arena has no room: then it only counts. */
  append(arena: Arena, at: number, length: number): boolean {
    const move: Move = mover(arena);
    const over = this.length - STREAM_BACK;
    if (over > 0) {
      this.start += over;
      this.position += over;
      this.length = STREAM_BACK;
    }
    const needed = this.length + length;
    if (this.start + needed > this.size) {
      if (needed <= this.size) {
        move(this.block, this.at, this.length);
      } else {
        let size = SMALLEST;
        while (size < needed) size *= 2;
        const block = arena.take(size);
        if (block === 0) {
          this.skip(arena, length);
          return false;
        }
        if (this.length > 0) move(block, this.at, this.length);
        if (this.size > 0) arena.give(this.block, this.size);
        this.block = block;
        this.size = size;
      }
      this.start = 0;
    }
    move(this.block + this.start + this.length, at, length);
    this.length = needed;
    this.fresh = length;
    return true;
  }

  /** The chunk is through: a block that a large one has made goes back, but for the bytes in view. */
  settle(arena: Arena): void {
    this.fresh = 0;
    if (this.size <= LARGEST) return;
    const keep = Math.min(this.length, STREAM_BACK);
    const from = this.at + this.length - keep;
    const block = arena.take(2 * STREAM_BACK);
    this.position += this.length - keep;
    if (block === 0) {
      this.position += keep;
      this.length = 0;
      this.release(arena);
      return;
    }
    mover(arena)(block, from, keep);
    arena.give(this.block, this.size);
    this.block = block;
    this.size = 2 * STREAM_BACK;
    this.start = 0;
    this.length = keep;
  }

  /** Counts a chunk that no rule looks at; what was held is no context for what follows. */
  skip(arena: Arena, length: number): void {
    this.position += this.length + length;
    this.length = 0;
    this.release(arena);
  }

  /** Gives the block back. */
  release(arena: Arena): void {
    if (this.size > 0) arena.give(this.block, this.size);
    this.block = 0;
    this.size = 0;
    this.start = 0;
  }
}
