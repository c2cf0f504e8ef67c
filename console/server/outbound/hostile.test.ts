import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ExcelJS from 'exceljs';
import t from 'tap';
import { WebSocket } from 'ws';
import { subjects } from '../../../contracts/subjects.js';
import { freePort } from '../../../runtime/bus/nats-server.js';
import { sleep } from '../../../runtime/bus/wait.js';
import type { IncidentRow, LiveFrame, Page, TicketDetail } from '../../model/api.js';
import { alertOf, startConsole } from '../harness.js';

/** What an attacker would like to write into the receivers of the console, one language each; in every captured field, through every way out. */
const MARK = 'HOSTILE';
const VALUES = [
  'a\r\nBcc: forged@example.org\r\nSubject: forged\r\n\r\n<b>body</b>', '\r\n.\r\nMAIL FROM:<forged@example.org>\r\n', '\n<13>1 2019-01-01T00:00:00Z forged app - - - forged', 'x"] \\ ] [forged@1 a="b"', '\\', '\\"', 'a|b\\|c|9|forged=1', 'src=9.9.9.9 dst\\=8.8.8.8 cs1=forged',
  "=cmd|' /C calc'!A0", '+1+cmd', '-2+3', '@SUM(1+1)', '\t=1+1', '\r=1+1', '<script>forged()</script>', '"><img src=x onerror=forged()>', "'; drop table alert; --", ']]></w:t><w:t>forged', '&forged;&#0;&lt;', '\u0000\u0001\u0008\u001b[2J\u007f\u0085\u009b', '\u202eexe.fdp\u202c\u2066x\u2069', '\u200b\ufeff\u2028\u2029', '\ud800', 'x\udfff', '\ufffe\uffff', '{{7*7}}${jndi:ldap://forged}',
  'x,unit=forged value=1\nforged value=9', '{name="forged"} 1\nforged 9', '../../../../etc/forged', '%0d%0aforged: 1', '𝄞联合查询', 'A'.repeat(70_000),
].map((v) => `${v}${MARK}`);

const RSYSLOG = existsSync('/usr/sbin/rsyslogd');
const SMTPD = spawnSync('/usr/bin/python3', ['-c', 'import aiosmtpd']).status === 0;
const SERVER = `
import asyncio, email, email.policy, json, sys
from aiosmtpd.smtp import SMTP
class Handler:
    async def handle_DATA(self, server, session, envelope):
        m = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with open(sys.argv[1], 'a') as out:
            out.write(json.dumps({'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'heads': [k.lower() for k in m.keys()], 'subject': str(m['subject']), 'type': m.get_content_type(), 'multipart': m.is_multipart(), 'defects': [str(d) for d in m.defects], 'text': m.get_content() if not m.is_multipart() else ''}) + chr(10))
        return '250 ok'
async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(Handler(), loop=loop), '127.0.0.1', int(sys.argv[2]))
    await asyncio.Event().wait()
asyncio.run(main())
`;

async function answers(port: number): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await new Promise<boolean>((resolve) => { const s = connect(port, '127.0.0.1', () => { s.destroy(); resolve(true); }).on('error', () => resolve(false)); })) return;
    await sleep(50);
  }
  throw new Error('the server did not start');
}
/** Every text of a parsed JSON value, keys too. */
function* texts(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (value !== null && typeof value === 'object') for (const [k, v] of Object.entries(value)) { yield k; yield* texts(v); }
}
const wellFormed = (text: string): boolean => (text as string & { isWellFormed(): boolean }).isWellFormed();
/** Throws where a part of an Office file is no XML 1.0; @returns the texts between the tags. */
const partsOf = (file: Buffer): string => execFileSync('/usr/bin/python3', ['-c', `
import io, sys, zipfile, xml.etree.ElementTree as tree
z = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
sys.stdout.reconfigure(encoding='utf-8')
for n in z.namelist():
    if n.endswith(('.xml', '.rels')): print(''.join(tree.fromstring(z.read(n)).itertext()))
`], { input: file, maxBuffer: 64e6 }).toString();
// oxlint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/;

