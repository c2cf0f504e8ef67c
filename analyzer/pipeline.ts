import { protocols } from './app/registry.js';
import type { Arena } from './arena.js';
import { ANOMALIES } from './decode/anomalies.js';
import { badChecksum } from './decode/checksum.js';
import { decode, decodeDatagram, decoderOf } from './decode/decoder.js';
import { readQuote } from './decode/quote.js';
import { Defragmenter } from './decode/defragmentation.js';
import type { Layer } from './decode/dispatch.js';
import { MAX_PACKET_ANOMALIES, Packet, PROTOCOL, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, TCP_URG } from './decode/packet.js';
import { ConnectionKind, ConnectionLog } from './flow/connection-log.js';
import { Flow, type Direction } from './flow/flow.js';
import { fillFlowEvent } from './flow/flow-event.js';
import { identify } from './flow/flow-identity.js';
import { D, type EndReason, FINISHED, FlowClass, FlowTable, SlotFlag, W, WAITING } from './flow/flow-table.js';
import { PacketRing } from './flow/packet-ring.js';
import { plainlyElsewhere, shardOf } from './flow/shard.js';
import { type Matcher, type PacketSourceInfo, Wants } from './match/matcher.js';
import type { Evidence, Outputs } from './outputs.js';
import { Application } from './packet-stage-application.js';
import { DEFAULT_PACKET_STAGE, type PacketStageConfig } from './packet-stage-config.js';
import { StageContext } from './packet-stage-context.js';
import { PlainSegments, TTL_SLACK } from './plain-segments.js';
import { Accepted, Reassembly, type StreamSink, type TcpStream } from './stream/reassembly.js';
import { Session } from './stream/session.js';
import { follow, setTcpState, T, TCP_STATES, tcpState } from './stream/tcp-state.js';
import { TRAFFIC, type Traffic, TrafficCounters } from './traffic.js';

/** Clients of every stack take their ports from here on. */
const EPHEMERAL = 32_768;
/** pcap's link type number of Ethernet. */
const ETHERNET = 1;
/** Capture points told apart in the flow key: 8 bits. */
const MAX_SOURCES = 256;
/** Sessions and flows that have ended and wait for another connection. */
const MAX_SPARE = 16_384;

export interface PacketStageDependencies {
  arena: Arena;
  config?: Partial<PacketStageConfig>;
  matcher: Matcher;
  outputs: Outputs;
}

/** Decode → flow → stream → application → match, packet after packet. Never throws on bytes; never asks the machine's clock. */
export class PacketStage {
  readonly config: PacketStageConfig;
  readonly table: FlowTable;
  readonly ring = new PacketRing();
  readonly context: StageContext;
  readonly packetUnderWay = new Packet();
  private readonly arena: Arena;
  private readonly u8: Uint8Array;
  private readonly matcher: Matcher;
  private readonly outputs: Outputs;
  private readonly quoted = new Packet();
  private readonly defragmenter: Defragmenter;
  private readonly reassembly: Reassembly;
  private readonly application: Application;
  private readonly connections: ConnectionLog;
  private readonly flowEvents: PacketStageConfig['flowEvents'];
  private readonly sessions: (Session | undefined)[];
  private readonly flows: (Flow | undefined)[];
  private readonly spare: Session[] = [];
  private readonly spareFlows: Flow[] = [];
  private readonly counted = new TrafficCounters(protocols.map((entry) => entry.protocol).concat('ftp-data'));
  /** By slot: 1 where the first datagram was no protocol's, and no flow was made for it. */
  private readonly unknown: Uint8Array;
  private readonly plain: PlainSegments;
  /** Every packet is looked at closely. */
  private readonly verify: boolean;
  private kind = 0;
  private readonly sources = new Map<string, number>();
  private readonly numbers = new Map<string, number>();
  private sourceInfo: PacketSourceInfo = { node: '', unit: '', iface: '' };
  private sourceNumber = 0;
  private link: Layer | undefined;
  private linktype = -1;
  private slot = -1;
  private clock = 0;
  private expiredAt = 0;
  /** Shards by flow, and which one is ours. */
  private readonly shards: number;
  private readonly shard: number;

  packets = 0;
  bytes = 0;
  undecodable = 0;
  invalid = 0;
  badChecksums = 0;
  tcpPackets = 0;
  udpPackets = 0;
  icmpPackets = 0;
  otherPackets = 0;
  fragments = 0;
  oddProbes = 0;
  portReuse = 0;
  suspiciousResets = 0;
  suspiciousTtls = 0;
  suspiciousSegments = 0;
  urgentBytes = 0;

  constructor(deps: PacketStageDependencies) {
    this.config = { ...DEFAULT_PACKET_STAGE, ...deps.config };
    const { config } = this;
    this.shards = config.shard?.count ?? 1;
    this.shard = config.shard?.index ?? 0;
    this.arena = deps.arena;
    this.u8 = deps.arena.u8;
    this.matcher = deps.matcher;
    this.outputs = deps.outputs;
    this.table = new FlowTable({
      capacity: config.flows, timeouts: config.timeouts, seed: config.seed, onEnd: (slot, reason) => this.flowEnded(slot, reason),
    });
    this.sessions = vacant(config.flows);
    this.flows = vacant(config.flows);
    this.unknown = new Uint8Array(config.flows);
    this.context = new StageContext(this.arena, this.packetUnderWay, config, this.matcher, this.outputs, {
      flowOf: () => (this.slot < 0 ? undefined : this.flowAt(this.slot)),
      evidence: (flow, maxBytes) => this.evidence(flow, maxBytes),
      totals: (flow) => this.table.totals(flow.slot),
    });
    this.flowEvents = this.context.wants('flow') ? config.flowEvents : 'none';
    this.defragmenter = new Defragmenter(this.arena, config.defragmentation);
    this.reassembly = new Reassembly(this.arena, config.reassembly, this.streamSink());
    this.application = new Application(this.context, this.matcher, protocols, (flow) => {
      this.table.setTraffic(flow.slot, this.counted.idOf(flow.app));
    });
    this.verify = config.checksums === 'verify';
    this.plain = new PlainSegments({
      arena: this.arena, table: this.table, ring: this.ring, matcher: this.matcher, context: this.context, flows: this.flows, sessions: this.sessions,
      counted: this.counted,
    });
    this.connections = new ConnectionLog((records, count) => this.outputs.connections(records, count));
  }

