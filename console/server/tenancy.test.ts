import { createHash } from 'node:crypto';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { subjects } from '../../contracts/subjects.js';
import type { IncidentRow, LiveFrame, Page, RuleTrialView, SessionView, TicketDetail } from '../model/api.js';
import { ROUTES, type RouteName, type RouteRule } from '../model/permissions.js';
import { alertOf, startConsole, type Client } from './harness.js';

/** What the walk over all routes in console.test.ts does not see: children of records, answers that differ, what outlives a change of unit. */
const UNIT_ROLES = ['unit_handler', 'operator', 'analyst'] as const;

async function furnished(t: Test) {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const [ana, sys] = [await h.person('ana', ['analyst']), await h.person('sys', ['system_admin'])];
  const pcap = Buffer.from('d4c3b2a102000400000000000000000000000400010000000000000000000000040000000400000041414141', 'hex');
  await h.send(alertOf({ id: 'w-1', verdict: 'succeeded', attacker: { ip: '198.51.100.77' }, victim: { ip: '10.1.9.5' }, evidence: [{ id: 'ev-w', sha256: createHash('sha256').update(pcap).digest('hex'), bytes: pcap.length, packets: 1 }] }));
  await h.evidence('ev-w', 'w-1', pcap);
  await h.until(() => h.console.context.counters().alerts === 1 && h.console.context.counters().evidence === 1, 'ingest');
  const incident = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items[0];
  const ticket = (await ana.call<TicketDetail>('POST', '/api/tickets', { incident: incident.id })).body.id;
  const { context } = h.console;
  await context.store.tickets.attach({ id: 'att-w', ticket, name: 'x.pcap', bytes: pcap.length, sha256: await context.files.put(pcap), type: 'text/plain', by: 'u-ana', at: 1 }, { at: 1, by: 'u-ana', action: 'attach', from_state: null, to_state: null, text: null });
  const issue = (): Promise<unknown> => context.store.tickets.decide(ticket, 1, { state: 'issued', issued: 1 }, { at: 1, by: null, action: 'approve', from_state: null, to_state: null, text: null });
  return { h, ana, sys, context, incident, ticket, issue };
}

