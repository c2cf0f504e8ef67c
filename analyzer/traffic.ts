import { PROTOCOL } from './decode/packet.js';

/** Numbers of what has no application, or not yet one. */
export const enum TRAFFIC { Other = 0, Tcp = 1, Udp = 2, Icmp = 3 }
const TRANSPORTS = ['other', 'tcp', 'udp', 'icmp'];

/** Packets and bytes on the wire of one protocol since the start. */
export type Traffic = [protocol: string, packets: number, bytes: number];

/**
 * Packets and bytes by application protocol, by transport where none is known (yet): what a flow sent before its
 * protocol was recognised stays with its transport. A few integer additions a packet.
 */
export class TrafficCounters {
  readonly names: string[];
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  private readonly ids = new Map<string, number>();

  /** @param applications names of the protocols that flows may turn out to be (at most 251) */
  constructor(applications: readonly string[]) {
    this.names = [...new Set([...TRANSPORTS, ...applications])];
    this.names.forEach((name, id) => this.ids.set(name, id));
    this.packets = new Float64Array(this.names.length);
    this.bytes = new Float64Array(this.names.length);
  }

  /** Number of an application; 0 when it has none of its own. */
  idOf(application: string): number {
    return this.ids.get(application) ?? 0;
  }

  /** What a packet counts as while its flow's application is not known. */
  static transport(protocol: number): number {
    if (protocol === PROTOCOL.Tcp) return TRAFFIC.Tcp;
    if (protocol === PROTOCOL.Udp) return TRAFFIC.Udp;
    return protocol === PROTOCOL.Icmp || protocol === PROTOCOL.Icmpv6 ? TRAFFIC.Icmp : TRAFFIC.Other;
  }

  /** Sums since the start, of what has any. */
  list(): Traffic[] {
    const out: Traffic[] = [];
    for (let id = 0; id < this.names.length; id++) {
      if (this.packets[id] > 0) out.push([this.names[id], this.packets[id], this.bytes[id]]);
    }
    return out;
  }
}
