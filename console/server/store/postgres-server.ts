import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For tests: a PostgreSQL server of their own on a free port of 127.0.0.1, gone when it is stopped. */
const BIN = ['15', '16', '17', '18'].map((v) => `/usr/lib/postgresql/${v}/bin`).find((d) => existsSync(join(d, 'initdb')));
/** Why such a test is left out; false where there is a server. */
export const NO_POSTGRES: string | false = BIN ? false : 'SW_TEST_NO_POSTGRES: no server found; apt-get install postgresql';

export async function startPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'sw-pg-'));
  const data = join(dir, 'data');
  // The server refuses to run as root.
  const account = process.getuid?.() === 0 ? Number(spawnSync('id', ['-u', 'postgres']).stdout.toString()) || undefined : undefined;
  const as = account ? { uid: account, gid: account } : {};
  if (account) chownSync(dir, account, account);
  const bin = (name: string): string => join(BIN as string, name);
  const made = spawnSync(bin('initdb'), ['-D', data, '-U', 'sw', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'], { ...as, cwd: dir });
  if (made.status !== 0) throw new Error(made.stderr?.toString());
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((r) => { probe.once('listening', r); });
  const { port } = probe.address() as AddressInfo;
  await new Promise((r) => { probe.close(r); });
  const server = spawn(bin('postgres'), ['-D', data, '-p', String(port), '-k', dir, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'], { ...as, cwd: dir, stdio: 'ignore' });
  for (let i = 0; spawnSync(bin('pg_isready'), ['-h', '127.0.0.1', '-p', String(port)]).status !== 0; i++) {
    if (i > 200) throw new Error('the server did not start');
    await new Promise((r) => { setTimeout(r, 100); });
  }
  return {
    url: `postgres://sw@127.0.0.1:${port}/postgres`,
    async stop() {
      const gone = new Promise((r) => { server.once('exit', r); });
      server.kill('SIGQUIT');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
