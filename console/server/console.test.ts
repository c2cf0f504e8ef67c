import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import JSZip from 'jszip';
import t from 'tap';
import { WebSocket } from 'ws';
import type { Alert } from '../../contracts/alert.js';
import { subjects } from '../../contracts/subjects.js';
import type { AlertDetail, AlertRow, AuditVerification, Fault, IncidentDetail, IncidentRow, LiveFrame, Overview, Page, SeriesAnswer, SessionView, TicketDetail } from '../model/api.js';
import { ROUTES, type RouteRule } from '../model/permissions.js';
import { PASSWORD, alertOf, startConsole } from './harness.js';
import { NO_POSTGRES, startPostgres } from './store/postgres-server.js';
import { EVERYTHING } from './store/scope.js';

t.test('set-up code, sessions, CSRF, lock-out', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  const { app } = h.console;
  const anonymous = await app.inject('/api/session');
  t.match(anonymous.json(), { setupRequired: true });
  t.match(anonymous.headers['content-security-policy'], /script-src 'self';.*frame-ancestors 'none'/);
  const form = { account: 'Chief', name: '主管', password: PASSWORD };
  t.equal((await app.inject({ method: 'POST', url: '/api/setup', payload: { ...form, code: 'WRONG' } })).json().code, 'SW_CONSOLE_SETUP_CODE');
  t.equal((await app.inject({ method: 'POST', url: '/api/setup', payload: { ...form, password: 'chief12345', code: h.code } })).json().code, 'SW_CONSOLE_WEAK_PASSWORD');
  const done = await app.inject({ method: 'POST', url: '/api/setup', payload: { ...form, code: String(h.code).toLowerCase() } });
  t.equal(done.statusCode, 200);
  t.match(done.headers['set-cookie'], /sw_session=[\w-]+; Path=\/; HttpOnly; SameSite=Strict/);
  t.equal((await app.inject({ method: 'POST', url: '/api/setup', payload: { ...form, code: h.code } })).json().code, 'SW_CONSOLE_SETUP_DONE');
  const chief = h.clientOf(done);
  t.equal((await chief.call('POST', '/api/logout', {}, { 'x-sw-csrf': 'x' })).status, 403);
  t.equal((await chief.call('DELETE', '/api/demo', undefined, { origin: 'https://evil.example' })).status, 403);
  t.equal((await chief.call('GET', '/api/users', undefined)).status, 200);

  const user = await chief.call<{ id: string }>('POST', '/api/users', { account: 'ana', name: '<script>alert(1)</script>\u0000', password: 'First-Pass-99' });
  t.equal(user.status, 201);
  t.equal((await chief.call('PUT', `/api/users/${user.body.id}/roles`, { roles: ['auditor', 'analyst'] })).status, 422, 'an auditor holds no other role');
  t.equal((await chief.call('PUT', `/api/users/${user.body.id}/roles`, { roles: ['analyst'] })).status, 200);
  t.equal((await chief.call('PUT', `/api/users/${chief.session.user?.id}/roles`, { roles: ['auditor'] })).status, 403, 'nobody changes their own roles');
  const ana = await h.client('ana', 'First-Pass-99');
  t.equal((await ana.call<{ code: string }>('GET', '/api/alerts')).body.code, 'SW_CONSOLE_CHANGE_PASSWORD');
  t.equal((await ana.call('POST', '/api/password', { current: 'First-Pass-99', next: PASSWORD })).status, 200);
  t.equal((await ana.call('GET', '/api/alerts')).status, 200);
  t.equal((await chief.call('DELETE', `/api/users/${user.body.id}/sessions`)).status, 204);
  t.equal((await ana.call('GET', '/api/alerts')).status, 401, 'a revoked session is over at once');

  const codes = [];
  for (let i = 0; i < 6; i++) codes.push((await app.inject({ method: 'POST', url: '/api/login', payload: { account: 'ana', password: 'nope' } })).json().code);
  t.same(codes, [...Array(4).fill('SW_CONSOLE_BAD_LOGIN'), 'SW_CONSOLE_LOCKED', 'SW_CONSOLE_LOCKED']);
  const locked = async () => { const r = await app.inject({ method: 'POST', url: '/api/login', payload: { account: 'ana', password: 'nope' } }); return [r.json().code, Number(r.headers['retry-after'])]; };
  for (const seconds of [60, 120, 240]) {
    h.advance((seconds / 2 + 1) * 1000);
    t.same(await locked(), ['SW_CONSOLE_LOCKED', seconds], `one more failure: ${seconds} s`);
  }
  t.equal((await app.inject({ method: 'POST', url: '/api/login', payload: { account: 'ana', password: PASSWORD } })).json().code, 'SW_CONSOLE_LOCKED', 'not with the right password either');
  h.advance(241_000);
  t.ok(await h.client('ana'), 'the lock ends');
  h.advance(61 * 60_000);
  t.equal((await chief.call('GET', '/api/users')).status, 401, 'an idle session ends');
  const audit = await h.console.context.store.audit.verify();
  t.match(audit, { intact: true } satisfies Partial<AuditVerification>);
  t.ok(audit.entries > 8);
});

