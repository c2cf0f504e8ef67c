import type { Arena } from '../../arena.js';
import type { Transaction } from '../../app/parser.js';
import { TCP_SYN } from '../../decode/packet.js';
import type { Direction, Flow } from '../../flow/flow.js';
import { B, type BufferTable } from '../buffers.js';
import type { HostStep, Later } from '../host-state.js';
import type { MatchContext } from '../matcher.js';
import type { RuleSet } from '../rule-set.js';
import type { Leaf, Signature } from '../signature.js';
import { FlowState, type Seen } from '../state.js';
import { STREAM_BACK, STREAM_DEPTH, type StreamWindow } from '../stream-window.js';
import { ByteTester } from './byte-tester.js';
import { FlowFacts, MAX_PENDING, type Pending } from './flow-facts.js';
import { hostKey, SERVER, sharedState } from './shared-state.js';
import type { ByteOp, Scene, SuricataProgram, SuricataTag, SuricataThreshold } from './program.js';
import { addressKey, sessionKey, Tags } from './tags.js';

/** Bytes of earlier chunks among which what straddles the border is looked for again. */
const JOINT = 64;
/** Places of earlier bytes at which a match is found again before only the new ones are searched. */
const MAX_AGAIN = 8;
/** Rules of one direction whose text was seen and that lack more; with more, the longest waiting goes. */
const MAX_UNFINISHED = 64;
/** Alerts of one packet: one that carries a hundred requests may raise as many, one made to fill the disk no more. */
const MAX_ALERTS = 256;

type Outcome = 'holds' | 'told' | 'lacks' | 'never';

/** A rule that has matched, in the moment it alerts. */
export interface SuricataHit {
  signature: Signature;
  flow: Flow | undefined;
  tx: Transaction | undefined;
  /** Of a rule that asks for no transaction: the one that its packet brought. */
  beside: Transaction | undefined;
  direction: Direction;
  seen: Seen[];
  /** What sets have said of the values that they hold. */
  about: Record<string, unknown> | undefined;
  /** What matched was put together from a stream. */
  stream: boolean;
  /** Raised at the end of a flow, outside any packet. */
  pseudo: boolean;
  /** What is to be asked of the state of hosts before it is an alert. */
  later: readonly HostStep[] | undefined;
  key: string;
}

/** Rules of Suricata's language by what they are asked with. */
interface Roll {
  any: boolean;
  /** Place in Suricata's order, by the rule's number. */
  order: Int32Array;
  /** Without literals, by protocol: TCP, UDP, ICMP, SCTP, others. */
  packet: readonly Signature[][];
  ip: readonly Signature[];
  protocol: readonly Signature[];
  stream: readonly Signature[];
}

const rolls = new WeakMap<RuleSet, Roll>();

/** Made once for a rule set, however many captures it is run on. */
function rollOf(rules: RuleSet): Roll {
  let roll = rolls.get(rules);
  if (roll !== undefined) return roll;
  const all = rules.signatures.filter((s) => s.program);
  const sorted = [...all].sort((a, b) => compareRanks(a.program as SuricataProgram, b.program as SuricataProgram) || a.index - b.index);
  const order = new Int32Array(rules.signatures.length);
  sorted.forEach((s, i) => { order[s.index] = i; });
  const of = (...kinds: string[]) => all.filter((s) => kinds.includes((s.program as SuricataProgram).kind));
  const slow = of('packet', 'packet-stream', 'stream').filter((s) => !s.fast);
  const packet = [6, 17, 1, 132, -1].map((protocol) => slow.filter((s) => {
    const { transports } = s.header;
    return transports.length === 0 || (protocol === 1 ? transports.includes(1) || transports.includes(58) : protocol === -1 ? transports.some((t) => ![1, 6, 17, 58, 132].includes(t)) : transports.includes(protocol));
  }));
  roll = { any: all.length > 0, order, packet, ip: of('ip'), protocol: of('protocol'), stream: of('stream', 'packet-stream').filter((s) => !s.fast) };
  rolls.set(rules, roll);
  return roll;
}

