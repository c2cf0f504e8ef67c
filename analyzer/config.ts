import { Type, type Static } from '@sinclair/typebox';

const closed = { additionalProperties: false } as const;

/** Settings of the analyzer; every one has a default, so that an empty document is a whole configuration. */
export const AnalyzerConfig = Type.Object({
  /** Name in health reports. */
  id: Type.String({ default: 'analyzer', pattern: '^[a-z0-9_-]{1,64}$' }),
  /** Flow partitions of the bus that this analyzer takes, of how many the collectors make. */
  partitions: Type.Array(Type.Integer({ minimum: 0 }), { default: [0], minItems: 1 }),
  /** Worker threads; a partition is one worker's, so give an analyzer as many partitions as workers. */
  workers: Type.Integer({ default: 1, minimum: 1, maximum: 64 }),
  /** Rule files and folders; `default` is the shipped pack. */
  rules: Type.Array(Type.String(), { default: ['default'] }),
  /** Refuse to start when a shipped rule fails its own captures or any rule has an error. */
  strict: Type.Boolean({ default: false }),
  /** Address variables of rules, e.g. `HOME_NET: [10.0.0.0/8]`. */
  variables: Type.Record(Type.String({ pattern: '^[A-Z][A-Z0-9_]*$' }), Type.Array(Type.String()), { default: {} }),
  /**
   * Rules of Suricata's language look at TCP flows whose handshake was not seen, or of which only one direction is captured
   * (its `stream.midstream` and `stream.async-oneside`). YAML rules always do.
   */
  midstream: Type.Boolean({ default: false }),
  /** Reputation of addresses for `iprep` of Suricata's rules: its category file and its lists. */
  reputation: Type.Optional(Type.Object({ categories: Type.String(), files: Type.Array(Type.String(), { minItems: 1 }) }, closed)),
  /** Folder for the files and certificates that rules with `filestore` or `tls.store` match, named by their SHA-256. */
  fileStore: Type.Optional(Type.String()),
  /** Assets registry (YAML or CSV). */
  registry: Type.Optional(Type.String()),
  /** Indicator lists (CSV, STIX 2.1, MISP) and folders of them; read again when they change. */
  indicators: Type.Array(Type.String(), { default: [] }),
  /** What becomes of alerts that an allowance of the registry covers. */
  allowedAs: Type.Union([Type.Literal('info'), Type.Literal('drop')], { default: 'info' }),
  /** Arena in MiB: capture ring, stream reassembly, scan tables. Untouched pages cost nothing. */
  arenaMiB: Type.Integer({ default: 256, minimum: 64, maximum: 2047 }),
  /** Of the arena, MiB of recent packets kept as evidence. */
  ringMiB: Type.Integer({ default: 32, minimum: 2, maximum: 1024 }),
  maxFlows: Type.Integer({ default: 262_144, minimum: 1024, maximum: 16_777_216 }),
  /** `verify` drops packets with wrong checksums from streams; captures of offloading hosts need `ignore`. */
  checksums: Type.Union([Type.Literal('ignore'), Type.Literal('verify')], { default: 'ignore' }),
  /** Types of EVE events that are sent on beside alerts. */
  events: Type.Array(Type.String(), { default: [] }),
  evidence: Type.Object({
    enabled: Type.Boolean({ default: true }),
    maxBytes: Type.Integer({ default: 262_144, minimum: 1024, maximum: 524_288 }),
    perMinute: Type.Integer({ default: 120, minimum: 1 }),
  }, { ...closed, default: {} }),
  /** What a restart replays: blocks stay unacknowledged for so long (packet time) or until so many MiB wait. */
  replay: Type.Object({
    seconds: Type.Integer({ default: 30, minimum: 0, maximum: 3600 }),
    MiB: Type.Integer({ default: 64, minimum: 1, maximum: 4096 }),
  }, { ...closed, default: {} }),
}, { ...closed, $id: 'AnalyzerConfig' });
export type AnalyzerConfig = Static<typeof AnalyzerConfig>;
