import { arp } from './arp.js';
import { A } from './anomalies.js';
import { bind, type Layer, linkLayer } from './dispatch.js';
import { ethernet } from './ethernet.js';
import { gre } from './gre.js';
import { icmp } from './icmp.js';
import { icmpv6 } from './icmpv6.js';
import { ipip, ipv4 } from './ipv4.js';
import { ipv6, ipv6InIp } from './ipv6.js';
import { chdlc, loopback, raw, sll, sll2 } from './link.js';
import { mpls } from './mpls.js';
import { geneve, gtpu, teredo, vxlan } from './overlay.js';
import { type Packet, PROTOCOL } from './packet.js';
import { ppp, pppoe } from './pppoe.js';
import { sctp } from './sctp.js';
import { vlan } from './vlan.js';

bind.etherType(0x0800, ipv4);
bind.etherType(0x86dd, ipv6);
bind.etherType(0x0806, arp);
for (const type of [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300]) bind.etherType(type, vlan);
bind.etherType(0x8847, mpls);
bind.etherType(0x8848, mpls);
bind.etherType(0x8864, pppoe);
bind.etherType(0x6558, ethernet);

bind.ipProtocol(PROTOCOL.Icmp, icmp);
bind.ipProtocol(PROTOCOL.Icmpv6, icmpv6);
bind.ipProtocol(PROTOCOL.Sctp, sctp);
bind.ipProtocol(PROTOCOL.Gre, gre);
bind.ipProtocol(PROTOCOL.Ipip, ipip);
bind.ipProtocol(PROTOCOL.Ipv6, ipv6InIp);
for (const protocol of [PROTOCOL.Igmp, PROTOCOL.Esp, PROTOCOL.Ah, 88, 89, 103, 112]) bind.ipProtocol(protocol, opaque);

bind.udpPort(4789, vxlan);
bind.udpPort(8472, vxlan); // Linux's default before the port was assigned
bind.udpPort(6081, geneve);
bind.udpPort(2152, gtpu);
bind.udpPort(3544, teredo);

/** Link types by their pcap numbers. */
bind.linkType(1, ethernet);
bind.linkType(113, sll);
bind.linkType(276, sll2);
for (const linktype of [12, 14, 101, 228, 229]) bind.linkType(linktype, raw);
bind.linkType(0, loopback);
bind.linkType(108, loopback);
bind.linkType(9, ppp);
bind.linkType(50, ppp);
bind.linkType(104, chdlc);

/** IP protocols that are well known but carry nothing we look into (IGMP, ESP, EIGRP, OSPF, PIM, VRRP). */
function opaque(_u8: Uint8Array, p: Packet, at: number): void {
  p.transportOffset = at;
  p.payloadOffset = at;
  p.payloadLength = p.limit - at;
  p.payloadMissing = p.cut;
}

/** Whether packets of a pcap link type can be decoded. */
export function decodes(linktype: number): boolean {
  return linkLayer(linktype) !== undefined;
}

/** The decoder of a pcap link type; undefined when there is none. */
export function decoderOf(linktype: number): Layer | undefined {
  return linkLayer(linktype);
}

/** Decodes the packet at `offset`…`offset + captured` into `p`, from its link layer up. Times and number are the caller's. */
export function decode(u8: Uint8Array, p: Packet, link: Layer, offset: number, captured: number, wire: number): void {
  p.reset();
  p.start = offset;
  p.end = offset + captured;
  p.limit = p.end;
  p.wireLength = wire;
  link(u8, p, offset);
}

/** Decodes a datagram put together from fragments, at its IP header; link layer and tunnels stay as they are in `p`. */
export function decodeDatagram(u8: Uint8Array, p: Packet, offset: number, length: number): void {
  const { start, end, wireLength } = p;
  p.fragment = 0;
  p.cut = 0;
  p.start = offset;
  p.end = offset + length;
  p.wireLength = length;
  p.limit = p.end;
  if (u8[offset] >> 4 === 4) ipv4(u8, p, offset);
  else if (u8[offset] >> 4 === 6) ipv6(u8, p, offset);
  else p.flag(A['ipraw.invalid_ip_version']);
  p.start = start;
  p.end = end;
  p.wireLength = wireLength;
}
