import { PROTOCOL } from '../decode/packet.js';
import { communityId } from './community-id.js';
import type { Flow } from './flow.js';
import { D, type FlowTable, SlotFlag, W } from './flow-table.js';

/** Writes client and server address of a slot to `out`, 16 bytes each. */
export function slotAddresses(table: FlowTable, slot: number, out: Uint8Array): void {
  const w = table.at(slot);
  for (let i = 0; i < 8; i++) {
    const word = table.words[w + W.Client + i];
    out[i * 4] = word >>> 24;
    out[i * 4 + 1] = (word >>> 16) & 255;
    out[i * 4 + 2] = (word >>> 8) & 255;
    out[i * 4 + 3] = word & 255;
  }
}

/** Fills a flow from its slot. */
export function identify(table: FlowTable, slot: number, flow: Flow): void {
  const w = table.at(slot);
  const { words } = table;
  slotAddresses(table, slot, flow.addresses);
  const ports = words[w + W.Ports];
  flow.slot = slot;
  flow.protocol = (words[w + W.Meta] >> 8) & 255;
  flow.ipVersion = ((words[w + W.Meta] >> 16) & 255) as 4 | 6;
  flow.clientPort = ports >>> 16;
  flow.serverPort = ports & 0xffff;
  flow.vlan0 = words[w + W.Vlan] & 0xfff;
  flow.vlan1 = (words[w + W.Vlan] >> 12) & 0xfff;
  flow.startUs = table.doubles[table.doublesAt(slot) + D.Start];
  flow.lastUs = table.doubles[table.doublesAt(slot) + D.Last];
  flow.midstream = table.has(slot, SlotFlag.Midstream);
  flow.id = flowId(flow);
}

/** 53 bits of the ends, the protocol and the start: the same packets give the same number. */
export function flowId(flow: Flow): number {
  const { addresses } = flow;
  high = 0x811c9dc5 | 0;
  low = 0x9747b28c | 0;
  for (let i = 0; i < 32; i++) add(addresses[i]);
  addPair(flow.clientPort);
  addPair(flow.serverPort);
  addPair(flow.protocol);
  addPair(flow.vlan0);
  addPair(flow.vlan1);
  for (let rest = flow.startUs, i = 0; i < 7; i++, rest = Math.floor(rest / 256)) add(rest % 256);
  return (high & 0x1fffff) * 0x100000000 + (low >>> 0) || 1;
}

let high = 0;
let low = 0;

function add(byte: number): void {
  high = Math.imul(high ^ byte, 0x01000193);
  low = Math.imul(low ^ byte, 0x85ebca6b);
  low ^= low >>> 13;
}

function addPair(value: number): void {
  add(value >> 8);
  add(value & 255);
}

/** Community ID of a flow, made when first asked for. ICMP flows are echoes: their client sends the requests. */
export function communityIdOf(flow: Flow, seed: number): string {
  if (flow.communityId === '') {
    const { protocol } = flow;
    const echo = protocol === PROTOCOL.Icmp ? 8 : protocol === PROTOCOL.Icmpv6 ? 128 : -1;
    flow.communityId = communityId(
      flow.addresses, 0, flow.ipVersion, protocol, echo >= 0 ? echo : flow.clientPort, echo >= 0 ? 0 : flow.serverPort, seed,
    );
  }
  return flow.communityId;
}
