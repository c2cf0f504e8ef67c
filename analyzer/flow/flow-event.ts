import type { EveEvent } from '../../contracts/event.js';
import { PROTOCOL, TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../decode/packet.js';
import { eveTime } from './eve-time.js';
import type { Flow } from './flow.js';
import { D, type EndReason, FlowClass, type FlowTable, SlotFlag, W } from './flow-table.js';

const REASONS: Record<EndReason, string> = { timeout: 'timeout', evicted: 'forced', tcp_reuse: 'tcp_reuse', shutdown: 'shutdown' };
const FLAGS: readonly [number, string][] = [
  [TCP_FIN, 'fin'], [TCP_SYN, 'syn'], [TCP_RST, 'rst'], [TCP_PSH, 'psh'], [TCP_ACK, 'ack'], [TCP_URG, 'urg'],
  [TCP_ECE, 'ecn'], [TCP_CWR, 'cwr'],
];

/** Fills an EVE `flow` event: counters, times, state and reason, and for TCP its flags and state. */
export function fillFlowEvent(
  event: EveEvent, table: FlowTable, slot: number, flow: Flow, reason: EndReason, tcpStates: readonly string[],
  gaps: readonly [boolean, boolean],
): EveEvent {
  const { words, doubles } = table;
  const w = table.at(slot);
  const f = table.doublesAt(slot);
  const startUs = doubles[f + D.Start];
  const lastUs = doubles[f + D.Last];
  const kind = table.kind(slot);
  const proven = kind === FlowClass.TcpEstablished || kind === FlowClass.OtherEstablished || kind === FlowClass.TcpOneWay;
  event.flow = {
    pkts_toserver: words[w + W.PacketsToServer] >>> 0,
    pkts_toclient: words[w + W.PacketsToClient] >>> 0,
    bytes_toserver: doubles[f + D.BytesToServer],
    bytes_toclient: doubles[f + D.BytesToClient],
    start: eveTime(startUs),
    end: eveTime(lastUs),
    age: Math.floor(lastUs / 1e6) - Math.floor(startUs / 1e6),
    state: kind === FlowClass.Closed ? 'closed' : proven || table.has(slot, SlotFlag.Answered) ? 'established' : 'new',
    reason: REASONS[reason],
    alerted: flow.alerts > 0,
  };
  if (flow.protocol === PROTOCOL.Tcp) {
    const tcp = words[w + W.Tcp];
    const toServer = tcp & 255;
    const toClient = (tcp >> 8) & 255;
    const detail: Record<string, unknown> = {
      tcp_flags: hexByte(toServer | toClient), tcp_flags_ts: hexByte(toServer), tcp_flags_tc: hexByte(toClient),
    };
    for (const [bit, name] of FLAGS) if (((toServer | toClient) & bit) !== 0) detail[name] = true;
    detail.state = tcpStates[(tcp >> 16) & 255];
    if (gaps[1]) detail.tc_gap = true;
    if (gaps[0]) detail.ts_gap = true;
    event.tcp = detail;
  }
  return event;
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0');
}
