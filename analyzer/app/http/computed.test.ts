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
  t.equal(run('q=;expr%20844041803%20%2b%20865691596', '1709733399'), 'expr 844041803 + 865691596 = 1709733399');
  t.equal(run('a=print(995495529%2b981475657);', '<p>1976971186</p>'), 'print(995495529+981475657) = 1976971186');
  t.equal(run("a=1 and updatexml(1,concat(0x7e,md5('abc')),1)", "XPATH syntax error: '~900150983cd24fb0d6963f7d28e17f7'"), "md5('abc') = 900150983cd24fb0d6963f7d28e17f72");
  t.equal(run('c=echo 123 |md5sum', 'ba1f2511fc30423bdbb183fe33f3dd0f  -'), 'echo 123 |md5sum = ba1f2511fc30423bdbb183fe33f3dd0f');
  t.equal(run('c=eval(base64_decode("ZWNobyBtZDUoOTk5OTk5OTk5KTs="))', 'c8c605999f3d8352d7bb792cf3fdb25b'), 'md5(999999999) = c8c605999f3d8352d7bb792cf3fdb25b');
  t.equal(run('X: set /A 808350586+899656489', '1708007075'), 'set /A 808350586+899656489 = 1708007075');
  t.end();
});

test('what was sent along, is part of a longer number, or is small proves nothing', (t) => {
  t.equal(run('/t?name=133*191&b=25403', '25403'), undefined);
  t.equal(run('/t?name=133*191', '1254030 and 133*191'), undefined);
  t.equal(run('tel=13800001111-13800000000&q=express 1+1', '1111'), undefined);
  t.equal(run('/t?name=10*10', '100'), undefined);
  t.end();
});
