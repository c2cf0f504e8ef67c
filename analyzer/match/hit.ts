import type { Bilingual, MatchedBuffer } from '../../contracts/alert.js';
import type { Severity, Verdict } from '../../contracts/classes.js';
import type { Transaction } from '../app/parser.js';
import type { Direction, Flow } from '../flow/flow.js';
import type { HostStep } from './host-state.js';
import type { MatchContext } from './matcher.js';
import type { Signature } from './signature.js';

/** A rule has matched, or its verdict has risen. Valid during the call that hands it over. */
export interface RuleHit {
  readonly signature: Signature;
  /** undefined for packets that belong to no flow. */
  readonly flow: Flow | undefined;
  /** undefined for rules on packets and streams. */
  readonly tx: Transaction | undefined;
  /** Of the packet that decided it. */
  readonly direction: Direction;
  readonly verdict: Verdict;
  readonly severity: Severity;
  readonly because: Bilingual;
  /** `client` or `server` of the flow. Without a flow: of the packet (client: its source). */
  readonly attacker: 'client' | 'server';
  /**
   * Which match this is: the same rule on the same transaction (packet, stream) has the same key, also when its verdict
   * rises; a later hit with the same key supersedes the earlier one.
   */
  readonly key: string;
  readonly timeUs: number;
  readonly packetNumber: number;
  /** Of a rule in Suricata's language: raised outside any packet, and from what was put together of a stream. */
  readonly suricata?: { about: Record<string, unknown> | undefined; pseudo: boolean; stream: boolean; streamBytes: Uint8Array | undefined };
  /** What is to be asked of the state of hosts, where that is kept elsewhere, before it is an alert. */
  readonly later?: readonly HostStep[] | undefined;
  /** What matched, with marks; built when asked for, at most `MAX_MATCHED` buffers of `MATCHED_BYTES`. */
  matched(): MatchedBuffer[];
}

export type OnHit = (hit: RuleHit, context: MatchContext) => void;

/** Buffers shown with one hit. */
export const MAX_MATCHED = 8;
/** Bytes shown of each: enough to read a request in. */
export const MATCHED_BYTES = 512;