t.test('an alert that the store cannot take stops no other, and is not lost', { skip: NO_POSTGRES }, async (t) => {
  const postgres = await startPostgres();
  const h = await startConsole({ database: postgres.url });
  t.teardown(async () => { await h.stop(); await postgres.stop(); });
  const odd = (id: string, what: object): Alert => ({ ...alertOf({ id }), shouwang: { ...alertOf({ id }).shouwang, ...what } });
  await Promise.all([alertOf({ id: 'a-1' }), odd('odd-1', { count: 2.5e40 }), alertOf({ id: 'a-2' }), odd('odd-2', { count: 1e300 }), alertOf({ id: 'a-3' })].map((a) => h.send(a)));
  await h.until(() => h.console.context.counters().alerts === 3 && h.console.context.counters().refused === 2, 'all five');
  const aside = readFileSync(join(h.console.context.config.dataDir, 'refused.jsonl'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as Alert).shouwang.id);
  t.same(aside.sort(), ['odd-1', 'odd-2']);
  for (const id of ['a-1', 'a-2', 'a-3']) t.ok(await h.console.context.store.alerts.byId(EVERYTHING, id), id);
});

t.test('from the bus to the browser, hostile text and all', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const hostile = '<script>alert(1)</script>\u0000\ud800 横向移动';
  const pcap = Buffer.from('d4c3b2a102000400', 'hex');
  const sha256 = createHash('sha256').update(pcap).digest('hex');
  const evidence = [{ id: 'ev-1', sha256, bytes: pcap.length, packets: 1 }, { id: 'ev-2', sha256: 'f'.repeat(64), bytes: 1, packets: 1 }];
  const first = alertOf({ id: 'a-1', title: { zh: hostile, en: hostile }, evidence }, { http: { http_user_agent: hostile, url: '/index.php?id=1', http_method: 'GET', status: 200, http_response_body: Buffer.from([0xff, 0xfe, 65]).toString('base64') }, payload: Buffer.from(hostile).toString('base64') });
  await h.send(first);
  await h.send({ ...first, shouwang: { ...first.shouwang, revision: 3, verdict: 'succeeded', count: 4 } });
  await h.send({ ...first, shouwang: { ...first.shouwang, revision: 2, count: 2 } });
  await h.bus.publishDurable('sw.alert.high.x', Buffer.from([0xff, 0x00, 0x7b]), 'garbage');
  await h.evidence('ev-1', 'a-1', pcap);
  await h.evidence('ev-2', 'a-1', Buffer.from('other bytes'), 'f'.repeat(64));
  await h.until(() => h.console.context.counters().malformed === 1 && h.console.context.counters().evidence === 2, 'ingest');
  await h.until(async () => (await ana.call<Page<AlertRow>>('GET', '/api/alerts')).body.items[0]?.revision === 3, 'revision 3');

  const list = (await ana.call<Page<AlertRow>>('GET', '/api/alerts?severity=high,critical&verdict=succeeded&unit=hubei')).body;
  t.equal(list.items.length, 1);
  t.match(list.items[0], { id: 'a-1', count: 4, verdict: 'succeeded', victim: { unit: { id: 'wuhan', zh: '武汉市' }, system: { id: 'whoa' } } });
  t.equal(list.items[0].title.zh, '<script>alert(1)</script>\ufffd\ufffd 横向移动');
  for (const text of ['横向', '移动', 'sql', '10.1.2.3', 'index.php', 'cve-2019-0001', '武汉']) {
    const n = (await ana.call<Page<AlertRow>>('GET', `/api/alerts?text=${encodeURIComponent(text)}`)).body.items.length;
    t.equal(n, text === '武汉' ? 0 : 1, `search for ${text}`);
  }
  t.equal((await ana.call<Page<AlertRow>>('GET', '/api/alerts?text=10.1.2.33')).body.items.length, 0);
  t.match((await ana.call('GET', '/api/alerts/counts')).body, { total: 1, bySeverity: { high: 1 }, byUnit: [{ count: 1 }] });
  const detail = await ana.call<AlertDetail>('GET', '/api/alerts/a-1');
  t.match(detail.headers['content-type'], /application\/json/);
  t.match(detail.body.evidence, [{ id: 'ev-1', state: 'stored' }, { id: 'ev-2', state: 'damaged' }]);
  t.equal(detail.body.http?.responseBody, '\ufffd\ufffdA');
  t.ok(detail.body.http?.requestHeaders.some((x) => x.name === 'User-Agent' && x.value.startsWith('<script>')));
  const file = await ana.call('GET', '/api/evidence/ev-1');
  t.same(file.raw, pcap);
  t.match(file.headers['content-disposition'], /^attachment; filename="evidence-/);
  const folder = join(h.dir, 'data/files', sha256.slice(0, 2));
  t.equal(statSync(join(folder, readdirSync(folder)[0])).mode & 0o777, 0o600);
  const overview = (await ana.call<Overview>('GET', '/api/overview')).body;
  t.match(overview, { alerts: { total: 1 }, incidents: { open: 1 } });
  // Raised as one severity, now another: every figure says what the alert says now.
  await h.send({ ...first, shouwang: { ...first.shouwang, revision: 4, severity: 'critical', verdict: 'compromised', count: 5 } });
  await h.until(async () => (await ana.call<Page<AlertRow>>('GET', '/api/alerts')).body.items[0]?.revision === 4, 'revision 4');
  const series = async (interval: number, tag: string) => (await ana.call<SeriesAnswer>('GET', `/api/series?measurement=alerts&field=count&aggregate=sum&from=${h.clock.now() - 7_200_000}&to=${h.clock.now() + 60_000}&interval=${interval}&groupBy=${tag}`)).body.series.map((s) => [s.tags[tag], s.values.reduce((n, [, v]) => n + (v ?? 0), 0)]);
  for (const interval of [60_000, 3_600_000]) t.same([await series(interval, 'severity'), await series(interval, 'verdict'), await series(interval, 'unit')], [[['critical', 1]], [['compromised', 1]], [['wuhan', 1]]], `by ${interval} ms`);
  t.same(await series(60_000, 'node'), [['node-1', 1]]);
  t.same((await ana.call<Overview>('GET', '/api/overview')).body.alertSeries.map((s) => s.tags.severity), ['critical']);
});

