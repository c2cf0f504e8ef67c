import type { Packet } from '../../decode/packet.js';
import { compares } from './byte-tester.js';
import type { Comparison, Scene, Test } from './program.js';

export interface Compare { compare: Comparison; value: number; high: number; negated: boolean }

const UNITS: Record<string, number> = { kb: 1024, mb: 1024 * 1024, gb: 1024 ** 3, kib: 1024, mib: 1024 * 1024, gib: 1024 ** 3 };

/** `12`, `<12`, `>=12`, `!12`, `1-9`, `1<>9`, `0x1f`; undefined when it is no comparison. Bounds of a range are left out. */
export function comparison(text: string | undefined): Compare | undefined {
  const t = (text ?? '').replace(/\s+/g, '');
  const number = '(0x[0-9a-fA-F]+|\\d+)([kKmMgG]i?[bB])?';
  const value = (n: string, unit?: string) => Number(n) * (unit ? (UNITS[unit.toLowerCase()] ?? 1) : 1);
  let m = new RegExp(`^(!?)${number}(?:-|<>)${number}$`).exec(t);
  if (m) {
    const low = value(m[2], m[3]);
    const high = value(m[4], m[5]);
    return low >= high ? undefined : { compare: '<>', value: low, high, negated: m[1] === '!' };
  }
  m = new RegExp(`^(<=|>=|<|>|=|!=|!|&|!&|)${number}$`).exec(t);
  if (!m) return undefined;
  const sign = m[1] === '' ? '=' : m[1] === '!' ? '!=' : m[1];
  return { compare: sign as Comparison, value: value(m[2], m[3]), high: 0, negated: false };
}

const holds = (c: Compare, v: number) => compares(c.compare, v, c.value, c.high) !== c.negated;
type Read = (p: Packet, u8: Uint8Array, scene: Scene) => number | undefined;

function numeric(read: Read): (value: string | undefined) => Test | string {
  return (value) => {
    const c = comparison(value);
    if (!c) return `'${value ?? ''}' is no comparison with a number`;
    return (s) => {
      if (s.pseudo) return false;
      const v = read(s.packet, s.u8, s);
      return v !== undefined && holds(c, v);
    };
  };
}

const u16 = (u8: Uint8Array, at: number) => (u8[at] << 8) | u8[at + 1];
const u32 = (u8: Uint8Array, at: number) => ((u8[at] << 24) | (u8[at + 1] << 16) | (u8[at + 2] << 8) | u8[at + 3]) >>> 0;
const isTcp = (p: Packet) => p.protocol === 6 && p.transportOffset !== 0 && p.fragment === 0;
const isIcmp = (p: Packet) => (p.protocol === 1 || p.protocol === 58) && p.transportOffset !== 0;

const TCP_FLAGS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128, '2': 64, '1': 128, '0': 0 };

/** `flags:S,12`, `!A`, `+SA`, `*SF`. */
function tcpFlags(value: string | undefined): Test | string {
  const c = /^(>=|<=|[<>=!&]{0,2})(\d{2,3}|0x[0-9a-fA-F]+)$/.test((value ?? '').trim()) ? comparison(value) : undefined;
  if (c) return (s) => isTcp(s.packet) && holds(c, s.packet.tcpFlags);
  const m = /^\s*([!+*]?)\s*([FSRPAUEC120]+)\s*(?:,\s*([FSRPAUEC120]+|!?[FSRPAUEC120]+))?\s*$/i.exec(value ?? '') ?? /^\s*()([FSRPAUEC120]+)([!+*])\s*(?:,\s*([FSRPAUEC120]+))?\s*$/i.exec(value ?? '');
  if (!m) return `'${value ?? ''}' is no set of TCP flags`;
  const bits = (letters: string) => [...letters.toUpperCase()].reduce((n, l) => n | (TCP_FLAGS[l] ?? 0), 0);
  const modifier = m[1] || (m.length > 4 ? m[3] : '');
  const want = bits(m[2]);
  const ignore = m.length > 4 ? m[4] : m[3];
  const keep = 0xff & ~(ignore ? bits(ignore.replace('!', '')) : 0);
  return (s) => {
    if (s.pseudo || !isTcp(s.packet)) return false;
    const flags = s.packet.tcpFlags & keep;
    if (modifier === '+') return (flags & want) === want;
    if (modifier === '*') return (flags & want) !== 0;
    if (modifier === '!') return flags !== want;
    return flags === want;
  };
}

