/** One packet of a conversation over IPv4 in its parts; `frameBytes` puts it together with right lengths and checksums. */
export interface Frame {
  timeUs: number;
  protocol: 6 | 17;
  /** Four bytes each. */
  from: readonly number[];
  to: readonly number[];
  sport: number;
  dport: number;
  ttl: number;
  /** TCP only. */
  seq: number;
  ack: number;
  flags: number;
  window: number;
  options: Uint8Array;
  payload: Uint8Array;
  badSum?: boolean;
}

export const FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16;

/** Internet checksum over `bytes`, on top of `seed` (RFC 1071). */
export function checksum(bytes: Uint8Array, seed = 0): number {
  let sum = seed;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}

/** Sum of a pseudo header, to start `checksum` with; addresses of either version. */
function pseudo(from: readonly number[], to: readonly number[], protocol: number, length: number): number {
  return ~checksum(Uint8Array.from([...from, ...to, 0, protocol, length >> 8, length & 255])) & 0xffff;
}

/** TCP or UDP header and payload between two addresses. */
export function transportBytes(f: Frame, from: readonly number[] = f.from, to: readonly number[] = f.to): Buffer {
  const head = Buffer.alloc(f.protocol === 6 ? 20 + f.options.length : 8);
  head.writeUInt16BE(f.sport, 0);
  head.writeUInt16BE(f.dport, 2);
  if (f.protocol === 6) {
    head.writeUInt32BE(f.seq >>> 0, 4);
    head.writeUInt32BE(f.ack >>> 0, 8);
    head[12] = (head.length / 4) << 4;
    head[13] = f.flags;
    head.writeUInt16BE(f.window, 14);
    head.set(f.options, 20);
  } else head.writeUInt16BE(8 + f.payload.length, 4);
  const whole = Buffer.concat([head, f.payload]);
  const sum = checksum(whole, pseudo(from, to, f.protocol, whole.length)) || 0xffff;
  whole.writeUInt16BE(f.badSum ? sum ^ 0x5a5a : sum, f.protocol === 6 ? 16 : 6);
  return whole;
}

/** An IPv4 header before `data`. `offset` in bytes, for fragments. */
export function ipv4(from: readonly number[], to: readonly number[], protocol: number, data: Uint8Array, more: { ttl?: number; id?: number; offset?: number; moreFragments?: boolean } = {}): Buffer {
  const head = Buffer.alloc(20);
  head[0] = 0x45;
  head.writeUInt16BE(20 + data.length, 2);
  head.writeUInt16BE(more.id ?? 1, 4);
  head.writeUInt16BE(((more.offset ?? 0) >> 3) | (more.moreFragments ? 0x2000 : 0), 6);
  head[8] = more.ttl ?? 64;
  head[9] = protocol;
  head.set(from, 12);
  head.set(to, 16);
  head.writeUInt16BE(checksum(head), 10);
  return Buffer.concat([head, data]);
}

/** An IPv6 header before `data`; addresses of 16 bytes. */
export function ipv6(from: readonly number[], to: readonly number[], next: number, data: Uint8Array, hops = 64): Buffer {
  const head = Buffer.alloc(40);
  head[0] = 0x60;
  head.writeUInt16BE(data.length, 4);
  head[6] = next;
  head[7] = hops;
  head.set(from, 8);
  head.set(to, 24);
  return Buffer.concat([head, data]);
}

export function packetBytes(f: Frame): Buffer {
  return ipv4(f.from, f.to, f.protocol, transportBytes(f), { ttl: f.ttl, id: (f.seq ^ f.payload.length) & 0xffff });
}

export const MACS = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
export function ethernet(type: number, data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([...MACS, type >> 8, type & 255]), data]);
}

