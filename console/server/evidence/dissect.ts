import type { PacketField, PacketLayer } from '../../model/evidence.js';

/** A packet taken apart for a reader: layers with their fields and where in the packet each lies. Never throws. */
export interface Dissected {
  layers: PacketLayer[];
  source: string;
  destination: string;
  protocol: string;
  info: string;
  /** Of TCP and UDP. */
  ports?: [number, number];
  tcp?: { seq: number; flags: number };
  /** Payload of TCP or UDP within the packet. */
  payload?: [from: number, to: number];
}

// Deeper than any sane encapsulation; a packet that claims more is shown up to here.
const LAYERS_MAX = 16;
const TEXT_MAX = 256;
const DNS_RECORDS_MAX = 32;
const ETHERTYPES: Record<number, string> = { 0x0800: 'IPv4', 0x86dd: 'IPv6', 0x0806: 'ARP', 0x8100: 'VLAN', 0x88a8: 'QinQ', 0x8847: 'MPLS' };
const PROTOCOLS: Record<number, string> = { 1: 'ICMP', 2: 'IGMP', 6: 'TCP', 17: 'UDP', 41: 'IPv6', 47: 'GRE', 50: 'ESP', 58: 'ICMPv6', 89: 'OSPF', 132: 'SCTP' };
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

const mac = (b: Buffer, at: number): string => b.toString('hex', at, at + 6).replace(/(..)(?=.)/g, '$1:');
const ip4 = (b: Buffer, at: number): string => `${b[at]}.${b[at + 1]}.${b[at + 2]}.${b[at + 3]}`;
function ip6(b: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => b.readUInt16BE(at + 2 * i).toString(16));
  const text = groups.join(':');
  const zeros = /(?:^|:)0(?::0)+(?=:|$)/g;
  const longest = [...text.matchAll(zeros)].map((m) => m[0]).sort((x, y) => y.length - x.length)[0];
  return longest === undefined ? text : text.replace(longest, longest === text ? '::' : text.startsWith(longest) ? ':' : text.endsWith(longest) ? '::' : ':').replace(/^:(?!:)/, '::');
}
const hex = (n: number, digits: number): string => `0x${n.toString(16).padStart(digits, '0')}`;
/** Bytes as text that shows as text: control characters as dots. */
export const printable = (b: Buffer): string => b.toString('latin1').replace(/[^\x20-\x7e\r\n\t]/g, '.');

class Reader {
  readonly layers: PacketLayer[] = [];
  source = '';
  destination = '';
  protocol = '?';
  info = '';
  ports: [number, number] | undefined;
  tcp: { seq: number; flags: number } | undefined;
  payload: [number, number] | undefined;
  constructor(readonly b: Buffer) {}

  layer(name: string, title: string, offset: number, length: number): PacketLayer {
    const layer: PacketLayer = { name, title, offset, length: Math.max(0, Math.min(length, this.b.length - offset)), fields: [] };
    this.layers.push(layer);
    return layer;
  }
  /** True where the layer's fixed part is there; else the layer says what was needed. */
  has(layer: PacketLayer, at: number, length: number, end: number): boolean {
    if (at + length <= end) return true;
    layer.fault = `needs ${length} bytes, has ${Math.max(0, end - at)}`;
    return false;
  }
}
const field = (layer: PacketLayer, name: string, value: string | number, offset: number, length: number): void => {
  layer.fields.push({ name, value: String(value).slice(0, TEXT_MAX), offset, length } satisfies PacketField);
};

/** @param link DLT of the capture: 1 Ethernet, 101 raw IP, 113 Linux cooked, 276 Linux cooked v2, 0 loopback */
export function dissect(packet: Buffer, link: number): Dissected {
  const r = new Reader(packet);
  if (link === 1) ethernet(r, 0);
  else if (link === 101 || link === 12 || link === 14) ip(r, 0, packet.length);
  else if (link === 113) cooked(r, 16, 14);
  else if (link === 276) cooked(r, 20, 0);
  else if (link === 0 || link === 108) ip(r, 4, packet.length);
  else r.info = `link type ${link}`;
  return { layers: r.layers, source: r.source, destination: r.destination, protocol: r.protocol, info: r.info.slice(0, TEXT_MAX), ...(r.ports ? { ports: r.ports } : {}), ...(r.tcp ? { tcp: r.tcp } : {}), ...(r.payload ? { payload: r.payload } : {}) };
}

