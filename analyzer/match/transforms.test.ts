import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { TRANSFORM_NAMES } from '../../contracts/rule.js';
import { MAX_TRANSFORM, transform } from './transforms.js';

const run = (chain: string[], text: string) => transform(chain, Buffer.from(text, 'latin1')).toString('latin1');

t.test('each transform on bytes that show what it does', (t) => {
  t.equal(run(['url-decode'], 'a%2fb+c%zz%2'), 'a/b c%zz%2');
  t.equal(run(['url-decode'], '%u0041%u4e2d'), 'A\xe4\xb8\xad');
  t.equal(run(['double-url-decode'], '%252e%252e%252f'), '../');
  t.equal(run(['base64-decode'], 'QGV2YWwo'), '@eval(');
  t.equal(run(['hex-decode'], '63 6d:64'), 'cmd');
  t.equal(run(['html-entity-decode'], '&lt;&#x73;&#99;&unknown;'), '<sc&unknown;');
  t.equal(run(['unicode-unescape'], '\\u0040type\\x41\\n\\/'), '@typeA\n/');
  t.equal(run(['to-lowercase', 'strip-whitespace'], 'UNION \t SELECT\r\n'), 'unionselect');
  t.equal(run(['compress-whitespace'], 'a  \t b'), 'a b');
  t.equal(run(['strip-nul'], 'c\0m\0d\0'), 'cmd');
  t.equal(run(['reverse'], 'abc'), 'cba');
  t.equal(run(['dotprefix'], 'gov.cn'), '.gov.cn');
  t.equal(run(['xor:20'], 'AbC'), 'aBc');
  t.equal(transform(['gunzip'], gzipSync('inside')).toString(), 'inside');
  t.equal(transform(['sha256'], Buffer.from('')).toString('hex').slice(0, 8), 'e3b0c442');
  t.equal(transform(['gunzip'], gzipSync(Buffer.alloc(MAX_TRANSFORM * 4))).length, 0, 'a bomb gives nothing');
  t.end();
});

t.test('any chain takes any bytes', (t) => {
  const names = TRANSFORM_NAMES.map((n) => (n === 'xor' ? 'xor:0d0a' : n));
  fc.assert(fc.property(fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 8 }), fc.uint8Array({ maxLength: 300 }), (chain, bytes) => {
    const before = Buffer.from(bytes);
    return transform(chain, bytes).length <= MAX_TRANSFORM + 8 && before.equals(bytes);
  }), { numRuns: 300 });
  t.pass();
  t.end();
});
