import type { Flow, Direction } from '../flow/flow.js';
import type { AddressSet, PortSet } from './addresses.js';
import { withLiterals, type Group, type RuleSet } from './rule-set.js';
import type { Signature } from './signature.js';

/** Literals of parts remembered for the next capture (some 100 MiB of tables): the ends of hostile flows could ask for as many parts as there are choices. */
const MAX_REMEMBERED = 1 << 18;
/** Protocols by which packets are told apart where rules without literals are asked. */
const PROTOCOLS = [1, 6, 17, 58, 132, 255];

/**
 * What the headers of a rule set ask of a flow, and the literals of those that ask the same. It follows from the rules
 * alone, so that it is made once for a rule set, however many captures it is run on.
 */
export class FlowKinds {
  /** One rule of each kind of header, for rules with literals on plain payload and streams. */
  readonly kinds: { signature: Signature; number: number }[] = [];
  /** Sets of addresses and of ports that any of them names. */
  readonly addressSets: readonly AddressSet[];
  readonly portSets: readonly PortSet[];
  private readonly group: Group | undefined;
  /** By signature. */
  private readonly kindOf = new Map<number, number>();
  private readonly parts = new Map<string, Group | undefined>();
  private remembered = 0;
  private readonly joined = new WeakMap<Group, Group>();
  private classes: Uint16Array | undefined;

  constructor(rules: RuleSet, slow: (protocol: number) => readonly Signature[]) {
    this.group = rules.plain;
    const numbers = new Map<string, number>();
    for (const users of this.group?.users ?? []) {
      for (const index of users) {
        if (this.kindOf.has(index)) continue;
        const s = rules.signatures[index];
        const { header: h } = s;
        const key = [h.transports, h.sides, h.source.key, h.sourcePorts.key, h.destination.key, h.destinationPorts.key, h.bidirectional, sidesOf(s)].join('|');
        let number = numbers.get(key);
        if (number === undefined) {
          numbers.set(key, (number = this.kinds.length));
          this.kinds.push({ signature: s, number });
        }
        this.kindOf.set(index, number);
      }
    }
    const headers = new Set([...this.kinds.map((k) => k.signature.header), ...PROTOCOLS.flatMap((protocol) => slow(protocol).map((s) => s.header))]);
    const distinct = <T extends { any: boolean; key: string }>(sets: T[]): T[] => [...new Map(sets.filter((set) => !set.any).map((set) => [set.key, set])).values()];
    this.addressSets = distinct([...headers].flatMap((h) => [h.source, h.destination]));
    this.portSets = distinct([...headers].flatMap((h) => [h.sourcePorts, h.destinationPorts]));
  }

  /** By port: number of its class, that is of the sets that hold it; made when first asked. */
  get portClasses(): Uint16Array {
    return (this.classes ??= this.classifyPorts());
  }

  /** Numbers the classes of ports: those between two ends of ranges are alike. */
  private classifyPorts(): Uint16Array {
    const first = new Uint8Array(65536);
    for (const set of this.portSets) set.markEnds(first);
    const classes = new Uint16Array(65536);
    const ids = new Map<string, number>();
    for (let port = 0, known = 0; port < 65536; port++) {
      if (port === 0 || first[port] !== 0) {
        const held = this.portSets.map((set) => (set.has(port) ? '1' : '0')).join('');
        known = ids.get(held) ?? ids.size;
        ids.set(held, known);
      }
      classes[port] = known;
    }
    return classes;
  }

  /**
   * The rules of the kinds in `fit` with their literals; undefined where they have none.
   * @param key names the kinds
   */
  part(key: string, fit: ReadonlySet<number>): Group | undefined {
    if (this.parts.has(key)) return this.parts.get(key);
    const part = this.select(fit);
    const more = 1 + (part?.literals.length ?? 0);
    if (this.remembered + more > MAX_REMEMBERED) return part;
    this.remembered += more;
    this.parts.set(key, part);
    return part;
  }

  /** The literals of rules on bodies beside those of a group. `bodies` is the same for one rule set. */
  withBodies(group: Group, bodies: readonly Group[]): Group {
    let both = this.joined.get(group);
    if (both === undefined) this.joined.set(group, (both = withLiterals(group, bodies)));
    return both;
  }

  private select(fit: ReadonlySet<number>): Group | undefined {
    const { group } = this;
    if (group === undefined) return undefined;
    const part: Group = { buffer: group.buffer, chain: group.chain, literals: [], users: [] };
    group.users.forEach((users, literal) => {
      const these = users.filter((index) => fit.has(this.kindOf.get(index) as number));
      if (these.length === 0) return;
      part.literals.push(group.literals[literal]);
      part.users.push(these);
    });
    return part.literals.length === 0 ? undefined : part;
  }
}

const made = new WeakMap<RuleSet, FlowKinds>();

/** @param slow rules without literals, by the protocol of a packet */
export function flowKindsOf(rules: RuleSet, slow: (protocol: number) => readonly Signature[]): FlowKinds {
  let kinds = made.get(rules);
  if (kinds === undefined) made.set(rules, (kinds = new FlowKinds(rules, slow)));
  return kinds;
}

/** Directions that the rule's first part looks at: 1 to the server, 2 to the client. */
export function sidesOf(s: Signature): number {
  return s.either ? s.header.directions : 1 << s.parts[0].direction;
}

/** What of a header never changes while a flow lives. Never false where the engine's own test is true. */
export function mayFit(s: Signature, flow: Flow, direction: Direction): boolean {
  const { header } = s;
  if (header.transports.length > 0 && !header.transports.includes(flow.protocol)) return false;
  const length = flow.ipVersion === 6 ? 16 : 4;
  const u8 = flow.addresses;
  let client = 0;
  let server = 16;
  let { clientPort, serverPort } = flow;
  if (header.sides === 'packet' && direction === 1) {
    [client, server] = [server, client];
    [clientPort, serverPort] = [serverPort, clientPort];
  }
  const fits = (a: number, ap: number, b: number, bp: number): boolean =>
    header.sourcePorts.has(ap) && header.destinationPorts.has(bp) && header.source.has(u8, a, length) && header.destination.has(u8, b, length);
  return fits(client, clientPort, server, serverPort) || (header.bidirectional && fits(server, serverPort, client, clientPort));
}
