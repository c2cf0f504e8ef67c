import type { Alert, Bilingual } from '../../contracts/alert.js';
import type { DetectionClass, Severity, Verdict } from '../../contracts/classes.js';
import type { EveEvent, EventType } from '../../contracts/event.js';
import type { ConnectionRecord } from '../flow/connection-log.js';
import type { RuleInfo } from '../match/signature.js';
import { isInside } from './hosts.js';
import type { Indicators } from './indicators/match.js';

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
  /** `victim` is only the first of many. */
  anyVictim?: boolean;
  /** Capture point of the first record; -1 when it came from events. */
  source: number;
  /** Node, where it came from events. */
  node?: string;
  /** The flow that shows it best, by its identity in events. */
  flow?: { flow_id?: number; community_id?: string };
}

/** A detector over connection records and events of one host's traffic; packet time only, bounded memory, never throws. */
export interface Behaviour {
  /** Types of the events it takes; all when left out. */
  readonly types?: readonly EventType[];
  /** The record is a view that moves on: copy what is kept. */
  connection?(record: ConnectionRecord): void;
  event?(event: EveEvent, timeUs: number): void;
  /** An alert as it is raised, before repeats become one. */
  alert?(alert: Alert, timeUs: number): void;
  /** Packet time has come to `nowUs`; called about once a second of it. */
  advance(nowUs: number): void;
  /** End of input: tells what has grown since it was last told. */
  flush(): void;
  /** Entries held, and entries given up for lack of room. */
  readonly held: number;
  readonly evicted: number;
}

export type Emit = (hit: BehaviourHit) => void;

/** What behaviours are told of the site: whose an address is, and which zones may reach which. */
export interface Site {
  isHome(ip: string): boolean;
  /** Name of the zone that an address is in; none where the registry knows none. */
  zoneOf?(ip: string): string | undefined;
  mayReach?(fromZone: string, toZone: string): boolean;
  /** Lists of indicators in force. */
  indicators?: Indicators;
}
/** Without a registry private addresses are the site. */
export const PRIVATE_SITE: Site = { isHome: isInside };

export type MakeBehaviour = (rule: BehaviourRule, emit: Emit, site: Site) => Behaviour;

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

/** A list of texts. */
export function textsOf(rule: BehaviourRule, name: string, otherwise: readonly string[] = []): readonly string[] {
  const value = rule.behaviour.parameters?.[name];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : otherwise;
}

/** Identity of an event's flow, for a hit. */
export function flowOf(event: EveEvent): { flow_id?: number; community_id?: string } {
  const { flow_id, community_id } = event;
  return { ...(flow_id !== undefined && { flow_id }), ...(community_id !== undefined && { community_id }) };
}
