import { RECORD_BYTES } from '../../analyzer/flow/connection-log.js';
import { Item, type Part } from './protocol.js';

/** Collects what one worker finds until it is handed over. */
export class PartWriter {
  private keys = new Float64Array(1024);
  private kinds = new Uint8Array(1024);
  private records = new Uint8Array(256 * RECORD_BYTES);
  private count = 0;
  private recordBytes = 0;
  private lastKey = 0;
  events: Part['events'] = [];
  alerts: Part['alerts'] = [];
  laters: Part['laters'] = [];

  get items(): number {
    return this.count;
  }

  /** @param packet number of the packet under way @param own whether it is of the packet itself */
  item(kind: (typeof Item)[keyof typeof Item], packet: number, own: boolean): void {
    if (this.count === this.kinds.length) {
      this.keys = grown(this.keys, new Float64Array(this.count * 2));
      this.kinds = grown(this.kinds, new Uint8Array(this.count * 2));
    }
    // A flow that ends to make room for the packet's own stays behind what the packet has done before.
    this.lastKey = Math.max(this.lastKey, packet * 2 + (own ? 1 : 0));
    this.keys[this.count] = this.lastKey;
    this.kinds[this.count++] = kind;
  }

  connections(records: Uint8Array, count: number, packet: number, own: boolean): void {
    const bytes = count * RECORD_BYTES;
    while (this.recordBytes + bytes > this.records.length) this.records = grown(this.records, new Uint8Array(this.records.length * 2));
    this.records.set(records.subarray(0, bytes), this.recordBytes);
    this.recordBytes += bytes;
    for (let i = 0; i < count; i++) this.item(Item.Record, packet, own);
  }

  /** What has come together, and what to transfer with it. */
  take(upTo: number, read: number): [Part, ArrayBuffer[]] {
    const keys = this.keys.slice(0, this.count);
    const kinds = this.kinds.slice(0, this.count);
    const records = this.records.slice(0, this.recordBytes);
    const part: Part = { kind: 'part', upTo, read, items: this.count, keys, kinds, records, events: this.events, alerts: this.alerts, laters: this.laters };
    this.count = 0;
    this.recordBytes = 0;
    this.events = [];
    this.alerts = [];
    this.laters = [];
    return [part, [keys.buffer, kinds.buffer, records.buffer]];
  }
}

function grown<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
