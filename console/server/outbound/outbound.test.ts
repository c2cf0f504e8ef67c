import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTcp, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import type { ChannelRow, ChannelTest, DeliveryRow, IncidentRow, Page } from '../../model/api.js';
import { alertOf, startConsole } from '../harness.js';
import { cefLine, syslogLine, type Message } from './formats.js';
import type { IncidentRecord } from '../store/incidents.js';
import type { Outbound } from './outbound.js';
import { stixBundle } from './stix.js';
import { safeAddress } from './target.js';

t.test('lines of syslog and CEF with hostile text', (t) => {
  const m: Message = { event: 'alert', at: '2019-06-10T01:02:03.000Z', id: 'a"]\\1', severity: 'high', title: { zh: '注入\r\n<13>1 forged', en: 'x|y' }, facts: { rule: 'r|1', attacker: '203.0.113.9', note: 'a=b\nc', 'odd key!': 1 } };
  t.equal(syslogLine(m, 'host', 'zh'), '<107>1 2019-06-10T01:02:03.000Z host shouwang - alert [shouwang@32473 id="a\\"\\]\\\\1" severity="high" rule="r|1" attacker="203.0.113.9" note="a=b c" odd_key_="1"] \ufeff注入 <13>1 forged');
  t.equal(cefLine(m, 'host', 'en', '1.0').split(' - ').at(-1), 'CEF:0|Shouwang|Console|1.0|r\\|1|x\\|y|8|externalId=a"]\\\\1 rt=1560128523000 cs1Label=rule cs1=r|1 src=203.0.113.9 cs2Label=note cs2=a\\=b c cs3Label=odd key! cs3=1');
  // What is cut is cut before it is escaped: the mark behind it keeps its meaning.
  const long: Message = { ...m, title: { zh: '题', en: `${'x'.repeat(511)}|` }, facts: { rule: 'r', note: `${'n'.repeat(1022)}="`, more: `${'m'.repeat(1023)}"`, attacker: '2001:db8::1', victim: 'not-an-address' } };
  const parameters = [...syslogLine(long, 'h', 'zh').matchAll(/ (\S+)="((?:[^"\\\]]|\\["\\\]])*)"/g)].map((p) => p[1]);
  t.same(parameters, ['id', 'severity', 'rule', 'note', 'more', 'attacker', 'victim']);
  t.match(syslogLine(long, 'h', 'zh'), /"\] \ufeff题$/);
  const cef = cefLine(long, 'h', 'en', '1').split(' - ').at(-1) as string;
  t.equal(cef.split(/(?<!\\)\|/).length, 8);
  t.match(cef, / c6a2Label=Source IPv6 Address c6a2=2001:db8::1 cs\dLabel=victim cs\d=not-an-address$/, 'an address of version 6 is none of version 4, and what is no address is neither');
  t.end();
});

t.test('no channel reaches this machine or link-local unless it is allowed', async (t) => {
  for (const host of ['127.0.0.1', 'localhost', '169.254.169.254', '::1', '[::ffff:127.0.0.1]', '0.0.0.0', 'fe80::1']) await t.rejects(safeAddress(host, []), /outbound\.allow/, host);
  t.match(await safeAddress('127.0.0.1', ['127.0.0.0/8']), { address: '127.0.0.1' });
  t.match(await safeAddress('192.0.2.7', []), { address: '192.0.2.7' });
});

