import t from 'tap';
import type { Alert } from '../../contracts/alert.js';
import type { Severity, Verdict } from '../../contracts/classes.js';
import { AlertSink, type AlertMode } from './alerts.js';
import { eveTimestamp, fromEveTimestamp, toAlert, type Finding } from './finding.js';

const T0 = 1_571_364_000_000_000; // 2019-10-18T02:00:00Z

function finding(at: number, tx: number, verdict: Verdict = 'attempted', severity: Severity = 'low', more: Partial<Finding> = {}): Alert {
  return toAlert({
    rule: {
      id: 'struts-content-type-ognl', sid: 1000901, gid: 1, rev: 2, message: 'Struts2 S2-045', title: { zh: '注入', en: 'Injection' },
      class: 'code_injection', techniques: ['T1190'], references: ['CVE-2017-5638'],
    },
    header: {
      timestamp: eveTimestamp(at), event_type: 'alert', flow_id: 77, pcap_cnt: 4, src_ip: '203.0.113.66', src_port: 40000,
      dest_ip: '10.42.1.10', dest_port: 80, proto: 'TCP', app_proto: 'http', community_id: '1:x', tx_id: tx,
    },
    detail: { http: { hostname: 'a', url: '/' } },
    attacker: { ip: '203.0.113.66', port: 40000 }, victim: { ip: '10.42.1.10', port: 80 },
    verdict, severity, because: { zh: verdict, en: verdict }, firstUs: at, lastUs: at,
    matched: [{ buffer: 'http.uri', direction: 'to_server', data: 'YQ==', marks: [[0, 1]] }],
    occurrence: `k${tx}`, node: 'n1', ...more,
  });
}

function sink(mode: AlertMode, options = {}): { sink: AlertSink; out: Alert[] } {
  const out: Alert[] = [];
  const lookup = (ip: string) => (ip === '10.42.1.10' ? { unit: 'wuhan', system: 'portal' } : undefined);
  return { sink: new AlertSink({ mode, emit: (a) => out.push(a), lookup, ...options }), out };
}

t.test('an alert, whole', (t) => {
  const { sink: s, out } = sink('batch');
  const id = s.add(finding(T0, 0));
  s.flush();
  t.strictSame(out, [{
    timestamp: '2019-10-18T02:00:00.000000+0000', event_type: 'alert', flow_id: 77, pcap_cnt: 4, src_ip: '203.0.113.66', src_port: 40000,
    dest_ip: '10.42.1.10', dest_port: 80, proto: 'TCP', app_proto: 'http', community_id: '1:x', tx_id: 0,
    alert: { action: 'allowed', gid: 1, signature_id: 1000901, rev: 2, signature: 'Struts2 S2-045', category: 'Code injection', severity: 3 },
    http: { hostname: 'a', url: '/' },
    shouwang: {
      id, revision: 1, rule: 'struts-content-type-ognl', title: { zh: '注入', en: 'Injection' }, severity: 'low', class: 'code_injection',
      gb2007: 'NAI/VAI', gb2023: '2 网络攻击/漏洞利用', phase: 'execution', verdict: 'attempted', because: { zh: 'attempted', en: 'attempted' },
      attacker: { ip: '203.0.113.66', port: 40000 }, victim: { ip: '10.42.1.10', port: 80, unit: 'wuhan', system: 'portal' },
      techniques: ['T1190'], references: ['CVE-2017-5638'],
      first_seen: '2019-10-18T02:00:00.000000+0000', last_seen: '2019-10-18T02:00:00.000000+0000', count: 1,
      matched: [{ buffer: 'http.uri', direction: 'to_server', data: 'YQ==', marks: [[0, 1]] }], evidence: [], node: 'n1', unit: 'wuhan',
    },
  }]);
  t.match(id, /^[0-9a-f]{32}$/);
  t.end();
});

