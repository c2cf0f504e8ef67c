import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { hex, latin, prefix, text, u16, u32 } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';
import { Tunnel } from '../tunnel.js';

/** Anomalies of RFB, named as Suricata names its rfb events. */
export type RfbAnomaly = 'malformed_message' | 'unimplemented_security_type' | 'unknown_security_result';

/** A desktop's name or a refusal's reason; servers send a host name. */
const MAX_TEXT = 4096;
const enum Security { None = 1, Vnc = 2, Tls = 18, Veni = 19 }

type Step = 'version' | 'types' | 'choice' | 'challenge' | 'response' | 'result' | 'reason' | 'share' | 'screen' | 'running' | 'opaque';

/** VNC's remote framebuffer protocol (RFC 6143) up to the first screen. */
class RfbParser implements AppParser {
  readonly protocol = 'rfb';
  private readonly steps: [Step, Step] = ['version', 'version'];
  private readonly tx = new PlainTransaction(0, 'rfb');
  private readonly authentication: Record<string, unknown> = {};
  private minor = 8;
  private type = 0;
  private emitted = false;
  private tunnel: Tunnel | undefined;

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    let used = 0;
    while (used < length) {
      if (this.tunnel) {
        const n = this.tunnel.data(c, flow, d, at + used, length - used);
        return n < 0 ? length : used + n;
      }
      const n = d === 0 ? this.client(c, flow, at + used, length - used) : this.server(c, flow, at + used, length - used);
      if (n < 0) return -1;
      if (n === 0) break;
      used += n;
    }
    return used;
  }

  private version(c: AppContext, flow: Flow, d: Direction, at: number): boolean {
    const m = /^RFB (\d{3})\.(\d{3})\n$/.exec(latin(c.arena.u8, at, 12));
    if (!m) {
      c.anomaly(flow, 'rfb', 'malformed_message');
      return false;
    }
    this.tx.fields[d === 0 ? 'client_protocol_version' : 'server_protocol_version'] = { major: m[1], minor: m[2] };
    if (d === 0) this.minor = Math.min(Number(m[2]), 8);
    return true;
  }

  private client(c: AppContext, flow: Flow, at: number, length: number): number {
    const { u8 } = c.arena;
    switch (this.steps[0]) {
      case 'version':
        if (length < 12) return 0;
        if (!this.version(c, flow, 0, at)) return -1;
        this.steps[0] = this.minor < 7 ? 'response' : 'choice';
        c.inspect(flow, this.tx, Stage.RequestHead);
        return 12;
      case 'choice':
        this.choose(c, flow, u8[at]!);
        return 1;
      case 'response':
        if (this.type === Security.None || this.type === 0) {
          // 3.3 without authentication: the next byte is ClientInit, 0 or 1. Where the server was not heard, it may be an answer.
          if (this.type === Security.None || u8[at]! <= 1) return this.share(u8, at);
        }
        return length < 16 ? 0 : this.answer(u8, at);
      case 'share':
        return this.share(u8, at);
      default:
        return length;
    }
  }
  private answer(u8: Uint8Array, at: number): number {
    const vnc = (this.authentication['vnc'] ??= {}) as Record<string, unknown>;
    vnc['response'] = hex(u8, at, 16);
    this.steps[0] = 'share';
    return 16;
  }
  private share(u8: Uint8Array, at: number): number {
    this.tx.fields['screen_shared'] = u8[at] !== 0;
    this.steps[0] = 'running';
    return 1;
  }

  private choose(c: AppContext, flow: Flow, type: number): void {
    this.type = type;
    this.authentication['security_type'] = type;
    this.tx.fields['authentication'] = this.authentication;
    c.buffers.addNumber(B['rfb.sectype'], type);
    c.inspect(flow, this.tx, Stage.RequestBody);
    if (type === Security.Vnc) {
      this.steps[0] = 'response';
      this.steps[1] = 'challenge';
    } else if (type === Security.None) {
      this.steps[0] = 'share';
      this.steps[1] = this.minor >= 8 ? 'result' : 'screen';
    } else if (type === Security.Tls) {
      this.tunnel = new Tunnel('tls');
    } else if (type !== 0) {
      this.steps[0] = this.steps[1] = 'opaque';
      if (type !== Security.Veni) c.anomaly(flow, 'rfb', 'unimplemented_security_type', 0);
    }
  }

  private server(c: AppContext, flow: Flow, at: number, length: number): number {
    const { u8 } = c.arena;
    switch (this.steps[1]) {
      case 'version':
        if (length < 12) return 0;
        if (!this.version(c, flow, 1, at)) return -1;
        this.steps[1] = 'types';
        return 12;
      case 'types':
        if (this.minor < 7) {
          if (length < 4) return 0;
          const type = u32(u8, at);
          if (type === 0) this.steps[1] = 'reason';
          else this.choose(c, flow, type);
          return 4;
        }
        if (length < 1 + u8[at]!) return 0;
        if (u8[at] === 0) {
          this.steps[1] = 'reason';
          return 1;
        }
        this.steps[1] = 'choice';
        return 1 + u8[at]!;
      case 'choice':
        // the choice has not been seen (one direction only); its 16 bytes look like a challenge
        if (length < 16) return 0;
        this.choose(c, flow, Security.Vnc);
        return this.server(c, flow, at, length);
      case 'challenge':
        if (length < 16) return 0;
        this.authentication['vnc'] = { challenge: hex(u8, at, 16) };
        this.steps[1] = 'result';
        return 16;
      case 'result': {
        if (length < 4) return 0;
        const result = u32(u8, at);
        this.result(c, flow, result);
        this.steps[1] = result === 0 ? 'screen' : this.minor >= 8 ? 'reason' : 'opaque';
        return 4;
      }
      case 'reason': {
        if (length < 4) return 0;
        const n = Math.min(u32(u8, at), MAX_TEXT);
        if (length < 4 + n) return 0;
        this.authentication['failure_reason'] = text(u8, at + 4, n);
        this.tx.fields['authentication'] = this.authentication;
        this.emit(c, flow);
        this.steps[1] = 'opaque';
        return 4 + n;
      }
      case 'screen': {
        if (length < 24) return 0;
        const n = Math.min(u32(u8, at + 20), MAX_TEXT);
        if (length < 24 + n) return 0;
        this.screen(c, flow, at, n);
        this.steps[1] = 'running';
        return 24 + n;
      }
      default:
        return length;
    }
  }

  private result(c: AppContext, flow: Flow, result: number): void {
    this.authentication['security_result'] = result === 0 ? 'OK' : result === 1 ? 'FAIL' : result === 2 ? 'TOOMANY' : `UNKNOWN (${result})`;
    if (result > 2) c.anomaly(flow, 'rfb', 'unknown_security_result', 0);
    c.buffers.addNumber(B['rfb.secresult'], result);
    c.inspect(flow, this.tx, Stage.ResponseHead);
    const method = this.type === Security.None ? 'none' : 'challenge';
    c.event(flow, 'auth', { protocol: 'rfb', result: result === 0 ? 'success' : 'failure', confidence: 0.99, method }, 0, 0);
  }

  private screen(c: AppContext, flow: Flow, at: number, n: number): void {
    const { u8 } = c.arena;
    this.tx.fields['framebuffer'] = {
      width: u16(u8, at),
      height: u16(u8, at + 2),
      name: text(u8, at + 24, n),
      pixel_format: {
        bits_per_pixel: u8[at + 4],
        depth: u8[at + 5],
        big_endian: u8[at + 6] !== 0,
        true_color: u8[at + 7] !== 0,
        red_max: u16(u8, at + 8),
        green_max: u16(u8, at + 10),
        blue_max: u16(u8, at + 12),
        red_shift: u8[at + 14],
        green_shift: u8[at + 15],
        blue_shift: u8[at + 16],
      },
    };
    c.buffers.add(B['rfb.name'], at + 24, n);
    c.inspect(flow, this.tx, Stage.ResponseBody);
    this.emit(c, flow);
  }

  private emit(c: AppContext, flow: Flow): void {
    if (this.emitted) return;
    this.emitted = true;
    this.tx.fields['authentication'] ??= this.authentication;
    c.event(flow, 'rfb', this.tx.fields, 0, 0);
  }

  gap(): boolean {
    for (const d of [0, 1] as const) if (this.steps[d] !== 'running') this.steps[d] = 'opaque';
    return true;
  }
  end(c: AppContext, flow: Flow, d: Direction): void {
    this.tunnel?.end(c, flow, d);
    if (d === 1) this.emit(c, flow);
  }
  close(c: AppContext): void {
    this.tunnel?.close(c);
  }
}

export const rfb: ProtocolEntry = {
  protocol: 'rfb',
  transport: 'tcp',
  ports: [5900, 5901],
  identify: (u8, at, length) => prefix(u8, at, length, 'RFB 00'),
  create: () => new RfbParser(),
};
