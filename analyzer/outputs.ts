import type { Alert } from '../contracts/alert.js';
import type { StoredFile } from './packet-stage-store.js';
import type { EveEvent, EventType } from '../contracts/event.js';

/** Packets of an alert, copied out of the ring: a complete little-endian nanosecond pcap file. */
export interface Evidence {
  pcap: Uint8Array;
  packets: number;
}

/** Where the packet stage's findings go. Handed in, so that the stage knows no bus and no file. */
export interface Outputs {
  /** Whether anybody wants events of this type: others are not made. Without it all are. The answer never changes. */
  wants?(type: EventType): boolean;
  /** An EVE event; the object is the receiver's. */
  event(event: EveEvent): void;
  /**
   * An alert as a rule raised it, before aggregation.
   * @param evidence copies its packets out of the ring (at most `maxBytes` of file); callable only during this call.
   */
  alert(alert: Alert, evidence: (maxBytes: number) => Evidence | undefined): void;
  /** A file that a rule wants stored; without this nothing is kept for it. */
  file?(file: StoredFile): void;
  /** Records of 64 bytes (`ConnectionRecord`), in packet order. The array is reused: copy what is kept. */
  connections(records: Uint8Array, count: number): void;
}
