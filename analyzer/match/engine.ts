import type { Arena } from '../arena.js';
import type { MatchedBuffer } from '../../contracts/alert.js';
import { VERDICTS, type Severity, type Verdict } from '../../contracts/classes.js';
import type { Stage, Transaction } from '../app/parser.js';
import type { Packet } from '../decode/packet.js';
import type { Direction, Flow } from '../flow/flow.js';
import { B, BUFFER_NAMES, BufferTable, MAX_ENTRIES } from './buffers.js';
import { decide, Tester } from './conditions.js';
import type { Later } from './host-state.js';
import { MATCHED_BYTES, MAX_MATCHED, type OnHit } from './hit.js';
import { Wants, type MatchContext, type Matcher } from './matcher.js';
import { FlowScans, type FlowChoice, type Scan } from './flow-scans.js';
import { literalScan, type LiteralScan } from './prefilter.js';
import { isPlain, type RuleSet } from './rule-set.js';
import type { Leaf, Part, Signature } from './signature.js';
import { FlowState, MAX_KEPT, MAX_PARTIALS, newPartial, TxState, type Partial, type Seen, type View } from './state.js';
import { STREAM_DEPTH, type StreamWindow } from './stream-window.js';
import { SuricataDetector, type SuricataHit } from './suricata/detector.js';
import type { RuleProfile } from './profile.js';
import { Thresholds } from './threshold.js';
import { MAX_TRANSFORM, transform } from './transforms.js';

/** Tags that one load of rules sets before their number reaches the next load's. */
const EPOCHS = 2 ** 32;
const NO_PARTIALS = { partials: [] };
/** A stream is looked at in pieces of at most this many bytes. */
const STREAM_PIECE = 64 * 1024;
/** What of a response may be bytes of its stream as they are. */
const BODIES: readonly number[] = [B['http.response_body'], B['file.data']];
/** Chunk borders: this many bytes of either side are scanned together. */
const JOINT = 64;

/**
 * Matches rules against packets, streams and transactions. One instance a worker. Two steps: literals of the rules are
 * looked for in each buffer, and only rules whose literal is there are tested.
 */
export class RuleEngine implements Matcher {
  private rules!: RuleSet;
  private scans: Scan[][] = [];
  /** By pair of buffers that were the same bytes. */
  private readonly shared = new Map<number, Scan | null>();
  private readonly tester = new Tester();
  private readonly thresholds = new Thresholds();
  private readonly scratch: number;
  private readonly view: View;
  private readonly packetTable = new BufferTable();
  private readonly candidates: Int32Array = new Int32Array(4096);
  private candidateCount = 0;
  private marks = new Int32Array(0);
  private epoch = 0;
  private bits = 0;
  /** Of rules on plain payload and streams, by what a flow's ends allow; `generation` counts the loads. */
  private plain!: FlowScans;
  private generation = 0;
  /** Some rules look at other bytes of packets: headers, transformed payload. */
  private onHeaders = false;
  /** The packet whose payload was scanned as part of its stream, and the candidates of that. */
  private readonly scanned = { number: -1, at: 0, length: 0, count: 0, candidates: new Int32Array(4096) };
  /** The chunk of a stream that was looked through for rules on bodies, too, and has nothing for them. */
  private readonly seen: { flow: Flow | undefined; direction: Direction; at: number; length: number } = { flow: undefined, direction: 0, at: 0, length: 0 };
  /** Some rules look at every chunk of a stream. */
  private everyChunk = false;
  private suricata!: SuricataDetector;
  /** Rules on their way through the same transaction as the one under way. */
  private beside: readonly Partial[] = [];
  /** What was looked at, and what limits have cost. */
  readonly counters = { scans: 0, scannedBytes: 0, candidates: 0, hits: 0, suppressed: 0, partialsDropped: 0, candidatesDropped: 0, keptDropped: 0, streamBytesUnseen: 0 };

  /**
   * @param later where the state of hosts is kept elsewhere: takes what silent rules do to it; hits bring theirs along
   * @param short it sees one capture: tables are made when their buffers are first met, not before
   */
  constructor(private readonly arena: Arena, rules: RuleSet, private readonly onHit: OnHit, private readonly later?: Later, private readonly profile?: RuleProfile, private readonly short = false) {
    this.scratch = arena.reserve(MAX_TRANSFORM + 64);
    this.view = { u8: arena.u8, table: this.packetTable, origins: undefined, transformed: new Map() };
    this.swap(rules);
  }

  get wants(): number {
    return this.bits;
  }

  get idleEpoch(): number {
    return this.generation * EPOCHS + this.suricata.tagged;
  }

  idle(flow: Flow, direction: Direction): boolean {
    const { partials } = (flow.matcher as FlowState | undefined) ?? NO_PARTIALS;
    return !this.onHeaders && this.rules.always.packet.length === 0 && partials.length === 0 && this.choiceOf(flow).slow[direction].length === 0
      && (!this.suricata.any || this.suricata.idle(flow, direction));
  }

  reads(buffer: number): boolean {
    return this.rules.read[buffer] === 1;
  }

  pursued(tx: Transaction): boolean {
    return tx.matcher instanceof TxState && tx.matcher.partials.some((p) => !p.done || p.phase > 0);
  }

