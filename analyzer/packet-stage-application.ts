import type { AppParser, ProtocolEntry } from './app/parser.js';
import { PROTOCOL } from './decode/packet.js';
import type { Direction, Flow } from './flow/flow.js';
import type { MatchContext, Matcher } from './match/matcher.js';
import { AppState, type Session } from './stream/session.js';

/** First bytes of a direction that are kept while its protocol is not known; every identifier decides on less. */
const MAX_IDENTIFY_BYTES = 4096;
/** Datagrams looked at before a UDP flow's protocol is given up. */
const MAX_IDENTIFY_DATAGRAMS = 4;

/** Feeds streams and datagrams to the parser of their protocol, found by their first bytes on any port. */
export class Application {
  identified = 0;
  unidentified = 0;
  parserFailures = 0;
  /** Bytes of parsers that wanted more kept than there is room for. */
  heldRefused = 0;
  /** Flows whose parser could not go on behind missing bytes: what was under way is told, the rest is raw payload. */
  parsersLost = 0;
  private maybe = false;
  private readonly tcp: readonly ProtocolEntry[];
  private readonly udp: readonly ProtocolEntry[];
  /** What a server's port is known for. */
  private readonly byUdpPort = new Map<number, ProtocolEntry>();

  constructor(
    private readonly context: MatchContext,
    private readonly matcher: Matcher,
    protocols: readonly ProtocolEntry[],
    private readonly onDecided: (flow: Flow) => void = () => {},
  ) {
    this.tcp = protocols.filter((entry) => entry.transport === 'tcp');
    this.udp = protocols.filter((entry) => entry.transport === 'udp');
    for (const entry of this.udp) for (const port of entry.ports) this.byUdpPort.set(port, entry);
  }

  /**
   * Whether the first payload of a flow picked up in its middle comes from the server, although its first packet was
   * taken for the client's.
   */
  isServers(flow: Flow, at: number, length: number): boolean {
    const entries = flow.protocol === PROTOCOL.Udp ? this.udp : this.tcp;
    const { u8 } = this.context.arena;
    for (const entry of entries) {
      const known = entry.ports.includes(flow.clientPort);
      const asClient = entry.identify(u8, at, length, 0, entry.ports.includes(flow.serverPort)) === 1;
      const asServer = entry.identify(u8, at, length, 1, known) === 1;
      if (!asClient && !asServer) continue;
      if (asClient !== asServer) return asServer;
      return entry.isServers?.(u8, at, length) ?? (known && !entry.ports.includes(flow.serverPort));
    }
    return false;
  }

  /** In-order bytes of a TCP stream. */
  stream(session: Session, direction: Direction, at: number, length: number): void {
    if (session.state === AppState.Raw) return;
    const held = session.held(direction);
    if (held === undefined || held.length === 0) {
      const left = this.present(session, direction, at, length);
      if (left > 0) this.keep(session, direction, at + length - left, left);
      return;
    }
    if (!held.append(at, length)) return this.overflow(session);
    const kept = held.length;
    const left = this.present(session, direction, held.at, kept);
    if (held.length === kept) held.consume(kept - left); // else the parser was let go, and its bytes with it
  }

  /** Whether a first datagram is no protocol's, whatever follows it. */
  isNothing(at: number, length: number, direction: Direction, serverPort: number): boolean {
    const { u8 } = this.context.arena;
    const usual = this.byUdpPort.get(serverPort);
    if (usual !== undefined && usual.identify(u8, at, length, direction, true) >= 0) return false;
    for (const entry of this.udp) if (entry.expects !== undefined || entry.identify(u8, at, length, direction, entry.ports.includes(serverPort)) >= 0) return false;
    this.unidentified++;
    return true;
  }

  /** The first datagram of the session's flow was no protocol's. */
  nothingYet(session: Session): void {
    session.state = AppState.Raw;
    session.rival = this.byUdpPort.get(session.flow.serverPort);
  }

  /** One UDP datagram (or SCTP chunk). */
  datagram(session: Session, direction: Direction, at: number, length: number): void {
    if (length === 0 || (session.state === AppState.Raw && session.rival === undefined)) return;
    const { flow } = session;
    if (session.state === AppState.Identifying) {
      // What the port is for comes first: it would take over with its next datagram anyway.
      const usual = this.byUdpPort.get(flow.serverPort);
      const entry = usual?.identify(this.context.arena.u8, at, length, direction, true) === 1 ? usual : this.find(this.udp, session, direction, at, length);
      if (entry === undefined || !entry.ports.includes(flow.serverPort)) session.rival = usual;
      if (entry === undefined) {
        if (this.maybe && ++session.attempts < MAX_IDENTIFY_DATAGRAMS) return;
        return this.giveUp(session);
      }
      this.decide(session, entry, direction);
    } else if (session.rival?.identify(this.context.arena.u8, at, length, direction, true) === 1) {
      // Datagrams that look like something else came first; this one is what the server's port is for.
      this.drop(session);
      this.decide(session, session.rival as ProtocolEntry, direction);
      session.rival = undefined;
    }
    if (flow.parser !== undefined && this.call(session, direction, at, length) < 0) this.drop(session);
  }