t.test('webhook with signature and another try, syslog, mail and file; STIX', async (t) => {
  const h = await startConsole({ outbound: { allow: ['127.0.0.0/8'] } });
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const sec = await h.person('sec', ['security_admin']);
  const got: { body: string; headers: IncomingHttpHeaders }[] = [];
  let fail = 1;
  const hook = createServer((request, response) => {
    let body = '';
    request.on('data', (c: Buffer) => { body += c.toString(); });
    request.on('end', () => { got.push({ body, headers: request.headers }); response.writeHead(fail-- > 0 ? 503 : 204).end(); });
  }).listen(0, '127.0.0.1');
  const lines: string[] = [];
  const tcp = createTcp((s) => { s.on('data', (d) => lines.push(d.toString())); s.on('error', () => { /* it closed */ }); }).listen(0, '127.0.0.1');
  const mails: string[] = [];
  const smtp = createTcp((s) => {
    let data = false;
    s.write('220 test\r\n');
    s.on('error', () => { /* it closed */ });
    s.on('data', (d) => {
      const text = d.toString();
      mails.push(text);
      if (data) { if (text.includes('\r\n.\r\n')) { data = false; s.write('250 ok\r\n'); } } else if (text.startsWith('DATA')) { data = true; s.write('354 go\r\n'); } else s.write(text.startsWith('QUIT') ? '221 bye\r\n' : '250 ok\r\n');
    });
  }).listen(0, '127.0.0.1');
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  const datagrams: string[] = [];
  udp.on('message', (d) => datagrams.push(d.toString()));
  await Promise.all([hook, tcp, smtp, udp].map((s) => once(s, 'listening')));
  t.teardown(() => { hook.close(); tcp.close(); smtp.close(); udp.close(); });
  const port = (s: { address(): unknown }): number => (s.address() as AddressInfo).port;
  const make = (kind: string, target: object, more: object = {}) => sec.call<ChannelRow>('POST', '/api/channels', { name: kind, kind, enabled: true, events: ['alert'], target, ...more });
  t.equal((await ana.call('GET', '/api/channels')).status, 403);
  t.equal((await make('mail', { host: '127.0.0.1' })).status, 400);
  const web = (await make('webhook', { url: `http://127.0.0.1:${port(hook)}/in`, secret: 'k3y' }, { severity: 'high', unit: 'wuhan' })).body;
  t.match(web, { hasSecret: true, waiting: 0 });
  t.notOk(JSON.stringify(web).includes('k3y'), 'secrets are written, never read');
  await make('syslog', { host: '127.0.0.1', port: port(tcp), transport: 'tcp' });
  await make('cef', { host: '127.0.0.1', port: port(udp), transport: 'udp' });
  await make('mail', { host: '127.0.0.1', port: port(smtp), security: 'none', from: 'a@example.org', to: ['b@example.org'] });
  await make('eve_file', { file: 'alerts.json' });
  await h.send(alertOf({ id: 'o-1', verdict: 'succeeded' }));
  await h.send(alertOf({ id: 'o-2', severity: 'low' }));
  await h.send(alertOf({ id: 'o-3', victim: { ip: '10.2.0.9' } }));
  await h.until(() => h.console.context.counters().alerts === 3 && got.length >= 1, 'the first try');
  await h.until(async () => (await sec.call<DeliveryRow[]>('GET', `/api/channels/${web.id}/deliveries`)).body.some((d) => d.tries === 1 && d.state === 'waiting' && /503/.test(d.error ?? '')), 'the refusal is noted');
  h.advance(11_000);
  await h.until(() => got.length === 2, 'the second try');
  const [seconds, mac] = /t=(\d+),v1=(\w+)/.exec(String(got[1].headers['x-shouwang-signature']))?.slice(1) ?? [];
  t.equal(createHmac('sha256', 'k3y').update(`${seconds}.${got[1].body}`).digest('hex'), mac);
  t.match(JSON.parse(got[1].body), { event: 'alert', id: 'o-1', facts: { attacker: '203.0.113.9', verdict: 'succeeded' }, eve: { event_type: 'alert', src_ip: '203.0.113.9', alert: { signature_id: 1 }, shouwang: { id: 'o-1', verdict: 'succeeded', techniques: ['T1190'] } } }, 'the alert whole, as it came over the bus');
  await h.until(() => lines.join('').split(' shouwang - alert ').length > 3 && datagrams.length >= 3 && mails.join('').split('Subject:').length > 3, 'the other channels');
  t.match(lines[0], /^\d+ <10\d>1 /);
  t.match(datagrams[0], /CEF:0\|Shouwang\|/);
  const folder = join(h.dir, 'data/eve');
  const eve = readFileSync(join(folder, readdirSync(folder)[0]), 'utf8').trim().split('\n').map((l) => JSON.parse(l) as { event_type: string; shouwang: { id: string } });
  t.same(eve.map((e) => [e.event_type, e.shouwang.id]), [['alert', 'o-1'], ['alert', 'o-2'], ['alert', 'o-3']], 'a file that whatever reads EVE reads');
  t.match((await sec.call<ChannelTest>('POST', `/api/channels/${web.id}/test`, {})).body, { ok: true });
  t.equal((await sec.call('DELETE', `/api/channels/${web.id}`)).status, 204);

  const incident = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents?verdict=succeeded')).body.items[0];
  const stix = JSON.parse((await ana.call('GET', `/api/incidents/${incident.id}/stix`)).raw.toString()) as { type: string; objects: { id: string; type: string; pattern?: string; source_ref?: string; target_ref?: string }[] };
  const ids = new Set(stix.objects.map((o) => o.id));
  t.ok(stix.objects.every((o) => /^[a-z0-9-]+--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(o.id)));
  t.ok(stix.objects.filter((o) => o.type === 'relationship').every((o) => ids.has(o.source_ref ?? '') && ids.has(o.target_ref ?? '')));
  t.equal(stix.objects.find((o) => o.type === 'indicator')?.pattern, "[ipv4-addr:value = '203.0.113.9']");
  t.match(JSON.parse((await ana.call('GET', '/api/indicators/stix')).raw.toString()), { type: 'bundle' });
  // The id that section 2.9 of STIX 2.1 gives this address: other tools come to the same one.
  const bundle = stixBundle([{ ...await h.console.context.store.incidents.byId({ all: true }, incident.id) as IncidentRecord, attacker_ip: '198.51.100.3' }], 0, true);
  t.ok(bundle.objects.some((o) => o.id === 'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4'));
});

