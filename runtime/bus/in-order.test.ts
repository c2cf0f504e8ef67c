import fc from 'fast-check';
import t from 'tap';
import { InOrder } from './in-order.js';

t.test('a message that overtook another waits for it; what was seen is dropped', async (t) => {
  let now = 0;
  const order = new InOrder<number>(() => now);
  const take = (seq: number, name = 'a', last = false): number[] | undefined => order.take(name, seq, last, seq);
  t.strictSame([0, 1, 3, 4, 2, 2, 3].map((seq) => take(seq)), [[0], [1], [], [], [2, 3, 4], undefined, undefined]);
  t.strictSame(order.counters, { gaps: 0, duplicates: 2, blocks: 5 });
  t.strictSame(take(1, 'b'), [], 'the very first may be the one that was overtaken');
  t.strictSame(take(40, 'c'), [40], 'an earlier process had the ones before');
  t.strictSame(take(0, 'b'), [0, 1]);
  now = 500;
  t.strictSame([take(7), order.due()], [[], []]);
  now = 1600;
  t.strictSame(order.due(), [7], 'it does not wait for ever');
  t.equal(order.counters.gaps, 2);
  t.strictSame([take(6), order.counters.gaps], [[6], 1], 'one that comes after all is not lost');
  t.strictSame(take(8, 'a', true), [8]);
  t.strictSame(take(9), undefined, 'nothing follows the last');
});

t.test('any order within the window comes out in order, nothing lost, nothing twice, memory bounded', async () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(14), fc.boolean()), { minLength: 1, maxLength: 200 }), (steps) => {
    const order = new InOrder<number>(() => 0);
    // Every message is late by less than the window, some come twice.
    const sent = steps.map(([late, twice], i) => ({ seq: i, at: i + late, twice })).sort((a, b) => a.at - b.at || a.seq - b.seq);
    const out: number[] = [];
    for (const { seq, twice } of sent) for (let n = twice ? 2 : 1; n > 0; n--) out.push(...order.take('s', seq, false, seq) ?? []);
    out.push(...order.rest());
    return out.length === steps.length && out.every((seq, i) => seq === i) && order.counters.gaps === 0;
  }));
});
