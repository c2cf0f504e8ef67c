import { createHash } from 'node:crypto';
import t from 'tap';
import type { Alert, EvidenceHeaders } from '../../contracts/alert.js';
import type { EveEvent } from '../../contracts/event.js';
import type { Point } from '../../runtime/metrics/metrics.js';
import { EventSink } from './events.js';
import { EvidenceTaker } from './evidence.js';
import { MAX_SERIES, MetricsSink } from './metrics.js';

t.test('evidence carries its hashes and keeps to its budget per minute of packet time', (t) => {
  const saved: [EvidenceHeaders, Uint8Array][] = [];
  const taker = new EvidenceTaker({ save: (h, b) => saved.push([h, b]), perMinute: 2, maxBytes: 1000 });
  const pcap = new TextEncoder().encode('abc');
  let asked = 0;
  const save = taker.from((max) => ((asked = max), { pcap, packets: 3 }));
  t.strictSame(save('0123456789abcdef0123', 0), {
    id: '0123456789abcdef-ba7816bf8f01cfea', sha256: createHash('sha256').update('abc').digest('hex'), bytes: 3, packets: 3,
    sm3: '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0',
  });
  t.equal(asked, 1000);
  t.ok(save('a', 59_999_999));
  t.equal(save('b', 59_999_999), undefined);
  t.ok(save('b', 60_000_000));
  t.equal(taker.from(() => undefined)('c', 60_000_000), undefined);
  t.strictSame(taker.counters, { saved: 3, bytes: 9, refused: 1, empty: 1 });
  t.equal(saved.length, 3);
  t.end();
});

t.test('metrics: buckets of packet time, one late for stragglers, tags bounded', (t) => {
  const points: Point[] = [];
  const sink = new MetricsSink((p) => points.push(...p), 1_000_000);
  const from = { node: 'n1', unit: 'wuhan' };
  sink.traffic(1_000_000, from, 'http', 2, 300, 1);
  sink.traffic(1_999_999, from, 'http', 1, 100);
  sink.traffic(2_000_000, from, 'dns', 1, 60);
  sink.advance(2_500_000);
  t.equal(points.length, 0);
  sink.advance(3_000_000);
  t.strictSame(points, [{ measurement: 'traffic', tags: { node: 'n1', unit: 'wuhan', protocol: 'http' }, fields: { packets: 3, bytes: 400, flows: 1 }, at: 1000 }]);
  for (let i = 0; i < MAX_SERIES + 50; i++) sink.traffic(5_000_000, from, `p${i}`, 1, 1);
  sink.flush();
  const last = points.filter((p) => p.at === 5000);
  t.equal(last.length, MAX_SERIES + 1);
  t.equal(last.reduce((sum, p) => sum + p.fields.packets, 0), MAX_SERIES + 50, 'nothing is lost');
  t.equal(sink.counters.folded, 50);
  points.length = 0;
  const raised = (severity: string, verdict: string) => ({ shouwang: { node: 'n1', unit: 'wuhan', severity, verdict, class: 'jndi' } }) as Alert;
  sink.alert(9_000_000, raised('low', 'attempted'));
  sink.alert(9_000_000, raised('low', 'attempted'), { severity: 'low', verdict: 'attempted' });
  sink.alert(9_000_000, raised('critical', 'succeeded'), { severity: 'low', verdict: 'attempted' });
  sink.flush();
  t.strictSame(points.map((p) => [p.tags.verdict, p.fields]), [['attempted', { count: 1, severities: 1, verdicts: 1 }], ['succeeded', { severities: 1, verdicts: 1 }]], 'one alert, and among the successes');
  t.end();
});

t.test('events pass by type', (t) => {
  const out: string[] = [];
  const sink = new EventSink((e) => out.push(e.event_type), ['dns', 'auth']);
  for (const event_type of ['dns', 'http', 'auth'] as const) sink.event({ timestamp: '', event_type } as EveEvent);
  t.strictSame(out, ['dns', 'auth']);
  t.strictSame(sink.counters, { passed: 2, left: 1 });
  t.equal(sink.wants('http'), false);
  t.end();
});
