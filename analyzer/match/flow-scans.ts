import type { Arena } from '../arena.js';
import type { Direction, Flow } from '../flow/flow.js';
import { flowKindsOf, mayFit, sidesOf, type FlowKinds } from './flow-kinds.js';
import { literalScan, type LiteralScan } from './prefilter.js';
import { latin1, type Group, type RuleSet } from './rule-set.js';
import type { Signature } from './signature.js';

/** Arena bytes for scans of their own; flows that would need more are scanned for all rules. */
const MAX_BYTES = 24 << 20;
/** Kinds of headers told apart; with more, all rules are looked for. */
const MAX_KINDS = 1024;

/** A group of rules with its tables in the arena, undefined until they are made. */
export interface Scan {
  group: Group;
  scan: LiteralScan | undefined;
  /** Some of the rules look at streams, not only at packets. */
  streams: boolean;
  /** By literal: 1 where a rule on bodies begins with it. */
  bodies?: Uint8Array;
}

/** Sets of addresses by which flows are told apart; with more, each flow is asked for itself. */
const MAX_ADDRESS_SETS = 24;
/** Classes of addresses and of ports told apart; flows of others are asked for themselves. */
const MAX_CLASSES = 2048;
/** Choices remembered; ports and addresses of a hostile capture could ask for as many as there are flows. */
const MAX_CHOICES = 4096;

/** What a flow's ends allow, by direction, and the load of rules that it was asked of. One object for all flows alike. */
export interface FlowChoice {
  generation: number;
  /** The literals that its bytes are scanned for. */
  scans: readonly [Scan | undefined, Scan | undefined];
  /** Rules without literals that its packets are asked by. */
  slow: readonly [readonly Signature[], readonly Signature[]];
}

/**
 * Rules by what their headers ask of a flow (transport, addresses, ports, direction): a flow's bytes are scanned only
 * for the literals of rules that its ends allow. Flows that allow the same rules share one scan, built when first needed.
 */
export class FlowScans {
  private readonly kinds: FlowKinds;
  private readonly scans = new Map<string, Scan | undefined>();
  private readonly withBodies = new Map<Scan, Scan>();
  private bytes = 0;
  private readonly choices = new Map<number, FlowChoice>();
  /** Numbers of the sets of address sets that an address was in, by their bits. */
  private readonly addressIds = new Map<number, number>();

  /** The scan for all of them. */
  readonly whole: Scan | undefined;

  /**
   * @param slow rules without literals, by the protocol of a packet
   * @param short the tables for all rules are made when they are first needed
   * @param bodies groups of rules on bodies that are bytes of the stream
   */
  constructor(
    private readonly arena: Arena, private readonly rules: RuleSet, private readonly slow: (protocol: number) => readonly Signature[],
    private readonly generation: number, short: boolean, private readonly bodies: readonly Group[] = [],
  ) {
    this.kinds = flowKindsOf(rules, slow);
    this.whole = rules.plain === undefined ? undefined : this.scanOf(rules.plain, short ? undefined : literalScan(arena, rules.plain.literals));
  }

  /** What the ends of a flow allow. */
  of(flow: Flow): FlowChoice {
    const { addressSets } = this.kinds;
    if (addressSets.length > MAX_ADDRESS_SETS) return this.choose(flow);
    const length = flow.ipVersion === 6 ? 16 : 4;
    let client = 0;
    let server = 0;
    for (let i = 0; i < addressSets.length; i++) {
      const set = addressSets[i];
      if (set.has(flow.addresses, 0, length)) client |= 1 << i;
      if (set.has(flow.addresses, 16, length)) server |= 1 << i;
    }
    const from = this.addressClass(client);
    const to = this.addressClass(server);
    const ports = this.kinds.portClasses;
    const sourcePort = ports[flow.clientPort];
    const destinationPort = ports[flow.serverPort];
    if (Math.max(from, to, sourcePort, destinationPort) >= MAX_CLASSES) return this.choose(flow);
    // 9 bits and four times 11: whole in a double.
    const key = (((flow.protocol * 2 + (length >> 4)) * MAX_CLASSES + from) * MAX_CLASSES + to) * MAX_CLASSES ** 2 + sourcePort * MAX_CLASSES + destinationPort;
    let choice = this.choices.get(key);
    if (choice === undefined) {
      choice = this.choose(flow);
      if (this.choices.size < MAX_CHOICES) this.choices.set(key, choice);
    }
    return choice;
  }

  private addressClass(bits: number): number {
    let id = this.addressIds.get(bits);
    if (id === undefined) {
      id = this.addressIds.size;
      if (id < MAX_CLASSES) this.addressIds.set(bits, id);
    }
    return id;
  }

  private choose(flow: Flow): FlowChoice {
    const slow = this.slow(flow.protocol);
    const slowOf = (direction: Direction): readonly Signature[] => slow.filter((s) => (!s.either || (s.header.directions & (1 << direction)) !== 0) && mayFit(s, flow, direction));
    return { generation: this.generation, scans: [this.scanFor(flow, 0), this.scanFor(flow, 1)], slow: [slowOf(0), slowOf(1)] };
  }

  /** The scan for one direction of a flow; undefined when no rule looks there. */
  private scanFor(flow: Flow, direction: Direction): Scan | undefined {
    const { kinds } = this.kinds;
    if (kinds.length > MAX_KINDS) return this.whole;
    let key = '';
    const fit = new Set<number>();
    for (const { signature, number } of kinds) {
      if ((sidesOf(signature) & (1 << direction)) === 0 || !mayFit(signature, flow, direction)) continue;
      fit.add(number);
      key += `${number},`;
    }
    if (fit.size === kinds.length) return this.whole;
    if (this.scans.has(key)) return this.scans.get(key);
    const scan = this.build(key, fit);
    this.scans.set(key, scan);
    return scan;
  }

  /** The same scan that looks for the literals of rules on bodies, too; itself where there are none, or no room. */
  bodiesToo(scan: Scan): Scan {
    let both = this.withBodies.get(scan);
    if (both === undefined) {
      both = this.bodies.length === 0 || this.bytes >= MAX_BYTES ? scan : this.join(scan);
      this.withBodies.set(scan, both);
    }
    return both;
  }

  private join(scan: Scan): Scan {
    const group = this.kinds.withBodies(scan.group, this.bodies);
    const sought = new Set(this.bodies.flatMap((g) => g.literals.map(latin1)));
    const tables = literalScan(this.arena, group.literals);
    const both = { group, scan: tables, streams: scan.streams, bodies: Uint8Array.from(group.literals, (l) => (sought.has(latin1(l)) ? 1 : 0)) };
    this.bytes += tables.bytes;
    return both;
  }

  dispose(): void {
    for (const scan of new Set([this.whole, ...this.scans.values(), ...this.withBodies.values()])) scan?.scan?.dispose();
    this.scans.clear();
    this.withBodies.clear();
    this.choices.clear();
  }

  private build(key: string, fit: ReadonlySet<number>): Scan | undefined {
    const part = this.kinds.part(key, fit);
    if (part === undefined) return undefined;
    if (this.bytes >= MAX_BYTES) return this.whole;
    const tables = literalScan(this.arena, part.literals);
    const scan = this.scanOf(part, tables);
    this.bytes += tables.bytes;
    return scan;
  }

  private scanOf(group: Group, scan: LiteralScan | undefined): Scan {
    const streams = group.users.some((users) => users.some((index) => this.rules.signatures[index].level === 'stream'));
    return { group, scan, streams };
  }
}