t.test('a run of requests is one alert whose verdict rises, and tells little on the way', (t) => {
  const { sink: s, out } = sink('stream');
  for (let i = 0; i < 50_000; i++) {
    s.add(finding(T0 + i * 10_000, i));
    if (i === 30_000) s.add(finding(T0 + i * 10_000, i, 'succeeded', 'critical'));
    s.advance(T0 + i * 10_000);
  }
  s.flush();
  t.ok(out.length <= 12, `${out.length} revisions`);
  t.equal(new Set(out.map((a) => a.shouwang.id)).size, 1);
  const last = out[out.length - 1].shouwang;
  t.match(last, { count: 50_000, verdict: 'succeeded', severity: 'critical', because: { en: 'succeeded' } });
  t.equal(last.first_seen, eveTimestamp(T0));
  t.equal(last.last_seen, eveTimestamp(T0 + 49_999 * 10_000));
  t.strictSame(out.map((a) => a.shouwang.revision), out.map((a) => a.shouwang.revision).sort((a, b) => a - b), 'revisions grow');
  t.end();
});

t.test('the same packets give the same ids, also after a restart in mid-window', (t) => {
  const first = sink('stream');
  const again = sink('stream');
  first.sink.add(finding(T0, 0));
  first.sink.add(finding(T0 + 60e6, 1, 'succeeded', 'high'));
  again.sink.add(finding(T0 + 60e6, 1, 'succeeded', 'high'));
  t.equal(first.out[0].shouwang.id, again.out[0].shouwang.id);
  t.ok(again.out[0].shouwang.revision > first.out[0].shouwang.revision, 'a raised verdict stands over any count');
  t.end();
});

t.test('windows, other victims and other nodes are other alerts; room is bounded', (t) => {
  const { sink: s, out } = sink('batch', { maxOpen: 3 });
  s.add(finding(T0, 0));
  s.add(finding(T0 + 3_600e6, 1));
  s.add(finding(T0, 0, 'attempted', 'low', { victim: { ip: '10.42.1.11' } }));
  s.add(finding(T0, 0, 'attempted', 'low', { node: 'n2' }));
  s.add(finding(T0, 0, 'attempted', 'low', { victim: { ip: '10.42.1.12' } }));
  t.equal(s.openAlerts, 3);
  t.equal(s.counters.evicted, 1);
  s.flush();
  t.equal(new Set(out.map((a) => a.shouwang.id)).size, 5);
  t.end();
});

t.test('mode each: one alert a hit, with distinct ids', (t) => {
  const { sink: s, out } = sink('batch');
  for (let i = 0; i < 3; i++) s.add(finding(T0, i), { mode: 'each' });
  t.equal(out.length, 3);
  t.equal(new Set(out.map((a) => a.shouwang.id)).size, 3);
  t.end();
});

t.test('evidence when raised first and when the verdict rises', (t) => {
  const { sink: s, out } = sink('batch');
  let n = 0;
  const evidence = () => ({ id: `e${n++}`, sha256: 'x', bytes: 1, packets: 1 });
  s.add(finding(T0, 0), { evidence });
  s.add(finding(T0, 1), { evidence });
  s.add(finding(T0, 1, 'succeeded'), { evidence });
  s.flush();
  t.strictSame(out[0].shouwang.evidence.map((e) => e.id), ['e0', 'e1']);
  t.equal(out[0].shouwang.count, 2);
  t.end();
});

t.test('time stamps there and back', (t) => {
  for (const us of [0, 1, 999_999, T0 + 123_456, 4_102_444_799_999_999]) t.equal(fromEveTimestamp(eveTimestamp(us)), us);
  t.equal(fromEveTimestamp('2019-10-18T10:00:00.000001+0800'), T0 + 1);
  t.equal(eveTimestamp(Number.NaN), '1970-01-01T00:00:00.000000+0000');
  t.equal(fromEveTimestamp('rubbish'), 0);
  t.end();
});
