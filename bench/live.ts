/**
 * What the whole way carries: a veth pair in a network namespace, tcpreplay on one end, a collector on the other, NATS,
 * an analyzer and a console, each a process of its own. `node dist/bench/live.js [--seconds 8] [--rates 50,100,…] [--json FILE]`
 * (root, nats-server, tcpdump, tcpreplay). Loss is what the kernel, the spool and the sequence numbers say, latency runs from
 * the time stamp of the packet to the alert's arrival at a browser's socket.
 */
import { execFileSync, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { Site, type Running } from '../cli/harness.js';
import type { LiveFrame, NodeView } from '../console/model/api.js';
import { startNatsServer } from '../runtime/bus/nats-server.js';
import { makeTraffic } from './traffic.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' }, rates: { type: 'string', default: '50,100,200,300,400,600,800,1000' }, rules: { type: 'string' }, json: { type: 'string' },
    backend: { type: 'string', default: 'tcpdump' }, probes: { type: 'string', default: '200' },
  },
});
const seconds = Number(values.seconds);
const rates = values.rates.split(',').map(Number);
const netns = `sw-live-${process.pid}`;
const ip = (...args: string[]): void => { execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] }); };

/** The alert that tells how long a packet took: one a packet, none merged. */
const PROBE_RULE = 'alert udp any any -> any 4242 (msg:"live probe"; content:"shouwang-probe"; sid:9000001; rev:1;)\n';

/** UDP packets 40 ms apart, each from an address of its own. */
function probes(path: string, count: number): void {
  const parts = [Buffer.alloc(24)];
  parts[0]!.writeUInt32LE(0xa1b2c3d4, 0);
  parts[0]!.writeUInt16LE(2, 4);
  parts[0]!.writeUInt16LE(4, 6);
  parts[0]!.writeUInt32LE(65535, 16);
  parts[0]!.writeUInt32LE(1, 20);
  for (let i = 0; i < count; i++) {
    const payload = Buffer.from(`shouwang-probe ${i}`.padEnd(32));
    const frame = Buffer.alloc(42 + payload.length);
    frame.write('020000000002020000000001', 0, 'hex');
    frame.writeUInt16BE(0x0800, 12);
    frame[14] = 0x45;
    frame.writeUInt16BE(28 + payload.length, 16);
    frame[22] = 64;
    frame[23] = 17;
    frame.writeUInt32BE(0xc6120000 + i + 1, 26); // 198.18.0.0/15, for benchmarks (RFC 2544)
    frame.writeUInt32BE(0xc6130001, 30);
    frame.writeUInt16BE(40_000 + (i % 20_000), 34);
    frame.writeUInt16BE(4242, 36);
    frame.writeUInt16BE(8 + payload.length, 38);
    payload.copy(frame, 42);
    const header = Buffer.alloc(16);
    header.writeUInt32LE(1_569_888_000 + Math.floor(i / 25), 0);
    header.writeUInt32LE((i % 25) * 40_000, 4);
    header.writeUInt32LE(frame.length, 8);
    header.writeUInt32LE(frame.length, 12);
    parts.push(header, frame);
  }
  writeFileSync(path, Buffer.concat(parts));
}

/** Replays and tells what was sent. */
function replay(...args: string[]): Promise<{ packets: number; mbps: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn('ip', ['netns', 'exec', netns, 'tcpreplay', '-q', '-i', 'wire0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (d: Buffer) => { out += d.toString(); });
    child.on('close', () => {
      const packets = /Actual: (\d+) packets/.exec(out)?.[1];
      const mbps = /Rated: [\d.]+ Bps, ([\d.]+) Mbps/.exec(out)?.[1];
      if (packets === undefined) reject(new Error(`tcpreplay: ${out.slice(-500)}`));
      else resolve({ packets: Number(packets), mbps: Number(mbps) });
    });
  });
}

/** On a core of its own, with all its children and threads. */
function pin(process: Running, core: number): void {
  try {
    execFileSync('taskset', ['-a', '-p', '-c', String(core), String(process.pid)], { stdio: 'ignore' });
  } catch { /* a machine with one core, or without taskset */ }
}

const LOST = ['droppedKernel', 'droppedInterface', 'droppedBackpressure', 'droppedBlocks', 'droppedPackets'] as const;

