import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { decodeBlockHeaders, type PacketBlockHeaders } from '../contracts/packet-block.js';
import { streams } from '../contracts/subjects.js';
import type { Bus } from '../runtime/bus/bus.js';
import { createEmbeddedBus } from '../runtime/bus/embedded.js';
import { parseConfig } from '../runtime/config.js';
import { CaptureParser } from './capture-parser.js';
import { readCaptureFile } from './capture-reader.js';
import { Collector } from './collector.js';
import { CollectorConfig } from './config.js';
import { ownRegion } from './region.js';
import { replay } from './replay.js';

const folder = 'collector/fixtures';
const scratch = mkdtempSync(join(tmpdir(), 'sw-collector-'));
t.teardown(() => rmSync(scratch, { recursive: true }));
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Arrived { headers: PacketBlockHeaders; times: number[]; at: number }

/** Takes every block off the bus, as an analyzer does. */
async function takeAll(bus: Bus, partitions = 1): Promise<Arrived[]> {
  const arrived: Arrived[] = [];
  const region = ownRegion(1024 * 1024);
  for (let partition = 0; partition < partitions; partition++) {
    await bus.consume(streams.packets(partition), { durable: 'test', ack: 'all', maxUnacked: 64 }, (delivery) => {
      const times: number[] = [];
      const parser = new CaptureParser(region, { packet: (_o, _c, _w, timeUs) => times.push(timeUs) });
      void parser.push(delivery.data);
      parser.finish();
      arrived.push({ headers: decodeBlockHeaders(delivery.headers)!, times, at: Date.now() });
      delivery.ack();
    });
  }
  return arrived;
}

const config = (text: string) => parseConfig(`{ node: 市局, unit: 某市, ${text} }`, 'test', CollectorConfig);

t.test('a file goes through in time order, over partitions, and each partition hears the end', async (t) => {
  const bus = createEmbeddedBus();
  t.teardown(() => bus.close());
  const ring = join(scratch, 'ring');
  const collector = new Collector(
    config(`sources: [{ kind: file, path: ${folder}/merged-two-interfaces.pcapng }], partitions: 3, demo: true, ring: { path: ${ring} }`),
    { bus, version: 'test' },
  );
  await collector.start();
  const arrived = await takeAll(bus, 3);
  await collector.finished;
  await sleep(50);
  t.equal(arrived.reduce((sum, a) => sum + a.headers.packets, 0), 36);
  t.equal(arrived.filter((a) => a.headers.end).length, 3);
  t.ok(arrived.every((a) => a.headers.packets === a.times.length && a.headers.demo && a.headers.file === 'merged-two-interfaces.pcapng'));
  t.same(new Set(arrived.map((a) => a.headers.linktype)), new Set([1, 276]));
  t.match(collector.health(), { node: '市局', counters: { packets: 36, droppedBackpressure: 0 }, state: 'running', reasons: [] });
  await collector.stop();
  await collector.stop();
  let kept = 0;
  for (const name of readdirSync(ring)) kept += (await readCaptureFile(join(ring, name), ownRegion(), { packet() {} })).packets;
  t.equal(kept, 36, 'the ring has them as pcap files');
});

t.test('a folder: each complete capture once, also after a restart; what is none is refused and remembered', async (t) => {
  const tray = join(scratch, 'tray');
  mkdirSync(tray);
  copyFileSync(join(folder, 'ethernet-us.pcap'), join(tray, 'a.pcap'));
  writeFileSync(join(tray, 'b.pcap'), 'not a capture at all');
  const bus = createEmbeddedBus();
  t.teardown(() => bus.close());
  const yaml = `sources: [{ kind: folder, path: ${tray}, settleSeconds: 0.2 }]`;
  const first = new Collector(config(yaml), { bus, version: 'test' });
  await first.start();
  const arrived = await takeAll(bus);
  const packets = () => arrived.reduce((sum, a) => sum + a.headers.packets, 0);
  const until = async (n: number) => { for (let i = 0; i < 100 && packets() < n; i++) await sleep(50); };
  await until(18);
  await sleep(300);
  t.equal(packets(), 18);
  t.match(first.health(), { state: 'degraded', reasons: [{ code: 'SW_CAPTURE_FORMAT' }] });
  const bytes = readFileSync(join(folder, 'sll-us.pcap'));
  writeFileSync(join(tray, 'c.pcap.part'), bytes); // still being copied
  await sleep(500);
  t.equal(packets(), 18);
  renameSync(join(tray, 'c.pcap.part'), join(tray, 'c.pcap'));
  await until(36);
  await first.stop();
  const second = new Collector(config(yaml), { bus, version: 'test' });
  await second.start();
  copyFileSync(join(folder, 'snapped.pcap'), join(tray, 'd.pcap'));
  await until(54);
  await sleep(300);
  await second.stop();
  t.equal(packets(), 54, 'the restart repeated nothing');
});