  /** Says where the packets that follow come from. */
  source(info: PacketSourceInfo): void {
    if (info === this.sourceInfo) return;
    this.saveNumber();
    this.sourceInfo = info;
    let number = this.sources.get(info.node);
    if (number === undefined) {
      // Beyond 256 nodes at one worker numbers are shared: their flows still differ by addresses.
      number = this.sources.size % MAX_SOURCES;
      this.sources.set(info.node, number);
    }
    this.sourceNumber = number;
    this.context.source = info;
    this.packetUnderWay.number = this.numbers.get(sourceKey(info)) ?? 0;
  }

  /** Names of the nodes by `ConnectionRecord.source`. */
  nodes(): string[] {
    return [...this.sources.keys()];
  }

  /**
   * One packet that lies in the arena.
   * @param timeUs whole µs since the epoch; `nanos` what is below. @param linktype pcap's number.
   */
  packet(offset: number, captured: number, wire: number, timeUs: number, nanos: number, linktype: number): void {
    const p = this.packetUnderWay;
    const { context } = this;
    p.number++;
    this.packets++;
    this.bytes += wire;
    p.timeUs = timeUs;
    p.nanos = nanos;
    if (timeUs > this.clock) this.clock = timeUs;
    if (this.clock - this.expiredAt >= 100_000) this.tick(this.clock);
    if (linktype !== this.linktype) {
      this.linktype = linktype;
      this.link = decoderOf(linktype);
      p.linktype = linktype;
    }
    if (this.link === undefined) {
      this.undecodable++;
      return;
    }
    context.nowUs = timeUs;
    this.plain.found = -2;
    if (linktype === ETHERNET) {
      if (this.shards > 1 && plainlyElsewhere(this.arena.view, offset, offset + captured, this.shards, this.shard)) return;
      if (!this.verify && this.plain.take(offset, captured, wire, timeUs, nanos, this.sourceNumber)) return;
    }
    context.inPacket = true;
    context.reassembled = false;
    context.direction = 0;
    this.slot = -1;
    this.kind = TRAFFIC.Other;
    decode(this.u8, p, this.link, offset, captured, wire);
    if (p.fragment !== 0) this.fragment(p);
    else this.decoded(p);
    if (this.kind >= 0) {
      this.counted.packets[this.kind]++;
      this.counted.bytes[this.kind] += wire;
    }
    context.packetEnd();
  }

  /** The packets of a block are through. */
  blockEnd(): void {
    this.connections.flush();
  }

  /** Packet time has come this far although no packet says so (an idle source's clock). */
  tick(nowUs: number): void {
    if (nowUs > this.clock) this.clock = nowUs;
    this.expiredAt = this.clock;
    const inPacket = this.context.inPacket;
    this.context.inPacket = false;
    this.table.expire(this.clock, this.config.expireAtOnce);
    this.defragmenter.expire(this.clock);
    this.connections.flush();
    this.context.inPacket = inPacket;
  }

  /** End of the capture: every flow ends. */
  flush(): void {
    this.context.inPacket = false;
    this.table.clear('shutdown');
    this.defragmenter.clear();
    this.connections.flush();
  }

  /** The reader is about to overwrite arena bytes [from, to) of its ring. */
  overwrite(from: number, to: number): void {
    this.ring.claim(from, to);
  }

  /** Packets and bytes by application protocol since the start. */
  traffic(): Traffic[] {
    return this.counted.list();
  }

  /** Counters since the start, and gauges. */
  stats(): Record<string, number> {
    const { table, reassembly, application, defragmenter, context } = this;
    return {
      packets: this.packets, bytes: this.bytes, undecodable: this.undecodable, invalid: this.invalid,
      badChecksums: this.badChecksums, tcp: this.tcpPackets + this.plain.packets, plain: this.plain.packets, udp: this.udpPackets, icmp: this.icmpPackets,
      other: this.otherPackets, fragments: this.fragments, oddProbes: this.oddProbes, portReuse: this.portReuse,
      suspiciousResets: this.suspiciousResets, suspiciousTtls: this.suspiciousTtls, suspiciousSegments: this.suspiciousSegments, urgentBytes: this.urgentBytes,
      flows: table.size, flowsOpened: table.opened, flowsEvicted: table.evicted, flowsEvictedEstablished: table.evictedProven,
      flowsRefused: table.refused, flowsHalfOpen: table.countOf(FlowClass.TcpNew), flowsPeak: table.peak,
      streamGaps: reassembly.gaps, streamMissingBytes: reassembly.missingBytes, streamForcedGaps: reassembly.forced,
      streamRetransmissions: reassembly.retransmissions, streamOutOfOrder: reassembly.outOfOrder,
      streamOverlaps: reassembly.overlaps, streamOutOfWindow: reassembly.outOfWindow, streamShed: reassembly.shed,
      streamQueuedBytes: reassembly.queued, arenaBytes: this.arena.used,
      datagramsDefragmented: defragmenter.completed, fragmentsDropped: defragmenter.dropped,
      fragmentTimeouts: defragmenter.timeouts,
      identified: application.identified, unidentified: application.unidentified,
      parserFailures: application.parserFailures, heldRefused: application.heldRefused, parsersLost: application.parsersLost,
      anomalies: context.anomalies, anomaliesUnsaid: context.anomaliesUnsaid,
    };
  }

