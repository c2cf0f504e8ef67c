import t from 'tap';
import type { EveEvent } from '../../contracts/event.js';
import { ConnectionKind, ConnectionLog } from '../flow/connection-log.js';
import type { BehaviourHit, BehaviourRule } from './behaviour.js';
import { BehaviourStage } from './stage.js';

const T0 = 1_571_364_000_000_000;

function rule(name: string, parameters: Record<string, number> = {}): BehaviourRule {
  return {
    behaviour: { name, parameters },
    info: {
      id: name, sid: 1, gid: 1, revision: 1, message: name, title: { zh: name, en: name }, severity: 'medium', class: 'port_scan',
      techniques: [], references: [], action: 'allowed', silent: false, suricata: false, place: { file: '', line: 1, column: 1 },
    },
  };
}

function bench(...rules: BehaviourRule[]) {
  const hits: BehaviourHit[] = [];
  const stage = new BehaviourStage(rules, (h) => hits.push(h));
  // Bytes to the client come from the flow table, which isn't here: they are written into the record.
  let bytes = 0;
  const log = new ConnectionLog((records, count) => {
    if (bytes > 0) new DataView(records.buffer, records.byteOffset).setUint32(48, bytes, true);
    stage.connections(records, count);
  });
  const u8 = new Uint8Array(8);
  const put = (kind: ConnectionKind, from: string, to: string, dport: number, at: number, more: { flags?: number; sport?: number; protocol?: number; bytes?: number } = {}) => {
    u8.set([...from.split('.'), ...to.split('.')].map(Number));
    log.add(kind, u8, 4, 0, 4, more.sport ?? 40000, dport, more.protocol ?? 6, more.flags ?? 2, more.protocol === 1 ? 8 : 0, 0, at);
    if (more.bytes !== undefined) {
      bytes = more.bytes;
      log.flush();
      bytes = 0;
    }
  };
  const end = () => {
    log.flush();
    stage.flush();
    return hits;
  };
  return { stage, put, end };
}

t.test('a vertical scan: told at the threshold, on doubling and at the end, with the open ports', (t) => {
  const b = bench(rule('port-scan', { targets: 15, seconds: 60 }));
  for (let port = 1; port <= 100; port++) {
    b.put(ConnectionKind.Opened, '203.0.113.66', '10.42.1.10', port, T0 + port * 1000);
    b.put(port === 22 || port === 80 ? ConnectionKind.Answered : ConnectionKind.Refused, '203.0.113.66', '10.42.1.10', port, T0 + port * 1000 + 50);
  }
  const hits = b.end();
  t.strictSame(hits.map((h) => h.measured.ports), [15, 31, 61, 100]);
  t.match(hits[3], {
    verdict: 'attempted', severity: 'low', attacker: { ip: '203.0.113.66' }, victim: { ip: '10.42.1.10' }, count: 100, proto: 'TCP',
    measured: { technique: 'tcp', probes: 100, refused: 98, ports_open: 2, open: ['22', '80'] }, key: '6',
  });
  t.end();
});

t.test('no scan: a browser, a gateway, late replies, packets of older connections', (t) => {
  const b = bench(rule('port-scan'), rule('host-sweep'), rule('stealth-scan'));
  for (let i = 0; i < 400; i++) {
    const to = `198.51.${i & 3}.${i % 100}`;
    b.put(ConnectionKind.Opened, '10.42.3.57', to, i % 2 ? 443 : 80, T0 + i * 1000);
    if (i % 10 !== 0) b.put(ConnectionKind.Answered, '10.42.3.57', to, i % 2 ? 443 : 80, T0 + i * 1000 + 90);
    b.put(ConnectionKind.Opened, '10.42.0.53', '10.42.3.57', 20000 + i, T0 + i * 1000, { sport: 53, protocol: 17 });
    b.put(ConnectionKind.Opened, '10.42.1.10', '10.42.3.57', 30000 + i, T0 + i * 1000, { sport: 80, flags: 16 });
  }
  t.strictSame(b.end(), []);
  t.end();
});

