import { test } from 'tap';
import { computed } from './computed.js';

const run = (asked: string, reply: string): string | undefined => {
  const u8 = Buffer.from(`${asked}${reply}`, 'latin1');
  return computed(u8, [{ at: 0, length: asked.length }], asked.length, reply.length);
};

test('a product or digest that the reply shows was evaluated', (t) => {
  t.equal(run('/t?name=${133*191}', 'Hello 25403<hr>'), '133*191 = 25403');
  t.equal(run('/t?a={{98765 * 43210}}', '4267635650'), '98765 * 43210 = 4267635650');
  t.equal(run('/x?c=print(md5("abc"))', 'x900150983cd24fb0d6963f7d28e17f72'), 'md5("abc") = 900150983cd24fb0d6963f7d28e17f72');
  t.equal(run('/t?name=${(111+111)*37}', 'Gangster 8214 added'), '(111+111)*37 = 8214');
  t.equal(run('name=%24%7B133%2A191%7D', '25403'), '133*191 = 25403');
  t.end();
});

test('what was sent along, is part of a longer number, or is small proves nothing', (t) => {
  t.equal(run('/t?name=133*191&b=25403', '25403'), undefined);
  t.equal(run('/t?name=133*191', '1254030 and 133*191'), undefined);
  t.equal(run('/t?name=10*10', '100'), undefined);
  t.end();
});