  private fragment(p: Packet): void {
    this.fragments++;
    const length = this.defragmenter.add(p, this.sourceNumber);
    if (length > 0) {
      const at = this.defragmenter.at;
      decodeDatagram(this.u8, p, at, length);
      if (p.fragment === 0) {
        this.decoded(p);
        this.defragmenter.release();
        return;
      }
      this.defragmenter.release();
    }
    if (this.shards > 1 && this.elsewhere(p)) return;
    if (p.anomalies > 0) this.anomaliesOf(p, undefined);
    this.ring.add(p, 0);
    if ((this.matcher.wants & Wants.OtherIp) !== 0) this.matcher.packet(this.context, undefined, 0);
  }

  /** Whether a packet is another shard's. Fragments are put together in all of them: only the whole says whose it is. */
  private elsewhere(p: Packet): boolean {
    const about = p.quoteOffset !== 0 && (p.protocol === PROTOCOL.Icmp || p.protocol === PROTOCOL.Icmpv6) && this.readQuoted(p) ? this.quoted : p;
    if (shardOf(this.arena.view, about, this.shards) === this.shard) return false;
    this.kind = -1;
    return true;
  }

  private decoded(p: Packet): void {
    if (this.shards > 1 && this.elsewhere(p)) return;
    if (p.transportOffset === 0) {
      this.withoutTransport(p);
      return;
    }
    if (this.verify) {
      const wrong = badChecksum(this.u8, p);
      if (wrong >= 0) {
        this.badChecksums++;
        p.flag(wrong);
        this.anomaliesOf(p, undefined);
        this.ring.add(p, 0);
        return;
      }
    }
    switch (p.protocol) {
      case PROTOCOL.Tcp:
        this.tcpPackets++;
        this.tcp(p);
        break;
      case PROTOCOL.Udp:
        this.udpPackets++;
        this.udp(p, Wants.Udp);
        break;
      case PROTOCOL.Icmp:
      case PROTOCOL.Icmpv6:
        this.icmpPackets++;
        this.icmp(p);
        break;
      case PROTOCOL.Sctp:
        this.otherPackets++;
        this.udp(p, Wants.Sctp);
        break;
      default:
        this.otherPackets++;
        this.udp(p, Wants.OtherIp);
    }
  }

  /** ARP, what has no IP layer, and what was too broken to have a transport. */
  private withoutTransport(p: Packet): void {
    this.ring.add(p, 0);
    if (p.anomalies > 0) {
      this.invalid++;
      this.anomaliesOf(p, undefined);
    }
    const { wants } = this.matcher;
    if (p.arp !== 0) {
      if ((wants & Wants.Arp) !== 0) this.matcher.packet(this.context, undefined, 0);
      if (p.tunnelDepth === 0) this.arp(p);
    } else if (p.ipVersion !== 0 && (wants & Wants.OtherIp) !== 0) this.matcher.packet(this.context, undefined, 0);
  }

  /** ARP as an EVE event's worth of addresses: the behaviour stage watches who claims what. */
  private arp(p: Packet): void {
    if (!this.context.wants('arp')) return;
    const { u8 } = this;
    const at = p.arpOffset;
    const mac = (offset: number): string =>
      Array.from(u8.subarray(offset, offset + 6), (byte) => byte.toString(16).padStart(2, '0')).join(':');
    const event = this.context.header('arp', undefined, 0);
    event.arp = {
      hw_type: 'ethernet', proto_type: 'ipv4', opcode: p.arp === 1 ? 'request' : p.arp === 2 ? 'reply' : String(p.arp),
      src_mac: mac(at + 8), src_ip: event.src_ip, dest_mac: mac(at + 18), dest_ip: event.dest_ip,
    };
    this.outputs.event(event);
  }

