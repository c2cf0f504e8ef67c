import type { Direction, Flow } from '../flow/flow.js';
import type { AppContext, AppParser } from './parser.js';
import { Tunnel } from './tunnel.js';

/** Most bytes of a frame presented; the rest of a larger one is skipped. */
export const MAX_FRAME = 64 * 1024;

/** Protocols of frames with a length in front (MySQL, PostgreSQL, TDS, RDP, AJP, LDAP …). */
export abstract class FrameProtocol implements AppParser {
  abstract readonly protocol: string;
  protected tunnel: Tunnel | undefined;
  protected nextId = 0;
  private readonly skip: [number, number] = [0, 0];

  /** Whole length of the frame at `at` with its header; 0: more bytes are needed to say; -1: no frame. */
  protected abstract size(u8: Uint8Array, direction: Direction, at: number, length: number): number;
  /** One frame, cut at `MAX_FRAME`. @returns false when this is not the protocol. */
  protected abstract frame(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): boolean | void;

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    let used = 0;
    while (used < length) {
      if (this.tunnel) {
        const n = this.tunnel.data(c, flow, d, at + used, length - used);
        return n < 0 ? length : used + n;
      }
      if (this.skip[d] > 0) {
        const n = Math.min(this.skip[d], length - used);
        this.skip[d] -= n;
        used += n;
        continue;
      }
      const size = this.size(c.arena.u8, d, at + used, length - used);
      if (size < 0) return -1;
      const whole = Math.min(size, MAX_FRAME);
      if (size === 0 || length - used < whole) break;
      if (this.frame(c, flow, d, at + used, whole) === false) return -1;
      used += whole;
      this.skip[d] = size - whole;
    }
    return used;
  }

  gap(_c: AppContext, _flow: Flow, d: Direction, missing: number): boolean {
    if (this.skip[d] < missing) return false;
    this.skip[d] -= missing;
    return true;
  }

  end(c: AppContext, flow: Flow, d: Direction): void {
    this.tunnel?.end(c, flow, d);
  }

  close(c: AppContext): void {
    this.tunnel?.close(c);
  }
}
