/** Test support: a real nats-server with JetStream on a free port and a store of its own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busErrors } from './errors.js';
import { sleep } from './wait.js';

/** Path of the nats-server binary; SW_BUS_NO_NATS_SERVER when there is none. */
export function findNatsServer(): string {
  for (const path of [process.env.NATS_SERVER, 'nats-server', '/usr/sbin/nats-server', '/usr/local/bin/nats-server']) {
    if (!path) continue;
    try { execFileSync(path, ['--version'], { stdio: 'ignore' }); return path; } catch { /* the next place */ }
  }
  throw busErrors.noServer();
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export interface NatsServer {
  url: string;
  port: number;
  dir: string;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts again on the same port and store. */
  restart(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** Starts a server; `extra` goes into its configuration (accounts, TLS, …). */
export async function startNatsServer(extra = ''): Promise<NatsServer> {
  const binary = findNatsServer();
  const dir = mkdtempSync(join(tmpdir(), 'sw-nats-'));
  const port = await freePort();
  const config = join(dir, 'nats.conf');
  writeFileSync(config, `listen: "127.0.0.1:${port}"\nmax_payload: 8MB\njetstream { store_dir: "${dir}/js", max_mem: 256MB, max_file: 16GB }\n${extra}\n`);
  let child: ChildProcess | undefined;
  const start = async () => {
    let output = '';
    child = spawn(binary, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr!.on('data', (d) => { output = (output + d).slice(-8192); });
    for (let i = 0; !output.includes('Server is ready'); i++) {
      if (i > 500 || child.exitCode !== null) throw new Error(`nats-server did not start: ${output}`);
      await sleep(10);
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    const dying = child;
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return;
    const gone = new Promise((resolve) => dying.once('exit', resolve));
    dying.kill(signal);
    await gone;
  };
  await start();
  return {
    url: `nats://127.0.0.1:${port}`, port, dir, kill: () => end('SIGKILL'), restart: start,
    stop: async () => { await end('SIGKILL'); rmSync(dir, { recursive: true, force: true }); },
  };
}
