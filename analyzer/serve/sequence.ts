import type { PacketBlockHeaders } from '../../contracts/packet-block.js';

/** Sources remembered; a source is one run of one interface of one node. The one that was quiet longest goes. */
const MAX_SOURCES = 4096;

/** Blocks that were passed over and may still come: after a refusal a block can be stored before the one in front of it. */
const MAX_MISSING = 256;

/** Notices packet blocks that are missing or come twice, by the sequence numbers of their source. */
export class SequenceTracker {
  private readonly next = new Map<string, number>();
  private readonly missing = new Set<string>();
  /** Blocks missing, blocks seen before, blocks in order. */
  readonly counters = { gaps: 0, duplicates: 0, blocks: 0 };

  /** @returns false for a block that was seen before and must not be processed again. */
  accept(h: PacketBlockHeaders): boolean {
    const key = `${h.unit}\0${h.node}\0${h.interface}\0${h.epoch}\0${h.partition}`;
    const expected = this.next.get(key);
    if (expected !== undefined && h.seq < expected) {
      if (this.missing.delete(`${key}\0${h.seq}`)) {
        this.counters.gaps--;
        this.counters.blocks++;
        return true;
      }
      this.counters.duplicates++;
      return false;
    }
    // The first block seen of a source may be any: what came before was acknowledged by an earlier process.
    if (expected !== undefined && h.seq > expected && expected !== Number.MAX_SAFE_INTEGER) {
      this.counters.gaps += h.seq - expected;
      for (let seq = Math.max(expected, h.seq - MAX_MISSING); seq < h.seq; seq++) this.missing.add(`${key}\0${seq}`);
      while (this.missing.size > MAX_MISSING) this.missing.delete(this.missing.values().next().value!);
    }
    this.counters.blocks++;
    this.next.delete(key);
    if (!h.end) this.next.set(key, h.seq + 1);
    else this.next.set(key, Number.MAX_SAFE_INTEGER);
    if (this.next.size > MAX_SOURCES) this.next.delete(this.next.keys().next().value!);
    return true;
  }
}
