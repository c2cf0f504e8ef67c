import { PassThrough } from 'node:stream';
import t from 'tap';
import { OperatorError } from './errors.js';
import { createLog } from './log.js';

function collect(options: { format: 'json' | 'text'; level?: 'debug' }) {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (d) => { text += d; });
  return { log: createLog({ ...options, stream }), text: async () => { await new Promise((r) => setTimeout(r, 20)); return text; } };
}

t.test('JSON lines, secrets struck out, errors readable', async (t) => {
  const { log, text } = collect({ format: 'json' });
  log.child({ node: 'n1' }).warn('connected', {
    url: 'nats://user:hunter2@h:4222', bus: { password: 'hunter2', setupCode: '1234-5678', tokens: 3, body: Buffer.alloc(9) },
    error: new OperatorError('SW_X', 'it broke', 'mend it'), seq: 5n,
  });
  log.debug('not at this level');
  const lines = (await text()).trim().split('\n');
  t.equal(lines.length, 1);
  const line = JSON.parse(lines[0]);
  t.match(line, { level: 'warn', message: 'connected', node: 'n1', url: 'nats://user:***@h:4222', seq: '5',
    bus: { password: '***', setupCode: '***', body: '<9 bytes>' }, error: { code: 'SW_X', hint: 'mend it' } });
  t.notMatch(lines[0], 'hunter2');
});

t.test('text for people, control characters of the wire made visible', async (t) => {
  const { log, text } = collect({ format: 'text', level: 'debug' });
  log.info('agent \x1b[2J seen', { node: 'a b', n: 1 });
  t.match(await text(), /^\d\d:\d\d:\d\d\.\d{3} info {2}agent \\x1b\[2J seen node="a b" n=1\n$/);
});

t.test('a burst of lines arrives whole', async (t) => {
  const { log, text } = collect({ format: 'json' });
  for (let i = 0; i < 5000; i++) log.info('line', { i });
  const lines = (await text()).trim().split('\n');
  t.equal(lines.length, 5000);
  t.equal(JSON.parse(lines[4999]).i, 4999);
});
