import t from 'tap';
import { protocols } from '../../analyzer/app/registry.js';
import type { Direction } from '../../analyzer/flow/flow.js';
import { Probe } from './probe.js';
import type { Talk } from './talk.js';

/** Conversations that fuzzing has found to be told differently whole and in pieces, made small. */
const FOUND: [name: string, protocol: string, talk: [Direction, string][]][] = [
  ['HTTP: what is no request, then a request in the middle of a line and one behind a line end', 'http', [
    [0, 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n537.36\r\nAccept: x\r\n\r\n'], [1, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'], [0, 'xxGET /b HTTP/1.1\r\nHost: b\r\n\r\n'], [0, 'GET /c HTTP/1.1\r\nHost: c\r\n\r\n'],
  ]],
  ['HTTP: a status line behind other bytes', 'http', [
    [0, 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'], [1, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'], [0, 'GET /b HTTP/1.1\r\nHost: b\r\n\r\n'], [1, '.36 (KHTML)\r\n\r\n\x01HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ]],
  ['DNS: a message too short to be one', 'dns', [
    [0, '\0\x1d\0\x07\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\0\0\x01\0\x01'], [0, '\0\x03abc\0\x1d\0\x08\x01\0\0\x01\0\0\0\0\0\0\x03ftp\x07example\0\0\x01\0\x01'],
  ]],
  ['TLS in LDAP: a hello of version 2, then no record', 'ldap', [
    [0, '0\x1d\x02\x01\x01w\x18\x80\x161.3.6.1.4.1.1466.20037'], [1, '0\x0c\x02\x01\x01x\x07\x0a\x01\0\x04\0\x04\0'], [1, '\x80\0\x01\0\x0e0\x0c\x02\x01\x01a\x07\x0a\x01\0\x04\0\x04\0'],
  ]],
  ['Oracle: an accept shorter than its version', 'oracle', [[1, '\0\x0a\0\0\x07\0\0\0\x025\0\x08\0\0\x02\0\0\0\x0a\x02\xff\0\0']]],
  ['MySQL: an error shorter than its number', 'mysql', [
    [1, '\x4a\0\0\0\x0a8.0.36\0' + '\0'.repeat(66)], [0, '\x40\0\0\x01\x0d\xa2\x0f\0\0\0\0\x01' + '\0'.repeat(24) + 'root\0' + '\0'.repeat(27)], [1, '\x07\0\0\x02\0\0\0\x02\0\0\0'],
    [0, '\x02\0\0\0\x03x'], [1, '\x01\0\0\x01\xff\x01\0\0\x02\0'],
  ]],
  ['VNC: an answer where the server was not heard', 'rfb', [[1, 'RFB 003.003\n'], [0, 'RFB 003.003\n'], [1, '\0\0\0\0'], [0, '?\x05&P,qm\x0e\xd6\xa7\xde\x02j\xf4\x0cZ\x01']]],
  ['SOCKS: hello and request in one', 'socks', [[0, '\x05\x01\0\x05\x01\0\x01\xc63d\x17\0P'], [1, '\x05\0\x05\0\0\x01\0\0\0\0\0\0']]],
  ['Java: a call in several segments', 'java', [
    [0, 'JRMI\0\x02K'], [1, 'N\0\x0a10.42.3.57\0\0\xc8\x01'], [0, '\0\x0910.42.3.6\0\0\0\0P\xac\xed\0\x05sr\0\x17java.util.PriorityQueue\x94\xda0\xb4\xfb?\x82\xb1\x03\0\x02I\0\x04size'], [1, 'Q\xac\xed\0\x05'],
  ]],
  ['SSH: a login whose answers are cut', 'ssh', [
    [0, 'SSH-2.0-a\r\n'], [1, 'SSH-2.0-b\r\n'], [0, '\0\0\0\x0c\x0a\x15\0\0\0\0\0\0\0\0\0\0'], [1, '\0\0\0\x0c\x0a\x15\0\0\0\0\0\0\0\0\0\0'], [0, 'x'.repeat(44)], [1, 'y'.repeat(44)],
    [0, 'x'.repeat(60)], [1, 'y'.repeat(60)], [0, 'x'.repeat(148)], [1, 'y'.repeat(28)], [0, 'x'.repeat(60)],
  ]],
];

t.test('whole and in pieces', async (t) => {
  const probe = new Probe();
  for (const [name, protocol, said] of FOUND) {
    const talk: Talk = said.map(([d, text]) => [d, Buffer.from(text, 'latin1')]);
    for (const entry of protocols.filter((p) => p.transport === 'tcp' && p.protocol === protocol)) {
      const whole = probe.run(entry, talk, 65536);
      for (const step of [1, 2, 3, 7]) {
        const pieces = probe.run(entry, talk, step);
        t.strictSame([pieces.failed, pieces.events.sort()], [whole.failed, whole.events.sort()], `${name}, ${step} bytes at a time`);
      }
    }
  }
  const login = probe.run(protocols.find((p) => p.protocol === 'ssh')!, FOUND.at(-1)![2].map(([d, text]) => [d, Buffer.from(text, 'latin1')]), 5);
  t.match(login.events.find((e) => e.startsWith('auth')), /"result":"success","confidence":0.85/);
});
