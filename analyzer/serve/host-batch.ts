import type { EveEvent } from '../../contracts/event.js';
import type { CapturePoint } from '../sink/behaviour-alert.js';
import { sidesOf } from '../detect/logins.js';
import { RECORD_BYTES } from '../flow/connection-log.js';

/** Offsets into a connection record (analyzer/flow/connection-log.ts). */
const VERSION = 1, SOURCE = 9, SRC = 12;
/** Of one message: below what NATS takes with room for the events beside them. */
const MAX_RECORDS = 6144;
const MAX_EVENTS = 1024;
const MAX_EVENT_BYTES = 400 * 1024;
/** A header line is no longer. */
const MAX_HEADER = 1 << 20;
const MAX_POINTS = 256;
const MAX_TEXT = 256;

/** Where records come from, and whose clock their times are of. */
export interface HostPoint extends CapturePoint { world: string }

/** Connection records and events of hosts that one partition owns, seen in the packets of one lane (flow partition). */
export interface HostBatch {
  world: string;
  lane: number;
  /** Lanes in all. */
  lanes: number;
  /** Packet time that the lane has come to, µs; NaN for what comes of idle time. */
  upToUs: number;
  /** The lane of this world ends here. */
  end: boolean;
  /** By the records' source number. */
  points: HostPoint[];
  records: Uint8Array;
  events: EveEvent[];
}

/** Partition that owns the behaviour of a client's address; a hash of its text's bytes would cost more on the way of records. */
export function ownerOf(bytes: Uint8Array, at: number, length: number, partitions: number): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < length; i++) h = Math.imul(h ^ bytes[at + i]!, 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return ((h ^ (h >>> 13)) >>> 0) % partitions;
}

const scratch = new Uint8Array(16);

/** The same for an address in EVE's form (IPv6 with all its groups). */
export function ownerOfText(ip: string, partitions: number): number {
  if (!ip.includes(':')) {
    const parts = ip.split('.');
    for (let i = 0; i < 4; i++) scratch[i] = Number(parts[i]) || 0;
    return ownerOf(scratch, 0, 4, partitions);
  }
  const groups = ip.split(':');
  for (let i = 0; i < 8; i++) {
    const group = Number.parseInt(groups[i] ?? '0', 16) || 0;
    scratch[i * 2] = group >> 8;
    scratch[i * 2 + 1] = group & 255;
  }
  return ownerOf(scratch, 0, 16, partitions);
}

/** Parts records and events by a number (below 256) of each; a part keeps the order. */
function parted(batch: HostBatch, ofRecord: (at: number) => number, ofEvent: (event: EveEvent) => number): Map<number, HostBatch> {
  const { records } = batch;
  const total = records.length / RECORD_BYTES;
  const sizes = new Map<number, number>();
  const numbers = new Uint8Array(total);
  for (let i = 0; i < total; i++) {
    const n = (numbers[i] = ofRecord(i * RECORD_BYTES));
    sizes.set(n, (sizes.get(n) ?? 0) + RECORD_BYTES);
  }
  const parts = new Map<number, HostBatch>();
  for (const [n, size] of sizes) parts.set(n, { ...batch, records: new Uint8Array(size), events: [] });
  const used = new Map<number, number>();
  for (let i = 0; i < total; i++) {
    const n = numbers[i]!;
    const at = used.get(n) ?? 0;
    parts.get(n)!.records.set(records.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES), at);
    used.set(n, at + RECORD_BYTES);
  }
  for (const event of batch.events) {
    const n = ofEvent(event);
    let part = parts.get(n);
    if (!part) parts.set(n, (part = { ...batch, records: new Uint8Array(0), events: [] }));
    part.events.push(event);
  }
  return parts;
}

/** Parts records and events by the partition that owns their client. */
export function byOwner(batch: HostBatch): Map<number, HostBatch> {
  const { records, lanes } = batch;
  return parted(batch, (at) => ownerOf(records, at + SRC, records[at + VERSION] === 4 ? 4 : 16, lanes), (event) => ownerOfText(sidesOf(event).client, lanes));
}

