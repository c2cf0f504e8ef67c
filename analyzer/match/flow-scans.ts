import type { Arena } from '../arena.js';
import type { Direction, Flow } from '../flow/flow.js';
import { literalScan, type LiteralScan } from './prefilter.js';
import type { Group } from './rule-set.js';
import type { Signature } from './signature.js';

/** Arena bytes for scans of their own; flows that would need more are scanned for all rules. */
const MAX_BYTES = 24 << 20;
/** Kinds of headers told apart; with more, all rules are looked for. */
const MAX_KINDS = 1024;

/** A group of rules with its tables in the arena. */
export interface Scan {
  group: Group;
  scan: LiteralScan;
  /** Some of the rules look at streams, not only at packets. */
  streams: boolean;
}

/** What a flow's ends allow, by direction, and the load of rules that it was asked of. */
export interface FlowChoice { generation: number; scans: readonly [Scan | undefined, Scan | undefined] }

/** The literals of several groups over the same bytes as one. */
export function mergeGroups(groups: readonly Group[]): Group {
  const merged: Group = { buffer: groups[0].buffer, chain: groups[0].chain, literals: [], users: [] };
  const ids = new Map<string, number>();
  for (const group of groups) {
    group.literals.forEach((literal, i) => {
      const text = Buffer.from(literal).toString('latin1');
      const id = ids.get(text);
      if (id === undefined) {
        ids.set(text, merged.literals.push(literal) - 1);
        merged.users.push([...group.users[i]]);
      } else merged.users[id] = [...new Set([...merged.users[id], ...group.users[i]])];
    });
  }
  return merged;
}

/**
 * Rules by what their headers ask of a flow (transport, addresses, ports, direction): a flow's bytes are scanned only
 * for the literals of rules that its ends allow. Flows that allow the same rules share one scan, built when first needed.
 */
export class FlowScans {
  private readonly kinds: { signature: Signature; number: number }[] = [];
  /** By signature. */
  private readonly kindOf = new Map<number, number>();
  private readonly scans = new Map<string, Scan | undefined>();
  private bytes = 0;

  /** The scan for all of them. */
  readonly whole: Scan;

  constructor(private readonly arena: Arena, private readonly signatures: readonly Signature[], group: Group) {
    const whole = this.scanOf(group);
    this.whole = whole;
    const numbers = new Map<string, number>();
    for (const users of whole.group.users) {
      for (const index of users) {
        if (this.kindOf.has(index)) continue;
        const s = signatures[index];
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
  }

  /** The scan for one direction of a flow; undefined when no rule looks there. */
  of(flow: Flow, direction: Direction): Scan | undefined {
    if (this.kinds.length > MAX_KINDS) return this.whole;
    let key = '';
    const fit = new Set<number>();
    for (const { signature, number } of this.kinds) {
      if ((sidesOf(signature) & (1 << direction)) === 0 || !mayFit(signature, flow, direction)) continue;
      fit.add(number);
      key += `${number},`;
    }
    if (fit.size === this.kinds.length) return this.whole;
    if (this.scans.has(key)) return this.scans.get(key);
    const scan = this.build(fit);
    this.scans.set(key, scan);
    return scan;
  }

  dispose(): void {
    for (const scan of new Set([this.whole, ...this.scans.values()])) scan?.scan.dispose();
    this.scans.clear();
  }

  private build(fit: ReadonlySet<number>): Scan | undefined {
    const { group } = this.whole;
    const part: Group = { buffer: group.buffer, chain: group.chain, literals: [], users: [] };
    group.users.forEach((users, literal) => {
      const these = users.filter((index) => fit.has(this.kindOf.get(index) as number));
      if (these.length === 0) return;
      part.literals.push(group.literals[literal]);
      part.users.push(these);
    });
    if (part.literals.length === 0) return undefined;
    if (this.bytes >= MAX_BYTES) return this.whole;
    const scan = this.scanOf(part);
    this.bytes += scan.scan.bytes;
    return scan;
  }

  private scanOf(group: Group): Scan {
    const streams = group.users.some((users) => users.some((index) => this.signatures[index].level === 'stream'));
    return { group, scan: literalScan(this.arena, group.literals), streams };
  }
}

/** Directions that the rule's first part looks at: 1 to the server, 2 to the client. */
function sidesOf(s: Signature): number {
  return s.either ? s.header.directions : 1 << s.parts[0].direction;
}

/** What of a header never changes while a flow lives. Never false where the engine's own test is true. */
function mayFit(s: Signature, flow: Flow, direction: Direction): boolean {
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