  private tcp(p: Packet): void {
    const { table, u8, context } = this;
    this.kind = TRAFFIC.Tcp;
    let slot = this.plain.found;
    if (slot === -2) slot = table.find(u8, p, this.sourceNumber);
    if (slot >= 0 && (p.tcpFlags & TCP_SYN) !== 0) slot = this.reused(slot, p);
    if (slot < 0) {
      slot = this.openTcp(p);
      if (slot < 0) {
        this.ring.add(p, 0);
        if (p.anomalies > 0) this.anomaliesOf(p, undefined);
        const { wants } = this.matcher;
        if ((wants & Wants.Tcp) !== 0 && (p.payloadLength > 0 || (wants & Wants.TcpEmpty) !== 0)) {
          this.matcher.packet(context, undefined, 0);
        }
        return;
      }
    }
    let direction = table.direction;
    const { words } = table;
    const w = table.at(slot);
    const flags = p.tcpFlags;
    this.slot = slot;
    context.direction = direction;
    this.plain.disturb(slot);
    if (table.traffic(slot) !== 0) this.kind = table.traffic(slot);
    table.count(slot, direction, p);
    words[w + W.LastPacket] = this.ring.add(p, words[w + W.LastPacket] >>> 0);
    if (words[w + W.FirstPacket] === 0) words[w + W.FirstPacket] = p.number;
    if (direction === 1 && (words[w + W.Meta] & (SlotFlag.Answered << 24)) === 0) this.answered(slot, p);

    const ttlShift = direction === 0 ? 16 : 24;
    const usualTtl = (words[w + W.Scale] >>> ttlShift) & 255;
    if (usualTtl === 0) words[w + W.Scale] |= p.ttl << ttlShift;

    follow(table, slot, p, direction);
    if (p.anomalies > 0) this.anomaliesOf(p, this.flows[slot]);

    // Only where something waits does an acknowledgement touch the streams: most packets carry nothing else. It
    // comes before the payload: what it confirms was read before this was written.
    if ((words[w + W.Tcp] & (WAITING << (1 - direction))) !== 0 && (flags & (TCP_ACK | TCP_RST)) === TCP_ACK
      && ((p.tcpAck - words[w + W.ClientNext + 1 - direction]) | 0) <= 0) {
      const stream = (this.sessions[slot] as Session).stream((1 - direction) as Direction);
      this.reassembly.acknowledged(stream, p.tcpAck);
      if (stream.waiting === 0) words[w + W.Tcp] &= ~(WAITING << (1 - direction));
    }
    const doubtful = (flags & (TCP_RST | TCP_SYN)) === 0 && this.doubtful(p, w, direction, usualTtl);
    if ((words[w + W.Tcp] & FINISHED) !== 0) {
      if (p.payloadLength > 0) this.reassembly.retransmissions++;
    } else if (p.payloadLength > 0 && (flags & TCP_RST) === 0) {
      if (this.sessions[slot] === undefined) {
        this.startSession(slot, p, direction);
        direction = context.direction;
      }
      const session = this.sessions[slot] as Session;
      this.payload(session, slot, p, direction, doubtful);
    }
    if ((flags & TCP_FIN) !== 0 && !doubtful) {
      const fin = (p.tcpSeq + p.payloadLength + p.payloadMissing) | 0;
      const session = this.sessions[slot];
      if (session !== undefined) this.reassembly.finish(session.stream(direction), fin);
    }
    if ((flags & TCP_RST) !== 0) this.reset(slot, p, direction, usualTtl);
    else if ((flags & TCP_FIN) !== 0 || tcpState(table, slot) >= T.closed) this.classify(slot);

    const { wants } = this.matcher;
    if ((wants & Wants.Tcp) !== 0 && (p.payloadLength > 0 || (wants & Wants.TcpEmpty) !== 0)) {
      context.reassembled = false;
      this.matcher.packet(context, this.flows[slot], direction);
    }
    if (table.kind(slot) === FlowClass.Closed) {
      const session = this.sessions[slot];
      if (session !== undefined && session.hasStreams && session.stream(0).ended && session.stream(1).ended) {
        words[w + W.Tcp] = (words[w + W.Tcp] & ~(WAITING | (WAITING << 1))) | FINISHED;
        this.endSession(slot, session);
        this.matcher.streamsEnd?.(session.flow);
      }
    }
  }

  /** Lets go of what a flow's bytes need, and remembers what its event tells of them. */
  private endSession(slot: number, session: Session): void {
    this.application.close(session);
    if (session.hasStreams) session.flow.gaps = (session.stream(0).gaps > 0 ? 1 : 0) | (session.stream(1).gaps > 0 ? 2 : 0);
    this.sessions[slot] = undefined;
    if (this.spare.length < MAX_SPARE) this.spare.push(session);
  }

  private sessionOf(flow: Flow): Session {
    const session = this.spare.pop();
    if (session === undefined) return new Session(flow);
    session.renew(flow);
    return session;
  }

  /**
   * Whether the receiver may never read this segment: it dies on the way (TTL), or the receiver drops it: without ACK, with
   * an acknowledgement of what was never sent (RFC 9293 3.10.7.4), or signed where nobody asked for it (RFC 2385 2.0).
   */
  private doubtful(p: Packet, w: number, direction: Direction, usualTtl: number): boolean {
    if (p.payloadLength === 0 && (p.tcpFlags & TCP_FIN) === 0) return false;
    if (usualTtl - p.ttl > TTL_SLACK) {
      this.suspiciousTtls++;
      return true;
    }
    const { words } = this.table;
    const other = 1 - direction;
    const dropped = (p.tcpFlags & TCP_ACK) === 0 || p.tcpSigned
      || ((words[w + W.Meta] & ((SlotFlag.ClientSeq << other) << 24)) !== 0 && ((p.tcpAck - words[w + W.ClientNext + other]) | 0) > 0);
    if (dropped) this.suspiciousSegments++;
    return dropped;
  }

