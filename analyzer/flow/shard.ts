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
  let source = 0;
  let destination = 0;
  if (p.transportOffset !== 0 && (p.protocol === PROTOCOL.Tcp || p.protocol === PROTOCOL.Udp) && (alone(p.srcPort) || alone(p.dstPort))) {
    source = p.srcPort;
    destination = p.dstPort;
  }
  const words = p.ipVersion === 4 ? 1 : 4;
  // Both ends are hashed alike and added: the sum does not know which came first.
  let hash = (end(u8, p.srcOffset, words, source) + end(u8, p.dstOffset, words, destination)) | 0;
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
