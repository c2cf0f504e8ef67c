import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { AlertRow, BackupRow, IncidentRow, Page, RetentionRun, StoreView } from '../../model/api.js';
import { alertOf, startConsole } from '../harness.js';
import { NO_POSTGRES, startPostgres } from './postgres-server.js';
import { openStore } from './store.js';
import { EVERYTHING } from './scope.js';

t.test('retention with a dry run; a backup while it runs, and back', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const chief = await h.person('chief', ['system_admin']);
  const ana = await h.person('ana', ['analyst']);
  const old = new Date(h.clock.now() - 200 * 86_400_000).toISOString();
  await h.send(alertOf({ id: 'u-old', last_seen: old }));
  await h.send(alertOf({ id: 'u-open', last_seen: old, attacker: { ip: '198.51.100.1' } }));
  await h.send(alertOf({ id: 'u-new' }));
  await h.evidence('ev-u', 'u-old', Buffer.from('old packets'));
  await h.until(() => h.console.context.counters().alerts === 3 && h.console.context.counters().evidence === 1, 'ingest');
  const closed = (await h.console.context.store.incidents.list(EVERYTHING, { ip: '203.0.113.9', order: 'oldest' })).rows[0];
  await h.console.context.store.incidents.decide(closed.id, closed.version, { state: 'closed', closed_at: 1 }, { at: 1, by: null, action: 'close', from_state: null, to_state: null, text: null });
  t.equal((await chief.call('PUT', '/api/retention', { policy: { alerts: 30, evidence: 183, incidents: 1096, automatic: false } })).status, 400, 'no less than the law asks for');
  const dry = (await chief.call<RetentionRun>('POST', '/api/retention/runs', { dryRun: true })).body;
  t.match(dry, { dryRun: true, alerts: 1, evidence: 0 }, 'what an open incident needs stays');
  t.equal((await ana.call<Page<AlertRow>>('GET', '/api/alerts')).body.items.length, 3, 'nothing went');

  const made = await chief.call<BackupRow>('POST', '/api/backups', {});
  t.equal(made.status, 201);
  t.match((await chief.call<RetentionRun>('POST', '/api/retention/runs', { dryRun: false })).body, { alerts: 1 });
  t.same((await ana.call<Page<AlertRow>>('GET', '/api/alerts')).body.items.map((a) => a.id).sort(), ['u-new', 'u-open']);
  t.match((await chief.call<StoreView>('GET', '/api/store')).body, { engine: 'sqlite', alerts: 2, evidenceBytes: 11 });

  const out = mkdtempSync(join(tmpdir(), 'sw-restore-'));
  t.teardown(() => rmSync(out, { recursive: true, force: true }));
  const backup = join(h.dir, 'data/backup', made.body.name);
  const run = (...args: string[]) => spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  t.match(run('backup', '--data', join(h.dir, 'data'), '--to', join(out, 'second')), { status: 0, stdout: /files, \d+ bytes/ });
  const restored = run('restore', backup, '--data', join(out, 'data'));
  t.equal(restored.status, 0, restored.stderr);
  const store = await openStore(join(out, 'data'));
  t.equal(await store.alerts.total(), 3, 'as it was before');
  t.match(await store.audit.verify(), { intact: true });
  await store.close();
  t.ok(existsSync(join(out, 'data/signing.key')));
  // Put back in place, from where the console itself keeps its backups.
  const placed = run('restore', join(out, 'data/backup/mine'), '--data', join(out, 'data'));
  t.match(placed, { status: 2, stderr: /SW_CONSOLE_RESTORE/ });
  t.equal(run('backup', '--data', join(out, 'data'), '--to', join(out, 'data/backup/mine')).status, 0);
  t.match(run('restore', join(out, 'data/backup/mine'), '--data', join(out, 'data')), { status: 0, stdout: /What was there is in / });
  t.ok(existsSync(join(out, 'data/console.db')));
  writeFileSync(join(backup, 'signing.key'), 'changed');
  t.match(run('restore', backup, '--data', join(out, 'data')), { status: 2, stderr: /SW_CONSOLE_RESTORE/ });
  t.ok(readdirSync(join(out, 'data')).includes('console.db'), 'a bad backup changes nothing');
});