t.test('another unit\'s record is answered like one that does not exist', async (t) => {
  const { h, ana, incident, ticket, issue } = await furnished(t);
  const yi = await h.person('yi', [...UNIT_ROLES], 'yichang');
  await issue();
  const schedule = (await ana.call<{ id: string }>('POST', '/api/report-schedules', { name: 's', kind: 'daily', formats: ['html'], at: 1, enabled: true, unit: 'jianghan' })).body.id;
  const hiding = (await ana.call<{ id: string }>('POST', '/api/suppressions', { match: { unit: 'jianghan', rule: 'x' }, reason: 'r', expires: new Date(h.clock.now() + 86_400_000).toISOString() })).body.id;
  await h.console.context.store.figures.putFile({ id: 'rpt-w', name: 'x', kind: 'daily', format: 'html', from_at: 0, to_at: 1, at: 1, bytes: 1, sha256: 'a'.repeat(64), unit: 'jianghan' });
  const ids: Record<string, string> = { alerts: 'w-1', evidence: 'ev-w', incidents: incident.id, campaigns: incident.campaign?.id ?? '', tickets: ticket, attachments: 'att-w', 'report-archive': 'rpt-w', 'report-schedules': schedule, suppressions: hiding, 'rule-trials': 'try-x' };
  const bodies: Partial<Record<RouteName, object>> = {
    'POST /api/incidents/:id/actions': { version: 1, action: 'confirm' }, 'POST /api/incidents/:id/comments': { text: 'x' }, 'PATCH /api/tickets/:id': { version: 2, title: 'x' },
    'POST /api/tickets/:id/actions': { version: 2, action: 'remind' }, 'POST /api/tickets/:id/comments': { text: 'x' }, 'PUT /api/report-schedules/:id': { name: 'x', kind: 'daily', formats: ['html'], at: 1, enabled: true },
  };
  const ask = async (who: Client, name: RouteName, id: string, headers: Record<string, string> = {}) => {
    const [method, path] = name.split(' ');
    const r = await who.call(method, path.replace(':id', id).replace(':number', '1') + (path.endsWith('/stream') ? '?stream=0' : path.endsWith('/document') ? '?format=pdf' : ''), bodies[name], headers);
    return { status: r.status, text: r.raw.toString(), length: r.headers['content-length'], etag: r.headers.etag };
  };
  let asked = 0;
  for (const [name, rule] of Object.entries(ROUTES) as [RouteName, RouteRule][]) {
    const kind = name.split('/')[2];
    if (rule.scope !== 'units' || !name.includes(':id')) continue;
    asked++;
    t.ok(ids[kind], `${name}: something to ask for`);
    const [theirs, nothing] = [await ask(yi, name, ids[kind]), await ask(yi, name, ids[kind].replace(/.$/, '~'))];
    t.same(theirs, nothing, `${name}: ${theirs.status}`);
    if (!name.startsWith('GET')) continue;
    // Nothing is told by a condition or by the length of an answer either.
    t.equal((await ask(yi, name, ids[kind], { 'if-none-match': '*', 'if-modified-since': new Date().toUTCString() })).status, theirs.status);
    const head = (id: string) => h.console.app.inject({ method: 'HEAD', url: name.slice(4).replace(':id', id).replace(':number', '1'), headers: { cookie: yi.cookie } }).then((r) => [r.statusCode, r.headers['content-length']]);
    t.same(await head(ids[kind]), await head(ids[kind].replace(/.$/, '~')), `HEAD ${name}`);
    // And to whom it concerns it is not kept anywhere.
    const mine = await ana.call('GET', name.slice(4).replace(':id', ids[kind]).replace(':number', '1'));
    t.same([mine.headers['cache-control'], mine.headers.etag], ['no-store', undefined], name);
  }
  t.ok(asked > 20);

  // Where a unit or a system is named: another's like one that is not in the registry.
  const mine = (await h.console.context.store.incidents.list({ all: true }, {})).rows.length;
  await h.send(alertOf({ id: 'y-1', victim: { ip: '10.2.0.9' } }));
  await h.until(async () => (await yi.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items.length === mine, 'an incident of its own');
  const own = (await yi.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items[0].id;
  const soon = new Date(h.clock.now() + 86_400_000).toISOString();
  const naming: [string, string, (unit: string, system: string) => object | undefined, (unit: string) => string][] = [
    ['POST', '/api/tickets', (unit) => ({ incident: own, unit }), () => ''], ['POST', '/api/report-schedules', (unit) => ({ name: 'x', kind: 'daily', formats: ['html'], at: 1, enabled: true, unit }), () => ''],
    ['POST', '/api/suppressions/preview', (unit) => ({ match: { unit } }), () => ''], ['POST', '/api/suppressions', (_, system) => ({ match: { system }, reason: 'r', expires: soon }), () => ''],
    ['GET', '/api/reports', () => undefined, (unit) => `?kind=daily&unit=${unit}`], ['GET', '/api/alerts', () => undefined, (unit) => `?unit=${unit}`], ['GET', '/api/alerts/counts', () => undefined, (unit) => `?unit=${unit}`],
    ['GET', '/api/tickets', () => undefined, (unit) => `?unit=${unit}`], ['GET', '/api/series', () => undefined, (unit) => `?measurement=alerts&field=count&aggregate=sum&from=0&to=3600000&interval=60000&unit=${unit}`],
  ];
  for (const [method, path, body, query] of naming) {
    const [theirs, nothing] = [await yi.call(method, path + query('wuhan'), body('wuhan', 'whoa')), await yi.call(method, path + query('nosuch'), body('nosuch', 'nosuch'))];
    t.same([theirs.status, theirs.raw.toString()], [nothing.status, nothing.raw.toString()], `${method} ${path}: ${theirs.status}`);
  }
});

t.test('a draft and what is attached to it are not the unit\'s yet', async (t) => {
  const { h, ticket, incident, issue } = await furnished(t);
  const jia = await h.person('jia', [...UNIT_ROLES], 'jianghan');
  const statuses = async () => [(await jia.call('GET', `/api/tickets/${ticket}`)).status, (await jia.call('GET', '/api/attachments/att-w')).status, (await jia.call('GET', `/api/tickets/${ticket}/document?format=docx`)).status];
  t.same(await statuses(), [404, 404, 404]);
  const row = async () => (await jia.call<IncidentRow>('GET', `/api/incidents/${incident.id}`)).body.tickets;
  t.equal(await row(), 0);
  await h.console.context.store.tickets.decide(ticket, 1, { state: 'withdrawn' }, { at: 1, by: null, action: 'withdraw', from_state: null, to_state: null, text: null });
  t.same([await statuses(), await row()], [[404, 404, 404], 0], 'nor when it was withdrawn before it went out');
  await h.console.context.store.tickets.decide(ticket, 2, { state: 'draft' }, { at: 1, by: null, action: 'x', from_state: null, to_state: null, text: null });
  await h.console.context.store.tickets.decide(ticket, 3, { state: 'issued', issued: 1 }, { at: 1, by: null, action: 'approve', from_state: null, to_state: null, text: null });
  t.same([await statuses(), await row()], [[200, 200, 200], 1]);
  void issue;
});

t.test('a change of unit, a revoked session and a logout take effect at once', async (t) => {
  const { h, sys, context, ticket, issue } = await furnished(t);
  await issue();
  let mo = await h.person('mo', [...UNIT_ROLES], 'jianghan');
  const connect = async (who: Client) => {
    const socket = new WebSocket(`${h.console.address.replace('http', 'ws')}/api/live`, { headers: { cookie: who.cookie } });
    const frames: LiveFrame[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(String(data)) as LiveFrame));
    await once(socket, 'open');
    await h.until(() => frames.length > 0, 'hello');
    return { socket, frames, closed: once(socket, 'close') };
  };
  await context.store.told({ notices: [{ id: 'ntc-1', user: 'u-mo', at: 1, kind: 'issued', ticket, incident: null, title: 'SECRET', number: null, text: null, read: 0 }], deliveries: [], refused: [] });
  await h.bus.publish(subjects.health('analyzer', 'an-1'), Buffer.from(JSON.stringify({ role: 'analyzer', id: 'an-1', version: '1.0', state: 'running', reasons: [], startedAt: new Date().toISOString(), at: new Date().toISOString(), counters: {}, gauges: {} })));
  await h.until(async () => (await context.store.nodes.list({ all: true })).some((n) => n.health.id === 'an-1'), 'the analyzer');
  const trial = (await mo.call<RuleTrialView>('POST', '/api/rule-trials', { rule: 'id: x', captures: 1 })).body;
  t.equal((await mo.call('GET', `/api/rule-trials/${trial.id}`)).status, 200);
  t.equal((await mo.call<SessionView>('GET', '/api/session')).body.unreadNotices, 1);
  const live = await connect(mo);
  await sys.call('PATCH', '/api/users/u-mo', { unit: 'yichang' });
  await live.closed;
  t.equal((await mo.call('GET', '/api/alerts')).status, 401, 'the session is over');
  mo = await h.client('mo');
  t.equal((await mo.call<SessionView>('GET', '/api/session')).body.unreadNotices, 0);
  t.same((await mo.call<Page<unknown>>('GET', '/api/notices')).body.items, []);
  t.equal((await mo.call('GET', `/api/rule-trials/${trial.id}`)).status, 404, 'what was tried on the other unit\'s evidence');
  t.equal((await mo.call('GET', `/api/tickets/${ticket}`)).status, 404);
  // The same in what is pushed: also to somebody who had to do with it before.
  const after = await connect(mo);
  await h.send(alertOf({ id: 'w-2', victim: { ip: '10.1.9.6' } }));
  await h.send(alertOf({ id: 'y-2', victim: { ip: '10.2.0.9' } }));
  await h.until(() => JSON.stringify(after.frames).includes('y-2'), 'its own alert');
  t.notMatch(JSON.stringify(after.frames), /w-2|10\.1\.9/);

  const second = await h.client('mo');
  const [one, two] = [after, await connect(second)];
  const sessions = (await mo.call<{ id: string; current: boolean }[]>('GET', '/api/sessions')).body;
  await mo.call('DELETE', `/api/sessions/${sessions.find((s) => !s.current)?.id}`);
  await two.closed;
  t.equal(one.socket.readyState, 1, 'the other session goes on');
  await mo.call('POST', '/api/logout', {});
  await one.closed;

  // A page that only listens does not keep its session alive.
  const idle = await h.client('mo');
  const id = createHash('sha256').update(idle.cookie.split('=')[1]).digest('hex');
  h.advance(2 * 60_000);
  t.equal(await context.sessions.alive(id), true);
  const seen = (await context.store.people.session(id))?.seen;
  t.ok(seen !== undefined && seen <= h.clock.now() - 2 * 60_000, 'looking whether it holds is no use of it');
});
