import { checksum, ethernet, type Frame, ipv4, ipv6, packetBytes, transportBytes } from './frame.js';
import type { Pick } from './segments.js';

/** Packets as they lie on the wire, for one link type. */
export interface Carried { linktype: number; packets: { timeUs: number; bytes: Uint8Array }[] }
export type Carry = (frames: readonly Frame[], pick: Pick) => Carried;

const A = [172, 31, 0, 1], Z = [172, 31, 0, 2];
const v6 = (v4: readonly number[]): number[] => [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, ...v4];
const A6 = v6(A), Z6 = v6(Z);

/** Each frame one packet. */
const each = (linktype: number, wrap: (f: Frame) => Uint8Array): Carry => (frames) => ({ linktype, packets: frames.map((f) => ({ timeUs: f.timeUs, bytes: wrap(f) })) });
const bytes = (...b: number[]): Buffer => Buffer.from(b);
const cat = (...parts: Uint8Array[]): Buffer => Buffer.concat(parts);
const inEthernet = (f: Frame): Buffer => ethernet(0x0800, packetBytes(f));
const inIpv6 = (f: Frame): Buffer => ipv6(v6(f.from), v6(f.to), f.protocol, transportBytes(f, v6(f.from), v6(f.to)), f.ttl);

/** A UDP datagram between the ends of a tunnel, without a checksum as tunnels send it. */
function udp(port: number, data: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(49152 + (data.length % 1000), 0);
  head.writeUInt16BE(port, 2);
  head.writeUInt16BE(8 + data.length, 4);
  return cat(head, data);
}

const outer = (protocol: number, data: Uint8Array): Buffer => ethernet(0x0800, ipv4(A, Z, protocol, data));
const gre = (type: number, data: Uint8Array): Buffer => cat(bytes(0, 0, type >> 8, type & 255), data);
const vxlan = (frame: Uint8Array): Buffer => udp(4789, cat(bytes(8, 0, 0, 0, 0, 0, 42, 0), frame));
const gtp = (packet: Uint8Array): Buffer => udp(2152, cat(bytes(0x30, 0xff, packet.length >> 8, packet.length & 255, 0, 0, 0, 7), packet));
const vlan = (id: number, type: number, data: Uint8Array): Buffer => cat(bytes(id >> 8, id & 255, type >> 8, type & 255), data);

/** Hop-by-hop, routing and destination options headers before the transport (RFC 8200 4). */
function extended(f: Frame): Buffer {
  const padded = (next: number): Buffer => bytes(next, 0, 1, 4, 0, 0, 0, 0);
  const routing = bytes(60, 0, 4, 0, 0, 0, 0, 0);
  const transport = transportBytes(f, v6(f.from), v6(f.to));
  return ethernet(0x86dd, ipv6(v6(f.from), v6(f.to), 0, cat(padded(43), routing, padded(f.protocol), transport), f.ttl));
}

interface Piece { from: number; to: number; data?: Uint8Array }

/** Cuts [0, length) into pieces of `size` (a multiple of 8). */
function pieces(length: number, size: number): Piece[] {
  const out: Piece[] = [];
  for (let from = 0; from < length; from += size) out.push({ from, to: Math.min(length, from + size) });
  return out;
}

/** IPv4 or IPv6 fragments of every packet, in the order and with the lies that `arrange` gives. */
function fragments(size: number, arrange: (list: Piece[], pick: Pick) => Piece[], version: 4 | 6 = 4): Carry {
  return (frames, pick) => {
    let id = 100;
    const packets = frames.flatMap((f) => {
      const whole = version === 4 ? transportBytes(f) : transportBytes(f, v6(f.from), v6(f.to));
      const all = pieces(whole.length, size);
      id++;
      return (all.length > 1 ? arrange(all, pick) : all).map(({ from, to, data }) => {
        const body = data ?? whole.subarray(from, to);
        const moreFragments = to < whole.length;
        if (version === 4) return { timeUs: f.timeUs, bytes: ethernet(0x0800, ipv4(f.from, f.to, f.protocol, body, { ttl: f.ttl, id, offset: from, moreFragments })) };
        const head = Buffer.alloc(8);
        head[0] = f.protocol;
        head.writeUInt16BE((from & ~7) | (moreFragments ? 1 : 0), 2);
        head.writeUInt32BE(id, 4);
        return { timeUs: f.timeUs, bytes: ethernet(0x86dd, ipv6(v6(f.from), v6(f.to), 44, cat(head, body), f.ttl)) };
      });
    });
    return { linktype: 1, packets };
  };
}

const garbage = (p: Piece): Piece => ({ ...p, data: new Uint8Array(p.to - p.from).fill(0x41) });

