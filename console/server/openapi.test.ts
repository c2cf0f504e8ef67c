import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { generateSync } from 'otplib';
import t from 'tap';
import { decodeTrial } from '../../contracts/rule-trial.js';
import { subjects } from '../../contracts/subjects.js';
import type { BackupRow, ChannelRow, IncidentRow, Page, ReportScheduleRow, ResetHalf, RuleTrialView, SuppressionRow, TicketDetail, TokenCreated, TotpEnrolment } from '../model/api.js';
import { API_SCHEMA } from '../model/api-schema.js';
import { ROUTES, type RouteName } from '../model/permissions.js';
import { PASSWORD, REGISTRY, alertOf, startConsole, type Client } from './harness.js';
import { answerSchema } from './openapi.js';
import { EXAMPLES } from './openapi-examples.js';
import { runSchedules } from './reports/scheduler.js';

type Validate = ((value: unknown) => boolean) & { errors?: { instancePath: string; message?: string; params?: unknown }[] | null };
const Ajv = (createRequire(import.meta.url)('ajv') as { default: new (o: object) => { addSchema(s: object): void; compile(s: object): Validate } }).default;
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema({ $id: 'http://x/', components: { schemas: API_SCHEMA } });
/** Faults of an answer against what the description says of the route. */
function faultsOf(name: RouteName, value: unknown): string[] {
  const schema = answerSchema(name);
  if (!schema) return [];
  const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('#/components', 'http://x/#/components')) as object);
  return validate(value) ? [] : (validate.errors ?? []).slice(0, 4).map((e) => `${name} ${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);
}
/** Lists of two and texts of a line: enough to see what it looks like. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length > 160 ? `${value.slice(0, 150)}…` : value;
  if (Array.isArray(value)) return value.slice(0, 2).map(shortened);
  return value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value).slice(0, 40).map(([k, v]) => [k, shortened(v)])) : value;
}

t.test('every route answers as the description says, and has an example that does', async (t) => {
  const h = await startConsole({ rulesDir: 'rules/tunnel', outbound: { allow: ['127.0.0.0/8'] } });
  t.teardown(() => h.stop());
  await h.useRegistry();
  const seen: Record<string, { status: number; body?: unknown; answer?: unknown }> = {};
  const call = async <T = Record<string, unknown>>(who: Client, name: RouteName, params: string[] = [], query = '', body?: object): Promise<T> => {
    const [method, path] = name.split(' ');
    let n = 0;
    const r = await who.call<T>(method, path.replace(/:\w+/g, () => encodeURIComponent(params[n++])) + query, body);
    t.ok(r.status < 400, `${name}: ${r.status} ${r.status < 400 ? '' : r.raw.toString().slice(0, 300)}`);
    t.same(faultsOf(name, r.body), []);
    seen[name] ??= { status: r.status, ...(body === undefined ? {} : { body: shortened(body) }), ...(answerSchema(name) ? { answer: shortened(r.body) } : {}) };
    return r.body;
  };
  const [ana, ben, sys, sec, aud] = [await h.person('ana', ['analyst']), await h.person('ben', ['operator']), await h.person('sys', ['system_admin']), await h.person('sec', ['security_admin']), await h.person('aud', ['auditor'])];
  const wu = await h.person('wu', ['unit_handler'], 'wuhan');

  // One Ethernet frame: enough for a list of packets.
  const frame = Buffer.concat([Buffer.from('ffffffffffff02000000000108004500003a0001000040060000cb0071090a010203303900500000000100000001501820000000'.padEnd(108, '0'), 'hex'), Buffer.from('GET / HTTP/1.0\r\n\r\n')]);
  const pcap = Buffer.alloc(24 + 16 + frame.length);
  pcap.writeUInt32LE(0xa1b2c3d4, 0); pcap.writeUInt16LE(2, 4); pcap.writeUInt16LE(4, 6); pcap.writeUInt32LE(65_535, 16); pcap.writeUInt32LE(1, 20);
  pcap.writeUInt32LE(1_560_000_000, 24); pcap.writeUInt32LE(frame.length, 32); pcap.writeUInt32LE(frame.length, 36); frame.copy(pcap, 40);
  await h.send(alertOf({ id: 'e-1', verdict: 'succeeded', evidence: [{ id: 'ev-1', sha256: createHash('sha256').update(pcap).digest('hex'), bytes: pcap.length, packets: 1 }] }, { http: { hostname: 'oa.example.gov.cn', url: '/login?id=1', http_method: 'GET', status: 200, http_user_agent: 'sqlmap/1.3' } }));
  await h.send(alertOf({ id: 'e-2', class: 'port_scan', rule: 'port-scan', victim: { ip: '10.1.2.4' } }));
  await h.evidence('ev-1', 'e-1', pcap);
  await h.bus.publish(subjects.health('collector', 'exit-1'), Buffer.from(JSON.stringify({ role: 'collector', id: 'exit-1', unit: 'wuhan', version: '1.0', state: 'running', reasons: [], startedAt: new Date().toISOString(), at: new Date().toISOString(), counters: { packets: 1 }, gauges: {} })));
  await h.until(() => h.console.context.counters().alerts === 2 && h.console.context.counters().evidence === 1, 'ingest');

  await call(ana, 'GET /healthz');
  await call(ana, 'GET /api/session');
  for (const name of ['GET /api/sessions', 'GET /api/alerts', 'GET /api/alerts/counts', 'GET /api/incidents', 'GET /api/incidents/counts', 'GET /api/overview', 'GET /api/nodes', 'GET /api/rules', 'GET /api/coverage', 'GET /api/registry', 'GET /api/account', 'GET /api/assignees', 'GET /api/signing-key', 'GET /api/settings/remediation', 'GET /api/indicators/stix', 'GET /api/openapi.json'] as const) await call(ana, name);
  await call(ana, 'GET /api/alerts/:id', ['e-1']);
  await call(ana, 'GET /api/evidence/:id', ['ev-1']);
  await call(ana, 'GET /api/evidence/:id/packets', ['ev-1']);
  await call(ana, 'GET /api/evidence/:id/packets/:number', ['ev-1', '1']);
  await call(ana, 'GET /api/evidence/:id/stream', ['ev-1'], '?stream=0');
  await call(ana, 'GET /api/search', [], '?text=203.0.113.9');
  await call(ana, 'GET /api/series', [], `?measurement=alerts&field=count&aggregate=sum&from=${h.clock.now() - 3_600_000}&to=${h.clock.now()}&interval=60000&groupBy=severity`);
  const rules = await call<{ id: string }[]>(ana, 'GET /api/rules');
  await call(ana, 'GET /api/rules/:id', [rules[0].id]);
  await h.bus.publish(subjects.health('analyzer', 'an-1'), Buffer.from(JSON.stringify({ role: 'analyzer', id: 'an-1', version: '1.0', state: 'running', reasons: [], startedAt: new Date().toISOString(), at: new Date().toISOString(), counters: {}, gauges: {} })));
  // What an analyzer would say of the one capture; a real one does in cli/browser.
  const analyzer = await h.bus.respond(subjects.command('analyzer', 'try-rule-an-1'), (m) => Buffer.from(JSON.stringify({
    ok: true, captures: decodeTrial(m.data)!.captures.map(({ id, bytes }) => ({ id, packets: Buffer.from(bytes).equals(pcap) ? 1 : -1, more: 0, alerts: [{ rule: 'new-rule', title: { zh: '试跑', en: 'Tried' }, severity: 'high', verdict: 'attempted', class: 'sql_injection', because: { zh: '因', en: 'why' }, attacker: '203.0.113.9', victim: '10.1.2.3', at: new Date().toISOString(), count: 1 }] })),
  })));
  await h.until(async () => (await ana.call<{ id: string }[]>('GET', '/api/nodes')).body.some((n) => n.id === 'an-1'), 'the analyzer');
  const trial = await call<RuleTrialView>(ana, 'POST /api/rule-trials', [], '', { rule: 'id: new-rule', captures: 10 });
  await h.until(async () => (await ana.call<RuleTrialView>('GET', `/api/rule-trials/${trial.id}`)).body.state === 'done', 'the trial');
  t.match(await call(ana, 'GET /api/rule-trials/:id', [trial.id]), { captures: { of: 1, done: 1, unread: 0 }, packets: 1, findings: [{ evidence: 'ev-1', alert: 'e-1' }] });
  t.equal((await ben.call('GET', `/api/rule-trials/${trial.id}`)).status, 404, 'a trial is its owner\'s');
  await call(ana, 'DELETE /api/rule-trials/:id', [trial.id]);
  await analyzer.close();
  await call(ana, 'POST /api/suppressions/preview', [], '', { match: { rule: 'port-scan' } });
  const sup = await call<SuppressionRow>(ana, 'POST /api/suppressions', [], '', { match: { rule: 'port-scan', source: '198.51.100.0/24' }, reason: '委托扫描', expires: new Date(h.clock.now() + 86_400_000).toISOString() });
  await call(ana, 'GET /api/suppressions');
  await call(ana, 'DELETE /api/suppressions/:id', [sup.id]);
  const filter = await call<{ id: string }>(ana, 'POST /api/filters', [], '', { page: 'alerts', name: '失陷', query: 'verdict=compromised' });
  await call(ana, 'GET /api/filters');
  await call(ana, 'DELETE /api/filters/:id', [filter.id]);

  const incidents = (await call<Page<IncidentRow>>(ana, 'GET /api/incidents', [], '?order=rank')).items;
  const i = incidents[0].id;
  await call(ana, 'POST /api/incidents/:id/actions', [i], '', { version: incidents[0].version, action: 'assign', owner: 'me' });
  await call(ana, 'POST /api/incidents/actions', [], '', { items: [{ id: incidents[1].id, version: incidents[1].version }], action: 'confirm' });
  await call(ana, 'POST /api/incidents/:id/comments', [i], '', { text: '已电话通知' });
  for (const name of ['GET /api/incidents/:id', 'GET /api/incidents/:id/ranking', 'GET /api/incidents/:id/chain', 'GET /api/incidents/:id/bundle', 'GET /api/incidents/:id/stix'] as const) await call(ana, name, [i]);
  await call(ana, 'GET /api/campaigns/:id', [incidents[0].campaign?.id ?? '']);

  const draft = await call<TicketDetail>(ana, 'POST /api/tickets', [], '', { incident: i });
  const edited = await call<TicketDetail>(ana, 'PATCH /api/tickets/:id', [draft.id], '', { version: draft.version, copies: '省委网信办' });
  await call(ana, 'POST /api/tickets/actions', [], '', { items: [{ id: draft.id, version: edited.version }], action: 'submit' });
  const issued = await call<TicketDetail>(ben, 'POST /api/tickets/:id/actions', [draft.id], '', { version: edited.version + 1, action: 'approve' });
  await call(wu, 'POST /api/tickets/:id/comments', [draft.id], '', { text: '收到' });
  await call(wu, 'GET /api/tickets');
  await call(wu, 'GET /api/tickets/:id', [draft.id]);
  await call(wu, 'GET /api/tickets/:id/document', [draft.id], '?format=pdf');
  const notices = await call<Page<{ id: string }>>(wu, 'GET /api/notices');
  await call(wu, 'POST /api/notices/read', [], '', { ids: [notices.items[0].id] });
  const boundary = 'x-x-x';
  const upload = await h.console.app.inject({ method: 'POST', url: `/api/tickets/${draft.id}/attachments`, headers: { cookie: wu.cookie, 'x-sw-csrf': wu.session.csrf, 'content-type': `multipart/form-data; boundary=${boundary}` }, payload: `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="r.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4 x\r\n--${boundary}--\r\n` });
  t.same(faultsOf('POST /api/tickets/:id/attachments', upload.json()), []);
  seen['POST /api/tickets/:id/attachments'] = { status: upload.statusCode, answer: shortened(upload.json()) };
  await call(wu, 'GET /api/attachments/:id', [(upload.json() as TicketDetail).attachments[0].id]);
  t.ok(issued.number);

  await call(ana, 'GET /api/reports', [], '?kind=daily');
  await call(ana, 'GET /api/reports/file', [], '?kind=daily&format=html');
  const form = { name: '日报', kind: 'daily', formats: ['html'], at: 480, enabled: true };
  const schedule = await call<ReportScheduleRow>(ana, 'POST /api/report-schedules', [], '', form);
  await call(ana, 'PUT /api/report-schedules/:id', [schedule.id], '', form);
  await call(ana, 'GET /api/report-schedules');

  const held = await call<{ settings: object; version: number }>(sec, 'GET /api/settings/remediation');
  await call(sec, 'PUT /api/settings/remediation', [], '', { version: held.version, settings: held.settings });
  const channel = await call<ChannelRow>(sec, 'POST /api/channels', [], '', { name: 'EVE', kind: 'eve_file', enabled: true, events: ['alert'], target: { file: 'eve.json' } });
  await call(sec, 'PUT /api/channels/:id', [channel.id], '', { name: 'EVE', kind: 'eve_file', enabled: true, events: ['alert', 'incident'], target: { file: 'eve.json' } });
  await call(sec, 'POST /api/channels/:id/test', [channel.id], '', {});
  await call(sec, 'GET /api/channels/:id/deliveries', [channel.id]);
  await call(sec, 'GET /api/channels');
  await call(sec, 'DELETE /api/channels/:id', [channel.id]);

  for (const name of ['GET /api/users', 'GET /api/store', 'GET /api/retention', 'GET /api/backups', 'GET /api/resets'] as const) await call(sys, name);
  const user = await call<{ id: string }>(sys, 'POST /api/users', [], '', { account: 'zhou', name: '周', password: 'First-Pass-99' });
  await call(sys, 'PATCH /api/users/:id', [user.id], '', { name: '周工' });
  await call(sec, 'PUT /api/users/:id/roles', [user.id], '', { roles: ['operator'] });
  await call(sec, 'GET /api/sessions/all');
  const reset = await call<ResetHalf>(sys, 'POST /api/users/:id/reset', [user.id], '', {});
  await call(sec, 'POST /api/resets/:id/approve', [reset.id], '', {});
  await call(sys, 'DELETE /api/users/:id/totp', [user.id]);
  await call(sec, 'DELETE /api/users/:id/sessions', [user.id]);
  const kept = await call<{ policy: object; version: number }>(sys, 'GET /api/retention');
  await call(sys, 'PUT /api/retention', [], '', { version: kept.version, policy: kept.policy });
  await call(sys, 'POST /api/retention/runs', [], '', { dryRun: true });
  await call<BackupRow>(sys, 'POST /api/backups', [], '', {});
  await call(sys, 'PUT /api/units/:id', ['xiaogan'], '', { zh: '孝感市', en: 'Xiaogan', parent: 'hubei' });
  await call(sys, 'PUT /api/systems/:id', ['xgweb'], '', { zh: '孝感门户', en: 'Xiaogan portal', unit: 'xiaogan', ranges: ['10.3.0.0/16'] });
  await call(sys, 'DELETE /api/systems/:id', ['xgweb']);
  await call(sys, 'DELETE /api/units/:id', ['xiaogan']);
  await call(sys, 'PUT /api/registry', [], '', { format: 'yaml', text: JSON.stringify(REGISTRY), dryRun: true });
  await call(sys, 'DELETE /api/demo');
  await call(aud, 'GET /api/audit');
  await call(aud, 'GET /api/audit/verification');
  await call(aud, 'GET /api/audit/export');

  const { secret } = await call<TotpEnrolment>(ben, 'POST /api/totp', [], '', { password: PASSWORD });
  const code = (): string => generateSync({ secret, epoch: Math.floor(h.clock.now() / 1000) });
  await call(ben, 'POST /api/totp/confirm', [], '', { code: code() });
  h.advance(61_000);
  await call(ben, 'DELETE /api/totp', [], '', { password: PASSWORD, code: code() });
  const token = await call<TokenCreated>(ben, 'POST /api/tokens', [], '', { name: 'siem', scopes: ['alert.read'], expires: new Date(h.clock.now() + 86_400_000).toISOString() });
  await call(ben, 'DELETE /api/tokens/:id', [token.id]);
  await call(ben, 'POST /api/password', [], '', { current: PASSWORD, next: 'Another-Tower-43' });
  const login = await h.console.app.inject({ method: 'POST', url: '/api/login', payload: { account: 'ben', password: 'Another-Tower-43' } });
  t.same(faultsOf('POST /api/login', login.json()), []);
  seen['POST /api/login'] = { status: login.statusCode, body: { account: 'ben', password: '…' }, answer: shortened(login.json()) };
  seen['POST /api/setup'] = { status: 200, body: { code: 'ABCD-EFGH-JKLM', account: 'chief', name: '主管', password: '…' }, answer: seen['POST /api/login'].answer };
  seen['POST /api/reset'] = { status: 204, body: { account: 'zhou', code: '…', code2: '…', password: '…' } };
  const other = await h.client('sec');
  await call(sec, 'DELETE /api/sessions/:id', [(await other.call<{ id: string; current: boolean }[]>('GET', '/api/sessions')).body.find((s) => s.current)?.id ?? '']);

  h.advance(86_400_000);
  await runSchedules(h.console.context);
  const later = await h.client('ana');
  const archive = await call<{ id: string }[]>(later, 'GET /api/report-archive');
  await call(later, 'GET /api/report-archive/:id/file', [archive[0].id]);
  await call(later, 'DELETE /api/report-schedules/:id', [schedule.id]);
  await call(later, 'POST /api/logout', [], '', {});

  // Those that another program or a socket answers.
  const elsewhere: RouteName[] = ['GET /metrics', 'GET /api/oidc/login', 'GET /api/oidc/callback', 'GET /api/live'];
  const names = (Object.keys(ROUTES) as RouteName[]).filter((n) => !elsewhere.includes(n));
  t.same(names.filter((n) => !seen[n]), [], 'no route is left out');
  if (process.env.SW_WRITE) {
    delete seen['GET /api/openapi.json'].answer;
    // A password or a secret that a test made is still not printed.
    const text = JSON.stringify(seen, null, 1).replaceAll(PASSWORD, '…').replace(/"(password|current|next|secret|csrf|token|half|data|first|setupCode)": "[^"]*"/g, '"$1": "…"').replaceAll(secret, '…');
    writeFileSync('console/server/openapi-examples.ts', `/** A recorded call of each route, shortened; written by \`SW_WRITE=1\` of openapi.test.ts. */\nexport const EXAMPLES: Readonly<Record<string, { status: number; body?: unknown; answer?: unknown }>> = ${text};\n`);
  } else {
    t.same(names.filter((n) => n !== 'GET /api/openapi.json' && !EXAMPLES[n]), [], 'every route has an example');
    t.same(Object.entries(EXAMPLES).flatMap(([n, e]) => (e.answer === undefined ? [] : faultsOf(n as RouteName, e.answer))), [], 'and the examples fit');
  }
  const document = (await (await h.client('wu')).call<{ openapi: string; paths: Record<string, Record<string, { responses: object; security: object[]; 'x-permission': string }>> }>('GET', '/api/openapi.json')).body;
  // Its schemas are JSON Schema of 2020-12, which 3.0 does not know.
  t.equal(document.openapi, '3.1.0');
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const [method, path] = name.split(' ');
    const operation = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    t.equal(operation?.['x-permission'], ROUTES[name].needs, `${name} is described`);
  }
});