function tcpMss(p: Packet, u8: Uint8Array): number | undefined {
  if (!isTcp(p)) return undefined;
  const end = p.payloadOffset;
  for (let at = p.transportOffset + 20; at < end;) {
    const kind = u8[at];
    if (kind === 0) return undefined;
    if (kind === 1) {
      at++;
      continue;
    }
    const n = u8[at + 1];
    if (kind === 2 && n === 4) return u16(u8, at + 2);
    if (n < 2) return undefined;
    at += n;
  }
  return undefined;
}

const IP_OPTIONS: Record<string, number> = { rr: 0x07, lsrr: 0x83, eol: 0x00, nop: 0x01, ts: 0x44, sec: 0x82, ssrr: 0x89, satid: 0x88, cipso: 0x86, rtralt: 0x94, qs: 0x19, esec: 0x85 };

function ipOptions(value: string | undefined): Test | string {
  const name = (value ?? '').trim().toLowerCase();
  if (name !== 'any' && !(name in IP_OPTIONS)) return `there is no IP option '${value ?? ''}'`;
  return ({ packet: p, u8 }) => {
    if (p.ipVersion !== 4) return false;
    const end = p.ipOffset + (u8[p.ipOffset] & 15) * 4;
    for (let at = p.ipOffset + 20; at < end;) {
      const kind = u8[at];
      if (name === 'any' || kind === IP_OPTIONS[name]) return true;
      if (kind === 0) return false;
      const n = kind === 1 ? 1 : u8[at + 1];
      if (n < 1) return false;
      at += n;
    }
    return false;
  };
}

const FRAGMENT_BITS: Record<string, number> = { M: 0x20, D: 0x40, R: 0x80 };

function fragmentBits(value: string | undefined): Test | string {
  const m = /^\s*([!+*]?)\s*([MDR]+)\s*$/i.exec(value ?? '');
  if (!m) return `'${value ?? ''}' is no set of fragment bits`;
  const want = [...m[2].toUpperCase()].reduce((n, l) => n | FRAGMENT_BITS[l], 0);
  return ({ packet: p, u8 }) => {
    if (p.ipVersion !== 4) return false;
    const have = u8[p.ipOffset + 6] & 0xe0;
    return m[1] === '+' ? (have & want) === want : m[1] === '*' ? (have & want) !== 0 : m[1] === '!' ? (have & want) === 0 : have === want;
  };
}

const PROTOCOLS: Record<string, number> = {
  icmp: 1, igmp: 2, ipip: 4, tcp: 6, egp: 8, udp: 17, ipv6: 41, gre: 47, esp: 50, ah: 51, 'ipv6-icmp': 58, icmpv6: 58, ospf: 89, pim: 103, sctp: 132, 'udplite': 136,
};

function ipProtocol(value: string | undefined): Test | string {
  const m = /^\s*([<>!]?)\s*([A-Za-z0-9-]+)\s*$/.exec(value ?? '');
  const number = m ? (PROTOCOLS[m[2].toLowerCase()] ?? Number(m[2])) : Number.NaN;
  if (!m || !(number >= 0 && number <= 255)) return `'${value ?? ''}' is no IP protocol`;
  return ({ packet: p }) => {
    if (p.ipVersion === 0) return false;
    // The outermost header of a tunnel counts, too: Suricata asks its rules of that packet as well.
    const outer = p.tunnelDepth > 0 && p.outerVersion !== 0 ? p.outerProtocol : -1;
    return m[1] === '<' ? p.protocol < number : m[1] === '>' ? p.protocol > number : m[1] === '!' ? p.protocol !== number : p.protocol === number || outer === number;
  };
}

function sum(u8: Uint8Array, from: number, to: number, start = 0): number {
  let s = start;
  for (let at = from; at + 1 < to; at += 2) s += u16(u8, at);
  if ((to - from) % 2 === 1) s += u8[to - 1] << 8;
  while (s > 0xffff) s = (s & 0xffff) + (s >>> 16);
  return s;
}

