import { createHash, getHashes } from 'node:crypto';
import type { EvidenceHeaders, EvidenceReference } from '../../contracts/alert.js';

/** Bytes of one capture: what one bus message holds, with room for its headers. */
export const EVIDENCE_MAX_BYTES = 480 * 1024;
/** Captures saved per minute of packet time; a flood of alerts mustn't turn into a flood of files. */
export const EVIDENCE_PER_MINUTE = 120;
const MINUTE_US = 60_000_000;

export interface EvidenceOptions {
  /** Takes a capture; its bytes are the receiver's. */
  save: (headers: EvidenceHeaders, pcap: Uint8Array) => void;
  maxBytes?: number;
  perMinute?: number;
}

/** What the packet stage hands over with an alert: copies the packets around it into a nanosecond pcap. */
export type PacketsAround = (maxBytes: number) => { pcap: Uint8Array; packets: number } | undefined;

/** Saves the packets around alerts with their hashes, within a budget per minute of packet time. */
export class EvidenceTaker {
  private minute = -1;
  private taken = 0;
  /** Captures saved, their bytes, and how many the budget refused. */
  readonly counters = { saved: 0, bytes: 0, refused: 0, empty: 0 };
  private readonly sm3 = getHashes().includes('sm3');

  constructor(private readonly options: EvidenceOptions) {}

  /** @returns a `SaveEvidence` for `AlertSink.add`, to be used during the call that `packets` belongs to. */
  from(packets: PacketsAround): (alertId: string, nowUs: number) => EvidenceReference | undefined {
    return (alertId, nowUs) => this.take(alertId, nowUs, packets);
  }

  private take(alert: string, nowUs: number, packetsAround: PacketsAround): EvidenceReference | undefined {
    const minute = Math.floor(nowUs / MINUTE_US);
    if (minute !== this.minute) {
      this.minute = minute;
      this.taken = 0;
    }
    if (this.taken >= (this.options.perMinute ?? EVIDENCE_PER_MINUTE)) {
      this.counters.refused++;
      return undefined;
    }
    const capture = packetsAround(this.options.maxBytes ?? EVIDENCE_MAX_BYTES);
    if (!capture || capture.packets === 0) {
      this.counters.empty++;
      return undefined;
    }
    this.taken++;
    const { pcap, packets } = capture;
    const sha256 = createHash('sha256').update(pcap).digest('hex');
    const reference: EvidenceReference = { id: `${alert.slice(0, 16)}-${sha256.slice(0, 16)}`, sha256, bytes: pcap.byteLength, packets };
    // GM/T 0004; OpenSSL leaves it out in some builds.
    if (this.sm3) reference.sm3 = createHash('sm3').update(pcap).digest('hex');
    this.counters.saved++;
    this.counters.bytes += pcap.byteLength;
    this.options.save({ id: reference.id, alert, sha256, packets }, pcap);
    return reference;
  }
}