  /** Changes to another rule set between two packets; what is half matched goes on under the old rules. */
  swap(rules: RuleSet): void {
    const scans = rules.groups.map((groups) => groups.filter((g) => !isPlain(g)).map((group): Scan => ({ group, scan: undefined, streams: false })));
    const before: FlowScans | undefined = this.plain;
    for (const { scan } of this.scans.flat()) scan?.dispose();
    for (const scan of this.shared.values()) scan?.scan?.dispose();
    this.shared.clear();
    this.scans = scans;
    if (!this.short) for (const scan of scans.flat()) scan.scan = literalScan(this.arena, scan.group.literals);
    this.rules = rules;
    this.suricata = new SuricataDetector(this.arena, rules, (s, c, f, d, p) => this.headerFits(s, c, f, d, p), (hit, context) => this.suricataHit(hit, context), this.later);
    this.plain = new FlowScans(this.arena, rules, (protocol) => this.suricata.slowRules(protocol), ++this.generation, this.short, BODIES.flatMap((buffer) => rules.groups[buffer].filter((g) => g.chain < 0)));
    this.seen.flow = undefined;
    before?.dispose();
    this.onHeaders = PACKET_BUFFERS.some((buffer) => scans[buffer].length > 0);
    this.everyChunk = rules.always.stream.length > 0 || scans[B.stream].some((s) => s.group.chain >= 0)
      || rules.signatures.some((s) => s.program !== undefined && !s.fast && (s.program.kind === 'stream' || s.program.kind === 'packet-stream'));
    this.marks = new Int32Array(rules.signatures.length);
    this.epoch = 0;
    this.bits = wantsOf(rules);
  }

  /** Tests given up because hostile bytes made them try too much. */
  get givenUp(): number {
    return this.tester.givenUp;
  }

  inspect(context: MatchContext, flow: Flow, tx: Transaction, stage: Stage): void {
    const direction: Direction = stage >= 3 ? 1 : 0;
    const at = stage % 3;
    const { buffers } = context;
    const state = tx.matcher as TxState | undefined;
    const { view } = this;
    view.table = buffers;
    view.origins = undefined;
    view.transformed.clear();
    this.startCandidates();
    for (let i = 0; i < buffers.count; i++) {
      // A body and the file that it is are the same bytes, side by side.
      if (buffers.barren && BODIES.includes(buffers.ids[i])) {
        this.scanGroups(i, true);
        continue;
      }
      const twins = i + 1 < buffers.count && buffers.offsets[i] === buffers.offsets[i + 1] && buffers.lengths[i] === buffers.lengths[i + 1];
      const shared = twins ? this.sharedScan(buffers.ids[i], buffers.ids[i + 1]) : undefined;
      if (shared) this.scanBytes(shared, buffers.offsets[i], buffers.lengths[i]);
      this.scanGroups(i, shared !== undefined);
      if (shared) this.scanGroups(++i, true);
    }
    for (const s of this.rules.always.transaction) this.addCandidate(s.index);
    if (this.suricata.any) this.suricata.shown(context, flow, direction, tx);
    if (this.candidateCount === 0 && state === undefined && (this.rules.kept.size === 0 || at === 2)) return;
    const own = state ?? new TxState();
    // Rules that yield come last, when it is known how the others have ended.
    const last = own.partials.filter((p) => p.signature.yields && (!p.done || p.held));
    if (last.length > 1) last.sort((a, b) => a.signature.yields! - b.signature.yields!);
    if (own.partials.length > last.length) this.proceed(context, flow, tx, own, direction, at, last.length === 0 ? own.partials : own.partials.filter((p) => !p.signature.yields));
    this.begin(context, flow, tx, own, direction, at, 'transaction', tx.protocol);
    if (last.length > 0) this.proceed(context, flow, tx, own, direction, at, last);
    if (at < 2) this.keep(own, buffers);
    if (own.partials.length > 0 || own.kept.length > 0) tx.matcher = own;
  }

  barren(flow: Flow, direction: Direction, at: number, length: number): boolean {
    const { seen } = this;
    return seen.flow === flow && seen.direction === direction && at >= seen.at && at + length <= seen.at + seen.length;
  }

  stream(context: MatchContext, flow: Flow, direction: Direction, at: number, length: number): void {
    this.seen.flow = undefined;
    if (!this.rules.hasStream) return;
    if ((flow.sealed & (1 << direction)) !== 0) {
      if (flow.matcher instanceof FlowState) flow.matcher.windows[direction].skip(this.arena, length);
      return;
    }
    const state = stateOf(flow);
    const window = state.windows[direction];
    if (state.lastDirection !== direction) {
      state.lastDirection = direction;
      window.messageAt = window.end;
    }
    if (window.position >= STREAM_DEPTH) {
      this.counters.streamBytesUnseen += length;
      window.skip(this.arena, length);
      return;
    }
    let scan = this.choiceOf(flow).scans[direction];
    if ((scan === undefined || !scan.streams) && !this.everyChunk && !state.partials.some((p) => !p.done)) {
      window.skip(this.arena, length);
      return;
    }
    if (scan !== undefined && direction === 1 && flow.app === 'http') scan = this.plain.bodiesToo(scan);
    let barren = scan?.bodies !== undefined;
    for (let done = 0; done < length; done += STREAM_PIECE) {
      if (!this.piece(context, flow, state, direction, at + done, Math.min(STREAM_PIECE, length - done), scan)) barren = false;
    }
    if (!barren) return;
    const { seen } = this;
    seen.flow = flow;
    seen.direction = direction;
    seen.at = at;
    seen.length = length;
  }

  /** What the rules want of a flow, chosen once. */
  private choiceOf(flow: Flow): FlowChoice {
    let choice = flow.choice as FlowChoice | undefined;
    if (choice === undefined || choice.generation !== this.generation) flow.choice = choice = this.plain.of(flow);
    return choice;
  }

