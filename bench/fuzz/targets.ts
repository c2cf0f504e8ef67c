import type { ProtocolEntry } from '../../analyzer/app/parser.js';
import { protocols } from '../../analyzer/app/registry.js';
import { Arena } from '../../analyzer/arena.js';
import { readBlock } from '../../analyzer/block-reader.js';
import { Engine } from '../../analyzer/engine.js';
import { DEFAULT_VARIABLES } from '../../analyzer/match/addresses.js';
import { compileRule } from '../../analyzer/match/compile.js';
import { parseRuleDocument } from '../../analyzer/match/document.js';
import type { Matcher } from '../../analyzer/match/matcher.js';
import { loadRules } from '../../analyzer/match/load.js';
import { compileSuricata } from '../../analyzer/match/suricata/compile.js';
import { Datasets } from '../../analyzer/match/suricata/datasets.js';
import { parseRuleFile } from '../../analyzer/match/suricata/syntax.js';
import { PacketStage } from '../../analyzer/pipeline.js';
import { byOwner, byWorld, decodeHostBatch, encodeHostBatch } from '../../analyzer/serve/host-batch.js';
import { Reassembly, TcpStream, DEFAULT_REASSEMBLY } from '../../analyzer/stream/reassembly.js';
import { OVERLAP_POLICIES } from '../../analyzer/decode/overlap.js';
import { defaultConfig } from '../../cli/analysis.js';
import { CaptureParser } from '../../collector/capture-parser.js';
import { OperatorError } from '../../runtime/errors.js';
import { Probe } from './probe.js';
import { unpackTalk } from './talk.js';

/** Takes any bytes and throws when what is tested breaks a promise. */
export type Target = (input: Uint8Array) => void;
export interface TargetKind { seeds: 'capture' | 'talk' | 'suricata' | 'yaml' | 'batch' | 'none'; make: () => Target }

const MIB = 1 << 20;

function captureTarget(): Target {
  const places = [0, 1].map(() => ({ u8: new Uint8Array(2 * MIB), at: 0, bytes: 2 * MIB }));
  const read = (input: Uint8Array, step: number, region: (typeof places)[0]): string => {
    const seen: unknown[] = [];
    try {
      const parser = new CaptureParser(region, {
        packet: (offset, captured, wire, timeUs, nanos, linktype, iface) => {
          if (!(offset >= 0 && captured >= 0 && offset + captured <= region.u8.length)) throw new Error('packet outside');
          if (!Number.isFinite(timeUs)) throw new Error(`time ${timeUs}`);
          let sum = 0;
          for (let i = 0; i < captured; i += 7) sum = (Math.imul(sum, 31) + region.u8[offset + i]!) | 0;
          seen.push([captured, wire, timeUs, nanos, linktype, iface, sum]);
        },
      });
      for (let at = 0; at < input.length; at += step) void parser.push(input.subarray(at, at + step));
      const { warnings, ...summary } = parser.finish();
      seen.push(summary, warnings.map((w) => [w.code, w.count]));
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      seen.push(error.code);
    }
    return JSON.stringify(seen);
  };
  return (input) => {
    const whole = read(input, MIB, places[0]!);
    const step = input.length > 8192 ? 61 : 1;
    const pieces = read(input, step, places[1]!);
    if (whole !== pieces) throw new Error(`read whole and by ${step} bytes differs:\n${whole.slice(0, 400)}\n${pieces.slice(0, 400)}`);
  };
}

const silent: Matcher = { wants: 511, reads: () => true, idleEpoch: 0, idle: () => false, pursued: () => false, packet() {}, stream() {}, inspect() {}, appEvent() {}, packetEvent() {}, appDecided() {}, flowEnd() {} };

