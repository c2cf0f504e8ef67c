import { fork } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Delivery } from './bus.js';
import { conformance, sleep, until } from './conformance.js';
import { crashBody, crashStream } from './crash-writer.js';
import { createEmbeddedBus } from './embedded.js';
import { PENDING_MESSAGES } from './fan-out.js';

const writer = fileURLToPath(new URL('./crash-writer.js', import.meta.url));
const alerts = crashStream;

const dir = () => {
  const made = mkdtempSync(join(tmpdir(), 'sw-bus-'));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
};

conformance(t, { name: 'memory', single: true, open: async () => createEmbeddedBus() });
const shared = dir();
conformance(t, { name: 'journal', single: true, open: async () => createEmbeddedBus({ dir: shared }) });

t.test('kill -9 loses nothing that was acknowledged to the publisher', async (t) => {
  const data = dir();
  let told = -1;
  for (let round = 0; round < 3; round++) {
    const child = fork(writer, ['publish', data, String(told + 1)], { execArgv: [] });
    const from = told;
    child.on('message', (n: number) => { told = Math.max(told, n); });
    // Acknowledgements gather before they are written: a fast disk takes 150 messages in less time.
    await until(() => told > from + 150 && readFileSync(join(data, 'positions'), 'utf8').includes('"open":[51,'));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    // The last record half written, as when the machine stops in mid-write.
    const segment = readdirSync(join(data, 'SW_ALERTS')).sort().pop()!;
    appendFileSync(join(data, 'SW_ALERTS', segment), Buffer.from([80, 0, 0, 0, 1, 2, 3, 4, 5]));
  }
  const bus = createEmbeddedBus({ dir: data });
  t.teardown(() => bus.close());
  await bus.ensureStream(alerts);
  const got = new Map<string, string>();
  let least = Infinity;
  await bus.consume('SW_ALERTS', { durable: 'all', ack: 'explicit', maxUnacked: 100 }, (d) => { got.set(d.id, Buffer.from(d.data).toString()); d.ack(); });
  await bus.consume('SW_ALERTS', { durable: 'console', ack: 'explicit', maxUnacked: 100 }, (d) => { least = Math.min(least, d.seq); d.ack(); });
  await until(() => got.has(`id${told}`) && least < Infinity);
  await sleep(50);
  const wrong = Array.from({ length: told + 1 }, (_, i) => i).filter((i) => got.get(`id${i}`) !== crashBody(i).toString());
  t.strictSame(wrong, []);
  t.equal(least, 51, 'the consumer goes on where it stood');
  t.strictSame(await bus.publishDurable('sw.alert.high.u', crashBody(1), 'id1'), { duplicate: true }, 'ids are remembered');
  t.throws(() => createEmbeddedBus({ dir: data }), { code: 'SW_BUS_DIR_BUSY' });
});

t.test('retention removes segments; a damaged record costs no more than its segment', async (t) => {
  const data = dir();
  let bus = createEmbeddedBus({ dir: data });
  const options = { ...alerts, maxBytes: 40 * 1024 * 1024 };
  await bus.ensureStream(options);
  const big = Buffer.alloc(1024 * 1024, 7);
  for (let i = 0; i < 70; i++) await bus.publishDurable('sw.alert.high.u', big, `id${i}`);
  await bus.close();
  const size = readdirSync(join(data, 'SW_ALERTS')).reduce((n, f) => n + statSync(join(data, 'SW_ALERTS', f)).size, 0);
  t.ok(size < 40 * 1024 * 1024 + 17 * 1024 * 1024, `${size} bytes on disk`);
  const first = readdirSync(join(data, 'SW_ALERTS')).sort()[1];
  writeFileSync(join(data, 'SW_ALERTS', first), Buffer.alloc(100), { flag: 'r+' });
  bus = createEmbeddedBus({ dir: data });
  await bus.ensureStream(options);
  const got: Delivery[] = [];
  await bus.consume('SW_ALERTS', { durable: 'x', ack: 'explicit', maxUnacked: 100 }, (d) => { got.push(d); d.ack(); });
  await until(() => got.at(-1)?.id === 'id69');
  t.ok(got.length >= 20 && got.every((d) => d.data.length === big.length && d.data[5] === 7), `${got.length} left`);
  await bus.close();
});

t.test('a publisher waits for a slow subscriber; unacknowledged messages come again after the wait', async (t) => {
  const bus = createEmbeddedBus({ ackWaitMs: 60 });
  t.teardown(() => bus.close());
  let open = () => {};
  const gate = new Promise<void>((resolve) => { open = resolve; });
  let seen = 0;
  await bus.subscribe('x', async () => { await gate; seen++; });
  let sent = 0;
  const total = PENDING_MESSAGES * 3;
  const flood = (async () => { for (; sent < total; sent++) await bus.publish('x', Buffer.alloc(10)); })();
  await sleep(200);
  t.ok(sent >= PENDING_MESSAGES && sent <= PENDING_MESSAGES + 2, `${sent} sent before the publisher waits`);
  open();
  await flood;
  await until(() => seen === total);
  t.equal(seen, total);
  await bus.ensureStream({ name: 'S', subjects: ['s.>'], retention: 'keep', maxBytes: 1e6 });
  await bus.publishDurable('s.a', Buffer.from('a'), 'a');
  const redelivered: boolean[] = [];
  await bus.consume('S', { durable: 'd', ack: 'explicit', maxUnacked: 1 }, (d) => { redelivered.push(d.redelivered); if (redelivered.length === 3) d.ack(); });
  await until(() => redelivered.length >= 3);
  await sleep(150);
  t.strictSame(redelivered, [false, true, true]);
});
