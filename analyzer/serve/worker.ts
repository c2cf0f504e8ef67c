import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { EveEvent } from '../../contracts/event.js';
import { Engine } from '../engine.js';
import { fileStoreAt } from './file-store.js';
import { loadRules } from '../match/load.js';
import type { RuleSet } from '../match/rule-set.js';
import type { Evidence } from '../outputs.js';
import type { PacketsAround } from '../sink/evidence.js';
import type { FromWorker, ToWorker, WorkerAlert, WorkerSettings } from './protocol.js';

/** Attacks whose packets were copied lately; a flood of one attack is copied once a minute. */
const MAX_REMEMBERED = 4096;
const COPY_EVERY_US = 60_000_000;

const port = parentPort!;
const settings = workerData as WorkerSettings;
const wanted = new Set(settings.events);
const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

let alerts: WorkerAlert[] = [];
let events: EveEvent[] = [];
let connections: Uint8Array[] = [];
let prepared: RuleSet | undefined;
const copied = new Map<string, number>();

/** The packets around an alert, unless the same attack's were copied within the last minute of packet time. */
function evidenceOf(alert: WorkerAlert['alert'], packets: PacketsAround, nowUs: number): Evidence | undefined {
  const { config } = settings;
  if (!config.evidence.enabled) return undefined;
  const s = alert.shouwang;
  const key = `${alert.alert.signature_id}|${s.attacker.ip}|${s.victim.ip}|${s.verdict}`;
  if (nowUs - (copied.get(key) ?? -Infinity) < COPY_EVERY_US) return undefined;
  copied.delete(key);
  copied.set(key, nowUs);
  if (copied.size > MAX_REMEMBERED) copied.delete(copied.keys().next().value!);
  return packets(config.evidence.maxBytes);
}

function rulesOf(paths: string[]): RuleSet {
  const loaded = loadRules(paths, { variables: settings.config.variables, midstream: settings.config.midstream, ...(settings.config.reputation && { reputation: settings.config.reputation }), cache: settings.cache });
  if (!loaded.rules) throw loaded.errors[0]!;
  return loaded.rules;
}

function start(): Engine {
  const engine = new Engine({
    config: settings.config,
    rules: rulesOf(settings.rulePaths),
    // Nobody outside can choose addresses that collide; ids and alerts do not depend on it.
    stage: { seed: randomBytes(4).readInt32LE() },
    outputs: {
      alert: (alert, each, packets) => {
        const evidence = evidenceOf(alert, packets, engine.stage.context.nowUs);
        alerts.push({ alert, each, ...(evidence ? { evidence } : {}) });
      },
      wants: (type) => wanted.has(type),
      event: (event) => {
        if (wanted.has(event.event_type)) events.push(event);
      },
      ...(settings.config.fileStore !== undefined && { file: fileStoreAt(settings.config.fileStore) }),
      connections: (records, count) => connections.push(records.slice(0, count * 64)),
    },
  });
  return engine;
}

function done(engine: Engine, id: number, packets: number): void {
  let size = 0;
  for (const c of connections) size += c.length;
  const joined = new Uint8Array(size);
  let at = 0;
  for (const c of connections) {
    joined.set(c, at);
    at += c.length;
  }
  const transfer: ArrayBuffer[] = [joined.buffer];
  for (const a of alerts) if (a.evidence) transfer.push(a.evidence.pcap.buffer as ArrayBuffer);
  send({ kind: 'done', id, packets, alerts, events, connections: joined, nodes: engine.stage.nodes(), stats: engine.stats(), traffic: engine.traffic() }, transfer);
  alerts = [];
  events = [];
  connections = [];
}

function listen(engine: Engine): void {
  port.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'block':
        done(engine, message.id, engine.block(message.source, message.body));
        break;
      case 'flush':
        engine.stage.flush();
        done(engine, message.id, 0);
        break;
      case 'tick':
        engine.stage.tick(message.nowUs);
        engine.stage.blockEnd();
        done(engine, -1, 0);
        break;
      case 'prepare':
        try {
          prepared = rulesOf(message.rulePaths);
          send({ kind: 'prepared', ok: true });
        } catch (error) {
          send({ kind: 'prepared', ok: false, error: (error as Error).message });
        }
        break;
      case 'commit':
        if (prepared) engine.reload(prepared);
        prepared = undefined;
        break;
      case 'forget':
        prepared = undefined;
    }
  });
}

try {
  const engine = start();
  listen(engine);
  send({ kind: 'ready', rules: 0 });
} catch (error) {
  const { message, code, hint } = error as Error & { code?: string; hint?: string };
  send({ kind: 'failed', message, ...(code ? { code } : {}), ...(hint ? { hint } : {}) });
}