t.test('a sweep of one port, a ping sweep, Xmas probes, and a slow scan', (t) => {
  const b = bench(rule('host-sweep', { targets: 20 }), rule('stealth-scan', { targets: 8, share: 0 }), rule('port-scan', { targets: 30, seconds: 3600 }));
  for (let i = 0; i < 60; i++) {
    b.put(ConnectionKind.Opened, '10.42.3.57', `10.42.9.${i}`, 445, T0 + i * 1000);
    b.put(ConnectionKind.Opened, '10.42.3.58', `10.42.9.${i}`, i, T0 + i * 1000, { protocol: 1, sport: i });
    b.put(ConnectionKind.OddProbe, '10.42.3.59', '10.42.9.1', i, T0 + i * 1000, { flags: 0x29 });
  }
  for (let i = 0; i < 50; i++) b.put(ConnectionKind.Opened, '10.42.3.60', '10.42.9.2', 1000 + i, T0 + i * 60e6);
  const last = new Map(b.end().map((h) => [h.attacker.ip, h]));
  t.match(last.get('10.42.3.57'), { severity: 'medium', measured: { hosts: 60, port: 445 }, victim: { ip: '10.42.9.0', port: 445 } });
  t.match(last.get('10.42.3.58'), { proto: 'ICMP', measured: { hosts: 60 } });
  t.match(last.get('10.42.3.59'), { measured: { technique: 'xmas', ports: 60 } });
  t.match(last.get('10.42.3.60'), { measured: { ports: 50 } });
  t.end();
});

t.test('memory stays bounded under a flood of sources', (t) => {
  const b = bench(rule('port-scan'), rule('host-sweep'));
  for (let i = 0; i < 80_000; i++) b.put(ConnectionKind.Opened, `203.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`, '10.42.1.10', 80, T0 + i);
  b.end();
  t.ok(b.stage.stats().evicted >= 2 * (80_000 - 65_536));
  t.end();
});

function auth(at: number, result: 'success' | 'failure', user: string, client = '203.0.113.66'): [EveEvent, number] {
  return [{
    timestamp: '', event_type: 'auth', src_ip: client, src_port: 40000, dest_ip: '10.42.2.15', dest_port: 21, host: 'n1',
    auth: { protocol: 'ftp', user, result, confidence: 1 },
  }, at];
}

t.test('brute force, its success, a spray, and people who mistype', (t) => {
  const b = bench(rule('brute-force', { failures: 10, seconds: 120 }), rule('password-spray', { users: 8, failures: 10, seconds: 600 }));
  for (let i = 0; i < 24; i++) b.stage.event(...auth(T0 + i * 1e6, 'failure', 'root'));
  b.stage.event(...auth(T0 + 24e6, 'success', 'root'));
  for (let i = 0; i < 20; i++) b.stage.event(...auth(T0 + i * 1e6, 'failure', `user${i % 12}`, '203.0.113.67'));
  for (let i = 0; i < 4; i++) b.stage.event(...auth(T0 + i * 1e6, 'failure', 'li', '10.42.3.57'));
  b.stage.event(...auth(T0 + 9e6, 'success', 'li', '10.42.3.57'));
  const hits = b.end();
  const of = (ip: string) => hits.filter((h) => h.attacker.ip === ip);
  t.strictSame(of('203.0.113.66').map((h) => [h.rule.info.id, h.verdict, h.count]), [
    ['brute-force', 'attempted', 10], ['brute-force', 'attempted', 20], ['brute-force', 'succeeded', 24],
  ]);
  t.match(of('203.0.113.66')[2], { class: 'brute_force_success', severity: 'critical', victim: { ip: '10.42.2.15', port: 21 }, measured: { entered: 'root', accounts: ['root'] } });
  t.strictSame([...new Set(of('203.0.113.67').map((h) => h.rule.info.id))], ['password-spray']);
  t.strictSame(of('10.42.3.57'), []);
  t.end();
});

t.test('login rate: many short ssh connections, then a session', (t) => {
  const b = bench(rule('login-rate', { connections: 12, many: 24, seconds: 300 }));
  for (let i = 0; i < 24; i++) b.put(ConnectionKind.Ended, '203.0.113.66', '10.42.3.20', 22, T0 + i * 1e6, { bytes: 3300 });
  b.put(ConnectionKind.Ended, '203.0.113.66', '10.42.3.20', 22, T0 + 30e6, { bytes: 90_000 });
  for (let i = 0; i < 5; i++) b.put(ConnectionKind.Ended, '10.42.3.57', '10.42.3.20', 22, T0 + i * 1e6, { bytes: 3300 });
  const hits = b.end();
  t.strictSame(hits.map((h) => [h.verdict, h.severity, h.count]), [
    ['attempted', 'low', 12], ['attempted', 'medium', 24], ['succeeded', 'high', 24],
  ]);
  t.ok(hits.every((h) => h.attacker.ip === '203.0.113.66'));
  t.end();
});

t.test('reload keeps what unchanged rules know and names behaviours nobody has', (t) => {
  const b = bench(rule('brute-force', { failures: 10, seconds: 120 }));
  for (let i = 0; i < 9; i++) b.stage.event(...auth(T0 + i * 1e6, 'failure', 'root'));
  t.strictSame(b.stage.reload([rule('brute-force', { failures: 10, seconds: 120 }), rule('no-such')]), ['no-such']);
  b.stage.event(...auth(T0 + 10e6, 'failure', 'root'));
  t.strictSame(b.end().map((h) => h.count), [10]);
  t.end();
});
