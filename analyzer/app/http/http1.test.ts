import t from 'tap';
import fc from 'fast-check';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Harness } from '../harness.js';
import { Stage } from '../parser.js';
import { protocols } from '../registry.js';

const run = (parts: [0 | 1, string | Buffer][], end = true): Harness => {
  const h = new Harness(protocols);
  for (const [d, b] of parts) h.feed(d, b);
  if (end) h.end();
  return h;
};
const http = (h: Harness): Record<string, unknown> => h.of('http')[0]!;

t.test('a request and its response: buffers as Suricata 7 has them', async (t) => {
  const h = run([
    [
      0,
      'POST http://Example.COM:8080/a/%2e%2e/b//c%20d.php?x=%41+1#f HTTP/1.1\r\nHost: example.com\r\nUser-Agent:  curl/8 \r\n' +
        'Cookie: a=b\r\nX-A: 1\r\nX-A: 2\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\nq=%2527+or%20%31=1',
    ],
    [
      1,
      'HTTP/1.1 302 Found\r\nLocation: /x\r\nServer: nginx\r\nSet-Cookie: s=1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\nok',
    ],
  ]);
  t.equal(h.value('http.method'), 'POST');
  t.equal(h.value('http.uri'), '/b/c d.php?x=A+1#f');
  t.equal(h.value('http.uri.raw'), 'http://Example.COM:8080/a/%2e%2e/b//c%20d.php?x=%41+1#f');
  t.equal(h.value('http.uri.decoded'), '/a/../b//c d.php?x=A 1#f');
  t.equal(h.value('http.host'), 'example.com');
  t.equal(h.value('http.user_agent'), 'curl/8');
  t.equal(h.value('http.cookie'), 'a=b');
  t.equal(
    h.value('http.header'),
    'Host: example.com\r\nUser-Agent: curl/8\r\nX-A: 1, 2\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n',
  );
  t.equal(
    h.value('http.header_names'),
    '\r\nHost\r\nUser-Agent\r\nCookie\r\nX-A\r\nContent-Type\r\nContent-Length\r\n\r\n',
  );
  t.same(h.all('http.request_header').slice(0, 2), ['Host: example.com', 'User-Agent: curl/8']);
  t.equal(h.value('http.request_line'), 'POST http://Example.COM:8080/a/%2e%2e/b//c%20d.php?x=%41+1#f HTTP/1.1');
  t.equal(h.value('http.request_body'), 'q=%2527+or%20%31=');
  t.equal(h.value('http.request_body.decoded'), "q=' or 1=");
  t.equal(h.value('http.stat_code'), '302');
  t.equal(h.value('http.stat_msg'), 'Found');
  t.equal(h.value('http.location'), '/x');
  t.equal(h.value('http.response_body'), 'ok');
  t.match(http(h), {
    hostname: 'example.com',
    http_port: 8080,
    http_method: 'POST',
    status: 302,
    redirect: '/x',
    http_content_type: 'text/html',
    length: 2,
  });
  const stages = h.inspections.map((i) => i.stage);
  t.same(stages.slice(0, 3), [Stage.RequestHead, Stage.RequestBody, Stage.RequestEnd]);
});

