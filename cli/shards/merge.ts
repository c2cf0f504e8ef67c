import { RECORD_BYTES } from '../../analyzer/flow/connection-log.js';
import type { EveEvent } from '../../contracts/event.js';
import { Item, type Part, type ShardAlert } from './protocol.js';

export interface MergeSink {
  connections(records: Uint8Array, count: number): void;
  event(event: EveEvent): void;
  alert(alert: ShardAlert): void;
  later(later: Part['laters'][number]): void;
}

/** Records handed on together at most. */
const RECORDS = 4096;

interface Lane { parts: Part[]; item: number; record: number; event: number; alert: number; later: number; upTo: number }

/** Puts what several workers have found in one capture back into the order of its packets. */
export class ShardMerge {
  private readonly lanes: Lane[];
  private readonly records = new Uint8Array(RECORDS * RECORD_BYTES);
  private recordCount = 0;

  constructor(count: number, private readonly sink: MergeSink) {
    this.lanes = Array.from({ length: count }, () => ({ parts: [], item: 0, record: 0, event: 0, alert: 0, later: 0, upTo: 0 }));
  }

  /** Takes what worker `index` has found next. @returns parts of each worker that are used up by now */
  add(index: number, part: Part): number[] {
    const lane = this.lanes[index]!;
    lane.upTo = part.upTo;
    lane.parts.push(part);
    return this.drain();
  }

  /** Worker `index` has nothing more to say. */
  end(index: number): number[] {
    this.lanes[index]!.upTo = Infinity;
    return this.drain();
  }

  /** The key of a lane's next item, or what it is at least. */
  private head(lane: Lane, used: number[], index: number): number {
    for (;;) {
      const part = lane.parts[0];
      if (part === undefined) return lane.upTo * 2 + 2;
      if (lane.item < part.items) return part.keys[lane.item]!;
      lane.parts.shift();
      used[index]!++;
      lane.item = lane.record = lane.event = lane.alert = lane.later = 0;
    }
  }

  private drain(): number[] {
    const { lanes } = this;
    const used = lanes.map(() => 0);
    for (;;) {
      let first = -1;
      let key = Infinity;
      let next = Infinity;
      for (let i = 0; i < lanes.length; i++) {
        const at = this.head(lanes[i]!, used, i);
        if (at < key) {
          next = key;
          key = at;
          first = i;
        } else if (at < next) next = at;
      }
      if (first < 0 || lanes[first]!.parts.length === 0) break;
      this.run(lanes[first]!, next, key);
    }
    this.flushRecords();
    return used;
  }

  /** Hands items of a lane on up to `next`, which is another lane's. */
  private run(lane: Lane, next: number, key: number): void {
    const part = lane.parts[0]!;
    const { sink } = this;
    for (; lane.item < part.items; lane.item++) {
      const at = part.keys[lane.item]!;
      if (at !== key && at >= next) return;
      switch (part.kinds[lane.item]) {
        case Item.Record:
          if (this.recordCount === RECORDS) this.flushRecords();
          this.records.set(part.records.subarray(lane.record * RECORD_BYTES, (lane.record + 1) * RECORD_BYTES), this.recordCount++ * RECORD_BYTES);
          lane.record++;
          break;
        case Item.Event:
          this.flushRecords();
          sink.event(part.events[lane.event++]!);
          break;
        case Item.Alert:
          this.flushRecords();
          sink.alert(part.alerts[lane.alert++]!);
          break;
        default:
          sink.later(part.laters[lane.later++]!);
      }
    }
  }

  private flushRecords(): void {
    if (this.recordCount === 0) return;
    const count = this.recordCount;
    this.recordCount = 0;
    this.sink.connections(this.records.subarray(0, count * RECORD_BYTES), count);
  }
}