  /** Bytes that will never come. */
  gap(session: Session, direction: Direction, missing: number): void {
    const held = session.held(direction);
    const lost = missing + (held?.length ?? 0);
    held?.clear();
    if (session.state === AppState.Identifying) {
      session.failed |= 1 << direction;
      if (session.failed === 3) this.giveUp(session);
      return;
    }
    const { parser } = session.flow;
    if (session.state !== AppState.Parsing || parser === undefined) return;
    let goesOn = false;
    try {
      goesOn = parser.gap(this.context, session.flow, direction, lost);
    } catch {
      this.parserFailures++;
    }
    if (goesOn) return;
    this.parsersLost++;
    // What it had begun is told as far as it is known.
    for (const side of [0, 1] as const) this.end(session, side);
    this.drop(session);
  }

  /** No more bytes in this direction. */
  end(session: Session, direction: Direction): void {
    if ((session.ended & (1 << direction)) !== 0) return;
    session.ended |= 1 << direction;
    const { parser } = session.flow;
    if (session.state === AppState.Parsing && parser !== undefined) {
      try {
        const held = session.held(direction);
        if (held !== undefined && held.length > 0) parser.rest?.(this.context, session.flow, direction, held.at, held.length);
        parser.end(this.context, session.flow, direction);
      } catch {
        this.parserFailures++;
        this.drop(session);
      }
    }
    session.held(direction)?.clear();
  }

  /** Lets go of everything. */
  close(session: Session): void {
    this.drop(session);
  }

  /** @returns how many bytes at the end of what was presented are to be kept. */
  private present(session: Session, direction: Direction, at: number, length: number): number {
    if (session.state === AppState.Identifying) {
      if ((session.failed & (1 << direction)) !== 0) return length <= MAX_IDENTIFY_BYTES ? length : this.abandon(session);
      const entry = this.find(this.tcp, session, direction, at, length);
      if (entry === undefined) {
        if (length > MAX_IDENTIFY_BYTES) return this.abandon(session);
        if (!this.maybe) {
          session.failed |= 1 << direction;
          if (session.failed === 3) return this.abandon(session);
        }
        return length;
      }
      this.decide(session, entry, direction);
      // What the other side sent before came first.
      const other = (1 - direction) as Direction;
      const waiting = session.held(other);
      if (waiting !== undefined && waiting.length > 0) {
        const had = waiting.length;
        const used = this.call(session, other, waiting.at, had);
        if (used < 0) {
          this.drop(session);
          return 0;
        }
        waiting.consume(used);
      }
    }
    return this.parse(session, direction, at, length);
  }

  private parse(session: Session, direction: Direction, at: number, length: number): number {
    if (session.state !== AppState.Parsing) return 0;
    const used = this.call(session, direction, at, length);
    if (used < 0) {
      this.drop(session);
      return 0;
    }
    return length - used;
  }

  private call(session: Session, direction: Direction, at: number, length: number): number {
    const { flow } = session;
    flow.see(direction, length);
    try {
      const used = (flow.parser as AppParser).data(this.context, flow, direction, at, length);
      return used > length ? length : used;
    } catch {
      // A parser never throws; should one, its flow goes on as raw payload and the others are not touched.
      this.parserFailures++;
      return -1;
    }
  }

  /** The entry that takes the bytes; `maybe` tells whether more could decide. */
  private find(
    entries: readonly ProtocolEntry[], session: Session, direction: Direction, at: number, length: number,
  ): ProtocolEntry | undefined {
    const { flow } = session;
    const { u8 } = this.context.arena;
    this.maybe = false;
    for (const entry of entries) {
      if (entry.expects?.(flow) === true) return entry;
      const answer = entry.identify(u8, at, length, direction, entry.ports.includes(flow.serverPort));
      if (answer === 1) return entry;
      if (answer === 0) this.maybe = true;
    }
    return undefined;
  }

  private decide(session: Session, entry: ProtocolEntry, direction: Direction): void {
    const { flow } = session;
    flow.app = entry.protocol;
    flow.parser = entry.create(flow);
    session.state = AppState.Parsing;
    this.identified++;
    this.onDecided(flow);
    this.matcher.appDecided(this.context, flow, direction);
  }

  private abandon(session: Session): 0 {
    this.giveUp(session);
    return 0;
  }

  private giveUp(session: Session): void {
    session.flow.app = 'failed';
    this.unidentified++;
    this.drop(session);
  }

  private drop(session: Session): void {
    const { parser } = session.flow;
    session.flow.parser = undefined;
    if (parser?.close !== undefined) {
      try {
        parser.close(this.context);
      } catch {
        this.parserFailures++;
      }
    }
    session.state = AppState.Raw;
    session.held(0)?.clear();
    session.held(1)?.clear();
  }

  private overflow(session: Session): void {
    this.heldRefused++;
    this.drop(session);
  }

  private keep(session: Session, direction: Direction, at: number, length: number): void {
    if (session.state === AppState.Raw) return;
    const held = session.hold(direction, this.context.arena);
    if (!held.append(at, length)) this.overflow(session);
  }
}
