import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { indexOf, text, u32 } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';
import { Tunnel } from '../tunnel.js';

/** PostgreSQL frontend/backend protocol 3. */
class PgsqlParser extends FrameProtocol {
  readonly protocol = 'pgsql';
  private started = false;
  private ssl = false;
  private user = '';
  private method = '';
  private authenticated = false;
  private accepted = false;
  private tx: PlainTransaction | undefined;

  protected size(u8: Uint8Array, d: Direction, at: number, length: number): number {
    if (this.ssl && d === 1) return 1;
    if (d === 0 && !this.started) return length < 4 ? 0 : Math.max(8, u32(u8, at));
    return length < 5 ? 0 : Math.max(5, 1 + u32(u8, at + 1));
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): boolean | void {
    const { u8 } = c.arena;
    if (d === 0 && !this.started) {
      const code = u32(u8, at + 4);
      if (code === 80877103 || code === 80877104) {
        this.ssl = true;
        return;
      }
      if (code === 80877102) return;
      if (code >> 16 !== 3) return false;
      this.started = true;
      const end = at + length;
      for (let p = at + 8; p < end && u8[p] !== 0;) {
        const k = indexOf(u8, 0, p, end),
          v = k < 0 ? -1 : indexOf(u8, 0, k + 1, end);
        if (v < 0) break;
        if (text(u8, p, k - p) === 'user') {
          this.user = text(u8, k + 1, Math.min(v - k - 1, 128));
          c.buffers.add(B['auth.user'], k + 1, v - k - 1);
        }
        p = v + 1;
      }
      this.begin(c, flow, { request: { message: 'startup_message', user: this.user } });
      return;
    }
    if (d === 1 && this.ssl) {
      this.ssl = false;
      if (u8[at] === 0x53) this.tunnel = new Tunnel('tls');
      return;
    }
    const kind = String.fromCharCode(u8[at]!);
    if (d === 0) {
      if (kind === 'Q' || kind === 'P') {
        let from = at + 5;
        if (kind === 'P') from = indexOf(u8, 0, from, at + length) + 1 || from;
        c.buffers.add(B['pgsql.query'], from, Math.max(0, at + length - 1 - from));
        this.begin(c, flow, {
          request: {
            [kind === 'Q' ? 'simple_query' : 'parse']: text(u8, from, Math.min(at + length - 1 - from, 2048)),
          },
        });
      }
      return;
    }
    if (kind === 'R' && length >= 9) {
      const code = u32(u8, at + 5);
      // accepted, but the role or database may still be refused before the server is ready
      if (code === 0) this.accepted = true;
      else this.method = { 3: 'password', 5: 'md5', 10: 'scram-sha-256' }[code] ?? this.method;
    } else if (kind === 'E') {
      const response = this.fields(u8, at + 5, at + length);
      if (this.tx) this.tx.fields['response'] = response;
      if (!this.authenticated && this.started)
        this.login(c, flow, (response['code'] ?? '').startsWith('28') ? 'failure' : 'unknown');
      if (this.tx) {
        c.buffers.add(B['line'], at + 5, length - 5);
        c.inspect(flow, this.tx, Stage.ResponseHead);
      }
    } else if (kind === 'D' && this.tx) {
      c.buffers.add(B['line'], at + 7, Math.max(0, length - 7));
      c.inspect(flow, this.tx, Stage.ResponseBody);
    } else if (kind === 'Z') {
      if (this.accepted && !this.authenticated) this.login(c, flow, 'success');
      this.done(c, flow);
    }
  }

  private login(c: AppContext, flow: Flow, result: 'success' | 'failure' | 'unknown'): void {
    this.authenticated = true;
    c.event(
      flow,
      'auth',
      { protocol: 'pgsql', user: this.user, result, confidence: 0.99, method: this.method || 'trust' },
      this.tx?.id,
      0,
    );
  }

  private fields(u8: Uint8Array, at: number, end: number): Record<string, string> {
    const o: Record<string, string> = {};
    const names: Record<string, string> = { S: 'severity', C: 'code', M: 'message' };
    for (let p = at; p < end && u8[p] !== 0;) {
      const z = indexOf(u8, 0, p + 1, end);
      if (z < 0) break;
      const name = names[String.fromCharCode(u8[p]!)];
      if (name !== undefined) o[name] = text(u8, p + 1, Math.min(z - p - 1, 256));
      p = z + 1;
    }
    return o;
  }

  private begin(c: AppContext, flow: Flow, fields: Record<string, unknown>): void {
    this.done(c, flow);
    this.tx = new PlainTransaction(this.nextId++, 'pgsql', fields);
    c.inspect(flow, this.tx, Stage.RequestHead);
  }
  private done(c: AppContext, flow: Flow): void {
    if (this.tx) c.event(flow, 'pgsql', this.tx.fields, this.tx.id, 0);
    this.tx = undefined;
  }
  override end(c: AppContext, flow: Flow, d: Direction): void {
    super.end(c, flow, d);
    if (d === 0) return;
    if (this.accepted && !this.authenticated) this.login(c, flow, 'success');
    this.done(c, flow);
  }
}

export const pgsql: ProtocolEntry = {
  protocol: 'pgsql',
  transport: 'tcp',
  ports: [5432],
  identify: (u8, at, length, d) => {
    if (d === 1) return -1;
    if (length < 8) return length > 0 && u8[at] !== 0 ? -1 : 0;
    const n = u32(u8, at),
      code = u32(u8, at + 4);
    return (n === 8 && (code === 80877103 || code === 80877104)) ||
      (n === 16 && code === 80877102) ||
      (code === 0x30000 && n < 10000)
      ? 1
      : -1;
  },
  create: () => new PgsqlParser(),
};