t.test('standard input: packets go on as they come, the end of the input is the end', async (t) => {
  const script = join(scratch, 'stdin.mjs');
  writeFileSync(script, `
    import { Collector } from ${JSON.stringify(`${process.cwd()}/dist/collector/collector.js`)};
    import { CollectorConfig } from ${JSON.stringify(`${process.cwd()}/dist/collector/config.js`)};
    import { parseConfig } from ${JSON.stringify(`${process.cwd()}/dist/runtime/config.js`)};
    import { createEmbeddedBus } from ${JSON.stringify(`${process.cwd()}/dist/runtime/bus/embedded.js`)};
    const bus = createEmbeddedBus();
    const c = new Collector(parseConfig('{node: n, unit: u, sources: [{kind: stdin}]}', 'x', CollectorConfig), { bus, version: '1' });
    await c.start();
    await bus.consume('SW_PACKETS_0', { durable: 'x', ack: 'all', maxUnacked: 9 }, (d) => { console.log(d.headers['Sw-Packets']); d.ack(); });
    await c.finished; await new Promise((r) => setTimeout(r, 50)); await c.stop(); await bus.close();
  `);
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const total = () => out.trim().split('\n').reduce((sum, n) => sum + Number(n), 0);
  const bytes = readFileSync(join(folder, 'ethernet-us.pcap'));
  child.stdin.write(bytes.subarray(0, 2000));
  for (let i = 0; i < 100 && total() < 1; i++) await sleep(50);
  t.ok(total() >= 1, 'the first packets do not wait for the last');
  child.stdin.end(bytes.subarray(2000));
  const code = await new Promise((resolve) => child.on('exit', resolve));
  t.equal(total(), 18);
  t.equal(code, 0);
});

t.test('replay: as any node, shifted to now, in time and N times faster, the same epoch once', async (t) => {
  const bus = createEmbeddedBus();
  t.teardown(() => bus.close());
  await bus.ensureStream({ name: streams.packets(0), subjects: ['sw.packets.0.>'], retention: 'work', maxBytes: 1e8, dedupWindowMs: 60_000 });
  const arrived = await takeAll(bus);
  const path = join(folder, 'ethernet-us.pcap');
  const original = await replay(path, bus, { node: 'a', unit: 'x', speed: 'max', timestamps: 'original', epoch: 'same' });
  await sleep(20);
  t.equal(arrived[0].headers.node, 'a');
  t.equal(arrived[0].times[0], original.capture.firstUs);
  const count = arrived.length;
  await replay(path, bus, { node: 'a', unit: 'x', speed: 'max', timestamps: 'original', epoch: 'same' });
  await sleep(20);
  t.equal(arrived.length, count, 'the bus has those blocks already');
  const began = Date.now();
  const spanMs = (original.capture.lastUs - original.capture.firstUs) / 1000;
  await replay(path, bus, { node: 'b', unit: 'y', speed: 4, timestamps: 'now', demo: true });
  const took = Date.now() - began;
  t.ok(took >= spanMs / 4 - 5 && took < spanMs / 4 + 800, `${took} ms for a quarter of ${spanMs} ms`);
  await sleep(20);
  const later = arrived.slice(count);
  t.ok(Math.abs(later[0].times[0] / 1000 - began) < 500, 'stamps begin now');
  t.equal(later.at(-1)!.headers.end, true);
  t.ok(later.every((a) => a.headers.unit === 'y' && a.headers.demo));
  const last = later.filter((a) => a.times.length > 0).at(-1)!;
  t.ok(Math.abs(last.times.at(-1)! - later[0].times[0] - spanMs * 1000) < 1, 'spacing is the capture’s own');
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  const stopped = Date.now();
  await replay(path, bus, { node: 'b', unit: 'y', speed: 0.01, timestamps: 'now', signal: abort.signal });
  t.ok(Date.now() - stopped < 1000, 'a replay can be broken off');
});

t.test('a mistake in the configuration names its line', async (t) => {
  t.throws(() => config('sources: [{ kind: live, interface: "eth0;id" }]'), { code: 'SW_CONFIG_INVALID' });
  t.throws(() => config('sources: [], partitons: 3'), { code: 'SW_CONFIG_INVALID' });
  const missing = new Collector(config('sources: [{ kind: file, path: /nowhere.pcap }]'), { bus: createEmbeddedBus(), version: 'test' });
  await missing.start();
  await t.rejects(missing.finished, { code: 'SW_CAPTURE_UNREADABLE' });
  await missing.stop();
});
