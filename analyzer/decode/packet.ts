/**
 * What the decoders found in one packet: integers only, all offsets absolute into the arena. One instance is reused
 * for every packet, so nothing is allocated; `reset` runs before each.
 */
export class Packet {
  /** µs since the epoch, integer (exact in a double until the year 2255). */
  timeUs = 0;
  /** Number in its capture, from 1. */
  number = 0;
  /** First captured byte, and one past the last. */
  start = 0;
  end = 0;
  /** Length on the wire. */
  wireLength = 0;
  linktype = 1;

  /** 4, 6, or 0 when there is no IP layer. Innermost IP header after tunnels. */
  ipVersion = 0;
  ipOffset = 0;
  /** Offsets of the source and destination address (4 or 16 bytes). */
  srcOffset = 0;
  dstOffset = 0;
  ttl = 0;
  /** IP protocol number of the innermost transport. */
  protocol = 0;
  /** One past the last byte of the IP datagram, within what was captured. */
  ipEnd = 0;
  /** Non-zero when this is a fragment that could not be put together (yet): there is no transport layer then. */
  fragment = 0;

  srcPort = 0;
  dstPort = 0;
  /** Transport header and payload. */
  transportOffset = 0;
  payloadOffset = 0;
  payloadLength = 0;
  /** Payload bytes that were on the wire but cut by the snap length. */
  payloadMissing = 0;

  tcpSeq = 0;
  tcpAck = 0;
  tcpFlags = 0;
  tcpWindow = 0;
  icmpType = 0;
  icmpCode = 0;

  /** VLAN ids, outermost first; 0 where there is none. */
  vlanDepth = 0;
  vlan0 = 0;
  vlan1 = 0;
  vlan2 = 0;
  /** Set when the addresses are ARP's. */
  arp = 0;
  arpOffset = 0;

  /** Tunnel layers passed, and the outermost IP header's address offsets. */
  tunnelDepth = 0;
  tunnelKind = 0;
  outerVersion = 0;
  outerSrcOffset = 0;
  outerDstOffset = 0;

  /** Bit set of `Anomaly` numbers seen in this packet. */
  anomalies = 0;
  anomalies2 = 0;

  reset(): void {
    this.ipVersion = 0;
    this.protocol = 0;
    this.fragment = 0;
    this.srcPort = 0;
    this.dstPort = 0;
    this.payloadLength = 0;
    this.payloadMissing = 0;
    this.tcpFlags = 0;
    this.vlanDepth = 0;
    this.vlan0 = 0;
    this.vlan1 = 0;
    this.vlan2 = 0;
    this.arp = 0;
    this.tunnelDepth = 0;
    this.tunnelKind = 0;
    this.outerVersion = 0;
    this.anomalies = 0;
    this.anomalies2 = 0;
  }
}

export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;
export const TCP_URG = 32;
