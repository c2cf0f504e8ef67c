import type { Bilingual } from '../../contracts/alert.js';
import type { DetectionClass, Severity, Verdict } from '../../contracts/classes.js';
import type { EveEvent } from '../../contracts/event.js';
import type { ConnectionRecord } from '../flow/connection-log.js';
import type { RuleInfo } from '../match/signature.js';

/** A rule whose matching is a stateful detector: what it says of itself, and the detector's parameters. */
export interface BehaviourRule {
  info: RuleInfo;
  behaviour: { name: string; parameters?: Record<string, number | string | boolean | (number | string)[]> };
}

/** What a behaviour has found, so far: the same attacker and victim are told again as the numbers grow. */
export interface BehaviourHit {
  rule: BehaviourRule;
  /** Where it differs from the rule's. */
  class?: DetectionClass;
  verdict: Verdict;
  severity: Severity;
  because: Bilingual;
  attacker: { ip: string; port?: number };
  victim: { ip: string; port?: number };
  /** EVE `proto` and `app_proto`. */
  proto: string;
  app?: string;
  firstUs: number;
  lastUs: number;
  /** Probes, attempts or whatever the behaviour counts. */
  count: number;
  measured: Record<string, number | string | string[]>;
  /** Tells two findings of the same attacker and victim apart. */
  key: string;
  /** Capture point of the first record; -1 when it came from events. */
  source: number;
  /** Node, where it came from events. */
  node?: string;
}

/** A detector over connection records and events of one host's traffic; packet time only, bounded memory, never throws. */
export interface Behaviour {
  /** The record is a view that moves on: copy what is kept. */
  connection?(record: ConnectionRecord): void;
  event?(event: EveEvent, timeUs: number): void;
  /** Packet time has come to `nowUs`; called about once a second of it. */
  advance(nowUs: number): void;
  /** End of input: tells what has grown since it was last told. */
  flush(): void;
  /** Entries held, and entries given up for lack of room. */
  readonly held: number;
  readonly evicted: number;
}

export type Emit = (hit: BehaviourHit) => void;
export type MakeBehaviour = (rule: BehaviourRule, emit: Emit) => Behaviour;

/** A numeric parameter of the rule, or what holds without it. */
export function numberOf(rule: BehaviourRule, name: string, otherwise: number): number {
  const value = rule.behaviour.parameters?.[name];
  return typeof value === 'number' ? value : otherwise;
}

/** A list of numbers. */
export function numbersOf(rule: BehaviourRule, name: string, otherwise: readonly number[]): readonly number[] {
  const value = rule.behaviour.parameters?.[name];
  if (typeof value === 'number') return [value];
  return Array.isArray(value) ? value.map(Number) : otherwise;
}
