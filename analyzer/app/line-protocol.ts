import type { Direction, Flow } from '../flow/flow.js';
import type { AppContext, AppParser, Transaction } from './parser.js';
import { Tunnel } from './tunnel.js';

/** Longest line kept whole; what is longer is presented in pieces of this size. */
export const MAX_LINE = 8192;

/** A transaction whose object is filled as replies come. */
export class PlainTransaction implements Transaction {
  matcher: unknown;
  constructor(
    readonly id: number,
    readonly protocol: string,
    readonly fields: Record<string, unknown> = {},
    readonly ruleProtocol?: string,
  ) {}
  /** As known now: what comes later is not to change an alert that was raised before. */
  detail(): Record<string, unknown> {
    return { ...this.fields };
  }
}

/** Protocols of commands and replies on lines (FTP, SMTP, POP3, IMAP …). */
export abstract class LineProtocol implements AppParser {
  abstract readonly protocol: string;
  /** Set after STARTTLS and its like: what follows is another protocol. */
  protected tunnel: Tunnel | undefined;
  private readonly scanned: [number, number] = [0, 0];
  protected nextId = 0;

  /** One line without its end. */
  protected abstract line(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): void;
  /** Bytes taken that are no lines (literals, message data); 0: lines again, -1: this is not the protocol, -2: more is needed. */
  protected raw(_c: AppContext, _flow: Flow, _direction: Direction, _at: number, _length: number): number {
    return 0;
  }

  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    let used = 0;
    while (used < length) {
      if (this.tunnel) {
        const n = this.tunnel.data(c, flow, direction, at + used, length - used);
        return n < 0 ? length : used + n;
      }
      const raw = this.raw(c, flow, direction, at + used, length - used);
      if (raw === -2) break;
      if (raw < 0) return -1;
      if (raw > 0) {
        used += raw;
        continue;
      }
      const start = at + used;
      let e = start + this.scanned[direction];
      const end = at + length;
      while (e < end && u8[e] !== 10) e++;
      if (e === end && e - start < MAX_LINE) {
        this.scanned[direction] = e - start;
        break;
      }
      this.scanned[direction] = 0;
      const n = Math.min(e - start, MAX_LINE);
      this.line(c, flow, direction, start, n > 0 && u8[start + n - 1] === 13 ? n - 1 : n);
      used += e < end && n === e - start ? n + 1 : n;
    }
    return used;
  }

  gap(_c: AppContext, _flow: Flow, _direction: Direction, _missing: number): boolean {
    this.scanned[0] = this.scanned[1] = 0;
    return true;
  }

  end(c: AppContext, flow: Flow, direction: Direction): void {
    this.tunnel?.end(c, flow, direction);
  }

  close(c: AppContext): void {
    this.tunnel?.close(c);
  }
}
