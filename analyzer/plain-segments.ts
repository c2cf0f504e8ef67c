import type { Arena } from './arena.js';
import { PROTOCOL, TCP_ACK, TCP_PSH } from './decode/packet.js';
import type { Direction, Flow } from './flow/flow.js';
import { EPOCH_SHIFT, FINISHED, FlowClass, type FlowTable, QUIET_BITS, QUIET_OPEN, SlotFlag, UNSETTLED, W, WAITING } from './flow/flow-table.js';
import type { PacketRing } from './flow/packet-ring.js';
import { type MatchContext, type Matcher, Wants } from './match/matcher.js';
import { AppState, type Session } from './stream/session.js';
import { T } from './stream/tcp-state.js';
import { TRAFFIC, type TrafficCounters } from './traffic.js';

const ETHERNET = 14;
const IPV4 = 20;
const TCP = 20;
const TCP_WITH_TIMESTAMPS = 32;
const NOP_NOP_TIMESTAMP = 0x0101080a;
/** pcap's link type number of Ethernet. */
const LINK_ETHERNET = 1;
/** Flags beside the header's length, and of them ACK, beside which PSH may stand. */
const FLAGS = 0xff;
/** TTLs of one sender vary with routes by less than this; a segment that differs more was sent to fool us. */
export const TTL_SLACK = 4;
/** Bytes that may go by before a flow's objects hear of it. */
const MOST_UNREAD = 1 << 30;

const BOTH: readonly Direction[] = [0, 1];

/** What of the packet stage the short way writes to. */
export interface PlainSegmentsDependencies {
  arena: Arena;
  table: FlowTable;
  ring: PacketRing;
  matcher: Matcher;
  context: MatchContext;
  /** By slot. */
  flows: readonly (Flow | undefined)[];
  sessions: readonly (Session | undefined)[];
  counted: TrafficCounters;
}

/**
 * The short way of the packets that say nothing: acknowledgements without payload, and encrypted payload that its parser
 * only counts, in order, on an open connection for whose packets no rule waits. That is half to three quarters of what
 * networks carry. Whatever is unusual about a packet goes the long way (`PacketStage`), which gives the same result.
 */
export class PlainSegments {
  /** Packets that went the short way. */
  packets = 0;
  /** The flow of the packet under way, as `take` left it: its slot, -1: it has none; -2, the caller's: it was not looked for. */
  found = -2;

  constructor(private readonly deps: PlainSegmentsDependencies) {}

  /** A packet of the flow goes the long way, or the flow is over: what rules wait for may change. */
  disturb(slot: number): void {
    const { table } = this.deps;
    const w = table.at(slot);
    table.words[w + W.Quiet] &= ~QUIET_BITS;
    if ((table.words[w + W.Tcp] & (3 * UNSETTLED)) !== 0) this.settle(slot);
  }

  /** Tells a flow's objects of the payload that has gone by without them. */
  settle(slot: number): void {
    const { table, matcher, context } = this.deps;
    const { words } = table;
    const w = table.at(slot);
    const flow = this.deps.flows[slot];
    const session = this.deps.sessions[slot];
    for (const direction of BOTH) {
      const bytes = words[w + W.PassedBy + direction];
      if ((words[w + W.Tcp] & (UNSETTLED << direction)) === 0 || bytes === 0 || flow === undefined || session === undefined) continue;
      const stream = session.stream(direction);
      stream.next = (stream.next + bytes) | 0;
      stream.delivered += bytes;
      // Of what is encrypted the matcher counts the bytes, wherever they lay.
      if ((matcher.wants & Wants.Stream) !== 0) matcher.stream(context, flow, direction, 0, bytes);
      flow.leaveUnread(direction, flow.unread(direction) - bytes);
      flow.see(direction, bytes);
    }
    words[w + W.Tcp] &= ~(3 * UNSETTLED);
  }

