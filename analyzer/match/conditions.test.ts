import fc from 'fast-check';
import t from 'tap';
import { entropy, MAX_TRIES, Tester } from './conditions.js';
import { compileRegex } from './regex.js';
import type { Leaf, Op } from './signature.js';

const bytes = (s: string) => Uint8Array.from(Buffer.from(s, 'latin1'));
const leaf = (...ops: Op[]): Leaf => ({ kind: 'buffer', slot: 0, buffer: 0, chain: -1, transforms: [], ops, instances: undefined, final: 0 });
const content = (text: string, more: Partial<Op & { kind: 'content' }> = {}): Op =>
  ({ kind: 'content', needles: [bytes(text)], nocase: false, negated: false, relative: false, start: false, end: false, offset: 0, room: -1, ...more });
const test = (text: string, ...ops: Op[]): boolean => new Tester().test(leaf(...ops), bytes(text), 0, text.length);
const rel = (offset: number, room = -1) => ({ relative: true, offset, room });

t.test('offset and depth bound where a content lies, distance and within where it lies after the last', (t) => {
  t.ok(test('abcdef', content('cd', { offset: 2, room: 2 })));
  t.notOk(test('abcdef', content('cd', { offset: 2, room: 1 })));
  t.notOk(test('abcdef', content('cd', { offset: 3 })));
  t.ok(test('one two', content('one'), content('two', rel(1, 3))));
  t.notOk(test('one two', content('one'), content('two', rel(1, 2))));
  t.notOk(test('one two', content('one'), content('two', rel(2))));
  t.ok(test('two one', content('one'), content('two', rel(-7))), 'distance may go back');
  t.ok(test('a b ac', content('a'), content('c', rel(0, 1))), 'the first a is tried, then the next');
  t.ok(test('abc', content('a'), content('x', { ...rel(0), negated: true })));
  t.notOk(test('abx', content('a'), content('x', { ...rel(0), negated: true })));
  t.ok(test('id: 17;', content('id:'), { kind: 'regex', regex: compileRegex('^ \\d{2}'), negated: false, ...rel(0) }));
  t.ok(test('ab\x01\x02', content('ab'), { kind: 'number-at', at: 0, bytes: 2, little: false, relative: true, mask: undefined, values: [258n], min: undefined, max: undefined }));
  t.end();
});

t.test('chains of relative contents agree with trying every place', (t) => {
  const letter = fc.constantFrom('a', 'b');
  const word = fc.array(letter, { minLength: 1, maxLength: 3 }).map((l) => l.join(''));
  const step = fc.record({ word, offset: fc.integer({ min: -2, max: 3 }), room: fc.option(fc.integer({ min: 3, max: 6 }), { nil: -1 }) });
  const naive = (text: string, steps: { word: string; offset: number; room: number }[], i: number, cursor: number): boolean => {
    if (i === steps.length) return true;
    const { word: w, offset, room } = steps[i]!;
    for (let at = 0; at + w.length <= text.length; at++) {
      const low = (i === 0 ? 0 : cursor) + (i === 0 ? Math.max(0, offset) : offset);
      if (text.startsWith(w, at) && at >= low && (room < 0 || at + w.length <= low + room) && naive(text, steps, i + 1, at + w.length)) return true;
    }
    return false;
  };
  fc.assert(fc.property(fc.array(letter, { maxLength: 14 }).map((l) => l.join('')), fc.array(step, { minLength: 1, maxLength: 4 }), (text, steps) => {
    const ops = steps.map((s, i) => content(s.word, { relative: i > 0, offset: i === 0 ? Math.max(0, s.offset) : s.offset, room: s.room }));
    return test(text, ...ops) === naive(text, steps, 0, 0);
  }), { numRuns: 1000 });
  t.pass();
  t.end();
});

t.test('bytes that make contents backtrack are given up in bounded time', (t) => {
  const tester = new Tester();
  const text = bytes('a'.repeat(20_000));
  const ops = Array.from({ length: 12 }, (_, i) => content('a', { relative: i > 0 }));
  t.notOk(tester.test(leaf(...ops, content('b', rel(0))), text, 0, text.length));
  t.equal(tester.givenUp, 1, `after ${MAX_TRIES} tries; all of them would be 10^40`);
  t.end();
});

t.test('expressions that blow up elsewhere run in linear time', (t) => {
  const text = `${'a'.repeat(30_000)}!`;
  for (const source of ['^(a+)+$', '(a|a)*b', '(a|aa)+$', '(?:a?){50}a{50}b', '([a-z]+)*=', '(.*)*x', '^(\\w+\\s?)*$']) {
    // A backtracking engine would not be through before the runner's time is over.
    t.type(compileRegex(source).exec(text, 0), 'boolean', source);
  }
  t.equal(compileRegex('uid=\\d\\(').engine, 'v8', 'bounded ones keep the fast engine');
  t.end();
});

t.test('expressions mean on bytes what they say', (t) => {
  const find = (source: string, text: string, nocase = false) => {
    const r = compileRegex(source, { nocase });
    return r.exec(Buffer.from(text, 'utf8').toString('latin1'), 0) ? [r.start, r.end] : undefined;
  };
  t.same(find('密码=\\d+', '用户 密码=42'), [7, 16], 'UTF-8, offsets in bytes');
  t.same(find('(?i)straße', 'STRAßE'), [0, 7], 'only A–Z fold');
  t.equal(find('é', 'É', true), undefined);
  t.same(find('(?m)^b$', 'a\nb\nc'), [2, 3]);
  t.equal(find('^b$', 'a\nb\nc'), undefined);
  t.same(find('a.c', 'a\nc a.c'), [4, 7]);
  t.same(find('(?s)a.c', 'a\nc'), [0, 3]);
  t.same(find('[^a-c]{2}', 'abcxd'), [3, 5]);
  t.end();
});

t.test('entropy of bytes, in bits', (t) => {
  t.equal(entropy(bytes('aaaa'), 0, 4), 0);
  t.equal(entropy(bytes('abcd'), 0, 4), 2);
  t.equal(entropy(Uint8Array.from({ length: 256 }, (_, i) => i), 0, 256), 8);
  t.end();
});
