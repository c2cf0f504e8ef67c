import t from 'tap';
import fc from 'fast-check';
import { Arena } from '../arena.js';
import { decode, decodeDatagram, decoderOf } from './decoder.js';
import { Defragmenter } from './defragmentation.js';
import { Packet } from './packet.js';

/** A fragment of a UDP datagram 10.0.0.1:1000 → 10.0.0.2:53. */
function fragment(id: number, offset: number, more: boolean, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
  view.setUint16(2, bytes.length);
  view.setUint16(4, id);
  view.setUint16(6, (offset >> 3) | (more ? 0x2000 : 0));
  bytes.set(data, 20);
  return bytes;
}

function rig(bytes = 1 << 20) {
  const arena = new Arena(4 << 20);
  const input = arena.reserve(65536);
  const defragmenter = new Defragmenter(arena, { policy: 'linux', bytes, timeoutSeconds: 30 });
  const p = new Packet();
  const add = (packet: Uint8Array, timeUs = 1): number => {
    arena.u8.set(packet, input);
    p.timeUs = timeUs;
    decode(arena.u8, p, decoderOf(101)!, input, packet.length, packet.length);
    return defragmenter.add(p, 0);
  };
  return { arena, defragmenter, p, add };
}

t.test('fragments in any order give the datagram', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 40 }), fc.nat(), (size, step, order) => {
      const udp = new Uint8Array(8 + size);
      udp.set([0x03, 0xe8, 0, 53, (8 + size) >> 8, (8 + size) & 255, 0, 0]);
      for (let i = 8; i < udp.length; i++) udp[i] = (i * 7) & 255;
      const parts: [number, number][] = [];
      for (let at = 0, n = 0; at < udp.length; at += step * 8, n++) parts.push([at, Math.imul(order + n, 0x9e3779b1) >>> 0]);
      if (parts.length < 2) return true;
      parts.sort((a, b) => a[1] - b[1]);
      const { add, p, arena, defragmenter } = rig();
      let length = 0;
      for (const [at] of parts) {
        length = add(fragment(7, at, at + step * 8 < udp.length, udp.subarray(at, at + step * 8)));
      }
      if (length !== 20 + udp.length) return false;
      decodeDatagram(arena.u8, p, defragmenter.at, length);
      const same = Buffer.from(arena.u8.subarray(p.payloadOffset, p.payloadOffset + p.payloadLength)).equals(Buffer.from(udp.subarray(8)));
      defragmenter.release();
      return same && p.srcPort === 1000 && p.dstPort === 53 && arena.used === 0;
    }),
    { seed: 4, numRuns: 200 },
  );
});

t.test('memory and time are bounded', async (t) => {
  const { add, arena, defragmenter } = rig(64 * 1024);
  for (let id = 0; id < 1000; id++) add(fragment(id, 0, true, new Uint8Array(800)));
  t.ok(arena.used <= 64 * 1024);
  t.ok(defragmenter.dropped > 900);
  defragmenter.expire(1 + 30e6);
  t.equal(arena.used, 0);
});

t.test('a datagram larger than IP allows is refused', async (t) => {
  const { add, p } = rig();
  t.equal(add(fragment(1, 65528, false, new Uint8Array(400))), 0);
  t.equal(p.anomalies, 1);
});
