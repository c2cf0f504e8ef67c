import t from 'tap';
import { communityId } from './community-id.js';

/** The vectors published with the specification (seed 0). */
const VECTORS: [string, string, number, number, number, string][] = [
  ['128.232.110.120', '66.35.250.204', 6, 34855, 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['66.35.250.204', '128.232.110.120', 6, 80, 34855, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['192.168.1.52', '8.8.8.8', 17, 54585, 53, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  ['8.8.8.8', '192.168.1.52', 17, 53, 54585, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  ['192.168.0.89', '192.168.0.1', 1, 8, 0, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
  ['192.168.0.1', '192.168.0.89', 1, 0, 8, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
  ['192.168.170.8', '192.168.170.56', 132, 7, 80, '1:jQgCxbku+pNGw8WPbEc/TS/uTpQ='],
  ['192.168.170.56', '192.168.170.8', 132, 80, 7, '1:jQgCxbku+pNGw8WPbEc/TS/uTpQ='],
];

t.test('IPv4 vectors', async (t) => {
  for (const [from, to, protocol, sourcePort, destinationPort, expected] of VECTORS) {
    const addresses = new Uint8Array(32);
    addresses.set(from.split('.').map(Number), 0);
    addresses.set(to.split('.').map(Number), 16);
    t.equal(communityId(addresses, 0, 4, protocol, sourcePort, destinationPort), expected, `${from} > ${to} ${protocol}`);
  }
});

t.test('ICMPv6 neighbour solicitation', async (t) => {
  const addresses = Uint8Array.from(
    Buffer.from('fe80000000000000020086fffe0580dafe80000000000000026097fffe0769ea', 'hex'),
  );
  t.equal(communityId(addresses, 0, 6, 58, 135, 0), '1:dGHyGvjMfljg6Bppwm3bg0LO8TY=');
});