function ethernet(r: Reader, at: number): void {
  const l = r.layer('eth', 'Ethernet II', at, 14);
  if (!r.has(l, at, 14, r.b.length)) return;
  [r.destination, r.source, r.protocol] = [mac(r.b, at), mac(r.b, at + 6), 'Ethernet'];
  field(l, 'destination', r.destination, at, 6);
  field(l, 'source', r.source, at + 6, 6);
  etherType(r, l, at + 12, at + 14);
}
function cooked(r: Reader, length: number, typeAt: number): void {
  const l = r.layer('sll', 'Linux cooked capture', 0, length);
  if (r.has(l, 0, length, r.b.length)) etherType(r, l, typeAt, length);
}
function etherType(r: Reader, l: PacketLayer, typeAt: number, next: number): void {
  const type = r.b.readUInt16BE(typeAt);
  field(l, 'type', `${ETHERTYPES[type] ?? '?'} (${hex(type, 4)})`, typeAt, 2);
  if (r.layers.length >= LAYERS_MAX) return;
  if (type === 0x0800 || type === 0x86dd) ip(r, next, r.b.length);
  else if (type === 0x0806) arp(r, next);
  else if (type === 0x8100 || type === 0x88a8) {
    const v = r.layer('vlan', '802.1Q VLAN', next, 4);
    if (!r.has(v, next, 4, r.b.length)) return;
    field(v, 'id', r.b.readUInt16BE(next) & 0xfff, next, 2);
    etherType(r, v, next + 2, next + 4);
  } else if (type === 0x8847) {
    for (let at = next; r.layers.length < LAYERS_MAX; at += 4) {
      const m = r.layer('mpls', 'MPLS', at, 4);
      if (!r.has(m, at, 4, r.b.length)) return;
      const word = r.b.readUInt32BE(at);
      field(m, 'label', word >>> 12, at, 3);
      if (word & 0x100) { ip(r, at + 4, r.b.length); return; }
    }
  } else r.info = `type ${hex(type, 4)}`;
}
function arp(r: Reader, at: number): void {
  const l = r.layer('arp', 'ARP', at, 28);
  r.protocol = 'ARP';
  if (!r.has(l, at, 28, r.b.length)) return;
  const reply = r.b.readUInt16BE(at + 6) === 2;
  [r.source, r.destination] = [ip4(r.b, at + 14), ip4(r.b, at + 24)];
  field(l, 'operation', reply ? 'reply' : 'request', at + 6, 2);
  field(l, 'sender', `${r.source} ${mac(r.b, at + 8)}`, at + 8, 10);
  field(l, 'target', r.destination, at + 24, 4);
  r.info = reply ? `${r.source} is at ${mac(r.b, at + 8)}` : `who has ${r.destination}? tell ${r.source}`;
}

function ip(r: Reader, at: number, end: number): void {
  const version = at < end ? r.b[at] >> 4 : 0;
  if (version === 6) { ipv6(r, at, end); return; }
  const l = r.layer('ipv4', 'IPv4', at, 20);
  r.protocol = 'IPv4';
  if (!r.has(l, at, 20, end)) return;
  const header = (r.b[at] & 15) * 4;
  if (version !== 4 || header < 20 || at + header > end) { l.fault = `version ${version}, header of ${header} bytes`; return; }
  l.length = header;
  const total = r.b.readUInt16BE(at + 2);
  const fragment = r.b.readUInt16BE(at + 6);
  const next = r.b[at + 9];
  [r.source, r.destination] = [ip4(r.b, at + 12), ip4(r.b, at + 16)];
  field(l, 'total length', total, at + 2, 2);
  field(l, 'identification', hex(r.b.readUInt16BE(at + 4), 4), at + 4, 2);
  if (fragment & 0x3fff) field(l, 'fragment', `offset ${(fragment & 0x1fff) * 8}${fragment & 0x2000 ? ', more' : ''}`, at + 6, 2);
  field(l, 'ttl', r.b[at + 8], at + 8, 1);
  field(l, 'protocol', `${PROTOCOLS[next] ?? '?'} (${next})`, at + 9, 1);
  field(l, 'source', r.source, at + 12, 4);
  field(l, 'destination', r.destination, at + 16, 4);
  const stop = total >= header ? Math.min(end, at + total) : end;
  if (fragment & 0x1fff) { r.info = `fragment, offset ${(fragment & 0x1fff) * 8}`; return; }
  transport(r, next, at + header, stop);
}
function ipv6(r: Reader, at: number, end: number): void {
  const l = r.layer('ipv6', 'IPv6', at, 40);
  r.protocol = 'IPv6';
  if (!r.has(l, at, 40, end)) return;
  [r.source, r.destination] = [ip6(r.b, at + 8), ip6(r.b, at + 24)];
  let next = r.b[at + 6];
  field(l, 'payload length', r.b.readUInt16BE(at + 4), at + 4, 2);
  field(l, 'next header', `${PROTOCOLS[next] ?? '?'} (${next})`, at + 6, 1);
  field(l, 'hop limit', r.b[at + 7], at + 7, 1);
  field(l, 'source', r.source, at + 8, 16);
  field(l, 'destination', r.destination, at + 24, 16);
  let from = at + 40;
  for (let n = 0; n < 8 && [0, 43, 44, 60].includes(next); n++) {
    const x = r.layer('ipv6.ext', 'IPv6 extension header', from, 8);
    if (!r.has(x, from, 8, end)) return;
    const length = next === 44 ? 8 : (r.b[from + 1] + 1) * 8;
    x.length = length;
    next = r.b[from];
    from += length;
  }
  transport(r, next, from, end);
}

