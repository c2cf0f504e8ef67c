import { B, type BufferName } from './buffers.js';
import { finalStage, isBody } from './buffer-facts.js';
import { BUFFER_NAMES } from './buffers.js';
import type { Leaf, Node, Part, Signature } from './signature.js';

/** Rules whose fast pattern lies in the same bytes: one scan finds the candidates of all. */
export interface Group {
  readonly buffer: number;
  /** Index into `RuleSet.chains`; -1: bytes as they are. */
  readonly chain: number;
  readonly literals: Uint8Array[];
  /** Signatures by literal. */
  readonly users: number[][];
}

/** All rules of one load, in their order; never changed once made. Workers build their scans from it. */
export class RuleSet {
  readonly chains: (readonly string[])[] = [];
  /** Groups by buffer number. */
  readonly groups: Group[][] = BUFFER_NAMES.map(() => []);
  /** Rules without a fast pattern, looked at whenever a buffer of theirs may be there. */
  readonly always: { transaction: Signature[]; stream: Signature[]; packet: Signature[] } = { transaction: [], stream: [], packet: [] };
  readonly byEvent = new Map<string, Signature[]>();
  /** Buffers of earlier stages that rules need when a later stage makes them candidates. */
  readonly kept = new Set<number>();
  /** By buffer number: 1 where some rule looks at it. */
  readonly read = new Uint8Array(BUFFER_NAMES.length);
  readonly hasStream: boolean;
  readonly hasPacket: boolean;

  /** @param midstream rules of Suricata's language look at TCP flows, too, whose handshake was not seen */
  constructor(readonly signatures: readonly Signature[], readonly midstream = false) {
    const chainOf = new Map<string, number>();
    const byKey = new Map<string, Map<string, number>>();
    signatures.forEach((s, index) => {
      s.index = index;
      for (const part of partsOf(s)) {
        for (const leaf of part.leaves) {
          this.read[leaf.buffer] = 1;
          if (leaf.transforms.length > 0) leaf.chain = this.chainIndex(chainOf, leaf.transforms);
        }
      }
      for (const e of s.parts[0].events) push(this.byEvent, e.event, s);
      if (s.program && s.level !== 'event') for (const event of s.program.events) push(this.byEvent, event, s);
      if (s.level === 'event') return;
      // The detector of Suricata's rules keeps those that have no literal, but for transactions.
      if (s.program && !s.fast && s.level !== 'transaction') return;
      if (!s.fast) {
        // It is a candidate from the first stage on: nothing comes before.
        this.always[s.level].push(s);
        return;
      }
      for (const { buffer: named, transforms, literals } of s.fast) {
        const chain = transforms.length > 0 ? this.chainIndex(chainOf, transforms) : -1;
        const buffer = named === B.message ? B.stream : named;
        this.read[buffer] = 1;
        const key = `${buffer}/${chain}`;
        let group = this.groups[buffer].find((g) => g.chain === chain);
        if (!group) this.groups[buffer].push(group = { buffer, chain, literals: [], users: [] });
        const seen = byKey.get(key) ?? new Map<string, number>();
        byKey.set(key, seen);
        for (const literal of literals) {
          const text = latin1(literal);
          let id = seen.get(text);
          if (id === undefined) {
            id = group.literals.push(literal) - 1;
            seen.set(text, id);
            group.users.push([]);
          }
          if (group.users[id].at(-1) !== index) group.users[id].push(index);
        }
      }
      const { fast } = s;
      // What is found with the head of its side has all other buffers of the head beside it.
      if (fast.every((f) => finalStage(BUFFER_NAMES[f.buffer], s.header.apps) === 0)) return;
      for (const leaf of s.parts[0].leaves) if (fast.length > 1 || leaf.buffer !== fast[0].buffer) this.keep(leaf);
    });
    this.hasStream = signatures.some((s) => s.level === 'stream');
    this.hasPacket = signatures.some((s) => s.level === 'packet');
  }

  private merged: Group | undefined;
  /** All rules with literals on plain payload and streams, which are the same bytes. */
  get plain(): Group | undefined {
    const groups = this.groups.flat().filter(isPlain);
    return (this.merged ??= groups.length > 0 ? mergeGroups(groups) : undefined);
  }

  private readonly unions = new Map<string, Group>();
  /** Two groups over the same bytes as one; the same object each time, so that its tables are made once. */
  union(one: Group, other: Group): Group {
    const key = `${one.buffer}/${one.chain}+${other.buffer}/${other.chain}`;
    let union = this.unions.get(key);
    if (!union) this.unions.set(key, (union = mergeGroups([one, other])));
    return union;
  }

  private keep(leaf: Leaf): void {
    if (!isBody(BUFFER_NAMES[leaf.buffer])) this.kept.add(leaf.buffer);
  }

  private chainIndex(known: Map<string, number>, chain: readonly string[]): number {
    const key = chain.join('|');
    let index = known.get(key);
    if (index === undefined) {
      index = this.chains.push(chain) - 1;
      known.set(key, index);
    }
    return index;
  }
}

/** On payload or stream as they are. */
export function isPlain({ buffer, chain }: Group): boolean {
  return chain < 0 && (buffer === B.stream || buffer === B.payload);
}

/** The literals of several groups over the same bytes as one. */
function mergeGroups(groups: readonly Group[]): Group {
  const merged: Group = { buffer: groups[0].buffer, chain: groups[0].chain, literals: [], users: [] };
  const ids = new Map<string, number>();
  for (const group of groups) {
    group.literals.forEach((literal, i) => {
      const text = latin1(literal);
      const id = ids.get(text);
      if (id === undefined) {
        ids.set(text, merged.literals.push(literal) - 1);
        merged.users.push([...group.users[i]]);
      } else merged.users[id] = [...new Set([...merged.users[id], ...group.users[i]])];
    });
  }
  return merged;
}

/** The literals of `more` beside those of a group, without users. */
export function withLiterals(group: Group, more: readonly Group[]): Group {
  const known = new Set(group.literals.map(latin1));
  const added = more.flatMap((g) => g.literals).filter((l) => !known.has(latin1(l)) && known.add(latin1(l)));
  return { ...group, literals: [...group.literals, ...added], users: [...group.users, ...added.map(() => [])] };
}

export function latin1(literal: Uint8Array): string {
  return Buffer.from(literal.buffer, literal.byteOffset, literal.length).toString('latin1');
}

export function partsOf(s: Signature): Part[] {
  return [...s.parts, ...s.verdicts.flatMap((v) => [v.request, v.response])].filter((p): p is Part => p !== undefined);
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Names of the buffers a rule looks at. */
export function buffersOf(node: Node): BufferName[] {
  switch (node.kind) {
    case 'buffer': return [BUFFER_NAMES[node.buffer]];
    case 'event': return [];
    case 'not': return buffersOf(node.child);
    default: return node.children.flatMap(buffersOf);
  }
}