  /** @returns whether all of it was looked through and has nothing that a rule on bodies begins with */
  private piece(context: MatchContext, flow: Flow, state: FlowState, direction: Direction, at: number, length: number, scan: Scan | undefined): boolean {
    const window = state.windows[direction];
    if (!window.append(this.arena, at, length)) {
      this.counters.streamBytesUnseen += length;
      return false;
    }
    let barren = true;
    this.startCandidates();
    const end = window.at + window.length;
    if (scan !== undefined) {
      const back = Math.min(window.length - length, JOINT - 1);
      const found = this.scanBytes(scan, end - length - back, back + length);
      if (scan.bodies !== undefined) for (let i = 0; i < found; i++) if (scan.bodies[scan.scan!.found[i]] === 1) barren = false;
      const { packet } = context;
      if (packet.payloadOffset === at && packet.payloadLength === length) {
        // The packet's own rules need no second look at the same bytes.
        const { scanned } = this;
        scanned.number = packet.number;
        scanned.at = at;
        scanned.length = length;
        scanned.count = this.candidateCount;
        for (let i = 0; i < this.candidateCount; i++) scanned.candidates[i] = this.candidates[i];
      }
    }
    if (this.suricata.any) this.suricata.stream(context, flow, direction, this.candidates, this.candidateCount, window, end - length, end);
    for (const s of this.rules.always.stream) this.addCandidate(s.index);
    for (const { group } of this.scans[B.stream]) if (group.chain >= 0) for (const users of group.users) for (const u of users) this.addCandidate(u);
    if (this.candidateCount > 0 || state.partials.some((p) => !p.done)) {
      const view = this.streamView(window, 0);
      this.proceed(context, flow, undefined, state, direction, 0, state.partials, view, window);
      this.streamView(window, 0);
      this.begin(context, flow, undefined, state, direction, 0, 'stream', '');
    }
    window.settle(this.arena);
    return barren;
  }

  /** The bytes in view as `stream` and `message`, from stream position `since` on. */
  private streamView(window: StreamWindow, since: number): View {
    const { view, packetTable } = this;
    packetTable.clear();
    view.table = packetTable;
    view.transformed.clear();
    const first = window.at - window.position;
    const end = window.at + window.length;
    const from = Math.min(end, Math.max(window.at, first + since));
    packetTable.add(B.stream, from, end - from);
    const message = Math.min(end, Math.max(from, first + window.messageAt));
    packetTable.add(B.message, message, end - message);
    view.origins = [first, first + window.messageAt];
    return view;
  }

  packet(context: MatchContext, flow: Flow | undefined, direction: Direction): void {
    const { packet } = context;
    const table = this.packetTable;
    table.clear();
    this.startCandidates();
    const choice = flow !== undefined ? this.choiceOf(flow) : undefined;
    const slow = choice !== undefined ? choice.slow[direction] : this.suricata.slowRules(packet.protocol);
    if (packet.payloadLength > 0 && (flow === undefined || (flow.sealed & (1 << direction)) === 0)) {
      const { scanned } = this;
      if (scanned.number === packet.number && scanned.at === packet.payloadOffset && scanned.length === packet.payloadLength) {
        for (let i = 0; i < scanned.count; i++) this.addCandidate(scanned.candidates[i]);
      } else {
        const scan = choice !== undefined ? choice.scans[direction] : this.plain.whole;
        if (scan !== undefined) this.scanBytes(scan, packet.payloadOffset, packet.payloadLength);
      }
      scanned.number = -1;
    }
    const state = flow?.matcher as FlowState | undefined;
    if (
      this.onHeaders || this.candidateCount > 0 || this.rules.always.packet.length > 0 || (state !== undefined && state.partials.length > 0) || slow.length > 0
    ) {
      this.packetBuffers(packet, table);
      this.view.table = table;
      this.view.origins = undefined;
      this.view.transformed.clear();
      if (this.onHeaders) {
        for (let i = 0; i < table.count; i++) this.scanGroups(i, false);
      }
    }
    for (const s of this.rules.always.packet) this.addCandidate(s.index);
    if (state && state.partials.length > 0) this.proceed(context, flow, undefined, state, direction, 0);
    if (this.suricata.any) this.suricata.packet(context, flow, direction, this.candidates, this.candidateCount, slow, table);
    if (this.candidateCount === 0) return;
    const own = new TxState();
    this.begin(context, flow ?? context.flowOf(), undefined, own, direction, 0, 'packet', '');
    if (own.partials.some((p) => !p.done)) {
      const owner = flow ?? context.flowOf();
      if (!owner) return;
      const keepIn = stateOf(owner);
      for (const p of own.partials) if (!p.done && p.phase > 0) this.remember(keepIn, p);
    }
  }

