import t, { type Test } from 'tap';
import { Harness } from './harness.js';
import { protocols } from './registry.js';
import { replay } from './streams.js';

let last: Harness | undefined;
const play = (name: string, port = 0, step = 0): Harness => {
  const h = (last = new Harness(protocols, port, 'tcp', last));
  replay(name, h, step);
  h.parser?.close?.(h);
  return h;
};
/** Plays a stream as recorded and byte by byte: the same events, no memory kept. */
const both = (t: Test, name: string, port = 0): Harness => {
  const h = play(name, port);
  const bytes = play(name, port, 1);
  t.same(bytes.of('auth'), h.of('auth'), 'the same logins byte by byte');
  t.same(
    bytes.events.map((e) => e.type),
    h.events.map((e) => e.type),
    'the same events byte by byte',
  );
  t.equal(h.arena.used + bytes.arena.used, 0, 'every block given back');
  return h;
};

t.test('HTTP/2: two requests of nghttp, answers of node:http2 in gzip', async (t) => {
  const h = both(t, 'nghttp-h2');
  t.equal(h.flow.app, 'http2');
  t.equal(h.value('http.method'), 'POST');
  t.same(h.all('http.uri.raw'), ['/login?x=%2e%2e/etc/passwd', '/second']);
  t.equal(h.value('http.request_body'), 'user=admin&password=letmein');
  t.equal(h.value('http.cookie'), 'a=b');
  t.equal(h.value('http.protocol'), 'HTTP/2');
  t.ok(h.all('http.response_body').includes('answer to /second user=admin&password=letmein'), 'gzip taken off');
  t.same(h.all('http.server'), ['node', 'node']);
  const streams = h.of('http').filter((e) => e['url'] !== undefined);
  t.match(streams[0], { version: '2', http_method: 'POST', status: 200, http2: { stream_id: Number } });
  t.match(h.of('http').find((e) => e['url'] === undefined), { http2: { stream_id: 0 } }, 'settings');
  t.match(h.of('auth')[0], { protocol: 'http', user: 'admin', method: 'form' });
});

t.test('WebSocket: deflated messages that refer to earlier ones, a ping, two fragments', async (t) => {
  const h = both(t, 'websocket-deflate');
  t.equal(h.flow.app, 'websocket');
  const payloads = h.all('websocket.payload');
  t.ok(payloads.includes('{"cmd":"id; cat /etc/passwd","again":true}'));
  t.ok(payloads.includes('echo {"cmd":"id; cat /etc/passwd","again":true}'));
  t.ok(payloads.includes(`${'x'.repeat(300)}tail`), 'fragments joined');
  const opcodes = h.of('websocket').map((e) => e['opcode']);
  t.ok(opcodes.includes('ping') && opcodes.includes('pong') && opcodes.includes('connection_close'));
});

t.test('MQTT: Mosquitto', async (t) => {
  t.match(both(t, 'mosquitto-refused').of('auth'), [{ protocol: 'mqtt', user: 'meter', result: 'failure' }]);
  const sub = both(t, 'mosquitto-subscribe');
  t.match(sub.of('auth'), [{ user: 'meter', result: 'success' }]);
  t.equal(sub.value('mqtt.connect.clientid'), 'sub1');
  t.equal(sub.value('mqtt.subscribe.topic'), 'plant/+/temp');
  t.match(sub.of('mqtt')[0], { connect: { protocol_version: 5, flags: { username: true } }, connack: { return_code: 0 } });
  t.match(sub.of('mqtt')[1], { subscribe: { topics: [{ topic: 'plant/+/temp', qos: 1 }] }, suback: { qos_granted: [1] } });
  const pub = both(t, 'mosquitto-publish');
  t.equal(pub.value('mqtt.publish.message'), '21.5');
  t.match(
    pub.of('mqtt').find((e) => e['publish'] !== undefined),
    { publish: { topic: 'plant/7/temp', qos: 2 }, pubrec: {}, pubrel: {}, pubcomp: {} },
    'joined with its three acknowledgements',
  );
});

t.test('rsync, VNC, Memcached', async (t) => {
  t.match(both(t, 'rsync-refused').of('auth'), [{ user: 'bob', result: 'failure', target: 'backup' }]);
  const listed = both(t, 'rsync-listed');
  t.match(listed.of('auth'), [{ user: 'bob', result: 'success' }]);
  t.equal(listed.value('rsync.module'), 'backup');
  t.match(both(t, 'tigervnc-refused').of('auth'), [{ protocol: 'rfb', result: 'failure' }]);
  const vnc = both(t, 'tigervnc-accepted');
  t.match(vnc.of('auth'), [{ protocol: 'rfb', result: 'success' }]);
  t.match(vnc.of('rfb')[0], {
    server_protocol_version: { major: '003', minor: '008' },
    authentication: { security_type: 2, security_result: 'OK', vnc: { challenge: /^[0-9a-f]{32}$/ } },
  });
  const cache = both(t, 'memcached', 11211);
  t.same(
    cache.of('memcached').map((e) => e['command']),
    ['set', 'get', 'stats', 'flush_all', 'quit'],
  );
});
