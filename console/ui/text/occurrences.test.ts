import t from 'tap';
import { occurrences } from './occurrences.js';

const bytes = (text: string) => new TextEncoder().encode(text);

t.test('marks each place where a rule’s bytes occur in a conversation', async (t) => {
  t.strictSame(occurrences(bytes('GET /?id=1 union select 2, union'), [bytes('union')]), [[11, 16], [27, 32]]);
  t.strictSame(occurrences(bytes('aaaa'), [bytes('aaa')]), [[0, 3], [1, 4]]);
  t.strictSame(occurrences(bytes('abc'), [bytes('ab'), bytes('abcd'), bytes('')]), [], 'too short, too long, empty');
  t.equal(occurrences(new Uint8Array(5000), [new Uint8Array(3)]).length, 200, 'bounded');
});