function shuffle(list: Piece[], pick: Pick): Piece[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = pick(i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

function erspan(version: 2 | 3): (f: Frame) => Buffer {
  return (f) => {
    const frame = inEthernet(f);
    const sequence = bytes(0, 0, 0, 1);
    return version === 2
      ? outer(47, cat(bytes(0x10, 0, 0x88, 0xbe), sequence, bytes(0x10, 1, 0, 0, 0, 0, 0, 1), frame))
      : outer(47, cat(bytes(0x10, 0, 0x22, 0xeb), sequence, bytes(0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), frame));
  };
}

function teredo(f: Frame): Buffer {
  return outer(17, udp(3544, inIpv6(f)));
}

/** Ways to carry the same conversation. IPv6 changes the addresses to 2001:db8::a.b.c.d. */
export const CARRIERS: Record<string, Carry> = {
  ethernet: each(1, inEthernet),
  'Ethernet padding': each(1, (f) => cat(inEthernet(f), new Uint8Array(22))),
  '802.1Q': each(1, (f) => ethernet(0x8100, vlan(7, 0x0800, packetBytes(f)))),
  QinQ: each(1, (f) => ethernet(0x88a8, vlan(7, 0x8100, vlan(8, 0x0800, packetBytes(f))))),
  MPLS: each(1, (f) => ethernet(0x8847, cat(bytes(0, 1, 0x10, 64, 0, 2, 0x11, 64), packetBytes(f)))),
  'MPLS pseudowire': each(1, (f) => ethernet(0x8847, cat(bytes(0, 1, 0x11, 64, 0, 0, 0, 0), inEthernet(f)))),
  PPPoE: each(1, (f) => { const p = packetBytes(f); return ethernet(0x8864, cat(bytes(0x11, 0, 0, 1, (p.length + 2) >> 8, (p.length + 2) & 255, 0, 0x21), p)); }),
  GRE: each(1, (f) => outer(47, gre(0x0800, packetBytes(f)))),
  'GRE with checksum, key and number': each(1, (f) => outer(47, cat(bytes(0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1), packetBytes(f)))),
  NVGRE: each(1, (f) => outer(47, cat(bytes(0x20, 0, 0x65, 0x58, 0, 0, 42, 0), inEthernet(f)))),
  VXLAN: each(1, (f) => outer(17, vxlan(inEthernet(f)))),
  Geneve: each(1, (f) => outer(17, udp(6081, cat(bytes(1, 0, 0x65, 0x58, 0, 0, 42, 0, 1, 1, 0, 0), inEthernet(f))))),
  'GTP-U': each(1, (f) => outer(17, gtp(packetBytes(f)))),
  'GTP-U with an extension': each(1, (f) => {
    const p = packetBytes(f);
    return outer(17, udp(2152, cat(bytes(0x36, 0xff, (p.length + 8) >> 8, (p.length + 8) & 255, 0, 0, 0, 7, 0, 1, 0, 0x85, 1, 0, 5, 0), p)));
  }),
  Teredo: each(1, teredo),
  IPIP: each(1, (f) => outer(4, packetBytes(f))),
  '6in4': each(1, (f) => outer(41, inIpv6(f))),
  '4in6': each(1, (f) => ethernet(0x86dd, ipv6(A6, Z6, 4, packetBytes(f)))),
  'ERSPAN I': each(1, (f) => outer(47, gre(0x88be, inEthernet(f)))),
  'ERSPAN II': each(1, erspan(2)),
  'ERSPAN III': each(1, erspan(3)),
  SLL: each(113, (f) => cat(bytes(0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0), packetBytes(f))),
  SLL2: each(276, (f) => cat(bytes(8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0), packetBytes(f))),
  'raw IP': each(101, packetBytes),
  'raw IPv6': each(101, inIpv6),
  NULL: each(0, (f) => cat(bytes(2, 0, 0, 0), packetBytes(f))),
  'NULL, big-endian': each(108, (f) => cat(bytes(0, 0, 0, 2), packetBytes(f))),
  IPv6: each(1, (f) => ethernet(0x86dd, inIpv6(f))),
  'IPv6 extension headers': each(1, extended),
  'VXLAN in GRE in 802.1Q': each(1, (f) => ethernet(0x8100, vlan(9, 0x0800, ipv4(A, Z, 47, gre(0x0800, ipv4(Z, A, 17, vxlan(inEthernet(f)))))))),
  'four tunnels': each(1, (f) => outer(47, gre(0x0800, ipv4(Z, A, 4, ipv4(A, Z, 17, vxlan(ethernet(0x0800, ipv4(A, Z, 17, gtp(packetBytes(f)))))))))),
  'IPv4 options': each(1, (f) => {
    const p = packetBytes(f);
    const head = cat(p.subarray(0, 20), bytes(1, 1, 1, 1, 0x94, 4, 0, 0));
    head[0] = 0x47;
    head.writeUInt16BE(p.length + 8, 2);
    head.writeUInt16BE(0, 10);
    head.writeUInt16BE(checksum(head), 10);
    return ethernet(0x0800, cat(head, p.subarray(20)));
  }),
  'tiny fragments': fragments(8, (l) => l),
  fragments: fragments(64, (l) => l),
  'fragments in disorder': fragments(32, shuffle),
  'fragments backwards': fragments(48, (l) => l.reverse()),
  'fragments twice': fragments(40, (l) => l.flatMap((p) => [p, p])),
  'fragments, lies of equal bounds later': fragments(64, (l) => l.length < 3 ? l : [...l.slice(0, 1), ...l.slice(1, -1).flatMap((p) => [p, garbage(p)]), ...l.slice(-1)]),
  'IPv6 fragments': fragments(64, (l) => l, 6),
  'IPv6 fragments in disorder': fragments(40, shuffle, 6),
  'fragments in VXLAN': (frames, pick) => {
    const inner = fragments(64, shuffle)(frames, pick);
    return { linktype: 1, packets: inner.packets.map((p) => ({ timeUs: p.timeUs, bytes: outer(17, vxlan(p.bytes)) })) };
  },
};
