import fc from 'fast-check';
import t from 'tap';
import { Arena } from '../arena.js';
import { literalScan, ReferenceScan } from './prefilter.js';

const arena = new Arena(8 << 20);
const bytes = (s: string) => Uint8Array.from(Buffer.from(s, 'latin1'));
const ids = (scan: { scan(at: number, n: number): number; found: Int32Array }, at: number, n: number) => Array.from(scan.found.slice(0, scan.scan(at, n))).sort((a, b) => a - b);

t.test('finds literals of every length, in either case, wherever they lie', (t) => {
  const literals = ['x', 'ab', 'cmd', 'uid=', '/etc/', 'passwd', '/etc/passwd', '${jndi:', 'UNION SELECT'].map(bytes);
  const scan = literalScan(arena, literals);
  const at = arena.reserve(256);
  for (const [id, l] of literals.entries()) {
    for (let before = 0; before < 40; before++) {
      arena.u8.fill(0x2e, at, at + 256);
      const upper = bytes(Buffer.from(l).toString('latin1').toUpperCase());
      arena.u8.set(upper, at + before);
      const found = ids(scan, at, before + l.length);
      if (!found.includes(id)) t.fail(`literal ${id} at ${before}`);
      if (ids(scan, at, before + l.length - 1).includes(id)) t.fail(`literal ${id} beyond the end`);
      if (ids(scan, at + before + 1, 64).includes(id)) t.fail(`literal ${id} before the start`);
    }
  }
  scan.dispose();
  t.pass();
  t.end();
});

t.test('kernel and reference agree on random literals and text', (t) => {
  const at = arena.reserve(4096);
  const letter = fc.constantFrom(...'abAB@`[{ \0\xff='.split(''));
  const word = (min: number, max: number) => fc.array(letter, { minLength: min, maxLength: max }).map((l) => l.join(''));
  fc.assert(fc.property(fc.array(word(1, 12), { minLength: 1, maxLength: 90 }), word(0, 400), fc.boolean(), (words, text, last) => {
    const literals = words.map(bytes);
    const scan = literalScan(arena, literals);
    // At the very end of memory the kernel must not read on.
    const where = last ? arena.u8.length - text.length : at;
    arena.u8.set(bytes(text), where);
    const same = ids(scan, where, text.length);
    const reference = ids(new ReferenceScan(arena.u8, literals), where, text.length);
    scan.dispose();
    return JSON.stringify(same) === JSON.stringify(reference);
  }), { numRuns: 400 });
  t.pass();
  t.end();
});

t.test('an arena without room falls back to plain code', (t) => {
  const small = new Arena(65536);
  const scan = literalScan(small, Array.from({ length: 5000 }, (_, i) => bytes(`literal number ${i}`)));
  small.u8.set(bytes('xx LITERAL NUMBER 4999'), 2048);
  t.same(ids(scan, 2048, 22), [4, 49, 499, 4999]);
  t.end();
});