t.test('incidents, campaigns, the remediation loop and its reopening', async (t) => {
  const h = await startConsole({ incident: { quietDays: 1 } });
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const ben = await h.person('ben', ['operator']);
  const wu = await h.person('wu', ['unit_handler'], 'wuhan');
  await h.send(alertOf({ id: 's-1', class: 'port_scan', rule: 'port-scan' }));
  await h.send(alertOf({ id: 's-2', verdict: 'succeeded' }));
  await h.send(alertOf({ id: 's-3', class: 'lateral_movement', rule: 'lateral', attacker: { ip: '10.1.2.3' }, victim: { ip: '10.2.0.7' } }));
  await h.until(() => h.console.context.counters().alerts === 3, 'three alerts');
  const queue = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items;
  t.equal(queue.length, 2);
  t.match(queue[0], { verdict: 'succeeded', alerts: 2, phases: ['reconnaissance', 'access'], campaign: { incidents: 2, victims: 2 } });
  const incident = (await ana.call<IncidentDetail>('GET', `/api/incidents/${queue[0].id}`)).body;
  t.equal(incident.steps.length, 2);
  t.match(incident.graph.nodes.find((n) => n.ip === '10.1.2.3'), { role: 'pivot' });
  const act = (who: typeof ana, id: string, body: object) => who.call<IncidentDetail & { code: string }>('POST', `/api/incidents/${id}/actions`, body);
  t.equal((await act(ana, incident.id, { version: 1, action: 'dismiss' })).body.code, 'SW_CONSOLE_NEEDS', 'a dismissal needs its reason');
  t.equal((await act(ana, incident.id, { version: 1, action: 'assign', owner: 'u-wu' })).status, 422, 'a unit handler does not triage');
  const both = await Promise.all([act(ana, incident.id, { version: 1, action: 'assign', owner: 'me' }), act(ben, incident.id, { version: 1, action: 'confirm' })]);
  t.same(both.map((r) => r.status).sort(), [200, 409], 'of two at once one wins');
  t.match(both.find((r) => r.status === 409)?.body, { code: 'SW_CONSOLE_CONFLICT', details: { version: 2, state: both.find((r) => r.status === 200)?.body.state } }, 'and the other hears how it stands');

  const ticket = await ana.call<TicketDetail>('POST', '/api/tickets', { incident: incident.id });
  t.equal(ticket.status, 201);
  t.match(ticket.body, { state: 'draft', unit: { id: 'wuhan' } });
  const id = ticket.body.id;
  t.equal((await wu.call('GET', `/api/tickets/${id}`)).status, 404, 'a draft is not the unit\'s yet');
  let version = 1;
  const go = async (who: typeof ana, action: string, more: object = {}): Promise<{ status: number; body: TicketDetail & { code: string; details?: { path: string } } }> => {
    const r = await who.call<TicketDetail & { code: string }>('POST', `/api/tickets/${id}/actions`, { version, action, ...more });
    if (r.status === 200) version = r.body.version;
    return r as never;
  };
  t.equal((await go(ana, 'submit')).status, 200);
  t.equal((await go(ana, 'approve')).body.details?.path, 'second_person');
  const issued = await go(ben, 'approve');
  t.match(issued.body, { state: 'issued', number: /〕1号$/, due: { clock: 'acknowledge' } });
  t.equal((await ana.call<IncidentDetail>('GET', `/api/incidents/${incident.id}`)).body.state, 'remediation');
  t.equal((await go(ben, 'acknowledge', { signer: 'x' })).status, 403, 'only the unit signs');
  t.equal((await go(wu, 'acknowledge', { signer: '吴' })).body.state, 'acknowledged');
  t.equal((await go(wu, 'give_feedback', { feedback: { genuine: true, responsible: '吴', phone: '1', cause: 'c', measures: 'm', completedAt: '2026-01-01' } })).body.state, 'feedback');
  t.equal((await go(ben, 'verify')).status, 200);
  t.equal((await go(ben, 'pass', { verification: { method: 'retest', result: 'shut' } })).body.details?.path, 'verification', 'no proof, no pass');
  const boundary = 'x-x-x';
  const upload = (bytes: string) => h.console.app.inject({ method: 'POST', url: `/api/tickets/${id}/attachments`, headers: { cookie: ben.cookie, 'x-sw-csrf': ben.session.csrf, 'content-type': `multipart/form-data; boundary=${boundary}` }, payload: Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="../../r.pdf"\r\nContent-Type: application/pdf\r\n\r\n${bytes}\r\n--${boundary}--\r\n`, 'latin1') });
  t.equal((await upload('MZ\0\0')).statusCode, 415, 'a program is not evidence');
  const attached = await upload('%PDF-1.4 retest');
  t.match(attached.json(), { attachments: [{ name: 'r.pdf', type: 'application/pdf' }] });
  t.equal((await wu.call('GET', attached.json().attachments[0].href)).status, 200);
  t.equal((await go(ben, 'pass', { verification: { method: 'retest', result: 'shut' } })).body.state, 'watching');
  t.equal((await go(ben, 'close')).body.details?.path, 'quiet_window');
  await h.send(alertOf({ id: 's-5', verdict: 'attempted', last_seen: new Date(h.clock.now() + 1000).toISOString() }));
  await h.until(() => h.console.context.counters().alerts === 4, 'the refused attempt');
  t.equal((await ben.call<TicketDetail>('GET', `/api/tickets/${id}`)).body.state, 'watching', 'a refused attempt leaves the fix standing');
  await h.send(alertOf({ id: 's-6', verdict: 'succeeded', last_seen: new Date(h.clock.now() + 2000).toISOString() }));
  await h.until(async () => (await ben.call<TicketDetail>('GET', `/api/tickets/${id}`)).body.state === 'issued', 'the same attack reopens the ticket');
});

t.test('every route has its permission, and a unit sees only its own', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const nobody = await h.person('nobody', []);
  const yi = await h.person('yi', ['unit_handler', 'operator', 'system_admin', 'security_admin'], 'yichang');
  // One Ethernet frame of a request that names what is secret.
  const frame = Buffer.concat([Buffer.from('ffffffffffff02000000000108004500003a0001000040060000cb0071090a010203303900500000000100000001501820000000'.padEnd(108, '0'), 'hex'), Buffer.from('GET /SECRETWUHAN HTTP/1.0\r\n\r\n')]);
  frame.writeUInt16BE(frame.length - 14, 16);
  const pcap = Buffer.alloc(40 + frame.length);
  pcap.writeUInt32LE(0xa1b2c3d4, 0); pcap.writeUInt16LE(2, 4); pcap.writeUInt16LE(4, 6); pcap.writeUInt32LE(65_535, 16); pcap.writeUInt32LE(1, 20);
  pcap.writeUInt32LE(1_560_000_000, 24); pcap.writeUInt32LE(frame.length, 32); pcap.writeUInt32LE(frame.length, 36); frame.copy(pcap, 40);
  await h.bus.publish(subjects.health('collector', 'SECRETWUHAN'), Buffer.from(JSON.stringify({ role: 'collector', id: 'SECRETWUHAN', unit: 'jianghan', version: '1.0', state: 'running', reasons: [], startedAt: new Date().toISOString(), at: new Date().toISOString(), counters: {}, gauges: {} })));
  await h.send(alertOf({ id: 'w-1', verdict: 'succeeded', attacker: { ip: '198.51.100.77' }, victim: { ip: '10.1.9.5' }, title: { zh: '机密武汉', en: 'SECRETWUHAN' }, evidence: [{ id: 'ev-w', sha256: createHash('sha256').update(pcap).digest('hex'), bytes: pcap.length, packets: 1 }] }));
  await h.evidence('ev-w', 'w-1', pcap);
  await h.until(() => h.console.context.counters().alerts === 1 && h.console.context.counters().evidence === 1, 'ingest');
  const incident = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items[0];
  const ticket = (await ana.call<TicketDetail>('POST', '/api/tickets', { incident: incident.id, title: 'SECRETWUHAN' })).body;
  t.equal(ticket.unit.id, 'jianghan');
  await h.console.context.store.tickets.decide(ticket.id, 1, { state: 'issued', issued: 1 }, { at: 1, by: null, action: 'approve', from_state: null, to_state: null, text: null });
  await h.console.context.store.tickets.attach({ id: 'att-w', ticket: ticket.id, name: 'SECRETWUHAN.txt', bytes: 13, sha256: await h.console.context.files.put(pcap), type: 'text/plain', by: 'u-ana', at: 1 }, { at: 1, by: 'u-ana', action: 'attach', from_state: null, to_state: null, text: null });
  await h.console.context.store.figures.putFile({ id: 'rpt-w', name: 'SECRETWUHAN', kind: 'daily', format: 'html', from_at: 0, to_at: 1, at: 1, bytes: 13, sha256: createHash('sha256').update(pcap).digest('hex'), unit: 'jianghan' });
  const schedule = (await ana.call<{ id: string }>('POST', '/api/report-schedules', { name: 'SECRETWUHAN', kind: 'daily', formats: ['html'], at: 1, enabled: true, unit: 'jianghan' })).body.id;
  const ids: Record<string, string> = { alerts: 'w-1', evidence: 'ev-w', incidents: incident.id, campaigns: incident.campaign?.id ?? '', tickets: ticket.id, attachments: 'att-w', 'report-archive': 'rpt-w', 'report-schedules': schedule, suppressions: (await ana.call<{ id: string }>('POST', '/api/suppressions', { match: { unit: 'jianghan', rule: 'SECRETWUHAN' }, reason: 'SECRETWUHAN', expires: '2027-10-01' })).body.id };
  const today = `from=${h.clock.now() - 7_200_000}&to=${h.clock.now() + 7_200_000}`;
  const queries: Record<string, string> = {
    '/api/evidence/:id/stream': '?stream=0', '/api/series': `?measurement=alerts&field=count&aggregate=sum&${today}&interval=60000&groupBy=unit`, '/api/search': '?text=secretwuhan', '/api/tickets/:id/document': '?format=pdf', '/api/reports': `?kind=special&${today}`, '/api/reports/file': `?kind=special&format=html&${today}`,
  };
  const SECRET = /SECRETWUHAN|机密|10\.1\.9\.5|198\.51\.100\.77|jianghan/;
  const bodies: Record<string, object> = {
    'POST /api/incidents/:id/actions': { version: 1, action: 'confirm' }, 'POST /api/incidents/actions': { items: [{ id: incident.id, version: 1 }], action: 'confirm' },
    'POST /api/incidents/:id/comments': { text: 'x' }, 'POST /api/tickets': { incident: incident.id }, 'PATCH /api/tickets/:id': { version: 2, title: 'x' },
    'POST /api/tickets/:id/actions': { version: 2, action: 'acknowledge', signer: 'x' }, 'POST /api/tickets/:id/comments': { text: 'x' },
    'POST /api/suppressions': { match: { unit: 'wuhan' }, reason: 'x', expires: '2027-01-01' }, 'POST /api/suppressions/preview': { match: { rule: 'sqli-union', unit: 'jianghan' } },
    'POST /api/filters': { page: 'alerts', name: 'x', query: '' }, 'POST /api/tickets/actions': { items: [{ id: ticket.id, version: 2 }], action: 'remind' },
    'PUT /api/report-schedules/:id': { name: 'x', kind: 'daily', formats: ['html'], at: 1, enabled: true }, 'POST /api/report-schedules': { name: 'x', kind: 'daily', formats: ['html'], at: 1, enabled: true, unit: 'wuhan' },
    'POST /api/totp': { password: 'x' }, 'POST /api/totp/confirm': { code: '000000' }, 'DELETE /api/totp': { password: 'x', code: '1' }, 'POST /api/notices/read': { ids: ['x'] },
    'POST /api/tokens': { name: 'x', scopes: ['alert.read'], expires: '2020-01-01' },
    'POST /api/users': { account: 'eve', name: 'x', password: PASSWORD }, 'PATCH /api/users/:id': { unit: null }, 'PUT /api/users/:id/roles': { roles: [] },
    'PUT /api/registry': { format: 'yaml', text: 'units: []\nsystems: []' }, 'PUT /api/units/:id': { zh: 'x', en: 'x' }, 'PUT /api/systems/:id': { zh: 'x', en: 'x', unit: 'wuhan', ranges: [] },
  };
  const telling: string[] = [];
  // Numbers and packed files, which are looked at below or answer 404; what is a person's own; the socket, which has its own test.
  const quiet = ['GET /api/incidents/counts', 'GET /api/incidents/:id/ranking', 'GET /api/incidents/:id/bundle', 'GET /api/notices', 'GET /api/rule-trials/:id', 'GET /api/live'];
  for (const [name, rule] of Object.entries(ROUTES) as [string, RouteRule][]) {
    if (name === 'GET /api/live' || name === 'POST /api/logout' || name.includes('/api/sessions') || rule.needs === 'public') continue;
    const [method, path] = name.split(' ');
    if (!h.console.app.hasRoute({ method: method as 'GET', url: path })) { t.fail(`${name}: in the table, but no route`); continue; }
    const url = path.replace(':id', ids[path.split('/')[2]] ?? 'u-ana').replace(':number', '1') + (queries[path] ?? '');
    t.equal((await h.console.app.inject({ method: method as 'GET', url })).statusCode, 401, `${name}: not without a session`);
    if (rule.needs !== 'session') t.equal((await nobody.call(method, url, bodies[name])).status, 403, `${name}: not without the permission`);
    if (rule.scope === 'none' || name === 'POST /api/password') continue;
    // The same question, asked by somebody of the whole province: it would tell.
    if (method === 'GET' && rule.scope === 'units' && SECRET.test((await ana.call(method, url)).raw.toString())) telling.push(name);
    const answer = await yi.call(method, url, bodies[name]);
    t.notMatch(answer.raw.toString(), SECRET, `${name}: nothing of another unit`);
    if (path.includes(':id')) t.ok([403, 404, 415].includes(answer.status), `${name}: another unit's record is not there (${answer.status})`);
    if (rule.scope === 'all') t.equal(answer.status, 403, `${name}: only for the whole province`);
  }
  t.same(Object.entries(ROUTES).filter(([n, r]) => n.startsWith('GET ') && r.scope === 'units' && !telling.includes(n) && !quiet.includes(n)).map(([n]) => n), [], 'every list, record, chart, export and report had something to hide');
  t.same([(await ana.call<{ total: number }>('GET', '/api/incidents/counts')).body.total, (await yi.call<{ total: number }>('GET', '/api/incidents/counts')).body.total], [1, 0], 'numbers, too');
  // Files that are no text: what they hold is unpacked.
  for (const format of ['xlsx', 'docx']) {
    const told = async (who: typeof ana): Promise<string> => {
      const zip = await JSZip.loadAsync((await who.call('GET', `/api/reports/file?kind=special&format=${format}&${today}`)).raw);
      return (await Promise.all(Object.values(zip.files).map((f) => f.async('string')))).join('');
    };
    t.match(await told(ana), /10\.1\.9\.5|江汉/, `${format}: the province's`);
    t.notMatch(await told(yi), /10\.1\.9\.5|江汉/, `${format}: another unit's`);
  }
  for (const url of ['/api/alerts?text=secretwuhan', '/api/alerts?unit=wuhan', '/api/alerts?ip=10.1.9.5', `/api/alerts?incident=${incident.id}`, '/api/incidents?text=198.51', '/api/tickets?unit=jianghan']) {
    t.same((await yi.call<Page<AlertRow>>('GET', url)).body.items, [], url);
  }
});

t.test('a registry reaches the analyzers; its faults come as a list', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  const chief = await h.person('chief', ['system_admin']);
  const heard: { version: string; systems: number }[] = [];
  const subscription = await h.bus.subscribe(subjects.registry, (m) => { heard.push({ version: m.headers.version, systems: (JSON.parse(Buffer.from(m.data).toString()) as { systems: unknown[] }).systems.length }); });
  const put = (text: string, lang: string) => chief.call<{ details: { faults: Fault[] } }>('PUT', `/api/registry?lang=${lang}`, { format: 'yaml', text });
  const bad = 'units:\n  - {id: a, zh: x, en: y, parent: q}\nsystems:\n  - {id: s, zh: x, en: y, unit: a, ranges: [nowhere]}\n';
  t.same((await put(bad, 'zh')).body.details.faults, [{ line: 2, text: '单位“a”：没有上级单位“q”' }, { line: 4, text: '系统“s”：“nowhere”不是地址段，应写作 10.1.0.0/16、10.1.2.3 或 2001:db8::/32' }]);
  t.match((await put(bad, 'en')).body.details.faults[0], { line: 2, text: /there is no unit "q"/ });
  t.equal((await put('units:\n  - {id: a, zh: x, en: y}\nsystems:\n  - {id: s, zh: x, en: y, unit: a, ranges: [10.0.0.0/8]}\n', 'zh')).status, 200);
  await h.until(() => heard.length === 1, 'the announcement');
  t.same(heard, [{ version: '1', systems: 1 }]);
  t.equal((JSON.parse(Buffer.from((await h.bus.request(subjects.registryWanted, new Uint8Array(), 1000)).data).toString()) as { units: unknown[] }).units.length, 1, 'who starts later asks');
  await subscription.close();
});