  private payload(session: Session, slot: number, p: Packet, direction: Direction, suspect: boolean): void {
    const { table } = this;
    const { words } = table;
    const w = table.at(slot);
    const stream = session.stream(direction);
    let seq = p.tcpSeq;
    if ((p.tcpFlags & TCP_SYN) !== 0) seq = (seq + 1) | 0; // data on a SYN (TCP Fast Open)
    const other = 1 - direction;
    const window = words[w + W.ClientWindow + other] >>> 0;
    const ack = words[w + W.ClientAck + other];
    let at = p.payloadOffset;
    let length = p.payloadLength;
    // What is in doubt waits until the receiver acknowledges it or the true bytes come.
    if (!suspect && (p.tcpFlags & TCP_URG) !== 0 && p.tcpUrgent > 0 && p.tcpUrgent <= length && stream.next === seq && stream.waiting === 0) {
      // The last urgent byte never reaches an application that does not ask for it (RFC 6093 2; as Linux and BSD do).
      if (p.tcpUrgent > 1) this.reassembly.accept(stream, seq, at, p.tcpUrgent - 1, window, ack, false);
      stream.next = (stream.next + 1) | 0;
      at += p.tcpUrgent;
      length -= p.tcpUrgent;
      seq = stream.next;
      this.urgentBytes++;
    }
    const accepted = this.reassembly.accept(stream, seq, at, length, window, ack, suspect);
    if (accepted !== Accepted.InOrder || (words[w + W.Tcp] & (WAITING << direction)) !== 0) {
      if (stream.waiting > 0) words[w + W.Tcp] |= WAITING << direction;
      else words[w + W.Tcp] &= ~(WAITING << direction);
    }
    if (p.payloadMissing > 0 && stream.next === ((seq + length) | 0)) {
      // The snap length cut the rest off: it was there, and is lost to us.
      stream.next = (stream.next + p.payloadMissing) | 0;
      stream.gaps++;
      stream.missing += p.payloadMissing;
      this.application.gap(session, direction, p.payloadMissing);
    }
    const kind = table.kind(slot);
    if (kind < FlowClass.TcpEstablished && kind !== FlowClass.Closed) {
      table.promote(slot, table.has(slot, SlotFlag.Answered) ? FlowClass.TcpEstablished : FlowClass.TcpOneWay);
    }
  }

  /** A packet outside any flow. @returns the slot of the flow it opens, or -1. */
  private openTcp(p: Packet): number {
    const { table, u8 } = this;
    const flags = p.tcpFlags & 0x3f;
    const syn = (flags & TCP_SYN) !== 0;
    const ack = (flags & TCP_ACK) !== 0;
    if ((flags & TCP_RST) !== 0) return -1;
    if (!syn && (!ack || ((flags & TCP_FIN) !== 0 && p.payloadLength === 0))) {
      // NULL, FIN, Xmas and the like: no stack sends them first, and what they start is no connection.
      // A FIN with ACK ends a connection that was forgotten, unless it goes from a client's port to a service's (Maimon's scan).
      if (!ack || (flags & TCP_FIN) === 0 || (flags === (TCP_FIN | TCP_ACK) && p.dstPort < p.srcPort && p.dstPort < EPHEMERAL)) {
        this.oddProbes++;
        this.connections.packet(ConnectionKind.OddProbe, u8, p, false, this.sourceNumber);
      }
      return -1;
    }
    if (syn && (flags & TCP_FIN) !== 0) {
      this.oddProbes++;
      this.connections.packet(ConnectionKind.OddProbe, u8, p, false, this.sourceNumber);
      return -1;
    }
    const midstream = !syn || ack;
    const fromServer = syn ? ack : p.srcPort < 1024 && p.dstPort >= 1024;
    const slot = table.open(p, FlowClass.TcpNew, fromServer);
    if (!(syn && ack)) this.connections.packet(ConnectionKind.Opened, u8, p, fromServer, this.sourceNumber);
    if (slot < 0) return -1;
    const { words } = table;
    const w = table.at(slot);
    if (midstream) table.set(slot, SlotFlag.Midstream);
    if (syn) {
      words[w + (fromServer ? W.ServerIsn : W.ClientIsn)] = p.tcpSeq;
      table.set(slot, fromServer ? SlotFlag.ServerIsn : SlotFlag.ClientIsn);
    }
    return slot;
  }

  /** A SYN on a known flow. @returns the slot, or -1 when the ports are used again and the old flow has ended. */
  private reused(slot: number, p: Packet): number {
    const { table } = this;
    const { words } = table;
    const w = table.at(slot);
    const { direction } = table;
    const state = tcpState(table, slot);
    if ((p.tcpFlags & TCP_ACK) === 0) {
      const isn = direction === 0 ? W.ClientIsn : W.ServerIsn;
      const known = direction === 0 ? SlotFlag.ClientIsn : SlotFlag.ServerIsn;
      if (table.has(slot, known) && words[w + isn] === p.tcpSeq) return slot; // sent again
      const closed = table.kind(slot) === FlowClass.Closed || state >= T.time_wait;
      const unanswered = state <= T.syn_sent && !table.has(slot, SlotFlag.Answered) && direction === 0;
      if (closed || (unanswered && this.sessions[slot] === undefined && !table.has(slot, SlotFlag.Midstream))) {
        return this.endFor(slot, p);
      }
      // The server decides: a SYN-ACK to this number means that the old connection is gone.
      words[w + W.PendingIsn] = p.tcpSeq;
      table.set(slot, SlotFlag.PendingSyn);
      this.streamEvent(slot, 'stream.est_syn_resend_diff_seq');
      return slot;
    }
    if (direction === 1) {
      if (table.has(slot, SlotFlag.PendingSyn) && p.tcpAck === ((words[w + W.PendingIsn] + 1) | 0)) {
        const isn = words[w + W.PendingIsn];
        const again = this.endFor(slot, p);
        if (again >= 0) return again;
        const opened = table.open(p, FlowClass.TcpNew, true);
        if (opened < 0) return -1;
        const o = table.at(opened);
        words[o + W.ClientIsn] = isn;
        words[o + W.ClientNext] = (isn + 1) | 0;
        words[o + W.ServerIsn] = p.tcpSeq;
        table.set(opened, SlotFlag.ClientIsn | SlotFlag.ServerIsn | SlotFlag.ClientSeq);
        return opened;
      }
      if (!table.has(slot, SlotFlag.ServerIsn)) {
        if (table.has(slot, SlotFlag.ClientIsn) && p.tcpAck !== ((words[w + W.ClientIsn] + 1) | 0)) {
          this.streamEvent(slot, 'stream.3whs_synack_with_wrong_ack');
          return slot;
        }
        words[w + W.ServerIsn] = p.tcpSeq;
        table.set(slot, SlotFlag.ServerIsn);
      } else if (words[w + W.ServerIsn] !== p.tcpSeq) {
        this.streamEvent(slot, state === T.syn_recv ? 'stream.3whs_synack_resend_with_diff_seq' : 'stream.est_synack_resend_with_diff_seq');
      }
    }
    return slot;
  }

