import t from 'tap';
import fc from 'fast-check';
import { ANOMALIES, type Anomaly } from './anomalies.js';
import { decode, decoderOf } from './decoder.js';
import { Packet, TUNNELS } from './packet.js';

const hex = (...parts: string[]): Uint8Array => Uint8Array.from(Buffer.from(parts.join('').replaceAll(' ', ''), 'hex'));
const u16 = (value: number): string => value.toString(16).padStart(4, '0');

const MACS = '020000000001 020000000002';
const tcp = (payload = '', flags = '18'): string => `9c40 0050 00000001 00000002 50${flags} ffff 0000 0000 ${payload}`;
const udp = (source: number, target: number, payload: string): string =>
  `${u16(source)} ${u16(target)} ${u16(8 + size(payload))} 0000 ${payload}`;
const size = (text: string): number => text.replaceAll(' ', '').length / 2;
const ip4 = (protocol: string, payload: string, from = '0a000001', to = '0a000002'): string =>
  `45 00 ${u16(20 + size(payload))} 0001 0000 40 ${protocol} 0000 ${from} ${to} ${payload}`;
const ip6 = (next: string, payload: string): string =>
  `60000000 ${u16(size(payload))} ${next} 40 ${'20010db8'.padEnd(32, '0')} ${'20010db8'.padEnd(30, '0')}02 ${payload}`;
const ether = (type: string, payload: string): string => `${MACS} ${type} ${payload}`;

function decoded(bytes: Uint8Array, linktype = 1, wire = bytes.length): Packet {
  const p = new Packet();
  const u8 = new Uint8Array(bytes.length + 64);
  u8.set(bytes, 32);
  decode(u8, p, decoderOf(linktype)!, 32, bytes.length, wire);
  return p;
}
const names = (p: Packet): Anomaly[] => Array.from(p.anomaly.subarray(0, p.anomalies), (number) => ANOMALIES[number]);

const INNER = ip4('06', tcp('474554'), 'c0a80001', 'c0a80002');
const FRAME = ether('0800', INNER);

t.test('every way to the same TCP segment', async (t) => {
  const ways: [string, string, number, number, string, number[]][] = [
    // name, bytes, link type, IP version, tunnel, VLANs
    ['Ethernet', FRAME, 1, 4, 'none', []],
    ['802.1Q', ether('8100', `0064 0800 ${INNER}`), 1, 4, 'none', [100]],
    ['802.1ad over 802.1Q', ether('88a8', `0064 8100 00c8 0800 ${INNER}`), 1, 4, 'none', [100, 200]],
    ['MPLS, two labels', ether('8847', `00010040 00020140 ${INNER}`), 1, 4, 'none', []],
    ['MPLS, Ethernet pseudowire', ether('8847', `00020140 00000000 ${FRAME}`), 1, 4, 'none', []],
    ['PPPoE', ether('8864', `11000001 ${u16(2 + size(INNER))} 0021 ${INNER}`), 1, 4, 'none', []],
    ['SLL', `0000 0001 0006 0000000000000000 0800 ${INNER}`, 113, 4, 'none', []],
    ['SLL2', `0800 0000 00000002 0001 00 06 0000000000000000 ${INNER}`, 276, 4, 'none', []],
    ['raw', INNER, 101, 4, 'none', []],
    ['null, little-endian', `02000000 ${INNER}`, 0, 4, 'none', []],
    ['loop, big-endian', `00000002 ${INNER}`, 108, 4, 'none', []],
    ['IPIP', ether('0800', ip4('04', INNER)), 1, 4, 'ipip', []],
    ['4in6', ether('86dd', ip6('04', INNER)), 1, 4, '4in6', []],
    ['GRE', ether('0800', ip4('2f', `0000 0800 ${INNER}`)), 1, 4, 'gre', []],
    ['GRE with key and sequence', ether('0800', ip4('2f', `3000 0800 00000001 00000002 ${INNER}`)), 1, 4, 'gre', []],
    ['NVGRE', ether('0800', ip4('2f', `2000 6558 00000100 ${FRAME}`)), 1, 4, 'nvgre', []],
    ['ERSPAN I', ether('0800', ip4('2f', `0000 88be ${FRAME}`)), 1, 4, 'erspan', []],
    ['ERSPAN II', ether('0800', ip4('2f', `1000 88be 00000001 1064 0000 00000000 ${FRAME}`)), 1, 4, 'erspan', [100]],
    ['ERSPAN III', ether('0800', ip4('2f', `1000 22eb 00000001 2064 0000 00000000 00000000 ${FRAME}`)), 1, 4, 'erspan', [100]],
    ['VXLAN', ether('0800', ip4('11', udp(50000, 4789, `08000000 00000100 ${FRAME}`))), 1, 4, 'vxlan', []],
    ['Geneve', ether('0800', ip4('11', udp(50000, 6081, `0000 6558 00000100 ${FRAME}`))), 1, 4, 'geneve', []],
    ['GTP-U', ether('0800', ip4('11', udp(2152, 2152, `30ff ${u16(size(INNER))} 00000001 ${INNER}`))), 1, 4, 'gtp', []],
  ];
  for (const [name, bytes, linktype, version, tunnel, vlans] of ways) {
    const p = decoded(hex(bytes), linktype);
    t.same(names(p), [], `${name}: nothing wrong`);
    t.equal(p.ipVersion, version, `${name}: IP version`);
    t.equal(p.protocol, 6, `${name}: TCP`);
    t.same([p.srcPort, p.dstPort, p.tcpSeq, p.tcpAck, p.tcpFlags, p.payloadLength], [40000, 80, 1, 2, 0x18, 3], `${name}: header`);
    t.equal(TUNNELS[p.tunnelKind], tunnel, `${name}: tunnel`);
    t.same([p.vlan0, p.vlan1, p.vlan2].slice(0, p.vlanDepth), vlans, `${name}: VLANs`);
  }
});

