/** Sources remembered. The one that was quiet longest goes. */
const MAX_SOURCES = 4096;
/** Messages that were given up and may still come. */
const MAX_MISSING = 256;
/** A publisher has so many on their way at most: one that is further ahead of a gap was sent after the gap was real. */
const AHEAD = 16;
/** Messages held in all, of all sources. */
const MAX_HELD = 64;
const WAIT_MS = 1000;

interface Source<T> { next: number; held: Map<number, { item: T; since: number; last: boolean }> }

/**
 * Puts numbered messages of many sources back into order, tells gaps, and drops what was seen before. A publisher with
 * several messages on their way can have a later one stored before an earlier one that was refused and sent again (a
 * stream that is full for a moment does that); the later one is held here until the earlier has come, for a second at most.
 */
export class InOrder<T> {
  private readonly sources = new Map<string, Source<T>>();
  private readonly missing = new Set<string>();
  private held = 0;
  /** Messages missing, messages seen before, messages let through. */
  readonly counters = { gaps: 0, duplicates: 0, blocks: 0 };

  constructor(private readonly now: () => number = Date.now, private readonly waitMs = WAIT_MS) {}

  /**
   * @param seq number of the message within its source, from 0
   * @param last nothing follows it
   * @returns what is to be handled now, in order; empty for a message that is held; undefined for one that was seen before
   */
  take(name: string, seq: number, last: boolean, item: T): T[] | undefined {
    const out: T[] = [];
    let source = this.sources.get(name);
    if (source === undefined) {
      // The first one seen may be any: what came before was acknowledged to an earlier process. A low number may be early.
      source = { next: seq < AHEAD ? 0 : seq, held: new Map() };
      if (this.sources.size >= MAX_SOURCES) {
        const [oldest, { held }] = this.sources.entries().next().value!;
        if (held.size > 0) this.giveUp(oldest, this.sources.get(oldest)!, out);
        this.sources.delete(oldest);
      }
    } else this.sources.delete(name);
    this.sources.set(name, source);
    if (seq < source.next) {
      if (!this.missing.delete(`${name}\0${seq}`)) {
        this.counters.duplicates++;
        return out.length > 0 ? out : undefined;
      }
      this.counters.gaps--;
      this.counters.blocks++;
      out.push(item);
      return out;
    }
    if (source.held.has(seq)) {
      this.counters.duplicates++;
      return undefined;
    }
    source.held.set(seq, { item, since: this.now(), last });
    this.held++;
    this.release(source, out);
    while (source.held.size > AHEAD) this.skip(name, source, out);
    if (this.held > MAX_HELD) for (const [other, s] of this.sources) if (s.held.size > 0) { this.giveUp(other, s, out); break; }
    return out;
  }

  /** @returns what has waited long enough for a message that did not come; to be called now and then. */
  due(): T[] {
    const out: T[] = [];
    if (this.held === 0) return out;
    const before = this.now() - this.waitMs;
    for (const [name, source] of this.sources) {
      for (;;) {
        const first = Math.min(...source.held.keys());
        if (first === Infinity || source.held.get(first)!.since > before) break;
        this.skip(name, source, out);
      }
    }
    return out;
  }

  /** @returns everything held, in order by source: nothing more will come. */
  rest(): T[] {
    const out: T[] = [];
    for (const [name, source] of this.sources) this.giveUp(name, source, out);
    return out;
  }

  /** Moves on to the lowest number held and remembers what was passed over. */
  private skip(name: string, source: Source<T>, out: T[]): void {
    const to = Math.min(...source.held.keys());
    this.counters.gaps += to - source.next;
    for (let seq = Math.max(source.next, to - MAX_MISSING); seq < to; seq++) this.missing.add(`${name}\0${seq}`);
    while (this.missing.size > MAX_MISSING) this.missing.delete(this.missing.values().next().value!);
    source.next = to;
    this.release(source, out);
  }

  private giveUp(name: string, source: Source<T>, out: T[]): void {
    while (source.held.size > 0) this.skip(name, source, out);
  }

  private release(source: Source<T>, out: T[]): void {
    for (let entry = source.held.get(source.next); entry !== undefined; entry = source.held.get(source.next)) {
      source.held.delete(source.next);
      this.held--;
      this.counters.blocks++;
      out.push(entry.item);
      source.next = entry.last ? Number.MAX_SAFE_INTEGER : source.next + 1;
    }
  }
}
