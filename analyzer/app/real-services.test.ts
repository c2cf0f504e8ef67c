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

t.test('IMAP and POP3: Dovecot, logins and the mails that come and go', async (t) => {
  t.match(both(t, 'dovecot-refused').of('auth'), [{ protocol: 'imap', user: 'clerk', result: 'failure', method: 'password' }]);
  const email = { from: 'a@example.org', to: ['b@example.org'], subject: '年度通知', attachment: ['notice.exe'] }; // the subject came in GBK
  const append = both(t, 'dovecot-append');
  t.match(append.of('auth'), [{ protocol: 'imap', user: 'clerk', result: 'success' }]);
  t.match(append.of('imap'), [
    { command: 'CAPABILITY' }, { command: 'LOGIN', result: 'OK', argument: undefined }, { command: 'APPEND', result: 'OK', email }, { command: 'SELECT' },
    { command: 'FETCH', email }, { command: 'FETCH', result: 'OK', email: undefined }, { command: 'LOGOUT', result: 'OK' },
  ]);
  const file = { name: 'notice.exe', size: 12, complete: true };
  t.match(append.files, [file, file]);
  t.equal(append.value('file.data'), 'MZ\x90\0\x03\0\0\0\x04\0\0\0');
  const retr = both(t, 'dovecot-retr');
  t.match(retr.of('auth'), [{ protocol: 'pop3', user: 'clerk', result: 'success' }]);
  t.match(retr.of('pop3').filter((e) => e['command'] === 'RETR'), [{ result: 'OK' }, { email }]);
  t.match(retr.files, [file]);
});

t.test('IMAP: what lies in a literal is no command and no answer', async (t) => {
  const h = new Harness(protocols, 143);
  const body = 'b LOGIN root x\r\nc OK done\r\n';
  h.feed(1, '* OK ready\r\n');
  h.feed(0, 'a LOGIN {5}\r\n');
  h.feed(1, '+ go on\r\n');
  h.feed(0, 'clerk {3}\r\n');
  h.feed(1, '+ go on\r\n');
  h.feed(0, 'a b\r\n');
  h.feed(1, 'a NO\r\n');
  h.feed(0, `b FETCH 1 BODY[1]\r\n`);
  h.feed(1, `* 1 FETCH (BODY[1] {${body.length}}\r\nb NO [X]\r\n${body.slice(10)})\r\nb OK\r\n`);
  h.feed(0, `c APPEND x {${body.length}+}\r\n${body}\r\nd NOOP\r\n`);
  h.feed(1, 'c NO full\r\nd OK\r\n');
  h.feed(0, 'e APPEND x {99}\r\n');
  h.feed(1, 'e NO full\r\n');
  h.feed(0, 'f LOGOUT\r\n');
  h.feed(1, 'f OK\r\n');
  h.end();
  t.match(h.of('auth'), [{ user: 'clerk', result: 'failure' }]);
  t.equal(h.of('auth').length, 1);
  const ahead = new Harness(protocols, 143);
  ahead.feed(1, '* OK ready\r\n');
  ahead.feed(0, '1 LOGIN a x\r\n2 LOGIN b x\r\n3 LOGIN c x\r\n');
  ahead.feed(1, '1 NO\r\n3 OK\r\n2 NO\r\n');
  t.same(ahead.of('auth').map((e) => [e['user'], e['result']]), [['a', 'failure'], ['c', 'success'], ['b', 'failure']], 'guesses sent ahead of their answers');
  t.same(h.of('imap').map((e) => [e['command'], e['result']]), [['LOGIN', 'ERR'], ['FETCH', 'OK'], ['APPEND', 'ERR'], ['NOOP', 'OK'], ['APPEND', 'ERR'], ['LOGOUT', 'OK']]);
});

t.test('Java RMI, IIOP: a registry of the JDK, a name service of omniORB', async (t) => {
  const rmi = both(t, 'jdk-rmi');
  t.same(rmi.of('java').at(-1)!['classes'], ['java.lang.reflect.Proxy', 'java.rmi.server.RemoteObjectInvocationHandler', 'java.rmi.server.RemoteObject']);
  t.equal(rmi.value('rmi.host'), '127.0.0.1');
  t.match(rmi.value('java.stream'), /\x02D\x15M\xc9\xd4\xe6;\xdft\0\x06orders$/, 'the look-up: its number, its hash, the name');
  const iiop = both(t, 'omniorb-naming');
  t.same(iiop.of('java'), [{ kind: 'iiop', giop: '1.2', operation: '_is_a' }, { kind: 'iiop', giop: '1.2', operation: 'bind_new_context' }]);
  t.same(iiop.all('giop.operation'), ['_is_a', 'bind_new_context']);
});

t.test('RDP: xfreerdp to xrdp without TLS, with its channels', async (t) => {
  const h = both(t, 'xrdp-standard');
  t.match(h.of('rdp'), [
    { event_type: 'initial_request', cookie: 'clerk' },
    { event_type: 'initial_response' },
    {
      event_type: 'connect_request', channels: ['rdpdr', 'rdpsnd', 'cliprdr', 'drdynvc'],
      client: { version: 'v5', desktop_width: 800, desktop_height: 600, client_name: 'WS-17', keyboard_layout: 0x409 },
    },
  ]);
  t.same(h.all('rdp.channel'), ['rdpdr', 'rdpsnd', 'cliprdr', 'drdynvc']);
});

t.test('MongoDB: commands and answers of a session, a refused SCRAM login', async (t) => {
  const h = both(t, 'pymongo-session');
  t.equal(h.flow.app, 'mongodb');
  t.same(h.of('mongodb').map((e) => [e['command'], e['collection'], e['database'], e['ok']]), [
    ['ismaster', undefined, 'admin', true], ['listDatabases', undefined, 'admin', true], ['find', 'people', 'citizens', true], ['drop', 'people', 'citizens', true],
  ]);
  t.same(h.all('mongodb.command'), ['ismaster', 'listDatabases', 'find', 'drop']);
  t.ok(h.all('mongodb.document').some((d) => d.includes('firstBatch')), 'answers are shown to rules, too');
  t.equal(h.of('auth').length, 0);
  const refused = both(t, 'pymongo-refused');
  t.match(refused.of('mongodb')[1], { command: 'saslStart', ok: false, code: 18, error: 'Authentication failed.' });
  t.same(refused.of('auth'), [{ protocol: 'mongodb', user: 'admin', result: 'failure', confidence: 0.99, method: 'scram-sha-256' }]);
});

t.test('Oracle: a connection that the listener refuses', async (t) => {
  const h = both(t, 'oracledb-refused', 1521);
  t.equal(h.flow.app, 'oracle');
  t.match(h.of('oracle'), [{ version: 319, service_name: 'hr.gov.example', program: 'node', result: 'refuse', message: /ERR=12514/ }]);
  t.ok(h.value('oracle.connect')!.startsWith('(DESCRIPTION=(ADDRESS='));
});
