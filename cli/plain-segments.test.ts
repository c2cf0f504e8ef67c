import t from 'tap';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTraffic } from '../bench/traffic.js';
import { Random } from '../bench/random.js';
import { defaultConfig } from './analysis.js';
import { Engine } from '../analyzer/engine.js';
import { loadRules } from '../analyzer/match/load.js';
import type { RuleSet } from '../analyzer/match/rule-set.js';

interface Frame { bytes: Buffer; timeUs: number }

/** Frames of a little-endian Ethernet pcap file. */
function framesOf(file: string): Frame[] {
  const bytes = readFileSync(file);
  const nanos = bytes.readUInt32LE(0) === 0xa1b23c4d;
  const frames: Frame[] = [];
  for (let at = 24; at + 16 <= bytes.length; ) {
    const size = bytes.readUInt32LE(at + 8);
    const fraction = bytes.readUInt32LE(at + 4);
    frames.push({ bytes: bytes.subarray(at + 16, at + 16 + size), timeUs: bytes.readUInt32LE(at) * 1e6 + (nanos ? Math.floor(fraction / 1000) : fraction) });
    at += 16 + size;
  }
  return frames;
}

/** What networks and attackers do to frames: some are lost, come twice, late, with another TTL, flag, acknowledgement, window or length. */
function troubled(frames: Frame[], random: Random): Frame[] {
  const out: Frame[] = [];
  let late: Frame | undefined;
  for (const { bytes, timeUs } of frames) {
    const frame = { bytes: Buffer.from(bytes), timeUs };
    const b = frame.bytes;
    const tcp = b.length >= 54 && b[12] === 8 && b[14] === 0x45 && b[23] === 6;
    switch (random.below(60)) {
      case 0: continue;
      case 1: out.push(frame); break;
      case 2: late ??= frame; continue;
      case 3: if (tcp) b[22] = random.below(256); break;
      case 4: if (tcp) b[47] ^= 1 << random.below(8); break;
      case 5: if (tcp) b.writeUInt32BE((b.readUInt32BE(42) + random.below(5000)) >>> 0, 42); break;
      case 6: if (tcp) b.writeUInt32BE((b.readUInt32BE(38) - random.below(3)) >>> 0, 38); break;
      case 7: if (tcp) b.writeUInt16BE(random.below(65536), 48); break;
      case 8: if (tcp) b.writeUInt16BE(b.readUInt16BE(16) - random.below(3), 16); break;
      case 9: if (tcp) b.writeUInt16BE(b.readUInt16BE(20) ^ 0x2000, 20); break;
      case 10: if (tcp) b[46] = (b[46] + 0x10) & 0xff; break;
    }
    out.push(frame);
    if (late !== undefined && random.below(8) === 0) {
      out.push({ bytes: late.bytes, timeUs });
      late = undefined;
    }
  }
  return out;
}

/** Without what the Ethernet header itself shows up in. */
const told = (event: object): string => JSON.stringify({ ...event, packet: undefined, packet_info: undefined, ether: undefined });

/** Everything that is said of frames; without their Ethernet headers all go the long way. */
function said(frames: Frame[], rules: RuleSet, bare: boolean): { lines: string[]; plain: number } {
  const lines: string[] = [];
  const engine = new Engine({
    config: { ...defaultConfig(), maxFlows: 8192, arenaMiB: 96, ringMiB: 16 }, rules,
    outputs: {
      event: (event) => lines.push(told(event)),
      alert: (alert) => lines.push(told(alert)),
      connections: (records, count) => lines.push(Buffer.from(records.subarray(0, count * 64)).toString('base64')),
    },
  });
  engine.stage.source({ node: 'n', unit: '', iface: '' });
  const cut = bare ? 14 : 0;
  for (const { bytes, timeUs } of frames) {
    const { at } = engine.place(bytes.length);
    engine.arena.u8.set(bytes.subarray(cut), at);
    engine.stage.packet(at, bytes.length - cut, bytes.length, timeUs, 0, bare ? 101 : 1);
  }
  engine.stage.flush();
  const { plain, ...stats } = engine.stats();
  return { lines: [...lines, JSON.stringify(stats)], plain: plain! };
}

const folder = mkdtempSync(join(tmpdir(), 'shouwang-plain-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const capture = join(folder, 'mixed.pcap');
makeTraffic(capture, { seed: 5, bytes: 2 << 20, kind: 'mixed' });
const frames = framesOf(capture).filter(({ bytes }) => bytes.length >= 34 && bytes[12] === 8 && bytes[13] === 0);

/** The same traffic among eight hosts: what is known of one of them concerns many open connections. */
const crowded = frames.map(({ bytes, timeUs }) => {
  const frame = { bytes: Buffer.from(bytes), timeUs };
  for (const at of [28, 32]) frame.bytes.writeUInt16BE(frame.bytes[at + 1]! & 7, at);
  return frame;
});

/** Of what waits for the packets that follow: streams told with an acknowledgement, tags of flows and hosts, protocols, passes, partial matches. */
const RULES: Record<string, string> = {
  streams: `
alert tcp any any -> any any (msg:"stream"; flow:established; content:"OpenSSH"; sid:1;)
alert tls any any -> any any (msg:"protocol only"; sid:2;)
alert http any any -> any any (msg:"of the flow"; http.method; content:"GET"; threshold:type limit, track by_flow, count 1, seconds 60; sid:3;)
alert tcp any any -> any 22 (msg:"far"; stream_size:client,>,3000; content:"|00|"; sid:4;)
`,
  tags: `
alert http any any -> any any (msg:"then its flow"; http.method; content:"GET"; threshold:type threshold, track by_rule, count 60, seconds 600; tag:session,5,packets; sid:1;)
alert dns any any -> any any (msg:"then the host"; dns.query; content:"b"; threshold:type threshold, track by_rule, count 120, seconds 600; tag:host,20,packets,src; sid:2;)
`,
  ips: `
alert ip 10.42.0.0/20 any -> any any (msg:"addresses only"; threshold:type limit, track by_src, count 3, seconds 5; sid:1;)
pass tcp any any -> any 443 (msg:"passed"; sid:2;)
`,
};

for (const [name, text] of Object.entries(RULES)) {
  const file = join(folder, `${name}.rules`);
  writeFileSync(file, text);
  const rules = loadRules([file]).rules!;
  t.test(`the short way says what the long way says: ${name}`, async (t) => {
    const whole = name === 'tags' ? crowded : frames;
    for (const [about, seen] of [['as captured', whole], ...[1, 12].map((seed) => [`troubled by ${seed}`, troubled(whole, new Random(seed))] as const)] as const) {
      const short = said(seen, rules, false);
      const long = said(seen, rules, true);
      t.equal(long.plain, 0);
      t.ok(short.plain > seen.length / (name === 'tags' ? 500 : about === 'as captured' ? 6 : 20), `${about}: ${short.plain} of ${seen.length} packets went the short way`);
      t.ok(short.lines.length > 100);
      const different = short.lines.findIndex((line, i) => line !== long.lines[i]);
      t.equal(short.lines[different], long.lines[different], `${about}: the same events, alerts, connection records and counters`);
      t.equal(short.lines.length, long.lines.length);
    }
  });
}
