import type { AppParser } from '../app/parser.js';
import { addressText } from './address.js';

/** 0: from the side that opened the flow to the other; 1: back. */
export type Direction = 0 | 1;
export const TO_SERVER = 0;
export const TO_CLIENT = 1;

/** Flows whose addresses share one array: each of its own would cost four times as much. */
const SHARED = 256;
let shared = new Uint8Array(0);
let taken = 0;

function place(): Uint8Array {
  if (taken === shared.length) {
    shared = new Uint8Array(SHARED * 32);
    taken = 0;
  }
  taken += 32;
  return shared.subarray(taken - 32, taken);
}

/**
 * What outlives a packet of one flow beyond the counters in the flow table: made with the first payload (or the first
 * alert), so that a SYN flood makes none.
 */
export class Flow {
  /** EVE `flow_id`: positive, below 2^53, the same for the same packets. */
  id = 0;
  /** Slot in the flow table; counters and times are read there. */
  slot = 0;
  ipVersion: 4 | 6 = 4;
  protocol = 0;
  /** Client address (4 or 16 bytes) at 0, server address at 16. */
  readonly addresses = place();
  clientPort = 0;
  serverPort = 0;
  vlan0 = 0;
  vlan1 = 0;
  startUs = 0;
  /** Set when the flow ends; until then its newest packet's time is in the table. */
  lastUs = 0;
  /** Set when the first packet seen was not the first of the connection. */
  midstream = false;
  /** Three-way handshake seen (TCP), or packets both ways. */
  established = false;
  /** The tunnel its packets came through, for the alert; undefined outside tunnels. */
  tunnel: { src_ip: string; dest_ip: string; proto: string; depth: number } | undefined;

  /** EVE `app_proto`; 'unknown' until decided, 'failed' when no protocol fits. */
  app = 'unknown';
  parser: AppParser | undefined;
  /** Bytes of payload handed to the application so far, to server and to client; two arrays would be a fifth of an idle flow. */
  private seen0 = 0;
  private seen1 = 0;
  /** A bit by direction: what follows is encrypted, says its parser; no rule looks at the bytes any more. */
  sealed = 0;
  private unread0 = 0;
  private unread1 = 0;
  /** Rule state: flowbits, flowints, which rules have fired; made when first needed. */
  state: Map<string, number> | undefined;
  /** Free for the matcher: per-flow match state (stream scan position, candidates). */
  matcher: unknown;
  /** Free for the matcher: which literals its bytes are scanned for. */
  choice: unknown;
  alerts = 0;
  /** A bit by direction: bytes of the stream are missing. Set when its session ends. */
  gaps = 0;
  /** Text forms, made when first asked for. */
  clientText = '';
  serverText = '';
  communityId = '';
  /** Where its packets came from. */
  node = '';
  unit = '';
  iface = '';

  /** Makes a flow that is over one of another connection; who it is remains to be written. */
  renew(): void {
    this.established = false;
    this.tunnel = undefined;
    this.app = 'unknown';
    this.parser = undefined;
    this.seen0 = 0;
    this.seen1 = 0;
    this.sealed = 0;
    this.unread0 = 0;
    this.unread1 = 0;
    this.state = undefined;
    this.matcher = undefined;
    this.choice = undefined;
    this.alerts = 0;
    this.gaps = 0;
    this.clientText = '';
    this.serverText = '';
    this.communityId = '';
  }

  /** Bytes of payload handed to the application so far. */
  seen(direction: Direction): number {
    return direction === 0 ? this.seen0 : this.seen1;
  }

  see(direction: Direction, bytes: number): void {
    if (direction === 0) this.seen0 += bytes;
    else this.seen1 += bytes;
  }

  /** Bytes that follow, of which its parser only counts how many: they need not be shown to it. */
  unread(direction: Direction): number {
    return direction === 0 ? this.unread0 : this.unread1;
  }

  leaveUnread(direction: Direction, bytes: number): void {
    if (direction === 0) this.unread0 = bytes;
    else this.unread1 = bytes;
  }

  get clientIp(): string {
    return (this.clientText ||= addressText(this.addresses, 0, this.ipVersion));
  }

  get serverIp(): string {
    return (this.serverText ||= addressText(this.addresses, 16, this.ipVersion));
  }
}