type Fits = (s: Signature, context: MatchContext, flow: Flow | undefined, direction: Direction, protocol: string) => boolean;

/**
 * Takes rules of Suricata's language packet by packet, as Suricata does in line with the traffic: what the bytes of a
 * transaction or stream have matched is decided with the packet of its direction that brought the last of them, in one
 * order with the rules on packets. Conditions on the flow are asked, and its state is changed, there.
 */
export class SuricataDetector {
  readonly tester = new ByteTester();
  private readonly tags = new Tags();
  readonly counters = { alerts: 0, passed: 0, suppressed: 0, pendingDropped: 0, unfinishedDropped: 0, alertsBeyond: 0 };
  private readonly order: Int32Array;
  private readonly packetRules: readonly Signature[][];
  private readonly ipRules: readonly Signature[];
  private readonly protocolRules: readonly Signature[];
  private readonly streamRules: readonly Signature[];
  private readonly scene: Scene;
  /** Packet at which an event was told last, by rule. */
  private readonly told = new Map<number, number>();
  private readonly latest: { number: number; flow: Flow | undefined; direction: Direction; tx: Transaction | undefined } = { number: -1, flow: undefined, direction: 0, tx: undefined };
  readonly any: boolean;

  /** @param later where the state of hosts is kept elsewhere: takes what silent rules do to it; hits bring theirs along */
  constructor(
    private readonly arena: Arena, private readonly rules: RuleSet, private readonly fits: Fits, private readonly onHit: (hit: SuricataHit, context: MatchContext) => void,
    private readonly later?: Later,
  ) {
    const roll = rollOf(rules);
    this.any = roll.any;
    this.order = roll.order;
    this.packetRules = roll.packet;
    this.ipRules = roll.ip;
    this.protocolRules = roll.protocol;
    this.streamRules = roll.stream;
    this.scene = {
      context: undefined as never, packet: undefined as never, u8: arena.u8, flow: undefined, facts: undefined, direction: 0, established: false, pseudo: false, streamMatch: false,
      tx: undefined, nowUs: 0,
    };
  }

  /** Rules that packets of a protocol are asked by without any literal. */
  slowRules(protocol: number): readonly Signature[] {
    return this.packetRules[slotOf(protocol)];
  }

  /** A transaction shows buffers: an alert of the packet under way that asks for none of them is about it, too. */
  shown(context: MatchContext, flow: Flow, direction: Direction, tx: Transaction): void {
    const { latest } = this;
    latest.number = context.packet.number;
    latest.flow = flow;
    latest.direction = direction;
    latest.tx = tx;
  }

  private transactionOf(context: MatchContext): Transaction | undefined {
    const { latest, scene } = this;
    return latest.tx && !scene.pseudo && latest.number === context.packet.number && latest.flow === scene.flow && latest.direction === scene.direction ? latest.tx : undefined;
  }

  /** A rule on a transaction has all its buffers. */
  matched(flow: Flow | undefined, tx: Transaction | undefined, signature: Signature, direction: Direction, seen: Seen[]): void {
    if (!flow) return;
    const facts = factsOf(flow);
    if (this.neverFollowed(flow)) return;
    facts.captures(this.tester.captured);
    const pending: Pending = { signature, tx, seen, stream: false, key: `t${tx?.id ?? 0}`, about: this.tester.context };
    this.tester.context = undefined;
    const { events } = signature.program as SuricataProgram;
    if (events.length === 0 || (tx && facts.haveNamed(tx.id, events))) this.wait(facts, direction, pending);
    else facts.await(direction, pending);
  }