async function main(): Promise<void> {
  const nats = await startNatsServer();
  const site = new Site(nats.url);
  try {
    ip('netns', 'add', netns);
    ip('-n', netns, 'link', 'add', 'name', 'wire0', 'type', 'veth', 'peer', 'name', 'wire1');
    for (const end of ['wire0', 'wire1']) ip('-n', netns, 'link', 'set', end, 'mtu', '9000', 'up');
    const capture = join(site.dir, 'mixed.pcap');
    makeTraffic(capture, { seed: 7, bytes: 128 << 20, kind: 'mixed' });
    const probePath = join(site.dir, 'probes.pcap');
    probes(probePath, Number(values.probes));
    const rules = join(site.dir, 'probe.rules');
    writeFileSync(rules, PROBE_RULE);

    const { address } = await site.console();
    const analyzer = await site.analyzer('analyzer-0', [0], { rules: [values.rules ?? 'default', rules], arenaMiB: 256, ringMiB: 64, maxFlows: 262_144 });
    const collector = site.run(['collect', '--config', site.yaml('collect.yaml', {
      bus: { url: nats.url },
      collector: { node: 'bench', unit: 'bench', sources: [{ kind: 'live', interface: 'wire1', netns }], backend: values.backend, spool: { path: join(site.dir, 'spool') } },
    })]);
    await sleep(2000);
    pin(collector, 0);
    pin(analyzer, 1);

    const nodes = async (): Promise<NodeView[]> => (await (await site.get(address, '/api/nodes')).json()) as NodeView[];
    const look = async (): Promise<{ seen: number; analysed: number; gaps: number; lost: Record<string, number> }> => {
      const all = await nodes();
      const own = all.find((n) => n.role === 'collector')?.counters ?? {};
      const far = all.find((n) => n.role === 'analyzer')?.counters ?? {};
      return { seen: own['packets'] ?? 0, analysed: far['packets'] ?? 0, gaps: far['gaps'] ?? 0, lost: Object.fromEntries(LOST.map((k) => [k, own[k] ?? 0])) };
    };
    /** The counters once they have stopped changing (heartbeats come every two seconds). */
    const calm = async (): Promise<Awaited<ReturnType<typeof look>>> => {
      for (let before = '', same = 0, n = 0; ; n++) {
        const now = await look();
        const text = JSON.stringify(now);
        same = text === before ? same + 1 : 0;
        if (same >= 6 || n > 120) return now;
        before = text;
        await sleep(1000);
      }
    };

    const steps: Record<string, unknown>[] = [];
    let best = 0;
    for (const rate of rates) {
      const before = await calm();
      const sent = await replay('--mbps', String(rate), '--loop', '0', '--duration', String(seconds), '--preload-pcap', capture);
      const after = await calm();
      const lost = Object.fromEntries(LOST.map((k) => [k, after.lost[k]! - before.lost[k]!]));
      const step = { mbps: rate, sentMbps: sent.mbps, sent: sent.packets, captured: after.seen - before.seen, analysed: after.analysed - before.analysed, gaps: after.gaps - before.gaps, ...lost };
      steps.push(step);
      console.log(JSON.stringify(step));
      const whole = step.analysed >= step.sent && Object.values(lost).every((n) => n === 0);
      if (whole) best = Math.max(best, sent.mbps);
      else break;
    }

    // Half of what it carries, and the probes beside.
    const socket = new WebSocket(`${address.replace('http', 'ws')}/api/live`, { headers: { cookie: site.session, origin: address } });
    const latencies: number[] = [];
    socket.on('message', (data) => {
      const now = Date.now();
      const frame = JSON.parse(data.toString()) as LiveFrame;
      if (frame.kind !== 'batch') return;
      for (const item of frame.items) if (item.kind === 'alert' && item.alert.rule.includes('9000001')) latencies.push(now - Date.parse(item.alert.firstSeen));
    });
    await calm();
    const load = replay('--mbps', String(Math.max(10, best / 2)), '--loop', '0', '--duration', String(Math.ceil(Number(values.probes) / 25) + 4), '--preload-pcap', capture);
    await sleep(2000);
    await replay(probePath);
    await load;
    await sleep(3000);
    socket.close();
    latencies.sort((a, b) => a - b);
    const at = (share: number): number | undefined => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
    const figures = { withoutLossMbps: best, steps, latency: { probes: Number(values.probes), arrived: latencies.length, loadMbps: best / 2, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: latencies.at(-1) } };
    console.log(JSON.stringify(figures.latency));
    if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, undefined, 1)}\n`);
  } finally {
    await site.stop();
    await nats.stop();
    try { ip('netns', 'del', netns); } catch { /* it was never made */ }
    rmSync(site.dir, { recursive: true, force: true });
  }
}

await main();
