/** Anomalies kept of one packet; a packet with more is no better understood by the ninth. */
export const MAX_PACKET_ANOMALIES = 8;

/**
 * What the decoders found in one packet: integers only, all offsets absolute into the arena. One instance is reused
 * for every packet, so nothing is allocated; `reset` runs before each.
 */
export class Packet {
  /** µs since the epoch, integer (exact in a double until the year 2255), and the nanoseconds below it. */
  timeUs = 0;
  nanos = 0;
  /** Number in its capture, from 1. */
  number = 0;
  /** First captured byte, and one past the last. */
  start = 0;
  end = 0;
  /** Length on the wire. */
  wireLength = 0;
  linktype = 1;

  /** One past the last byte that the layer under way may read; shrinks as layers state their lengths. */
  limit = 0;
  /** Layers passed so far. */
  layers = 0;
  /** Bytes between `limit` and what the innermost IP header says, cut by the snap length. */
  cut = 0;

  /** Offset of the innermost Ethernet header, 0 where there is none. */
  etherOffset = 0;
  etherType = 0;
  /** 4, 6, or 0 when there is no IP layer. Innermost IP header after tunnels. */
  ipVersion = 0;
  ipOffset = 0;
  /** Offsets of the source and destination address (4 or 16 bytes). */
  srcOffset = 0;
  dstOffset = 0;
  ttl = 0;
  tos = 0;
  ipId = 0;
  /** IP protocol number of the innermost transport. */
  protocol = 0;
  /** First byte after the IP header and its extension headers. */
  ipPayloadOffset = 0;
  /** One past the last byte of the IP datagram, within what was captured. */
  ipEnd = 0;
  /** Non-zero when this is a fragment that could not be put together (yet): there is no transport layer then. */
  fragment = 0;
  /** Byte offset of the fragment in its datagram, and whether more follow. */
  fragmentOffset = 0;
  fragmentMore = 0;
  /** Identification of the fragment's datagram. */
  fragmentId = 0;
  /** IPv6: offset of the fragment header, and of the next-header byte that points at it. */
  fragmentHeader = 0;
  fragmentPointer = 0;

  srcPort = 0;
  dstPort = 0;
  /** Transport header (0: none that could be read) and payload. */
  transportOffset = 0;
  payloadOffset = 0;
  payloadLength = 0;
  /** Payload bytes that were on the wire but cut by the snap length. */
  payloadMissing = 0;

  tcpSeq = 0;
  tcpAck = 0;
  /** The eight flags of byte 13. */
  tcpFlags = 0;
  /** As in the header, unscaled. */
  tcpWindow = 0;
  tcpUrgent = 0;
  /** Window scale shift of a SYN, -1 without the option. */
  tcpScale = -1;
  /** Value of the timestamps option and whether there is one. */
  tcpTimestamp = 0;
  tcpHasTimestamp = 0;
  /** Carries an MD5 signature (RFC 2385). */
  tcpSigned = false;
  icmpType = 0;
  icmpCode = 0;
  /** Offset of the IP header that an ICMP error quotes, 0 where there is none. */
  quoteOffset = 0;

  /** VLAN ids, outermost first; 0 where there is none. */
  vlanDepth = 0;
  vlan0 = 0;
  vlan1 = 0;
  vlan2 = 0;
  /** Set when the addresses are ARP's. */
  arp = 0;
  arpOffset = 0;

  /** Tunnel layers passed, the innermost kind (`TUNNELS`), and the outermost IP header. */
  tunnelDepth = 0;
  tunnelKind = 0;
  outerVersion = 0;
  outerProtocol = 0;
  outerSrcOffset = 0;
  outerDstOffset = 0;
  outerSrcPort = 0;
  outerDstPort = 0;

  /** How many anomalies were seen; the first few of them (`ANOMALIES` numbers) are in `anomaly`. */
  anomalies = 0;
  readonly anomaly = new Uint8Array(MAX_PACKET_ANOMALIES);

  reset(): void {
    this.layers = 0;
    this.cut = 0;
    this.etherOffset = 0;
    this.ipVersion = 0;
    this.protocol = 0;
    this.fragment = 0;
    this.srcPort = 0;
    this.dstPort = 0;
    this.transportOffset = 0;
    this.payloadLength = 0;
    this.payloadMissing = 0;
    this.tcpFlags = 0;
    this.icmpType = 0;
    this.icmpCode = 0;
    this.quoteOffset = 0;
    this.vlanDepth = 0;
    this.vlan0 = 0;
    this.vlan1 = 0;
    this.vlan2 = 0;
    this.arp = 0;
    this.tunnelDepth = 0;
    this.tunnelKind = 0;
    this.outerVersion = 0;
    this.outerSrcPort = 0;
    this.outerDstPort = 0;
    this.anomalies = 0;
  }

  /** Notes an anomaly by its `A` number. */
  flag(anomaly: number): void {
    if (this.anomalies < MAX_PACKET_ANOMALIES) this.anomaly[this.anomalies] = anomaly;
    this.anomalies++;
  }
}

export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;
export const TCP_URG = 32;
export const TCP_ECE = 64;
export const TCP_CWR = 128;

/** IP protocol numbers. */
export const enum PROTOCOL {
  HopByHop = 0, Icmp = 1, Igmp = 2, Ipip = 4, Tcp = 6, Udp = 17, Ipv6 = 41, Routing = 43, Fragment = 44, Gre = 47, Esp = 50, Ah = 51,
  Icmpv6 = 58, NoNext = 59, DestinationOptions = 60, Sctp = 132, Mobility = 135, Hip = 139, Shim6 = 140,
}

/** Tunnel kinds by number. */
export const TUNNELS = [
  'none', 'ipip', '6in4', '4in6', '6in6', 'gre', 'nvgre', 'erspan', 'vxlan', 'geneve', 'gtp', 'teredo', 'mpls',
] as const;
export type Tunnel = (typeof TUNNELS)[number];
export const TUNNEL = Object.fromEntries(TUNNELS.map((name, i) => [name, i])) as Record<Tunnel, number>;