  /** An anomaly that rules on buffers ask for, too: those whose buffers have matched go on. */
  eventOfTransaction(flow: Flow, signature: Signature, name: string, txId: number | undefined): void {
    const facts = factsOf(flow);
    facts.name(txId, name);
    const { events } = signature.program as SuricataProgram;
    for (const { direction, pending } of facts.awaited(signature)) {
      if (pending.tx && facts.haveNamed(pending.tx.id, events)) this.wait(facts, direction, pending);
      else facts.await(direction, pending);
    }
  }

  /**
   * Bytes of a stream: tests the candidates on what is in view, and those of earlier bytes that lacked something.
   * @param boundary where the new bytes begin
   */
  stream(context: MatchContext, flow: Flow, direction: Direction, candidates: ArrayLike<number>, count: number, window: StreamWindow, boundary: number, to: number): void {
    const waiting = flow.matcher instanceof FlowState ? flow.matcher.facts?.unfinished[direction] : undefined;
    if ((count === 0 && this.streamRules.length === 0 && (waiting === undefined || waiting.length === 0)) || this.neverFollowed(flow)) return;
    const facts = factsOf(flow);
    const { u8 } = this.arena;
    const from = window.at;
    const origin = from - window.position;
    // A message of which earlier segments have brought the beginning; where one begins, its packet is looked at itself.
    const message = origin + window.messageAt;
    const continued = message > Math.max(from, origin) && message < boundary;
    /** @param untold no bytes in view have made it alert yet */
    const test = (s: Signature, untold: boolean): Outcome => {
      const program = s.program as SuricataProgram;
      if (program.kind !== 'stream' && program.kind !== 'packet-stream') return 'never';
      if (facts.pending[direction].some((p) => p.signature === s)) return 'never';
      if (!this.fits(s, context, flow, direction, '')) return 'never';
      const view = Math.max(from, origin + facts.unusedFrom(direction, s));
      let outcome = this.search(program.payload, u8, view, boundary, to, origin);
      if (outcome !== 'holds' && continued && message >= view && program.payload.some(isPlaced)) {
        outcome = this.search(program.payload, u8, message, boundary, to, message);
        // What the message's earlier bytes hold has been told when they came, if only of their packet.
        if (outcome === 'told' && untold) {
          if (this.tester.test(program.payload, u8, message, boundary, message)) return 'told';
          this.tester.test(program.payload, u8, message, to, message); // what it marks and captures
        }
      }
      if (outcome !== 'holds' && !(outcome === 'told' && untold)) return program.payload.length > 1 ? outcome : 'never';
      facts.captures(this.tester.captured);
      this.wait(facts, direction, { signature: s, tx: undefined, seen: [seenOf(B.stream, direction, u8, from, to, this.tester.marked(from))], stream: true, key: `s${context.packet.number}` });
      facts.useUp(direction, s, this.lastMatch(program.payload, u8, to, origin) - origin);
      return 'holds';
    };
    const earlier = facts.unfinished[direction];
    if (earlier.length > 0) {
      facts.unfinished[direction] = earlier.filter((w) => {
        if (boundary - origin >= w.until || (w.denies && from - origin > w.since)) return false;
        const outcome = test(w.signature, w.untold);
        return outcome === 'told' || outcome === 'lacks';
      });
    }
    const list = facts.unfinished[direction];
    for (let i = 0; i < count; i++) {
      const s = this.rules.signatures[candidates[i]];
      if (!s.program) continue;
      const outcome = test(s, false);
      if (!s.fast || (outcome !== 'told' && outcome !== 'lacks')) continue;
      const until = to - origin + STREAM_BACK;
      const known = list.find((w) => w.signature === s);
      if (known) {
        known.until = until;
        continue;
      }
      if (list.length >= MAX_UNFINISHED) {
        list.shift();
        this.counters.unfinishedDropped++;
      }
      list.push({ signature: s, since: from - origin, until, untold: outcome === 'lacks', denies: s.program.payload.some((op) => 'negated' in op && op.negated === true) });
    }
    for (const s of this.streamRules) test(s, false);
  }

