import type { Direction, Flow } from '../flow/flow.js';
import { B } from '../match/buffers.js';
import { prefix, text, latin } from './bytes.js';
import { LineProtocol, MAX_LINE, PlainTransaction } from './line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from './parser.js';
import { Tunnel } from './tunnel.js';

/** Anomalies of FTP. */
export type FtpAnomaly = 'request_command_too_long' | 'response_command_too_long';

/** Data channels announced and not seen yet, over all flows of a worker; the oldest is forgotten. */
const MAX_EXPECTED = 1024;
const expected = new Map<string, { filename: string; command: string }>();

/** FTP control connections (RFC 959, 2228, 2428). */
export class FtpParser extends LineProtocol {
  readonly protocol = 'ftp';
  private tx: PlainTransaction | undefined;
  private user = '';
  private port = 0;

  protected line(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    if (d === 0) {
      if (this.tx) this.finish(c, flow);
      let n = 0;
      while (n < length && u8[at + n] !== 32) n++;
      const command = latin(u8, at, n).toUpperCase();
      const data = text(u8, at + n + 1, length - n - 1);
      const tx = (this.tx = new PlainTransaction(this.nextId++, 'ftp', {
        command,
        ...(data !== '' && { command_data: data }),
      }));
      if (length >= MAX_LINE) c.anomaly(flow, 'ftp', 'request_command_too_long', tx.id);
      if (command === 'USER') this.user = data;
      else if (command === 'PORT') this.active(data);
      else if (command === 'EPRT') this.port = Number(data.split('|')[3] ?? 0);
      else if (command === 'RETR' || command === 'STOR' || command === 'APPE' || command === 'STOU')
        this.expect(command, data);
      c.buffers.add(B['ftp.command'], at, n);
      if (length > n) c.buffers.add(B['ftp.command_data'], at + n + 1, length - n - 1);
      c.buffers.add(B['line'], at, length);
      c.inspect(flow, tx, Stage.RequestHead);
      return;
    }
    const tx = (this.tx ??= new PlainTransaction(this.nextId++, 'ftp'));
    const code = length >= 3 ? latin(u8, at, 3) : '';
    const reply = (tx.fields['reply'] ??= []) as string[];
    if (reply.length < 32) reply.push(text(u8, at + 4, length - 4));
    if (!/^\d{3}$/.test(code)) return;
    c.buffers.add(B['ftp.reply'], at, length);
    c.buffers.add(B['ftp.completion_code'], at, 3);
    c.inspect(flow, tx, Stage.ResponseHead);
    if (u8[at + 3] === 45) return; // more lines follow
    tx.fields['completion_code'] = [code];
    const command = tx.fields['command'];
    if (code === '227') {
      const m = /(\d+,\d+,\d+,\d+),(\d+),(\d+)/.exec(text(u8, at, length));
      if (m) this.active(`${m[1]},${m[2]},${m[3]}`);
    } else if (code === '229') this.port = Number(/\|\|\|(\d+)\|/.exec(text(u8, at, length))?.[1] ?? 0);
    if (this.port > 0) tx.fields['dynamic_port'] = this.port;
    if (command === 'PASS' || (command === 'USER' && code === '230')) {
      const result =
        code === '230' || code === '202' ? 'success' : code.startsWith('5') || code === '421' ? 'failure' : 'unknown';
      c.event(
        flow,
        'auth',
        { protocol: 'ftp', user: this.user, result, confidence: 0.99, method: 'password' },
        tx.id,
        0,
      );
    }
    if (code.startsWith('1')) return;
    this.finish(c, flow);
    if (code === '234') this.tunnel = new Tunnel('tls');
  }

  private active(data: string): void {
    const n = data.split(',').map(Number);
    this.port = ((n[4] ?? 0) << 8) | (n[5] ?? 0);
  }

  private expect(command: string, filename: string): void {
    if (this.port === 0) return;
    if (expected.size >= MAX_EXPECTED) expected.delete(expected.keys().next().value!);
    expected.set(String(this.port), { filename, command });
    this.port = 0;
  }

  private finish(c: AppContext, flow: Flow): void {
    const { tx } = this;
    this.tx = undefined;
    if (!tx) return;
    c.event(flow, 'ftp', tx.fields, tx.id, 0);
  }

  override end(c: AppContext, flow: Flow, direction: Direction): void {
    super.end(c, flow, direction);
    if (direction === 1) this.finish(c, flow);
  }
}

/** A data connection that a control connection announced. */
class FtpData implements AppParser {
  readonly protocol = 'ftp-data';
  private readonly tx: PlainTransaction;
  private file: ReturnType<AppContext['file']> | undefined;
  constructor(private readonly what: { filename: string; command: string }) {
    this.tx = new PlainTransaction(0, 'ftp_data', { filename: what.filename, command: what.command });
  }
  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    if (!this.file) {
      this.file = c.file(flow, this.tx, direction, this.what.filename);
      c.event(flow, 'ftp_data', this.tx.fields, 0, direction);
    }
    this.file.data(at, length);
    c.buffers.add(B['file.data'], at, length);
    c.inspect(flow, this.tx, direction === 0 ? Stage.RequestBody : Stage.ResponseBody);
    return length;
  }
  gap(): boolean {
    return true;
  }
  end(_c: AppContext, _flow: Flow, direction: Direction): void {
    if (direction === 1) this.file?.close(true);
  }
}

const COMMANDS =
  /^(?:USER|PASS|AUTH|FEAT|SYST|QUIT|OPTS|PASV|EPSV|PORT|EPRT|CWD|LIST|RETR|STOR|SITE|TYPE|PBSZ|HELP|NOOP|PWD)(?:[ \r\n]|$)/i;
export const ftp: ProtocolEntry = {
  protocol: 'ftp',
  transport: 'tcp',
  ports: [21],
  identify: (u8, at, length, direction, onPort) => {
    const s = latin(u8, at, Math.min(length, 64));
    if (direction === 1) {
      if (prefix(u8, at, length, '220') < 0) return -1;
      if (length < 4) return 0;
      if (onPort || /ftp/i.test(s)) return 1;
      return /smtp|mail/i.test(s) || s.includes('\n') ? -1 : 0;
    }
    if (!s.includes('\n')) return length < 8 && /^[A-Za-z]*/.exec(s)![0].length >= Math.min(length, 3) ? 0 : -1;
    if (/^(?:AUTH (?:TLS|SSL)|FEAT|SYST|PASV|EPSV|OPTS|PORT|CWD|TYPE)/i.test(s)) return 1;
    return COMMANDS.test(s) && onPort ? 1 : -1;
  },
  create: () => new FtpParser(),
};
export const ftpData: ProtocolEntry = {
  protocol: 'ftp-data',
  transport: 'tcp',
  ports: [20],
  identify: () => -1, // by announcement only: see `expectedFtpData`
  create: () => new FtpData({ filename: '', command: '' }),
};

/** The parser for a flow whose server port (or client port, in active mode) a control connection announced. */
export function expectedFtpData(flow: Flow): AppParser | undefined {
  const key = expected.has(String(flow.serverPort)) ? String(flow.serverPort) : String(flow.clientPort);
  const what = expected.get(key);
  if (!what) return undefined;
  expected.delete(key);
  return new FtpData(what);
}
