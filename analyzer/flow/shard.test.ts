import fc from 'fast-check';
import t from 'tap';
import { decode, decoderOf } from '../decode/decoder.js';
import { Packet } from '../decode/packet.js';
import { plainlyElsewhere, shardOf } from './shard.js';

/** Ethernet, IPv4, a transport header with the given ports, 16 bytes of payload. */
function frame(protocol: number, source: number, destination: number, addresses: Uint8Array): Uint8Array {
  const transport = protocol === 6 ? 20 : 8;
  const bytes = new Uint8Array(14 + 20 + transport + 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x45);
  view.setUint16(16, bytes.length - 14);
  view.setUint8(22, 64);
  view.setUint8(23, protocol);
  bytes.set(addresses, 26);
  view.setUint16(34, source);
  view.setUint16(36, destination);
  if (protocol === 6) view.setUint8(46, 0x50);
  else view.setUint16(38, transport + 16);
  return bytes;
}

const port = fc.oneof(fc.constantFrom(22, 53, 80, 443, 445, 2152, 3544, 4789), fc.nat(65535));
const ordinary = fc.tuple(fc.constantFrom(6, 17), port, port, fc.uint8Array({ minLength: 8, maxLength: 8 })).map((f) => frame(...f));
/** Some bytes of a header put to other values, the end cut off. */
const odd = fc.tuple(ordinary, fc.array(fc.tuple(fc.nat(53), fc.nat(255)), { maxLength: 3 }), fc.nat(40)).map(([bytes, changes, cut]) => {
  for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
  return bytes.subarray(0, bytes.length - (cut < 20 ? 0 : cut - 20));
});

t.test('a frame left without decoding is one that decoding gives to another shard', (t) => {
  const u8 = new Uint8Array(128);
  const view = new DataView(u8.buffer);
  const p = new Packet();
  const ethernet = decoderOf(1)!;
  let left = 0;
  let plain = 0;
  for (const frames of [ordinary, odd]) {
    fc.assert(fc.property(frames, fc.integer({ min: 2, max: 8 }), (bytes, count) => {
      u8.fill(0xff);
      u8.set(bytes, 10);
      decode(u8, p, ethernet, 10, bytes.length, bytes.length);
      const own = shardOf(view, p, count);
      for (let shard = 0; shard < count; shard++) {
        const elsewhere = plainlyElsewhere(view, 10, 10 + bytes.length, count, shard);
        if (elsewhere) left++;
        plain += Number(p.fragment === 0 && shard !== own);
        if (elsewhere && (shard === own || p.fragment !== 0 || p.tunnelDepth !== 0)) return false;
      }
      return true;
    }), { numRuns: 2000 });
  }
  t.ok(left > plain / 2, 'and most are left');
  t.end();
});