  /** Whether conditions hold on bytes in view: `told` with a match that lies wholly in earlier bytes only, `lacks` not at all. */
  private search(ops: readonly ByteOp[], u8: Uint8Array, from: number, boundary: number, to: number, origin: number): Outcome {
    const { tester } = this;
    for (let at = from, tries = 0; tries <= MAX_AGAIN; tries++) {
      if (!tester.test(ops, u8, at, to, origin)) return tries === 0 ? 'lacks' : 'told';
      const { marks } = tester;
      if (marks.length === 0 || marks.some((mark) => mark > boundary)) return 'holds';
      // It occurs again behind the place of its first text, if at all.
      at = tries === MAX_AGAIN - 1 ? boundary : Math.max(Math.min(...marks) + 1, boundary - JOINT);
    }
    return 'told';
  }

  /** One past the last whole match on bytes in view, from the one that was found: all of them are one alert. */
  private lastMatch(ops: readonly ByteOp[], u8: Uint8Array, to: number, origin: number): number {
    const { tester } = this;
    let end = Math.max(0, ...tester.marks);
    for (let tries = 0; end > 0 && tries < MAX_AGAIN; tries++) {
      if (!tester.test(ops, u8, end, to, origin)) return end;
      const next = Math.max(0, ...tester.marks);
      if (next <= end) return end;
      end = next;
    }
    return end === 0 ? to : end;
  }

  private wait(facts: FlowFacts, direction: Direction, pending: Pending): void {
    const list = facts.pending[direction];
    if (list.length >= MAX_PENDING) {
      this.counters.pendingDropped++;
      return;
    }
    list.push(pending);
  }

  /** Whether Suricata would follow the flow: a TCP connection whose handshake was seen, or anything else. */
  private followed(flow: Flow): boolean {
    return flow.protocol !== 6 || this.rules.midstream || (!flow.midstream && flow.established);
  }

  /** Bytes may come with the SYN; what they match waits until the other side answers. */
  private neverFollowed(flow: Flow): boolean {
    return flow.protocol === 6 && flow.midstream && !this.rules.midstream;
  }

  /** Tags set so far. */
  get tagged(): number {
    return this.tags.counters.set;
  }

  /** Whether `packet` does nothing without candidates and slow rules: see `Matcher.idle`. */
  idle(flow: Flow, direction: Direction): boolean {
    const { matcher } = flow;
    return !this.tags.any && !this.awaited(flow, matcher instanceof FlowState ? matcher.facts : undefined, direction);
  }

  /** Whether a packet without candidates may matter to some rule. */
  private awaited(flow: Flow | undefined, facts: FlowFacts | undefined, direction: Direction): boolean {
    if (facts?.passed) return false;
    const bit = 1 << direction;
    return (this.ipRules.length > 0 && (facts === undefined || (facts.asked & bit) === 0))
      || (this.protocolRules.length > 0 && flow !== undefined && flow.app !== 'unknown' && (facts === undefined || (facts.protocolAsked & bit) === 0))
      || (facts !== undefined && facts.pending[direction].length > 0);
  }

  /** One packet, after its bytes have been through stream and parser. @param slow rules without literals whose header may fit. */
  packet(
    context: MatchContext, given: Flow | undefined, direction: Direction, candidates: ArrayLike<number>, count: number, slow: readonly Signature[], table: BufferTable,
  ): void {
    const matcher = given?.matcher;
    const facts = matcher instanceof FlowState ? matcher.facts : undefined;
    if (this.tags.any) this.tags.packet(context, given);
    if (facts?.passed) return;
    if (count === 0 && slow.length === 0 && !this.awaited(given, facts, direction)) return;
    this.decide(context, given, facts, direction, candidates, count, slow, table);
  }

