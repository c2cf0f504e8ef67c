import { createHash, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'nats';
import t, { type Test } from 'tap';
import { CSRF_HEADER, type AlertCounts, type AuditRow, type ChannelRow, type IncidentRow, type NoticeRow, type Page, type SessionView, type TicketDetail } from '../console/model/api.js';
import { TICKET_MACHINE, type TicketAction, type TicketState } from '../console/model/ticket.js';
import { REGISTRY, alertOf } from '../console/server/harness.js';
import { NO_POSTGRES, startPostgres } from '../console/server/store/postgres-server.js';
import { freePort, startNatsServer } from '../runtime/bus/nats-server.js';
import { subjects } from '../contracts/subjects.js';
import { Site, until, type Running } from './harness.js';

/** People work on tickets and alerts come in while their console is killed with -9 at moments that nobody chose; another program hears of it all. */
const KILLS = 4;
const WORKERS = 3;
const PASSWORD = 'Vigil-Tower-42';
type Answer<T> = { status: number; body: T } | undefined;

/** Somebody at a browser. A request that gets no answer gives undefined: nobody knows what became of it. */
class Person {
  constructor(private readonly base: string, readonly account: string, private cookie = '', private csrf = '') {}
  async send(method: string, path: string, body?: BodyInit, type?: string): Promise<{ status: number; bytes: Buffer; cookie?: string } | undefined> {
    try {
      const r = await fetch(this.base + path, { method, headers: { cookie: this.cookie, [CSRF_HEADER]: this.csrf, ...(type ? { 'content-type': type } : {}) }, ...(body === undefined ? {} : { body }), signal: AbortSignal.timeout(20_000) });
      return { status: r.status, bytes: Buffer.from(await r.arrayBuffer()), cookie: r.headers.getSetCookie()[0]?.split(';')[0] };
    } catch {
      return undefined;
    }
  }
  async call<T>(method: string, path: string, body?: object): Promise<Answer<T>> {
    const r = await this.send(method, path, body && JSON.stringify(body), body && 'application/json');
    return r && { status: r.status, body: (r.bytes.length > 0 && r.bytes[0] === 0x7b || r.bytes[0] === 0x5b ? JSON.parse(r.bytes.toString()) : undefined) as T };
  }
  async get<T>(path: string): Promise<T> {
    const r = await this.call<T>('GET', path);
    if (r?.status !== 200) throw new Error(`${path}: ${r?.status} ${JSON.stringify(r?.body)}`);
    return r.body;
  }
  async enter(path: string, body: object): Promise<void> {
    const r = await this.send('POST', path, JSON.stringify(body), 'application/json');
    if (r?.status !== 200) throw new Error(`${path}: ${r?.status} ${r?.bytes.toString()}`);
    this.cookie = r.cookie ?? this.cookie;
    this.csrf = (JSON.parse(r.bytes.toString()) as SessionView).csrf ?? this.csrf;
  }
}

/** Another program that is told by webhook; it knows a second try by its key. */
async function listener() {
  const heard = new Map<string, { event: string; id: string; facts: { kind?: string; ticket?: string } }>();
  const faults: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => { /* the console was killed while it spoke */ });
    request.on('data', (c: Buffer) => chunks.push(c));
    request.on('end', () => {
      const key = String(request.headers['idempotency-key']);
      const m = JSON.parse(Buffer.concat(chunks).toString()) as { event: string; id: string; facts: { kind?: string; ticket?: string } };
      const before = heard.get(key);
      if (before && (before.event !== m.event || before.id !== m.id)) faults.push(`${key} was ${before.event} ${before.id}, then ${m.event} ${m.id}`);
      heard.set(key, m);
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { heard, faults, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, stop: (): void => { server.close(); server.closeAllConnections(); } };
}

/** What was acknowledged to somebody's browser. */
interface Ledger { ticket: string; steps: Map<number, string>; files: string[]; comments: string[] }

async function work(t: Test, database?: string): Promise<void> {
  const nats = await startNatsServer();
  const site = new Site(nats.url);
  const siem = await listener();
  t.teardown(async () => { await site.stop(); await nats.stop(); siem.stop(); });
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  // A quiet window of a second, so that tickets are closed, too.
  const config = site.yaml('console.yaml', { bus: { url: nats.url }, console: { listen: { port }, dataDir: join(site.dir, 'console'), registry: site.yaml('registry.yaml', REGISTRY), incident: { quietDays: 1 / 86_400 }, outbound: { allow: ['127.0.0.0/8'] }, ...(database ? { database } : {}) } });
  let running: Running;
  const start = async (): Promise<Running> => {
    const p = site.run(['console', '--config', config]);
    await p.said(/Console: (\S+)/);
    return p;
  };
  running = await start();
  const chief = new Person(base, 'chief');
  await chief.enter('/api/setup', { code: (await running.said(/administrator.*: (\S+)/))[1], account: 'chief', name: '主管', password: PASSWORD });
  const person = async (account: string, roles: string[], unit?: string): Promise<Person> => {
    const made = await chief.call<{ id: string }>('POST', '/api/users', { account, name: account, password: 'First-Pass-99', ...(unit ? { unit } : {}) });
    await chief.call('PUT', `/api/users/${made?.body.id}/roles`, { roles });
    const p = new Person(base, account);
    await p.enter('/api/login', { account, password: 'First-Pass-99' });
    await p.enter('/api/password', { current: 'First-Pass-99', next: PASSWORD });
    return p;
  };
  const [ben, wu, aud] = [await person('ben', ['operator']), await person('wu', ['unit_handler'], 'wuhan'), await person('aud', ['auditor'])];
  t.equal((await chief.call('POST', '/api/channels', { name: 'siem', kind: 'webhook', enabled: true, events: ['alert', 'ticket', 'notice'], target: { url: siem.url } }))?.status, 201);
  const link = await connect({ servers: nats.url });
  for (let n = 0; n < WORKERS * 4; n++) await link.jetstream().publish(subjects.alert('high', 'wuhan'), Buffer.from(JSON.stringify(alertOf({ id: `k-${n}`, verdict: 'succeeded', victim: { ip: `10.1.0.${n + 1}` } }))));
  const incidents = await until('the incidents', async () => { const { items } = await chief.get<Page<IncidentRow>>('/api/incidents'); return items.length === WORKERS * 4 && items.map((i) => i.id); });

  let fed = 0;
  /** Alerts keep coming, whether the console is there or not. */
  async function feed(): Promise<void> {
    for (; !over; fed++) {
      await link.jetstream().publish(subjects.alert('high', 'yichang'), Buffer.from(JSON.stringify(alertOf({ id: `f-${fed}`, victim: { ip: '10.2.0.9' } }))));
      await sleep(10);
    }
  }
  const ledgers: Ledger[] = [];
  let over = false;
  const unknown = { asked: 0, answered: 0 };
  const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;
  const feedback = { genuine: true, responsible: '吴', phone: '1', cause: 'c', measures: 'm', completedAt: '2026-01-01' };

  async function attach(book: Ledger, who: Person): Promise<void> {
    const bytes = Buffer.concat([Buffer.from('%PDF-1.4 '), randomBytes(2_000 + Math.floor(Math.random() * 60_000))]);
    const form = new FormData();
    form.set('file', new File([bytes], 'retest.pdf', { type: 'application/pdf' }));
    const r = await who.send('POST', `/api/tickets/${book.ticket}/attachments`, form);
    if (r?.status === 201) book.files.push(createHash('sha256').update(bytes).digest('hex'));
  }
  /** What somebody would do next with a ticket in this state. */
  function next(d: TicketDetail): [Person, TicketAction, object?] | 'edit' | undefined {
    const reason = { reason: 'r' };
    switch (d.state) {
      case 'draft': return pick<[Person, TicketAction] | 'edit'>([[chief, 'submit'], [chief, 'submit'], 'edit']);
      case 'review': return pick<[Person, TicketAction, object?]>([[ben, 'approve'], [ben, 'approve'], [ben, 'send_back', reason]]);
      case 'issued': return pick<[Person, TicketAction, object?]>([[wu, 'acknowledge', { signer: '吴' }], [ben, 'remind']]);
      case 'acknowledged': return pick<[Person, TicketAction, object?]>([[wu, 'contain', reason], [wu, 'appeal', reason], [wu, 'give_feedback', { feedback }]]);
      case 'appealed': return [chief, 'refuse_appeal', reason];
      case 'contained': case 'returned': return [wu, 'give_feedback', { feedback }];
      case 'feedback': return pick<[Person, TicketAction, object?]>([[ben, 'verify'], [ben, 'verify'], [ben, 'return', reason]]);
      case 'verifying': return [ben, 'pass', { verification: { method: 'retest', result: 'shut' } }];
      case 'watching': return [ben, 'close'];
      case 'closed': return [ben, 'reopen', reason];
      case 'withdrawn': return undefined;
    }
  }
  async function worker(n: number): Promise<void> {
    for (let round = 0; !over; round++) {
      const incident = incidents[(n * 4 + round) % incidents.length]!;
      const made = await chief.call<TicketDetail>('POST', '/api/tickets', { incident });
      if (made?.status !== 201) { await sleep(30); continue; }
      const book: Ledger = { ticket: made.body.id, steps: new Map(), files: [], comments: [] };
      ledgers.push(book);
      let d = made.body;
      for (let i = 0; i < 40 && !over; i++) {
        if (Math.random() < 0.15) await attach(book, pick([chief, ben]));
        if (Math.random() < 0.1) {
          const text = `c-${ledgers.length}-${i}-${n}`;
          if ((await ben.call('POST', `/api/tickets/${book.ticket}/comments`, { text }))?.status === 201) book.comments.push(text);
        }
        const what = next(d);
        if (!what) break;
        unknown.asked++;
        const done = what === 'edit' ? await chief.call<TicketDetail>('PATCH', `/api/tickets/${book.ticket}`, { version: d.version, copies: `c${i}` })
          : await what[0].call<TicketDetail>('POST', `/api/tickets/${book.ticket}/actions`, { version: d.version, action: what[1], ...what[2] });
        if (done) unknown.answered++;
        if (done?.status === 200) book.steps.set(done.body.version, what === 'edit' ? 'edit' : what[1]);
        // Of what had no answer, or was refused, the ticket itself says how it stands.
        if (done?.status === 422 && d.state === 'verifying') await attach(book, ben);
        if (done?.status === 422 && d.state === 'watching') await sleep(300);
        const seen = done?.status === 200 ? done.body : (await chief.call<TicketDetail>('GET', `/api/tickets/${book.ticket}`))?.body;
        if (seen?.version === undefined) { await sleep(40); i--; } else d = seen;
      }
    }
  }

  /** Nothing acknowledged is gone, nothing is half-done. */
  async function check(): Promise<void> {
    const notices = new Map<string, number>();
    for (let cursor = ''; ;) {
      const page: Page<NoticeRow> = await wu.get(`/api/notices?limit=200${cursor}`);
      for (const n of page.items) if (n.kind === 'issued') notices.set(n.ticket as string, (notices.get(n.ticket as string) ?? 0) + 1);
      if (!page.next) break;
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
    const faults: string[] = [];
    const numbers: number[] = [];
    const states = new Map<string, TicketState[]>();
    for (const book of ledgers) {
      const d: TicketDetail = await chief.get(`/api/tickets/${book.ticket}`);
      const fault = (text: string): void => { faults.push(`${book.ticket} ${text}: ${d.history.map((h) => h.action).join(' ')}`); };
      const steps = d.history.filter((h) => h.to !== undefined && h.action !== 'create');
      if (steps.length !== d.version - 1) fault(`version ${d.version} after ${steps.length} steps`);
      let state: string = 'draft';
      for (const s of steps) {
        const rule = TICKET_MACHINE.actions[s.action as TicketAction];
        if (s.from !== state || (s.action === 'edit' || s.action === 'overdue' ? s.to !== state : !rule.from.includes(state as TicketState) || s.to !== (rule.to === '*' ? state : rule.to))) fault(`${s.from} ${s.action} ${s.to} after ${state}`);
        state = s.to as string;
      }
      if (state !== d.state) fault(`is ${d.state}, its steps say ${state}`);
      for (const [version, action] of book.steps) if (steps[version - 2]?.action !== action) fault(`${action} was acknowledged as version ${version}`);
      const count = (action: string): number => steps.filter((s) => s.action === action).length;
      if ((d.rounds?.length ?? 0) !== count('reopen')) fault(`${d.rounds?.length ?? 0} rounds kept`);
      if ((notices.get(d.id) ?? 0) !== count('approve')) fault(`the unit was told ${notices.get(d.id) ?? 0} times of ${count('approve')}`);
      if ((d.number !== undefined) !== count('approve') > 0) fault(`number ${d.number}`);
      if (d.number) numbers.push(Number(/(\d+)号$/.exec(d.number)?.[1]));
      if (d.history.filter((h) => h.action === 'attach').length !== d.attachments.length) fault('attachments and their steps differ');
      for (const sha of book.files) if (!d.attachments.some((a) => a.sha256 === sha)) fault(`attachment ${sha} was acknowledged`);
      for (const text of book.comments) if (!d.history.some((h) => h.action === 'comment' && h.text === text)) fault(`comment ${text} was acknowledged`);
      for (const a of d.attachments) {
        const file = await chief.send('GET', a.href);
        if (createHash('sha256').update(file!.bytes).digest('hex') !== a.sha256) fault(`attachment ${a.id} has other bytes`);
      }
      states.set(d.incident, [...(states.get(d.incident) ?? []), d.state]);
    }
    for (const [id, of] of states) {
      const { state } = await chief.get<IncidentRow>(`/api/incidents/${id}`);
      const issued = of.filter((s) => s !== 'draft' && s !== 'review');
      if (issued.some((s) => s !== 'closed') && state !== 'remediation') faults.push(`incident ${id} is ${state}, its tickets ${of.join(' ')}`);
      if (of.every((s) => s === 'closed') && state !== 'closed') faults.push(`incident ${id} is ${state}, all its tickets are closed`);
    }
    numbers.sort((a, b) => a - b);
    // A ticket whose creation had no answer is in nobody's ledger, but is never issued either.
    if (numbers.some((n, i) => n !== i + 1)) faults.push(`numbers ${numbers.join(' ')}`);
    t.same(faults, []);
  }

  for (let kill = 0; kill < KILLS; kill++) {
    over = false;
    const working = [feed(), ...Array.from({ length: WORKERS }, (_, n) => worker(n))];
    // Not by the clock alone: on a busy machine a second is little.
    const enough = unknown.answered + 8 + Math.floor(Math.random() * 16);
    await until('work', () => unknown.answered >= enough, 60_000);
    await sleep(Math.random() * 60);
    await running.kill('SIGKILL');
    over = true;
    await Promise.all(working);
    running = await start();
    await check();
  }
  t.comment(`${ledgers.length} tickets, ${unknown.answered} of ${unknown.asked} steps answered`);
  t.ok(ledgers.reduce((n, b) => n + b.steps.size, 0) > 40 && ledgers.some((b) => b.files.length > 0), 'people got something done');

  // Whoever is told by webhook has heard of every alert, of every step of a bulletin that is out, and of every notice: once each, by its key.
  const stored = WORKERS * 4 + fed;
  await until('the alerts', async () => (await chief.get<AlertCounts>('/api/alerts/counts')).total === stored);
  await until('the deliveries', async () => (await chief.get<ChannelRow[]>('/api/channels')).every((c) => c.waiting === 0), 60_000);
  await link.close();
  const heard = [...siem.heard.values()];
  const count = (test: (m: (typeof heard)[number]) => boolean): number => heard.filter(test).length;
  const alerts = new Set(heard.filter((m) => m.event === 'alert').map((m) => m.id));
  t.same([alerts.size, count((m) => m.event === 'alert')], [stored, stored], 'alerts');
  for (const book of ledgers) {
    const d: TicketDetail = await chief.get(`/api/tickets/${book.ticket}`);
    const steps = d.history.filter((h) => h.to !== undefined && h.action !== 'create').map((h) => h.action);
    const out = steps.indexOf('approve');
    t.same([count((m) => m.event === 'ticket' && m.id === d.id), count((m) => m.facts.kind === 'issued' && m.facts.ticket === d.id)], [out < 0 ? 0 : steps.length - out, steps.filter((a) => a === 'approve').length], `deliveries of ${steps.join(' ')}`);
  }
  t.same(siem.faults, []);
  t.comment(`${fed} alerts fed, ${heard.length} deliveries`);

  // Every step of a person is in the log once, and the log is whole.
  const audit = (await aud.send('GET', '/api/audit/export'))!.bytes;
  writeFileSync(join(site.dir, 'audit.ndjson'), audit);
  t.match(spawnSync(process.execPath, [resolve('dist/cli/main.js'), 'verify', join(site.dir, 'audit.ndjson')], { encoding: 'utf8' }), { status: 0, stdout: /Sound/ });
  const entries = audit.toString().trim().split('\n').map((l) => JSON.parse(l) as AuditRow & { details_json: string | null });
  for (const book of ledgers) {
    const d: TicketDetail = await chief.get(`/api/tickets/${book.ticket}`);
    const logged = entries.filter((e) => e.object === book.ticket && e.action === 'POST /api/tickets/:id/actions' && e.outcome === 'done').map((e) => (JSON.parse(e.details_json ?? '{}') as { action: string }).action);
    t.same(logged, d.history.filter((h) => h.to !== undefined && h.by && !['create', 'edit'].includes(h.action)).map((h) => h.action), 'the steps and the log say the same');
  }
}

t.setTimeout(400_000);
t.test('SQLite', { timeout: 180_000 }, (t) => work(t));
t.test('PostgreSQL', { timeout: 200_000, skip: NO_POSTGRES }, async (t) => {
  const server = await startPostgres();
  t.teardown(() => server.stop());
  await work(t, server.url);
});
