import type { Direction, Flow } from '../../flow/flow.js';
import { indexOf, latin, text, u16 } from '../bytes.js';
import { address6 } from '../dns/message.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';
import { addString } from '../tls/tls.js';
import { B } from '../../match/buffers.js';
import { Tunnel } from '../tunnel.js';

/** SOCKS 4, 4a and 5 (RFC 1928, 1929): the destination, the login, then what goes through. */
class SocksParser implements AppParser {
  readonly protocol = 'socks';
  private readonly tx = new PlainTransaction(0, 'socks');
  private readonly tunnel = new Tunnel();
  private client: 'hello' | 'login' | 'request' | 'through' = 'hello';
  private server: 'method' | 'login' | 'reply' | 'through' = 'method';
  private user = '';

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    let used = 0;
    while (used < length) {
      if ((d === 0 ? this.client : this.server) === 'through') {
        const n = this.tunnel.data(c, flow, d, at + used, length - used);
        return n < 0 ? length : used + n;
      }
      const n =
        d === 0
          ? this.fromClient(c, flow, at + used, length - used)
          : this.fromServer(c, flow, at + used, length - used);
      if (n < 0) return -1;
      if (n === 0) break;
      used += n;
    }
    return used;
  }

  private fromClient(c: AppContext, flow: Flow, at: number, length: number): number {
    const { u8 } = c.arena;
    const end = at + length;
    if (this.client === 'hello' && u8[at] === 4) {
      const z = indexOf(u8, 0, at + 8, Math.min(end, at + 300));
      if (z < 0) return length > 300 ? -1 : 0;
      let host = `${u8[at + 4]}.${u8[at + 5]}.${u8[at + 6]}.${u8[at + 7]}`;
      let next = z + 1;
      if (host.startsWith('0.0.0.') && host !== '0.0.0.0') {
        const y = indexOf(u8, 0, z + 1, Math.min(end, z + 300));
        if (y < 0) return 0;
        host = text(u8, z + 1, y - z - 1);
        next = y + 1;
      }
      this.request(c, flow, 4, u8[at + 1]!, host, u16(u8, at + 2));
      this.server = 'reply';
      return next - at;
    }
    if (this.client === 'hello') {
      if (length < 2 || length < 2 + u8[at + 1]!) return 0;
      this.client = 'request';
      return 2 + u8[at + 1]!;
    }
    if (u8[at] === 1) {
      const n = length > 1 ? u8[at + 1]! : 0;
      if (length < 3 + n || length < 3 + n + u8[at + 2 + n]!) return 0;
      this.user = text(u8, at + 2, n);
      return 3 + n + u8[at + 2 + n]!;
    }
    if (u8[at] !== 5) return -1;
    if (length < 7) return 0;
    const kind = u8[at + 3]!;
    const n = kind === 1 ? 4 : kind === 4 ? 16 : kind === 3 ? 1 + u8[at + 4]! : -1;
    if (n < 0) return -1;
    if (length < 6 + n) return 0;
    const host =
      kind === 1
        ? `${u8[at + 4]}.${u8[at + 5]}.${u8[at + 6]}.${u8[at + 7]}`
        : kind === 4
          ? address6(u8, at + 4)
          : latin(u8, at + 5, n - 1);
    this.request(c, flow, 5, u8[at + 1]!, host, u16(u8, at + 4 + n));
    return 6 + n;
  }

  private request(c: AppContext, flow: Flow, version: number, command: number, host: string, port: number): void {
    Object.assign(this.tx.fields, {
      version,
      command: ['', 'connect', 'bind', 'udp_associate'][command] ?? String(command),
      host,
      port,
    });
    this.client = 'through';
    addString(c, B['line'], `${host}:${port}`);
    c.inspect(flow, this.tx, Stage.RequestHead);
  }

  private fromServer(c: AppContext, flow: Flow, at: number, length: number): number {
    const { u8 } = c.arena;
    if (this.server === 'method') {
      if (length < 2) return 0;
      const m = u8[at + 1]!;
      this.tx.fields['method'] = m === 0 ? 'none' : m === 2 ? 'password' : String(m);
      this.server = m === 2 ? 'login' : 'reply';
      return 2;
    }
    if (this.server === 'login') {
      if (length < 2) return 0;
      c.event(
        flow,
        'auth',
        {
          protocol: 'socks',
          user: this.user,
          result: u8[at + 1] === 0 ? 'success' : 'failure',
          confidence: 0.99,
          method: 'password',
        },
        0,
        0,
      );
      this.server = 'reply';
      return 2;
    }
    let n = 8;
    if (this.tx.fields['version'] !== 4) {
      if (length < 5) return 0;
      const kind = u8[at + 3]!;
      n = 6 + (kind === 1 ? 4 : kind === 4 ? 16 : 1 + u8[at + 4]!);
    }
    if (length < n) return 0;
    this.tx.fields['status'] = u8[at + 1];
    this.server = 'through';
    c.inspect(flow, this.tx, Stage.ResponseHead);
    c.event(flow, 'socks', this.tx.fields, 0, 0);
    return n;
  }

  gap(c: AppContext, flow: Flow, d: Direction, missing: number): boolean {
    return (d === 0 ? this.client : this.server) === 'through' && this.tunnel.gap(c, flow, d, missing);
  }
  end(c: AppContext, flow: Flow, d: Direction): void {
    this.tunnel.end(c, flow, d);
  }

  close(c: AppContext): void {
    this.tunnel.close(c);
  }
}

export const socks: ProtocolEntry = {
  protocol: 'socks',
  transport: 'tcp',
  ports: [1080],
  identify: (u8, at, length, d) => {
    if (length < 1) return 0;
    if (d === 1) return -1;
    if (u8[at] === 5) {
      if (length < 2) return 0;
      const n = u8[at + 1]!;
      if (n === 0 || n > 10) return -1;
      for (let i = 2; i < Math.min(length, 2 + n); i++) if (u8[at + i]! > 9 && u8[at + i]! < 0x80) return -1;
      return length >= 2 + n ? 1 : 0; // the request may come with it
    }
    if (u8[at] !== 4 || (length > 1 && u8[at + 1] !== 1 && u8[at + 1] !== 2)) return -1;
    if (length < 9) return 0;
    if (u16(u8, at + 2) === 0) return -1;
    return indexOf(u8, 0, at + 8, at + Math.min(length, 300)) >= 0 ? 1 : length < 300 ? 0 : -1;
  },
  create: () => new SocksParser(),
};
