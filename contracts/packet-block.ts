import { Type, type Static } from '@sinclair/typebox';

/**
 * A packet block: a batch of captured packets from one interface of one node. The body is a complete
 * little-endian nanosecond pcap file (magic 0xa1b23c4d), so that any tool reads what is on the bus.
 */
export const BLOCK_MAX_BYTES = 512 * 1024;
/** A block is closed when its packets span this long, so that a quiet link is still watched in time. */
export const BLOCK_MAX_SPAN_MS = 50;

/** Headers of a packet block; on the wire every value is a string under `Sw-<Name>`. Times: µs since the epoch. */
export const PacketBlockHeaders = Type.Object(
  {
    node: Type.String({ minLength: 1, maxLength: 64 }),
    unit: Type.String({ minLength: 1, maxLength: 64 }),
    interface: Type.String({ maxLength: 64 }),
    /** One run of one source; a new run starts a new epoch and counts `seq` from 0 again. */
    epoch: Type.String({ minLength: 1, maxLength: 40 }),
    seq: Type.Integer({ minimum: 0 }),
    partition: Type.Integer({ minimum: 0 }),
    partitions: Type.Integer({ minimum: 1 }),
    linktype: Type.Integer({ minimum: 0 }),
    packets: Type.Integer({ minimum: 0 }),
    firstUs: Type.Number(),
    lastUs: Type.Number(),
    /** Drop counters so far in this epoch; -1 where the source cannot know. */
    droppedKernel: Type.Integer(),
    droppedInterface: Type.Integer(),
    droppedBackpressure: Type.Integer(),
    /** `exact` stamps come from the kernel or the capture file, `approximate` ones from the reader. */
    clock: Type.Union([Type.Literal('exact'), Type.Literal('approximate')]),
    /** Name of the capture file the packets came from, where they came from one. */
    file: Type.Optional(Type.String({ maxLength: 255 })),
    /** Set on the bundled demonstration, so that it can be cleared. */
    demo: Type.Optional(Type.Boolean()),
    /** Last block of its epoch: the analyzer flushes the flows of this source. */
    end: Type.Optional(Type.Boolean()),
  },
  { $id: 'PacketBlockHeaders', additionalProperties: false },
);
export type PacketBlockHeaders = Static<typeof PacketBlockHeaders>;

/** A packet block in memory. */
export interface PacketBlock {
  headers: PacketBlockHeaders;
  body: Uint8Array;
}

const PREFIX = 'Sw-';
const FIELDS: { name: keyof PacketBlockHeaders; header: string; kind: 'text' | 'count' | 'number' | 'flag'; longest: number; needed: boolean }[] = (
  [
    ['node', 'text', 64], ['unit', 'text', 64], ['interface', 'text', 64], ['epoch', 'text', 40], ['seq', 'count'],
    ['partition', 'count'], ['partitions', 'count'], ['linktype', 'count'], ['packets', 'count'], ['firstUs', 'number'],
    ['lastUs', 'number'], ['droppedKernel', 'number'], ['droppedInterface', 'number'], ['droppedBackpressure', 'number'],
    ['clock', 'text', 11], ['file', 'text', 255], ['demo', 'flag'], ['end', 'flag'],
  ] as const
).map(([name, kind, longest]) => ({
  name, header: PREFIX + name[0].toUpperCase() + name.slice(1), kind, longest: longest ?? 0,
  needed: name !== 'file' && name !== 'demo' && name !== 'end',
}));
const MAX_TEXT = 9 * 255; // every character of the longest value as three escaped bytes

/** Headers as strings for the bus; text outside printable ASCII is percent-encoded as UTF-8. */
export function encodeBlockHeaders(headers: PacketBlockHeaders): Record<string, string> {
  const out: Record<string, string> = {};
  for (const { name, header, kind } of FIELDS) {
    const value = headers[name];
    if (value === undefined || value === false) continue;
    out[header] = kind === 'text' ? escapeText(value as string) : kind === 'flag' ? '1' : String(value);
  }
  return out;
}

/** Reads what `encodeBlockHeaders` wrote. Anything else, from whomever, gives undefined; never throws. */
export function decodeBlockHeaders(headers: Record<string, string>): PacketBlockHeaders | undefined {
  const out: Record<string, unknown> = {};
  for (const { name, header, kind, longest, needed } of FIELDS) {
    const text = headers[header];
    if (typeof text !== 'string') {
      if (needed) return undefined;
      continue;
    }
    if (kind === 'flag') {
      out[name] = text === '1';
      continue;
    }
    const value = kind === 'text' ? unescapeText(text) : /^-?\d{1,16}$/.test(text) ? Number(text) : undefined;
    if (value === undefined) return undefined;
    if (kind === 'text' && [...(value as string)].length > longest) return undefined;
    if (kind !== 'text' && (!Number.isSafeInteger(value) || ((kind === 'count' || name.endsWith('Us')) && (value as number) < 0))) return undefined;
    out[name] = value;
  }
  const decoded = out as PacketBlockHeaders;
  if (decoded.node === '' || decoded.unit === '' || decoded.epoch === '') return undefined;
  if (decoded.partitions < 1 || decoded.partition >= decoded.partitions) return undefined;
  if (decoded.clock !== 'exact' && decoded.clock !== 'approximate') return undefined;
  return decoded;
}

function escapeText(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, '\ufffd').replace(/[^\x20-\x24\x26-\x7e]|^ | $/gu, encodeURIComponent);
}

function unescapeText(text: string): string | undefined {
  if (text.length > MAX_TEXT) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