t.setTimeout(280_000);
t.test('hostile text in every captured field, through every way out', { timeout: 240_000, skip: !RSYSLOG ? 'SW_TEST_NO_RSYSLOG: apt-get install rsyslog' : !SMTPD ? 'SW_TEST_NO_SMTPD: apt-get install python3-aiosmtpd' : false }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sw-hostile-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const [syslogPort, smtpPort] = [await freePort(), await freePort()];
  const out = join(dir, 'syslog.out');
  writeFileSync(join(dir, 'rsyslog.conf'), `global(workDirectory="${dir}" maxMessageSize="256k" parser.escapeControlCharactersOnReceive="off")
module(load="imtcp")
input(type="imtcp" port="${syslogPort}" address="127.0.0.1")
template(name="parsed" type="string" string="%pri%\\t%protocol-version%\\t%app-name%\\t%msgid%\\t%structured-data%\\t%msg%\\n")
action(type="omfile" file="${out}" template="parsed" fileCreateMode="0600")
`);
  for (const child of [spawn('/usr/sbin/rsyslogd', ['-n', '-f', join(dir, 'rsyslog.conf'), '-i', join(dir, 'rsyslog.pid')], { stdio: 'ignore' }), spawn('/usr/bin/python3', ['-c', SERVER, join(dir, 'mails'), String(smtpPort)], { stdio: 'ignore' })]) {
    t.teardown(async () => { const gone = once(child, 'exit'); child.kill('SIGTERM'); await gone; });
  }
  await Promise.all([answers(syslogPort), answers(smtpPort)]);
  const hooks: string[] = [];
  const hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (c: Buffer) => chunks.push(c));
    request.on('end', () => { hooks.push(Buffer.concat(chunks).toString()); response.writeHead(204).end(); });
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  t.teardown(() => { hook.close(); });

  const h = await startConsole({ outbound: { allow: ['127.0.0.0/8'] } });
  t.teardown(() => h.stop());
  await h.useRegistry();
  const [ana, ben, sec] = [await h.person('ana', ['analyst']), await h.person('ben', ['operator']), await h.person('sec', ['security_admin'])];
  const channel = async (kind: string, target: object): Promise<void> => { t.equal((await sec.call('POST', '/api/channels', { name: kind, kind, enabled: true, events: ['alert', 'incident', 'ticket', 'notice'], target })).status, 201, kind); };
  await channel('webhook', { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` });
  await channel('mail', { host: '127.0.0.1', port: smtpPort, security: 'none', from: 'watch@example.org', to: ['a@example.org'] });
  await channel('syslog', { host: '127.0.0.1', port: syslogPort, transport: 'tcp' });
  await channel('cef', { host: '127.0.0.1', port: syslogPort, transport: 'tcp' });
  await channel('eve_file', { file: 'eve.json' });
  const socket = new WebSocket(`${h.console.address.replace('http', 'ws')}/api/live`, { headers: { cookie: ana.cookie } });
  const frames: string[] = [];
  socket.on('message', (data) => frames.push(String(data)));
  await once(socket, 'open');
  t.teardown(() => socket.close());

  for (const [n, v] of VALUES.entries()) {
    const both = { zh: v, en: v };
    await h.send(alertOf({
      id: `h-${n}-${v.slice(0, 60)}`, rule: v, title: both, because: both, node: v, techniques: [v.slice(0, 16), v], references: [v], phase: v as never, verdict: n % 2 ? 'succeeded' : 'attempted',
      // The last ones come from an analyzer that has lost its mind altogether.
      attacker: { ip: n > 25 ? v : `203.0.113.${n + 1}`, port: 1, unit: v, system: v }, victim: { ip: `10.1.0.${n + 1}`, port: 80 }, matched: [{ buffer: v, direction: 'to_server', data: Buffer.from(v.slice(0, 100)).toString('base64'), marks: [] }] as never,
    }, { proto: v, app_proto: v as never, host: v, http: { hostname: v, url: v, http_user_agent: v, http_method: v, http_refer: v, http_content_type: v, status: 200, request_headers: [{ name: v, value: v }] }, dns: { query: v }, tls: { sni: v, subject: v } } as never));
  }
  await h.until(() => h.console.context.counters().alerts === VALUES.length, 'the alerts');
  const incidents = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents?limit=200')).body.items;
  t.equal(incidents.length, VALUES.length);
  const worst = incidents.find((i) => i.classes.length > 0 && i.verdict === 'succeeded')!;
  const all = VALUES.slice(0, -1).join(' ');
  const draft = await ana.call<TicketDetail>('POST', '/api/tickets', { incident: worst.id, unit: 'wuhan', title: all.slice(0, 150), summary: all.slice(0, 3000), impact: all.slice(0, 3000), demands: all.slice(0, 3000), addressee: all.slice(0, 100), copies: all.slice(0, 100), contact: all.slice(0, 100) });
  t.equal(draft.status, 201, draft.raw.toString().slice(0, 200));
  await ana.call('POST', `/api/tickets/${draft.body.id}/actions`, { version: 1, action: 'submit' });
  t.equal((await ben.call('POST', `/api/tickets/${draft.body.id}/actions`, { version: 2, action: 'approve' })).status, 200);

  const queue = async (): Promise<number> => [...(await h.console.context.store.channels.waiting()).values()].reduce((a, b) => a + b, 0);
  for (let i = 0; i < 2400 && await queue() > 0; i++) { await sleep(50); }
  t.equal(await queue(), 0, 'everything went out');
  const channels = (await sec.call<{ kind: string; done: number; failed: number; lastError?: string }[]>('GET', '/api/channels')).body;
  const sent = channels[0].done;
  t.ok(sent > VALUES.length * 2);
  for (const c of channels) t.match(c, { failed: 0, done: sent }, `${c.kind} ${c.lastError ?? ''}`);

  // JSON: whole, well-formed, one object a message or line.
  t.equal(hooks.length, sent);
  for (const text of hooks) JSON.parse(text);
  const folder = join(h.dir, 'data/eve');
  const lines = readdirSync(folder).flatMap((f) => readFileSync(join(folder, f), 'utf8').trimEnd().split('\n'));
  t.equal(lines.length, sent, 'EVE: a line is a message');
  t.equal(lines.map((l) => JSON.parse(l) as { event_type?: string }).filter((e) => e.event_type === 'alert').length, VALUES.length);
  t.ok(frames.length > 0 && frames.every((f) => [...texts(JSON.parse(f) as LiveFrame)].every(wellFormed)), 'push: no half surrogates');

  // Mail: one letter a message, our heads only, one plain text.
  const mails = readFileSync(join(dir, 'mails'), 'utf8').trim().split('\n').map((l) => JSON.parse(l) as { from: string; to: string[]; heads: string[]; subject: string; type: string; multipart: boolean; defects: string[]; text: string });
  t.equal(mails.length, sent, 'a letter a message');
  for (const m of mails) {
    const fault = m.from !== 'watch@example.org' || m.to.join() !== 'a@example.org' || m.multipart || m.type !== 'text/plain' || m.defects.length > 0 || /[\r\n]/.test(m.subject) || HIDDEN.test(m.subject) || HIDDEN.test(m.text)
      || new Set(m.heads).size !== m.heads.length || m.heads.some((k) => !['from', 'to', 'subject', 'message-id', 'date', 'mime-version', 'content-type', 'content-transfer-encoding'].includes(k));
    if (fault) t.fail(`mail ${JSON.stringify(m).slice(0, 600)}`);
  }

  // Syslog and CEF as rsyslog has read them: RFC 5424's structured data, CEF's seven bars and escaped extension.
  let logged: string[] = [];
  for (let i = 0; i < 200 && logged.length < sent * 2; i++) { await sleep(50); logged = existsSync(out) ? readFileSync(out, 'utf8').trimEnd().split('\n') : []; }
  t.equal(logged.length, sent * 2, 'a line a message');
  let cef = 0;
  for (const line of logged) {
    const [pri, version, app, id, data, text, ...rest] = line.split('\t');
    const bad = (what: string): void => { t.fail(`${what}: ${JSON.stringify(line).slice(0, 500)}`); };
    if (!/^10[5-9]|^110/.test(pri) || version !== '1' || app !== 'shouwang' || !/^(alert|incident|ticket|notice)$/.test(id) || rest.length > 0) bad('header');
    if (HIDDEN.test(text.replace(/^ ?\ufeff/, ''))) bad('control characters');
    if (data !== '-') {
      if (!/^\[shouwang@32473( [A-Za-z0-9_.-]{1,32}="(?:[^"\\\]]|\\["\\\]])*")+\]$/.test(data) || HIDDEN.test(data)) bad('structured data');
      continue;
    }
    cef++;
    const parts = text.trimStart().match(/^CEF:0((?:\|(?:[^|\\]|\\[|\\])*){6})\|(.*)$/);
    if (!parts) { bad('CEF header'); continue; }
    if (!/\|\d{1,2}$/.test(parts[1])) bad('CEF severity');
    const keys: string[] = [];
    const value = /(?:^| )([A-Za-z0-9]+)=((?:[^=\\]|\\[=\\])*?)(?= [A-Za-z0-9]+=|$)/y;
    let at = 0;
    for (let m = value.exec(parts[2]); m; m = value.exec(parts[2])) { keys.push(m[1]); at = value.lastIndex; }
    if (at !== parts[2].length || new Set(keys).size !== keys.length || keys.some((k) => !/^(externalId|rt|src|dst|spt|dpt|proto|app|cnt|cat|dvchost|cs[1-6](Label)?)$/.test(k))) bad(`CEF extension ${keys.join(' ')}`);
  }
  t.equal(cef, sent);

  // STIX: addresses are addresses, patterns are closed, everything named is there.
  for (const url of [...incidents.map((i) => `/api/incidents/${i.id}/stix`), '/api/indicators/stix']) {
    const bundle = JSON.parse((await ana.call('GET', url)).raw.toString()) as { objects: ({ id: string; type: string } & Record<string, unknown>)[] };
    const ids = new Set(bundle.objects.map((o) => o.id));
    for (const o of bundle.objects) {
      const fault = !/^[a-z0-9-]+--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(o.id) || !o.id.startsWith(`${o.type}--`)
        || (o.type === 'ipv4-addr' && !/^\d+(\.\d+){3}$/.test(String(o.value))) || (o.type === 'ipv6-addr' && !/^[0-9a-f:.]+$/i.test(String(o.value)))
        || (o.type === 'indicator' && !/^\[ipv[46]-addr:value = '[0-9a-fA-F:.]+'\]$/.test(String(o.pattern)))
        || ((o.external_references ?? []) as { url?: string; external_id?: string }[]).some((r) => r.url !== undefined && !/^https:\/\/attack\.mitre\.org\/techniques\/T\d{4}(\/\d{3})?$/.test(r.url))
        || [o.source_ref, o.target_ref, o.created_by_ref, ...((o.object_refs ?? []) as string[])].some((r) => r !== undefined && !ids.has(r as string)) || ![...texts(o)].every(wellFormed);
      if (fault) t.fail(`${url.slice(-20)} ${JSON.stringify(o).slice(0, 400)}`);
    }
  }

  // Reports of the day, and the bulletin: files that open, without formulas, markup or hidden characters.
  const range = `from=${h.clock.now() - 3_600_000}&to=${h.clock.now() + 3_600_000}`;
  const report = async (format: string): Promise<Buffer> => { const r = await ana.call('GET', `/api/reports/file?kind=special&${range}&format=${format}`); t.equal(r.status, 200, format); return r.raw; };
  const html = (await report('html')).toString();
  t.notMatch(html, /<(script|img|b)\b|forged\(\)<\/|onerror=x/i);
  t.ok(html.includes(MARK) && !HIDDEN.test(html));
  t.same([...new Set([...html.matchAll(/<\/?([a-z0-9]+)/gi)].map((m) => m[1].toLowerCase()))].filter((tag) => !['html', 'head', 'meta', 'title', 'style', 'body', 'br', 'h1', 'h2', 'p', 'svg', 'text', 'rect', 'line', 'polyline', 'table', 'thead', 'tbody', 'tr', 'th', 'td'].includes(tag)), [], 'no tag but ours');
  const xlsx = await report('xlsx');
  partsOf(xlsx);
  const book = new ExcelJS.Workbook();
  await book.xlsx.load(xlsx as never);
  let cells = 0;
  book.eachSheet((sheet) => sheet.eachRow((row) => row.eachCell((cell) => {
    cells++;
    if (![ExcelJS.ValueType.String, ExcelJS.ValueType.Number, ExcelJS.ValueType.SharedString].includes(cell.type) || HIDDEN.test(String(cell.value))) t.fail(`${sheet.name} ${cell.address} ${cell.type} ${JSON.stringify(cell.value)}`);
  })));
  t.ok(cells > 100);
  const bulletin = `/api/tickets/${draft.body.id}/document?format=`;
  for (const [name, file] of [['report', await report('docx')], ['bulletin', (await ana.call('GET', `${bulletin}docx`)).raw]] as const) {
    const text = partsOf(file);
    t.ok(text.includes(MARK) && !HIDDEN.test(text), `${name}.docx`);
  }
  for (const [name, file] of [['report', await report('pdf')], ['bulletin', (await ana.call('GET', `${bulletin}pdf`)).raw]] as const) {
    t.notMatch(file.toString('latin1'), /\/(JavaScript|JS|OpenAction|AA|URI|Launch)\b/, `${name}.pdf does nothing by itself`);
    writeFileSync(join(dir, `${name}.pdf`), file);
    if (existsSync('/usr/bin/pdftotext')) t.ok(execFileSync('/usr/bin/pdftotext', [join(dir, `${name}.pdf`), '-']).toString().includes(MARK), `${name}.pdf can be read`);
  }

  // Prometheus: a heartbeat whose names are written by somebody else.
  for (const [n, v] of VALUES.entries()) await h.bus.publish(subjects.health('collector', `x${n}`), Buffer.from(JSON.stringify({ role: v.slice(0, 200), id: v.slice(0, 200), unit: v.slice(0, 60), version: v.slice(0, 20), state: 'running', reasons: [v], startedAt: new Date().toISOString(), at: new Date().toISOString(), counters: { [v.slice(0, 200)]: n }, gauges: { [`${v.slice(0, 100)}g`]: 1 } })));
  await sleep(500);
  const metrics = (await h.console.app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' })).body;
  t.ok(metrics.includes(MARK));
  for (const line of metrics.trimEnd().split('\n')) if (!/^(|# (HELP|TYPE) shouwang_\w+ .*|shouwang_\w+(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? -?[\d.e+]+)$/.test(line)) t.fail(`/metrics ${JSON.stringify(line).slice(0, 300)}`);
  // The bundle and the log, which are checked elsewhere.
  t.ok((await ana.call('GET', `/api/incidents/${worst.id}/bundle`)).raw.length > 1000);
  t.match(await h.console.context.store.audit.verify(), { intact: true });
});
