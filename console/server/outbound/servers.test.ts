import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { freePort } from '../../../runtime/bus/nats-server.js';
import { sleep } from '../../../runtime/bus/wait.js';
import type { ChannelForm } from '../../model/channel.js';
import type { Message } from './formats.js';
import { send, type SendContext } from './senders.js';

/** The channels against servers that offices run: rsyslog over TLS, a mail server over TLS and STARTTLS with a login. */
const dir = mkdtempSync(join(tmpdir(), 'sw-servers-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
const ssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
function authority(name: string): string {
  ssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', `/CN=${name}`, '-days', '2');
  return readFileSync(join(dir, `${name}.crt`), 'utf8');
}
const ca = authority('ca');
const other = authority('other');
ssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
writeFileSync(join(dir, 'ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
ssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'server.crt', '-days', '2', '-extfile', 'ext');
chmodSync(join(dir, 'server.key'), 0o600);

const pdf = Buffer.from('%PDF-1.4 report');
const context: SendContext = { allow: ['127.0.0.0/8'], dataDir: dir, host: 'console', version: '1.0', now: Date.now(), file: () => Promise.resolve(pdf) };
const message = (id: string): Message => ({ event: 'alert', at: '2019-06-10T01:02:03.000Z', id, severity: 'high', title: { zh: 'SQL 注入\r\nBcc: forged@example.org', en: 'SQL injection' }, facts: { attacker: '203.0.113.9', note: 'a\nb' } });
const channel = (kind: ChannelForm['kind'], target: ChannelForm['target']): ChannelForm => ({ name: kind, kind, enabled: true, events: ['alert'], target });

async function answers(port: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const open = await new Promise<boolean>((resolve) => { const s = connect(port, '127.0.0.1', () => { s.destroy(); resolve(true); }).on('error', () => resolve(false)); });
    if (open) return;
    await sleep(50);
  }
  throw new Error('the server did not start');
}
function run(t: Test, command: string, args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (d: Buffer) => { said = (said + d.toString()).slice(-4000); });
  t.teardown(async () => {
    if (child.exitCode === null) {
      const gone = new Promise((r) => { child.once('exit', r); });
      child.kill('SIGTERM');
      await gone;
    }
    if (!t.passing()) t.comment(said);
  });
  return child;
}

const RSYSLOG = ['/usr/sbin/rsyslogd'].find((f) => existsSync(f)) && ['/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so', '/usr/lib/aarch64-linux-gnu/rsyslog/lmnsd_ossl.so'].some((f) => existsSync(f));
t.test('rsyslog over TLS takes every line whole', { skip: RSYSLOG ? false : 'SW_TEST_NO_RSYSLOG: apt-get install rsyslog rsyslog-openssl' }, async (t) => {
  const port = await freePort();
  const out = join(dir, 'syslog.out');
  writeFileSync(join(dir, 'rsyslog.conf'), `global(workDirectory="${dir}" defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="${dir}/ca.crt" defaultNetstreamDriverCertFile="${dir}/server.crt" defaultNetstreamDriverKeyFile="${dir}/server.key" maxMessageSize="64k")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="parsed" type="string" string="%pri% %app-name% %msgid% %structured-data% %msg%\\n")
action(type="omfile" file="${out}" template="parsed" fileCreateMode="0600")
`);
  run(t, '/usr/sbin/rsyslogd', ['-n', '-f', join(dir, 'rsyslog.conf'), '-i', join(dir, 'rsyslog.pid')]);
  await answers(port);
  const many = Array.from({ length: 200 }, (_, i) => message(`s-${i}`));
  const tls = (authorityPem: string, host = 'localhost') => channel('syslog', { host, port, transport: 'tls', ca: authorityPem });
  t.same(await send(tls(ca), undefined, many, context), { sent: 200 });
  t.same(await send(channel('cef', { host: '127.0.0.1', port, transport: 'tls', ca }), undefined, [message('c-1')], context), { sent: 1 }, 'by address, too');
  t.match((await send(tls(other), undefined, [message('x')], context)).error?.message, /certificate|signature|issuer/i, 'not to a stranger');
  let lines: string[] = [];
  for (let i = 0; i < 100 && lines.length < 201; i++) {
    await sleep(50);
    lines = existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n') : [];
  }
  t.equal(lines.length, 201, 'each line is one message: what was captured breaks none');
  t.match(lines[0], /^107 shouwang alert \[shouwang@32473 id="s-0" severity="high" attacker="203\.0\.113\.9" note="a b"\] .*SQL 注入 Bcc: forged@example\.org$/);
  t.match(lines[200], /CEF:0\|Shouwang\|Console\|1\.0\|/);
});

/** aiosmtpd: logins over TLS only; what it takes is written as one line of JSON a mail. */
const SERVER = `
import asyncio, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
folder, smtps, starttls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + '/server.crt', folder + '/server.key')
class Handler:
    async def handle_DATA(self, server, session, envelope):
        with open(folder + '/mails', 'a') as out:
            out.write(json.dumps({'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'tls': bool(session.ssl), 'text': envelope.content.decode('utf-8', 'replace')}) + chr(10))
        return '250 ok'
def check(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data.login == b'console' and data.password == b'Letter-Box-7'
    return AuthResult(success=good, handled=False)
async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(Handler(), authenticator=check, auth_required=True, auth_require_tls=False, loop=loop), '127.0.0.1', smtps, ssl=context)
    await loop.create_server(lambda: SMTP(Handler(), authenticator=check, auth_required=True, require_starttls=True, tls_context=context, loop=loop), '127.0.0.1', starttls)
    await asyncio.Event().wait()
asyncio.run(main())
`;
const SMTPD = spawnSync('/usr/bin/python3', ['-c', 'import aiosmtpd']).status === 0;
t.test('a mail server takes alerts and reports over TLS and STARTTLS', { skip: SMTPD ? false : 'SW_TEST_NO_SMTPD: apt-get install python3-aiosmtpd' }, async (t) => {
  const [smtps, starttls] = [await freePort(), await freePort()];
  run(t, '/usr/bin/python3', ['-c', SERVER, dir, String(smtps), String(starttls)]);
  await answers(starttls);
  const form = (port: number, security: 'tls' | 'starttls', more: object = {}) => channel('mail', { host: 'localhost', port, security, user: 'console', from: 'watch@example.org', to: ['a@example.org', 'b@example.org'], ca, ...more });
  t.match((await send(form(smtps, 'tls'), 'wrong', [message('w')], context)).error?.message, /535|auth/i, 'not without the password');
  t.match((await send(form(smtps, 'tls', { ca: other }), 'Letter-Box-7', [message('w')], context)).error?.message, /certificate|issuer|signature/i);
  t.same(await send(form(smtps, 'tls'), 'Letter-Box-7', [message('m-1'), message('m-2')], context), { sent: 2 });
  const report: Message = { ...message('rpt'), event: 'report', attachments: [{ name: 'daily-2019-06-10.pdf', type: 'application/pdf', sha256: 'a'.repeat(64) }] };
  t.same(await send(form(starttls, 'starttls'), 'Letter-Box-7', [report], context), { sent: 1 });
  t.match((await send(form(starttls, 'starttls', { user: undefined }), undefined, [message('x')], context)).error?.message, /530|auth/i, 'nobody sends without a login');
  const mails = readFileSync(join(dir, 'mails'), 'utf8').trim().split('\n').map((l) => JSON.parse(l) as { from: string; to: string[]; tls: boolean; text: string });
  t.same(mails.map((m) => [m.from, m.to]), Array(3).fill(['watch@example.org', ['a@example.org', 'b@example.org']]));
  t.ok(mails[2].tls, 'after STARTTLS');
  const heads = mails.map((m) => m.text.slice(0, m.text.search(/\r?\n\r?\n/)));
  t.ok(heads.every((h) => !/^bcc:/im.test(h) && (h.match(/^to:/gim) ?? []).length === 1), 'captured text makes no header');
  t.match(mails[2].text, /filename=daily-2019-06-10\.pdf/);
  t.ok(mails[2].text.includes(pdf.toString('base64')), 'the report is attached');
});
