import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { put, u16, u16le, u32le, utf16 } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';

/** Login failed for user (18456) and its kin. */
const LOGIN_ERRORS = new Set([18456, 18452, 18470, 18486, 18487, 18488, 4060]);

/** Tabular Data Stream of SQL Server (MS-TDS) 7. */
class TdsParser extends FrameProtocol {
  readonly protocol = 'tds';
  private user = '';
  private trying = false;
  private tx: PlainTransaction | undefined;

  protected size(u8: Uint8Array, _d: Direction, at: number, length: number): number {
    if (length < 8) return 0;
    const n = u16(u8, at + 2);
    return n < 8 ? -1 : n;
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    const type = u8[at]!,
      p = at + 8,
      end = at + length;
    if (type === 16 && d === 0 && length > 8 + 94) {
      const str = (off: number): string => {
        const o = u16le(u8, p + off),
          n = u16le(u8, p + off + 2) * 2;
        return p + o + n <= end ? utf16(u8, p + o, Math.min(n, 256)) : '';
      };
      this.user = str(40);
      this.trying = true;
      this.begin(c, flow, { command: 'login', user: this.user, host: str(36), app: str(48), database: str(68) }, '');
    } else if (type === 1 && d === 0) {
      let q = p;
      const headers = u32le(u8, p); // ALL_HEADERS since 7.2
      if (headers >= 4 && headers < 256 && p + headers < end) q += headers;
      const sql = utf16(u8, q, Math.min(end - q, 32768));
      this.begin(c, flow, { command: 'batch', query: sql.slice(0, 2048) }, sql);
    } else if (type === 3 && d === 0) {
      const sql = utf16(u8, p, Math.min(end - p, 32768) & ~1);
      this.begin(c, flow, { command: 'rpc' }, sql);
    } else if (type === 4 && d === 1) {
      if (this.trying) this.login(c, flow, p, end);
      if (this.tx) {
        c.buffers.add(B['line'], p, end - p);
        c.inspect(flow, this.tx, Stage.ResponseHead);
        c.event(flow, 'tds', this.tx.fields, this.tx.id, 0);
        this.tx = undefined;
      }
    }
  }

  private begin(c: AppContext, flow: Flow, fields: Record<string, unknown>, sql: string): void {
    this.tx = new PlainTransaction(this.nextId++, 'tds', fields);
    if (sql !== '') {
      const bytes = Buffer.from(sql, 'utf8');
      const to = c.scratch(bytes.length);
      if (to !== 0) {
        if (bytes.length === sql.length) put(c.arena.u8, to, sql);
        else c.arena.u8.set(bytes, to);
        c.buffers.add(B['tds.query'], to, bytes.length);
      }
    }
    c.inspect(flow, this.tx, Stage.RequestHead);
  }

  /** Walks the tokens in front: ERROR 0xAA, INFO 0xAB, LOGINACK 0xAD, ENVCHANGE 0xE3 have a length. */
  private login(c: AppContext, flow: Flow, at: number, end: number): void {
    const { u8 } = c.arena;
    let result: 'success' | 'failure' | 'unknown' = 'unknown';
    for (let p = at; p + 7 < end; p += 3 + u16le(u8, p + 1)) {
      const token = u8[p]!;
      if (token === 0xad) result = 'success';
      else if (token === 0xaa && LOGIN_ERRORS.has(u32le(u8, p + 3))) result = 'failure';
      if (result !== 'unknown' || (token !== 0xe3 && token !== 0xab && token !== 0xaa)) break;
    }
    if (result === 'unknown') return;
    this.trying = false;
    c.event(
      flow,
      'auth',
      { protocol: 'tds', user: this.user, result, confidence: 0.99, method: 'password' },
      this.tx?.id,
      0,
    );
  }
}

export const tds: ProtocolEntry = {
  protocol: 'tds',
  transport: 'tcp',
  ports: [1433],
  identify: (u8, at, length, d, onPort) => {
    if (length < 8) return length > 0 && u8[at] !== 0x12 && u8[at] !== 0x10 && !(d === 1 && u8[at] === 4) ? -1 : 0;
    const type = u8[at]!,
      n = u16(u8, at + 2);
    if (n < 8 || n > 32768 || u8[at + 1]! > 1 || u8[at + 7] !== 0) return -1;
    if (type === 0x12 && d === 0) return length < 14 ? 0 : u8[at + 8] === 0 && u16(u8, at + 9) < 256 ? 1 : -1;
    return (type === 0x10 && d === 0 && n > 100) || (type === 4 && d === 1 && onPort) ? 1 : -1;
  },
  create: () => new TdsParser(),
};