  /** The packet's payload and headers as buffers. */
  private packetBuffers(packet: Packet, table: BufferTable): void {
    if (packet.payloadLength > 0) {
      table.add(B.payload, packet.payloadOffset, packet.payloadLength);
      if (packet.protocol === 1 || packet.protocol === 58) table.add(B['icmp.payload'], packet.payloadOffset, packet.payloadLength);
    }
    if (packet.ipVersion === 4) table.add(B['ipv4.hdr'], packet.ipOffset, Math.max(20, Math.min(60, packet.transportOffset - packet.ipOffset)));
    else if (packet.ipVersion === 6) table.add(B['ipv6.hdr'], packet.ipOffset, Math.max(40, packet.ipPayloadOffset - packet.ipOffset));
    const header = packet.payloadOffset - packet.transportOffset;
    if (header > 0 && packet.fragment === 0) {
      const id = packet.protocol === 6 ? B['tcp.hdr'] : packet.protocol === 17 ? B['udp.hdr'] : packet.protocol === 1 ? B['icmpv4.hdr'] : packet.protocol === 58 ? B['icmpv6.hdr'] : -1;
      if (id >= 0) table.add(id, packet.transportOffset, header);
    }
    if (!this.suricata.any) return;
    if (packet.etherOffset > 0) table.add(B['ether.hdr'], packet.etherOffset, 14);
    if (packet.protocol === 132 && packet.transportOffset > 0 && packet.fragment === 0) table.add(B['sctp.hdr'], packet.transportOffset, 12);
  }

  appEvent(context: MatchContext, flow: Flow, protocol: string, name: string, txId: number | undefined): void {
    this.event(context, flow, context.direction, `${protocol}.${name}`, txId, true);
  }

  packetEvent(context: MatchContext, flow: Flow | undefined, direction: Direction, name: string): void {
    this.event(context, flow, direction, name, undefined, false);
  }

  private event(context: MatchContext, flow: Flow | undefined, direction: Direction, name: string, txId: number | undefined, app: boolean): void {
    const signatures = this.rules.byEvent.get(name);
    if (!signatures) return;
    this.packetTable.clear();
    this.view.table = this.packetTable;
    this.view.origins = undefined;
    for (const s of signatures) {
      if (s.program) {
        if (s.program.kind === 'event') {
          if (s.parts[0].leaves.length > 0 && this.packetTable.count === 0) this.packetBuffers(context.packet, this.packetTable);
          this.suricata.event(context, flow, direction, s, app ? 'app' : 'packet', undefined, this.packetTable);
        } else if (flow) this.suricata.eventOfTransaction(flow, s, name, txId);
        continue;
      }
      if (s.level !== 'event' || !this.headerFits(s, context, flow, direction, '')) continue;
      const partial = newPartial(s, direction, `${s.info.sid}:${flow?.id ?? 0}:e${txId ?? context.packet.number}`);
      for (const e of s.parts[0].events) partial.truth[0][e.slot] = e.event === name ? 1 : 0;
      if (decide(s.parts[0].root, partial.truth[0]) === 1) {
        partial.phase = s.parts.length;
        this.attempted(context, flow, undefined, partial, direction);
      }
    }
  }

  appDecided(_context: MatchContext, flow: Flow, direction: Direction): void {
    if (this.suricata.any) this.suricata.decided(flow, direction);
  }

  streamsEnd(flow: Flow): void {
    const state = flow.matcher;
    // What a pending match shows lies in the windows.
    if (!(state instanceof FlowState) || state.facts?.waits) return;
    for (const window of state.windows) window.release(this.arena);
    if (state.facts === undefined) flow.matcher = undefined;
    else state.partials = [];
  }

  flowEnd(context: MatchContext, flow: Flow): void {
    if (this.suricata.any) this.suricata.flowEnd(context, flow);
    if ((this.bits & Wants.Files) !== 0) context.filesOver?.(flow);
    if (flow.matcher instanceof FlowState) for (const window of flow.matcher.windows) window.release(this.arena);
    flow.matcher = undefined;
    if (this.seen.flow === flow) this.seen.flow = undefined;
  }

  // --- step one: candidates

  private startCandidates(): void {
    this.candidateCount = 0;
    this.epoch++;
  }

  private addCandidate(index: number): void {
    if (this.marks[index] === this.epoch) return;
    this.marks[index] = this.epoch;
    if (this.candidateCount === this.candidates.length) {
      this.counters.candidatesDropped++;
      return;
    }
    this.candidates[this.candidateCount++] = index;
  }

  /** @param transformed only those of transformed bytes */
  private scanGroups(entry: number, transformed: boolean): void {
    const groups = this.scans[this.view.table.ids[entry]];
    for (let g = 0; g < groups.length; g++) if (!transformed || groups[g].group.chain >= 0) this.scanEntry(groups[g], entry);
  }

  private scanEntry(scan: Scan, entry: number): void {
    const { table } = this.view;
    if (scan.group.chain < 0) {
      this.scanBytes(scan, table.offsets[entry], table.lengths[entry]);
      return;
    }
    const bytes = this.transformedOf(this.view, entry, scan.group.chain);
    this.arena.u8.set(bytes, this.scratch);
    this.scanBytes(scan, this.scratch, bytes.length);
  }

  /** One scan for the literals of two buffers that are the same bytes; undefined where one of them has none. */
  private sharedScan(one: number, other: number): Scan | undefined {
    const key = one * BUFFER_NAMES.length + other;
    let scan = this.shared.get(key);
    if (scan === undefined) {
      const groups = [one, other].map((id) => this.scans[id].find((s) => s.group.chain < 0)?.group);
      const merged = groups[0] && groups[1] && one !== other ? this.rules.union(groups[0], groups[1]) : undefined;
      scan = merged ? { group: merged, scan: undefined, streams: false } : null;
      this.shared.set(key, scan);
    }
    return scan ?? undefined;
  }

  private tablesOf(scan: Scan): LiteralScan {
    const tables = literalScan(this.arena, scan.group.literals);
    // Without room for tables it is slow: the next time there may be room.
    if (tables.bytes > 0) scan.scan = tables;
    return tables;
  }