t.test('a console that is restored elsewhere reads, and its evidence is verified', async (t) => {
  for (const engine of ['sqlite', 'postgres'] as const) {
    await t.test(engine, { skip: engine === 'postgres' && NO_POSTGRES }, async (t) => {
      const server = engine === 'postgres' ? await startPostgres() : undefined;
      if (server) t.teardown(() => server.stop());
      const out = mkdtempSync(join(tmpdir(), 'sw-moved-'));
      t.teardown(() => rmSync(out, { recursive: true, force: true }));
      const h = await startConsole(server ? { database: server.url } : {});
      let stopped = false;
      t.teardown(async () => { if (!stopped) await h.stop(); });
      await h.useRegistry();
      const ana = await h.person('ana', ['analyst']);
      const chief = await h.person('chief', ['system_admin']);
      const packets = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');
      await h.send(alertOf({ id: 'b-1', verdict: 'succeeded', evidence: [{ id: 'ev-b', sha256: createHash('sha256').update(packets).digest('hex'), bytes: packets.length, packets: 0 }] }));
      await h.evidence('ev-b', 'b-1', packets);
      await h.until(() => h.console.context.counters().alerts === 1 && h.console.context.counters().evidence === 1, 'ingest');
      const incident = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items[0];
      // Alerts keep coming while it is made: what is in it is whole.
      for (let n = 0; n < 100; n++) await h.send(alertOf({ id: `p-${n}`, attacker: { ip: `198.51.100.${10 + (n % 7)}` } }));
      const flood = (async () => { for (let n = 100; n < 400; n++) { await h.send(alertOf({ id: `p-${n}`, attacker: { ip: `198.51.100.${10 + (n % 7)}` } })); await new Promise((r) => { setTimeout(r, 2); }); } })();
      const made = await chief.call<BackupRow>('POST', '/api/backups', {});
      t.equal(made.status, 201, made.raw.toString());
      await flood;
      await h.until(() => h.console.context.counters().alerts === 401, 'the flood');
      // After the backup: gone again when it is put back.
      await h.send(alertOf({ id: 'b-2', attacker: { ip: '198.51.100.4' } }));
      await h.until(() => h.console.context.counters().alerts === 402, 'a later alert');
      const before = await h.console.context.store.audit.verify();
      stopped = true;
      cpSync(join(h.dir, 'data/backup', made.body.name), join(out, 'backup'), { recursive: true });
      await h.stop();

      writeFileSync(join(out, 'console.yaml'), `console:\n  dataDir: ${join(out, 'data')}\n${server ? `  database: ${server.url}\n` : ''}`);
      const restored = spawnSync(process.execPath, ['dist/cli/main.js', 'restore', join(out, 'backup'), '--config', join(out, 'console.yaml')], { encoding: 'utf8' });
      t.equal(restored.status, 0, restored.stderr);
      const again = await startConsole({ dataDir: join(out, 'data'), ...(server ? { database: server.url } : {}) });
      t.teardown(() => again.stop());
      t.equal(again.code, undefined, 'its accounts are there');
      const reader = await again.client('ana');
      const alerts = (await reader.call<Page<AlertRow>>('GET', '/api/alerts?limit=500')).body.items;
      t.same(alerts.filter((a) => a.id.startsWith('b-')).map((a) => a.id), ['b-1']);
      const incidents = (await reader.call<Page<IncidentRow>>('GET', '/api/incidents?limit=100')).body.items;
      t.same(incidents.map((i) => i.alerts), incidents.map((i) => alerts.filter((a) => a.incident === i.id).length), 'incidents and alerts agree');
      t.equal((await reader.call<{ total: number }>('GET', '/api/alerts/counts')).body.total, alerts.length, 'and so do the counts');
      await again.until(async () => (await reader.call<Page<AlertRow>>('GET', '/api/alerts?text=sqli-union%20203.0.113.9')).body.items.length > 0, 'the search index');
      t.same((await reader.call<Page<AlertRow>>('GET', '/api/alerts?text=sqli-union%20203.0.113.9')).body.items.map((a) => a.id), ['b-1'], 'and can be searched');
      t.same((await reader.call('GET', '/api/evidence/ev-b')).raw, packets);
      const audit = await again.console.context.store.audit.verify();
      t.ok(audit.intact && audit.entries <= before.entries + 3);
      writeFileSync(join(out, 'x.swbundle'), (await reader.call('GET', `/api/incidents/${incident.id}/bundle`)).raw);
      t.match(spawnSync(process.execPath, ['dist/cli/main.js', 'verify', join(out, 'x.swbundle')], { encoding: 'utf8' }), { status: 0, stdout: /Sound\./ });
    });
  }
});