/** `tcpv4-csum:invalid` and its kin: whether the checksum of that layer is right. */
function checksum(version: 4 | 6, protocol: number): (value: string | undefined) => Test | string {
  return (value) => {
    const want = (value ?? '').trim().replace(/"/g, '');
    if (want !== 'valid' && want !== 'invalid') return `'${value ?? ''}' is neither valid nor invalid`;
    return ({ packet: p, u8, pseudo }) => {
      if (pseudo || p.ipVersion !== version || p.fragment !== 0) return false;
      let right: boolean;
      if (protocol === 0) right = sum(u8, p.ipOffset, p.ipOffset + (u8[p.ipOffset] & 15) * 4) === 0xffff;
      else {
        if (p.protocol !== protocol || p.transportOffset === 0) return false;
        const length = p.ipEnd - p.transportOffset;
        if (protocol === 17 && u16(u8, p.transportOffset + 6) === 0) return false;
        const n = version === 4 ? 4 : 16;
        const pseudoHeader = protocol === 1 ? 0 : sum(u8, p.srcOffset, p.srcOffset + n) + sum(u8, p.dstOffset, p.dstOffset + n) + protocol + length;
        right = sum(u8, p.transportOffset, p.ipEnd, pseudoHeader) === 0xffff;
      }
      return right === (want === 'valid');
    };
  };
}

/** `stream_size:client,>,100`. */
function streamSize(value: string | undefined): Test | string {
  const m = /^\s*(server|client|both|either)\s*,\s*(<|<=|=|!=|>|>=)\s*,\s*(\d+)\s*$/.exec(value ?? '');
  if (!m) return `'${value ?? ''}' is no stream size`;
  const size = Number(m[3]);
  const test = (v: number) => compares(m[2] as Comparison, v, size);
  return ({ facts }) => {
    if (!facts) return false;
    const [client, server] = facts.streamBytes;
    return m[1] === 'client' ? test(client) : m[1] === 'server' ? test(server) : m[1] === 'both' ? test(client) && test(server) : test(client) || test(server);
  };
}

function geneve(): string {
  return 'its protocol is not decoded for rules';
}

/** Keywords that ask about the packet alone. */
export const PACKET_KEYWORDS: Record<string, (value: string | undefined) => Test | string> = {
  ttl: numeric((p) => (p.ipVersion === 0 ? undefined : p.ttl)),
  tos: (value) => {
    const m = /^\s*(!?)\s*x?([0-9a-fA-F]+)\s*$/.exec(value ?? '');
    if (!m) return `'${value ?? ''}' is no type of service`;
    const want = (value ?? '').includes('x') ? Number.parseInt(m[2], 16) : Number(m[2]);
    return ({ packet: p }) => p.ipVersion !== 0 && (p.tos === want) !== (m[1] === '!');
  },
  id: (value) => numeric((p) => (p.ipVersion === 4 ? p.ipId : undefined))((value ?? '').replace(/"/g, '')),
  ip_proto: ipProtocol,
  ipopts: ipOptions,
  fragbits: fragmentBits,
  fragoffset: numeric((p, u8) => (p.ipVersion === 4 ? u16(u8, p.ipOffset + 6) & 0x1fff : undefined)),
  sameip: () => ({ packet: p, u8 }) => {
    const n = p.ipVersion === 6 ? 16 : 4;
    for (let i = 0; i < n; i++) if (u8[p.srcOffset + i] !== u8[p.dstOffset + i]) return false;
    return p.ipVersion !== 0;
  },
  flags: tcpFlags,
  'tcp.flags': tcpFlags,
  seq: numeric((p) => (isTcp(p) ? p.tcpSeq >>> 0 : undefined)),
  'tcp.seq': numeric((p) => (isTcp(p) ? p.tcpSeq >>> 0 : undefined)),
  ack: numeric((p) => (isTcp(p) ? p.tcpAck >>> 0 : undefined)),
  'tcp.ack': numeric((p) => (isTcp(p) ? p.tcpAck >>> 0 : undefined)),
  window: numeric((p) => (isTcp(p) ? p.tcpWindow : undefined)),
  'tcp.window': numeric((p) => (isTcp(p) ? p.tcpWindow : undefined)),
  'tcp.mss': numeric(tcpMss),
  'tcp.wscale': numeric((p) => (isTcp(p) && p.tcpScale >= 0 ? p.tcpScale : undefined)),
  'tcp.urgp': numeric((p) => (isTcp(p) ? p.tcpUrgent : undefined)),
  itype: numeric((p) => (isIcmp(p) ? p.icmpType : undefined)),
  icode: numeric((p) => (isIcmp(p) ? p.icmpCode : undefined)),
  icmp_id: numeric((p, u8) => (isIcmp(p) ? u16(u8, p.transportOffset + 4) : undefined)),
  icmp_seq: numeric((p, u8) => (isIcmp(p) ? u16(u8, p.transportOffset + 6) : undefined)),
  'icmpv6.mtu': numeric((p, u8) => (p.protocol === 58 && p.icmpType === 2 && p.transportOffset !== 0 ? u32(u8, p.transportOffset + 4) : undefined)),
  dsize: numeric((p) => p.payloadLength),
  'vlan.id': (value) => {
    const [range, layer] = (value ?? '').split(',');
    const c = comparison(range);
    if (!c) return `'${value ?? ''}' is no VLAN number`;
    const place = (layer ?? 'any').trim();
    return ({ packet: p }) => {
      const ids = [p.vlan0, p.vlan1, p.vlan2].slice(0, p.vlanDepth);
      if (place === 'any') return ids.some((v) => holds(c, v));
      if (place === 'all') return ids.length > 0 && ids.every((v) => holds(c, v));
      const n = Number(place);
      const v = ids.at(n);
      return v !== undefined && holds(c, v);
    };
  },
  'vlan.layers': numeric((p) => p.vlanDepth),
  'ipv4-csum': checksum(4, 0),
  'tcpv4-csum': checksum(4, 6),
  'tcpv6-csum': checksum(6, 6),
  'udpv4-csum': checksum(4, 17),
  'udpv6-csum': checksum(6, 17),
  'icmpv4-csum': checksum(4, 1),
  'icmpv6-csum': checksum(6, 58),
  stream_size: streamSize,
  'flow.age': numeric((_p, _u8, s) => (s.flow ? Math.floor((s.nowUs - s.flow.startUs) / 1e6) : undefined)),
  'flow.pkts_toserver': numeric((_p, _u8, s) => s.facts?.packets[0]),
  'flow.pkts_toclient': numeric((_p, _u8, s) => s.facts?.packets[1]),
  'flow.bytes_toserver': numeric((_p, _u8, s) => s.facts?.bytes[0]),
  'flow.bytes_toclient': numeric((_p, _u8, s) => s.facts?.bytes[1]),
  'flow.pkts': sided((s) => s.facts?.packets),
  'flow.bytes': sided((s) => s.facts?.bytes),
  geneve,
};

/** `flow.pkts:toserver,>2`: of one side, either or both. */
function sided(read: (s: Scene) => readonly [number, number] | undefined): (value: string | undefined) => Test | string {
  return (value) => {
    const m = /^\s*(toserver|toclient|either|both)\s*,(.*)$/.exec(value ?? '');
    const c = m ? comparison(m[2]) : undefined;
    if (!m || !c) return `'${value ?? ''}' does not name a side and a number`;
    return (s) => {
      const pair = read(s);
      if (!pair) return false;
      switch (m[1]) {
        case 'toserver': return holds(c, pair[0]);
        case 'toclient': return holds(c, pair[1]);
        case 'either': return holds(c, pair[0]) || holds(c, pair[1]);
        default: return holds(c, pair[0]) && holds(c, pair[1]);
      }
    };
  };
}
/** Keywords that make a rule look at packets, not streams. */
export const NEEDS_PACKET = new Set([
  'dsize', 'flags', 'tcp.flags', 'seq', 'tcp.seq', 'ack', 'tcp.ack', 'window', 'tcp.window', 'tcp.mss', 'tcp.wscale', 'tcp.urgp', 'itype', 'icode', 'icmp_id', 'icmp_seq', 'icmpv6.mtu',
  'ttl', 'tos', 'id', 'ipopts', 'fragbits', 'fragoffset', 'sameip', 'ipv4-csum', 'tcpv4-csum', 'tcpv6-csum', 'udpv4-csum', 'udpv6-csum', 'icmpv4-csum', 'icmpv6-csum',
]);