  /** @returns how many literals were found: `scan.scan.found` */
  private scanBytes(scan: Scan, at: number, length: number): number {
    if (length <= 0) return 0;
    this.counters.scans++;
    this.counters.scannedBytes += length;
    const tables = scan.scan ?? this.tablesOf(scan);
    const n = tables.scan(at, length);
    const { found } = tables;
    for (let i = 0; i < n; i++) {
      const users = scan.group.users[found[i]];
      for (let k = 0; k < users.length; k++) this.addCandidate(users[k]);
    }
    return n;
  }

  // --- step two: conditions

  /** Tests the candidates, in the order of the rules. */
  private begin(
    context: MatchContext, flow: Flow | undefined, tx: Transaction | undefined, state: TxState, direction: Direction, at: number,
    level: Signature['level'], protocol: string,
  ): void {
    if (this.candidateCount === 0) return;
    // A copy: what an alert sets off may look for candidates of its own.
    const order: number[] = [];
    for (let i = 0; i < this.candidateCount; i++) order.push(this.candidates[i]);
    const { signatures } = this.rules;
    if (order.length > 1) order.sort((a, b) => (signatures[a].yields ?? 0) - (signatures[b].yields ?? 0) || a - b);
    const { view } = this;
    this.beside = state.partials;
    for (const index of order) {
      const s = signatures[index];
      if (s.level !== level || (s.program && level !== 'transaction') || state.partials.some((p) => p.signature === s && p.direction === direction)) continue;
      if (!s.either && s.parts[0].direction !== direction) continue;
      if (!this.headerFits(s, context, flow, direction, s.program ? (tx?.ruleProtocol ?? protocol) : protocol)) continue;
      this.counters.candidates++;
      this.profile?.start();
      const where = tx ? `t${tx.id}` : level === 'stream' ? 's' : `p${context.packet.number}`;
      const partial = newPartial(s, direction, `${s.info.sid}:${flow?.id ?? 0}:${where}`);
      for (const kept of state.kept) this.update(partial, s.parts[0], partial.truth[0], kept, -1, direction);
      for (const [i, v] of s.verdicts.entries()) if (v.request) for (const kept of state.kept) this.update(partial, v.request, partial.verdictRequest[i] as Int8Array, kept, -1, direction);
      this.advance(context, flow, tx, partial, direction, at, view);
      if (!partial.done || partial.phase > 0) this.remember(state, partial);
      this.profile?.stop(s.info, true, partial.phase >= s.parts.length);
    }
  }

  /** Takes the rules that wait in this transaction one stage on. */
  private proceed(
    context: MatchContext, flow: Flow | undefined, tx: Transaction | undefined, state: TxState, direction: Direction, at: number,
    partials = state.partials, view = this.view, window?: StreamWindow,
  ): void {
    this.beside = state.partials;
    for (const partial of partials) {
      if (partial.held) this.raise(context, flow, tx, partial, direction, true);
      if (partial.done) continue;
      if (window) {
        if (partial.signature.level !== 'stream') continue;
        this.streamView(window, partial.phase > 0 ? partial.since[direction] : 0);
      }
      this.profile?.start();
      this.advance(context, flow, tx, partial, direction, at, view);
      this.profile?.stop(partial.signature.info, false, false);
    }
  }

  private advance(context: MatchContext, flow: Flow | undefined, tx: Transaction | undefined, partial: Partial, direction: Direction, at: number, view: View): void {
    const s = partial.signature;
    const first = partial.phase;
    if (partial.phase < s.parts.length) {
      const part = s.parts[partial.phase];
      const side = s.either ? partial.direction : part.direction;
      const truth = partial.truth[partial.phase];
      if (side === direction) this.update(partial, part, truth, view, at, direction);
      else if (direction === 1 && side === 0 && s.level === 'stream') {
        // A client's stream goes on however often the server speaks between: what it lacks may still come.
        const over = truth.slice();
        close(over);
        if (decide(part.root, over) !== 1) return;
        truth.set(over);
      } else if (direction === 1 && side === 0 && s.program === undefined) close(truth); // the request is over
      // A parser may learn of the request from its answer (ports of FTP): rules of Suricata's wait for the request's end.
      else return;
      const result = decide(part.root, truth);
      if (result === 0) partial.done = true;
      if (result !== 1) {
        if (result === -1) this.updateVerdicts(partial, direction, at, view);
        return;
      }
      partial.phase++;
      if (flow?.matcher instanceof FlowState) {
        const { windows } = flow.matcher;
        partial.since = [windows[0].end, windows[1].end];
      }
    }
    this.updateVerdicts(partial, direction, at, view);
    if (partial.phase < s.parts.length) {
      // A response part that was waiting for the request's end may hold at this very stage.
      if (first < partial.phase && s.parts[partial.phase].direction === direction) this.advance(context, flow, tx, partial, direction, at, view);
      return;
    }
    if (first < s.parts.length) this.attempted(context, flow, tx, partial, direction);
    else this.raise(context, flow, tx, partial, direction, false);
  }

  private attempted(context: MatchContext, flow: Flow | undefined, tx: Transaction | undefined, partial: Partial, direction: Direction): void {
    const { threshold, info, program } = partial.signature;
    if (program) {
      partial.done = true;
      this.suricata.matched(flow, tx, partial.signature, direction, partial.seen);
      return;
    }
    if (threshold) {
      const [source, destination] = endpoints(context, flow, partial.signature.attacker);
      if (this.later) partial.later = { kind: 'threshold', threshold, sid: info.sid, source, destination, match: `${partial.key} ${context.packet.number}`, fresh: true };
      else partial.suppressed = !this.thresholds.pass(threshold, info.sid, source, destination, context.nowUs);
    }
    this.raise(context, flow, tx, partial, direction, true);
  }

