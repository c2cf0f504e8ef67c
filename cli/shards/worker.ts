/** A worker thread of `analyze --workers`: analyses its share of a capture's flows, or whole captures. */
import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from '../../analyzer/engine.js';
import type { HostStep } from '../../analyzer/match/host-state.js';
import type { StoredFile } from '../../analyzer/packet-stage-store.js';
import { CaptureParser, type CaptureSummary } from '../../collector/capture-parser.js';
import { READ_BYTES, readCaptureFile } from '../../collector/capture-reader.js';
import { OperatorError } from '../../runtime/errors.js';
import { analyzeCaptures, RING_MIB } from '../analysis.js';
import { loadRegistry, RegistryIndex } from '../../runtime/registry.js';
import { loadIndicators } from '../indicators.js';
import { loadPack, type Pack } from '../pack.js';
import { PartWriter } from './part.js';
import { threadSeconds } from './thread-time.js';
import { Item, type Failure, type FromShard, type ShardSettings, type ToShard } from './protocol.js';

/** Parts on their way to the main thread; beyond it the worker waits. */
const MAX_PARTS = 24;
/** Chunks of a file that a part is of, unless that many items come together before: handing one over costs as much as 100 packets. */
const CHUNKS = 16;
const FULL_ITEMS = 1000;
/** A part is handed over with so many items although its chunk is not through. */
const MAX_ITEMS = 20_000;

