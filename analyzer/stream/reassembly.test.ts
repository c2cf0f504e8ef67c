import t from 'tap';
import fc from 'fast-check';
import { Arena } from '../arena.js';
import { laterWins, OVERLAP_POLICIES, type OverlapPolicy } from '../decode/overlap.js';
import { DEFAULT_REASSEMBLY, Reassembly, TcpStream } from './reassembly.js';

/** Collects what a stream hands on; a gap shows as its length. */
function recorder(policy: OverlapPolicy = 'linux') {
  const arena = new Arena(8 << 20);
  const input = arena.reserve(1 << 16);
  const out: (number | string)[] = [];
  const reassembly = new Reassembly(arena, { ...DEFAULT_REASSEMBLY, policy }, {
    bytes: (_stream, at, length) => void out.push(...arena.u8.subarray(at, at + length)),
    gap: (_stream, missing) => void out.push(`gap ${missing}`),
    end: () => void out.push('end'),
    conflict: () => undefined,
  });
  const stream = new TcpStream({}, 0);
  const send = (seq: number, bytes: Uint8Array): void => {
    arena.u8.set(bytes, input);
    reassembly.accept(stream, seq | 0, input, bytes.length, 0, 0);
    arena.u8.fill(0xee, input, input + bytes.length); // the ring is overwritten
  };
  return { arena, out, reassembly, stream, send };
}

t.test('any segmentation, order and duplication gives the same bytes', async () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.integer(), fc.array(fc.tuple(fc.nat(399), fc.nat(80), fc.nat()), { maxLength: 30 }), fc.nat(),
      (data, isn, extra, order) => {
        const { out, reassembly, stream, send, arena } = recorder();
        stream.started = true;
        stream.next = isn | 0;
        const segments: [number, number, number][] = [];
        for (let at = 0, n = 0; at < data.length; n++) {
          const length = Math.min(data.length - at, 1 + ((order >> (n % 20)) & 31));
          segments.push([at, length, Math.imul(order + n, 0x9e3779b1) >>> 0]);
          at += length;
        }
        for (const [at, length, key] of extra) if (at < data.length) segments.push([at, Math.min(length + 1, data.length - at), key]);
        segments.sort((a, b) => a[2] - b[2]);
        for (const [at, length] of segments) send(isn + at, data.subarray(at, at + length));
        reassembly.finish(stream, (isn + data.length) | 0);
        return Buffer.from(out.slice(0, -1) as number[]).equals(Buffer.from(data)) && out.at(-1) === 'end' && arena.used === 0;
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

t.test('segments far beyond the window are forged while others come in order, and a jump when none do', async (t) => {
  const far = 1 << 29;
  const one = recorder();
  one.send(0, Uint8Array.of(0));
  for (let at = 0; at < 40; at += 4) {
    one.send(far + at, Uint8Array.of(9, 9, 9, 9));
    one.send(1 + at, Uint8Array.of(1, 2, 3, 4));
  }
  one.reassembly.flush(one.stream);
  t.same(one.out, [0, ...Array.from({ length: 40 }, (_, i) => (i & 3) + 1)]);
  const other = recorder();
  other.send(0, Uint8Array.of(1));
  for (let at = 0; at < 4; at++) other.send(far + at, Uint8Array.of(at));
  other.reassembly.flush(other.stream);
  t.same(other.out, [1, `gap ${far + 1}`, 2, 3]);
});

t.test('overlapping segments follow the policy, byte by byte', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...OVERLAP_POLICIES), fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 25 })), { minLength: 1, maxLength: 12 }),
      (policy, segments) => {
        const { out, stream, send, reassembly, arena } = recorder(policy);
        stream.started = true;
        stream.next = 0;
        // The model: each byte knows the segment that owns it.
        const owner: ({ from: number; to: number; value: number } | undefined)[] = [];
        segments.forEach(([from, length], n) => {
          const to = from + length;
          send(from, new Uint8Array(length).fill(n + 1));
          for (let i = from; i < to; i++) {
            const old = owner[i];
            if (old === undefined || laterWins(policy, from - old.from, to - old.to)) owner[i] = { from, to, value: n + 1 };
          }
        });
        owner[0] = { from: 0, to: 1, value: 99 };
        send(0, Uint8Array.of(99));
        reassembly.flush(stream);
        const expected: (number | string)[] = [];
        for (let i = 0, hole = 0; i < owner.length; i++) {
          const byte = owner[i];
          if (byte === undefined) hole++;
          else {
            if (hole > 0) expected.push(`gap ${hole}`);
            hole = 0;
            expected.push(byte.value);
          }
        }
        return JSON.stringify(out) === JSON.stringify(expected) && arena.used === 0;
      },
    ),
    { seed: 3, numRuns: 300 },
  );
});

t.test('a hole that the peer acknowledged is lost', async (t) => {
  const { out, reassembly, stream, send } = recorder();
  send(100, Uint8Array.of(1, 2));
  send(105, Uint8Array.of(8, 9));
  t.same(out, [1, 2], 'waits');
  reassembly.acknowledged(stream, 104);
  t.same(out, [1, 2], 'an acknowledgement within the hole proves nothing');
  reassembly.acknowledged(stream, 107);
  t.same(out, [1, 2, 'gap 3', 8, 9]);
});

t.test('with one side only, memory is the bound', async (t) => {
  const { out, reassembly, send } = recorder();
  send(0, Uint8Array.of(1));
  for (let n = 0; n < 70; n++) send(2 + n * 1000, new Uint8Array(1000));
  t.ok(out.includes('gap 1'));
  t.equal(reassembly.forced, 1);
  t.equal(reassembly.queued, 0);
});
