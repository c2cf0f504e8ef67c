import t from 'tap';
import { Harness } from '../harness.js';
import { protocols } from '../registry.js';

const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex');
//            id   flags qd   an   ns   ar   3 www 7 example 3 cn 0            type class
const query = bytes('1234 0100 0001 0000 0000 0000 03777777 076578616d706c65 02636e 00 0001 0001');
const answer = bytes(
  '1234 8180 0001 0003 0000 0000 03777777 076578616d706c65 02636e 00 0001 0001' +
    'c00c 0005 0001 0000003c 0004 0161c010' + // CNAME a.example.cn
    'c02c 0001 0001 0000003c 0004 c0000201' +
    'c00c 0010 0001 0000003c 0006 0568656c6c6f',
);

t.test('UDP query and answer', async (t) => {
  const h = new Harness(protocols, 5300, 'udp');
  h.feed(0, query);
  h.feed(1, answer);
  t.equal(h.value('dns.query'), 'www.example.cn');
  t.match(h.of('dns')[0], { type: 'query', id: 0x1234, rrname: 'www.example.cn', rrtype: 'A', opcode: 0, tx_id: 0 });
  t.match(h.of('dns')[1], {
    version: 2,
    type: 'answer',
    id: 0x1234,
    flags: '8180',
    qr: true,
    rd: true,
    ra: true,
    rcode: 'NOERROR',
    rrname: 'www.example.cn',
    answers: [
      { rrtype: 'CNAME', rdata: 'a.example.cn', ttl: 60 },
      { rrname: 'a.example.cn', rdata: '192.0.2.1' },
      { rrtype: 'TXT', rdata: 'hello' },
    ],
    grouped: { CNAME: ['a.example.cn'], A: ['192.0.2.1'], TXT: ['hello'] },
  });
  t.same(h.all('dns.answer'), ['a.example.cn', '192.0.2.1', 'hello']);
  t.same(
    h.inspections.map((i) => i.tx),
    [0, 0],
    'one transaction',
  );
});

t.test('TCP in single bytes; compression loops end', async (t) => {
  const h = new Harness(protocols, 53);
  for (const b of Buffer.concat([bytes('0020'), query])) h.feed(0, Buffer.from([b]));
  t.equal(h.of('dns')[0]?.['rrname'], 'www.example.cn');
  const u = new Harness(protocols, 53, 'udp');
  u.feed(0, query);
  u.feed(0, bytes('0001 0100 0001 0000 0000 0000 c00c 0001 0001'));
  t.same(u.anomalies, ['dns.infinite_loop']);
  let x = 1;
  for (let i = 0; i < 2000; i++) {
    const b = Buffer.from(answer);
    for (let k = 0; k < 5; k++) b[12 + ((x = (Math.imul(x, 1103515245) + 12345) >>> 0) % (b.length - 12))] = x >>> 24;
    u.feed(1, b);
    u.failed = false;
  }
  t.pass('hostile messages end');
});