  /** Finds the highest verdict that holds, and says so when it is new. */
  private raise(context: MatchContext, flow: Flow | undefined, tx: Transaction | undefined, partial: Partial, direction: Direction, fresh: boolean): void {
    const s = partial.signature;
    let best = partial.verdict;
    let open = false;
    for (let i = s.verdicts.length - 1; i > partial.verdict; i--) {
      const v = s.verdicts[i];
      const request = v.request ? decide(v.request.root, partial.verdictRequest[i] as Int8Array) : 1;
      const response = v.response ? decide(v.response.root, partial.verdictResponse[i] as Int8Array) : 1;
      if (request === 1 && response === 1) {
        best = i;
        break;
      }
      if (request !== 0 && response !== 0) open = true;
    }
    const raised = best > partial.verdict;
    partial.verdict = best;
    if (!open) partial.done = true;
    if (!fresh && !raised) return;
    if (partial.suppressed) {
      this.counters.suppressed++;
      return;
    }
    partial.held = (s.yields ?? 0) > 0 && this.undecided(partial);
    if (partial.held || (s.yields && this.named(partial))) return;
    if (!s.info.silent) this.hit(context, flow, tx, partial, direction);
  }

  /** Whether a rule that yields less has told of the same attack, with as high a verdict. */
  private named(partial: Partial): boolean {
    const reached = (p: Partial): number => (p.verdict < 0 ? 0 : VERDICTS.indexOf(p.signature.verdicts[p.verdict].is));
    return this.beside.some((p) => (p.signature.yields ?? 0) < partial.signature.yields! && !p.suppressed && p.phase === p.signature.parts.length && p.signature.program === undefined
      && p.signature.info.phase !== 'reconnaissance' && reached(p) >= reached(partial));
  }

  /** Whether the rest of the request may still bring an alert that a rule would yield to. */
  private undecided(partial: Partial): boolean {
    return this.beside.some((p) => (p.signature.yields ?? 0) < partial.signature.yields! && !p.done && p.signature.program === undefined && p.signature.level === 'transaction'
      && p.phase < p.signature.parts.length && p.signature.parts[p.phase].direction === 0);
  }

  private hit(context: MatchContext, flow: Flow | undefined, tx: Transaction | undefined, partial: Partial, direction: Direction): void {
    this.counters.hits++;
    const s = partial.signature;
    const v = partial.verdict >= 0 ? s.verdicts[partial.verdict] : undefined;
    const verdict: Verdict = v?.is ?? 'attempted';
    const severity: Severity = v?.severity ?? s.info.severity;
    this.onHit({
      signature: s, flow, tx, direction, verdict, severity, because: v?.because ?? s.because, attacker: s.attacker, key: partial.key,
      timeUs: context.nowUs, packetNumber: context.packet.number, matched: () => matchedOf(partial.seen), later: partial.later && [partial.later],
    }, context);
    if (partial.later) partial.later = { ...partial.later, fresh: false };
  }

  private suricataHit(hit: SuricataHit, context: MatchContext): void {
    this.counters.hits++;
    const { signature: s, flow, direction } = hit;
    const window = hit.stream && flow?.matcher instanceof FlowState ? flow.matcher.windows[direction] : undefined;
    this.onHit({
      signature: s, flow, tx: hit.tx ?? hit.beside, direction, verdict: 'attempted', severity: s.info.severity, because: s.because, attacker: s.attacker, key: hit.key,
      timeUs: context.nowUs, packetNumber: context.packet.number, matched: () => matchedOf(hit.seen), later: hit.later,
      suricata: { about: hit.about, pseudo: hit.pseudo, stream: hit.stream || hit.tx !== undefined, streamBytes: window && this.arena.u8.slice(window.at, window.at + window.length) },
    }, context);
  }

  private updateVerdicts(partial: Partial, direction: Direction, at: number, view: View): void {
    const { verdicts } = partial.signature;
    for (let i = partial.verdict + 1; i < verdicts.length; i++) {
      const v = verdicts[i];
      const request = partial.verdictRequest[i];
      const response = partial.verdictResponse[i];
      if (v.request && request) {
        if (direction === 0) this.update(partial, v.request, request, view, at, direction);
        else close(request);
      }
      if (v.response && response && direction === 1 && partial.phase > 0) this.update(partial, v.response, response, view, at, direction);
    }
  }

  /** Tests what isn't decided yet; `at` -1: an earlier stage, which makes nothing false. */
  private update(partial: Partial, part: Part, truth: Int8Array, view: View, at: number, direction: Direction): void {
    for (const leaf of part.leaves) {
      if (truth[leaf.slot] === 1) continue;
      if (this.leaf(leaf, view, partial, direction)) truth[leaf.slot] = 1;
      else if (leaf.absent && has(view, leaf.buffer)) truth[leaf.slot] = 0;
      // A rule that is looked at always was there when the buffer was; to others earlier stages have been shown.
      else if (truth[leaf.slot] === -1 && at >= leaf.final) truth[leaf.slot] = leaf.absent && (at === leaf.final || partial.signature.fast) ? 1 : 0;
      // What can't hold any more needs no further tests.
      if (truth[leaf.slot] === 0 && decide(part.root, truth) === 0) return;
      // On streams a negation is asked anew with each chunk.
    }
  }