function transport(r: Reader, protocol: number, at: number, end: number): void {
  if (r.layers.length >= LAYERS_MAX) return;
  if (protocol === 6) tcp(r, at, end);
  else if (protocol === 17) udp(r, at, end);
  else if (protocol === 1 || protocol === 58) {
    const l = r.layer(protocol === 1 ? 'icmp' : 'icmpv6', protocol === 1 ? 'ICMP' : 'ICMPv6', at, end - at);
    r.protocol = l.title;
    if (!r.has(l, at, 4, end)) return;
    field(l, 'type', r.b[at], at, 1);
    field(l, 'code', r.b[at + 1], at + 1, 1);
    const name = protocol === 1 ? { 0: 'echo reply', 3: 'destination unreachable', 5: 'redirect', 8: 'echo request', 11: 'time exceeded' }[r.b[at]] : { 1: 'destination unreachable', 128: 'echo request', 129: 'echo reply', 135: 'neighbour solicitation', 136: 'neighbour advertisement' }[r.b[at]];
    r.info = `${name ?? `type ${r.b[at]}`}, ${end - at} bytes`;
  } else if (protocol === 4 || protocol === 41) ip(r, at, end);
  else { r.protocol = PROTOCOLS[protocol] ?? `IP ${protocol}`; r.info = `${Math.max(0, end - at)} bytes`; }
}
function tcp(r: Reader, at: number, end: number): void {
  const l = r.layer('tcp', 'TCP', at, 20);
  r.protocol = 'TCP';
  if (!r.has(l, at, 20, end)) return;
  const header = (r.b[at + 12] >> 4) * 4;
  if (header < 20 || at + header > end) { l.fault = `header of ${header} bytes`; return; }
  l.length = header;
  const [from, to, seq, ack, flags] = [r.b.readUInt16BE(at), r.b.readUInt16BE(at + 2), r.b.readUInt32BE(at + 4), r.b.readUInt32BE(at + 8), r.b[at + 13]];
  const names = FLAGS.filter((_, i) => flags & (1 << i)).join(', ');
  field(l, 'source port', from, at, 2);
  field(l, 'destination port', to, at + 2, 2);
  field(l, 'sequence number', seq, at + 4, 4);
  field(l, 'acknowledgement', ack, at + 8, 4);
  field(l, 'flags', names, at + 13, 1);
  field(l, 'window', r.b.readUInt16BE(at + 14), at + 14, 2);
  if (header > 20) field(l, 'options', r.b.toString('hex', at + 20, at + header), at + 20, header - 20);
  const start = at + header;
  [r.ports, r.tcp, r.payload] = [[from, to], { seq, flags }, [start, end]];
  r.info = `${from} → ${to} [${names}] seq ${seq} len ${end - start}`;
  if (end > start) application(r, start, end);
}
function udp(r: Reader, at: number, end: number): void {
  const l = r.layer('udp', 'UDP', at, 8);
  r.protocol = 'UDP';
  if (!r.has(l, at, 8, end)) return;
  const [from, to, length] = [r.b.readUInt16BE(at), r.b.readUInt16BE(at + 2), r.b.readUInt16BE(at + 4)];
  field(l, 'source port', from, at, 2);
  field(l, 'destination port', to, at + 2, 2);
  field(l, 'length', length, at + 4, 2);
  const stop = length >= 8 ? Math.min(end, at + length) : end;
  [r.ports, r.payload] = [[from, to], [at + 8, stop]];
  r.info = `${from} → ${to} len ${stop - at - 8}`;
  if ((from === 53 || to === 53 || from === 5353) && stop > at + 8) dns(r, at + 8, stop);
}