t.test('GBK: in a path, escaped in a form, in a page', (t) => {
  const path = Buffer.from('b9abb8e6', 'hex'); // 公告
  const page = Buffer.from('b5c7c2bccaa7b0dc', 'hex'); // 登录失败
  const h = run([
    [0, Buffer.concat([Buffer.from('POST /'), path, Buffer.from('.php?q=%D6%D0%CE%C4 HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 38\r\n\r\nusername=%B9%DC%C0%ED%D4%B1&password=1')])],
    [1, Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=gbk\r\nContent-Length: ${page.length}\r\n\r\n`), page])],
  ]);
  t.equal(http(h)['url'], '/公告.php?q=%D6%D0%CE%C4');
  t.match(h.of('auth'), [{ user: '管理员', method: 'form', result: 'failure' }], 'the page says in GBK that it failed');
  t.equal(h.value('http.response_body'), page.toString('latin1'), 'rules see the bytes');
  t.end();
});

t.test('a body that is called gzip and is none', (t) => {
  const body = '{"sdk_version":11026,"app_package":"com.example"}'; // its first byte would pass for DEFLATE
  const h = run([[0, `POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`]]);
  t.equal(h.value('http.request_body'), body);
  t.end();
});

t.test('content codings, chunks with extensions and trailers', async (t) => {
  const plain = 'hello '.repeat(3000) + 'uid=0(root)';
  for (const [name, body] of [
    ['gzip', gzipSync(plain)],
    ['deflate', deflateSync(plain)],
    ['deflate', deflateRawSync(plain)],
    ['br', brotliCompressSync(plain)],
    ['gzip, gzip', gzipSync(gzipSync(plain))],
    ['gzip', gzipSync(plain, { level: 0 })],
  ] as const) {
    const h = run([
      [0, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
      [
        1,
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: ${name}\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n`),
          body.subarray(0, 5),
          Buffer.from(`\r\n${(body.length - 5).toString(16)}\r\n`),
          body.subarray(5),
          Buffer.from('\r\n0\r\nX-Sum: 1\r\n\r\n'),
        ]),
      ],
    ]);
    t.equal(h.value('http.response_body'), plain, name);
    t.ok(h.all('http.header').includes('X-Sum: 1\r\n'), 'trailer');
    t.ok(h.anomalies.includes('http.response_chunk_extension'));
    const framing = '5;x=y\r\n'.length + 2 + (body.length - 5).toString(16).length + 2 + 2 + '0\r\n'.length;
    t.match(http(h), { length: body.length + framing, body_length: body.length }, "EVE's length is what was transferred");
  }
  const cut = gzipSync(plain).subarray(0, 60);
  const h = run([
    [0, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    [1, Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'), cut])],
  ]);
  t.match(h.value('http.response_body') ?? '', /^hello hello/, 'a cut stream yields what can be inflated');
  const bomb = run([
    [0, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    [
      1,
      Buffer.concat([
        Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'),
        gzipSync(Buffer.alloc(400_000)),
      ]),
    ],
  ]);
  t.equal(bomb.value('http.response_body')!.length, 102400);
  t.ok(bomb.anomalies.includes('http.compression_bomb'));
});

t.test('framing that hides: smuggling, folding, bare LF, gaps, HEAD, 100, pipelining', async (t) => {
  let h = run([
    [
      0,
      'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET /b HTTP/1.1\nHost: b\nX: 1\n 2\n\n',
    ],
  ]);
  t.ok(h.anomalies.includes('http.request_content_length_and_chunked'));
  t.ok(h.anomalies.includes('http.invalid_request_field_folding'));
  t.equal(h.value('http.request_body'), 'ab');
  t.same(
    h.all('http.uri').filter((u) => u === '/b'),
    ['/b'],
  );
  t.ok(h.all('http.request_header').includes('X: 1 2'));
  t.equal(h.of('http').length, 2, 'requests without responses become events at the end');
  h = run([
    [0, 'HEAD /h HTTP/1.1\r\nHost: a\r\n\r\nGET /g HTTP/1.1\r\nHost: a\r\n\r\n'],
    [
      1,
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx',
    ],
  ]);
  t.same(
    h.of('http').map((e) => [e['url'], e['status']]),
    [
      ['/h', 200],
      ['/g', 404],
    ],
  );
  h = new Harness(protocols);
  h.feed(0, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  h.feed(1, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  h.gap(1, 4);
  h.feed(1, 'hijHTTP/1.1 200 OK\r\n');
  h.end();
  t.match(h.of('http')[0], { url: '/x', length: 10 });
  h = run([[1, 'HTTP/1.0 200 OK\r\nServer: x\r\n\r\nbody']]);
  t.equal(h.value('http.response_body'), 'body', 'response alone');
  h = run([[0, 'GET /%252e%252e/%u0027/%c0%ae%c0%ae/%ef%bc%87?q=%25u0027 HTTP/1.1\r\nHost: a\r\n\r\n']]);
  t.equal(h.value('http.uri.decoded'), "/../'/../'?q='");
  t.ok(h.anomalies.includes('http.double_encoded_uri'));
});

t.test('multipart, JSON escapes, logins', async (t) => {
  const body =
    '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nv1\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="s.jsp"\r\nContent-Type: x\r\n\r\n<% x %>\r\n--B--\r\n';
  let h = run([
    [
      0,
      `POST /u HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ],
  ]);
  t.equal(h.value('file.name'), 's.jsp');
  t.equal(h.value('file.data'), '<% x %>');
  t.equal(h.value('http.request_body.decoded'), 'v1');
  t.match(h.files[0], { name: 's.jsp', size: 7, complete: true });
  const json = '{"\\u0040\\x74ype":"com.sun.rowset.JdbcRowSetImpl"}';
  h = run([
    [
      0,
      `POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
    ],
  ]);
  t.equal(h.value('http.request_body.decoded'), '{"@type":"com.sun.rowset.JdbcRowSetImpl"}');
  const form = 'username=admin&password=x';
  h = run([
    [0, `POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: ${form.length}\r\n\r\n${form}`],
    [
      1,
      'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n密码错误'.replace(
        '密码错误',
        Buffer.from('密码错误').toString('latin1'),
      ),
    ],
  ]);
  t.match(h.of('auth')[0], { user: 'admin', result: 'failure', method: 'form' });
  h = run([
    [0, 'GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic dG9tOng=\r\n\r\n'],
    [1, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ]);
  t.match(h.of('auth')[0], { user: 'tom', result: 'success', method: 'basic' });
  h = run([
    [0, 'GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Digest realm="x", username="ann", nonce="1", uri="/", response="0"\r\n\r\n'],
    [1, 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'],
  ]);
  t.match(h.of('auth')[0], { user: 'ann', result: 'failure', method: 'digest' });
});

t.test('any segmentation gives the same transactions and buffers', async (t) => {
  const request =
    'POST /a?b=%31 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e\r\nde\r\n0\r\nT: 1\r\n\r\n' +
    'GET /2 HTTP/1.1\r\nHost: h\r\n\r\n';
  const response = Buffer.concat([
    Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nxyzHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'),
    gzipSync('inner'),
  ]);
  const shape = (h: Harness): unknown => [
    h.inspections.map((i) => [i.tx, i.stage, i.buffers]),
    h.events,
    [...h.anomalies].sort(),
    h.files,
  ];
  const whole = shape(
    run([
      [0, request],
      [1, response],
    ]),
  );
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }), (cuts) => {
      const h = new Harness(protocols);
      for (const [d, bytes] of [
        [0, Buffer.from(request)],
        [1, response],
      ] as const) {
        for (let p = 0, i = 0; p < bytes.length; i++) {
          const n = cuts[i % cuts.length]!;
          h.feed(d, bytes.subarray(p, p + n));
          p += n;
        }
      }
      h.end();
      t.same(shape(h), whole);
    }),
    { seed: 7, numRuns: 40 },
  );
});

t.test('hostile bytes: never throws, gives all blocks back', async (t) => {
  const seeds = [
    'POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Type: multipart/x; boundary=\r\nContent-Length: 5\r\n\r\n12345',
  ];
  let x = 12345;
  const rand = (n: number): number => (x = (Math.imul(x, 1103515245) + 12345) >>> 0) % n;
  for (let i = 0; i < 400; i++) {
    const h = i % 50 === 0 ? new Harness(protocols) : reuse;
    reuse = h;
    h.parser = undefined;
    h.failed = false;
    h.flow.midstream = rand(2) === 1;
    const { used } = h.arena;
    for (let k = 0; k < 4; k++) {
      const b = Buffer.from(seeds[rand(2)]!);
      for (let m = rand(4); m > 0; m--) b[rand(b.length)] = rand(256);
      h.feed(rand(2) as 0 | 1, b.subarray(rand(10) === 0 ? rand(b.length) : 0));
      if (rand(6) === 0) h.gap(rand(2) as 0 | 1, rand(200));
    }
    h.end();
    if (!h.failed && h.arena.used !== used) t.fail(`blocks kept in run ${i}`);
  }
});
let reuse: Harness;