t.test('push: filtered by unit, resumed after a break', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const wu = await h.person('wu', ['unit_handler'], 'wuhan');
  const yi = await h.person('yi', ['unit_handler'], 'yichang');
  const connect = async (who: typeof wu, since = '') => {
    const socket = new WebSocket(`${h.console.address.replace('http', 'ws')}/api/live?since=${since}`, { headers: { cookie: who.cookie } });
    const frames: LiveFrame[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(String(data)) as LiveFrame));
    await once(socket, 'open');
    await h.until(() => frames.length > 0, 'hello');
    return { socket, frames, alerts: () => frames.flatMap((f) => (f.kind === 'batch' ? f.items : [])).flatMap((i) => (i.kind === 'alert' ? [i.alert.id] : [])) };
  };
  const [a, b] = [await connect(wu), await connect(yi)];
  await h.send(alertOf({ id: 'l-1' }));
  await h.until(() => a.alerts().length === 1, 'the alert');
  const last = a.frames.at(-1) as { at: string };
  a.socket.close();
  await once(a.socket, 'close');
  await h.send(alertOf({ id: 'l-2' }));
  await h.send(alertOf({ id: 'l-3', victim: { ip: '10.2.1.1' } }));
  await h.until(() => b.alerts().length === 1, 'the other unit\'s alert');
  t.same(b.alerts(), ['l-3']);
  const again = await connect(wu, last.at);
  await h.until(() => again.alerts().length === 1, 'what was missed');
  t.match(again.frames[0], { kind: 'hello', resumed: true });
  t.same(again.alerts(), ['l-2']);
  const refused = new WebSocket(`${h.console.address.replace('http', 'ws')}/api/live`, { headers: { cookie: wu.cookie, origin: 'https://evil.example' } });
  const [error] = await once(refused, 'error');
  t.match(String(error), /403/);
  again.socket.close();
  b.socket.close();
});

t.test('the demonstration goes with one click', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const chief = await h.person('chief', ['system_admin', 'operator']);
  await h.send(alertOf({ id: 'd-1', demo: true }));
  await h.send(alertOf({ id: 'r-1' }));
  await h.evidence('ev-d', 'd-1', Buffer.from('demo'));
  await h.until(() => h.console.context.counters().alerts === 2 && h.console.context.counters().evidence === 1, 'ingest');
  t.equal((await chief.call<SessionView>('GET', '/api/session')).body.demo, true);
  t.same((await chief.call('DELETE', '/api/demo')).body, { alerts: 1, incidents: 1, tickets: 0, evidence: 1, metrics: true });
  t.same((await chief.call<Page<AlertRow>>('GET', '/api/alerts')).body.items.map((a) => a.id), ['r-1']);
  t.equal((await chief.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items.length, 1);
});
