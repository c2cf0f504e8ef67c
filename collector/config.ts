import { Type, type Static } from '@sinclair/typebox';

const Interface = Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,31}$' });

const Live = Type.Object(
  {
    kind: Type.Literal('live'),
    interface: Interface,
    /** Network namespace of the interface (`ip netns`); needs root. */
    netns: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' })),
    /** pcap-filter(7) text; default the collector's `bpf`. */
    bpf: Type.Optional(Type.String({ maxLength: 8192 })),
    snaplen: Type.Optional(Type.Integer({ minimum: 0, maximum: 262144 })),
    backend: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('tcpdump'), Type.Literal('cap')])),
  },
  { additionalProperties: false },
);
const File = Type.Object({ kind: Type.Literal('file'), path: Type.String({ minLength: 1 }) }, { additionalProperties: false });
const Folder = Type.Object(
  {
    kind: Type.Literal('folder'),
    path: Type.String({ minLength: 1 }),
    stateFile: Type.Optional(Type.String({ minLength: 1 })),
    settleSeconds: Type.Number({ minimum: 0, maximum: 3600, default: 3 }),
    /** Ends when every file there has been read. */
    once: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
const Stdin = Type.Object({ kind: Type.Literal('stdin') }, { additionalProperties: false });

/** Configuration of a collector: one node of one unit, its sources, and where packets wait. */
export const CollectorConfig = Type.Object(
  {
    node: Type.String({ minLength: 1, maxLength: 64 }),
    unit: Type.String({ minLength: 1, maxLength: 64 }),
    sources: Type.Array(Type.Union([Live, File, Folder, Stdin]), { maxItems: 64 }),
    /** Flow partitions: the number of analyzers that share the traffic. */
    partitions: Type.Integer({ minimum: 1, maximum: 64, default: 1 }),
    bpf: Type.String({ maxLength: 8192, default: '' }),
    /** Bytes captured of a packet; 0: all of it. */
    snaplen: Type.Integer({ minimum: 0, maximum: 262144, default: 0 }),
    backend: Type.Union([Type.Literal('auto'), Type.Literal('tcpdump'), Type.Literal('cap')], { default: 'auto' }),
    /** Kernel buffer of each interface. */
    bufferMiB: Type.Integer({ minimum: 1, maximum: 1024, default: 64 }),
    promiscuous: Type.Boolean({ default: true }),
    /** User the capturing child becomes when the collector runs as root. */
    user: Type.Optional(Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$' })),
    spool: Type.Object(
      {
        path: Type.Optional(Type.String({ minLength: 1 })),
        /** 0: no spool; live packets that the bus does not take are lost and counted. */
        maxMiB: Type.Integer({ minimum: 0, maximum: 1024 * 1024, default: 256 }),
      },
      { additionalProperties: false, default: {} },
    ),
    /** Recent packets kept on the node's disk, as pcap files. */
    ring: Type.Optional(Type.Object(
      { path: Type.String({ minLength: 1 }), maxMiB: Type.Integer({ minimum: 16, maximum: 16 * 1024 * 1024, default: 1024 }) },
      { additionalProperties: false },
    )),
    /** Stop forwarding the payload of a flow behind so many KiB; 0: never. */
    cutoffKiB: Type.Integer({ minimum: 0, default: 0 }),
    /** How much the bus keeps of each partition before collectors wait or spool. */
    streamMiB: Type.Integer({ minimum: 8, maximum: 1024 * 1024, default: 512 }),
    demo: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type CollectorConfig = Static<typeof CollectorConfig>;
