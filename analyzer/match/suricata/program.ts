import type { Transaction } from '../../app/parser.js';
import type { Packet } from '../../decode/packet.js';
import type { Direction, Flow } from '../../flow/flow.js';
import type { HostStep } from '../host-state.js';
import type { MatchContext } from '../matcher.js';
import type { PerlRegex } from './perl-regex.js';
import type { FlowFacts } from './flow-facts.js';

/** A number in a rule, or the slot of a variable that `byte_extract` or `byte_math` has filled. */
export type Value = number | { readonly slot: number };

export type Comparison = '=' | '!=' | '<' | '>' | '<=' | '>=' | '&' | '!&' | '^' | '!^' | '<>' | '><';

/** How digits or bytes make a number. */
export interface NumberForm {
  readonly bytes: Value;
  readonly text: 0 | 8 | 10 | 16;
  readonly little: boolean;
  readonly relative: boolean;
  /** Number of bits to leave out on the right is derived from the mask. */
  readonly mask: number | undefined;
  /** DCE/RPC header of the packet says the byte order. */
  readonly dce: boolean;
}

/** One condition on the bytes of a buffer, in the order and with the meaning that Suricata's rule language gives it. */
export type ByteOp =
  | {
    readonly kind: 'content'; readonly bytes: Uint8Array; readonly nocase: boolean; readonly negated: boolean; readonly starts: boolean; readonly ends: boolean;
    readonly offset: Value | undefined; readonly depth: Value | undefined; readonly distance: Value | undefined; readonly within: Value | undefined;
  }
  | { readonly kind: 'pcre'; readonly regex: PerlRegex; readonly negated: boolean; readonly relative: boolean; readonly captures: readonly Capture[] }
  | { readonly kind: 'isdataat'; readonly at: Value; readonly negated: boolean; readonly relative: boolean }
  | { readonly kind: 'length'; readonly compare: Comparison; readonly value: number; readonly high: number }
  | { readonly kind: 'byte-test'; readonly form: NumberForm; readonly compare: Comparison; readonly negated: boolean; readonly value: Value; readonly offset: Value }
  | {
    readonly kind: 'byte-jump'; readonly form: NumberForm; readonly offset: Value; readonly multiplier: number; readonly align: boolean; readonly from: 'here' | 'beginning' | 'end';
    readonly post: Value;
  }
  | { readonly kind: 'byte-extract'; readonly form: NumberForm; readonly offset: Value; readonly multiplier: number; readonly align: number; readonly slot: number }
  | { readonly kind: 'byte-math'; readonly form: NumberForm; readonly offset: Value; readonly operator: '+' | '-' | '*' | '/' | '<<' | '>>'; readonly operand: Value; readonly slot: number }
  | { readonly kind: 'base64'; readonly bytes: Value | undefined; readonly offset: number; readonly relative: boolean; readonly ops: readonly ByteOp[] }
  | { readonly kind: 'absent'; readonly orElse: boolean }
  | { readonly kind: 'set'; readonly dataset: Dataset; readonly isset: boolean; readonly change: 'add' | 'remove' | undefined }
  | { readonly kind: 'number'; readonly compare: Comparison; readonly value: number; readonly high: number; readonly negated?: boolean }
  | { readonly kind: 'number-in'; readonly ranges: readonly (readonly [number, number])[]; readonly negated?: boolean }
  | { readonly kind: 'number-bits'; readonly mask: number; readonly value: number }
  | { readonly kind: 'xform'; readonly run: (bytes: Uint8Array) => boolean };

/** What a group of an expression fills. */
export interface Capture { readonly scope: 'flow' | 'pkt' | 'alert'; readonly name: string }

/** Values that rules ask for and may add to. */
export interface Dataset {
  readonly name: string;
  has(bytes: Uint8Array): boolean;
  /** @returns whether the value was not there (was there) before. */
  add(bytes: Uint8Array): boolean;
  remove(bytes: Uint8Array): boolean;
  /** What the set says of the value, for the alert. */
  context?(bytes: Uint8Array): { key: string; value: unknown } | undefined;
}

/** What rules are asked about: one packet, or the end of a flow, in one direction. */
export interface Scene {
  context: MatchContext;
  packet: Packet;
  readonly u8: Uint8Array;
  flow: Flow | undefined;
  facts: FlowFacts | undefined;
  direction: Direction;
  /** Whether the flow was established before this packet. */
  established: boolean;
  /** At a flow's end there is no packet. */
  pseudo: boolean;
  /** What matched came out of the stream. */
  streamMatch: boolean;
  tx: Transaction | undefined;
  nowUs: number;
}

/** `later`: the same as a step for whoever keeps the state of all hosts, where it is kept elsewhere. */
export type Test = ((scene: Scene) => boolean) & { later?: (scene: Scene) => HostStep };
export type Effect = ((scene: Scene) => void) & { later?: (scene: Scene) => HostStep };

export type Action = 'pass' | 'drop' | 'reject' | 'alert' | 'config';
/** At what a rule is looked. */
export type RuleKind =
  | 'ip' // once a direction of a flow
  | 'packet' // every packet
  | 'stream' // reassembled bytes; packets that are not part of a stream
  | 'packet-stream' // both
  | 'protocol' // once the application protocol is known
  | 'transaction'
  | 'event';

export interface SuricataThreshold {
  readonly kind: 'threshold' | 'limit' | 'both' | 'detection_filter' | 'backoff';
  readonly track: 'by_src' | 'by_dst' | 'by_both' | 'by_rule' | 'by_flow';
  readonly count: number;
  readonly seconds: number;
  readonly multiplier: number;
  readonly distinct: string | undefined;
}

/** Packets to log once the rule has matched: of its flow, or from and to one of its addresses. */
export interface SuricataTag {
  readonly what: 'session' | 'host';
  readonly count: number;
  readonly metric: 'packets' | 'bytes' | 'seconds';
  readonly host: 'src' | 'dst';
}

/** What a rule of Suricata's language asks beyond the buffers of its part. */
export interface SuricataProgram {
  readonly action: Action;
  readonly kind: RuleKind;
  /** Rules of one packet are taken in this order (pass before alert, setters before askers, priority). */
  readonly rank: readonly number[];
  /** Conditions on packet and flow, cheap ones first. */
  readonly tests: readonly Test[];
  /** Contents of the payload or stream, beside buffers of the application. */
  readonly payload: readonly ByteOp[];
  /** Conditions on the addresses of the packet. */
  readonly addresses: readonly { readonly source: boolean; readonly ops: readonly ByteOp[] }[];
  readonly onlyStream: boolean;
  readonly onlyPacket: boolean;
  readonly effects: readonly Effect[];
  readonly threshold: SuricataThreshold | undefined;
  readonly detectionFilter: SuricataThreshold | undefined;
  /** Variables that `byte_extract` and `byte_math` fill. */
  readonly slots: number;
  readonly priority: number;
  readonly target: 'src_ip' | 'dest_ip' | undefined;
  /** Anomalies that must have been named. */
  readonly events: readonly string[];
  readonly tags: readonly SuricataTag[];
  readonly storesFiles: boolean;
  readonly storesCertificates: boolean;
}