t.test('what is stored is told, though the console stops between the two; a second try is known as one', async (t) => {
  const h = await startConsole({ outbound: { allow: ['127.0.0.0/8'] } });
  t.teardown(() => h.stop());
  await h.useRegistry();
  const [ana, sec] = [await h.person('ana', ['analyst']), await h.person('sec', ['security_admin'])];
  const got: { key: string; event: string; id: string; state?: string }[] = [];
  const hook = createServer((request, response) => {
    let body = '';
    request.on('data', (c: Buffer) => { body += c.toString(); });
    request.on('end', () => {
      const m = JSON.parse(body) as { event: string; id: string; facts: { state?: string } };
      got.push({ key: String(request.headers['idempotency-key']), event: m.event, id: m.id, ...(m.facts.state ? { state: m.facts.state } : {}) });
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  t.teardown(() => { hook.close(); });
  const channel = (await sec.call<ChannelRow>('POST', '/api/channels', { name: 'siem', kind: 'webhook', enabled: true, events: ['alert', 'incident', 'ticket', 'notice'], target: { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` } })).body;
  const { context } = h.console;
  const outbound = context.outbound as Outbound;
  await outbound.stop();
  // From here on nothing comes after a commit, as if each were the last thing that the process did.
  context.announce = async () => { /* stopped */ };
  context.announceTold = () => { /* stopped */ };
  await h.send(alertOf({ id: 'k-1', verdict: 'succeeded' }));
  await h.until(() => context.counters().alerts === 1, 'ingest');
  const [incident] = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items;
  await ana.call('POST', `/api/incidents/${incident.id}/actions`, { version: incident.version, action: 'assign', owner: 'me' });
  await ana.call('POST', `/api/incidents/${incident.id}/actions`, { version: incident.version + 1, action: 'confirm' });
  const waiting = await context.store.channels.deliveries(channel.id);
  t.same(waiting.map((d) => [d.event, d.object, d.state]).reverse(), [['alert', 'k-1', 'waiting'], ['incident', incident.id, 'waiting'], ['incident', incident.id, 'waiting'], ['incident', incident.id, 'waiting']]);
  t.equal(new Set(waiting.map((d) => d.key)).size, 4);

  // A start reads what waits. It is sent, and the process ends before it could write that down.
  const { Outbound: Fresh } = await import('./outbound.js');
  const started = new Fresh(context);
  await started.load();
  const { settle } = context.store.channels;
  context.store.channels.settle = () => Promise.reject(new Error('stopped'));
  await started.work();
  t.same(got.map((g) => [g.event, g.state]), [['alert', undefined], ['incident', 'new'], ['incident', 'triage'], ['incident', 'confirmed']]);
  context.store.channels.settle = settle;
  const again = new Fresh(context);
  await again.load();
  await again.work();
  t.equal(got.length, 8);
  t.same(got.slice(4), got.slice(0, 4), 'the same once more, under the same keys');
  t.ok((await context.store.channels.deliveries(channel.id)).every((d) => d.state === 'done'));

  // A step of a ticket that is followed up twice is told once.
  const { followUp } = await import('../aftermath.js');
  const ticket = (await ana.call<{ id: string }>('POST', '/api/tickets', { incident: incident.id })).body.id;
  const at = h.clock.now();
  await context.store.tickets.decide(ticket, 1, { state: 'issued', issued: at }, { at, by: null, action: 'approve', from_state: null, to_state: 'issued', text: null });
  const record = { id: 'flw-1', ticket, at, what_json: JSON.stringify({ notice: { kind: 'issued', audience: ['people'] } }) };
  await followUp(context, record);
  await followUp(context, record);
  t.same((await context.store.channels.deliveries(channel.id)).filter((d) => d.state === 'waiting').map((d) => d.event).sort(), ['notice', 'ticket']);
});