  /** Ends a flow whose ports a new connection uses. @returns -1, so that the caller opens the new one. */
  private endFor(slot: number, p: Packet): -1 {
    this.portReuse++;
    this.context.inPacket = false;
    this.table.close(slot, 'tcp_reuse');
    this.context.inPacket = true;
    // The key of the packet under way is the table's again for `open`.
    this.table.find(this.u8, p, this.sourceNumber);
    return -1;
  }

  /** First packet back: an answer or a refusal. */
  private answered(slot: number, p: Packet): void {
    const { table } = this;
    table.set(slot, SlotFlag.Answered);
    const refused = p.protocol === PROTOCOL.Tcp && (p.tcpFlags & TCP_RST) !== 0 && this.sessions[slot] === undefined;
    if (refused) table.set(slot, SlotFlag.Refused);
    this.connections.packet(refused ? ConnectionKind.Refused : ConnectionKind.Answered, this.u8, p, true, this.sourceNumber);
    if (p.protocol !== PROTOCOL.Tcp) table.promote(slot, FlowClass.OtherEstablished);
    else if (table.kind(slot) === FlowClass.TcpOneWay) table.promote(slot, FlowClass.TcpEstablished);
    const flow = this.flows[slot];
    if (flow !== undefined) flow.established = true;
  }

  /** Whether an RST is to be believed (RFC 5961 3.2), and what follows. */
  private reset(slot: number, p: Packet, direction: Direction, usualTtl: number): void {
    const { table } = this;
    const { words } = table;
    const w = table.at(slot);
    const session = this.sessions[slot];
    if (session === undefined) {
      setTcpState(table, slot, T.closed);
      table.promote(slot, FlowClass.Closed);
      return;
    }
    // Where the receiver expects it: at what it acknowledged last, or at the sender's next byte.
    const expected = words[w + W.ClientAck + 1 - direction];
    const exact = p.tcpSeq === expected || p.tcpSeq === words[w + W.ClientNext + direction] || !table.has(slot, SlotFlag.ClientSeq << direction);
    const ttlFits = usualTtl === 0 || Math.abs(p.ttl - usualTtl) <= TTL_SLACK;
    if (exact && ttlFits) {
      setTcpState(table, slot, T.closed);
      table.promote(slot, FlowClass.Closed);
      session.reset = true;
      return;
    }
    // A stack answers such an RST with a challenge and goes on; so do we.
    this.suspiciousResets++;
    this.streamEvent(slot, exact ? 'stream.suspected_rst_inject' : 'stream.rst_invalid_ack');
  }

  private classify(slot: number): void {
    if (tcpState(this.table, slot) >= T.closed || tcpState(this.table, slot) === T.time_wait) {
      this.table.promote(slot, FlowClass.Closed);
    }
  }

  /** The first payload of a TCP flow: streams start where the handshake left them. */
  private startSession(slot: number, p: Packet, direction: Direction): void {
    const { table } = this;
    const flow = this.flowAt(slot);
    if (flow.midstream && !table.has(slot, SlotFlag.ClientIsn | SlotFlag.ServerIsn)) {
      if (direction === 0 && !table.has(slot, SlotFlag.Answered) && this.application.isServers(flow, p.payloadOffset, p.payloadLength)) {
        this.turn(slot, flow);
        this.context.direction = 1;
      }
    }
    const session = this.sessionOf(flow);
    this.sessions[slot] = session;
    this.connections.packet(ConnectionKind.Spoke, this.u8, p, this.context.direction === 1, this.sourceNumber);
    const w = table.at(slot);
    if (table.has(slot, SlotFlag.ClientIsn)) start(session.stream(0), table.words[w + W.ClientIsn]);
    if (table.has(slot, SlotFlag.ServerIsn)) start(session.stream(1), table.words[w + W.ServerIsn]);
  }

  /** Swaps client and server of a flow that was picked up in its middle at the server's side. */
  private turn(slot: number, flow: Flow): void {
    this.table.turn(slot);
    identify(this.table, slot, flow);
    flow.clientText = flow.serverText = flow.communityId = '';
    flow.choice = undefined;
  }

