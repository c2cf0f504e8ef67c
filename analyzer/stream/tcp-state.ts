import { type FlowTable, SlotFlag, W } from '../flow/flow-table.js';
import { type Packet, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../decode/packet.js';

/** States as EVE names them, seen from the server (RFC 9293 3.3.2). */
export const TCP_STATES = [
  'none', 'syn_sent', 'syn_recv', 'established', 'fin_wait1', 'fin_wait2', 'time_wait', 'last_ack', 'close_wait', 'closing',
  'closed',
] as const;
export const enum T { none, syn_sent, syn_recv, established, fin_wait1, fin_wait2, time_wait, last_ack, close_wait, closing, closed }

export function tcpState(table: FlowTable, slot: number): number {
  return (table.words[table.at(slot) + W.Tcp] >> 16) & 255;
}

export function setTcpState(table: FlowTable, slot: number, state: number): void {
  const w = table.at(slot) + W.Tcp;
  table.words[w] = (table.words[w] & ~0xff0000) | (state << 16);
}

/**
 * Follows flags, sequence numbers, windows and the state of a connection through one packet. RST is the caller's, who
 * knows whether it is to be believed.
 */
export function follow(table: FlowTable, slot: number, p: Packet, direction: 0 | 1): void {
  const { words } = table;
  const w = table.at(slot);
  const flags = p.tcpFlags;
  const tcp = words[w + W.Tcp] | (direction === 0 ? flags : flags << 8);
  let state = (tcp >> 16) & 255;

  // Sequence numbers: SYN and FIN count as one byte each.
  const own = w + W.ClientNext + direction;
  const known = SlotFlag.ClientSeq << direction;
  const span = p.payloadLength + p.payloadMissing + ((flags & TCP_SYN) !== 0 ? 1 : 0) + ((flags & TCP_FIN) !== 0 ? 1 : 0);
  const end = (p.tcpSeq + span) | 0;
  if ((words[w + W.Meta] & (known << 24)) === 0) {
    if ((flags & TCP_RST) === 0) {
      words[w + W.Meta] |= known << 24;
      words[own] = end;
    }
  } else {
    const ahead = (end - words[own]) | 0;
    if (ahead > 0 && (flags & TCP_RST) === 0) words[own] = end;
  }
  if ((flags & TCP_ACK) !== 0 && (flags & TCP_RST) === 0) {
    const acks = w + W.ClientAck + direction;
    // An acknowledgement of what was never sent is none: receivers drop it (RFC 9293 3.10.7.4).
    const other = 1 - direction;
    const beyond = (words[w + W.Meta] & ((SlotFlag.ClientSeq << other) << 24)) !== 0 && ((p.tcpAck - words[w + W.ClientNext + other]) | 0) > 0;
    if (!beyond && (words[acks] === 0 || ((p.tcpAck - words[acks]) | 0) > 0)) words[acks] = p.tcpAck;
  }
  if ((flags & TCP_SYN) !== 0) {
    if (p.tcpScale >= 0) words[w + W.Scale] |= (p.tcpScale + 1) << (direction * 8);
    words[w + W.ClientWindow + direction] = p.tcpWindow;
  } else if ((flags & TCP_RST) === 0) {
    const scales = words[w + W.Scale];
    // Scaling holds only when both SYNs offered it (RFC 7323 2.2).
    const scale = (scales & 255) !== 0 && ((scales >> 8) & 255) !== 0 ? ((scales >> (direction * 8)) & 255) - 1 : 0;
    words[w + W.ClientWindow + direction] = p.tcpWindow << scale;
  }

  const fin = (flags & TCP_FIN) !== 0;
  if (state === T.established && !fin) {
    // nothing changes: nearly every packet
  } else if ((flags & TCP_SYN) !== 0) {
    if ((flags & TCP_ACK) !== 0) {
      if (state <= T.syn_sent) state = T.syn_recv;
    } else if (state === T.none) state = T.syn_sent;
  } else if (fin) {
    if (direction === 0) {
      if (state <= T.established) state = T.close_wait;
      else if (state === T.fin_wait1) state = T.closing;
      else if (state === T.fin_wait2) state = T.time_wait;
    } else if (state <= T.established) state = T.fin_wait1;
    else if (state === T.close_wait) state = T.last_ack;
  } else if ((flags & TCP_ACK) !== 0 && (flags & TCP_RST) === 0) {
    if (state <= T.syn_recv) {
      if (direction === 0 || state === T.none) state = T.established;
    } else if (state === T.fin_wait1) {
      if (direction === 0 && p.tcpAck === words[w + W.ServerNext]) state = T.fin_wait2;
    } else if (state === T.closing) {
      if (p.tcpAck === words[w + W.ServerNext - direction]) state = T.time_wait;
    } else if (state === T.last_ack) {
      if (direction === 0 && p.tcpAck === words[w + W.ServerNext]) state = T.closed;
    } else if (state === T.time_wait && direction === 1 && p.tcpAck === words[w + W.ClientNext]) state = T.closed;
  }
  words[w + W.Tcp] = (tcp & ~0xff0000) | (state << 16);
}
