import type { Direction, Flow } from '../flow/flow.js';
import { B } from '../match/buffers.js';
import { copy, latin, prefix, text } from './bytes.js';
import { LineProtocol, MAX_LINE, PlainTransaction } from './line-protocol.js';
import { Stage, type AppContext, type AppParser, type FileInFlight, type ProtocolEntry } from './parser.js';
import { addString } from './tls/tls.js';
import { Tunnel } from './tunnel.js';

/** Anomalies of FTP. */
export type FtpAnomaly = 'request_command_too_long' | 'response_command_too_long';

/** Data channels announced and not seen yet, over all flows of a worker; the oldest is forgotten. */
const MAX_EXPECTED = 1024;
/** By address and port that will be listening. */
const expected = new Map<string, { filename: string; command: string }>();
/** Bytes of a transfer inspected as one buffer, as with HTTP bodies. */
const FILE_LIMIT = 100 * 1024;

const TRANSFERS = new Set(['RETR', 'STOR', 'APPE', 'STOU']);
const addressKey = (a: Uint8Array, at: number, port: number): string =>
  `${String.fromCharCode(...a.subarray(at, at + 16))}${port}`;

/** FTP control connections (RFC 959, 2228, 2428). */
export class FtpParser extends LineProtocol {
  readonly protocol = 'ftp';
  private tx: PlainTransaction | undefined;
  private user = '';
  private port = 0;
  /** The client listens (PORT, EPRT) rather than the server. */
  private active = false;
  private announced = '';

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
      else if (command === 'PORT') this.listens(data, true);
      else if (command === 'EPRT') {
        this.port = Number(data.split('|')[3] ?? 0);
        this.active = true;
      }
      else if (TRANSFERS.has(command)) this.expect(flow, command, data);
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
    const codes = (tx.fields['completion_code'] ??= []) as string[];
    if (!codes.includes(code)) codes.push(code);
    c.buffers.add(B['ftp.reply'], at, length);
    c.buffers.add(B['ftp.completion_code'], at, 3);
    c.inspect(flow, tx, Stage.ResponseHead);
    if (u8[at + 3] === 45) return; // more lines follow
    const command = tx.fields['command'];
    if (code === '227') {
      const m = /(\d+,\d+,\d+,\d+),(\d+),(\d+)/.exec(text(u8, at, length));
      if (m) this.listens(`${m[1]},${m[2]},${m[3]}`, false);
    } else if (code === '229') {
      this.port = Number(/\|\|\|(\d+)\|/.exec(text(u8, at, length))?.[1] ?? 0);
      this.active = false;
    }
    // a transfer refused has no data channel
    if (TRANSFERS.has(String(command)) && (code.startsWith('4') || code.startsWith('5'))) expected.delete(this.announced);
    if (this.port > 0 && (code === '227' || code === '229' || command === 'PORT' || command === 'EPRT')) {
      tx.fields['dynamic_port'] = this.port;
      tx.fields['mode'] = this.active ? 'active' : 'passive';
    }
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

  private listens(data: string, active: boolean): void {
    const n = data.split(',').map(Number);
    this.port = ((n[4] ?? 0) << 8) | (n[5] ?? 0);
    this.active = active;
  }

  private expect(flow: Flow, command: string, filename: string): void {
    if (!(this.port > 0 && this.port < 65536)) return;
    if (expected.size >= MAX_EXPECTED) expected.delete(expected.keys().next().value!);
    this.announced = addressKey(flow.addresses, this.active ? 0 : 16, this.port);
    expected.set(this.announced, { filename, command });
    this.port = 0;
  }

