import { execFileSync, spawn } from 'node:child_process';
import t from 'tap';
import type { Health } from '../contracts/health.js';
import { decodeBlockHeaders, type PacketBlockHeaders } from '../contracts/packet-block.js';
import { streams, subjects } from '../contracts/subjects.js';
import { createEmbeddedBus } from '../runtime/bus/embedded.js';
import { CapBackend } from './cap-backend.js';
import { checkFilter, checkInterface, findProgram } from './capture-filter.js';
import { CaptureParser } from './capture-parser.js';
import { Collector } from './collector.js';
import type { CollectorConfig } from './config.js';
import { ownRegion } from './region.js';

const unless = (missing: string | false | undefined) => noNamespace() || missing || false;
const PORT = 9999;
const PAYLOAD = 500;

const sh = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' }).toString();
/** Why no namespace can be made here: not root, no ip command, or a container that may not. */
function noNamespace(): string | false {
  if (process.getuid?.() !== 0) return 'live capture is tested as root only';
  if (findProgram('ip') === undefined) return 'the ip command (iproute2) is not installed';
  const name = `sw-probe-${process.pid}`;
  try {
    sh('netns', 'add', name);
    sh('-n', name, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb');
    sh('netns', 'del', name);
    return false;
  } catch (error) {
    return `no network namespace can be made here: ${(error as Error).message.split('\n').at(-2) ?? ''}`;
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, test: () => boolean, ms = 12_000): Promise<void> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    if (test()) return;
    await sleep(50);
  }
  throw new Error(`not within ${ms} ms: ${what}`);
}

function link(ns: string): void {
  sh('-n', ns, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb');
  sh('-n', ns, 'addr', 'add', '10.77.0.1/24', 'dev', 'va');
  sh('-n', ns, 'link', 'set', 'va', 'up');
  sh('-n', ns, 'link', 'set', 'vb', 'up');
  neighbour(ns);
}
const neighbour = (ns: string) => sh('-n', ns, 'neigh', 'replace', '10.77.0.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'va', 'nud', 'permanent');

/** Sends numbered datagrams out of one end of the pair; nobody answers. */
function send(ns: string, from: number, count: number): Promise<void> {
  const program = `const s=require('dgram').createSocket('udp4');const b=Buffer.alloc(${PAYLOAD});let i=${from};
    (function go(){let n=0;for(;n<20&&i<${from + count};n++,i++){b.writeUInt32BE(i);s.send(Buffer.from(b),${PORT},'10.77.0.2')}
    i<${from + count}?setTimeout(go,2):setTimeout(()=>s.close(),100)})()`;
  return new Promise((resolve, reject) => {
    spawn('ip', ['netns', 'exec', ns, process.execPath, '-e', program], { stdio: 'ignore' })
      .on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`sender ended with ${code}`))));
  });
}

function configuration(backend: 'tcpdump' | 'cap', netns: string): CollectorConfig {
  return {
    node: 'edge', unit: 'town', sources: [{ kind: 'live', interface: 'vb', netns }], partitions: 1, bpf: `udp dst port ${PORT}`,
    snaplen: 200, backend, bufferMiB: 64, promiscuous: true, spool: { maxMiB: 0 }, cutoffKiB: 0, streamMiB: 64,
  };
}

