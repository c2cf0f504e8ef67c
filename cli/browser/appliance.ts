/** Test support: the whole appliance in this process, with a quiet window of seconds, and people to use it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { AnalyzerConfig } from '../../analyzer/config.js';
import { Analyzer } from '../../analyzer/serve/service.js';
import { replay } from '../../collector/replay.js';
import type { Page, SessionView, UserView } from '../../console/model/api.js';
import { CSRF_HEADER } from '../../console/model/api.js';
import type { Role } from '../../console/model/roles.js';
import { createConsole } from '../../console/server/console.js';
import { createEmbeddedBus } from '../../runtime/bus/embedded.js';
import { systemClock } from '../../runtime/lifecycle.js';
import { createLog } from '../../runtime/log.js';
import { openMetrics } from '../../runtime/metrics/open.js';
import { loadRegistry, RegistryIndex } from '../../runtime/registry.js';
import { conversation } from '../conversation.js';
import { CACHE, PACK, UI_FOLDER } from '../pack.js';

export const PASSWORD = 'Quiet-Harbour-47';
const FIRST = 'Quiet-Harbour-46';
/** A finding counts as quiet after this long, so that a test sees it closed. */
export const QUIET_MS = 1500;

/** Somebody who is logged in. */
export interface Person { account: string; session: SessionView; cookie: string; call<T>(method: string, path: string, body?: unknown): Promise<T> }
export interface Appliance {
  address: string;
  person(account: string, name: string, roles: Role[], unit?: string): Promise<Person>;
  login(account: string): Promise<Person>;
  admin: Person;
  /** Bytes of a capture go through the collector, as a node would send them. */
  feed(capture: Uint8Array): Promise<void>;
  /** Waits until a list of the console has an item that fits. */
  until<T>(who: Person, path: string, fits: (item: T) => boolean): Promise<T>;
  stop(): Promise<void>;
}

export async function startAppliance(): Promise<Appliance> {
  const data = mkdtempSync(join(tmpdir(), 'sw-browser-'));
  const log = createLog({ level: 'error' });
  const bus = createEmbeddedBus({ dir: join(data, 'bus') });
  const metrics = await openMetrics({ url: 'embedded:', dir: data }, {});
  const registryPath = 'deploy/registry.sample.yaml';
  const registry = new RegistryIndex(loadRegistry(registryPath));
  const analyzer = new Analyzer({
    bus, metrics, log, clock: systemClock, version: '0', rulePaths: [PACK], cache: CACHE, lookup: (ip) => registry.lookup(ip),
    config: Value.Default(AnalyzerConfig, { rules: ['default'] }) as AnalyzerConfig, onFatal: (error) => { throw error; },
  });
  const app = await createConsole({
    bus, metrics, log, clock: systemClock,
    config: { listen: { port: 0 }, dataDir: join(data, 'console'), ui: UI_FOLDER, rulesDir: PACK, registry: registryPath, incident: { quietDays: QUIET_MS / 86_400_000 } },
  });
  const code = app.setupCode;
  await Promise.all([app.start(), analyzer.start()]);
  const { address } = app;

  async function enter(path: string, body: object): Promise<Person> {
    const answer = await fetch(address + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
    const session = await answer.json() as SessionView;
    const cookie = /sw_session=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '')![1];
    return {
      account: session.user!.account, session, cookie,
      async call<T>(method: string, url: string, sent?: unknown): Promise<T> {
        const r = await fetch(address + url, {
          method, headers: { cookie: `sw_session=${cookie}`, [CSRF_HEADER]: session.csrf!, ...(sent === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
        });
        if (!r.ok) throw new Error(`${method} ${url}: ${await r.text()}`);
        return (r.status === 204 ? undefined : await r.json()) as T;
      },
    };
  }
  const login = (account: string): Promise<Person> => enter('/api/login', { account, password: PASSWORD });
  const admin = await enter('/api/setup', { code, account: 'chief', name: '值班长', password: PASSWORD });
  return {
    address, login, admin,
    async person(account, name, roles, unit) {
      const made = await admin.call<UserView>('POST', '/api/users', { account, name, password: FIRST, ...(unit ? { unit } : {}) });
      await admin.call('PUT', `/api/users/${made.id}/roles`, { roles });
      const first = await enter('/api/login', { account, password: FIRST });
      await first.call('POST', '/api/password', { current: FIRST, next: PASSWORD });
      return first;
    },
    async feed(capture) {
      const path = join(data, 'capture.pcap');
      writeFileSync(path, capture);
      await replay(path, bus, { node: 'gate-1', unit: 'wuhan', speed: 'max', timestamps: 'now', ageMs: 2000 });
    },
    async until<T>(who: Person, path: string, fits: (item: T) => boolean) {
      for (let i = 0; i < 300; i++) {
        const found = (await who.call<Page<T>>('GET', path)).items.find(fits);
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`nothing fits at ${path}`);
    },
    async stop() {
      await analyzer.stop();
      await app.stop();
      await metrics.close();
      await bus.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** A console alone, as it is before anybody has used it, with the administrators kept apart. */
export async function startStrict(): Promise<{ address: string; code: string; stop(): Promise<void> }> {
  const data = mkdtempSync(join(tmpdir(), 'sw-strict-'));
  const bus = createEmbeddedBus({ dir: join(data, 'bus') });
  const metrics = await openMetrics({ url: 'embedded:', dir: data }, {});
  const app = await createConsole({
    bus, metrics, log: createLog({ level: 'error' }), clock: systemClock,
    config: { listen: { port: 0 }, dataDir: join(data, 'console'), ui: UI_FOLDER, rulesDir: PACK, registry: 'deploy/registry.sample.yaml', separation: 'strict', secondFactor: ['system_admin', 'security_admin', 'auditor'] },
  });
  await app.start();
  return {
    address: app.address, code: app.setupCode!,
    async stop() {
      await app.stop();
      await metrics.close();
      await bus.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Markup, a character that turns the text around, and a formula, where an attacker puts what he likes. */
export const EVIL = '<script>alert(document.domain)</script><img src=x onerror=alert(1)> \xe2\x80\xaegnp.exe';
/** Struts S2-045 with the result of the command in the answer: the attack succeeded; with 404 it was tried. */
export function struts(attacker: string, victim: string, worked = true): Uint8Array {
  return conversation([
    [true, `POST /login.action?next=%3Cscript%3E HTTP/1.1\r\nHost: portal.gov.cn\r\nUser-Agent: ${EVIL}\r\nContent-Type: %{(#_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#cmd='id').(#p=new java.lang.ProcessBuilder(#cmd))}\r\nContent-Length: 0\r\n\r\n`],
    [false, worked ? 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 39\r\n\r\nuid=0(root) gid=0(root) groups=0(root)\n' : 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'],
  ], { client: [attacker, 41234], server: [victim, 8080] });
}
