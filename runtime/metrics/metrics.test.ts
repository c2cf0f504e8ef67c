import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { conformance } from './conformance.js';
import { createEmbeddedMetrics } from './embedded.js';
import { createInfluxMetrics } from './influx.js';
import { startInfluxd } from './influx-server.js';

const server = await startInfluxd();
t.teardown(() => server.stop());
const dir = mkdtempSync(join(tmpdir(), 'sw-metrics-'));
t.teardown(() => rmSync(dir, { recursive: true }));
let file = 0;
conformance(t, 'embedded', async () => createEmbeddedMetrics({ path: join(dir, `${++file}`, 'm.db') }));

t.test('embedded: what is old goes, resolution by resolution; the rest survives the process', async (t) => {
  let now = Date.UTC(2026, 0, 1);
  const path = join(dir, 'old.db');
  const open = () => createEmbeddedMetrics({ path, now: () => now });
  const at = Date.UTC(2019, 9, 1);
  const ask = async (interval: number) => {
    const store = open();
    const [series] = await store.query({ measurement: 'm', field: 'n', aggregate: 'sum', from: at, to: at + 3_600_000, interval });
    await store.close();
    return series?.values.filter((v) => v[1] !== null).map((v) => v[1]);
  };
  const store = open();
  for (let i = 0; i < 360; i++) store.write([{ measurement: 'm', tags: {}, fields: { n: 1 }, at: at + i * 10_000 }]);
  await store.close();
  t.equal((await ask(10_000))!.length, 360);
  now += 25 * 3_600_000;
  t.equal(await ask(10_000), undefined);
  t.strictSame(await ask(300_000), Array.from({ length: 12 }, () => 30));
  now += 91 * 86_400_000;
  t.equal(await ask(300_000), undefined);
  t.strictSame(await ask(3_600_000), [360]);
});

conformance(t, 'influxdb', async () => createInfluxMetrics({ url: server.url, database: 'conformance' }));

t.test('influxdb: points wait while it is away, what does not fit is counted', async (t) => {
  const store = createInfluxMetrics({ url: server.url, database: 'away', waitingMax: 1000, retentionDays: 7 });
  t.teardown(() => store.close());
  await server.kill();
  const at = Date.now();
  for (let i = 0; i < 1500; i++) store.write([{ measurement: 'm', tags: { node: 'n' }, fields: { n: 1 }, at: at + i }]);
  await store.flush();
  t.match(store.stats(), { written: 0, waiting: 1000, lost: 500, up: false });
  await t.rejects(store.query({ measurement: 'm', field: 'n', aggregate: 'sum', from: at, to: at + 1000, interval: 1000 }), { code: 'SW_METRICS_AWAY' });
  await server.restart();
  await store.flush();
  t.match(store.stats(), { written: 1000, waiting: 0, lost: 500, up: true });
  const [series] = await store.query({ measurement: 'm', field: 'n', aggregate: 'count', from: at - 60_000, to: at + 60_000, interval: 600_000 });
  t.equal(series.values.reduce((n, v) => n + (v[1] ?? 0), 0), 1000);
  store.write([{ measurement: 'm', tags: {}, fields: { n: 1 }, at: at - 30 * 86_400_000 }]);
  await store.flush();
  t.match(store.stats(), { written: 1000, lost: 501, waiting: 0 }, 'older than the retention policy');
});