  /** UDP, and whatever else has packets that stand for themselves. */
  private udp(p: Packet, wanted: number): void {
    const { table, context } = this;
    this.kind = TrafficCounters.transport(p.protocol);
    let slot = table.find(this.u8, p, this.sourceNumber);
    if (slot < 0) {
      const fromServer = p.protocol === PROTOCOL.Udp && p.srcPort < 1024 && p.dstPort >= 1024;
      slot = table.open(p, FlowClass.OtherNew, fromServer);
      this.connections.packet(ConnectionKind.Opened, this.u8, p, fromServer, this.sourceNumber);
      if (slot >= 0 && fromServer) table.set(slot, SlotFlag.Midstream);
    }
    if (slot < 0) {
      this.ring.add(p, 0);
      if (p.anomalies > 0) this.anomaliesOf(p, undefined);
      if ((this.matcher.wants & wanted) !== 0) this.matcher.packet(context, undefined, 0);
      return;
    }
    const { words } = table;
    const w = table.at(slot);
    const { direction } = table;
    this.slot = slot;
    context.direction = direction;
    table.count(slot, direction, p);
    words[w + W.LastPacket] = this.ring.add(p, words[w + W.LastPacket] >>> 0);
    if (words[w + W.FirstPacket] === 0) words[w + W.FirstPacket] = p.number;
    if (direction === 1 && (words[w + W.Meta] & (SlotFlag.Answered << 24)) === 0 && words[w + W.PacketsToServer] > 0) {
      this.answered(slot, p);
    }
    if (p.anomalies > 0) this.anomaliesOf(p, this.flows[slot]);
    if (p.protocol === PROTOCOL.Udp && p.payloadLength > 0) {
      let session = this.sessions[slot];
      if (session === undefined && !this.passing(slot, p, direction)) {
        session = this.sessionOf(this.flowAt(slot));
        if (this.flows[slot]!.app === 'failed') this.application.nothingYet(session);
        this.sessions[slot] = session;
      }
      if (session !== undefined) this.application.datagram(session, direction, p.payloadOffset, p.payloadLength);
    }
    if (table.traffic(slot) !== 0) this.kind = table.traffic(slot);
    if ((this.matcher.wants & wanted) !== 0) this.matcher.packet(context, this.flows[slot], direction);
  }

  /**
   * Whether the first datagram of a flow is no protocol's: nothing is kept of such a flow until it speaks again, so that a
   * flood of single datagrams costs no more than their slots.
   */
  private passing(slot: number, p: Packet, direction: Direction): boolean {
    const { words } = this.table;
    const w = this.table.at(slot);
    if (this.unknown[slot] !== 0 || words[w + W.PacketsToServer] + words[w + W.PacketsToClient] > 1 || (this.matcher.wants & Wants.Protocol) !== 0) return false;
    if (this.flows[slot] !== undefined || !this.application.isNothing(p.payloadOffset, p.payloadLength, direction, words[w + W.Ports] & 0xffff)) return false;
    this.unknown[slot] = 1;
    return true;
  }

  private icmp(p: Packet): void {
    const { icmpType } = p;
    this.kind = TRAFFIC.Icmp;
    const v4 = p.protocol === PROTOCOL.Icmp;
    const request = v4 ? icmpType === 8 : icmpType === 128;
    const reply = v4 ? icmpType === 0 : icmpType === 129;
    if (request || reply) {
      // Echoes are flows by their identifier.
      const id = (this.u8[p.transportOffset + 4] << 8) | this.u8[p.transportOffset + 5];
      p.srcPort = id;
      p.dstPort = id;
      this.echo(p, reply);
      return;
    }
    this.ring.add(p, 0);
    if (p.quoteOffset !== 0) this.quote(p);
    if (p.anomalies > 0) this.anomaliesOf(p, undefined);
    if ((this.matcher.wants & Wants.Icmp) !== 0) this.matcher.packet(this.context, undefined, 0);
  }

  private echo(p: Packet, reply: boolean): void {
    const { table, context } = this;
    let slot = table.find(this.u8, p, this.sourceNumber);
    if (slot < 0) {
      slot = table.open(p, FlowClass.OtherNew, reply);
      this.connections.packet(ConnectionKind.Opened, this.u8, p, reply, this.sourceNumber);
    }
    let flow: Flow | undefined;
    if (slot >= 0) {
      const { words } = table;
      const w = table.at(slot);
      this.slot = slot;
      context.direction = table.direction;
      table.count(slot, table.direction, p);
      words[w + W.LastPacket] = this.ring.add(p, words[w + W.LastPacket] >>> 0);
      if (words[w + W.FirstPacket] === 0) words[w + W.FirstPacket] = p.number;
      if (reply && !table.has(slot, SlotFlag.Answered) && words[w + W.PacketsToServer] > 0) this.answered(slot, p);
      flow = this.flows[slot];
    } else this.ring.add(p, 0);
    if (p.anomalies > 0) this.anomaliesOf(p, flow);
    if ((this.matcher.wants & Wants.Icmp) !== 0) this.matcher.packet(context, flow, context.direction);
  }

  /** An ICMP error ties to the flow that it quotes: unreachable means that it was refused. */
  private quote(p: Packet): void {
    const { u8, table, quoted } = this;
    if (!this.readQuoted(p)) return;
    quoted.vlan0 = p.vlan0;
    quoted.vlan1 = p.vlan1;
    const slot = table.find(u8, quoted, this.sourceNumber);
    if (slot < 0 || table.direction !== 0) return;
    const unreachable = p.protocol === PROTOCOL.Icmp ? p.icmpType === 3 : p.icmpType === 1;
    this.slot = slot;
    if (!unreachable || table.has(slot, SlotFlag.Refused) || table.has(slot, SlotFlag.Answered)) return;
    table.set(slot, SlotFlag.Refused);
    this.connections.add(
      ConnectionKind.Refused, u8, quoted.ipVersion, quoted.srcOffset, quoted.dstOffset, quoted.srcPort, quoted.dstPort,
      quoted.protocol, 0, p.icmpType, this.sourceNumber, p.timeUs,
    );
  }

