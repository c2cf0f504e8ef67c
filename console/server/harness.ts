import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { Alert } from '../../contracts/alert.js';
import { CLASSES } from '../../contracts/classes.js';
import { subjects } from '../../contracts/subjects.js';
import type { Registry } from '../../contracts/registry.js';
import { createEmbeddedBus } from '../../runtime/bus/embedded.js';
import { createLog } from '../../runtime/log.js';
import { createEmbeddedMetrics } from '../../runtime/metrics/embedded.js';
import { CSRF_HEADER, type SessionView } from '../model/api.js';
import type { Role } from '../model/roles.js';
import type { ConsoleConfig } from './config.js';
import { createConsole, type Console } from './console.js';
import { hashPassword } from './auth/password.js';
import { newUser } from './store/people.js';

/** A whole console on embedded parts for the tests beside this file. */
export const REGISTRY: Registry = {
  units: [
    { id: 'hubei', zh: '湖北省', en: 'Hubei', kind: 'province' }, { id: 'wuhan', zh: '武汉市', en: 'Wuhan', parent: 'hubei', kind: 'city' },
    { id: 'jianghan', zh: '江汉区', en: 'Jianghan', parent: 'wuhan' }, { id: 'yichang', zh: '宜昌市', en: 'Yichang', parent: 'hubei', kind: 'city' },
  ],
  systems: [
    { id: 'whoa', zh: '武汉协同办公', en: 'Wuhan office', unit: 'wuhan', ranges: ['10.1.0.0/16'], value: 'high' },
    { id: 'jhweb', zh: '江汉门户', en: 'Jianghan portal', unit: 'jianghan', ranges: ['10.1.9.0/24'] },
    { id: 'ycweb', zh: '宜昌门户', en: 'Yichang portal', unit: 'yichang', ranges: ['10.2.0.0/16'] },
  ],
};
export const PASSWORD = 'Vigil-Tower-42';

export function alertOf(change: Partial<Alert['shouwang']> & { id: string }, eve: Partial<Alert> = {}): Alert {
  const cls = change.class ?? 'sql_injection';
  const c = CLASSES[cls];
  const at = change.last_seen ?? new Date().toISOString();
  return {
    timestamp: at, event_type: 'alert', src_ip: '203.0.113.9', dest_ip: '10.1.2.3', proto: 'TCP', app_proto: 'http', host: 'node-1',
    alert: { action: 'allowed', gid: 1, signature_id: 1, rev: 1, signature: 's', category: 'c', severity: 1 },
    ...eve,
    shouwang: {
      revision: 1, rule: 'sqli-union', title: { zh: `${c.zh}告警`, en: `${c.en} alert` }, severity: 'high', class: cls, gb2007: c.gb2007, gb2023: c.gb2023,
      phase: c.phase, verdict: 'attempted', because: { zh: '原因', en: 'why' }, attacker: { ip: '203.0.113.9', port: 4242 }, victim: { ip: '10.1.2.3', port: 80 },
      techniques: ['T1190'], references: ['CVE-2019-0001'], first_seen: change.first_seen ?? at, last_seen: at, count: 1, matched: [], evidence: [], node: 'node-1', ...change,
    },
  };
}

export interface Client {
  session: SessionView;
  cookie: string;
  call<T = never>(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<{ status: number; body: T; headers: Record<string, unknown>; raw: Buffer }>;
}

export async function startConsole(config: Partial<ConsoleConfig> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'sw-console-'));
  const bus = createEmbeddedBus({ dir: join(dir, 'bus') });
  const metrics = createEmbeddedMetrics();
  const log = createLog({ level: 'error' });
  let now = 0;
  const clock = { now: () => Date.now() + now };
  const open = (): Promise<Console> => createConsole({ bus, metrics, log, clock, config: { dataDir: join(dir, 'data'), listen: { port: 0 }, ...config } });
  const console = await open();
  const code = console.setupCode;
  await console.start();

  const client = async (account: string, password = PASSWORD): Promise<Client> => {
    const answer = await console.app.inject({ method: 'POST', url: '/api/login', payload: { account, password }, remoteAddress: '127.0.0.1' });
    if (answer.statusCode !== 200) throw new Error(answer.body);
    return clientOf(answer);
  };
  const clientOf = (answer: { json(): unknown; cookies: { name: string; value: string }[] }): Client => {
    const session = answer.json() as SessionView;
    const cookie = `sw_session=${answer.cookies.find((c) => c.name === 'sw_session')?.value}`;
    return {
      session, cookie,
      async call(method, url, body, headers = {}) {
        const r = await console.app.inject({ method: method as 'GET', url, headers: { cookie, [CSRF_HEADER]: session.csrf ?? '', 'accept-language': 'en', ...headers }, ...(body === undefined ? {} : { payload: body as object }) });
        const json = /^application\/([a-z]+\+)?json\b/.test(String(r.headers['content-type']));
        return { status: r.statusCode, body: (json ? r.json() : undefined) as never, headers: r.headers, raw: r.rawPayload };
      },
    };
  };
  /** An account with these roles, past its first password. */
  const person = async (account: string, roles: Role[], unit: string | null = null): Promise<Client> => {
    await console.context.store.people.create(newUser({ id: `u-${account}`, account, name: account, password: await hashPassword(PASSWORD), must_change: 0, unit, roles, created: clock.now() }));
    await console.context.people(true);
    return client(account);
  };
  return {
    console, bus, metrics, dir, code, client, clientOf, person, clock, open,
    advance(ms: number) { now += ms; },
    async send(alert: Alert) {
      await bus.publishDurable(subjects.alert(alert.shouwang.severity, alert.shouwang.victim.unit ?? 'x'), Buffer.from(JSON.stringify(alert)), `${alert.shouwang.id}.${alert.shouwang.revision}`);
    },
    async evidence(id: string, alert: string, body: Buffer, sha256 = createHash('sha256').update(body).digest('hex')) {
      await bus.publishDurable(subjects.evidence(alert), body, id, { id, alert, sha256, packets: '1' });
    },
    useRegistry: async () => {
      await console.context.store.registry.put(REGISTRY, 0, clock.now(), null);
      console.context.useRegistry(REGISTRY, 1);
    },
    async until(test: () => Promise<boolean> | boolean, what: string) {
      for (let i = 0; i < 200; i++) { if (await test()) return; await new Promise((r) => { setTimeout(r, 25); }); }
      throw new Error(`never: ${what}`);
    },
    async stop() {
      await console.stop();
      await bus.close();
      await metrics.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