  private leaf(leaf: Leaf, view: View, partial: Partial, direction: Direction): boolean {
    const { table } = view;
    let instances = 0;
    for (let i = 0; i < table.count; i++) {
      if (table.ids[i] !== leaf.buffer) continue;
      let { u8 } = view;
      let from = table.offsets[i];
      let to = from + table.lengths[i];
      let origin = view.origins ? view.origins[i] : from;
      if (leaf.chain >= 0) {
        u8 = this.transformedOf(view, i, leaf.chain);
        from = 0;
        to = u8.length;
        origin = 0;
      }
      const ok = leaf.bytes ? this.suricata.tester.test(leaf.bytes, u8, from, to, origin) : this.tester.test(leaf, u8, from, to, origin);
      if (!ok) continue;
      if (leaf.instances) {
        instances++;
        continue;
      }
      see(partial.seen, leaf.buffer, direction, u8, from, to, leaf.bytes ? this.suricata.tester.marked() : this.tester.marked());
      return true;
    }
    if (leaf.instances) return instances >= leaf.instances.min && instances <= leaf.instances.max && (instances > 0 || leaf.instances.max === 0);
    if (leaf.nth !== undefined) return this.nthNumber(leaf, leaf.nth, table);
    for (let i = 0; i < table.numberCount; i++) {
      if (table.numberIds[i] !== leaf.buffer) continue;
      if (leaf.bytes ? this.suricata.tester.test(leaf.bytes, EMPTY, 0, 0, 0, table.numbers[i]) : this.tester.test(leaf, EMPTY, 0, 0, 0, table.numbers[i])) return true;
    }
    return false;
  }

  /** One number by its place, or all of a buffer. */
  private nthNumber(leaf: Leaf, nth: number | 'all', table: BufferTable): boolean {
    const numbers: number[] = [];
    for (let i = 0; i < table.numberCount; i++) if (table.numberIds[i] === leaf.buffer) numbers.push(table.numbers[i]);
    const holds = (n: number) => this.suricata.tester.test(leaf.bytes ?? [], EMPTY, 0, 0, 0, n);
    if (nth === 'all') return numbers.length > 0 && numbers.every(holds);
    const n = numbers.at(nth);
    return n !== undefined && holds(n);
  }

  private transformedOf(view: View, entry: number, chain: number): Buffer {
    const key = chain * MAX_ENTRIES + entry;
    let bytes = view.transformed.get(key);
    if (!bytes) {
      const at = view.table.offsets[entry];
      bytes = transform(this.rules.chains[chain] ?? [], view.u8.subarray(at, at + view.table.lengths[entry]));
      view.transformed.set(key, bytes);
    }
    return bytes;
  }

  private headerFits(s: Signature, context: MatchContext, flow: Flow | undefined, direction: Direction, protocol: string): boolean {
    const { header } = s;
    if ((header.directions & (direction === 0 ? 1 : 2)) === 0 && s.either) return false;
    if (header.apps.length > 0 && protocol !== '' && !header.apps.includes(protocol) && !(header.apps.includes('file') && protocol !== '')) return false;
    const { packet, arena } = context;
    if (header.transports.length > 0 && !header.transports.includes(flow?.protocol ?? packet.protocol)) return false;
    if (header.source.any && header.destination.any && header.sourcePorts.any && header.destinationPorts.any) return true;
    let u8: Uint8Array;
    let client: number;
    let server: number;
    let length: number;
    let clientPort: number;
    let serverPort: number;
    if (flow) {
      u8 = flow.addresses;
      length = flow.ipVersion === 6 ? 16 : 4;
      client = 0;
      server = 16;
      clientPort = flow.clientPort;
      serverPort = flow.serverPort;
    } else {
      u8 = arena.u8;
      length = packet.ipVersion === 6 ? 16 : 4;
      client = packet.srcOffset;
      server = packet.dstOffset;
      clientPort = packet.srcPort;
      serverPort = packet.dstPort;
    }
    if (header.sides === 'packet' && flow && direction === 1) {
      [client, server] = [server, client];
      [clientPort, serverPort] = [serverPort, clientPort];
    }
    const fits = (a: number, ap: number, b: number, bp: number) =>
      header.sourcePorts.has(ap) && header.destinationPorts.has(bp) && header.source.has(u8, a, length) && header.destination.has(u8, b, length);
    return fits(client, clientPort, server, serverPort) || (header.bidirectional && fits(server, serverPort, client, clientPort));
  }

  private remember(state: TxState, partial: Partial): void {
    if (state.partials.length >= MAX_PARTIALS) {
      const over = state.partials.findIndex((p) => p.done);
      if (over < 0) {
        this.counters.partialsDropped++;
        return;
      }
      state.partials.splice(over, 1);
    }
    state.partials.push(partial);
  }

