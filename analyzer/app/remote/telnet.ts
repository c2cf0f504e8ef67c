import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { printable } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';

const IAC = 255;
/** One line kept; a terminal is a few hundred columns wide. */
const MAX_LINE = 1024;

/** Telnet (RFC 854): lines without the options between, and how logins went. */
class TelnetParser implements AppParser {
  readonly protocol = 'telnet';
  private readonly lines: [number[], number[]] = [[], []];
  private nextId = 0;
  private state: 'idle' | 'user' | 'password' | 'answer' = 'idle';
  private user = '';

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    const end = at + length;
    const line = this.lines[d];
    let p = at;
    while (p < end) {
      const b = u8[p]!;
      if (b === IAC) {
        if (p + 1 >= end) break;
        const k = u8[p + 1]!;
        if (k === 250) {
          let e = p + 2;
          while (e + 1 < end && !(u8[e] === IAC && u8[e + 1] === 240)) e++;
          if (e + 1 >= end) {
            if (end - p < 512) break;
            p = end;
            continue;
          }
          p = e + 2;
        } else if (k >= 251 && k <= 254) {
          if (p + 2 >= end) break;
          p += 3;
        } else p += 2;
        continue;
      }
      p++;
      if (b === 10 || (b === 13 && d === 0)) this.line(c, flow, d);
      else if ((b === 8 || b === 127) && line.length > 0) line.pop();
      else if (b !== 13 && b !== 0 && line.length < MAX_LINE) line.push(b);
      // A colon ends the prompt of many routers; without the blank it is one only where the server stops to wait.
      if (d === 1 && line.length > 4 && (b === 0x20 || (p === end && (b === 0x3a || b === 0x3e || b === 0x23)))) this.prompt(c, flow);
    }
    return p - at;
  }

  private prompt(c: AppContext, flow: Flow): void {
    const s = Buffer.from(this.lines[1]).toString('latin1');
    if (/(?:login|username|user name): ?$/i.test(s) && !/last (?:failed )?login: ?$/i.test(s)) {
      if (this.state === 'answer') this.result(c, flow, 'failure');
      this.state = 'user';
    } else if (/password: ?$/i.test(s)) this.state = 'password';
    else if (this.state === 'answer' && /[$#>] $|^<?[\w.@-]{1,64}[>#]$/.test(s)) this.result(c, flow, 'success');
  }

  private result(c: AppContext, flow: Flow, result: 'success' | 'failure'): void {
    this.state = 'idle';
    c.event(
      flow,
      'auth',
      { protocol: 'telnet', user: this.user, result, confidence: 0.85, method: 'password' },
      undefined,
      0,
    );
  }

  private line(c: AppContext, flow: Flow, d: Direction): void {
    const line = this.lines[d];
    if (d === 0 && this.state === 'user') {
      this.user = Buffer.from(line).toString('latin1');
      this.state = 'idle';
    } else if (d === 0 && this.state === 'password') this.state = 'answer';
    const to = line.length > 0 ? c.scratch(line.length) : 0;
    if (to !== 0) {
      c.arena.u8.set(line, to);
      const s = printable(c.arena.u8, to, line.length);
      if (d === 1 && this.state === 'answer') {
        if (/incorrect|failed|invalid|denied|bad password/i.test(s)) this.result(c, flow, 'failure');
        else if (/last login|welcome|[$#>] ?$/i.test(s)) this.result(c, flow, 'success');
      }
      const tx = new PlainTransaction(this.nextId++, 'telnet', { direction: d === 0 ? 'client' : 'server', line: s });
      c.buffers.add(B['telnet.line'], to, line.length);
      c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    }
    line.length = 0;
  }

  gap(): boolean {
    return true;
  }
  end(c: AppContext, flow: Flow, d: Direction): void {
    if (this.lines[d].length > 0) this.line(c, flow, d);
  }
}

export const telnet: ProtocolEntry = {
  protocol: 'telnet',
  transport: 'tcp',
  ports: [23, 2323],
  identify: (u8, at, length, _d, onPort) => {
    if (length < 1) return 0;
    if (u8[at] !== IAC) return onPort && length > 3 ? 1 : onPort ? 0 : -1;
    if (length < 3) return 0;
    return u8[at + 1]! >= 250 && u8[at + 1]! <= 254 && u8[at + 2]! <= 50 ? 1 : -1;
  },
  create: () => new TelnetParser(),
};
