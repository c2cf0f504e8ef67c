import fc from 'fast-check';
import t from 'tap';
import { DEFAULT_VARIABLES } from '../addresses.js';
import { ByteTester } from './byte-tester.js';
import { compileSuricata } from './compile.js';
import { Datasets } from './datasets.js';
import { PerlRegex } from './perl-regex.js';
import type { ByteOp } from './program.js';
import { parseRuleFile } from './syntax.js';

/** Whether contents match, by trying every combination of places. */
function brute(ops: readonly Extract<ByteOp, { kind: 'content' }>[], bytes: Uint8Array): boolean {
  const go = (i: number, cursor: number): boolean => {
    if (i === ops.length) return true;
    const op = ops[i]!;
    const relative = op.distance !== undefined || op.within !== undefined;
    const base = relative ? cursor : 0;
    const from = base + Number((relative ? op.distance : op.offset) ?? 0);
    const room = relative ? op.within : op.depth;
    const found: number[] = [];
    for (let at = Math.max(0, from); at + op.bytes.length <= bytes.length; at++) {
      if (room !== undefined && at + op.bytes.length > from + Number(room)) break;
      if (op.bytes.every((b, k) => bytes[at + k] === b)) found.push(at);
    }
    if (op.negated) return found.length === 0 && go(i + 1, cursor);
    return found.some((at) => go(i + 1, at + op.bytes.length));
  };
  return go(0, 0);
}

t.test('contents are found as by trying all places', (t) => {
  const tester = new ByteTester();
  const text = fc.array(fc.constantFrom(97, 98), { maxLength: 12 }).map((a) => Uint8Array.from(a));
  const content = fc.record({
    bytes: fc.array(fc.constantFrom(97, 98), { minLength: 1, maxLength: 2 }).map((a) => Uint8Array.from(a)), negated: fc.boolean(), relative: fc.boolean(),
    from: fc.integer({ min: -2, max: 4 }), room: fc.option(fc.integer({ min: 2, max: 6 }), { nil: undefined }),
  });
  fc.assert(fc.property(fc.array(content, { minLength: 1, maxLength: 3 }), text, (drafts, bytes) => {
    const ops = drafts.map((d, i): Extract<ByteOp, { kind: 'content' }> => {
      const relative = d.relative && i > 0;
      return {
        kind: 'content', bytes: d.bytes, nocase: false, negated: d.negated, starts: false, ends: false, offset: relative ? undefined : Math.max(0, d.from), depth: relative ? undefined : d.room,
        distance: relative ? d.from : undefined, within: relative ? d.room : undefined,
      };
    });
    // Where a negated content stands between, an earlier one is not moved on: the language says so.
    if (drafts.some((d, i) => d.negated && i < drafts.length - 1)) return;
    // Only a content that the next one looks back to is moved on.
    const expected = brute(ops, bytes);
    const chained = ops.every((op, i) => i === 0 || op.distance !== undefined);
    if (chained || ops.length === 1) t.equal(tester.test(ops, bytes, 0, bytes.length), expected);
    else if (tester.test(ops, bytes, 0, bytes.length)) t.ok(expected);
  }), { numRuns: 2000 });
  t.end();
});

t.test('expressions match what the engine of the language they share matches', (t) => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '(?:ab)', '(a|b)', '(?=a)', '(?!b)', '^', '$', '\\b');
  const part = fc.tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{1,2}', '*?', '+?')).map(([a, q]) => (/^(?:\^|\$|\\b|\(\?[=!])/.test(a) ? a : a + q));
  const source = fc.array(part, { minLength: 1, maxLength: 5 }).map((p) => p.join(''));
  const text = fc.array(fc.constantFrom('a', 'b', '-'), { maxLength: 10 }).map((a) => a.join(''));
  fc.assert(fc.property(source, text, (s, subject) => {
    const ours = new PerlRegex(s, { dollarEnd: true });
    const theirs = new RegExp(s).exec(subject);
    const bytes = Buffer.from(subject, 'latin1');
    const found = ours.exec(bytes, 0, bytes.length, 0);
    t.equal(found, theirs !== null, `/${s}/ on '${subject}'`);
    if (found && theirs) t.same([ours.start, ours.end], [theirs.index, theirs.index + theirs[0].length], `/${s}/ on '${subject}'`);
  }), { numRuns: 3000 });
  t.end();
});

