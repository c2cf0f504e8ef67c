import t from 'tap';
import type { EveEvent } from '../contracts/event.js';
import { Arena } from './arena.js';
import { ConnectionKind, ConnectionRecord } from './flow/connection-log.js';
import type { Matcher } from './match/matcher.js';
import { PacketStage } from './pipeline.js';
import type { PacketStageConfig } from './packet-stage-config.js';

const SYN = 2, RST = 4, ACK = 16, FIN = 1;

interface Segment { urgent?: number; from: string; to: string; sport: number; dport: number; flags: number; seq: number; ack?: number; data?: string; ttl?: number; badSum?: boolean }

function sum16(bytes: Uint8Array, seed = 0): number {
  let total = seed;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 65536);
  return ~total & 0xffff;
}

function tcp(s: Segment): Uint8Array {
  const data = Buffer.from(s.data ?? '', 'latin1');
  const bytes = new Uint8Array(54 + data.length);
  const view = new DataView(bytes.buffer);
  bytes[12] = 8;
  bytes.set([0x45, 0, 0, 0, 0, 1, 0, 0, s.ttl ?? 64, 6], 14);
  view.setUint16(16, 40 + data.length);
  bytes.set(s.from.split('.').map(Number), 26);
  bytes.set(s.to.split('.').map(Number), 30);
  view.setUint16(24, sum16(bytes.subarray(14, 34)));
  view.setUint16(34, s.sport);
  view.setUint16(36, s.dport);
  view.setUint32(38, s.seq >>> 0);
  view.setUint32(42, (s.ack ?? 0) >>> 0);
  bytes[46] = 0x50;
  bytes[47] = s.flags;
  view.setUint16(48, 65535);
  view.setUint16(52, s.urgent ?? 0);
  bytes.set(data, 54);
  const pseudo = new Uint8Array(12);
  pseudo.set(bytes.subarray(26, 34));
  pseudo[9] = 6;
  new DataView(pseudo.buffer).setUint16(10, 20 + data.length);
  const half = ~sum16(pseudo) & 0xffff;
  view.setUint16(50, sum16(bytes.subarray(34), half) ^ (s.badSum ? 0x5555 : 0));
  return bytes;
}

function udp(s: Pick<Segment, 'from' | 'to' | 'sport' | 'dport'> & { data: string | Buffer }): Uint8Array {
  const data = Buffer.from(s.data as string, 'latin1');
  const bytes = new Uint8Array(42 + data.length);
  const view = new DataView(bytes.buffer);
  bytes[12] = 8;
  bytes.set([0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17], 14);
  view.setUint16(16, 28 + data.length);
  bytes.set(s.from.split('.').map(Number), 26);
  bytes.set(s.to.split('.').map(Number), 30);
  view.setUint16(34, s.sport);
  view.setUint16(36, s.dport);
  view.setUint16(38, 8 + data.length);
  bytes.set(data, 42);
  return bytes;
}

function rig(config: Partial<PacketStageConfig> = {}) {
  const arena = new Arena(96 << 20);
  const input = arena.reserve(1 << 16);
  const events: EveEvent[] = [];
  const records: [number, number, number, string][] = [];
  const seen: string[] = [];
  const matcher: Matcher = {
    wants: 64, reads: () => true, idleEpoch: 0, idle: () => false, pursued: () => false, packet() {}, inspect() {}, appEvent() {}, packetEvent() {}, appDecided() {}, flowEnd() {},
    stream: (c, _flow, direction, at, length) => void seen.push(`${direction}:${Buffer.from(c.arena.u8.subarray(at, at + length)).toString('latin1')}`),
  };
  const record = new ConnectionRecord();
  const stage = new PacketStage({
    arena, config: { flows: 1024, ...config }, matcher,
    outputs: {
      event: (event) => void events.push(event), alert() {},
      connections: (bytes, count) => {
        for (let i = 0; i < count; i++) {
          record.at(bytes, i);
          records.push([record.kind, record.srcPort, record.dstPort, [...record.src].join('.')]);
        }
      },
    },
  });
  stage.source({ node: 'node', unit: 'unit', iface: 'eth0', file: 'a.pcap' });
  let timeUs = 1.57e15;
  const send = (bytes: Uint8Array, afterUs = 1000): void => {
    arena.u8.set(bytes, input);
    timeUs += afterUs;
    stage.packet(input, bytes.length, bytes.length, timeUs, 0, 1);
  };
  return { arena, events, records, seen, stage, send };
}