function packetTarget(): Target {
  const arena = new Arena(192 * MIB);
  const input = arena.reserve(2 * MIB);
  const baseline = arena.used;
  const stage = new PacketStage({
    arena, matcher: silent, config: { flows: 1024, flowEvents: 'all', checksums: 'verify', anomaliesPerSecond: 10 },
    outputs: { event: (e) => void JSON.stringify(e), alert() {}, connections() {} },
  });
  stage.source({ node: 'fuzz', unit: '', iface: '' });
  return (bytes) => {
    try {
      const parser = new CaptureParser({ u8: arena.u8, at: input, bytes: 2 * MIB }, {
        packet: (offset, captured, wire, timeUs, nanos, linktype) => stage.packet(offset, captured, wire, Math.min(timeUs, 4e15), nanos, linktype),
      });
      void parser.push(bytes);
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
    }
    stage.flush();
    if (arena.used !== baseline) throw new Error(`${arena.used - baseline} bytes of the arena not given back`);
    const { streamQueuedBytes, flows } = stage.stats();
    if (streamQueuedBytes !== 0 || flows !== 0) throw new Error(`${flows} flows, ${streamQueuedBytes} queued bytes left`);
  };
}

/** All stages with the shipped rules, blocks in. */
function engineTarget(): Target {
  const rules = loadRules(['rules']).rules!;
  const engine = new Engine({
    config: { ...defaultConfig(), arenaMiB: 320, ringMiB: 8, maxFlows: 1024 }, rules,
    outputs: { alert: (a, _each, evidence) => { JSON.stringify(a); evidence(4096); }, event: (e) => void JSON.stringify(e), connections() {} },
  });
  const source = { node: 'fuzz', unit: '', iface: '' };
  let baseline = -1;
  return (bytes) => {
    const region = { u8: engine.arena.u8, next: (n: number) => engine.place(n) };
    engine.stage.source(source);
    try {
      const parser = new CaptureParser(region, {
        packet: (offset, captured, wire, timeUs, nanos, linktype) => engine.stage.packet(offset, captured, wire, Math.min(timeUs, 4e15), nanos, linktype),
      });
      void parser.push(bytes);
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
    }
    engine.stage.flush();
    if (baseline < 0) baseline = engine.arena.used;
    if (engine.arena.used > baseline + 4 * MIB) throw new Error(`arena grew from ${baseline} to ${engine.arena.used}`);
  };
}

function reassemblyTarget(): Target {
  const arena = new Arena(64 * MIB);
  const room = arena.reserve(MIB);
  return (input) => {
    const before = arena.used;
    let delivered = 0;
    let missing = 0;
    const policy = OVERLAP_POLICIES[(input[0] ?? 0) % OVERLAP_POLICIES.length]!;
    const r = new Reassembly(arena, { ...DEFAULT_REASSEMBLY, policy, streamBytes: 8192, streamSegments: 64, oneSidedBytes: 4096 }, {
      bytes: (_s, at, length) => {
        if (!(length > 0 && at > 0 && at + length <= arena.u8.length)) throw new Error(`bytes outside ${at}+${length}`);
        delivered += length;
      },
      gap: (_s, n) => { if (n <= 0) throw new Error(`gap of ${n}`); missing += n; },
      end() {}, conflict() {},
    });
    const stream = new TcpStream({}, 0);
    const base = ((input[1] ?? 0) & 1) !== 0 ? 0xffffff00 : 1000; // numbers wrap in half of the runs
    let start: number | undefined;
    for (let i = 2; i + 6 <= input.length && i < 6000; i += 6) {
      const seq = (base + (((input[i]! << 8) | input[i + 1]!) % 20_000)) | 0;
      const length = 1 + (((input[i + 2]! << 8) | input[i + 3]!) % 1460);
      const kind = input[i + 4]!;
      if ((kind & 7) === 7) r.acknowledged(stream, seq);
      else if ((kind & 63) === 14) r.finish(stream, seq);
      else {
        if (!stream.started) start = seq;
        r.accept(stream, seq, room, length, (kind & 16) !== 0 ? 65535 : 0, (kind & 128) !== 0 ? seq : 0, (kind & 8) !== 0);
      }
      if (stream.started) start ??= stream.next;
      if (stream.waiting !== stream.queue.length) throw new Error('waiting is not the length of the queue');
      for (let k = 1; k < stream.queue.length; k++) {
        const a = stream.queue[k - 1]!;
        if (((stream.queue[k]!.seq - a.seq - a.length) | 0) < 0) throw new Error('queue overlaps itself');
      }
    }
    r.flush(stream);
    if (stream.started && ((start! + delivered + missing) | 0) !== stream.next) throw new Error(`from ${start} delivered ${delivered}, missing ${missing}, next ${stream.next}`);
    if (arena.used !== before || r.queued !== 0 || stream.queued !== 0) throw new Error(`left: ${arena.used - before} bytes, ${r.queued} queued`);
  };
}

