import t from 'tap';
import { conformance, sleep } from './conformance.js';
import { createNatsBus } from './nats.js';
import { startNatsServer } from './nats-server.js';

const server = await startNatsServer();
t.teardown(() => server.stop());

conformance(t, {
  name: 'nats',
  open: () => createNatsBus({ servers: server.url }),
  crash: async () => {
    await server.kill();
    await sleep(300);
    await server.restart();
  },
});