const C = { from: '10.0.0.1', to: '10.0.0.2', sport: 40000, dport: 80 };
const S = { from: '10.0.0.2', to: '10.0.0.1', sport: 80, dport: 40000 };
const REQUEST = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n';
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function open(send: (bytes: Uint8Array) => void, isn = 100, peer = 900): void {
  send(tcp({ ...C, flags: SYN, seq: isn }));
  send(tcp({ ...S, flags: SYN | ACK, seq: peer, ack: isn + 1 }));
  send(tcp({ ...C, flags: ACK, seq: isn + 1, ack: peer + 1 }));
}

t.test('a connection from SYN to FIN', async (t) => {
  const { events, records, send, stage, seen } = rig();
  open(send);
  send(tcp({ ...C, flags: ACK, seq: 101, ack: 901, data: REQUEST }));
  send(tcp({ ...S, flags: ACK, seq: 901, ack: 101 + REQUEST.length, data: RESPONSE }));
  send(tcp({ ...C, flags: ACK | FIN, seq: 101 + REQUEST.length, ack: 901 + RESPONSE.length }));
  send(tcp({ ...S, flags: ACK | FIN, seq: 901 + RESPONSE.length, ack: 102 + REQUEST.length }));
  send(tcp({ ...C, flags: ACK, seq: 102 + REQUEST.length, ack: 902 + RESPONSE.length }));
  stage.flush();
  t.same(seen, [`0:${REQUEST}`, `1:${RESPONSE}`]);
  t.same(records.map((r) => r[0]), [ConnectionKind.Opened, ConnectionKind.Answered, ConnectionKind.Spoke, ConnectionKind.Ended]);
  const http = events.find((e) => e.event_type === 'http');
  t.match(http, { src_ip: '10.0.0.1', dest_port: 80, app_proto: 'http', pcap_filename: 'a.pcap', host: 'node', http: { url: '/a', status: 200 } });
  const flow = events.find((e) => e.event_type === 'flow');
  t.match(flow, {
    flow_id: http!.flow_id!, community_id: http!.community_id!,
    flow: { pkts_toserver: 5, pkts_toclient: 3, state: 'closed' }, tcp: { state: 'closed', tcp_flags: '13' },
  });
});

t.test('datagrams that are something else do not hide those a port is for', async (t) => {
  const query = Buffer.from('001d0100000100000000000003777777036578610000010001', 'hex');
  const snmp = Buffer.from('302602010104067075626c6963a019020101020100020100300e300c06082b060102010101000500', 'hex');
  for (const before of [['junk'], ['junk', 'more junk', 'x', 'x', 'x', 'x'], [snmp]]) {
    const { events, send, stage } = rig();
    for (const data of before) send(udp({ ...C, dport: 53, data }));
    send(udp({ ...C, dport: 53, data: query }));
    stage.flush();
    t.match(events.filter((e) => e.event_type === 'dns'), [{ dns: { rrname: 'www.exa' } }], `${before.length} before`);
  }
});

t.test('refused, odd and used again', async (t) => {
  const { records, send, stage, events } = rig();
  send(tcp({ ...C, flags: SYN, seq: 1 }));
  send(tcp({ ...S, flags: RST | ACK, seq: 0, ack: 2 }));
  send(tcp({ ...C, sport: 50000, flags: FIN | 8 | 32, seq: 1 }));
  send(tcp({ ...C, sport: 50001, flags: 0, seq: 1 }));
  send(tcp({ ...C, flags: SYN, seq: 5000 }));
  stage.flush();
  const [Opened, Refused, OddProbe, Ended] = [ConnectionKind.Opened, ConnectionKind.Refused, ConnectionKind.OddProbe, ConnectionKind.Ended];
  t.same(records.map((r) => r[0]), [Opened, Refused, OddProbe, OddProbe, Ended, Opened, Ended]);
  t.equal(stage.stats().portReuse, 1);
  t.equal(events.filter((e) => e.event_type === 'flow').length, 1, 'the unanswered SYN is a record only');
});

