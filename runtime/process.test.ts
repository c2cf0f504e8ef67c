import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import t from 'tap';
import type { Health } from '../contracts/health.js';
import { createEmbeddedBus } from './bus/embedded.js';
import { HeartbeatSender } from './health.js';
import { createLog } from './log.js';
import { runServices } from './process.js';

const quiet = createLog({ stream: new PassThrough().resume() });
function host() {
  const events = new EventEmitter();
  const codes: number[] = [];
  return { codes, events, on: events.on.bind(events), exit: (code: number) => { codes.push(code); } };
}
const part = (name: string, seen: string[], stop = async () => {}) => ({
  name, start: async () => { seen.push(`+${name}`); }, stop: async () => { await stop(); seen.push(`-${name}`); },
});
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

t.test('starts in order, stops in reverse order at a signal', async (t) => {
  const seen: string[] = [];
  const h = host();
  await runServices([part('bus', seen), part('engine', seen)], quiet, h);
  h.events.emit('SIGTERM');
  await wait(10);
  t.strictSame(seen, ['+bus', '+engine', '-engine', '-bus']);
  t.strictSame(h.codes, [0]);
});

t.test('a second signal forces; a stop that hangs ends with 1; what nobody caught ends with 1', async (t) => {
  const forced = host();
  await runServices([part('a', [], () => wait(300))], quiet, forced);
  forced.events.emit('SIGINT');
  forced.events.emit('SIGINT');
  t.strictSame(forced.codes, [130]);
  const slow = host();
  await runServices([part('a', [], () => wait(300))], quiet, slow, 30);
  slow.events.emit('SIGINT');
  await wait(60);
  t.strictSame(slow.codes, [1]);
  const broken = host();
  const seen: string[] = [];
  await runServices([part('a', seen)], quiet, broken);
  broken.events.emit('uncaughtException', new Error('x'));
  await wait(10);
  t.strictSame(broken.codes, [1]);
  t.strictSame(seen, ['+a', '-a']);
  const failing = host();
  await t.rejects(runServices([part('a', seen), { name: 'b', start: async () => { throw new Error('no'); }, stop: async () => {} }], quiet, failing));
  t.strictSame(failing.codes, [1]);
});

t.test('heartbeats', async (t) => {
  const bus = createEmbeddedBus();
  t.teardown(() => bus.close());
  const beats: Health[] = [];
  await bus.subscribe('sw.control.health.>', (m) => { beats.push(JSON.parse(Buffer.from(m.data).toString())); });
  let reasons: Health['reasons'] = [];
  const sender = new HeartbeatSender(bus, { role: 'collector', id: 'n1', version: '1', node: 'n1' }, () => ({ counters: { packets: 7 }, gauges: {}, reasons }));
  await sender.start();
  reasons = [{ code: 'SW_X', message: 'x' }];
  t.equal(sender.current().state, 'degraded');
  await sender.stop();
  await wait(10);
  t.match(beats, [{ role: 'collector', state: 'running', counters: { packets: 7 } }, { state: 'stopping' }]);
  t.ok(beats[0].gauges.memoryBytes > 0);
});