/** What the first bytes of a TCP segment say of the application: enough for a line in the list. */
function application(r: Reader, at: number, end: number): void {
  const head = r.b.toString('latin1', at, Math.min(end, at + 4096));
  const http = /^(?:[A-Z]{3,10} \S+ HTTP\/1\.[01]|HTTP\/1\.[01] \d{3}[^\r\n]*)/.exec(head);
  if (http) {
    r.protocol = 'HTTP';
    r.info = printable(Buffer.from(http[0], 'latin1'));
    const l = r.layer('http', 'HTTP', at, end - at);
    let offset = at;
    for (const line of head.split('\r\n').slice(0, 64)) {
      if (line === '') break;
      const colon = line.indexOf(':');
      field(l, offset === at ? 'first line' : colon > 0 ? line.slice(0, Math.min(colon, 64)) : 'line', printable(Buffer.from(offset === at || colon < 0 ? line : line.slice(colon + 1).trim(), 'latin1')), offset, line.length);
      offset += line.length + 2;
    }
  } else if (end - at >= 6 && r.b[at] === 22 && r.b[at + 1] === 3) {
    r.protocol = 'TLS';
    const kind = r.b[at + 5] === 1 ? 'ClientHello' : r.b[at + 5] === 2 ? 'ServerHello' : `handshake ${r.b[at + 5]}`;
    const l = r.layer('tls', 'TLS', at, end - at);
    field(l, 'handshake', kind, at + 5, 1);
    // server_name (RFC 6066, section 3): list length, type 0, name length, name.
    const sni = r.b[at + 5] === 1 ? /\x00\x00..(?:..)\x00..([a-z0-9.-]{3,253}\.[a-z]{2,24})/is.exec(head) : null;
    if (sni) field(l, 'server name', sni[1], at + sni.index, sni[0].length);
    r.info = sni ? `${kind} ${sni[1]}` : kind;
  } else if (/^SSH-\d\.\d+-/.test(head)) {
    r.protocol = 'SSH';
    r.info = printable(Buffer.from(head.split('\n')[0].trim(), 'latin1'));
    field(r.layer('ssh', 'SSH', at, end - at), 'version', r.info, at, r.info.length);
  } else if (end - at >= 9 && (head.startsWith('\xffSMB', 4) || head.startsWith('\xfeSMB', 4))) {
    r.protocol = head[4] === '\xff' ? 'SMB' : 'SMB2';
    field(r.layer('smb', r.protocol, at, end - at), 'command', r.protocol === 'SMB' ? r.b[at + 8] : end - at >= 18 ? r.b.readUInt16LE(at + 16) : '?', at + 8, 1);
  } else r.layer('data', 'Data', at, end - at);
}

function dns(r: Reader, at: number, end: number): void {
  const l = r.layer('dns', 'DNS', at, end - at);
  r.protocol = 'DNS';
  if (!r.has(l, at, 12, end)) return;
  const flags = r.b.readUInt16BE(at + 2);
  const answer = (flags & 0x8000) !== 0;
  field(l, 'id', hex(r.b.readUInt16BE(at), 4), at, 2);
  field(l, 'kind', answer ? `response, code ${flags & 15}` : 'query', at + 2, 2);
  let where = at + 12;
  const texts: string[] = [];
  for (let q = 0; q < Math.min(r.b.readUInt16BE(at + 4), DNS_RECORDS_MAX); q++) {
    const labels: string[] = [];
    let length = 0;
    const began = where;
    // Names in questions are not compressed; a pointer ends what is shown.
    while (where < end && r.b[where] !== 0 && r.b[where] < 64 && length < 255) {
      labels.push(printable(r.b.subarray(where + 1, Math.min(end, where + 1 + r.b[where]))));
      length += r.b[where] + 1;
      where += r.b[where] + 1;
    }
    if (where + 5 > end) { l.fault = 'a question is cut'; break; }
    const type = r.b.readUInt16BE(where + 1);
    texts.push(`${{ 1: 'A', 2: 'NS', 5: 'CNAME', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA', 33: 'SRV', 255: 'ANY' }[type] ?? type} ${labels.join('.')}`);
    field(l, 'question', texts[texts.length - 1], began, where + 5 - began);
    where += 5;
  }
  r.info = `${answer ? 'response' : 'query'} ${texts.join(', ')}`;
}
