/** Test support: the distributed form as it is run, one process a part, each with its YAML file. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { AlertDetail, AlertRow, Page } from '../console/model/api.js';

const BIN = resolve('bin/shouwang.mjs');
const PASSWORD = 'Vigil-Tower-42';

/** One `shouwang` process. */
export class Running {
  out = '';
  err = '';
  private child: ChildProcess;
  readonly exited: Promise<number | null>;

  constructor(args: readonly string[], options: { input?: 'pipe'; env?: Record<string, string> } = {}) {
    // Without what the test runner preloads into every Node process: these are measured by the clock.
    this.child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, BIN, ...args], {
      stdio: [options.input ?? 'ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env },
    });
    this.child.stdout!.on('data', (d: Buffer) => { this.out += d.toString(); });
    this.child.stderr!.on('data', (d: Buffer) => { this.err = (this.err + d.toString()).slice(-65_536); });
    this.exited = new Promise((done) => this.child.once('close', done));
  }

  get pid(): number {
    return this.child.pid!;
  }

  get input(): NodeJS.WritableStream {
    return this.child.stdin!;
  }

  /** The first match in what it has printed; throws when it ends or says nothing for too long. */
  async said(what: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    for (const end = Date.now() + timeoutMs; ;) {
      const found = what.exec(this.out) ?? what.exec(this.err);
      if (found) return found;
      const { exitCode, signalCode } = this.child;
      if (exitCode !== null || signalCode !== null || Date.now() > end) throw new Error(`${what.source} was not said (exit ${exitCode ?? signalCode}):\n${this.out}\n${this.err}`);
      await sleep(10);
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.exited;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Waits for a condition; returns its value. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false, timeoutMs = 45_000): Promise<T> {
  for (const end = Date.now() + timeoutMs; ;) {
    const value = await look();
    if (value) return value as T;
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(50);
  }
}

/** A folder for configurations and data, and what runs there. */
export class Site {
  /** Enough of the pack for the captures of these tests; all of it takes seconds to load. */
  static readonly rules = [
    'rules/behaviour', 'rules/java/struts-content-type-ognl', 'rules/shell/command-output-reply', 'rules/webshell/china-chopper', 'rules/webshell/webshell-upload',
  ].map((path) => resolve(path));

  readonly dir = mkdtempSync(join(tmpdir(), 'sw-site-'));
  private readonly running: Running[] = [];
  private cookie = '';

  constructor(readonly bus: string, readonly metrics?: string) {}

  yaml(name: string, document: object): string {
    const path = join(this.dir, name);
    writeFileSync(path, stringify(document));
    return path;
  }

  run(args: readonly string[], options: ConstructorParameters<typeof Running>[1] = {}): Running {
    const p = new Running(args, options);
    this.running.push(p);
    return p;
  }

  async analyzer(id: string, partitions: number[], more: object = {}): Promise<Running> {
    const config = this.yaml(`${id}.yaml`, {
      bus: { url: this.bus }, ...(this.metrics ? { metrics: { url: this.metrics } } : {}), analyzer: { id, partitions, arenaMiB: 96, ringMiB: 8, maxFlows: 16_384, rules: Site.rules, ...more },
    });
    const p = this.run(['analyze', '--serve', '--config', config]);
    await p.said(/analyzer ready/);
    return p;
  }

  /** Starts the console; at the first start makes the administrator with the set-up code that it prints. */
  async console(port = 0): Promise<{ process: Running; address: string }> {
    const config = this.yaml('console.yaml', {
      bus: { url: this.bus }, ...(this.metrics ? { metrics: { url: this.metrics } } : {}), console: { listen: { port }, dataDir: join(this.dir, 'console') },
    });
    const p = this.run(['console', '--config', config]);
    const address = (await p.said(/Console: (\S+)/))[1]!;
    const body = { account: 'chief', name: 'Chief', password: PASSWORD };
    const code = this.cookie === '' ? (await p.said(/administrator.*: (\S+)/))[1]! : undefined;
    const answer = await fetch(`${address}/api/${code ? 'setup' : 'login'}`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(code ? { code, ...body } : { account: body.account, password: body.password }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    this.cookie = answer.headers.getSetCookie()[0]!.split(';')[0]!;
    return { process: p, address };
  }

  /** The administrator's cookie. */
  get session(): string {
    return this.cookie;
  }

  get(address: string, path: string): Promise<Response> {
    return fetch(`${address}${path}`, { headers: { cookie: this.cookie } });
  }

  async alerts(address: string): Promise<AlertRow[]> {
    return ((await (await this.get(address, '/api/alerts?limit=200')).json()) as Page<AlertRow>).items;
  }

  async alert(address: string, id: string): Promise<AlertDetail> {
    return (await this.get(address, `/api/alerts/${id}`)).json() as Promise<AlertDetail>;
  }

  /** The bytes of an alert's first capture and their hash, once they have arrived. */
  async evidence(address: string, id: string): Promise<{ bytes: Buffer; sha256: string; announced: string }> {
    const view = await until('evidence', async () => (await this.alert(address, id)).evidence.find((e) => e.state === 'stored'));
    const bytes = Buffer.from(await (await this.get(address, view.href!)).arrayBuffer());
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex'), announced: view.sha256 };
  }

  /** Waits until the alerts stop changing; returns them in the order of their ids. */
  async settled(address: string, atLeast: number, quietMs = 3500, timeoutMs = 30_000): Promise<AlertRow[]> {
    let before = '';
    let since = Date.now();
    return until(`${atLeast} alerts`, async () => {
      const rows = (await this.alerts(address)).sort((a, b) => (a.id < b.id ? -1 : 1));
      const now = JSON.stringify(rows.map((r) => [r.id, r.count, r.verdict]));
      if (now !== before) since = Date.now();
      before = now;
      return rows.length >= atLeast && Date.now() - since > quietMs ? rows : undefined;
    }, timeoutMs);
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map((p) => p.kill()));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
