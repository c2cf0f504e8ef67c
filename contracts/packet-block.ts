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