  /**
   * Takes the Ethernet frame at [offset, offset + captured), if it is that plain.
   * @returns false where the long way has to be gone; nothing was changed then, but `found` may be set
   */
  take(offset: number, captured: number, wire: number, timeUs: number, nanos: number, source: number): boolean {
    const { deps } = this;
    const { view } = deps.arena;
    const ip = offset + ETHERNET;
    const tcp = ip + IPV4;
    const limit = offset + captured;
    if (tcp + TCP > limit || view.getUint16(offset + 12) !== 0x0800 || view.getUint8(ip) !== 0x45 || view.getUint8(ip + 9) !== PROTOCOL.Tcp) return false;
    const end = ip + view.getUint16(ip + 2);
    const word = view.getUint16(tcp + 12);
    const flags = word & FLAGS;
    const header = (word >> 12) << 2;
    if ((flags & ~TCP_PSH) !== TCP_ACK || end > limit || tcp + header > end || (view.getUint16(ip + 6) & 0x3fff) !== 0) return false;
    if (header !== TCP && (header !== TCP_WITH_TIMESTAMPS || view.getInt32(tcp + TCP) !== NOP_NOP_TIMESTAMP)) return false;

    const { table } = deps;
    const ports = view.getInt32(tcp);
    const slot = table.find4(view.getInt32(ip + 12), view.getInt32(ip + 16), ports, PROTOCOL.Tcp, source << 24);
    this.found = slot;
    if (slot < 0) return false;
    const { direction, words } = table;
    const w = table.at(slot);
    const other = 1 - direction;
    const meta = words[w + W.Meta];
    const known = (SlotFlag.Answered | SlotFlag.ClientSeq | SlotFlag.ServerSeq) << 24;
    const state = words[w + W.Tcp];
    if (
      (meta & 255) !== FlowClass.TcpEstablished || (meta & known) !== known || ((state >> 16) & 255) !== T.established
      || (state & (WAITING | (WAITING << 1) | FINISHED)) !== 0
    ) return false;
    const ack = view.getInt32(tcp + 8);
    // It acknowledges what was never sent.
    if (((ack - words[w + W.ClientNext + other]) | 0) > 0) return false;
    const ttl = view.getUint8(ip + 8);
    const scale = words[w + W.Scale];
    const usualTtl = (scale >>> (16 + direction * 8)) & 255;
    if (usualTtl === 0) return false;
    const sequence = view.getInt32(tcp + 4);
    const length = end - tcp - header;

    const { matcher } = deps;
    const { wants } = matcher;
    // What is remembered of an open connection spares its objects: most acknowledgements touch the slot alone.
    const epoch = matcher.idleEpoch << EPOCH_SHIFT;
    let quiet = words[w + W.Quiet];
    if ((quiet & (-1 << EPOCH_SHIFT)) !== epoch) quiet = epoch | (quiet & ((1 << EPOCH_SHIFT) - 1) & ~QUIET_BITS);
    if ((quiet & QUIET_OPEN) === 0) {
      if (deps.flows[slot] === undefined || deps.sessions[slot] === undefined) return false;
      quiet |= QUIET_OPEN;
    }
    if ((wants & Wants.Tcp) !== 0 && (length > 0 || (wants & Wants.TcpEmpty) !== 0) && (quiet & (1 << direction)) === 0) {
      if (!matcher.idle(deps.flows[slot]!, direction)) return false;
      quiet |= 1 << direction;
    }
    words[w + W.Quiet] = quiet;
    let unsettled = 0;
    if (length > 0) {
      if (usualTtl - ttl > TTL_SLACK) return false;
      if ((state & (UNSETTLED << direction)) !== 0) {
        const room = words[w + W.Unread + direction];
        if (words[w + W.ClientNext + direction] !== sequence || room < length) return false;
        words[w + W.Unread + direction] = room - length;
        words[w + W.PassedBy + direction] += length;
      } else {
        const flow = deps.flows[slot]!;
        const session = deps.sessions[slot]!;
        const stream = session.stream(direction);
        const room = flow.unread(direction) - length;
        if (
          (flow.sealed & (1 << direction)) === 0 || room < 0 || session.state !== AppState.Parsing || !stream.started || stream.next !== sequence || stream.hasFin
        ) return false;
        stream.next = (sequence + length) | 0;
        stream.delivered += length;
        stream.strays = 0;
        if ((wants & Wants.Stream) !== 0) matcher.stream(deps.context, flow, direction, tcp + header, length);
        flow.leaveUnread(direction, room);
        flow.see(direction, length);
        if (room > 0 && words[w + W.ClientNext + direction] === sequence) {
          unsettled = UNSETTLED << direction;
          words[w + W.Unread + direction] = Math.min(room, MOST_UNREAD);
          words[w + W.PassedBy + direction] = 0;
        }
      }
    }

    const f = table.doublesAt(slot);
    table.countPacket(slot, w, f, direction, timeUs, wire);
    words[w + W.LastPacket] = deps.ring.put(offset, captured, wire, timeUs, nanos, LINK_ETHERNET, words[w + W.LastPacket] >>> 0);
    // As `follow` does for a segment without SYN, FIN and RST in an established connection.
    words[w + W.Tcp] = state | unsettled | (direction === 0 ? flags : flags << 8);
    const next = (sequence + length) | 0;
    if (((next - words[w + W.ClientNext + direction]) | 0) > 0) words[w + W.ClientNext + direction] = next;
    const acknowledged = words[w + W.ClientAck + direction];
    if (acknowledged === 0 || ((ack - acknowledged) | 0) > 0) words[w + W.ClientAck + direction] = ack;
    const shift = (scale & 255) !== 0 && ((scale >> 8) & 255) !== 0 ? ((scale >> (direction * 8)) & 255) - 1 : 0;
    words[w + W.ClientWindow + direction] = view.getUint16(tcp + 14) << shift;

    this.packets++;
    const kind = table.traffic(slot) || TRAFFIC.Tcp;
    deps.counted.packets[kind]++;
    deps.counted.bytes[kind] += wire;
    return true;
  }
}
