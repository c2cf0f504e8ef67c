/**
 * What floods cost: `node dist/bench/floods.js [scale]`. Each flood runs through all stages with the shipped rules in a
 * process of its own, beside one connection that was open before; at the end that connection must still be followed,
 * and memory must be what it was. Scale 1 (default) is 5 million SYN sources; 0.1 is a quick look.
 */
import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { Engine } from '../analyzer/engine.js';
import { conversation, ethernet, type Frame, ipv4, packetBytes, SYN, ACK, PSH } from '../analyzer/evasion/frame.js';
import { loadRules } from '../analyzer/match/load.js';
import { defaultConfig } from '../cli/analysis.js';

/** Resident growth that a flood may cause beyond what tables of fixed size take when they are first touched. */
const GROWTH_MIB = 512;

type Send = (frame: Uint8Array, stepUs?: number) => void;
type Flood = (send: Send, scale: number) => void;

const none = new Uint8Array();
const ip = (n: number): number[] => [60 + ((n >>> 24) & 63), (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const victim = [10, 42, 1, 99];
const frame = (f: Partial<Frame>): Frame => ({
  timeUs: 0, protocol: 6, from: ip(1), to: victim, sport: 1024, dport: 80, ttl: 64, seq: 1000, ack: 0, flags: SYN, window: 64240, options: none, payload: none, ...f,
});
const wire = (f: Partial<Frame>): Buffer => ethernet(0x0800, packetBytes(frame(f)));

/** Sends one packet with another source address and port every time; checksums are not looked at. */
function sources(send: Send, packet: Buffer, times: number): void {
  for (let i = 0; i < times; i++) {
    packet.writeUInt32BE((0x3c000000 + Math.imul(i, 2654435761)) >>> 0, 26);
    packet.writeUInt16BE(1024 + (i % 60000), 34);
    send(packet, 1);
  }
}

/** The handshake and first bytes of `n` connections from as many clients, then whatever `say` gives. */
function connections(send: Send, n: number, say: (i: number) => (readonly [boolean, Uint8Array | string])[], end = false, stepUs = 20): void {
  for (let i = 0; i < n; i++) {
    const frames = conversation(say(i), { client: ip(0x1000000 + i), server: victim, clientPort: 1024 + (i % 60000) });
    for (const f of end ? frames : frames.slice(0, -3)) send(ethernet(0x0800, packetBytes(f)), stepUs);
  }
}

const FLOODS: Record<string, Flood> = {
  'SYN flood, 5,000,000 sources': (send, s) => sources(send, wire({}), 5_000_000 * s),
  'UDP flood, 2,000,000 sources': (send, s) => sources(send, wire({ protocol: 17, dport: 5353, payload: Buffer.alloc(18) }), 2_000_000 * s),
  'fragment flood, 1,000,000 first fragments': (send, s) => {
    const packet = ethernet(0x0800, ipv4(ip(7), victim, 17, Buffer.alloc(1400), { id: 1, moreFragments: true }));
    for (let i = 0; i < 1_000_000 * s; i++) {
      packet.writeUInt16BE(i & 0xffff, 18);
      packet.writeUInt32BE((0x3c000000 + (i >>> 16)) >>> 0, 26);
      send(packet, 2);
    }
  },
  '100,000 half-sent HTTP requests': (send, s) => connections(send, 100_000 * s, (i) => [[true, `POST /login${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\nX-Slow: ${'a'.repeat(600)}\r\n`]]),
  '50,000 streams with holes': (send, s) => {
    for (let i = 0; i < 50_000 * s; i++) {
      const ends = { from: ip(i), sport: 2000 };
      send(wire({ ...ends, seq: 1 }), 20);
      for (let k = 0; k < 8; k++) send(wire({ ...ends, seq: 100 + k * 3000, flags: PSH | ACK, ack: 1, payload: Buffer.alloc(1200, 65) }), 20);
    }
  },
  '2,000 gzip bombs (8 MiB each)': (send, s) => {
    const bomb = gzipSync(Buffer.alloc(8 << 20));
    const response = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`), bomb]);
    connections(send, 2_000 * s, () => [[true, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'], [false, response]], true);
  },
  '100,000 DNS flows': (send, s) => {
    const query = (n: number): Buffer => Buffer.concat([Buffer.from([n >> 8, n & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10]), Buffer.from((n + 0x100000000).toString(36).padStart(10, 'x').slice(0, 10)), Buffer.from([3, 99, 111, 109, 0, 0, 1, 0, 1])]);
    for (let i = 0; i < 100_000 * s; i++) send(wire({ protocol: 17, from: [10, 42, 2, i & 127], sport: 1024 + (i % 60000), dport: 53, payload: query(i) }), 10);
  },
  '10,000 pipelines of 100 requests without answers': (send, s) =>
    connections(send, 10_000 * s, (i) => [[true, `GET /page?i=${i} HTTP/1.1\r\nHost: www.example.gov.cn\r\n\r\n`.repeat(100)]]),
};

function run(name: string, scale: number): void {
  const rules = loadRules(['rules']).rules!;
  let events = 0;
  const alerts = new Map<string, number>();
  const engine = new Engine({
    config: { ...defaultConfig(), maxFlows: 65_536 }, rules, stage: { fileHashes: [] },
    outputs: { event: () => void events++, connections() {}, alert: (a) => void alerts.set(a.shouwang.rule, (alerts.get(a.shouwang.rule) ?? 0) + 1) },
  });
  engine.stage.source({ node: 'bench', unit: '', iface: '' });
  let timeUs = 1.57e15;
  let packets = 0;
  const send: Send = (bytes, stepUs = 1) => {
    const { at } = place(bytes.length);
    engine.arena.u8.set(bytes, at);
    engine.stage.packet(at, bytes.length, bytes.length, (timeUs += stepUs), 0, 1);
    if ((++packets & 1023) === 0) engine.stage.blockEnd();
  };
  let room = { at: 0, bytes: 0 };
  let used = 0;
  const place = (n: number): { at: number } => {
    if (used + n > room.bytes) {
      room = engine.place(1 << 20);
      used = 0;
    }
    used += n;
    return { at: room.at + used - n };
  };
  const watched = conversation([[true, 'GET /download?file=../../../../../../etc/passwd HTTP/1.1\r\nHost: www.example.gov.cn\r\n\r\n'], [false, 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 65\r\n\r\nroot:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\n']]);
  const bytes = watched.map((f) => ethernet(0x0800, packetBytes(f)));
  const answer = watched.findIndex((f) => f.sport === 80 && f.payload.length > 0);
  for (const b of bytes.slice(0, answer)) send(b);
  const before = process.memoryUsage.rss();
  const started = process.cpuUsage();
  FLOODS[name]!(send, scale);
  const cpu = process.cpuUsage(started).user / 1e6;
  const peak = process.memoryUsage.rss();
  const arena = engine.stats()['arenaBytes']!;
  for (const b of bytes.slice(answer)) send(b);
  engine.stage.flush();
  const stats = engine.stats();
  const kept = alerts.get('path-traversal') ?? 0;
  const grown = (peak - before) / 1048576;
  const limits = ['flowsEvicted', 'flowsEvictedEstablished', 'flowsRefused', 'streamForcedGaps', 'streamShed', 'fragmentsDropped', 'heldRefused', 'parserFailures', 'anomaliesUnsaid']
    .filter((k) => stats[k]! > 0).map((k) => `${k} ${stats[k]}`).join(', ');
  const good = kept > 0 && grown < GROWTH_MIB && stats['arenaBytes']! <= 1 << 20;
  console.log(`${good ? 'ok' : 'NOT OK'}: ${name}: ${packets} packets, ${((cpu * 1e6) / packets).toFixed(2)} µs each, rss +${grown.toFixed(0)} MiB (now ${(peak / 1048576).toFixed(0)}), ` +
    `arena ${(arena / 1048576).toFixed(1)} MiB, after ${stats['arenaBytes']} bytes; watched connection ${kept > 0 ? 'kept' : 'LOST'}; ${events} events; ${limits || 'no limit reached'}`);
  if (!good) process.exitCode = 1;
}

const [first = '1', only] = process.argv.slice(2);
if (only !== undefined) run(only, Number(first));
else for (const name of Object.keys(FLOODS)) if (spawnSync(process.execPath, [process.argv[1]!, first, name], { stdio: 'inherit' }).status !== 0) process.exitCode = 1;
