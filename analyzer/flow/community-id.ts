import { hash } from 'node:crypto';
import { PROTOCOL } from '../decode/packet.js';

/** The other half of ICMP messages that come in pairs: with it, request and reply are one flow. */
const ICMP_PAIRS = new Map([[8, 0], [0, 8], [13, 14], [14, 13], [15, 16], [16, 15], [17, 18], [18, 17], [10, 9], [9, 10]]);
const ICMPV6_PAIRS = new Map([
  [128, 129], [129, 128], [133, 134], [134, 133], [135, 136], [136, 135], [130, 131], [131, 130], [144, 145], [145, 144],
  [139, 140], [140, 139],
]);

/**
 * Community ID version 1 of a flow, e.g. `1:LQU9qZlK+B5F3KDmev6m5PMibrg=`.
 * @param addresses source then destination, 4 or 16 bytes each, at `at` and `at + 16`.
 * @param sourcePort port, or ICMP type; @param destinationPort port, or ICMP code.
 */
export function communityId(
  addresses: Uint8Array, at: number, version: number, protocol: number, sourcePort: number, destinationPort: number,
  seed = 0,
): string {
  const size = version === 4 ? 4 : 16;
  let a = at;
  let b = at + 16;
  let aPort = sourcePort;
  let bPort = destinationPort;
  let paired = true;
  const ported = protocol === PROTOCOL.Tcp || protocol === PROTOCOL.Udp || protocol === PROTOCOL.Sctp;
  const icmp = protocol === PROTOCOL.Icmp || protocol === PROTOCOL.Icmpv6;
  if (icmp) {
    const other = (protocol === PROTOCOL.Icmp ? ICMP_PAIRS : ICMPV6_PAIRS).get(sourcePort);
    if (other === undefined) paired = false;
    else bPort = other;
  }
  if (paired) {
    let order = 0;
    for (let i = 0; i < size && order === 0; i++) order = addresses[a + i] - addresses[b + i];
    if (order > 0 || (order === 0 && (ported || icmp) && aPort > bPort)) {
      [a, b] = [b, a];
      [aPort, bPort] = [bPort, aPort];
    }
  }
  const bytes = new Uint8Array(2 + size * 2 + 2 + (ported || icmp ? 4 : 0));
  bytes[0] = seed >> 8;
  bytes[1] = seed & 255;
  bytes.set(addresses.subarray(a, a + size), 2);
  bytes.set(addresses.subarray(b, b + size), 2 + size);
  let end = 2 + size * 2;
  bytes[end++] = protocol;
  bytes[end++] = 0;
  if (ported || icmp) {
    bytes[end++] = aPort >> 8;
    bytes[end++] = aPort & 255;
    bytes[end++] = bPort >> 8;
    bytes[end] = bPort & 255;
  }
  return `1:${hash('sha1', bytes, 'base64')}`;
}
