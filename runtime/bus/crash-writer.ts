/** Test support: a process that publishes to a journaled bus until it is killed, telling its parent what was acknowledged to it. */
import { createEmbeddedBus } from './embedded.js';

export const crashStream = { name: 'SW_ALERTS', subjects: ['sw.alert.>'], retention: 'keep' as const, maxBytes: 8 * 1024 * 1024 };
export const crashBody = (i: number): Buffer => Buffer.from(`${i}`.padEnd(i % 3000, '.'));

if (process.send && process.argv[2] === 'publish') {
  const bus = createEmbeddedBus({ dir: process.argv[3] });
  await bus.ensureStream(crashStream);
  await bus.consume('SW_ALERTS', { durable: 'console', ack: 'explicit', maxUnacked: 10 }, (d) => { if (d.seq <= 50) d.ack(); });
  for (let i = Number(process.argv[4]); ; i += 8) {
    await Promise.all(Array.from({ length: 8 }, (_, k) => bus.publishDurable('sw.alert.high.u', crashBody(i + k), `id${i + k}`).then(() => process.send!(i + k))));
  }
}