t.test('a new connection on the ports of one that never closed', async (t) => {
  const { seen, send, stage, events } = rig();
  open(send);
  send(tcp({ ...C, flags: ACK, seq: 101, ack: 901, data: 'first' }));
  open(send, 70000, 80000);
  send(tcp({ ...C, flags: ACK, seq: 70001, ack: 80001, data: 'second' }));
  stage.flush();
  t.same(seen, ['0:first', '0:second']);
  t.same(events.filter((e) => e.event_type === 'flow').map((e) => (e.flow as { reason: string }).reason), ['tcp_reuse', 'shutdown']);
});

t.test('picked up in the middle, from the server, one side only', async (t) => {
  const { events, send, stage } = rig();
  send(tcp({ from: '10.0.0.2', to: '10.0.0.1', sport: 8080, dport: 40000, flags: ACK, seq: 5, ack: 7, data: RESPONSE }));
  stage.flush();
  const flow = events.find((e) => e.event_type === 'flow');
  t.match(flow, { src_ip: '10.0.0.1', dest_ip: '10.0.0.2', dest_port: 8080, app_proto: 'http', flow: { pkts_toclient: 1, pkts_toserver: 0 } });
});

t.test('an RST that the victim would not take does not blind us', async (t) => {
  const { seen, send, stage, events } = rig();
  open(send);
  send(tcp({ ...C, flags: RST, seq: 30000 }));
  send(tcp({ ...C, flags: RST, seq: 101, ttl: 9 }));
  send(tcp({ ...C, flags: ACK, seq: 101, ack: 901, data: 'still here' }));
  send(tcp({ ...C, flags: RST, seq: 111, ttl: 9 }));
  send(tcp({ ...C, flags: ACK, seq: 111, ack: 901, data: ' and here' }));
  stage.flush();
  t.same(seen, ['0:still here', '0: and here']);
  t.ok(events.some((e) => (e.anomaly as { event?: string } | undefined)?.event === 'stream.suspected_rst_inject'));
});

t.test('bytes that die on the way, and a byte out of band, are not what the server reads', async (t) => {
  const { seen, send, stage } = rig();
  open(send);
  send(tcp({ ...C, flags: ACK, seq: 101, ack: 901, data: 'harmless', ttl: 5 }));
  send(tcp({ ...C, flags: ACK, seq: 101, ack: 901, data: 'evil 123' }));
  t.same(seen, ['0:evil 123']);
  send(tcp({ ...C, flags: ACK, seq: 109, ack: 901, data: 'rerouted', ttl: 20 }));
  t.equal(seen.length, 1, 'waits');
  send(tcp({ ...S, flags: ACK, seq: 901, ack: 117 }));
  t.equal(seen[1], '0:rerouted', 'it did arrive');
  send(tcp({ ...C, flags: ACK | 32, seq: 117, ack: 901, data: 'etcX/passwd', urgent: 4 }));
  t.same(seen.slice(2), ['0:etc', '0:/passwd']);
  stage.flush();
});

t.test('checksums: verify drops what the victim drops', async (t) => {
  for (const checksums of ['verify', 'ignore'] as const) {
    const { seen, send, stage } = rig({ checksums });
    open(send);
    send(tcp({ ...C, flags: ACK, seq: 101, ack: 901, data: 'harmless', badSum: true }));
    send(tcp({ ...C, flags: ACK, seq: 101, ack: 901, data: 'evil 123' }));
    stage.flush();
    t.same(seen, [checksums === 'verify' ? '0:evil 123' : '0:harmless'], checksums);
    t.equal(stage.stats().badChecksums, checksums === 'verify' ? 1 : 0);
  }
});

t.test('a SYN flood costs no established flow and no memory', async (t) => {
  const { seen, send, stage, arena } = rig({ flows: 4096, flowEvents: 'none' });
  open(send);
  send(tcp({ ...C, flags: ACK, seq: 101, ack: 901, data: 'before' }));
  const flood = tcp({ ...C, flags: SYN, seq: 1 });
  const view = new DataView(flood.buffer);
  for (let i = 0; i < 300_000; i++) {
    view.setUint32(26, 0x64000000 + i);
    send(flood, 1);
  }
  send(tcp({ ...C, flags: ACK, seq: 107, ack: 901, data: 'after' }));
  t.same(seen, ['0:before', '0:after']);
  const stats = stage.stats();
  t.ok(stats.flows <= 4096);
  t.equal(stats.flowsEvictedEstablished, 0);
  t.equal(stats.flowsEvicted, 300_001 - 4096);
  stage.flush();
  t.equal(arena.used, 0);
});
