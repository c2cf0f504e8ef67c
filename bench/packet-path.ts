/**
 * What a packet costs from decode to the stream: `node dist/bench/packet-path.js [packets]`. Synthetic traffic without
 * rules or known protocols, so that only decode, flow table and in-order streams are measured.
 */
import { Arena } from '../analyzer/arena.js';
import { PacketStage } from '../analyzer/pipeline.js';
import type { Matcher } from '../analyzer/match/matcher.js';

const silent: Matcher = {
  wants: 0, reads: () => false, idleEpoch: 0, idle: () => true, pursued: () => false, packet() {}, stream() {}, inspect() {}, appEvent() {}, packetEvent() {}, appDecided() {}, flowEnd() {},
};

function frame(u8: Uint8Array, at: number, client: number, port: number, back: boolean, flags: number, seq: number, ack: number, payload: number): number {
  u8.fill(0, at, at + 54);
  u8[at + 12] = 8;
  const ip = at + 14;
  const total = 40 + payload;
  u8[ip] = 0x45;
  u8[ip + 2] = total >> 8;
  u8[ip + 3] = total & 255;
  u8[ip + 8] = 64;
  u8[ip + 9] = 6;
  const c = back ? ip + 16 : ip + 12;
  const s = back ? ip + 12 : ip + 16;
  u8[c] = 10; u8[c + 1] = client >> 16; u8[c + 2] = client >> 8; u8[c + 3] = client;
  u8[s] = 192; u8[s + 1] = 168; u8[s + 3] = 1;
  const tcp = ip + 20;
  const source = back ? 9999 : port;
  const target = back ? port : 9999;
  u8[tcp] = source >> 8; u8[tcp + 1] = source & 255; u8[tcp + 2] = target >> 8; u8[tcp + 3] = target & 255;
  for (let i = 0; i < 4; i++) {
    u8[tcp + 4 + i] = seq >>> (24 - 8 * i);
    u8[tcp + 8 + i] = ack >>> (24 - 8 * i);
  }
  u8[tcp + 12] = 0x50;
  u8[tcp + 13] = flags;
  u8[tcp + 14] = 0xff;
  return 14 + total;
}

function measure(name: string, flows: number, packets: number, syn: boolean): void {
  const arena = new Arena(64 << 20);
  const slots = 8192;
  const base = arena.reserve(slots * 2048);
  let records = 0;
  const stage = new PacketStage({
    arena, matcher: silent,
    outputs: { event() {}, alert() {}, connections: (_bytes, count) => void (records += count) },
  });
  stage.source({ node: 'bench', unit: 'bench', iface: 'bench' });
  const { u8 } = arena;
  const next = new Int32Array(flows);
  let timeUs = 1.57e15;
  let spent = 0;
  const lengths = new Int32Array(slots);
  for (let done = 0; done < packets; done += slots) {
    // Frames are written outside the measured time, 8192 at once.
    for (let i = 0; i < slots; i++) {
      const n = done + i;
      const flow = n % flows;
      const at = base + i * 2048;
      if (syn) lengths[i] = frame(u8, at, n & 0xffffff, 1024 + (n >>> 24), false, 2, n, 0, 0);
      else if (n < flows) lengths[i] = frame(u8, at, flow, 40000, false, 2, 0, 0, 0);
      else if (n < 2 * flows) lengths[i] = frame(u8, at, flow, 40000, true, 18, 0, 1, 0);
      else {
        const back = (n & 1) === 1;
        const size = back ? 0 : 1000;
        lengths[i] = frame(u8, at, flow, 40000, back, 16, back ? 1 : next[flow] + 1, back ? next[flow] + 1 : 1, size);
        next[flow] += size;
      }
    }
    const begin = process.cpuUsage();
    for (let i = 0; i < slots; i++) {
      timeUs += 4;
      stage.packet(base + i * 2048, lengths[i], lengths[i], timeUs, 0, 1);
    }
    const used = process.cpuUsage(begin);
    if (done >= packets / 4) spent += used.user + used.system;
  }
  stage.blockEnd();
  const counted = packets - Math.ceil(packets / 4 / slots) * slots;
  const { flows: open, flowsEvicted } = stage.stats();
  console.log(
    `${name}: ${((spent * 1000) / counted).toFixed(0)} ns of CPU a packet, ${open} flows, ${flowsEvicted} evicted, ${records} records, ` +
      `rss ${(process.memoryUsage().rss / 1048576).toFixed(0)} MiB`,
  );
}

const packets = Number(process.argv[2] ?? 4_000_000);
measure('in-order TCP, 1000 flows', 1001, packets, false);
measure('in-order TCP, 100000 flows', 100_001, packets, false);
measure('SYN flood', 1, packets, true);