/** Frames of a little-endian pcap with Ethernet or Linux cooked packets; what is no TCP or UDP over IPv4 is left out. */
export function readFrames(pcap: Uint8Array): Frame[] {
  const b = Buffer.from(pcap.buffer, pcap.byteOffset, pcap.length);
  const nanos = b.readUInt32LE(0) === 0xa1b23c4d;
  if (!nanos && b.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error('a little-endian pcap file is needed');
  const skip = { 1: 14, 113: 16, 101: 0 }[b.readUInt32LE(20) & 0xffff];
  if (skip === undefined) throw new Error('a link type of Ethernet, Linux cooked or raw IP is needed');
  const frames: Frame[] = [];
  for (let at = 24; at + 16 <= b.length; ) {
    const captured = b.readUInt32LE(at + 8);
    const timeUs = b.readUInt32LE(at) * 1e6 + (nanos ? Math.floor(b.readUInt32LE(at + 4) / 1000) : b.readUInt32LE(at + 4));
    const ip = b.subarray(at + 16 + skip, at + 16 + captured);
    at += 16 + captured;
    if (ip.length < 20 || ip[0]! >> 4 !== 4) continue;
    const protocol = ip[9]!;
    const head = (ip[0]! & 15) * 4;
    const t = ip.subarray(head, ip.readUInt16BE(2));
    const ends = { timeUs, from: [...ip.subarray(12, 16)], to: [...ip.subarray(16, 20)], ttl: ip[8]!, sport: t.readUInt16BE(0), dport: t.readUInt16BE(2) };
    if (protocol === 17) frames.push({ ...ends, protocol, seq: 0, ack: 0, flags: 0, window: 0, options: new Uint8Array(), payload: Uint8Array.from(t.subarray(8)) });
    if (protocol !== 6) continue;
    const data = (t[12]! >> 4) * 4;
    frames.push({
      ...ends, protocol, seq: t.readUInt32BE(4), ack: t.readUInt32BE(8), flags: t[13]!, window: t.readUInt16BE(14),
      options: Uint8Array.from(t.subarray(20, data)), payload: Uint8Array.from(t.subarray(data)),
    });
  }
  return frames;
}

export interface Ends { client?: readonly number[]; server?: readonly number[]; clientPort?: number; serverPort?: number; startUs?: number }

/** A TCP connection in which the two say these things in turn. */
export function conversation(talk: readonly (readonly [fromClient: boolean, bytes: Uint8Array | string])[], ends: Ends = {}): Frame[] {
  const client = ends.client ?? [203, 0, 113, 7];
  const server = ends.server ?? [10, 42, 1, 20];
  const clientPort = ends.clientPort ?? 40000;
  const serverPort = ends.serverPort ?? 80;
  const next = [1000, 5000];
  let timeUs = ends.startUs ?? 1_569_888_000_000_000;
  const frames: Frame[] = [];
  const send = (fromClient: boolean, flags: number, payload: Uint8Array = new Uint8Array()): void => {
    const me = fromClient ? 0 : 1;
    timeUs += 700;
    frames.push({
      timeUs, protocol: 6, from: fromClient ? client : server, to: fromClient ? server : client, sport: fromClient ? clientPort : serverPort,
      dport: fromClient ? serverPort : clientPort, ttl: 64, seq: next[me]!, ack: flags === SYN ? 0 : next[1 - me]!, flags, window: 64240, options: new Uint8Array(), payload,
    });
    next[me]! += payload.length + ((flags & (SYN | FIN)) !== 0 ? 1 : 0);
  };
  send(true, SYN);
  send(false, SYN | ACK);
  send(true, ACK);
  for (const [fromClient, said] of talk) {
    const bytes = typeof said === 'string' ? Buffer.from(said, 'latin1') : said;
    for (let at = 0; at < bytes.length; at += 1400) send(fromClient, PSH | ACK, bytes.subarray(at, at + 1400));
    send(!fromClient, ACK);
  }
  send(true, FIN | ACK);
  send(false, FIN | ACK);
  send(true, ACK);
  return frames;
}