t.test('IPv6: extension headers, 6in4, Teredo', async (t) => {
  const segment = tcp('474554');
  const long = ip6('00', `3c 00 0502 0000 0100 2b 00 0104 00000000 06 00 0401 00000000 ${segment}`);
  const p = decoded(hex(ether('86dd', long)));
  t.same([p.protocol, p.dstPort, p.payloadLength], [6, 80, 3]);
  t.same(names(p), ['decoder.ipv6.zero_len_padn', 'decoder.ipv6.dstopts_only_padding']);
  const six = decoded(hex(ether('0800', ip4('29', ip6('06', segment)))));
  t.same([six.ipVersion, six.dstPort, TUNNELS[six.tunnelKind], six.outerVersion], [6, 80, '6in4', 4]);
  const teredo = decoded(hex(ether('0800', ip4('11', udp(40000, 3544, ip6('06', segment))))));
  t.same([teredo.ipVersion, TUNNELS[teredo.tunnelKind], teredo.outerDstPort], [6, 'teredo', 3544]);
  const fragment = decoded(hex(ether('86dd', ip6('2c', '06000001 00000007 0102030405060708'))));
  t.same([fragment.fragment, fragment.fragmentOffset, fragment.fragmentMore, fragment.fragmentId], [1, 0, 1, 7]);
});

t.test('what is wrong has a name', async (t) => {
  const bad: [string, Anomaly, number?][] = [
    ['0200', 'decoder.ethernet.pkt_too_small'],
    [ether('0800', '4500'), 'decoder.ipv4.pkt_too_small'],
    [ether('0800', `65${ip4('06', tcp()).slice(2)}`), 'decoder.ipv4.wrong_ip_version'],
    [ether('0800', `42${ip4('06', tcp()).slice(2)}`), 'decoder.ipv4.hlen_too_small'],
    [ether('0800', ip4('06', tcp()).slice(0, -6)), 'decoder.ipv4.trunc_pkt'],
    [ether('0800', ip4('06', '9c400050')), 'decoder.tcp.pkt_too_small'],
    [ether('0800', ip4('06', tcp().replace('5018', '4018'))), 'decoder.tcp.hlen_too_small'],
    [ether('0800', ip4('06', tcp().replace('5018', 'f018'))), 'decoder.tcp.invalid_optlen'],
    [ether('0800', ip4('11', '0001000200')), 'decoder.udp.pkt_too_small'],
    [ether('0800', ip4('11', '0001 0002 0064 0000')), 'decoder.udp.hlen_invalid'],
    [ether('0800', ip4('01', '0800')), 'decoder.icmpv4.pkt_too_small'],
    [ether('0800', ip4('01', 'ff00 0000 00000000')), 'decoder.icmpv4.unknown_type'],
    [ether('0800', ip4('2f', '0007 0800')), 'decoder.gre.wrong_version'],
    [ether('8100', '00'), 'decoder.vlan.header_too_small'],
    [ether('8100', `0001 8100 0001 8100 0001 8100 0001 0800 ${INNER}`), 'decoder.vlan.too_many_layers'],
    [ether('8847', '000100'), 'decoder.mpls.header_too_small'],
    [ether('0806', '0001'), 'decoder.arp.pkt_too_small'],
    [ether('86dd', ip6('2b', '0600 0001 00000000') + '0000'), 'decoder.ipv6.rh_type_0'],
    [ip4('04', ip4('04', ip4('04', ip4('04', ip4('04', INNER))))), 'decoder.too_many_layers', 101],
  ];
  for (const [bytes, anomaly, linktype] of bad) t.ok(names(decoded(hex(bytes), linktype)).includes(anomaly), anomaly);
});

t.test('a snap length is no fault of the packet', async (t) => {
  const whole = hex(ether('0800', ip4('06', tcp('00'.repeat(100)))));
  const p = decoded(whole.subarray(0, 96), 1, whole.length);
  t.same([p.dstPort, p.payloadLength, p.payloadMissing], [80, 42, 58]);
});

t.test('ARP, ICMP quotes, SCTP', async (t) => {
  const arp = decoded(hex(ether('0806', '0001 0800 06 04 0002 020000000001 0a000001 020000000002 0a000002')));
  t.equal(arp.arp, 2);
  const quote = decoded(hex(ether('0800', ip4('01', `0303 0000 00000000 ${ip4('11', udp(5, 53, ''))}`))));
  t.same([quote.icmpType, quote.icmpCode, quote.quoteOffset > 0], [3, 3, true]);
  const sctp = decoded(hex(ether('0800', ip4('84', '0007 0050 00000001 00000000 0003 0013 00000001 0000 0000 00000000 616263 00'))));
  t.same([sctp.srcPort, sctp.dstPort, sctp.payloadLength], [7, 80, 3]);
});

t.test('no bytes make it throw or read outside the packet', async () => {
  const seeds = [FRAME, ether('86dd', ip6('00', `3c00050200000100 ${tcp()}`)), ether('0800', ip4('2f', `2000 6558 00000100 ${FRAME}`))].map((s) => hex(s));
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 }), fc.nat(140),
      fc.constantFrom(0, 1, 9, 101, 113, 276),
      (seed, changes, length, linktype) => {
        const bytes = seed.slice(0, Math.max(1, Math.min(length, seed.length)));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const p = decoded(bytes, linktype);
        return p.payloadLength === 0 || (p.payloadLength > 0 && p.payloadOffset + p.payloadLength <= 32 + bytes.length);
      },
    ),
    { seed: 1, numRuns: 3000 },
  );
});
