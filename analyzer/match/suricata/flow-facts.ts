import type { Direction } from '../../flow/flow.js';
import type { Transaction } from '../../app/parser.js';
import type { Signature } from '../signature.js';
import type { Seen } from '../state.js';

/** Matches of one direction that wait for the end of the packet under way, or for the next one of their direction. */
export const MAX_PENDING = 256;
/** Names of bits, numbers and captured texts that one flow keeps of each kind. */
export const MAX_NAMES = 256;

/** A rule whose bytes have matched; its conditions on the flow are asked with the packet under way. */
export interface Pending {
  readonly signature: Signature;
  readonly tx: Transaction | undefined;
  readonly seen: Seen[];
  readonly stream: boolean;
  readonly about?: Record<string, unknown> | undefined;
  readonly key: string;
}

/** A rule whose text a stream has shown, and that lacks more. Positions are the stream's. */
export interface Unfinished {
  readonly signature: Signature;
  /** Where the view began when its text was seen. */
  readonly since: number;
  /** Where its text will have left the view. */
  until: number;
  /** It has not alerted on anything in view. */
  readonly untold: boolean;
  /** It asks for what must not be there: only a view that loses nothing can tell. */
  readonly denies: boolean;
}

/** What rules know of one flow. */
export class FlowFacts {
  private ownBits: Set<string> | undefined;
  private ownInts: Map<string, number> | undefined;
  private ownTexts: Map<string, Uint8Array> | undefined;
  readonly pending: [Pending[], Pending[]] = [[], []];
  unfinished: [Unfinished[], Unfinished[]] = [[], []];
  /** By rule: the stream position that its last match in this direction has used up. */
  private usedUp: [Map<Signature, number> | undefined, Map<Signature, number> | undefined] = [undefined, undefined];
  /** A pass rule has taken the whole flow out. */
  passed = false;
  /** Looked at by the rules that are asked once a direction: bit 0 to server, bit 1 to client. */
  asked = 0;
  /** Direction whose bytes told the protocol. */
  decided: Direction | undefined;
  /** The same for rules on the protocol alone. */
  protocolAsked = 0;
  readonly packets: [number, number] = [0, 0];
  readonly bytes: [number, number] = [0, 0];
  readonly streamBytes: [number, number] = [0, 0];

  /** Anomalies by transaction (-1: of none), as far as rules ask for them beside buffers. */
  private named: Map<number, Set<string>> | undefined;
  private readonly waiting: { direction: Direction; pending: Pending }[] = [];

  /** Where the next match of a rule may begin: no byte makes it alert twice. */
  unusedFrom(direction: Direction, signature: Signature): number {
    return this.usedUp[direction]?.get(signature) ?? 0;
  }

  useUp(direction: Direction, signature: Signature, position: number): void {
    const map = (this.usedUp[direction] ??= new Map());
    if (map.size >= MAX_NAMES && !map.has(signature)) map.delete(map.keys().next().value!);
    map.set(signature, position);
  }

  name(txId: number | undefined, event: string): void {
    this.named ??= new Map();
    const names = this.named.get(txId ?? -1);
    if (names) names.add(event);
    else if (this.named.size < MAX_NAMES) this.named.set(txId ?? -1, new Set([event]));
  }

  haveNamed(txId: number, events: readonly string[]): boolean {
    return events.every((e) => this.named?.get(txId)?.has(e) || this.named?.get(-1)?.has(e));
  }

  /** Keeps what has all its buffers and lacks an anomaly. */
  await(direction: Direction, pending: Pending): void {
    if (this.waiting.length < MAX_PENDING) this.waiting.push({ direction, pending });
  }

  /** Takes out what waits of one rule. */
  awaited(signature: Signature): { direction: Direction; pending: Pending }[] {
    const taken = this.waiting.filter((w) => w.pending.signature === signature);
    if (taken.length > 0) this.waiting.splice(0, this.waiting.length, ...this.waiting.filter((w) => w.pending.signature !== signature));
    return taken;
  }

  get bits(): Set<string> { return (this.ownBits ??= new Set()); }
  get ints(): Map<string, number> { return (this.ownInts ??= new Map()); }
  get texts(): Map<string, Uint8Array> { return (this.ownTexts ??= new Map()); }

  /** Some match waits for a packet. */
  get waits(): boolean { return this.pending[0].length > 0 || this.pending[1].length > 0 || this.waiting.length > 0; }

  captures(list: readonly { scope: string; name: string; bytes: Uint8Array }[]): void {
    for (const c of list) if (c.scope === 'flow' && (this.texts.size < MAX_NAMES || this.texts.has(c.name))) this.texts.set(c.name, c.bytes);
  }

  set(name: string): void {
    if (this.bits.size < MAX_NAMES) this.bits.add(name);
  }
}