const port = parentPort!;
const settings = workerData as ShardSettings;
const send = (message: FromShard, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

function failure(error: unknown): Failure {
  if (error instanceof OperatorError) return { kind: 'failed', code: error.code, message: error.message, hint: error.hint };
  return { kind: 'failed', message: (error as Error).stack ?? String(error) };
}

let pack: Pack;
/** Parts that may still be handed over without waiting. */
let credit = MAX_PARTS;
let credited: (() => void) | undefined;
const pieces: (Extract<ToShard, { kind: 'piece' | 'last' }>)[] = [];
let arrived: (() => void) | undefined;

async function nextPiece(): Promise<(typeof pieces)[number]> {
  while (pieces.length === 0) await new Promise<void>((resolve) => (arrived = resolve));
  return pieces.shift()!;
}

async function shard(task: Extract<ToShard, { kind: 'shard' }>): Promise<void> {
  const out = new PartWriter();
  const wants = new Set(task.wants);
  // Connection records go by the packet under way.
  const recorded = wants.has('connection');
  let ended = 0;
  const engine = new Engine({
    short: true,
    config: { ...settings.config, maxFlows: task.maxFlows, ringMiB: Math.min(settings.config.ringMiB, RING_MIB) },
    rules: pack.rules,
    stage: {
      flowEvents: task.flowEvents, fileHashes: task.fileHashes, expireAtOnce: Infinity,
      ...(task.count > 1 && { shard: { index: task.index, count: task.count } }),
    },
    outputs: {
      wants: (type) => wants.has(type),
      event: (event) => {
        if (!wants.has(event.event_type)) return;
        item(Item.Event);
        out.events.push(event);
      },
      alert: (alert, each, _packets, later) => {
        item(Item.Alert);
        out.alerts.push({ alert, each, nowUs: engine.stage.context.nowUs, ...(later && { later }) });
      },
      // One worker alone sees all flows of a host, and knows itself.
      ...(task.count > 1 && {
        later: (steps: readonly HostStep[], nowUs: number) => {
          item(Item.Later);
          out.laters.push({ steps, nowUs });
        },
      }),
      ...(settings.files && { file: (file: StoredFile) => send({ kind: 'file', file }) }),
      connections: (records, count) => {
        if (recorded) out.connections(records, count, engine.stage.packets + ended, engine.stage.context.inPacket);
      },
    },
  });
  const { stage } = engine;
  // What came before it in the connection log is handed on before it.
  const item = (kind: (typeof Item)[keyof typeof Item]): void => {
    stage.blockEnd();
    out.item(kind, stage.packets + ended, stage.context.inPacket);
  };
  stage.source({ node: '', unit: '', iface: '', file: task.file });
  const region = { u8: engine.arena.u8, next: (bytes: number) => engine.place(bytes) };
  let read = 0;
  let chunks = 0;
  const hand = (upTo: number): void => {
    const [part, transfer] = out.take(upTo, read);
    credit--;
    send(part, transfer);
  };
  const visitor = {
    packet: (offset: number, captured: number, wire: number, timeUs: number, nanos: number, linktype: number): void => {
      stage.packet(offset, captured, wire, timeUs, nanos, linktype);
      if (recorded) stage.blockEnd();
      if (out.items >= MAX_ITEMS) hand(stage.packets);
    },
    chunk: (): void | Promise<void> => {
      read += READ_BYTES;
      stage.blockEnd();
      if (!task.pieces && ++chunks < CHUNKS && out.items < FULL_ITEMS) return;
      chunks = 0;
      hand(stage.packets);
      if (credit <= 0) return new Promise((resolve) => (credited = resolve));
    },
  };
  const started = performance.now();
  const before = threadSeconds();
  const summary = task.pieces ? await fromPieces(task.file, region, visitor) : await readCaptureFile(task.file, region, visitor);
  ended = 1; // what ends with the capture comes after its last packet
  stage.flush();
  hand(Infinity);
  send({ kind: 'end', summary, stats: engine.stats(), traffic: engine.traffic(), seconds: (performance.now() - started) / 1000, processor: threadSeconds() - before });
}

/** Reads a capture that the main thread hands on piece by piece. */
async function fromPieces(file: string, region: ConstructorParameters<typeof CaptureParser>[0], visitor: ConstructorParameters<typeof CaptureParser>[1]): Promise<CaptureSummary> {
  const parser = new CaptureParser(region, visitor, file === '-' ? 'standard input' : file);
  let broken: unknown;
  for (;;) {
    const piece = await nextPiece();
    if (piece.kind === 'last') {
      if (broken !== undefined) throw broken;
      parser.gzip = piece.gzip;
      for (const [code, at, message] of piece.warnings) parser.tally.warn(code, at, message);
      return parser.finish();
    }
    // After an error the rest is taken and left, so that the main thread comes to its end.
    try {
      if (!parser.stopped && broken === undefined) await parser.push(piece.bytes);
    } catch (error) {
      broken = error;
    }
    send({ kind: 'took' });
  }
}

async function whole(file: string): Promise<void> {
  const items: Extract<FromShard, { kind: 'analysed' }>['items'] = [];
  const indicators = settings.indicators.length > 0 ? { store: loadIndicators(settings.indicators) } : undefined;
  let error: Failure | undefined;
  const registry = settings.config.registry ? new RegistryIndex(loadRegistry(settings.config.registry)) : undefined;
  const [stats] = await analyzeCaptures([file], { rules: settings.rules, config: settings.config, pack, ...(registry && { registry }), events: new Set(settings.events), ...(indicators && { indicators }) }, {
    alert: (alert) => items.push({ alert }),
    event: (event) => items.push({ event }),
    ...(settings.files && { file: (file: StoredFile) => send({ kind: 'file', file }) }),
    warn: (line) => send({ kind: 'warn', line }),
    unreadable: (_file, failed) => (error = failure(failed)),
  });
  send({ kind: 'analysed', stats, error, items });
}

port.on('message', (message: ToShard) => {
  switch (message.kind) {
    case 'shard':
      credit = MAX_PARTS;
      pieces.length = 0;
      shard(message).catch((error: unknown) => send(failure(error)));
      break;
    case 'whole':
      whole(message.file).catch((error: unknown) => send(failure(error)));
      break;
    case 'credit':
      credit++;
      if (credit > 0) credited?.();
      break;
    default:
      pieces.push(message);
      arrived?.();
  }
});

try {
  pack = loadPack(settings.rules, settings.load);
  send({ kind: 'ready' });
} catch (error) {
  send(failure(error));
}