  private decide(
    context: MatchContext, given: Flow | undefined, facts: FlowFacts | undefined, direction: Direction, candidates: ArrayLike<number>, count: number,
    slow: readonly Signature[], table: BufferTable,
  ): void {
    const { packet } = context;
    const { scene } = this;
    let flow = given;
    const tcp = packet.protocol === 6 && packet.transportOffset !== 0;
    const found: (Signature | Pending)[] = [];
    const sealed = flow !== undefined && (flow.sealed & (1 << direction)) !== 0;
    const window = given?.matcher instanceof FlowState ? given.matcher.windows[direction] : undefined;
    const tracked = tcp && flow !== undefined && this.followed(flow) && !(window !== undefined && window.position >= STREAM_DEPTH);
    const told = flow !== undefined && facts !== undefined && facts.pending[direction].length > 0 && this.followed(flow) ? facts.pending[direction] : [];
    const consider = (s: Signature): void => {
      // What its stream has matched is told with this packet: the packet itself is not looked at again.
      if (told.some((p) => p.stream && p.signature === s)) return;
      const program = s.program as SuricataProgram;
      switch (program.kind) {
        case 'packet': case 'packet-stream': break;
        case 'stream':
          if (program.onlyStream || tracked) return;
          break;
        default: return;
      }
      if (s.header.apps.length > 0 && (flow === undefined || !s.header.apps.includes(flow.app))) return;
      if (program.payload.length > 0 && sealed) return;
      if (!this.fits(s, context, flow, direction, '')) return;
      if (program.payload.length > 0 && !this.tester.test(program.payload, this.arena.u8, packet.payloadOffset, packet.payloadOffset + packet.payloadLength)) return;
      if (program.payload.length > 0 && packet.payloadLength === 0) return;
      for (const leaf of s.parts[0].leaves) if (!this.leaf(leaf, table)) return;
      found.push(s);
    };
    for (let i = 0; i < count; i++) {
      const s = this.rules.signatures[candidates[i]];
      if (s.program) consider(s);
    }
    for (const s of slow) consider(s);
    if (this.ipRules.length > 0 && packet.ipVersion !== 0) this.ipOnly(context, given, direction, found);
    if (flow && facts) {
      this.protocol(context, flow, facts, direction, found);
      const list = facts.pending[direction];
      if (list.length > 0 && this.followed(flow)) {
        found.push(...list);
        facts.pending[direction] = [];
      }
    } else if (flow && this.protocolRules.length > 0 && flow.app !== 'unknown') this.protocol(context, flow, factsOf(flow), direction, found);
    if (found.length === 0) return;
    flow ??= context.flowOf();
    scene.flow = flow;
    scene.facts = flow && factsOf(flow);
    this.fill(context, flow, scene.facts, direction);
    this.run(context, found);
  }

  private fill(context: MatchContext, flow: Flow | undefined, facts: FlowFacts | undefined, direction: Direction): void {
    const { scene } = this;
    const { packet } = context;
    scene.context = context;
    scene.packet = packet;
    scene.flow = flow;
    scene.facts = facts;
    scene.direction = direction;
    scene.pseudo = false;
    scene.nowUs = context.nowUs;
    const { midstream } = this.rules;
    scene.established = flow !== undefined && (flow.established || midstream) && (flow.protocol !== 6 || ((midstream || !flow.midstream) && (packet.tcpFlags & TCP_SYN) === 0));
    if (!flow) return;
    const totals = context.flowTotals?.(flow);
    // The third packet of a handshake still is part of it.
    if (totals && flow.protocol === 6 && !flow.midstream && packet.payloadLength === 0 && totals[0] <= 2 && totals[1] <= 1) scene.established = false;
    if (!facts) return;
    if (totals) {
      facts.packets[0] = totals[0];
      facts.packets[1] = totals[1];
      facts.bytes[0] = totals[2];
      facts.bytes[1] = totals[3];
      facts.streamBytes[0] = totals[4];
      facts.streamBytes[1] = totals[5];
    }
  }