  private finish(c: AppContext, flow: Flow): void {
    const { tx } = this;
    this.tx = undefined;
    if (!tx) return;
    if (tx.fields['command'] !== undefined) tx.fields['command_truncated'] = false;
    const replied = tx.fields['reply'] !== undefined;
    tx.fields['reply_received'] = replied ? 'yes' : 'no';
    if (replied) tx.fields['reply_truncated'] = false;
    if (tx.fields['command'] !== undefined) for (const stage of [Stage.RequestEnd, Stage.ResponseEnd] as const) {
      if (tx.fields['dynamic_port'] !== undefined) {
        c.buffers.addNumber(B['ftp.dynamic_port'], tx.fields['dynamic_port'] as number);
        c.buffers.addNumber(B['ftp.mode'], tx.fields['mode'] === 'active' ? 1 : 0);
      }
      c.buffers.addNumber(B['ftp.reply_received'], replied ? 1 : 0);
      c.inspect(flow, tx, stage);
    }
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
  private file: FileInFlight | undefined;
  private block = 0;
  private length = 0;
  private inspected = false;
  private whole = true;
  private direction: Direction = 0;
  constructor(private readonly what: { filename: string; command: string }) {
    this.tx = new PlainTransaction(0, 'ftp_data', { filename: what.filename, command: what.command });
  }

  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    if (length === 0) return 0;
    if (!this.file) {
      this.direction = direction;
      this.file = c.file(flow, this.tx, direction, this.what.filename);
      c.event(flow, 'ftp_data', this.tx.fields, 0, direction);
    }
    this.file.data(at, length);
    const room = FILE_LIMIT - this.length;
    if (room > 0) {
      if (this.block === 0) this.block = c.arena.take(FILE_LIMIT);
      const n = this.block === 0 ? 0 : Math.min(length, room);
      if (n > 0) copy(c.arena.u8, this.block + this.length, at, n);
      this.length += n;
    }
    if (this.length >= FILE_LIMIT) this.inspect(c, flow);
    return length;
  }

  private inspect(c: AppContext, flow: Flow): void {
    if (this.inspected || this.length === 0) return;
    this.inspected = true;
    c.buffers.add(B['file.data'], this.block, this.length);
    addString(c, B['file.name'], this.what.filename);
    addString(c, B['ftpdata_command'], this.what.command.toLowerCase());
    c.inspect(flow, this.tx, this.direction === 0 ? Stage.RequestBody : Stage.ResponseBody);
    this.give(c);
  }

  private give(c: AppContext): void {
    if (this.block !== 0) c.arena.give(this.block, FILE_LIMIT);
    this.block = 0;
    if (!this.inspected) this.length = 0;
  }

  gap(): boolean {
    this.whole = false;
    return true;
  }
  end(c: AppContext, flow: Flow, direction: Direction): void {
    if (direction !== this.direction) return;
    this.inspect(c, flow);
    this.file?.close(this.whole);
    this.file = undefined;
  }
  close(c: AppContext): void {
    this.file?.close(false);
    this.file = undefined;
    this.give(c);
  }
}

const isLetter = (byte: number): boolean => (byte | 32) >= 0x61 && (byte | 32) <= 0x7a;
const COMMANDS =
  /^(?:USER|PASS|AUTH|FEAT|SYST|QUIT|OPTS|PASV|EPSV|PORT|EPRT|CWD|LIST|RETR|STOR|SITE|TYPE|PBSZ|HELP|NOOP|PWD)(?:[ \r\n]|$)/i;
export const ftp: ProtocolEntry = {
  protocol: 'ftp',
  transport: 'tcp',
  ports: [21],
  identify: (u8, at, length, direction, onPort) => {
    if (direction === 1 ? prefix(u8, at, length, '220') < 0 : !isLetter(u8[at]!)) return -1;
    const s = latin(u8, at, Math.min(length, 64));
    if (direction === 1) {
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
/** The channel that a control connection announced for this flow, by its listening end. */
function announced(flow: Flow): string | undefined {
  if (expected.size === 0) return undefined;
  for (const [at, port] of [[16, flow.serverPort], [0, flow.clientPort]] as const) {
    const key = addressKey(flow.addresses, at, port);
    if (expected.has(key)) return key;
  }
  return undefined;
}

export const ftpData: ProtocolEntry = {
  protocol: 'ftp-data',
  transport: 'tcp',
  ports: [20],
  identify: () => -1, // by announcement only
  expects: (flow) => announced(flow) !== undefined,
  create: (flow) => {
    const key = announced(flow);
    const what = key === undefined ? { filename: '', command: '' } : expected.get(key)!;
    if (key !== undefined) expected.delete(key);
    return new FtpData(what);
  },
};
