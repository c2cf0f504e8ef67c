import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { AlertRow } from '../console/model/api.js';
import { startNatsServer, type NatsServer } from '../runtime/bus/nats-server.js';
import { Site, until, type Running } from './harness.js';

const DEMO = 'deploy/demo/demo.pcap';
/** 90 s of traffic in three: every part has blocks under way whenever one of them is killed. */
const SPEED = '30';

interface Field { nats: NatsServer; site: Site; analyzers: Running[]; console: { process: Running; address: string } }

async function field(t: Test): Promise<Field> {
  const nats = await startNatsServer();
  const site = new Site(nats.url);
  t.teardown(async () => {
    await site.stop();
    await nats.stop();
  });
  const [console, ...analyzers] = await Promise.all([site.console(), site.analyzer('analyzer-0', [0]), site.analyzer('analyzer-1', [1])]);
  return { nats, site, analyzers, console };
}

/** Replays the demonstration, disturbs meanwhile, and returns the alerts when they have settled. */
async function replayed(f: Field, disturb: () => Promise<void>): Promise<AlertRow[]> {
  const p = f.site.run(['replay', DEMO, '--bus', f.nats.url, '--partitions', '2', '--speed', SPEED, '--node', 'gw', '--unit', 'wuhan']);
  await sleep(1600);
  await disturb();
  await p.said(/3317 packets/, 40_000);
  return f.site.settled(f.console.address, 6, 4500, 90_000);
}

const names = (rows: AlertRow[]): string[] => rows.map((r) => `${r.id} ${r.rule} ${r.verdict} ${r.attacker.ip} ${r.victim.ip}`);

t.setTimeout(240_000);
t.test('whatever is killed, the alerts are those of an undisturbed run', { timeout: 170_000 }, async (t) => {
  const quiet = await field(t);
  const expected = await replayed(quiet, async () => {});
  t.ok(expected.length >= 6, `${expected.length} alerts`);
  await quiet.site.stop();

  const compare = (rows: AlertRow[], what: string): void => {
    t.strictSame(names(rows), names(expected), `${what}: each alert once, under the same id, with the same verdict`);
    rows.forEach((row, i) => t.ok(row.count >= 1 && row.count <= expected[i]!.count, `${what}: ${row.rule} counts ${row.count} of ${expected[i]!.count}`));
  };

  await t.test('an analyzer, kill -9', async () => {
    const f = await field(t);
    compare(await replayed(f, async () => {
      await Promise.all(f.analyzers.map((a) => a.kill()));
      f.analyzers = await Promise.all([f.site.analyzer('analyzer-0', [0]), f.site.analyzer('analyzer-1', [1])]);
    }), 'analyzers');
    await f.site.stop();
  });

  await t.test('nats-server and then the console, kill -9', async () => {
    const f = await field(t);
    compare(await replayed(f, async () => {
      await f.nats.kill();
      await sleep(300);
      await f.nats.restart();
      await f.console.process.kill();
      f.console = await f.site.console();
    }), 'nats-server and console');
    await f.site.stop();
  });
});

t.test('blocks that come twice or not at all; rules anew; rubbish', { timeout: 90_000 }, async (t) => {
  const nats = await startNatsServer();
  const site = new Site(nats.url);
  t.teardown(async () => {
    await site.stop();
    await nats.stop();
  });
  const rules = join(site.dir, 'rules');
  const rule = (text: string): void => writeFileSync(`${rules}.yaml`, text);
  const good = (id: string, marker: string): string => `id: ${id}
sid: 1999001
revision: 1
title: { zh: 测试, en: Test }
advice: { zh: 测试。, en: Test. }
severity: high
class: policy_violation
techniques: []
on: http
match:
  request:
    - http.uri: { contains: '${marker}' }
falsePositives: { zh: 无。, en: None. }
remediation: { zh: 无。, en: None. }
captures:
  - { file: x.pcap, expect: hit, made: none }
  - { file: y.pcap, expect: miss, made: none }
`;
  rule(good('first-marker', '/nothing-has-this'));
  const [{ address }, analyzer] = await Promise.all([site.console(), site.analyzer('analyzer-0', [0, 1, 2], { workers: 2, rules: [`${rules}.yaml`] })]);
  const replay = (path: string, ...more: string[]): Running => site.run(['replay', path, '--bus', nats.url, '--partitions', '3', '--node', 'gw', ...more]);

  // Rules with a mistake: the old ones stay, and nothing is lost under them; then good ones.
  rule(good('second-marker', '/').replace('severity: high', 'severity: hgih'));
  analyzer.signal('SIGHUP');
  t.match((await analyzer.said(/the rules stay as they were/)).input, /severity|hgih/);
  await replay(DEMO).said(/3317 packets/);
  await sleep(500);
  t.strictSame(await site.alerts(address), [], 'the old rules, which find nothing');
  const running = replay(DEMO, '--speed', '40', '--timestamps', 'now');
  await sleep(800);
  rule(good('second-marker', '/'));
  analyzer.signal('SIGHUP');
  await analyzer.said(/"rules":1/);
  await running.said(/3317 packets/);
  await until('alerts of the new rule', async () => (await site.alerts(address)).find((a) => a.rule === 'second-marker'));

  const counters = async (): Promise<Record<string, number>> => {
    const nodes = (await (await site.get(address, '/api/nodes')).json()) as { id: string; counters: Record<string, number> }[];
    return nodes.find((n) => n.id === 'analyzer-0')?.counters ?? {};
  };
  const whole = await until('every packet', async () => {
    const c = await counters();
    return c['packets'] === 2 * 3317 && c;
  });
  t.match(whole, { gaps: 0, duplicates: 0, malformed: 0, reloads: 1, reloadFailures: 1 }, 'no packet lost by a reload, by two workers on three partitions');

  // Captures that are none, or break off.
  const empty = join(site.dir, 'empty.pcap');
  const garbage = join(site.dir, 'garbage.pcap');
  const cut = join(site.dir, 'cut.pcap');
  const { readFileSync } = await import('node:fs');
  writeFileSync(empty, '');
  writeFileSync(garbage, Buffer.alloc(5000, 0x5a));
  writeFileSync(cut, readFileSync(DEMO).subarray(0, 300_001));
  for (const [path, said] of [[empty, /SW_CAPTURE_\w+/], [garbage, /SW_CAPTURE_\w+/], [cut, /SW_CAPTURE_\w+/]] as const) {
    for (const how of [replay(path), site.run(['collect', path, '--bus', nats.url, '--node', 'gw'])]) {
      const code = await how.exited;
      t.match(how.err, said, `${path.split('/').pop()} (exit ${code})`);
      t.notMatch(how.err, /^\s+at /m);
    }
  }
  await analyzer.kill('SIGTERM');
});
