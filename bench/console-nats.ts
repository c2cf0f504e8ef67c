/**
 * What a running console takes in from NATS: `node dist/bench/console-nats.js [--intake 60] [--rate 5000] [--dir DIR] [--database postgres://…] [--kill]`.
 * A nats-server, a console, each a process of its own, and alerts published at a fixed rate. An alert counts as taken when
 * the server has its acknowledgement, which the console gives when it is on disk; afterwards the store is opened and
 * counted. `--kill`: in the middle the console is killed with -9 and started again. `--dir` with a store that
 * `console-store --keep` has filled shows the same among millions.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect, headers } from 'nats';
import { Site, type Running } from '../cli/harness.js';
import { openStore } from '../console/server/store/store.js';
import { streams, subjects } from '../contracts/subjects.js';
import { startNatsServer } from '../runtime/bus/nats-server.js';
import { alertAt, registry } from './alerts.js';

const { values: options } = parseArgs({ options: { intake: { type: 'string', default: '60' }, rate: { type: 'string', default: '5000' }, dir: { type: 'string' }, database: { type: 'string' }, kill: { type: 'boolean', default: false } } });
const RATE = Number(options.rate);
const WANTED = RATE * Number(options.intake);

/** Seconds of processor that a process has used. */
function processor(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const nats = await startNatsServer();
const site = new Site(nats.url);
const dataDir = options.dir ?? join(site.dir, 'console');
const config = site.yaml('console.yaml', { bus: { url: nats.url }, console: { listen: { port: 0 }, dataDir, registry: site.yaml('registry.yaml', registry), ...(options.database ? { database: options.database } : {}) } });
const start = async (): Promise<Running> => {
  const p = site.run(['console', '--config', config]);
  await p.said(/Console: (\S+)/);
  return p;
};
const total = async (): Promise<number> => {
  const store = await openStore(dataDir, options.database);
  try { return await store.alerts.total(); } finally { await store.close(); }
};
const link = await connect({ servers: nats.url });
try {
  const before = options.dir || options.database ? await total() : 0;
  let console_ = await start();
  const manager = await link.jetstreamManager();
  const encoder = new TextEncoder();
  const began = Date.now();
  const run = `nats-${began}`;
  let [sent, behind, killed, used] = [0, 0, 0, -processor(console_.pid)];
  const acked = async (): Promise<number> => (await manager.consumers.info(streams.alerts, 'console')).ack_floor.stream_seq;
  let look = began + 1000;
  while (sent < WANTED) {
    const due = Math.min(WANTED, Math.floor(((Date.now() - began) / 1000) * RATE));
    for (const to = Math.min(due, sent + 200); sent < to; sent++) {
      const alert = alertAt(sent, Date.now());
      alert.shouwang.id = `${run}-${sent}`;
      const h = headers();
      h.set('Nats-Msg-Id', `${alert.shouwang.id}.1`);
      link.publish(subjects.alert(alert.shouwang.severity, 'hubei'), encoder.encode(JSON.stringify(alert)), { headers: h });
    }
    await link.flush();
    if (Date.now() > look) {
      behind = Math.max(behind, sent - await acked());
      look = Date.now() + 1000;
    }
    if (options.kill && killed === 0 && sent > WANTED / 2) {
      used += processor(console_.pid);
      await console_.kill('SIGKILL');
      killed = Date.now();
      console_ = await start();
      process.stdout.write(`killed with -9 after ${sent}, answering again ${((Date.now() - killed) / 1000).toFixed(1)} s later\n`);
    }
    if (due === sent) await sleep(10);
  }
  const published = Date.now();
  while ((await manager.consumers.info(streams.alerts, 'console')).num_ack_pending > 0 || await acked() < WANTED) await sleep(100);
  const seconds = (Date.now() - began) / 1000;
  used += processor(console_.pid);
  await console_.kill('SIGTERM');
  const stored = await total() - before;
  process.stdout.write(`published ${sent} in ${((published - began) / 1000).toFixed(1)} s, acknowledged after ${seconds.toFixed(1)} s (${Math.round(sent / seconds)}/s), at most ${behind} not acknowledged, ${((used / sent) * 1e6).toFixed(0)} µs of the console's processor each, lost ${sent - stored}\n`);
} finally {
  await link.close();
  await site.stop();
  await nats.stop();
}
