import type { Direction, Flow } from '../flow/flow.js';
import type { HeldBytes } from './held-bytes.js';
import { TcpStream } from './reassembly.js';

/** How far the application of a flow is known. */
export const AppState = { Identifying: 0, Parsing: 1, Raw: 2 } as const;
export type AppState = (typeof AppState)[keyof typeof AppState];

/** What a flow with payload keeps: its two streams and what the application has left for later. */
export class Session {
  state: AppState = AppState.Identifying;
  readonly toServer: TcpStream;
  readonly toClient: TcpStream;
  readonly held: [HeldBytes | undefined, HeldBytes | undefined] = [undefined, undefined];
  /** By direction: no protocol fits its first bytes; `parser.end` was called. */
  readonly failed: [boolean, boolean] = [false, false];
  readonly ended: [boolean, boolean] = [false, false];
  attempts = 0;
  /** An RST that may be forged came; the connection ends when nothing follows. */
  reset = false;

  constructor(readonly flow: Flow) {
    this.toServer = new TcpStream(this, 0);
    this.toClient = new TcpStream(this, 1);
  }

  stream(direction: Direction): TcpStream {
    return direction === 0 ? this.toServer : this.toClient;
  }
}
