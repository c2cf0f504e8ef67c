import { copyFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startNatsServer } from '../runtime/bus/nats-server.js';
import { startInfluxd } from '../runtime/metrics/influx-server.js';
import { Site, until } from './harness.js';

/** Collector, two analyzers on a partition each, console, nats-server and influxd: six processes, joined by nothing but their addresses. */
t.setTimeout(120_000);
t.test('the distributed form, as it is deployed', { timeout: 90_000 }, async (t) => {
  const [nats, influx] = await Promise.all([startNatsServer(), startInfluxd()]);
  const site = new Site(nats.url, influx.url);
  t.teardown(async () => {
    await site.stop();
    await Promise.all([nats.stop(), influx.stop()]);
  });
  const folder = join(site.dir, 'captures');
  mkdirSync(folder);
  const collect = site.yaml('collect.yaml', {
    bus: { url: nats.url },
    collector: { node: 'wuhan-1', unit: 'wuhan', partitions: 2, sources: [{ kind: 'folder', path: folder, settleSeconds: 0 }], spool: { path: join(site.dir, 'spool') } },
  });
  const [{ address }, first, second] = await Promise.all([site.console(), site.analyzer('analyzer-0', [0]), site.analyzer('analyzer-1', [1])]);
  const collector = site.run(['collect', '--config', collect]);
  const drop = (path: string, name: string): void => {
    copyFileSync(path, join(folder, `.${name}`));
    renameSync(join(folder, `.${name}`), join(folder, name));
  };

  drop('rules/java/struts-content-type-ognl/command-output.pcap', 'struts.pcap');
  const struts = await until('the alert', async () => (await site.alerts(address)).find((a) => a.rule === 'struts-content-type-ognl' && a.verdict === 'succeeded'));
  t.match(struts, { verdict: 'succeeded', severity: 'critical', node: 'wuhan-1' });
  const { bytes, sha256, announced } = await site.evidence(address, struts.id);
  t.equal(sha256, announced, 'the evidence is what was saved when the alert was raised');
  t.equal(bytes.readUInt32LE(0), 0xa1b23c4d, 'and a nanosecond pcap file');

  // 128 victims: about half of the connections are seen by each analyzer, and together they are one sweep.
  drop('rules/behaviour/host-sweep/nmap-sweep-445.pcap', 'sweep.pcap');
  drop('deploy/demo/demo.pcap', 'demo.pcap');
  const rules = ['brute-force', 'china-chopper', 'host-sweep', 'port-scan', 'struts-content-type-ognl', 'webshell-upload'];
  await until('all alerts', async () => {
    const seen = new Set((await site.alerts(address)).map((a) => a.rule));
    return rules.every((r) => seen.has(r));
  });
  const sweep = await until('the whole sweep', async () => {
    const found = (await site.alerts(address)).filter((a) => a.rule === 'host-sweep');
    if (found.length !== 1) return undefined;
    const detail = await site.alert(address, found[0]!.id);
    return detail.measured?.['hosts'] === 128 && detail;
  });
  t.equal(sweep.measured!['hosts'], 128, 'one alert for the hosts that both analyzers saw');

  const query = async (q: string): Promise<number[][]> => {
    const r = await fetch(`${influx.url}/query?db=shouwang&q=${encodeURIComponent(q)}`);
    return ((await r.json()) as { results: { series?: { values: number[][] }[] }[] }).results[0]?.series?.[0]?.values ?? [];
  };
  const packets = await until('points', async () => {
    const [row] = await query('SELECT sum(packets) FROM traffic WHERE "node" = \'wuhan-1\'');
    return row && row[1]! >= 3573 ? row[1] : undefined;
  });
  t.ok(packets >= 3573, `${packets} packets counted in InfluxDB`);
  t.ok((await query('SELECT sum(count) FROM alerts'))[0]![1]! >= rules.length, 'and alerts');

  const health = await until('heartbeats', async () => {
    const status = await (await site.get(address, '/api/nodes')).text();
    return ['analyzer-0', 'analyzer-1', 'wuhan-1'].every((id) => status.includes(id)) && status;
  });
  t.match(health, 'analyzer-1');
  // An orderly stop of each part.
  collector.signal('SIGTERM');
  first.signal('SIGTERM');
  second.signal('SIGINT');
  t.strictSame(await Promise.all([collector.exited, first.exited, second.exited]), [0, 0, 0]);
});

t.test('a configuration with a mistake says where', async (t) => {
  const site = new Site('nats://127.0.0.1:1');
  t.teardown(() => site.stop());
  const path = site.yaml('bad.yaml', { bus: { url: 'nats://127.0.0.1:1' }, analyzer: { partition: [0] } });
  const p = site.run(['analyze', '--serve', '--config', path]);
  t.equal(await p.exited, 2);
  t.match(p.err, /bad\.yaml.*partition/s);
  t.notMatch(p.err, 'at Object.');
  t.ok(readFileSync(path, 'utf8'));
});
