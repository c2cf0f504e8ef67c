import Database from 'libsql';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { generateSync } from 'otplib';
import pg from 'pg';
import t, { type Test } from 'tap';
import { decodeTrial } from '../../contracts/rule-trial.js';
import { subjects } from '../../contracts/subjects.js';
import type { ChannelRow, IncidentRow, Page, ReportScheduleRow, ResetHalf, RuleTrialView, SuppressionRow, TicketDetail, TokenCreated, TotpEnrolment } from '../model/api.js';
import { ROUTES, type RouteName } from '../model/permissions.js';
import { PASSWORD, REGISTRY, alertOf, startConsole, type Client } from './harness.js';
import { NO_POSTGRES, startPostgres } from './store/postgres-server.js';

/** What a person keeps for themselves, and a question that is asked by POST: nothing that the log is about. */
const UNLOGGED: RouteName[] = ['POST /api/suppressions/preview', 'POST /api/filters', 'DELETE /api/filters/:id', 'POST /api/notices/read'];
/** What changes by itself. */
const RESTLESS = ['audit', 'node', 'counter', 'schema_version', 'alert_search'];

/** Another hand on the store: lets every entry of the audit log fail, and tells all that stands in it. */
interface Hand { failing(on: boolean): Promise<void>; all(): Promise<string>; entries(): Promise<{ seq: number; action: string; outcome: string }[]>; close(): Promise<void> }
const told = (table: string, rows: object[]): string => `${table} ${rows.map((r) => JSON.stringify({ ...r, seen: 0, tokens: 0 })).sort().join('\n')}\n`;
function sqliteHand(file: string): Hand {
  const db = new Database(file);
  const rows = <T>(text: string): T[] => db.prepare(text).all() as T[];
  return {
    async failing(on) {
      // Never waits for the lock inside SQLite: a transaction of the console, which runs on this very thread, could not end meanwhile.
      const end = Date.now() + 30_000;
      for (;;) {
        try { db.exec('begin immediate'); break; } catch (error) {
          if ((error as { code?: string }).code !== 'SQLITE_BUSY' || Date.now() > end) throw error;
          await delay(5);
        }
      }
      db.exec(`${on ? "create trigger audit_fails before insert on audit begin select raise(abort, 'the disk is full'); end" : 'drop trigger audit_fails'}; commit`);
    },
    all: async () => rows<{ name: string }>("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like 'alert_search%' and name not like 'alert_term%'").filter(({ name }) => !RESTLESS.includes(name)).map(({ name }) => told(name, rows(`select * from ${name}`))).join(''),
    entries: async () => rows('select seq, action, outcome from audit order by seq'),
    close: async () => { db.close(); },
  };
}
async function postgresHand(url: string): Promise<Hand> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  const rows = async <T>(text: string): Promise<T[]> => (await db.query(text)).rows as T[];
  await db.query(`create function audit_fails() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$`);
  return {
    failing: async (on) => { await db.query(on ? 'create trigger audit_fails before insert on audit execute function audit_fails()' : 'drop trigger audit_fails on audit'); },
    async all() {
      let text = '';
      for (const { name } of await rows<{ name: string }>('select tablename as name from pg_tables where schemaname = current_schema() order by 1')) if (!RESTLESS.includes(name)) text += told(name, await rows(`select * from ${name}`));
      return text;
    },
    entries: () => rows('select seq, action, outcome from audit order by seq'),
    close: () => db.end(),
  };
}

