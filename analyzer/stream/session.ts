import type { Arena } from '../arena.js';
import type { Direction, Flow } from '../flow/flow.js';
import { HeldBytes } from './held-bytes.js';
import { TcpStream } from './reassembly.js';

/** How far the application of a flow is known. */
export const enum AppState { Identifying = 0, Parsing = 1, Raw = 2 }

/** A protocol that may yet take a flow over. */
export interface Rival { identify(u8: Uint8Array, at: number, length: number, direction: Direction, onPort: boolean): 1 | 0 | -1 }

/** What a flow with payload keeps: its two streams and what the application has left for later. Used again for other flows. */
export class Session {
  state: AppState = AppState.Identifying;
  /** Of TCP only. */
  private streams: readonly [TcpStream, TcpStream] | undefined;
  private held0: HeldBytes | undefined;
  private held1: HeldBytes | undefined;
  /** A bit by direction: no protocol fits its first bytes; `parser.end` was called. */
  failed = 0;
  ended = 0;
  attempts = 0;
  /** UDP: what the server's port is known for, where the first datagrams were something else. */
  rival: Rival | undefined;
  /** An RST that may be forged came; the connection ends when nothing follows. */
  reset = false;

  constructor(public flow: Flow) {}

  stream(direction: Direction): TcpStream {
    this.streams ??= [new TcpStream(this, 0), new TcpStream(this, 1)];
    return this.streams[direction];
  }

  /** What the application has left for later. */
  held(direction: Direction): HeldBytes | undefined {
    return direction === 0 ? this.held0 : this.held1;
  }

  hold(direction: Direction, arena: Arena): HeldBytes {
    return direction === 0 ? (this.held0 ??= new HeldBytes(arena)) : (this.held1 ??= new HeldBytes(arena));
  }

  get hasStreams(): boolean {
    return this.streams !== undefined;
  }

  /** Makes a session whose flow is over one of another flow. */
  renew(flow: Flow): void {
    this.flow = flow;
    this.state = AppState.Identifying;
    this.held0 = undefined;
    this.held1 = undefined;
    this.failed = 0;
    this.ended = 0;
    this.attempts = 0;
    this.rival = undefined;
    this.reset = false;
    this.streams?.[0].renew();
    this.streams?.[1].renew();
  }
}