  /** Rules on addresses alone: once a direction of each flow. */
  private ipOnly(context: MatchContext, given: Flow | undefined, direction: Direction, found: (Signature | Pending)[]): void {
    const facts = given?.matcher instanceof FlowState ? given.matcher.facts : undefined;
    if (facts && (facts.asked & (1 << direction)) !== 0) return;
    if (facts) facts.asked |= 1 << direction;
    let any = false;
    for (const s of this.ipRules) {
      if (!this.fits(s, context, given, direction, '') && !this.fitsOutside(s, context)) continue;
      any = true;
      found.push(s);
    }
    if (!any || facts) return;
    const flow = context.flowOf();
    if (!flow) return;
    const made = factsOf(flow);
    if ((made.asked & (1 << direction)) !== 0) for (const s of this.ipRules) remove(found, s);
    made.asked |= 1 << direction;
  }

  /** Whether a rule on addresses means those of the tunnel that the packet came through: its ends may be the listed ones. */
  private fitsOutside(s: Signature, { packet }: MatchContext): boolean {
    const { header } = s;
    if (packet.tunnelDepth === 0 || packet.outerVersion === 0 || (header.transports.length > 0 && !header.transports.includes(packet.outerProtocol))) return false;
    const { u8 } = this.arena;
    const n = packet.outerVersion === 6 ? 16 : 4;
    const has = (a: number, b: number): boolean => header.source.has(u8, a, n) && header.destination.has(u8, b, n);
    return has(packet.outerSrcOffset, packet.outerDstOffset) || (header.bidirectional && has(packet.outerDstOffset, packet.outerSrcOffset));
  }

  private protocol(context: MatchContext, flow: Flow, facts: FlowFacts, direction: Direction, found: (Signature | Pending)[]): void {
    if (this.protocolRules.length === 0 || flow.app === 'unknown' || (facts.protocolAsked & (1 << direction)) !== 0 || !this.followed(flow)) return;
    facts.protocolAsked |= 1 << direction;
    for (const s of this.protocolRules) {
      if (s.header.apps.length > 0 ? !s.header.apps.includes(flow.app) : facts.decided !== undefined && facts.decided !== direction) continue;
      if (this.fits(s, context, flow, direction, '')) found.push(s);
    }
  }

  decided(flow: Flow, direction: Direction): void {
    if (this.protocolRules.length > 0) factsOf(flow).decided = direction;
  }

  private leaf(leaf: Leaf, table: BufferTable): boolean {
    const ops = leaf.bytes ?? [];
    for (let i = 0; i < table.count; i++) {
      if (table.ids[i] !== leaf.buffer) continue;
      const at = table.offsets[i];
      if (this.tester.test(ops, this.arena.u8, at, at + table.lengths[i])) return true;
    }
    return false;
  }

  /** An anomaly that a decoder, a stream or a parser has named. */
  event(context: MatchContext, flow: Flow | undefined, direction: Direction, signature: Signature, layer: 'packet' | 'app', tx: Transaction | undefined, table: BufferTable): void {
    if (!this.fits(signature, context, flow, direction, '')) return;
    for (const leaf of signature.parts[0].leaves) if (!this.leaf(leaf, table)) return;
    if (layer === 'app' && flow) {
      const facts = factsOf(flow);
      if (!facts.pending[direction].some((p) => p.signature === signature && p.tx === tx)) {
        this.wait(facts, direction, { signature, tx, seen: [], stream: false, key: `e${context.packet.number}` });
      }
      return;
    }
    // What a packet has twice is told once.
    const { number } = context.packet;
    if (this.told.get(signature.index) === number) return;
    this.told.set(signature.index, number);
    const facts = flow && factsOf(flow);
    this.fill(context, flow, facts, direction);
    this.run(context, [signature]);
  }