async function every(t: Test, database?: string): Promise<void> {
  const h = await startConsole({ ...(database ? { database } : {}), outbound: { allow: ['127.0.0.0/8'] } });
  const hand = database ? await postgresHand(database) : sqliteHand(join(h.dir, 'data/console.db'));
  t.teardown(async () => { await hand.close(); await h.stop(); });
  await h.useRegistry();
  const seen = new Set<string>();

  /**
   * Makes a change twice: while the log cannot be written it is refused and leaves nothing behind, then it is done with
   * one entry. @param outside what it does lies outside the store
   */
  async function change<T>(name: RouteName, ask: () => Promise<{ status: number; body: T }>, outside = false): Promise<T> {
    seen.add(name);
    const before = await hand.all();
    const count = (await hand.entries()).length;
    await hand.failing(true);
    const failed = await ask();
    await hand.failing(false);
    t.equal(failed.status, 500, `${name}: refused without its entry`);
    t.equal(await hand.all(), before, `${name}: and undone`);
    const done = await ask();
    t.ok(done.status < 400, `${name}: ${done.status} ${done.status < 400 ? '' : JSON.stringify(done.body)}`);
    t.same((await hand.entries()).slice(count).map((e) => [e.action, e.outcome]), [[name, 'done']], `${name}: one entry`);
    if (!outside) t.not(await hand.all(), before, `${name}: changed something`);
    return done.body;
  }
  const call = <T = Record<string, unknown>>(who: Client, name: RouteName, params: string[] = [], body?: object, outside = false): Promise<T> => {
    const [method, path] = name.split(' ');
    let n = 0;
    const url = path.replace(/:\w+/g, () => encodeURIComponent(params[n++]));
    return change<T>(name, () => who.call<T>(method, url, body), outside);
  };
  const open = <T = Record<string, unknown>>(name: RouteName, payload: object): Promise<T> => change<T>(name, async () => {
    const r = await h.console.app.inject({ method: 'POST', url: name.split(' ')[1], payload });
    return { status: r.statusCode, body: (r.body === '' ? undefined : r.json()) as T };
  });

  await open('POST /api/setup', { code: h.code, account: 'chief', name: '主管', password: PASSWORD });
  const [ana, ben, sys, sec] = [await h.person('ana', ['analyst']), await h.person('ben', ['operator']), await h.person('sys', ['system_admin']), await h.person('sec', ['security_admin'])];
  const wu = await h.person('wu', ['unit_handler'], 'wuhan');
  const pcap = Buffer.from('d4c3b2a102000400000000000000000000000000', 'hex');
  await h.send(alertOf({ id: 'a-1', verdict: 'succeeded', evidence: [{ id: 'ev-1', sha256: createHash('sha256').update(pcap).digest('hex'), bytes: pcap.length, packets: 1 }] }));
  await h.send(alertOf({ id: 'a-2', victim: { ip: '10.2.0.9' } }));
  await h.send(alertOf({ id: 'd-1', demo: true }));
  await h.evidence('ev-1', 'a-1', pcap);
  await h.until(() => h.console.context.counters().alerts === 3 && h.console.context.counters().evidence === 1, 'ingest');

  await open('POST /api/login', { account: 'ana', password: PASSWORD });
  const other = await h.client('ana');
  await call(ana, 'DELETE /api/sessions/:id', [(await other.call<{ id: string; current: boolean }[]>('GET', '/api/sessions')).body.find((s) => s.current)?.id ?? '']);
  await call(await h.client('ana'), 'POST /api/logout', [], {});

  await h.bus.publish(subjects.health('analyzer', 'an-1'), Buffer.from(JSON.stringify({ role: 'analyzer', id: 'an-1', version: '1.0', state: 'running', reasons: [], startedAt: new Date().toISOString(), at: new Date().toISOString(), counters: {}, gauges: {} })));
  const analyzer = await h.bus.respond(subjects.command('analyzer', 'try-rule-an-1'), (m) => Buffer.from(JSON.stringify({ ok: true, captures: decodeTrial(m.data)!.captures.map(({ id }) => ({ id, packets: 1, more: 0, alerts: [] })) })));
  await h.until(async () => (await ana.call<{ id: string }[]>('GET', '/api/nodes')).body.some((n) => n.id === 'an-1'), 'the analyzer');
  const trial = await call<RuleTrialView>(ana, 'POST /api/rule-trials', [], { rule: 'id: new-rule', captures: 10 }, true);
  await h.until(async () => (await ana.call<RuleTrialView>('GET', `/api/rule-trials/${trial.id}`)).body.state !== 'running', 'the trial');
  await call(ana, 'DELETE /api/rule-trials/:id', [trial.id], undefined, true);
  await analyzer.close();

  const soon = new Date(h.clock.now() + 86_400_000).toISOString();
  const hiding = await call<SuppressionRow>(ana, 'POST /api/suppressions', [], { match: { rule: 'sqli-union', source: '198.51.100.0/24' }, reason: '委托扫描', expires: soon });
  await call(ana, 'DELETE /api/suppressions/:id', [hiding.id]);

  const incidents = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents?demo=false')).body.items;
  const [one, two] = [incidents.find((i) => i.verdict === 'succeeded')!, incidents.find((i) => i.verdict !== 'succeeded')!];
  await call(ana, 'POST /api/incidents/:id/actions', [one.id], { version: one.version, action: 'assign', owner: 'me' });
  await call(ana, 'POST /api/incidents/actions', [], { items: [{ id: two.id, version: two.version }], action: 'confirm' });
  await call(ana, 'POST /api/incidents/:id/comments', [one.id], { text: '已电话通知' });

  const draft = await call<TicketDetail>(ana, 'POST /api/tickets', [], { incident: one.id });
  const edited = await call<TicketDetail>(ana, 'PATCH /api/tickets/:id', [draft.id], { version: draft.version, copies: '省委网信办' });
  await call(ana, 'POST /api/tickets/actions', [], { items: [{ id: draft.id, version: edited.version }], action: 'submit' });
  await call(ben, 'POST /api/tickets/:id/actions', [draft.id], { version: edited.version + 1, action: 'approve' });
  await call(wu, 'POST /api/tickets/:id/comments', [draft.id], { text: '收到' });
  await change('POST /api/tickets/:id/attachments', async () => {
    const r = await h.console.app.inject({ method: 'POST', url: `/api/tickets/${draft.id}/attachments`, headers: { cookie: wu.cookie, 'x-sw-csrf': wu.session.csrf, 'content-type': 'multipart/form-data; boundary=x-x' }, payload: '--x-x\r\nContent-Disposition: form-data; name="file"; filename="r.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4 x\r\n--x-x--\r\n' });
    return { status: r.statusCode, body: r.json() };
  });

  const form = { name: '日报', kind: 'daily', formats: ['html'], at: 480, enabled: true };
  const schedule = await call<ReportScheduleRow>(ana, 'POST /api/report-schedules', [], form);
  await call(ana, 'PUT /api/report-schedules/:id', [schedule.id], { ...form, at: 500 });
  await call(ana, 'DELETE /api/report-schedules/:id', [schedule.id]);

  const { body: held } = await sec.call<{ settings: { head: string }; version: number }>('GET', '/api/settings/remediation');
  await call(sec, 'PUT /api/settings/remediation', [], { version: held.version, settings: { ...held.settings, head: '网络安全通报' } });
  const file = { name: 'EVE', kind: 'eve_file', enabled: false, events: ['alert'], target: { file: 'eve.json' } };
  const channel = await call<ChannelRow>(sec, 'POST /api/channels', [], file);
  await call(sec, 'PUT /api/channels/:id', [channel.id], { ...file, events: ['incident'] });
  await call(sec, 'POST /api/channels/:id/test', [channel.id], {}, true);
  await call(sec, 'DELETE /api/channels/:id', [channel.id]);

  const user = await call<{ id: string }>(sys, 'POST /api/users', [], { account: 'zhou', name: '周', password: 'First-Pass-99' });
  await call(sys, 'PATCH /api/users/:id', [user.id], { name: '周工', unit: 'yichang' });
  await call(sec, 'PUT /api/users/:id/roles', [user.id], { roles: ['operator'] });
  await h.client('zhou', 'First-Pass-99');
  await call(sec, 'DELETE /api/users/:id/sessions', [user.id]);
  const first = await call<ResetHalf>(sys, 'POST /api/users/:id/reset', [user.id], {});
  const second = await call<ResetHalf>(sec, 'POST /api/resets/:id/approve', [first.id], {});
  await open('POST /api/reset', { account: 'zhou', code: first.half, code2: second.half, password: 'Other-Tower-77' });
  const zhou = await h.client('zhou', 'Other-Tower-77');
  await call(zhou, 'POST /api/password', [], { current: 'Other-Tower-77', next: 'Third-Tower-78' });
  const { secret } = await call<TotpEnrolment>(zhou, 'POST /api/totp', [], { password: 'Third-Tower-78' });
  const code = (): string => generateSync({ secret, epoch: Math.floor(h.clock.now() / 1000) });
  await call(zhou, 'POST /api/totp/confirm', [], { code: code() });
  h.advance(61_000);
  await call(zhou, 'DELETE /api/totp', [], { password: 'Third-Tower-78', code: code() });
  const token = await call<TokenCreated>(zhou, 'POST /api/tokens', [], { name: 'siem', scopes: ['alert.read'], expires: soon });
  await call(zhou, 'DELETE /api/tokens/:id', [token.id]);
  await call(sys, 'DELETE /api/users/:id/totp', [user.id]);

  await call(sys, 'PUT /api/units/:id', ['xiaogan'], { zh: '孝感市', en: 'Xiaogan', parent: 'hubei' });
  await call(sys, 'PUT /api/systems/:id', ['xgweb'], { zh: '孝感门户', en: 'Xiaogan portal', unit: 'xiaogan', ranges: ['10.3.0.0/16'] });
  await call(sys, 'DELETE /api/systems/:id', ['xgweb']);
  await call(sys, 'DELETE /api/units/:id', ['xiaogan']);
  await call(sys, 'PUT /api/registry', [], { format: 'yaml', text: JSON.stringify(REGISTRY) });
  await call(sys, 'PUT /api/retention', [], { policy: { alerts: 200, evidence: 200, incidents: 1100, automatic: false } });
  h.advance(400 * 86_400_000);
  const late = await h.client('sys');
  await call(late, 'POST /api/retention/runs', [], { dryRun: false });
  await call(late, 'POST /api/backups', [], {}, true);
  await h.send(alertOf({ id: 'd-2', demo: true, last_seen: new Date(h.clock.now()).toISOString() }));
  await h.until(() => h.console.context.counters().alerts === 4, 'a demonstration');
  await call(late, 'DELETE /api/demo');

  t.same((Object.keys(ROUTES) as RouteName[]).filter((n) => !n.startsWith('GET ') && !seen.has(n)), UNLOGGED, 'no other route changes anything');
  t.match(await h.console.context.store.audit.verify(), { intact: true });
}

t.test('SQLite: a change and its entry in the audit log stand or fall together', (t) => every(t));
t.test('PostgreSQL: a change and its entry in the audit log stand or fall together', { skip: NO_POSTGRES }, async (t) => {
  const server = await startPostgres();
  t.teardown(() => server.stop());
  await every(t, server.url);
});
