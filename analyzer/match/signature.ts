import type { Bilingual } from '../../contracts/alert.js';
import type { DetectionClass, Phase, Severity, Verdict } from '../../contracts/classes.js';
import type { Threshold } from '../../contracts/rule.js';
import type { AddressSet, PortSet } from './addresses.js';
import type { SafeRegex } from './regex.js';
import type { ByteOp, SuricataProgram } from './suricata/program.js';

/** Where a rule stands, for messages: line and column from 1. */
export interface Place { file: string; line: number; column: number }

/** What a rule says of itself. */
export interface RuleInfo {
  id: string;
  sid: number;
  gid: number;
  revision: number;
  /** EVE `alert.signature`. */
  message: string;
  title: Bilingual;
  advice?: Bilingual;
  falsePositives?: Bilingual;
  remediation?: Bilingual;
  severity: Severity;
  class: DetectionClass;
  category?: string;
  gb2007?: string;
  gb2023?: string;
  phase?: Phase;
  techniques: string[];
  references: string[];
  metadata?: Record<string, string[]>;
  /** `allowed` unless a Suricata rule says drop or reject. */
  action: 'allowed' | 'blocked';
  /** Matches, sets its flow state, raises nothing (`noalert`). */
  silent: boolean;
  /** Written in Suricata's language: one alert a hit, as Suricata raises it. */
  suricata: boolean;
  /** The rule as written, where it travels with the alert. */
  text?: string;
  place: Place;
}

/** Which packets and flows a rule looks at. */
export interface Header {
  /** IP protocol numbers; empty for all. */
  transports: number[];
  /** EVE names of application protocols; empty for rules below the application. */
  apps: string[];
  /** `flow`: `source` is the client, `destination` the server. `packet`: of the packet under way (Suricata). */
  sides: 'flow' | 'packet';
  source: AddressSet;
  sourcePorts: PortSet;
  destination: AddressSet;
  destinationPorts: PortSet;
  /** `<>`: also the other way round. */
  bidirectional: boolean;
  /** Directions that it looks at: 1 to_server, 2 to_client, 3 both. */
  directions: number;
  /** Suricata's `flow:` states; undefined where they don't matter. */
  established?: boolean;
}

/** One thing that the bytes of an instance must show, in order; `relative` ones look from the end of the last match. */
export type Op =
  | {
    readonly kind: 'content';
    /** Any of them; lower-cased already when `nocase`. */
    readonly needles: readonly Uint8Array[];
    readonly nocase: boolean;
    /** The match must not be there. */
    readonly negated: boolean;
    readonly relative: boolean;
    readonly start: boolean;
    readonly end: boolean;
    /** Absolute: from, and room (-1: to the end). Relative: distance, and within (-1: to the end). */
    readonly offset: number;
    readonly room: number;
  }
  | { readonly kind: 'regex'; readonly regex: SafeRegex; readonly negated: boolean; readonly relative: boolean; readonly offset: number; readonly room: number }
  | { readonly kind: 'length'; readonly min: number; readonly max: number }
  | { readonly kind: 'number'; readonly values: readonly number[] | undefined; readonly min: number; readonly max: number }
  | {
    readonly kind: 'number-at'; readonly at: number; readonly bytes: number; readonly little: boolean; readonly relative: boolean;
    readonly mask: bigint | undefined; readonly values: readonly bigint[] | undefined; readonly min: bigint | undefined; readonly max: bigint | undefined;
  }
  | { readonly kind: 'entropy'; readonly min: number; readonly max: number };

/** One condition on one buffer. */
export interface Leaf {
  readonly kind: 'buffer';
  /** Position in its part's truth table. */
  readonly slot: number;
  /** Buffer number, see buffers.ts. */
  readonly buffer: number;
  /** Index into the rule set's transform chains; -1 for the bytes as they are. */
  chain: number;
  readonly transforms: readonly string[];
  readonly ops: readonly Op[];
  /** Number of instances, where that is what is asked. */
  readonly instances: { min: number; max: number } | undefined;
  /** Which of several numbers must be so: one by its place (from the end when negative), or all. Any, without. */
  readonly nth?: number | 'all';
  /** From which stage on a leaf that isn't true is false. */
  readonly final: number;
  /** In the place of `ops`: conditions with the meaning that Suricata's language gives them. */
  readonly bytes?: readonly ByteOp[];
  /** Holds, too, where the buffer is not there. */
  readonly absent?: boolean;
}
export interface EventLeaf { readonly kind: 'event'; readonly slot: number; readonly event: string; readonly final: number }
export type Node =
  | Leaf | EventLeaf
  | { readonly kind: 'all' | 'any'; readonly children: readonly Node[] }
  | { readonly kind: 'not'; readonly child: Node };

/** Conditions of one side, decided at the stages of that side. */
export interface Part {
  readonly direction: 0 | 1;
  readonly root: Node;
  readonly leaves: readonly Leaf[];
  readonly events: readonly EventLeaf[];
  readonly slots: number;
}

/** The literals one of which is in the buffer whenever the part matches. */
export interface FastPattern {
  readonly buffer: number;
  readonly transforms: readonly string[];
  readonly literals: readonly Uint8Array[];
}

export interface VerdictProgram {
  readonly is: Verdict;
  readonly severity: Severity;
  readonly because: Bilingual;
  readonly request: Part | undefined;
  readonly response: Part | undefined;
}

/** A rule, compiled; YAML rules and Suricata's have the same form. */
export interface Signature {
  index: number;
  readonly info: RuleInfo;
  readonly header: Header;
  readonly attacker: 'client' | 'server';
  readonly because: Bilingual;
  /** In the order in which they are decided. The first may hold in either direction when `either`. */
  readonly parts: readonly Part[];
  readonly either: boolean;
  /** One a buffer: each match has a literal of one of them. Undefined: it must be looked at always. */
  readonly fast: readonly FastPattern[] | undefined;
  /** By rising verdict. */
  readonly verdicts: readonly VerdictProgram[];
  /** Leaves the alert to a rule that yields less and tells of the same transaction: 1 a class, 2 what has no better name. */
  readonly yields?: number;
  readonly threshold: Threshold | undefined;
  /** What it is looked at for. */
  readonly level: 'transaction' | 'stream' | 'packet' | 'event';
  /** Of a rule in Suricata's language: what it asks beside the buffers of its one part, and what it does. */
  readonly program?: SuricataProgram;
}