  /** Copies the buffers that rules may ask for when a later stage makes them candidates. */
  private keep(state: TxState, table: BufferTable): void {
    const { kept } = this.rules;
    if (kept.size === 0) return;
    let bytes = 0;
    let count = 0;
    for (let i = 0; i < table.count; i++) {
      if (!kept.has(table.ids[i])) continue;
      bytes += table.lengths[i];
      count++;
    }
    for (let i = 0; i < table.numberCount; i++) if (kept.has(table.numberIds[i])) count++;
    if (count === 0) return;
    if (state.keptBytes + bytes > MAX_KEPT) {
      this.counters.keptDropped++;
      return;
    }
    const u8 = new Uint8Array(bytes);
    const copy = new BufferTable(count);
    let at = 0;
    for (let i = 0; i < table.count; i++) {
      if (!kept.has(table.ids[i])) continue;
      u8.set(this.arena.u8.subarray(table.offsets[i], table.offsets[i] + table.lengths[i]), at);
      copy.add(table.ids[i], at, table.lengths[i]);
      at += table.lengths[i];
    }
    for (let i = 0; i < table.numberCount; i++) if (kept.has(table.numberIds[i])) copy.addNumber(table.numberIds[i], table.numbers[i]);
    state.keptBytes += bytes;
    state.kept.push({ u8, table: copy, origins: undefined, transformed: new Map() });
  }
}

const EMPTY = new Uint8Array(0);
/** What a packet shows. */
const PACKET_BUFFERS = (['payload', 'icmp.payload', 'ipv4.hdr', 'ipv6.hdr', 'tcp.hdr', 'udp.hdr', 'icmpv4.hdr', 'icmpv6.hdr', 'ip.src', 'ip.dst', 'ether.hdr', 'sctp.hdr'] as const).map((name) => B[name]);

function has(view: View, buffer: number): boolean {
  return view.table.find(buffer) >= 0;
}

function stateOf(flow: Flow): FlowState {
  return (flow.matcher ??= new FlowState()) as FlowState;
}

/** No more bytes of this side: what isn't true is false. */
function close(truth: Int8Array): void {
  for (let i = 0; i < truth.length; i++) if (truth[i] === -1) truth[i] = 0;
}

function see(seen: Seen[], buffer: number, direction: Direction, u8: Uint8Array, from: number, to: number, marks: [number, number][]): void {
  if (seen.length >= MAX_MATCHED) return;
  const first = marks[0]?.[0] ?? 0;
  // Some context before the first mark, and what follows it.
  const start = to - from <= MATCHED_BYTES ? 0 : Math.max(0, Math.min(first - 128, to - from - MATCHED_BYTES));
  const length = Math.min(MATCHED_BYTES, to - from - start);
  seen.push({
    buffer, direction, bytes: u8.slice(from + start, from + start + length), cutFront: start > 0, cutBack: start + length < to - from,
    marks: marks.filter(([a, b]) => b > start && a < start + length).map(([a, b]) => [Math.max(0, a - start), Math.min(length, b - start)]),
  });
}

function matchedOf(seen: readonly Seen[]): MatchedBuffer[] {
  return seen.map((s) => ({
    buffer: BUFFER_NAMES[s.buffer], direction: s.direction === 0 ? 'to_server' : 'to_client', data: Buffer.from(s.bytes).toString('base64'), marks: s.marks,
    ...(s.cutFront || s.cutBack ? { cut: [s.cutFront, s.cutBack] as [boolean, boolean] } : {}),
  }));
}

/** Attacker and victim as keys of the thresholds. */
function endpoints(context: MatchContext, flow: Flow | undefined, attacker: 'client' | 'server'): [string, string] {
  const { packet, arena } = context;
  const n = (flow?.ipVersion ?? packet.ipVersion) === 6 ? 16 : 4;
  const hex = (u8: Uint8Array, at: number) => Buffer.from(u8.buffer, u8.byteOffset + at, n).toString('hex');
  const client = flow ? hex(flow.addresses, 0) : hex(arena.u8, packet.srcOffset);
  const server = flow ? hex(flow.addresses, 16) : hex(arena.u8, packet.dstOffset);
  return attacker === 'client' ? [client, server] : [server, client];
}

function wantsOf(rules: RuleSet): number {
  let bits = rules.hasStream ? Wants.Stream : 0;
  if (rules.byEvent.size > 0) bits |= Wants.PacketEvents;
  for (const s of rules.signatures) {
    if (s.program) {
      if (s.program.kind === 'protocol') bits |= Wants.Protocol;
      if (s.program.storesFiles) bits |= Wants.Files;
      if (s.program.storesCertificates) bits |= Wants.Certificates;
      const { transports } = s.header;
      const all = transports.length === 0;
      // A tagged host speaks any protocol.
      if (s.program.tags.some((t) => t.what === 'host')) bits |= Wants.Tcp | Wants.TcpEmpty | Wants.Udp | Wants.Icmp | Wants.Sctp | Wants.OtherIp;
      // Acknowledgements decide when what a stream has matched is told.
      if (all || transports.includes(6)) bits |= Wants.Tcp | Wants.TcpEmpty;
      if (all || transports.includes(17)) bits |= Wants.Udp;
      if (all || transports.includes(1) || transports.includes(58)) bits |= Wants.Icmp;
      if (all || transports.includes(132)) bits |= Wants.Sctp;
      if (all || transports.some((t) => ![1, 6, 17, 58, 132].includes(t))) bits |= Wants.OtherIp;
      if (s.level !== 'transaction' && s.header.transports.length === 0) bits |= Wants.Arp;
      continue;
    }
    if (s.level !== 'packet') continue;
    const { transports } = s.header;
    const all = transports.length === 0;
    if (all || transports.includes(6)) bits |= Wants.Tcp;
    if (all || transports.includes(17)) bits |= Wants.Udp;
    if (all || transports.includes(1)) bits |= Wants.Icmp;
    if (all) bits |= Wants.Sctp | Wants.OtherIp;
    if ((all || transports.includes(6)) && !s.fast?.every((f) => f.buffer === B.payload)) bits |= Wants.TcpEmpty;
  }
  return bits;
}