  /** Decodes what an ICMP error quotes. */
  private readQuoted(p: Packet): boolean {
    const { quoted } = this;
    quoted.reset();
    quoted.start = p.quoteOffset;
    quoted.end = p.limit;
    quoted.limit = p.limit;
    quoted.wireLength = 65535; // a quote is cut by nature
    quoted.timeUs = p.timeUs;
    return readQuote(this.u8, quoted, p.quoteOffset);
  }

  /** Streams → rules on chunks, application. */
  private streamSink(): StreamSink {
    return {
      bytes: (stream, at, length) => {
        const session = stream.owner as Session;
        const { context, matcher } = this;
        context.reassembled = true;
        if ((matcher.wants & Wants.Stream) !== 0) matcher.stream(context, session.flow, stream.direction, at, length);
        this.application.stream(session, stream.direction, at, length);
      },
      gap: (stream, missing) => {
        const session = stream.owner as Session;
        this.streamEvent(session.flow.slot, 'stream.reassembly_seq_gap');
        this.application.gap(session, stream.direction, missing);
      },
      end: (stream) => this.application.end(stream.owner as Session, stream.direction),
      conflict: (stream) => {
        this.streamEvent((stream.owner as Session).flow.slot, 'stream.reassembly_overlap_different_data');
      },
    };
  }

  /** The flow object of a slot, made when first needed. */
  private flowAt(slot: number): Flow {
    let flow = this.flows[slot];
    if (flow === undefined) {
      flow = this.spareFlows.pop() ?? new Flow();
      identify(this.table, slot, flow);
      const info = this.sourceInfo;
      flow.node = info.node;
      flow.unit = info.unit;
      flow.iface = info.iface;
      flow.established = this.table.has(slot, SlotFlag.Answered);
      if (this.unknown[slot] !== 0) flow.app = 'failed';
      if (this.packetUnderWay.tunnelDepth > 0) flow.tunnel = this.context.tunnel();
      this.flows[slot] = flow;
    }
    return flow;
  }

  private flowEnded(slot: number, reason: EndReason): void {
    const { table, context } = this;
    this.plain.disturb(slot);
    const session = this.sessions[slot];
    const { inPacket, nowUs, direction } = context;
    const slotBefore = this.slot;
    context.inPacket = false;
    context.nowUs = this.clock;
    this.slot = slot;
    if (session !== undefined) {
      context.reassembled = true;
      for (const side of [0, 1] as const) {
        context.direction = side;
        if (session.hasStreams) this.reassembly.flush(session.stream(side));
        this.application.end(session, side);
      }
      this.endSession(slot, session);
    }
    let flow = this.flows[slot];
    if (flow !== undefined) flow.lastUs = table.doubles[table.doublesAt(slot) + D.Last];
    const answered = table.has(slot, SlotFlag.Answered);
    if (this.flowEvents === 'all' || (this.flowEvents === 'answered' && (answered || flow !== undefined))) {
      flow ??= this.flowAt(slot);
      const event = context.header('flow', flow, 0);
      const gaps: [boolean, boolean] = [(flow.gaps & 1) !== 0, (flow.gaps & 2) !== 0];
      this.outputs.event(fillFlowEvent(event, table, slot, flow, reason, TCP_STATES, gaps));
    }
    if (flow !== undefined) {
      this.matcher.flowEnd(context, flow);
      this.flows[slot] = undefined;
      // An alert's evidence may still ask for its flow.
      if (flow.alerts === 0 && this.spareFlows.length < MAX_SPARE) {
        flow.renew();
        this.spareFlows.push(flow);
      }
    }
    this.connections.ended(table, slot);
    this.unknown[slot] = 0;
    context.inPacket = inPacket;
    context.nowUs = nowUs;
    context.direction = direction;
    this.slot = slotBefore === slot ? -1 : slotBefore;
  }

  private evidence(flow: Flow | undefined, maxBytes: number): Evidence | undefined {
    const { ring, table } = this;
    const last = flow !== undefined ? table.words[table.at(flow.slot) + W.LastPacket] >>> 0 : ring.last;
    const numbers = ring.packetsOf(last, maxBytes);
    if (numbers.length === 0) return undefined;
    return ring.pcap(this.u8, numbers);
  }

  /** Reports the anomalies of the packet under way and shows them to the rules. */
  private anomaliesOf(p: Packet, flow: Flow | undefined): void {
    const { context, matcher } = this;
    const count = Math.min(p.anomalies, MAX_PACKET_ANOMALIES);
    const wanted = (matcher.wants & Wants.PacketEvents) !== 0;
    for (let i = 0; i < count; i++) {
      const name = ANOMALIES[p.anomaly[i]];
      context.packetAnomaly(flow, name);
      if (wanted) matcher.packetEvent(context, flow, context.direction, name);
    }
  }

  private streamEvent(slot: number, name: string): void {
    const flow = this.flows[slot];
    this.context.packetAnomaly(flow, name);
    if ((this.matcher.wants & Wants.PacketEvents) !== 0) {
      this.matcher.packetEvent(this.context, flow, this.context.direction, name);
    }
  }

  private saveNumber(): void {
    this.numbers.set(sourceKey(this.sourceInfo), this.packetUnderWay.number);
  }
}

function start(stream: TcpStream, isn: number): void {
  stream.started = true;
  stream.next = (isn + 1) | 0;
}

function sourceKey(info: PacketSourceInfo): string {
  return `${info.node}\0${info.iface}\0${info.file ?? ''}`;
}

/** Not by Array.from, which looks each index up by its name: 0.1 s for 262,144 of them. */
function vacant(count: number): undefined[] {
  const places: undefined[] = [];
  places.length = count;
  return places.fill(undefined);
}