  /** The end of a flow: what still waits is decided, without a packet. */
  flowEnd(context: MatchContext, flow: Flow): void {
    if (this.tags.any) this.tags.flowEnd(flow);
    const facts = flow.matcher instanceof FlowState ? flow.matcher.facts : undefined;
    if (!facts || facts.passed || !this.followed(flow)) return;
    for (const direction of [0, 1] as const) {
      const found = facts.pending[direction];
      if (found.length === 0) continue;
      facts.pending[direction] = [];
      this.fill(context, flow, facts, direction);
      this.scene.pseudo = true;
      this.scene.established = flow.established || this.rules.midstream;
      this.run(context, found);
    }
  }

  /** Decides the rules of one packet in their order. */
  private run(context: MatchContext, found: readonly (Signature | Pending)[]): void {
    const { scene, order } = this;
    const entries = [...new Set(found)].map((f) => ('signature' in f ? { s: f.signature, p: f } : { s: f, p: undefined }));
    entries.sort((a, b) => order[a.s.index] - order[b.s.index]);
    let alerts = 0;
    for (const { s, p } of entries) {
      const program = s.program as SuricataProgram;
      this.tester.context = p?.about;
      scene.tx = p?.tx;
      scene.streamMatch = p?.stream ?? false;
      if (s.header.apps.length > 0 && (scene.flow === undefined || (p?.tx === undefined && !s.header.apps.includes(scene.flow.app)))) continue;
      const later: HostStep[] | undefined = this.later && [];
      if (!program.tests.every((test) => {
        if (later === undefined || test.later === undefined) return test(scene);
        later.push(test.later(scene));
        return true;
      })) {
        // What came with the SYN is asked again once the handshake is over.
        if (p && scene.facts && !scene.established && !scene.pseudo && scene.flow?.protocol === 6 && scene.flow.established) this.wait(scene.facts, scene.direction, p);
        continue;
      }
      if (program.addresses.length > 0 && !this.addressesHold(program)) continue;
      if ((program.kind === 'transaction' || program.kind === 'event') && program.payload.length > 0 && !this.payloadHolds(program)) continue;
      if (program.detectionFilter && !this.pass(s, program.detectionFilter, later)) {
        this.counters.suppressed++;
        continue;
      }
      for (const effect of program.effects) {
        if (later !== undefined && effect.later !== undefined) later.push(effect.later(scene));
        else effect(scene);
      }
      if (program.action === 'pass') {
        this.counters.passed++;
        if (scene.facts && (p !== undefined || program.kind === 'ip' || program.kind === 'protocol')) scene.facts.passed = true;
        return;
      }
      if (program.threshold && !this.pass(s, program.threshold, later)) {
        this.counters.suppressed++;
        continue;
      }
      for (const tag of program.tags) this.tag(context, s, tag);
      const open = later !== undefined && later.length > 0 ? later : undefined;
      if (s.info.silent) {
        if (open) this.later!(open, scene.nowUs);
        continue;
      }
      // What is decided later may be no alert.
      if (open === undefined && ++alerts > MAX_ALERTS) {
        this.counters.alertsBeyond++;
        continue;
      }
      this.counters.alerts++;
      this.onHit({
        signature: s, flow: scene.flow, tx: p?.tx, beside: this.transactionOf(context), direction: scene.direction, seen: p?.seen ?? [], stream: p?.stream ?? false, about: this.tester.context ?? p?.about, pseudo: scene.pseudo, later: open,
        key: `${s.info.gid}:${s.info.sid}:${scene.flow?.id ?? 0}:${p?.key ?? 'p'}:${context.packet.number}`,
      }, context);
    }
  }

  private tag(context: MatchContext, s: Signature, tag: SuricataTag): void {
    const { flow } = this.scene;
    if (tag.what === 'host') this.tags.add(context, tag, s.info, addressKey(hostKey(this.scene, tag.host)));
    else if (flow) this.tags.add(context, tag, s.info, sessionKey(flow));
  }

