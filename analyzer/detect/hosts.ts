import { addressText } from '../flow/address.js';
import type { ConnectionRecord } from '../flow/connection-log.js';

/**
 * A 52-bit number for two addresses and a number, without making a string: tables are keyed by it. Two keys that fall
 * together would merge two counts; at the tables' sizes that is one chance in 2^20 or less.
 */
export function pairKey(record: ConnectionRecord, withDestination: boolean, extra: number): number {
  let a = 0x811c9dc5 ^ extra;
  let b = 0x9e3779b9 + extra;
  const src = record.src;
  for (let i = 0; i < src.length; i++) {
    a = Math.imul(a ^ src[i], 0x01000193);
    b = Math.imul(b + src[i], 0x85ebca6b) ^ (b >>> 13);
  }
  if (withDestination) {
    const dst = record.dst;
    for (let i = 0; i < dst.length; i++) {
      a = Math.imul(a ^ dst[i] ^ 0x5a, 0x01000193);
      b = Math.imul(b + dst[i] + 0x33, 0x85ebca6b) ^ (b >>> 13);
    }
  }
  a ^= a >>> 15;
  b ^= b >>> 16;
  return ((a >>> 6) * 0x4000000) + (b >>> 6);
}

/** A number for one address: IPv4 itself, IPv6 by hash. */
export function hostNumber(address: Uint8Array): number {
  if (address.length === 4) return ((address[0] << 24) | (address[1] << 16) | (address[2] << 8) | address[3]) >>> 0;
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let i = 0; i < address.length; i++) {
    a = Math.imul(a ^ address[i], 0x01000193);
    b = Math.imul(b + address[i], 0x85ebca6b) ^ (b >>> 13);
  }
  return ((a >>> 6) * 0x4000000) + (b >>> 6);
}

export function textOf(address: Uint8Array): string {
  return addressText(address, 0, address.length === 4 ? 4 : 6);
}

/** Private, carrier-grade NAT, link-local and unique-local addresses: an attacker there is already inside. */
export function isInside(ip: string): boolean {
  return /^(?:10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe[89ab])/i.test(ip);
}
