/** Tries one rule on captures and ends: whatever the rule or a capture does, it does it here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { TrialAlert, TrialAnswer, TrialRequest, TriedCapture } from '../../contracts/rule-trial.js';
import type { AnalyzerConfig } from '../config.js';
import { Correlator } from '../correlator.js';
import { behaviourRule } from '../detect/rules.js';
import { Engine } from '../engine.js';
import { loadRules, type Loaded } from '../match/load.js';

export interface TrialSettings extends TrialRequest { config: AnalyzerConfig }

/** Alerts of one capture that are told; the rest is counted. */
const ALERTS_TOLD = 20;
const ERRORS_TOLD = 20;
/** A capture of evidence is small; so are its tables. */
const MAX_FLOWS = 8_192;
const RING_MIB = 8;
const ARENA_MIB = 64;

const port = parentPort;
if (port) {
  const settings = workerData as TrialSettings;
  const loaded = load(settings.rule, settings.config);
  const answer: TrialAnswer = loaded.rules === undefined
    ? { ok: false, why: 'rule', errors: loaded.errors.slice(0, ERRORS_TOLD).map((e) => e.message.replaceAll(/\S*sw-trial-\w+\//g, '')) }
    : { ok: true, captures: settings.captures.map((c) => play(c, loaded, settings.config)) };
  port.postMessage(answer);
}

/** The loader reads files: the rule gets one for a moment. */
function load(rule: string, config: AnalyzerConfig): Loaded {
  const folder = mkdtempSync(join(tmpdir(), 'sw-trial-'));
  try {
    // A line of Suricata's language begins with what is to happen; ours is YAML.
    const path = join(folder, /^\s*(?:#[^\n]*\n\s*)*(?:alert|drop|pass|reject\w*)\s+\S+\s/.test(rule) ? 'rule.rules' : 'rule.yaml');
    // A rule that is switched off is tried all the same.
    writeFileSync(path, path.endsWith('.yaml') ? rule.replace(/^enabled:\s*false\s*$/m, 'enabled: true') : rule);
    return loadRules([path], { variables: config.variables, midstream: config.midstream });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function play({ id, bytes }: TrialRequest['captures'][number], loaded: Loaded, config: AnalyzerConfig): TriedCapture {
  const tried: TriedCapture = { id, packets: -1, alerts: [], more: 0 };
  const correlator = new Correlator({
    behaviours: loaded.behaviours.map(({ document, place }) => behaviourRule(document, place)).filter((b) => b !== undefined), mode: 'batch',
    point: () => ({ node: '', unit: '' }),
    emit: ({ shouwang: s }) => {
      if (tried.alerts.length >= ALERTS_TOLD) { tried.more++; return; }
      tried.alerts.push({
        rule: s.rule, title: s.title, severity: s.severity, verdict: s.verdict, class: s.class, because: s.because, attacker: s.attacker.ip, victim: s.victim.ip, at: s.first_seen, count: s.count,
      } satisfies TrialAlert);
    },
  });
  const reads = correlator.behaviours.reads();
  const engine: Engine = new Engine({
    config: { ...config, maxFlows: Math.min(config.maxFlows, MAX_FLOWS), ringMiB: Math.min(config.ringMiB, RING_MIB), arenaMiB: Math.min(config.arenaMiB, ARENA_MIB) }, rules: loaded.rules!,
    stage: { flowEvents: loaded.behaviours.length > 0 ? 'answered' : 'none', fileHashes: [], expireAtOnce: Infinity },
    outputs: {
      wants: (type) => reads.has(type),
      alert: (alert, each) => {
        engine.stage.blockEnd();
        correlator.alert(alert, each);
      },
      event: (event) => {
        engine.stage.blockEnd();
        correlator.event(event);
      },
      connections: (records, count) => correlator.connections(records, count),
    },
  });
  tried.packets = engine.block({ node: '', unit: '', iface: '' }, bytes);
  engine.stage.flush();
  correlator.flush();
  return tried;
}
