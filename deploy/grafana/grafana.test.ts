import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import type { Alert } from '../../contracts/alert.js';
import { MetricsSink } from '../../analyzer/sink/metrics.js';
import { createInfluxMetrics } from '../../runtime/metrics/influx.js';
import { startInfluxd } from '../../runtime/metrics/influx-server.js';

interface Panel { title: string; datasource: { uid: string }; targets: { query: string; alias?: string }[] }
interface Dashboard { uid: string; title: string; templating: { list: { name: string; query: string; allValue: string }[] }; panels: Panel[] }
interface Answer { results: { error?: string; series?: { name: string; tags?: Record<string, string>; columns: string[]; values: (number | string | null)[][] }[] }[] }

t.test('every query of the dashboards finds what an analyzer writes', async (t) => {
  const server = await startInfluxd();
  t.teardown(() => server.stop());
  const metrics = createInfluxMetrics({ url: server.url, database: 'shouwang' });
  const now = Date.now() * 1000;
  const sink = new MetricsSink((points) => metrics.write(points), undefined, { analyzer: 'analyzer-0' });
  sink.traffic(now - 60_000_000, { node: 'exit-1', unit: 'wuhan' }, 'http', 10, 5_000, 2);
  for (const [severity, verdict] of [['critical', 'succeeded'], ['high', 'compromised'], ['low', 'attempted']] as const) {
    sink.alert(now - 60_000_000, { shouwang: { node: 'exit-1', unit: 'wuhan', severity, verdict, class: 'sql_injection' } } as Alert);
  }
  sink.flush();
  const ask = async (q: string): Promise<Answer['results'][number]> => {
    const answer = await fetch(`${server.url}/query?db=shouwang&q=${encodeURIComponent(q)}`);
    return (await answer.json() as Answer).results[0];
  };
  for (let i = 0; i < 100 && !(await ask('SELECT sum("count") FROM "alerts"')).series; i++) await new Promise((r) => { setTimeout(r, 50); });

  const source = parse(readFileSync('deploy/grafana/provisioning/datasources/shouwang.yaml', 'utf8')) as { datasources: { uid: string; jsonData: { dbName: string } }[] };
  const folder = 'deploy/grafana/dashboards';
  for (const file of readdirSync(folder)) {
    const board = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Dashboard;
    for (const v of board.templating.list) t.same((await ask(v.query)).series?.[0].values.map((x) => x[1]), [v.name === 'unit' ? 'wuhan' : 'exit-1'], `${board.title}: $${v.name}`);
    for (const panel of board.panels) {
      t.same([panel.datasource.uid, source.datasources[0].jsonData.dbName], [source.datasources[0].uid, 'shouwang']);
      for (const { query, alias } of panel.targets) {
        const text = query.replaceAll('$timeFilter', 'time > now() - 1h').replaceAll('$__interval_ms', '60000').replaceAll('$__interval', '60s').replace(/\$(unit|node)\b/g, '.*');
        t.notMatch(text.replaceAll('$/', ''), /\$[a-z_]/, 'no variable is left');
        const { error, series } = await ask(text);
        t.equal(error, undefined, text);
        t.ok(series?.some((s) => s.values.some((v) => Number(v[1]) > 0)), `${board.title} / ${panel.title}: there is something to draw`);
        const tag = /^\$tag_(\w+)$/.exec(alias ?? '')?.[1];
        if (tag) t.ok(series?.every((s) => (s.tags?.[tag] ?? '') !== ''), `${panel.title}: every curve has its ${tag}`);
      }
    }
  }
  await metrics.close();
});
