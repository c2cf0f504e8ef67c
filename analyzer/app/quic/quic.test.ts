import { createCipheriv } from 'node:crypto';
import t from 'tap';
import { Harness } from '../harness.js';
import { protocols } from '../registry.js';
import { initialKeys, type InitialKeys, V1 } from './initial.js';

const hex = (s: string): Buffer => Buffer.from(s.replace(/\s/g, ''), 'hex');
/** RFC 9001 Appendix A. */
const DCID = hex('8394c8f03e515708');
const HELLO = hex(`
  010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010000e00000b
  6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000003300260024001d0020
  9370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503060302030804080508
  06002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e
  51570806048000ffff`);

/** Protects an Initial packet as RFC 9001 5 says. */
function seal(header: Buffer, pn: number, frames: Buffer, keys: InitialKeys): Buffer {
  const nonce = Buffer.from(keys.iv);
  nonce[11]! ^= pn;
  const c = createCipheriv('aes-128-gcm', keys.key, nonce);
  c.setAAD(header);
  const packet = Buffer.concat([header, c.update(frames), c.final(), c.getAuthTag()]);
  const at = header.length - 4;
  const mask = createCipheriv('aes-128-ecb', keys.hp, null).update(packet.subarray(at + 4, at + 20));
  packet[0]! ^= mask[0]! & 15;
  for (let i = 0; i < 4; i++) packet[at + i]! ^= mask[1 + i]!;
  return packet;
}
const crypto = (offset: number, data: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from([6, ...(offset < 64 ? [offset] : [0x40 | (offset >> 8), offset & 255]), 0x40 | (data.length >> 8), data.length & 255]),
    data,
  ]);
const initial = (pn: number, frames: Buffer): Buffer => {
  const header = Buffer.concat([hex('c3 00000001 08'), DCID, hex('00 00 449e'), Buffer.from([0, 0, 0, pn])]);
  return seal(header, pn, Buffer.concat([frames, Buffer.alloc(1162 - frames.length)]), initialKeys(V1, DCID)[0]);
};

t.test('keys of RFC 9001 A.1', async (t) => {
  const [client, server] = initialKeys(V1, DCID);
  t.equal(client.key.toString('hex'), '1f369613dd76d5467730efcbe3b1a22d');
  t.equal(client.iv.toString('hex'), 'fa044b2f42a3fd3b46fb255c');
  t.equal(client.hp.toString('hex'), '9f50449e04a0e810283a1e9933adedd2');
  t.equal(server.key.toString('hex'), 'cf3a5331653c364c88f0f379b6067e37');
});

t.test('the client hello of RFC 9001 A.2, whole and in pieces out of order over two datagrams', async (t) => {
  const packet = initial(2, crypto(0, HELLO));
  t.equal(packet.subarray(0, 24).toString('hex'), 'c000000001088394c8f03e5157080000449e7b9aec34d1b1', 'bytes of the RFC');
  for (const datagrams of [
    [packet],
    [
      initial(0, Buffer.concat([crypto(200, HELLO.subarray(200)), Buffer.from([1]), crypto(0, HELLO.subarray(0, 50))])),
      initial(1, crypto(50, HELLO.subarray(50, 200))),
    ],
  ]) {
    const h = new Harness(protocols, 443, 'udp');
    for (const d of datagrams) h.feed(0, d);
    t.match(h.of('quic'), [{ version: '1', sni: 'example.com', alpn: ['alpn'], ja4: /^q13d/ }]);
    t.equal(h.value('quic.sni'), 'example.com');
  }
  const broken = Buffer.from(packet);
  broken[500]! ^= 1;
  const h = new Harness(protocols, 443, 'udp');
  h.feed(0, broken);
  t.same(h.anomalies, ['quic.failed_decrypt']);
  t.same(h.of('quic'), []);
});