t.test('what only Perl has', (t) => {
  const match = (source: string, subject: string, flags = {}) => {
    const r = new PerlRegex(source, flags);
    const bytes = Buffer.from(subject, 'latin1');
    return r.exec(bytes, 0, bytes.length, 0) ? subject.slice(r.start, r.end) : undefined;
  };
  t.equal(match('a++b', 'aaab'), 'aaab');
  t.equal(match('a++a', 'aaa'), undefined);
  t.equal(match('(?>a*)ab', 'aaab'), undefined);
  t.equal(match('(?<=x)y', 'xy'), 'y');
  t.equal(match('(?<!x)y', 'xy'), undefined);
  t.equal(match('(?P<q>["\'])\\w+(?P=q)', `say "word'"no" "yes"`), '"no"');
  t.equal(match('end$', 'the end\n'), 'end');
  t.equal(match('end$', 'the end\n', { dollarEnd: true }), undefined);
  t.equal(match('^b', 'a\nb', { multiline: true }), 'b');
  t.equal(match('a b # c', 'ab', { extended: true }), 'ab');
  t.equal(match('a(?i)B', 'ab'), 'ab');
  t.equal(match('a.*b', 'axbxb', { ungreedy: true }), 'axb');
  t.equal(match('\\x41\\101[\\x42-\\x44]', 'AAC'), 'AAC');
  t.throws(() => new PerlRegex('(a'), { message: /never closed/ });
  t.equal(match('(a+)+$', `${'a'.repeat(5000)}b`), undefined, 'gives up after a number of steps: exponential time would outlast the test');
  t.end();
});

t.test('any text is a rule or a named mistake', (t) => {
  const option = fc.tuple(
    fc.constantFrom('content', 'pcre', 'byte_test', 'byte_jump', 'byte_extract', 'byte_math', 'flow', 'flowbits', 'flowint', 'xbits', 'threshold', 'isdataat', 'http.uri', 'http_uri', 'dsize', 'flags', 'dataset', 'xor',
      'from_base64', 'base64_decode', 'base64_data', 'urilen', 'bsize', 'ttl', 'itype', 'sid', 'metadata', 'reference', 'stream_size', 'app-layer-event', 'tls.version', 'dce_opnum', 'constructor', '__proto__', 'toString'),
    fc.oneof(fc.constant(undefined), fc.string(), fc.constantFrom('"a"', '!"|00|"', '"/a(b/R"', '1,=,2,3', '4,0,relative', 'set,x', 'isset,a|b', '<5', '1<>9', 'to_server,established', 'S,12', '2', 'type limit, track by_src, count 1, seconds 1')),
  ).map(([k, v]) => (v === undefined ? `${k};` : `${k}:${v};`));
  const rule = fc.tuple(fc.constantFrom('alert tcp any any -> any any', 'pass http $HOME_NET any <> [!1.2.3.4,any] 80', 'alert ip any [1:', 'drop udp any any => any ![53]'), fc.array(option, { maxLength: 8 })).map(([h, o]) => `${h} (${o.join(' ')} sid:5;)`);
  fc.assert(fc.property(fc.oneof(rule, fc.string({ maxLength: 200 })), (source) => {
    const { rules, problems } = parseRuleFile(source, 'x.rules');
    for (const r of rules) {
      const { signature, error } = compileSuricata(r, DEFAULT_VARIABLES, new Datasets());
      t.equal(signature === undefined, error !== undefined);
      if (error) t.match(error.code, /^SW_RULE_/);
    }
    for (const p of problems) t.ok(p.why);
  }), { numRuns: 2000 });
  t.end();
});
