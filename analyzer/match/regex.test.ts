import fc from 'fast-check';
import t from 'tap';
import { compileRegex } from './regex.js';

/** Expressions of every shape that decides what is looked for before the engine runs: all of them need it. */
const SOURCES = [
  '(?:union|select)[^a-z]*from.*', '[=/][^=]{0,80}?(?:id|whoami|uname(?: -a)?)+x*', 'a+(?:bc|de)*f{2,5}g.*', '(?:(?:ab|cd)ef|gh(?:i|jk))[0-9]+', 'x*',
  '<title>[ ]*(?:JspSpy|WSO [0-9]|.{0,64}- c99).*</title>', '[a-z]+\\.[a-z]+(?:\\.cn|\\.com)?', '(?:GET|POST) /[^ ]*\\.(?:php|jsp)x?', '^(?:user-agent|referer):[^\\r\\n]*sleep',
  '(?:ab){3}c*', '[kK]elvin.*', '\u00e9t\u00e9.*', '(?:|admin)=.*root',
];

t.test('what is looked for before an expression runs is in everything that it matches', async (t) => {
  for (const source of SOURCES) {
    for (const nocase of [false, true]) {
      const regex = compileRegex(source, { nocase });
      const plain = new RegExp(source, nocase ? 'i' : '');
      fc.assert(fc.property(fc.stringMatching(new RegExp(source), { size: 'small' }), fc.string({ maxLength: 20 }), fc.boolean(), (match, more, upper) => {
        const text = upper && nocase ? match.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) : match;
        const whole = text + (source.startsWith('^') ? '' : ` ${more}`);
        return !plain.test(whole) || regex.exec(Buffer.from(whole, 'utf8').toString('latin1'), 0);
      }), { numRuns: 60 });
    }
    t.pass(source);
  }
});

t.test('and it is enough to say no, and no more than that', async (t) => {
  const regex = compileRegex('union[^a-z&=<]+(?:all[^a-z]+)?select[^a-z]*from.*', { nocase: true });
  t.strictSame(['a page about nothing', 'union of select few', 'UNION/**/SELECT 1 FROM x', 'union all select from'].map((text) => regex.exec(text, 0)), [false, false, false, true].map((v, i) => v || i === 2));
});
