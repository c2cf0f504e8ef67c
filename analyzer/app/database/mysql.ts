import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { indexOf, text, u16le, u24le, u32le } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';
import { Tunnel } from '../tunnel.js';

const COMMANDS: Record<number, string> = {
  1: 'quit',
  2: 'init_db',
  3: 'query',
  4: 'field_list',
  5: 'create_db',
  6: 'drop_db',
  8: 'shutdown',
  9: 'statistics',
  14: 'ping',
  17: 'change_user',
  18: 'binlog_dump',
  22: 'stmt_prepare',
  23: 'stmt_execute',
  25: 'stmt_close',
  27: 'set_option',
  31: 'reset_connection',
};

/** Logs in anew within a connection, with an account and a password of its own. */
const CHANGE_USER = 17;

/** MySQL and MariaDB client/server protocol. */
class MysqlParser extends FrameProtocol {
  readonly protocol = 'mysql';
  private version = '';
  private phase: 'greeting' | 'login' | 'reply' | 'command' = 'greeting';
  private user = '';
  private tx: PlainTransaction | undefined;

  protected size(u8: Uint8Array, _d: Direction, at: number, length: number): number {
    return length < 4 ? 0 : 4 + u24le(u8, at);
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    if (length < 5) return;
    const p = at + 4,
      end = at + length,
      kind = u8[p]!;
    if (this.phase === 'greeting' && d === 1) {
      const z = indexOf(u8, 0, p + 1, end);
      if (kind === 10 && z > 0) this.version = text(u8, p + 1, Math.min(z - p - 1, 64));
      this.phase = 'login';
    } else if ((this.phase === 'login' || this.phase === 'greeting') && d === 0) {
      if (length === 36 && u16le(u8, p) & 0x800) {
        this.tunnel = new Tunnel('tls');
        return;
      }
      const z = length > 36 ? indexOf(u8, 0, p + 32, end) : -1;
      if (z < 0) return;
      this.user = text(u8, p + 32, Math.min(z - p - 32, 128));
      this.tx = new PlainTransaction(this.nextId++, 'mysql', {
        version: this.version,
        command: 'login',
        user: this.user,
      });
      c.buffers.add(B['auth.user'], p + 32, z - p - 32);
      c.inspect(flow, this.tx, Stage.RequestHead);
      this.phase = 'reply';
    } else if (this.phase === 'reply') {
      if (d === 0 || (kind !== 0 && kind !== 0xff)) return; // more of the method's exchange
      const code = kind === 0xff && length >= 7 ? u16le(u8, p + 1) : 0;
      const detail = this.tx?.fields;
      if (detail) detail['status'] = kind === 0 ? 'ok' : `error ${code}`;
      c.event(
        flow,
        'auth',
        {
          protocol: 'mysql',
          user: this.user,
          result: kind === 0 ? 'success' : 'failure',
          confidence: 0.99,
          method: 'password',
        },
        this.tx?.id,
        0,
      );
      this.done(c, flow);
      this.phase = 'command';
    } else if (d === 0) {
      this.done(c, flow);
      const command = COMMANDS[kind] ?? String(kind);
      this.tx = new PlainTransaction(this.nextId++, 'mysql', {
        version: this.version,
        command,
        ...((kind === 3 || kind === 22 || kind === 2) && { query: text(u8, p + 1, Math.min(length - 5, 2048)) }),
      });
      c.buffers.add(B['mysql.command'], p + 1, length - 5);
      if (kind === CHANGE_USER) {
        const z = indexOf(u8, 0, p + 1, end);
        this.user = text(u8, p + 1, Math.min((z < 0 ? end : z) - p - 1, 128));
        this.tx.fields['user'] = this.user;
        c.buffers.add(B['auth.user'], p + 1, (z < 0 ? end : z) - p - 1);
        this.phase = 'reply';
      }
      c.inspect(flow, this.tx, Stage.RequestHead);
    } else if (this.tx) {
      const first = this.tx.fields['status'] === undefined;
      if (first)
        this.tx.fields['status'] =
          kind === 0 ? 'ok' : kind === 0xff ? `error ${length >= 7 ? u16le(u8, p + 1) : 0}` : kind === 0xfb ? 'local_infile' : 'rows';
      // a server that asks for a file of the client: CVE-2019-2503 and the rogue servers that read files
      c.buffers.add(B['mysql.rows'], p, length - 4);
      c.inspect(flow, this.tx, first ? Stage.ResponseHead : Stage.ResponseBody);
    }
  }

  private done(c: AppContext, flow: Flow): void {
    if (this.tx) c.event(flow, 'mysql', this.tx.fields, this.tx.id, 0);
    this.tx = undefined;
  }
  override end(c: AppContext, flow: Flow, d: Direction): void {
    super.end(c, flow, d);
    if (d === 1) this.done(c, flow);
  }
}

export const mysql: ProtocolEntry = {
  protocol: 'mysql',
  transport: 'tcp',
  ports: [3306],
  identify: (u8, at, length, d, onPort) => {
    if (length < 5) return length >= 4 && u24le(u8, at) > 1024 ? -1 : 0;
    const n = u24le(u8, at);
    if (d === 1) {
      if (n < 10 || n > 512 || u8[at + 3] !== 0) return -1;
      if (u8[at + 4] === 0xff && onPort) return 1; // host is blocked
      return u8[at + 4] === 10 && (length < 6 || (u8[at + 5]! >= 0x33 && u8[at + 5]! <= 0x39)) ? 1 : -1;
    }
    if (!onPort || u8[at + 3] !== 1 || n < 32 || n > 4096) return -1;
    return length >= 13 && u32le(u8, at + 8) < 0x40000001 ? 1 : length < 13 ? 0 : -1;
  },
  create: () => new MysqlParser(),
};