/**
 * Parts off what belongs to another world than the batch: a flow of an ended replay may time out under live packets.
 * The batch's own part, even if empty, comes first.
 */
export function byWorld(batch: HostBatch): HostBatch[] {
  const { points, records, world } = batch;
  if (points.every((p) => p.world === world)) return [batch];
  const worlds = [...new Set([world, ...points.map((p) => p.world)])];
  const parts = parted(batch, (at) => worlds.indexOf(points[records[at + SOURCE]!]?.world ?? world), () => 0);
  const own = parts.get(0) ?? { ...batch, records: new Uint8Array(0) };
  parts.delete(0);
  return [own, ...[...parts].map(([n, part]) => ({ ...part, world: worlds[n]!, upToUs: Number.NaN, end: false }))];
}

/** Parts what is too large for one message; an event that is too large by itself is left out. */
export function* chunks(batch: HostBatch): Generator<HostBatch> {
  const { records, events } = batch;
  let recordAt = 0;
  let eventAt = 0;
  do {
    const some: EveEvent[] = [];
    for (let bytes = 0; eventAt < events.length && some.length < MAX_EVENTS; eventAt++) {
      const size = Buffer.byteLength(JSON.stringify(events[eventAt]));
      if (bytes + size > MAX_EVENT_BYTES && some.length > 0) break;
      if (size > MAX_EVENT_BYTES) continue;
      bytes += size;
      some.push(events[eventAt]!);
    }
    const to = Math.min(records.length, recordAt + MAX_RECORDS * RECORD_BYTES);
    yield { ...batch, end: batch.end && to === records.length && eventAt === events.length, records: records.subarray(recordAt, to), events: some };
    recordAt = to;
  } while (recordAt < records.length || eventAt < events.length);
}

/** A line of JSON, then the records as they are. */
export function encodeHostBatch(batch: HostBatch): Uint8Array {
  const { records, ...rest } = batch;
  const head = Buffer.from(`${JSON.stringify({ v: 1, ...rest, upToUs: Number.isNaN(batch.upToUs) ? -1 : batch.upToUs, records: records.length / RECORD_BYTES })}\n`);
  return Buffer.concat([head, records]);
}

/** Reads what `encodeHostBatch` wrote; undefined for anything else, never throws. */
export function decodeHostBatch(data: Uint8Array): HostBatch | undefined {
  const line = data.subarray(0, MAX_HEADER).indexOf(10);
  if (line < 0) return undefined;
  let head: Partial<Record<keyof HostBatch | 'v', unknown>>;
  try {
    head = JSON.parse(Buffer.from(data.buffer, data.byteOffset, line).toString('utf8')) as typeof head;
  } catch {
    return undefined;
  }
  const { v, world, lane, lanes, upToUs, points, events, records } = head;
  const count = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  const whole = v === 1 && typeof world === 'string' && world.length <= MAX_TEXT && count(lane) && count(lanes) && lane < lanes && lanes <= 64
    && typeof upToUs === 'number' && Array.isArray(points) && points.length <= MAX_POINTS && Array.isArray(events) && events.length <= MAX_EVENTS && count(records);
  if (!whole || data.length - line - 1 !== records * RECORD_BYTES) return undefined;
  if (!points.every((p: Partial<HostPoint> | null) => typeof p?.node === 'string' && typeof p.unit === 'string' && typeof p.world === 'string')) return undefined;
  if (!events.every((e: Partial<EveEvent> | null) => typeof e?.event_type === 'string' && typeof e.timestamp === 'string')) return undefined;
  return {
    world, lane, lanes, upToUs: upToUs < 0 ? Number.NaN : upToUs, end: head.end === true, points: points as HostPoint[], events: events as EveEvent[],
    records: new Uint8Array(data.subarray(line + 1)), // a copy of its own: its numbers are changed in place
  };
}

/** Gives the records other source numbers, in place. */
export function renumber(records: Uint8Array, to: (source: number) => number): void {
  for (let at = SOURCE; at < records.length; at += RECORD_BYTES) records[at] = to(records[at]!);
}
