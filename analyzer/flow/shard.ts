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
export function shardOf(u8: Uint8Array, p: Packet, count: number): number {
  if (p.ipVersion === 0) return 0;
  const ports = p.transportOffset !== 0 && (p.protocol === PROTOCOL.Tcp || p.protocol === PROTOCOL.Udp);
  return shardOfEnds(u8, p.srcOffset, p.dstOffset, p.ipVersion === 4 ? 1 : 4, ports ? p.srcPort : 0, ports ? p.dstPort : 0, count);
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
export function plainlyElsewhere(u8: Uint8Array, at: number, end: number, count: number, shard: number): boolean {
  const ip = at + ETHERNET;
  const transport = ip + IPV4;
  if (transport + TCP > end || u8[at + 12] !== 8 || u8[at + 13] !== 0 || u8[ip] !== 0x45) return false;
  const limit = ip + ((u8[ip + 2] << 8) | u8[ip + 3]);
  if (limit > end || transport + UDP > limit || (u8[ip + 6] & 0x3f) !== 0 || u8[ip + 7] !== 0) return false;
  const source = (u8[transport] << 8) | u8[transport + 1];
  const destination = (u8[transport + 2] << 8) | u8[transport + 3];
  const protocol = u8[ip + 9];
  if (protocol === PROTOCOL.Tcp) {
    const header = (u8[transport + 12] >> 4) << 2;
    if (header < TCP || transport + header > limit) return false;
  } else if (protocol === PROTOCOL.Udp) {
    const length = (u8[transport + 4] << 8) | u8[transport + 5];
    if (length < UDP || transport + length > limit || opensTunnel(source) || opensTunnel(destination)) return false;
  } else return false;
  return shardOfEnds(u8, ip + 12, ip + 16, 1, source, destination, count) !== shard;
}

/** @param source ports, 0 where there are none */
function shardOfEnds(u8: Uint8Array, from: number, to: number, words: number, source: number, destination: number, count: number): number {
  if (!alone(source) && !alone(destination)) source = destination = 0;
  // Both ends are hashed alike and added: the sum does not know which came first.
  let hash = (end(u8, from, words, source) + end(u8, to, words, destination)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % count;
}

function end(u8: Uint8Array, at: number, words: number, port: number): number {
  let hash = port;
  for (let i = 0; i < words; i++, at += 4) {
    hash = Math.imul(hash ^ ((u8[at] << 24) | (u8[at + 1] << 16) | (u8[at + 2] << 8) | u8[at + 3]), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
