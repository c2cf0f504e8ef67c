import t from 'tap';
import { Hpack } from './hpack.js';

const hex = (s: string): Uint8Array => Buffer.from(s.replace(/\s/g, ''), 'hex');

t.test('requests of RFC 7541 C.4, one dynamic table', async (t) => {
  const h = new Hpack();
  const read = (s: string): unknown => h.decode(hex(s), 0, hex(s).length);
  const base = [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'www.example.com']];
  t.same(read('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'), base);
  t.same(read('8286 84be 5886 a8eb 1064 9cbf'), [...base, ['cache-control', 'no-cache']]);
  t.same(read('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'), [
    [':method', 'GET'], [':scheme', 'https'], [':path', '/index.html'], [':authority', 'www.example.com'], ['custom-key', 'custom-value'],
  ]);
});

t.test('broken blocks and bombs are bounded', async (t) => {
  t.equal(new Hpack().decode(hex('ff ff ff ff ff ff'), 0, 6), undefined, 'integer without end');
  t.equal(new Hpack().decode(hex('80'), 0, 1), undefined, 'index 0');
  t.equal(new Hpack().decode(hex('be'), 0, 1), undefined, 'beyond the table');
  t.equal(new Hpack().decode(hex('41 8c f1'), 0, 3), undefined, 'cut string');
  const h = new Hpack();
  const long = Buffer.concat([hex('40 01 61 7f a1 1e'), Buffer.alloc(4000, 0x62)]);
  t.equal(h.decode(long, 0, long.length)?.length, 1);
  const bomb = Buffer.alloc(60000, 0xbe);
  const fields = h.decode(bomb, 0, bomb.length)!;
  t.ok(fields.length <= 256 && fields.reduce((n, [a, b]) => n + a.length + b.length, 0) <= 131072);
});