for (const backend of ['tcpdump', 'cap'] as const) {
  const missing = backend === 'cap' ? new CapBackend().missing() : findProgram('tcpdump') ? false : 'tcpdump is not installed';
  t.test(`${backend}: captures on a veth pair, which goes down, comes up, goes away and comes back`, { skip: unless(missing), timeout: 60_000 }, async (t) => {
    const ns = `sw-${backend}-${process.pid}`;
    sh('netns', 'add', ns);
    t.teardown(() => sh('netns', 'del', ns));
    link(ns);
    const bus = createEmbeddedBus();
    t.teardown(() => bus.close());
    const config = configuration(backend, ns);
    const collector = new Collector(config, { bus, version: 'test' });
    const beats: Health[] = [];
    await bus.subscribe(subjects.allHealth, (message) => void beats.push(JSON.parse(Buffer.from(message.data).toString()) as Health));
    await collector.start();
    t.teardown(() => collector.stop());
    const got = new Set<number>();
    const headers: PacketBlockHeaders[] = [];
    const region = ownRegion(1024 * 1024);
    let wrong = 0;
    let latest = 0;
    await bus.consume(streams.packets(0), { durable: 'test', ack: 'all', maxUnacked: 64 }, (delivery) => {
      headers.push(decodeBlockHeaders(delivery.headers)!);
      const parser = new CaptureParser(region, {
        packet: (offset, captured, wire, timeUs, _nanos, linktype) => {
          if (captured !== 200 || wire !== PAYLOAD + 42 || linktype !== 1) wrong++;
          latest = timeUs;
          got.add(Buffer.from(region.u8.buffer).readUInt32BE(offset + 42));
        },
      });
      void parser.push(delivery.data);
      parser.finish();
      delivery.ack();
    });
    const [source] = collector.sources;
    const running = () => source.status.state === 'running';
    await until('the child captures', running);

    await send(ns, 0, 5000);
    await until('5000 packets', () => got.size === 5000);
    t.equal(wrong, 0, 'snap length, length on the wire and link type are right');
    t.ok(Math.abs(latest / 1000 - Date.now()) < 10_000, 'time stamps are now');
    t.equal(headers[0].clock, backend === 'tcpdump' ? 'exact' : 'approximate');
    await until('a heartbeat with counters', () => beats.some((b) => b.counters.packets === 5000));
    t.match(beats.at(-1), { role: 'collector', node: 'edge', unit: 'town', counters: { droppedKernel: backend === 'tcpdump' ? 0 : -1 } });

    sh('-n', ns, 'link', 'set', 'vb', 'down');
    await sleep(700);
    sh('-n', ns, 'link', 'set', 'vb', 'up');
    neighbour(ns);
    await until('it captures again', running);
    await sleep(200);
    await until('it is still there', running);
    await send(ns, 10_000, 500);
    await until('packets after the link came up', () => got.has(10_499));

    const runs = source.status.runs;
    sh('-n', ns, 'link', 'del', 'va');
    await until('the reason is given', () => source.status.reasons.some((r) => r.code === 'SW_COLLECT_INTERFACE_GONE'));
    t.equal(collector.health().state, 'degraded');
    link(ns);
    await until('a new child captures', () => source.status.runs > runs && running());
    await send(ns, 20_000, 500);
    await until('packets of the new interface', () => got.has(20_499));
    t.same(collector.health().reasons, []);
    await collector.stop();
    const epochs = new Set(headers.map((h) => h.epoch));
    t.ok(epochs.size >= 2, 'each run of the child is an epoch');
    for (const epoch of epochs) {
      const seqs = headers.filter((h) => h.epoch === epoch).map((h) => h.seq);
      t.same(seqs, seqs.map((_, i) => i), 'numbered from 0 without gaps');
    }
    t.comment(`${got.size} of 6000 packets captured with ${backend}`);
    t.equal(got.size, 6000);
  });
}

t.test('an interface that cannot be captured is a reason or a coded error, never a crash', { skip: unless(findProgram('tcpdump') ? false : 'tcpdump is not installed') }, async (t) => {
  const ns = `sw-none-${process.pid}`;
  sh('netns', 'add', ns);
  t.teardown(() => sh('netns', 'del', ns));
  const bus = createEmbeddedBus();
  t.teardown(() => bus.close());
  const absent = new Collector(configuration('tcpdump', ns), { bus, version: 'test' });
  await absent.start();
  await until('it waits for the interface', () => absent.health().reasons.some((r) => r.code === 'SW_COLLECT_INTERFACE_GONE'));
  await absent.stop();
  const mistaken = new Collector({ ...configuration('tcpdump', ns), bpf: 'udp dst prot 53' }, { bus, version: 'test' });
  await mistaken.start();
  await t.rejects(mistaken.finished, { code: 'SW_COLLECT_FILTER' });
  await mistaken.stop();
});

t.test('names and filters are checked before any program sees them', async (t) => {
  for (const name of ['', '-w/etc/passwd', 'eth0;id', 'a b', '$(id)']) t.throws(() => checkInterface(name), { code: 'SW_COLLECT_INTERFACE_NAME' });
  for (const name of ['eth0', 'any', 'br-lan', 'eth0.100', 'enp3s0f1np1']) t.doesNotThrow(() => checkInterface(name));
  for (const filter of ['-w /tmp/x', 'port 80; id', 'port `id`', 'host "a"', 'x'.repeat(9000)]) {
    await t.rejects(checkFilter(filter, undefined), { code: 'SW_COLLECT_FILTER' });
  }
  const tcpdump = findProgram('tcpdump');
  await t.resolves(checkFilter('(tcp[13] & 0x02 != 0) and not net 10.0.0.0/8 or vlan 5 && ip6', tcpdump));
  if (tcpdump) await t.rejects(checkFilter('tcp prot 80', tcpdump), { code: 'SW_COLLECT_FILTER' });
});
