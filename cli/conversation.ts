/** For tests: one TCP conversation as a capture, so that a test shows exactly what was on the wire. */

interface Ends { client?: [string, number]; server?: [string, number]; startUs?: number }

const bytesOf = (ip: string): number[] => ip.split('.').map(Number);

/**
 * A little-endian microsecond pcap with handshake, the given messages in turn and FINs. Checksums are zero.
 * @param messages [from the client?, bytes]
 */
export function conversation(messages: [boolean, string | Uint8Array][], ends: Ends = {}): Uint8Array {
  const client = ends.client ?? ['203.0.113.7', 40000];
  const server = ends.server ?? ['10.42.1.20', 80];
  let timeUs = ends.startUs ?? 1_569_888_000_000_000;
  const out: Buffer[] = [];
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(1, 20);
  out.push(head);
  const seq = [1000, 5000];
  const packet = (fromClient: boolean, flags: number, data: Uint8Array = new Uint8Array()): void => {
    const length = 54 + data.length;
    const b = Buffer.alloc(16 + length);
    timeUs += 500;
    b.writeUInt32LE(Math.floor(timeUs / 1e6), 0);
    b.writeUInt32LE(timeUs % 1e6, 4);
    b.writeUInt32LE(length, 8);
    b.writeUInt32LE(length, 12);
    b.writeUInt16BE(0x0800, 28);
    const ip = 30;
    b[ip] = 0x45;
    b.writeUInt16BE(40 + data.length, ip + 2);
    b[ip + 8] = 64;
    b[ip + 9] = 6;
    const [from, to] = fromClient ? [client, server] : [server, client];
    b.set(bytesOf(from[0]), ip + 12);
    b.set(bytesOf(to[0]), ip + 16);
    const t = ip + 20;
    b.writeUInt16BE(from[1], t);
    b.writeUInt16BE(to[1], t + 2);
    b.writeUInt32BE(seq[fromClient ? 0 : 1]!, t + 4);
    b.writeUInt32BE(flags === 2 ? 0 : seq[fromClient ? 1 : 0]!, t + 8);
    b[t + 12] = 0x50;
    b[t + 13] = flags;
    b.writeUInt16BE(64240, t + 14);
    b.set(data, t + 20);
    seq[fromClient ? 0 : 1]! += data.length + (flags & 3 ? 1 : 0);
    out.push(b);
  };
  packet(true, 2);
  packet(false, 18);
  packet(true, 16);
  for (const [fromClient, text] of messages) {
    const data = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
    for (let at = 0; at < data.length; at += 1400) packet(fromClient, 24, data.subarray(at, at + 1400));
    packet(!fromClient, 16);
  }
  packet(true, 17);
  packet(false, 17);
  packet(true, 16);
  return Buffer.concat(out);
}
