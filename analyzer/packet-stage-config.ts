import { DEFAULT_TIMEOUTS } from './flow/flow-table.js';
import { DEFAULT_REASSEMBLY, type ReassemblyLimits } from './stream/reassembly.js';

export interface PacketStageConfig {
  /** Most flows at a time; a slot is 160 bytes and 16 of index. */
  flows: number;
  /** Timeouts by `FlowClass`, seconds. */
  timeouts: readonly number[];
  /**
   * `ignore`: checksums are not looked at, because offloading makes captures wrong. `verify`: packets with a wrong TCP,
   * UDP or ICMP checksum are an anomaly and never reach a stream.
   */
  checksums: 'ignore' | 'verify';
  reassembly: ReassemblyLimits;
  defragmentation: { policy: ReassemblyLimits['policy']; bytes: number; timeoutSeconds: number };
  /** EVE `flow` events: `answered` leaves out flows that nobody answered and that raised nothing. */
  flowEvents: 'all' | 'answered' | 'none';
  /** Flows ended at one look at the clock, so that no packet waits for a table full of them. */
  expireAtOnce: number;
  /** Key of the flow hash; anything an attacker does not know. */
  seed: number;
  /** Seed of Community ID. */
  communityIdSeed: number;
  /** EVE `anomaly` events a second of packet time; more are counted. */
  anomaliesPerSecond: number;
  /** One of several stages that see the same packets: those of other shards (`flow/shard.ts`) are counted and passed over. */
  shard?: { index: number; count: number };
  /** Digests of files in flight. */
  fileHashes: readonly ('md5' | 'sha1' | 'sha256' | 'sm3')[];
}

export const DEFAULT_PACKET_STAGE: PacketStageConfig = {
  flows: 1 << 18,
  timeouts: DEFAULT_TIMEOUTS,
  checksums: 'ignore',
  reassembly: DEFAULT_REASSEMBLY,
  defragmentation: { policy: 'linux', bytes: 16 << 20, timeoutSeconds: 30 },
  flowEvents: 'answered',
  expireAtOnce: 512,
  seed: 0x5eed,
  communityIdSeed: 0,
  anomaliesPerSecond: 100,
  fileHashes: ['md5', 'sha256'],
};