function parserTarget(entry: ProtocolEntry): Target {
  const probe = new Probe();
  return (input) => {
    const talk = unpackTalk(input);
    const whole = probe.run(entry, talk, 1 << 16);
    if (entry.transport === 'udp') return;
    const step = input.length > 6000 ? 37 : 1 + (input.length % 3);
    const pieces = probe.run(entry, talk, step);
    probe.run(entry, talk, 97, input.length % 7);
    if (whole.failed || pieces.failed) return;
    for (const key of ['events', 'files'] as const) {
      const a = [...whole[key]].sort().join('\n');
      const b = [...pieces[key]].sort().join('\n');
      if (a === b) continue;
      let i = 0;
      while (i < a.length && a[i] === b[i]) i++;
      throw new Error(`${key} differ between whole and ${step}-byte feeding near\n${a.slice(Math.max(0, i - 120), i + 200)}\n---\n${b.slice(Math.max(0, i - 120), i + 200)}`);
    }
  };
}

function suricataTarget(): Target {
  return (input) => {
    const { rules } = parseRuleFile(Buffer.from(input).toString('utf8'), 'fuzz.rules');
    for (const rule of rules.slice(0, 20)) {
      // A mutated dataset may name any file of this machine: leave those out.
      if (!/dataset|datarep/.test(rule.text)) compileSuricata(rule, DEFAULT_VARIABLES, new Datasets());
    }
  };
}

function yamlTarget(): Target {
  return (input) => {
    const parsed = parseRuleDocument(Buffer.from(input).toString('utf8'), 'fuzz/rule.yaml');
    if (parsed.document) compileRule(parsed.document, parsed.placeOf, DEFAULT_VARIABLES);
  };
}

function blockTarget(): Target {
  return (input) => {
    const copy = Uint8Array.from(input);
    const view = new DataView(copy.buffer);
    // Whatever the capture is, it is taken for a block.
    if (copy.length >= 24 && (copy[0]! & 15) !== 1) view.setUint32(0, 0xa1b23c4d, true);
    readBlock(view, 0, copy.length, (offset, captured, _wire, timeUs) => {
      if (!(offset >= 24 && captured >= 0 && offset + captured <= copy.length && timeUs >= 0)) throw new Error(`packet at ${offset}+${captured}`);
    });
  };
}

function batchTarget(): Target {
  return (input) => {
    const batch = decodeHostBatch(input);
    if (!batch) return;
    for (const part of byWorld(batch)) for (const [, own] of byOwner(part)) encodeHostBatch(own);
  };
}

/** What is fuzzed, by name; every parser under its transport. */
export function targets(): Map<string, TargetKind> {
  const all = new Map<string, TargetKind>([
    ['capture', { seeds: 'capture', make: captureTarget }],
    ['packets', { seeds: 'capture', make: packetTarget }],
    ['engine', { seeds: 'capture', make: engineTarget }],
    ['block', { seeds: 'capture', make: blockTarget }],
    ['reassembly', { seeds: 'none', make: reassemblyTarget }],
    ['suricata-rules', { seeds: 'suricata', make: suricataTarget }],
    ['yaml-rules', { seeds: 'yaml', make: yamlTarget }],
    ['host-batch', { seeds: 'batch', make: batchTarget }],
  ]);
  for (const entry of protocols) {
    // Three parsers are called java: those after the first get a number.
    let name = `${entry.transport}/${entry.protocol}`;
    for (let n = 2; all.has(name); n++) name = `${entry.transport}/${entry.protocol}.${n}`;
    all.set(name, { seeds: 'talk', make: () => parserTarget(entry) });
  }
  return all;
}
