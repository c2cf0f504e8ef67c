import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { conformance, sleep, until } from './conformance.js';
import { createEmbeddedBus } from './embedded.js';
import { connectLocalBus, serveLocalBus } from './local.js';

const dir = mkdtempSync(join(tmpdir(), 'sw-local-'));
const bus = createEmbeddedBus();
const path = join(dir, 'bus.sock');
let server = await serveLocalBus(bus, path);
t.teardown(async () => {
  await server.close();
  await bus.close();
  rmSync(dir, { recursive: true });
});

conformance(t, {
  name: 'local',
  open: () => connectLocalBus(path),
  // The gateway goes and comes back; the bus behind it stays.
  crash: async () => { await server.close(); await sleep(300); server = await serveLocalBus(bus, path); },
});

t.test('the socket belongs to its user; a stale one is replaced, a living one is not', async (t) => {
  t.equal(statSync(path).mode & 0o777, 0o600);
  await t.rejects(serveLocalBus(bus, path), { code: 'SW_BUS_SOCKET_BUSY' });
  await t.rejects(serveLocalBus(bus, join(dir, 'x'.repeat(120))), { code: 'SW_BUS_SOCKET_PATH' });
  await t.rejects(connectLocalBus(join(dir, 'nobody.sock')), { code: 'SW_BUS_CONNECT' });
});

t.test('garbage ends its own connection and nothing else', async (t) => {
  for (const garbage of [Buffer.alloc(4, 0xff), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([9, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255])]) {
    const socket = connect(path);
    let closed = false;
    socket.on('close', () => { closed = true; }).on('error', () => {});
    socket.resume();
    socket.write(garbage);
    await until(() => closed, 2000);
    t.ok(closed);
  }
  const client = await connectLocalBus(path);
  let got = 0;
  await client.subscribe('still.here', () => { got++; });
  await client.publish('still.here', Buffer.alloc(1));
  await until(() => got === 1);
  t.equal(got, 1);
  await client.close();
});
