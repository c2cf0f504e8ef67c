import type { Threshold } from '../../contracts/rule.js';
import { partsOf, type RuleSet } from './rule-set.js';
import type { Signature } from './signature.js';
import type { ByteOp, SuricataProgram, SuricataThreshold } from './suricata/program.js';
import { SharedState } from './suricata/shared-state.js';
import { Thresholds } from './threshold.js';

/** One thing that a rule asks of, or does to, what is kept beyond its flow. */
export type HostStep =
  | { kind: 'bit'; key: string; wanted: boolean }
  | { kind: 'set' | 'toggle'; key: string; seconds: number }
  | { kind: 'unset'; key: string }
  | { kind: 'count'; key: string; threshold: SuricataThreshold; distinct: string | undefined }
  /** Of our own rules: counted when the match is fresh; a raised verdict follows what was decided then. */
  | { kind: 'threshold'; threshold: Threshold; sid: number; source: string; destination: string; match: string; fresh: boolean };

/** Where a worker puts what only somebody can decide who sees all workers' flows. */
export type Later = (steps: readonly HostStep[], nowUs: number) => void;

/** Matches of thresholds of our own rules whose verdict may still rise; the oldest is forgotten first. */
const MAX_MATCHES = 65_536;

/** Decides, in packet order, what workers left open: the bits and counts of hosts are kept here, once for all flows. */
export class HostJudge {
  private readonly state = new SharedState();
  private readonly thresholds = new Thresholds();
  private readonly suppressed = new Map<string, boolean>();

  /** @returns whether the rule whose steps these are holds, and alerts. */
  decide(steps: readonly HostStep[], nowUs: number): boolean {
    const { state } = this;
    for (const step of steps) {
      switch (step.kind) {
        case 'bit':
          if (state.isSet(step.key, nowUs) !== step.wanted) return false;
          break;
        case 'set': state.set(step.key, nowUs, step.seconds); break;
        case 'toggle':
          if (state.isSet(step.key, nowUs)) state.unset(step.key);
          else state.set(step.key, nowUs, step.seconds);
          break;
        case 'unset': state.unset(step.key); break;
        case 'count':
          if (!state.pass(step.threshold, step.key, nowUs, step.distinct)) return false;
          break;
        case 'threshold':
          if (!this.threshold(step, nowUs)) return false;
      }
    }
    return true;
  }

  private threshold(step: Extract<HostStep, { kind: 'threshold' }>, nowUs: number): boolean {
    if (!step.fresh) return this.suppressed.get(step.match) !== true;
    const pass = this.thresholds.pass(step.threshold, step.sid, step.source, step.destination, nowUs);
    if (this.suppressed.size >= MAX_MATCHES) this.suppressed.delete(this.suppressed.keys().next().value!);
    this.suppressed.set(step.match, !pass);
    return pass;
  }
}

/**
 * Rules whose state of hosts, or whose sets of values, decide how flows are looked at further: they cannot be left to a
 * judge behind the workers, since the worker would have to know the answer at once.
 */
export function feedingBack(rules: RuleSet): Signature[] {
  return rules.signatures.filter((s) => (s.program !== undefined && feedsBack(s.program)) || changesSets(s));
}

function feedsBack(program: SuricataProgram): boolean {
  const asks = program.tests.some((test) => test.later !== undefined) || (program.detectionFilter !== undefined && program.detectionFilter.track !== 'by_flow');
  if (program.tags.some((tag) => tag.what === 'host')) return true;
  const counts = program.threshold !== undefined && program.threshold.track !== 'by_flow';
  if ((asks || counts) && (program.tags.length > 0 || program.storesFiles || program.storesCertificates)) return true;
  return asks && (program.action === 'pass' || program.effects.some((effect) => effect.later === undefined));
}

function changesSets(s: Signature): boolean {
  const changes = (ops: readonly ByteOp[] | undefined): boolean => ops?.some((op) => (op.kind === 'set' && op.change !== undefined) || (op.kind === 'base64' && changes(op.ops))) === true;
  return changes(s.program?.payload) || s.program?.addresses.some((a) => changes(a.ops)) === true || partsOf(s).some((part) => part.leaves.some((leaf) => changes(leaf.bytes)));
}
