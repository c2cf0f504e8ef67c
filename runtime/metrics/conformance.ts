import type t from 'tap';
import { VALUES_MAX } from './cardinality.js';
import type { MetricsStore, Point, SeriesQuery } from './metrics.js';

type Test = typeof t;
const T0 = 1_569_888_000_000; // 2019-10-01T00:00:00Z
const point = (measurement: string, tags: Record<string, string>, fields: Record<string, number>, at: number): Point => ({ measurement, tags, fields, at });

/** What every metrics store must do. */
export function conformance(t: Test, name: string, open: () => Promise<MetricsStore>): void {
  const test = (title: string, body: (t: Test, store: MetricsStore) => Promise<void>) => t.test(`${name}: ${title}`, async (t) => {
    const store = await open();
    try { await body(t as unknown as Test, store); } finally { await store.close(); }
  });

  test('aggregates, buckets, groups, gaps', async (t, store) => {
    const m = `traffic_${Math.random().toString(36).slice(2)}`;
    store.write([
      point(m, { node: 'n1', protocol: 'http' }, { bytes: 100 }, T0 + 1000),
      point(m, { node: 'n1', protocol: 'http' }, { bytes: 50 }, T0 + 1000),
      point(m, { node: 'n1', protocol: 'http' }, { bytes: 10, packets: 3 }, T0 + 61_000),
      point(m, { node: 'n2', protocol: 'dns' }, { bytes: 7 }, T0 + 125_000),
      point(m, { node: 'n1', protocol: 'dns' }, { bytes: 9 }, T0 + 185_000),
    ]);
    await store.flush();
    const base = { measurement: m, field: 'bytes', from: T0, to: T0 + 240_000, interval: 60_000 };
    const ask = async (q: Partial<SeriesQuery>) => (await store.query({ ...base, aggregate: 'sum', ...q })).map((s) => [Object.values(s.tags).join('/'), ...s.values.map((v) => v[1])]);
    t.strictSame(await ask({}), [['', 160 - 10, 10, 7, 9]], 'points of one series and moment are added up');
    t.strictSame(await ask({ groupBy: ['node'] }), [['n1', 150, 10, null, 9], ['n2', null, null, 7, null]]);
    t.strictSame(await ask({ groupBy: ['node', 'protocol'], where: { protocol: 'dns' } }), [['n1/dns', null, null, null, 9], ['n2/dns', null, null, 7, null]]);
    t.strictSame(await ask({ aggregate: 'max' }), [['', 100, 10, 7, 9]]);
    t.strictSame(await ask({ aggregate: 'min' }), [['', 50, 10, 7, 9]]);
    t.strictSame(await ask({ aggregate: 'mean' }), [['', 75, 10, 7, 9]]);
    t.strictSame(await ask({ aggregate: 'count' }), [['', 2, 1, 1, 1]]);
    t.strictSame(await ask({ aggregate: 'last', interval: 240_000 }), [['', 9]]);
    t.strictSame(await ask({ field: 'packets' }), [['', null, 3, null, null]]);
    t.strictSame(await ask({ from: T0 + 60_000, to: T0 + 120_000 }), [['', 10]], 'half-open');
    t.strictSame(await ask({ where: { node: 'nobody' } }), []);
    t.strictSame(await ask({ measurement: 'nothing' }), []);
    await t.rejects(store.query({ ...base, aggregate: 'sum', interval: 0 }), { code: 'SW_METRICS_QUERY' });
    t.match(store.stats(), { written: 5, waiting: 0, lost: 0, up: true });
  });

  test('hostile names and values', async (t, store) => {
    const values = ["a' OR 'x'='x", 'sp ace', 'com,ma', 'eq=ual', 'quo"te', '政务外网', 'back\\', 'new\nline', '; DROP DATABASE shouwang'];
    store.write(values.map((unit, i) => point('hostile m,=x', { unit }, { 'field "x"': i + 1 }, T0 + i * 1000)));
    store.write([point('hostile m,=x', { unit: '' }, { 'field "x"': Number.NaN }, T0), point('hostile m,=x', {}, {}, T0)]);
    await store.flush();
    const series = await store.query({ measurement: 'hostile m,=x', field: 'field "x"', aggregate: 'sum', from: T0, to: T0 + 60_000, interval: 60_000, groupBy: ['unit'] });
    const clean = (v: string) => v.replace('\\', '/').replace('\n', '_');
    t.strictSame(new Map(series.map((s) => [s.tags.unit, s.values[0][1]])), new Map(values.map((v, i) => [clean(v), i + 1] as const).sort((a, b) => (JSON.stringify({ unit: a[0] }) < JSON.stringify({ unit: b[0] }) ? -1 : 1))));
    const one = await store.query({ measurement: 'hostile m,=x', field: 'field "x"', aggregate: 'sum', from: T0, to: T0 + 60_000, interval: 60_000, where: { unit: values[0] } });
    t.equal(one[0].values[0][1], 1);
    t.equal(store.stats().lost, 2);
  });

  test('tag values are bounded', async (t, store) => {
    const m = `many_${Math.random().toString(36).slice(2)}`;
    store.write(Array.from({ length: VALUES_MAX + 100 }, (_, i) => point(m, { unit: `u${i}` }, { n: 1 }, T0)));
    await store.flush();
    const series = await store.query({ measurement: m, field: 'n', aggregate: 'sum', from: T0, to: T0 + 10_000, interval: 10_000, groupBy: ['unit'] });
    t.equal(series.length, VALUES_MAX + 1);
    t.equal(series.find((s) => s.tags.unit === 'other')!.values[0][1], 100);
  });

  test('the demonstration can be removed', async (t, store) => {
    const m = `demo_${Math.random().toString(36).slice(2)}`;
    store.write([point(m, { demo: 'true', node: 'd' }, { n: 1 }, T0), point(m, { node: 'real' }, { n: 2 }, T0)]);
    await store.flush();
    await store.remove('demo', 'true');
    const series = await store.query({ measurement: m, field: 'n', aggregate: 'sum', from: T0, to: T0 + 10_000, interval: 10_000, groupBy: ['node'] });
    t.strictSame(series.map((s) => [s.tags.node, s.values[0][1]]), [['real', 2]]);
  });
}
