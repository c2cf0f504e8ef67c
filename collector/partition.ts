import { ipOffset } from './ip-layer.js';

const PRIME_1 = 0x9e3779b1 | 0;
const PRIME_2 = 0x85ebca6b | 0;
const PRIME_3 = 0xc2b2ae35 | 0;

/**
 * The flow partition of a packet: by the outermost pair of IP addresses alone, so that both directions, all fragments,
 * and the connections of one pair that belong together (FTP control and data) meet in one analyzer. What is not IP,
 * ARP above all, goes to partition 0, where one analyzer sees all of it.
 * @returns 0…partitions-1
 */
export function partitionOf(u8: Uint8Array, offset: number, captured: number, linktype: number, partitions: number): number {
  if (partitions <= 1) return 0;
  const ip = ipOffset(u8, offset, captured, linktype);
  if (ip < 0) return 0;
  const v4 = u8[ip] >> 4 === 4;
  const words = v4 ? 1 : 4;
  const source = ip + (v4 ? 12 : 8);
  // Both addresses are hashed alike and added: the sum does not know which came first.
  let hash = (addressHash(u8, source, words) + addressHash(u8, source + words * 4, words)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return ((hash ^ (hash >>> 16)) >>> 0) % partitions;
}

function addressHash(u8: Uint8Array, at: number, words: number): number {
  let hash = 0;
  for (let i = 0; i < words; i++, at += 4) {
    const word = (u8[at] << 24) | (u8[at + 1] << 16) | (u8[at + 2] << 8) | u8[at + 3];
    hash = Math.imul(hash ^ word, PRIME_1);
    hash ^= hash >>> 15;
  }
  return hash;
}
