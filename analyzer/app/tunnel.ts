import type { Direction, Flow } from '../flow/flow.js';
import type { AppContext, AppParser, ProtocolEntry } from './parser.js';

let entries: readonly ProtocolEntry[] = [];
/** Bytes looked at before an inner protocol is given up. */
const MAX_LOOK = 1024;

/** Set by the registry, so that a parser can find the protocol inside it without importing every other. */
export function setInnerProtocols(list: readonly ProtocolEntry[]): void {
  entries = list;
}

/** A second protocol inside a flow (CONNECT, Upgrade, SOCKS, STARTTLS): identified by its bytes and fed from then on. */
export class Tunnel {
  private parser: AppParser | undefined;
  private failed = false;
  private readonly started: [boolean, boolean] = [false, false];

  /** @param name Protocol already agreed on (an Upgrade header), or '' to identify it. */
  constructor(private readonly name = '') {}

  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    if (this.failed || length === 0) return length;
    this.parser ??= this.find(c, flow, direction, at, length);
    if (!this.parser) {
      if (length < MAX_LOOK && !this.failed) return 0;
      this.failed = true;
      return length;
    }
    this.started[direction] = true;
    const n = this.parser.data(c, flow, direction, at, length);
    if (n < 0) {
      this.failed = true;
      return length;
    }
    return n;
  }

  private find(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): AppParser | undefined {
    let maybe = false;
    const agreed = this.name === 'h2c' ? 'http2' : this.name;
    const known = agreed !== '' && entries.some((entry) => entry.transport === 'tcp' && entry.protocol === agreed);
    for (const entry of entries) {
      if (entry.transport !== 'tcp') continue;
      if (known) {
        if (entry.protocol !== agreed) continue;
      } else {
        const is = entry.identify(c.arena.u8, at, length, direction, entry.ports.includes(flow.serverPort));
        if (is === 0) maybe = true;
        if (is !== 1) continue;
      }
      flow.app = entry.protocol;
      return entry.create(flow);
    }
    if (!maybe) this.failed = true;
    return undefined;
  }

  gap(c: AppContext, flow: Flow, direction: Direction, missing: number): boolean {
    if (this.failed || !this.parser) return true;
    if (this.parser.gap(c, flow, direction, missing)) return true;
    for (const side of [0, 1] as const) this.parser.end(c, flow, side);
    this.failed = true;
    return true;
  }

  end(c: AppContext, flow: Flow, direction: Direction): void {
    if (!this.failed) this.parser?.end(c, flow, direction);
  }

  close(c: AppContext): void {
    this.parser?.close?.(c);
    this.parser = undefined;
    this.failed = true;
  }
}