  private addressesHold(program: SuricataProgram): boolean {
    const { scene, arena } = this;
    const { flow, packet } = scene;
    const n = (flow?.ipVersion ?? packet.ipVersion) === 6 ? 16 : 4;
    if (!flow && packet.ipVersion === 0) return false;
    return program.addresses.every(({ source, ops }) => {
      if (!flow) {
        const at = source ? packet.srcOffset : packet.dstOffset;
        return this.tester.test(ops, arena.u8, at, at + n);
      }
      const at = source === (scene.direction === 0) ? 0 : SERVER;
      return this.tester.test(ops, flow.addresses, at, at + n);
    });
  }

  /** Contents of the payload beside those of a transaction: in the stream as far as it is in view, or in the packet. */
  private payloadHolds(program: SuricataProgram): boolean {
    const { scene, arena } = this;
    const { flow, packet, direction } = scene;
    const window = flow?.matcher instanceof FlowState ? flow.matcher.windows[direction] : undefined;
    if (window && window.length > 0 && this.tester.test(program.payload, arena.u8, window.at, window.at + window.length, window.at - window.position)) return true;
    return !scene.pseudo && packet.payloadLength > 0 && this.tester.test(program.payload, arena.u8, packet.payloadOffset, packet.payloadOffset + packet.payloadLength);
  }

  private pass(s: Signature, t: SuricataThreshold, later: HostStep[] | undefined): boolean {
    const { scene } = this;
    const who = t.track === 'by_rule' ? '' : t.track === 'by_flow' ? String(scene.flow?.id ?? 0) : hostKey(scene, t.track === 'by_src' ? 'src' : t.track === 'by_dst' ? 'dst' : 'pair');
    let distinct: string | undefined;
    if (t.distinct === 'src_port' || t.distinct === 'dst_port') {
      const { packet } = scene;
      distinct = String(t.distinct === 'src_port' ? packet.srcPort : packet.dstPort);
    }
    const key = `${s.info.gid}:${s.info.sid}:${t.kind === 'detection_filter' ? 'd' : 't'}:${who}`;
    if (later !== undefined && (t.track !== 'by_flow' || later.length > 0)) {
      later.push({ kind: 'count', key, threshold: t, distinct });
      return true;
    }
    return sharedState(scene.context).pass(t, key, scene.nowUs, distinct);
  }
}

/** Place of a protocol in `packetRules`. */
function slotOf(protocol: number): number {
  return protocol === 6 ? 0 : protocol === 17 ? 1 : protocol === 1 || protocol === 58 ? 2 : protocol === 132 ? 3 : 4;
}

/** Whether a condition asks for a place counted from the beginning. */
function isPlaced(op: ByteOp): boolean {
  switch (op.kind) {
    case 'content': return op.starts || op.offset !== undefined || op.depth !== undefined;
    case 'byte-test': case 'byte-jump': case 'byte-extract': case 'byte-math': return !op.form.relative;
    default: return false;
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

function compareRanks(a: SuricataProgram, b: SuricataProgram): number {
  for (let i = 0; i < a.rank.length; i++) if (a.rank[i] !== b.rank[i]) return a.rank[i] - b.rank[i];
  return 0;
}

export function factsOf(flow: Flow): FlowFacts {
  const state = (flow.matcher ??= new FlowState()) as FlowState;
  return (state.facts ??= new FlowFacts());
}

const SEEN_BYTES = 512;
function seenOf(buffer: number, direction: Direction, u8: Uint8Array, from: number, to: number, marks: [number, number][]): Seen {
  const first = marks[0]?.[0] ?? 0;
  const start = to - from <= SEEN_BYTES ? 0 : Math.max(0, Math.min(first - 128, to - from - SEEN_BYTES));
  const length = Math.min(SEEN_BYTES, to - from - start);
  return {
    buffer, direction, bytes: u8.slice(from + start, from + start + length), cutFront: start > 0, cutBack: start + length < to - from,
    marks: marks.filter(([a, b]) => b > start && a < start + length).map(([a, b]) => [Math.max(0, a - start), Math.min(length, b - start)]),
  };
}
