import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { findWord, latin, printable, text, u16, u32 } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';

const enum Type { Connect = 1, Accept = 2, Ack = 3, Refuse = 4, Redirect = 5, Data = 6, Null = 7, Abort = 9, Resend = 11, Marker = 12, Attention = 13, Control = 14 }
/** Since version 315 the length has four bytes once the connection is accepted. */
const LARGE_SDU = 315;
/** SQL and replies shown. */
const MAX_SHOWN = 1024;
const SQL = /(?:^|[^A-Za-z_])((?:select|insert|update|delete|merge|create|alter|drop|truncate|grant|revoke|begin|declare|call|explain)\s[\t\n\r\x20-\x7e\u00a0-\uffff]{4,})/i;

/** Oracle's Transparent Network Substrate: connection, login, statements as far as their text lies open. */
class OracleParser extends FrameProtocol {
  readonly protocol = 'oracle';
  private large = false;
  private readonly tx = new PlainTransaction(0, 'oracle');
  private user: string | undefined;
  private authenticating = false;
  private told = false;

  protected size(u8: Uint8Array, _d: Direction, at: number, length: number): number {
    if (length < 8) return 0;
    const size = this.large && u16(u8, at) === 0 ? u32(u8, at) : u16(u8, at);
    const type = u8[at + 4]!;
    if (size >= 8 && type > 0 && type <= 19) return this.large && u8[at] === 0 && u8[at + 1] === 0 ? u32(u8, at) : size;
    return -1;
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    const f = this.tx.fields;
    switch (u8[at + 4]) {
      case Type.Connect: {
        if (length < 34) return;
        f['version'] = u16(u8, at + 8);
        const n = u16(u8, at + 24),
          from = at + u16(u8, at + 26);
        if (n > 0 && from + n <= at + length) this.descriptor(c, flow, from, n);
        return;
      }
      case Type.Accept:
        if (length < 10) return;
        f['result'] = 'accept';
        f['server_version'] = u16(u8, at + 8);
        this.large = u16(u8, at + 8) >= LARGE_SDU;
        c.inspect(flow, this.tx, Stage.ResponseHead);
        return this.emit(c, flow);
      case Type.Refuse:
      case Type.Redirect:
        f['result'] = u8[at + 4] === Type.Refuse ? 'refuse' : 'redirect';
        f['message'] = printable(u8, at + 12, Math.min(length - 12, 256));
        c.buffers.add(B['oracle.data'], at + 8, length - 8);
        c.inspect(flow, this.tx, Stage.ResponseHead);
        return this.emit(c, flow);
      case Type.Data:
        if (length > 10) this.payload(c, flow, d, at + 10, length - 10);
        return;
      default:
    }
  }

  private descriptor(c: AppContext, flow: Flow, at: number, n: number): void {
    const s = text(c.arena.u8, at, Math.min(n, 2048));
    const f = this.tx.fields;
    const take = (key: string, name: string): void => {
      const m = new RegExp(`\\(${name}=([^()]{0,128})\\)`, 'i').exec(s);
      if (m) f[key] = m[1];
    };
    take('service_name', 'SERVICE_NAME');
    take('sid', 'SID');
    take('program', 'PROGRAM');
    take('os_user', 'USER');
    take('command', 'COMMAND');
    const cid = /\(CID=.*?\(HOST=([^()]{0,128})\)/i.exec(s);
    if (cid) f['client_host'] = cid[1];
    c.buffers.add(B['oracle.connect'], at, n);
    c.inspect(flow, this.tx, Stage.RequestHead);
  }

  private payload(c: AppContext, flow: Flow, d: Direction, at: number, n: number): void {
    const { u8 } = c.arena;
    const end = at + n;
    c.buffers.add(B['oracle.data'], at, n);
    if (d === 0) {
      // the login's first call carries the user, then pairs such as AUTH_TERMINAL; the second AUTH_PASSWORD
      const auth = u8[at] === 3 && (u8[at + 1] === 0x76 || u8[at + 1] === 0x73);
      if (auth && this.user === undefined) {
        const pairs = findWord(u8, at, end, 'auth_');
        if (pairs > 0) this.user = /([A-Za-z_#$][\w#$.@-]{0,127})[^\x20-\x7e]+$/.exec(latin(u8, at + 2, pairs - at - 2))?.[1]?.toUpperCase();
      }
      if (auth) this.authenticating = true;
      const tx = new PlainTransaction(++this.nextId, 'oracle');
      const sql = auth ? null : SQL.exec(text(u8, at, Math.min(n, MAX_SHOWN)));
      if (sql) tx.fields['query'] = sql[1]!.replace(/[^\t\n\r\x20-\x7e\u00a0-\uffff][\s\S]*$/, '');
      c.inspect(flow, tx, Stage.RequestBody);
      if (sql) c.event(flow, 'oracle', tx.fields, tx.id, 0);
      return;
    }
    c.inspect(flow, this.tx, Stage.ResponseBody);
    if (!this.authenticating) return;
    const error = findWord(u8, at, end, 'ora-');
    if (error >= 0) {
      const code = latin(u8, error, Math.min(9, end - error));
      this.authenticating = false;
      // 01017 wrong name or password, 28000 locked, 28001 expired; others aren't about the login
      this.login(c, flow, /ORA-(?:01017|28000|28001|01005|28040)/.test(code) ? 'failure' : 'unknown', code);
    } else if (findWord(u8, at, end, 'auth_svr_response') >= 0 || findWord(u8, at, end, 'auth_version_no') >= 0) {
      this.authenticating = false;
      this.login(c, flow, 'success');
    }
  }

  private login(c: AppContext, flow: Flow, result: 'success' | 'failure' | 'unknown', error?: string): void {
    if (error !== undefined) this.tx.fields['error'] = error;
    const { service_name: service } = this.tx.fields;
    const detail = { protocol: 'oracle', ...(this.user !== undefined && { user: this.user }), result, confidence: 0.95, method: 'o5logon' };
    c.event(flow, 'auth', { ...detail, ...(service !== undefined && { target: service }) }, 0, 0);
  }

  private emit(c: AppContext, flow: Flow): void {
    if (this.told) return;
    this.told = true;
    c.event(flow, 'oracle', this.tx.fields, 0, 0);
  }

  override end(c: AppContext, flow: Flow, d: Direction): void {
    super.end(c, flow, d);
    if (d === 1 && Object.keys(this.tx.fields).length > 0) this.emit(c, flow);
  }
}

export const oracle: ProtocolEntry = {
  protocol: 'oracle',
  transport: 'tcp',
  ports: [1521, 1522, 1526],
  identify: (u8, at, length, d, onPort) => {
    if (length < 8) return length > 2 && u8[at + 2] !== 0 ? -1 : 0;
    const size = u16(u8, at),
      type = u8[at + 4]!;
    if (size < 8 || size > 4096 || u8[at + 2] !== 0 || u8[at + 3] !== 0 || u8[at + 6] !== 0 || u8[at + 7] !== 0) return -1;
    if (d === 0 && type === Type.Connect) {
      if (length < 28) return 0;
      const version = u16(u8, at + 8);
      return version >= 300 && version < 400 && u16(u8, at + 26) <= 512 ? 1 : -1;
    }
    return onPort && d === 1 && (type === Type.Accept || type === Type.Refuse || type === Type.Redirect || type === Type.Resend) ? 1 : -1;
  },
  create: () => new OracleParser(),
};
