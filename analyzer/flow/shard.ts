import { opensTunnel } from '../decode/dispatch.js';
import { PROTOCOL, type Packet } from '../decode/packet.js';

/**
 * Services whose connections stand for themselves: flows between the same two hosts are spread over the shards by their
 * ports, too. All below 1024, where no announced data connection (FTP) ends; ports 20, 21 and 69 announce others.
 */
const ALONE = new Uint8Array(1024);
for (const port of [22, 23, 25, 53, 80, 88, 110, 123, 143, 161, 389, 443, 445, 465, 514, 587, 636, 853, 993, 995]) ALONE[port] = 1;

const alone = (port: number): boolean => port < 1024 && ALONE[port] === 1;

/**
 * Which of `count` shards a decoded packet belongs to: by its innermost addresses, whatever tunnel, VLAN or direction it
 * came by, so that a flow, what it announces, and ICMP errors about it (their quote is to be given) meet in one shard.
 * What has no IP layer, ARP above all, goes to shard 0.
 */
export function shardOf(view: DataView, p: Packet, count: number): number {
  if (p.ipVersion === 0) return 0;
  const ports = p.transportOffset !== 0 && (p.protocol === PROTOCOL.Tcp || p.protocol === PROTOCOL.Udp);
  return shardOfEnds(view, p.srcOffset, p.dstOffset, p.ipVersion === 4 ? 1 : 4, ports ? p.srcPort : 0, ports ? p.dstPort : 0, count);
}

const ETHERNET = 14;
const IPV4 = 20;
const TCP = 20;
const UDP = 8;

/**
 * Whether the Ethernet frame at [at, end) is plainly another shard's: IPv4 without options or fragments, whole, with TCP
 * or with UDP that opens no tunnel. It is then not decoded at all: with N workers that is what N-1 of N packets cost.
 * @returns false as well where only decoding can tell; the answer then is `shardOf`'s.
 */
export function plainlyElsewhere(view: DataView, at: number, end: number, count: number, shard: number): boolean {
  const ip = at + ETHERNET;
  const transport = ip + IPV4;
  if (transport + TCP > end || view.getUint16(at + 12) !== 0x0800 || view.getUint8(ip) !== 0x45) return false;
  const limit = ip + view.getUint16(ip + 2);
  if (limit > end || transport + UDP > limit || (view.getUint16(ip + 6) & 0x3fff) !== 0) return false;
  const ports = view.getUint32(transport);
  const source = ports >>> 16;
  const destination = ports & 0xffff;
  const protocol = view.getUint8(ip + 9);
  if (protocol === PROTOCOL.Tcp) {
    const header = (view.getUint8(transport + 12) >> 4) << 2;
    if (header < TCP || transport + header > limit) return false;
  } else if (protocol === PROTOCOL.Udp) {
    const length = view.getUint16(transport + 4);
    if (length < UDP || transport + length > limit || opensTunnel(source) || opensTunnel(destination)) return false;
  } else return false;
  return shardOfEnds(view, ip + 12, ip + 16, 1, source, destination, count) !== shard;
}

/** @param source ports, 0 where there are none */
function shardOfEnds(view: DataView, from: number, to: number, words: number, source: number, destination: number, count: number): number {
  if (!alone(source) && !alone(destination)) source = destination = 0;
  // Both ends are hashed alike and added: the sum does not know which came first.
  let hash = (end(view, from, words, source) + end(view, to, words, destination)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % count;
}

function end(view: DataView, at: number, words: number, port: number): number {
  let hash = port;
  for (let i = 0; i < words; i++, at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
