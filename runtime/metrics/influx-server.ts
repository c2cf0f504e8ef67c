/** Test support: a real influxd (1.x) on free ports with a directory of its own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../bus/nats-server.js';
import { sleep } from '../bus/wait.js';
import { metricsErrors } from './errors.js';

function findInfluxd(): string {
  for (const path of [process.env.INFLUXD, 'influxd', '/usr/bin/influxd', '/usr/sbin/influxd']) {
    if (!path) continue;
    try { execFileSync(path, ['version'], { stdio: 'ignore' }); return path; } catch { /* the next place */ }
  }
  throw metricsErrors.noServer();
}

export interface InfluxServer { url: string; kill(): Promise<void>; restart(): Promise<void>; stop(): Promise<void> }

export async function startInfluxd(): Promise<InfluxServer> {
  const binary = findInfluxd();
  const dir = mkdtempSync(join(tmpdir(), 'sw-influx-'));
  const [http, rpc] = [await freePort(), await freePort()];
  const config = join(dir, 'influxdb.conf');
  writeFileSync(config, `reporting-disabled = true\nbind-address = "127.0.0.1:${rpc}"\n[meta]\n  dir = "${dir}/meta"\n[data]\n  dir = "${dir}/data"\n  wal-dir = "${dir}/wal"\n  index-version = "tsi1"\n  query-log-enabled = false\n[monitor]\n  store-enabled = false\n[http]\n  bind-address = "127.0.0.1:${http}"\n  log-enabled = false\n[logging]\n  level = "warn"\n`);
  let child: ChildProcess | undefined;
  const url = `http://127.0.0.1:${http}`;
  const start = async () => {
    child = spawn(binary, ['-config', config], { stdio: 'ignore' });
    for (let i = 0; ; i++) {
      const up = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(1000) }).then((r) => r.status === 204, () => false);
      if (up) return;
      if (i > 300 || child.exitCode !== null) throw new Error('influxd did not start');
      await sleep(30);
    }
  };
  const kill = async () => {
    const dying = child;
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return;
    const gone = new Promise((resolve) => dying.once('exit', resolve));
    dying.kill('SIGKILL');
    await gone;
  };
  await start();
  return { url, kill, restart: start, stop: async () => { await kill(); rmSync(dir, { recursive: true, force: true }); } };
}
