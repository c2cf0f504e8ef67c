import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { spawn } from 'node:child_process';
import { AnalyzeFile, CollectFile, ConsoleFile } from '../cli/settings.js';
import { streams, subjects } from '../contracts/subjects.js';
import type { Bus } from '../runtime/bus/bus.js';
import { findNatsServer, freePort } from '../runtime/bus/nats-server.js';
import { openBus } from '../runtime/bus/open.js';
import { sleep } from '../runtime/bus/wait.js';
import { parseConfig } from '../runtime/config.js';
import { loadRegistry } from '../runtime/registry.js';

const dir = mkdtempSync(join(tmpdir(), 'sw-deploy-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

t.test('the sample configurations fit the schemas', async (t) => {
  writeFileSync(join(dir, 'influx.password'), 'secret\n');
  for (const [file, schema] of [['collect', CollectFile], ['analyze', AnalyzeFile], ['console', ConsoleFile]] as const) {
    const text = readFileSync(`deploy/config/${file}.yaml`, 'utf8').replaceAll('/etc/shouwang/influx.password', join(dir, 'influx.password'));
    t.ok(parseConfig(text, `deploy/config/${file}.yaml`, schema), file);
  }
  t.ok(loadRegistry('deploy/registry.sample.yaml').systems.length > 40);
});

t.test('the compose file is whole, only the collector has capabilities', async (t) => {
  const compose = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true });
  t.strictSame(Object.keys(compose.services), ['nats', 'influxdb', 'collector', 'analyzer-0', 'analyzer-1', 'console']);
  t.strictSame(Object.entries(compose.services).filter(([, s]) => (s as { cap_add?: string[] }).cap_add).map(([n]) => n), ['collector']);
  for (const file of readdirSync('deploy/systemd')) {
    const unit = readFileSync(join('deploy/systemd', file), 'utf8');
    t.equal(/^AmbientCapabilities=CAP/m.test(unit), file.includes('collector'), file);
    t.match(unit, /NoNewPrivileges=yes\nProtectSystem=strict/);
    if (existsSync('/usr/bin/systemd-analyze')) {
      t.notMatch(execFileSync('sh', ['-c', `systemd-analyze verify --man=no "${join('deploy/systemd', file)}" 2>&1 || true`]).toString(), /Unknown (key|lvalue)|Invalid|Failed to parse/);
    }
  }
  execFileSync('sh', ['-n', 'deploy/install.sh']);
});

t.test('the NATS configuration: TLS, nkeys, and each role has its own subjects only', async (t) => {
  const tls = join(dir, 'tls');
  mkdirSync(tls);
  const ssl = (...args: string[]) => execFileSync('openssl', args, { cwd: tls, stdio: 'pipe' });
  ssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test ca', '-days', '2');
  ssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'nats.key', '-out', 'nats.csr', '-subj', '/CN=localhost');
  writeFileSync(join(tls, 'ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  ssl('x509', '-req', '-in', 'nats.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'nats.crt', '-days', '2', '-extfile', 'ext');
  const env: Record<string, string> = {};
  for (const role of ['collector', 'analyzer', 'console', 'stranger']) {
    env[`SW_NKEY_${role.toUpperCase()}`] = execFileSync(process.execPath, ['deploy/nats/new-nkey.mjs', join(dir, `${role}.nk`)]).toString().trim();
  }
  const port = await freePort();
  const conf = readFileSync('deploy/nats/nats-server.conf', 'utf8').replace('0.0.0.0:4222', `127.0.0.1:${port}`)
    .replaceAll('/etc/shouwang/tls', tls).replace('/var/lib/nats/jetstream', join(dir, 'js'));
  writeFileSync(join(dir, 'nats.conf'), conf);
  const server = spawn(findNatsServer(), ['-c', join(dir, 'nats.conf')], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  server.stderr.on('data', (d) => { output += d; });
  t.teardown(() => server.kill('SIGKILL'));
  for (let i = 0; i < 300 && !output.includes('Server is ready'); i++) await sleep(20);
  t.match(output, 'Server is ready');
  const denied: string[] = [];
  const open = (role: string): Promise<Bus> => openBus({
    url: `tls://localhost:${port}`, nkeyFile: join(dir, `${role}.nk`), inboxPrefix: `_INBOX_${role}`, tls: { caFile: join(tls, 'ca.crt') }, connectTimeoutMs: 1500,
  }, { onError: (error) => denied.push(`${role}: ${(error as Error).message}`) });
  await t.rejects(open('stranger'), { code: 'SW_BUS_CONNECT' });
  const [collector, analyzer, console] = await Promise.all(['collector', 'analyzer', 'console'].map(open));
  t.teardown(() => Promise.all([collector, analyzer, console].map((b) => b.close())));
  const packets = { name: streams.packets(0), subjects: [subjects.packetsOf(0)], retention: 'work' as const, maxBytes: 64 * 1024 * 1024 };
  const alerts = { name: streams.alerts, subjects: [subjects.allAlerts], retention: 'keep' as const, maxBytes: 64 * 1024 * 1024 };
  await collector.ensureStream(packets);
  await analyzer.ensureStream(alerts);
  await console.ensureStream(alerts);
  const got: string[] = [];
  await analyzer.consume(packets.name, { durable: 'engine', ack: 'all', maxUnacked: 100 }, async (d) => {
    d.ack();
    await analyzer.publishDurable(subjects.alert('high', 'u'), Buffer.from(`alert of ${Buffer.from(d.data)}`), d.id);
  });
  await console.consume(alerts.name, { durable: 'console', ack: 'explicit', maxUnacked: 100 }, (d) => { got.push(Buffer.from(d.data).toString()); d.ack(); });
  await analyzer.respond(subjects.command('analyzer', 'reload-rules'), () => Buffer.from('done'));
  await collector.publishDurable(subjects.packets('u', 'n', 0), Buffer.from('block'), 'b0');
  for (let i = 0; i < 200 && got.length === 0; i++) await sleep(20);
  t.strictSame(got, ['alert of block']);
  t.equal(Buffer.from((await console.request(subjects.command('analyzer', 'reload-rules'), Buffer.alloc(0), 2000)).data).toString(), 'done');
  // What a stolen collector key is not good for.
  await collector.subscribe(subjects.allAlerts, () => { t.fail('a collector read an alert'); });
  await collector.subscribe('_INBOX_console.>', () => { t.fail('a collector read the answers to another'); });
  await collector.publish(subjects.alert('high', 'u'), Buffer.from('forged'));
  await console.publish(subjects.packets('u', 'n', 0), Buffer.from('forged'));
  await collector.publishDurable(subjects.packets('u', 'n', 0), Buffer.from('block 2'), 'b1');
  for (let i = 0; i < 200 && got.length < 2; i++) await sleep(20);
  await sleep(100);
  t.strictSame(got, ['alert of block', 'alert of block 2']);
  t.equal(denied.filter((d) => d.includes('may not')).length >= 4, true, denied.join('\n'));
});
