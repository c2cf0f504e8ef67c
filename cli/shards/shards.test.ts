import t from 'tap';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Engine } from '../../analyzer/engine.js';
import { loadRules } from '../../analyzer/match/load.js';
import { makeTraffic } from '../../bench/traffic.js';
import { Random } from '../../bench/random.js';
import { analyzeCaptures, defaultConfig, type AnalysisOptions } from '../analysis.js';
import { loadPack } from '../pack.js';
import { analyzeSharded } from './analysis.js';
import { ShardPool } from './pool.js';

/** Rules whose outcome hangs on what other flows of a host have done, and in which order. */
const RULES = `
alert http any any -> any any (msg:"first two of a client"; flow:established,to_server; http.method; content:"GET"; threshold:type limit, track by_src, count 2, seconds 5; sid:1;)
alert http any any -> any any (msg:"every third at a server"; flow:established,to_client; http.stat_code; content:"200"; threshold:type threshold, track by_dst, count 3, seconds 600; sid:2;)
alert dns any any -> any any (msg:"after the web"; dns.query; content:"."; xbits:isset,web,track ip_src; threshold:type both, track by_rule, count 3, seconds 2; sid:3;)
alert http any any -> any any (msg:"marks"; flow:established,to_server; http.uri; content:"/"; xbits:set,web,track ip_src,expire 20; noalert; sid:4;)
alert tcp any any -> any any (msg:"many openings"; flags:S; detection_filter:track by_src, count 2, seconds 30; sid:5;)
alert tls any any -> any any (msg:"plain"; tls.sni; content:"."; sid:6;)
alert http any any -> any any (msg:"of the flow"; flow:established,to_server; http.method; content:"GET"; threshold:type limit, track by_flow, count 1, seconds 60; sid:7;)
`;
/** Here the answer about the host would be needed while the flow is looked at. */
const FEEDING = 'alert http any any -> any any (msg:"a"; http.method; content:"GET"; xbits:isset,web,track ip_src; flowbits:set,x; sid:8;)\n';

const folder = mkdtempSync(join(tmpdir(), 'shouwang-shards-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const capture = join(folder, 'mixed.pcap');
makeTraffic(capture, { seed: 11, bytes: 1 << 20, kind: 'mixed' });
const rules = join(folder, 'a.rules');
writeFileSync(rules, RULES);

async function said(file: string, named: string[], pool?: ShardPool): Promise<{ alerts: string[]; events: string[]; warnings: string[]; counters: Record<string, number> }> {
  const out = { alerts: [] as string[], events: [] as string[], warnings: [] as string[] };
  const pack = loadPack(named);
  const options: AnalysisOptions = { rules: named, pack, config: defaultConfig(), events: new Set(['http', 'dns', 'flow', 'anomaly']) };
  const sinks = { alert: (a: unknown) => out.alerts.push(JSON.stringify(a)), event: (e: unknown) => out.events.push(JSON.stringify(e)), warn: (w: string) => out.warnings.push(w) };
  const [stats] = pool ? await analyzeSharded([file], pool, pack, options, sinks) : await analyzeCaptures([file], options, sinks);
  return { ...out, counters: stats!.counters };
}

const poolOf = (count: number, named: string[]): ShardPool => new ShardPool(count, { config: defaultConfig(), rules: named, load: {}, indicators: [], events: ['http', 'dns', 'flow', 'anomaly'], files: false });
const named = [rules, 'rules/behaviour/port-scan', 'rules/behaviour/host-sweep', 'rules/behaviour/service-probe'];
/** Here the flows of one pair end in another order with each number of workers, as mail is spread by its ports. */
const probed = 'rules/behaviour/service-probe/nmap-sv.pcap';

t.test('one worker and four say the same', async (t) => {
  const one = await said(capture, named);
  const sids = new Set(one.alerts.map((a) => (JSON.parse(a) as { alert: { signature_id: number } }).alert.signature_id));
  for (const sid of [1, 2, 3, 5, 6, 7]) t.ok(sids.has(sid), `rule ${sid} alerts`);
  const pool = poolOf(4, named);
  t.teardown(() => pool.close());
  const gz = join(folder, 'mixed.pcap.gz');
  writeFileSync(gz, gzipSync(readFileSync(capture)));
  const broken = join(folder, 'broken.pcap');
  writeFileSync(broken, readFileSync(capture).subarray(0, 654_321));
  for (const file of [capture, gz, broken, probed]) {
    const alone = file === capture ? one : await said(file, named);
    const four = await said(file, named, pool);
    t.strictSame(four.alerts, alone.alerts, 'alerts, and their order');
    t.strictSame(four.events.sort(), alone.events.sort(), 'events');
    t.strictSame(four.warnings, alone.warnings);
    for (const name of ['packets', 'bytes', 'flowsOpened', 'tcp', 'udp', 'identified', 'matchHits']) t.equal(four.counters[name], alone.counters[name], name);
  }
});

t.test('rules that feed back keep a capture together', async (t) => {
  const feeding = join(folder, 'b.rules');
  writeFileSync(feeding, RULES + FEEDING);
  const pool = poolOf(2, [feeding]);
  t.teardown(() => pool.close());
  const two = await said(capture, [feeding], pool);
  t.match(two.warnings, [/SW_ANALYZE_ONE_WORKER: 1 rule \(sid 8\)/]);
  t.strictSame(two.alerts, (await said(capture, [feeding])).alerts);
});

t.test('any split into blocks raises the same alerts', async (t) => {
  const bytes = readFileSync(capture);
  const set = loadRules([rules]).rules!;
  const alertsOf = (most: number, seed: number): string[] => {
    const random = new Random(seed);
    const alerts: string[] = [];
    const engine = new Engine({ config: { ...defaultConfig(), maxFlows: 8192 }, rules: set, outputs: { wants: () => false, event() {}, connections() {}, alert: (a) => alerts.push(JSON.stringify(a)) } });
    const info = { node: 'n', unit: '', iface: '' };
    let records: Buffer[] = [];
    const block = (): void => void engine.block(info, Buffer.concat([HEADER, ...records]));
    const HEADER = Buffer.from(bytes.subarray(0, 24));
    HEADER.writeUInt32LE(0xa1b23c4d, 0);
    const nanos = bytes.readUInt32LE(0) === 0xa1b23c4d ? 1 : 1000;
    for (let at = 24, left = 1; at + 16 <= bytes.length; ) {
      const size = 16 + bytes.readUInt32LE(at + 8);
      const record = Buffer.from(bytes.subarray(at, at + size));
      record.writeUInt32LE(record.readUInt32LE(4) * nanos, 4);
      records.push(record);
      at += size;
      if (--left > 0 && at < bytes.length) continue;
      left = 1 + random.below(most);
      block();
      records = [];
    }
    engine.stage.flush();
    return alerts;
  };
  const few = alertsOf(800, 1);
  t.ok(few.length > 5);
  t.strictSame(alertsOf(1, 1), few, 'a packet a block');
  t.strictSame(alertsOf(60, 2), few, 'up to 60 packets a block');
});
