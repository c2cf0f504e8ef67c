import type { Random } from '../random.js';

/** Values at which lengths, counts and offsets turn over. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1023, 1024, 4095, 4096, 32767, 32768, 65534, 65535, 65536, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
/** No input grows beyond this: what is larger is only slower. */
export const MAX_INPUT = 64 * 1024;

/** Changes bytes in a few places: bits, edge values, moved, doubled, dropped and foreign pieces. */
export function mutate(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes = Buffer.from(input.subarray(0, MAX_INPUT));
  const times = 1 + random.below(random.chance(0.2) ? 24 : 4);
  for (let i = 0; i < times; i++) bytes = once(random, bytes, other);
  return bytes.subarray(0, MAX_INPUT);
}

function once(random: Random, bytes: Buffer<ArrayBuffer>, other: Uint8Array): Buffer<ArrayBuffer> {
  const n = bytes.length;
  if (n === 0) return Buffer.from(random.bytes(1 + random.below(16)));
  // Headers are at the front: half of the changes go there.
  const at = random.chance(0.5) ? random.below(Math.min(n, 96)) : random.below(n);
  switch (random.below(11)) {
    case 0:
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      bytes[at] = random.next();
      return bytes;
    case 2:
      bytes[at] = random.pick(EDGES);
      return bytes;
    case 3:
      if (at + 2 <= n) bytes[random.chance(0.5) ? 'writeUInt16BE' : 'writeUInt16LE'](random.pick(EDGES) & 0xffff, at);
      return bytes;
    case 4:
      if (at + 4 <= n) bytes[random.chance(0.5) ? 'writeUInt32BE' : 'writeUInt32LE'](random.pick(EDGES), at);
      return bytes;
    case 5: { // a number a little off: lengths that lie by one
      bytes[at] = bytes[at]! + random.between(-3, 3);
      return bytes;
    }
    case 6:
      return bytes.subarray(0, at) as Buffer<ArrayBuffer>;
    case 7: {
      const to = Math.min(n, at + 1 + random.below(64));
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    }
    case 8: {
      const to = Math.min(n, at + 1 + random.below(256));
      const piece = bytes.subarray(at, to);
      return Buffer.concat([bytes.subarray(0, to), ...Array.from({ length: 1 + random.below(6) }, () => piece), bytes.subarray(to)]);
    }
    case 9:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(32)), bytes.subarray(at)]);
    default: {
      if (other.length === 0) return bytes;
      const from = random.below(other.length);
      const piece = other.subarray(from, from + 1 + random.below(Math.min(512, other.length - from)));
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(random.chance(0.5) ? at : Math.min(n, at + piece.length))]);
    }
  }
}
