import t from 'tap';
import { Harness } from '../harness.js';
import { protocols } from '../registry.js';
import { recorded } from '../streams.js';

/** Each direction's bytes of a recorded connection. Frames of `node-h2` that the tests speak of, by offset:
 *  client: preface 0, SETTINGS 24, HEADERS of stream 1 at 33, ACK 96, HEADERS of 3 at 105, of 5 at 127, its DATA 187, HEADERS of 7 at 202;
 *  server: HEADERS of 1 at 24, of 3 at 138, its DATA at 168 (16 KiB) and 16561 (4 KiB), HEADERS of 5 at 20666, DATA 20685, HEADERS of 7 at 20708, DATA 20727. */
const parts = recorded('node-h2');
const sides = ([0, 1] as const).map((d) => Buffer.concat(parts.filter(([side]) => side === d).map(([, bytes]) => bytes)));
const [client, server] = sides as [Buffer, Buffer];

type Step = [0 | 1, Buffer | number];
/** Plays bytes and gaps (numbers), each run of bytes in pieces of `step`. */
const play = (steps: Step[], step = 1400, midstream = false): Harness => {
  const h = new Harness(protocols);
  h.flow.midstream = midstream;
  for (const [d, what] of steps) {
    if (typeof what === 'number') h.gap(d, what);
    else for (let p = 0; p < what.length; p += step) h.feed(d, what.subarray(p, p + step));
  }
  h.end();
  return h;
};
const told = (h: Harness): unknown[] =>
  h.of('http').filter((e) => (e['http2'] as { stream_id: number }).stream_id > 0).map((e) => [(e['http2'] as { stream_id: number }).stream_id, e['url'], e['status']]);

t.test('a request is lost with its entries of the header table: the next ones are read without them', async (t) => {
  for (const step of [1400, 1]) {
    const h = play([[0, client.subarray(0, 33)], [0, 96 - 33], [0, client.subarray(96)], [1, server]], step);
    t.notOk(h.failed);
    t.same(told(h).sort(), [[1, undefined, 200], [3, '/big.txt', 200], [5, '/two?x=../../etc/passwd', 200], [7, '/three?cmd=id', 200]]);
    const third = h.of('http').find((e) => e['url'] === '/two?x=../../etc/passwd')!;
    t.match(third, { http_method: 'POST', hostname: undefined, http2: { lost_fields: 3 } }, 'address, agent and token stood in the lost table');
    t.match(third['request_headers'], [{ name: ':path' }, { name: ':method' }, { name: ':scheme' }, { name: 'content-type' }]);
    t.equal(h.value('http.request_body'), 'cmd=id');
    t.ok(h.all('http.response_body').includes('uid=33(www-data) gid=33(www-data)\n'));
    t.same(h.anomalies, []);
  }
});

t.test('a gap within DATA, and one that swallows the head of a frame', async (t) => {
  for (const [from, to, size] of [[5000, 7000, 18480], [10000, 16565, undefined]] as const) {
    const h = play([[0, client], [1, server.subarray(0, from)], [1, to - from], [1, server.subarray(to)]]);
    t.same(told(h).sort(), [[1, '/one?q=1', 200], [3, '/big.txt', 200], [5, '/two?x=../../etc/passwd', 200], [7, '/three?cmd=id', 200]]);
    const file = h.files.find((f) => f.name === '/big.txt')!;
    t.notOk(file.complete);
    if (size !== undefined) t.equal(file.size, size);
    t.ok(h.all('http.response_body').includes('uid=33(www-data) gid=33(www-data)\n'));
  }
});

t.test('wherever bytes are missing, what comes after them is read', async (t) => {
  for (const step of [1, 700, 4096]) {
    for (let at = 0; at < 20600; at += 1511) {
      const to = Math.min(20660, at + 1 + ((at * 7) % 2900));
      const h = play([[0, client], [1, server.subarray(0, at)], [1, to - at], [1, server.subarray(to)]], step);
      if (!h.all('http.response_body').includes('uid=33(www-data) gid=33(www-data)\n') || h.failed || h.anomalies.length > 0) t.fail(`${at}…${to} missing, in pieces of ${step}: ${h.anomalies}`);
    }
  }
});

t.test('a connection picked up in its middle, from either side', async (t) => {
  for (const first of [0, 1] as const) {
    const asks: Step = [0, client.subarray(127)];
    const answers: Step = [1, server.subarray(first === 1 ? 20666 : 20000)]; // the latter within DATA
    const h = play(first === 0 ? [asks, answers] : [answers, asks], 1400, true);
    t.equal(h.flow.app, 'http2');
    t.match(told(h).sort(), [[5, '/two?x=../../etc/passwd', 200], [7, '/three?cmd=id', 200]]);
    t.equal(h.value('http.request_body'), 'cmd=id');
    t.ok(h.all('http.response_body').includes('uid=33(www-data) gid=33(www-data)\n'));
  }
});
