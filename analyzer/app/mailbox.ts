import type { Direction, Flow } from '../flow/flow.js';
import { B } from '../match/buffers.js';
import { latin, prefix, text } from './bytes.js';
import { LineProtocol, PlainTransaction } from './line-protocol.js';
import { MailMessage } from './mail-message.js';
import { Stage, type AppContext, type ProtocolEntry } from './parser.js';
import { Tunnel } from './tunnel.js';

/** Longest argument of a command that is taken from a literal: accounts and passwords have at most some hundred bytes. */
const MAX_LITERAL = 1024;
/** Commands sent ahead of their answers; clients send some ten. */
const MAX_WAITING = 64;

/** A command that awaits its answer. */
interface Asked {
  readonly tag: string;
  readonly tx: PlainTransaction;
  /** Of a login: its method. */
  readonly login: string;
  user: string;
}

/** POP3 (RFC 1939) and IMAP (RFC 3501): logins, commands, and the mails that they carry. */
class MailboxParser extends LineProtocol {
  private readonly waiting: Asked[] = [];
  /** POP3: from USER, for the PASS that follows. */
  private user = '';
  /** Mechanism of the SASL exchange under way (RFC 4422), and whether the server has asked for the client's next answer. */
  private sasl: string | undefined;
  private challenged = false;
  /** Mails to the server (APPEND) and from it (FETCH, RETR). */
  private readonly mails = [new MailMessage(0, () => (this.waiting.at(-1) ?? this.answered()).tx), new MailMessage(1, () => this.answered().tx)] as const;
  /** IMAP: bytes of a literal still to come, whether they are a mail, and whether the line goes on behind it. */
  private readonly literal: [number, number] = [0, 0];
  private readonly isMail: [boolean, boolean] = [false, false];
  private readonly goesOn: [boolean, boolean] = [false, false];
  /** IMAP: the client's literal waits for the server's word. */
  private asks = false;
  /** IMAP: a command as far as its literals have brought it. */
  private begun = '';
  /** POP3: the command whose mail follows in lines. */
  private retrieving: Asked | undefined;
  constructor(readonly protocol: 'pop3' | 'imap') {
    super();
  }

  /** The command that the server is answering. */
  private answered(): Asked {
    const asked = this.retrieving ?? this.waiting[0];
    if (asked) return asked;
    const none: Asked = { tag: '', tx: new PlainTransaction(this.nextId++, this.protocol, { command: '' }), login: '', user: '' };
    this.waiting.push(none);
    return none;
  }

  /** Literals of IMAP (RFC 3501 4.3, RFC 7888): what is in them is no line, whatever it looks like. */
  protected override raw(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const left = this.literal[d];
    if (left === 0) return 0;
    let n = Math.min(left, length);
    if (this.isMail[d]) {
      n = this.mails[d].take(c, flow, at, length, left);
      if (n < 0) return -2;
    } else if (d === 0 && left <= MAX_LITERAL) {
      if (length < left) return -2;
      this.begun += JSON.stringify(text(c.arena.u8, at, n).replace(/["\\\s]/g, '_'));
    }
    this.literal[d] = left - n;
    if (this.literal[d] === 0 && this.isMail[d]) this.mailDone(c, flow, d);
    return n;
  }

  /** A literal at the end of a line. @param mail whether it is a whole mail. */
  private opensLiteral(c: AppContext, d: Direction, at: number, length: number, mail: boolean): boolean {
    const tail = Math.min(length, 16);
    const m = this.protocol === 'imap' ? /\{(\d{1,10})\+?\}$/.exec(latin(c.arena.u8, at + length - tail, tail)) : null;
    this.goesOn[d] = m !== null;
    if (!m) return false;
    this.literal[d] = Number(m[1]);
    if (d === 0) this.asks = !m[0].includes('+');
    this.isMail[d] = mail && this.literal[d] > 0;
    if (this.isMail[d]) this.mails[d].begin();
    return true;
  }

  private mailDone(c: AppContext, flow: Flow, d: Direction): void {
    this.isMail[d] = false;
    this.mails[d].done(c, flow);
    if (d === 0) return;
    // one answer may bring many mails: each is told
    const { tx } = this.answered();
    const { email, ...fields } = tx.fields;
    delete tx.fields['email'];
    if (email !== undefined) c.event(flow, this.protocol, { ...fields, email }, tx.id, 1);
  }

  override gap(c: AppContext, flow: Flow, d: Direction, missing: number): boolean {
    const left = this.literal[d];
    if (missing <= left) this.literal[d] -= missing;
    else {
      this.literal[d] = 0;
      this.isMail[d] = this.goesOn[d] = false;
      if (d === 0) this.begun = '';
      else this.retrieving = undefined;
      this.mails[d].breakOff(c, flow);
    }
    return super.gap(c, flow, d, missing);
  }

  override close(c: AppContext): void {
    super.close(c);
    for (const mail of this.mails) mail.close(c);
  }

  override end(c: AppContext, flow: Flow, d: Direction): void {
    super.end(c, flow, d);
    this.mails[d].breakOff(c, flow);
  }

  protected line(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    if (d === 0) this.command(c, flow, at, length);
    else this.answer(c, flow, at, length);
  }

  private answer(c: AppContext, flow: Flow, at: number, length: number): void {
    const { u8 } = c.arena;
    if (this.retrieving) {
      if (length !== 1 || u8[at] !== 0x2e) return this.mails[1].line(c, flow, at, length, true);
      this.mailDone(c, flow, 1);
      this.retrieving = undefined;
      return;
    }
    const s = text(u8, at, Math.min(length, 1024));
    const rest = this.goesOn[1];
    this.opensLiteral(c, 1, at, length, /\b(?:RFC822|BODY\[\])(?:<\d+>)? \{\d+\}$/i.test(s));
    if (rest || this.waiting.length === 0) return;
    const pop3 = this.protocol === 'pop3';
    const status = (pop3 ? /^(\+OK|-ERR)/ : /^(?:\S+) (OK|NO|BAD)\b/i).exec(s)?.[1]?.toUpperCase();
    if (this.literal[0] > 0 && this.asks) {
      if (s.startsWith('+')) this.asks = false;
      else if (status === 'NO' || status === 'BAD') this.refused();
    }
    const tag = s.slice(0, Math.max(0, s.indexOf(' ')));
    const index = status === undefined ? -1 : pop3 ? 0 : this.waiting.findIndex((asked) => asked.tag === tag);
    const asked = this.waiting[Math.max(0, index)]!;
    c.buffers.add(B['line'], at, length);
    c.inspect(flow, asked.tx, Stage.ResponseHead);
    if (this.sasl !== undefined && s.startsWith('+') && status === undefined) this.challenged = true;
    if (index < 0) return;
    this.waiting.splice(index, 1);
    this.settle(c, flow, asked, status === 'OK' || status === '+OK');
  }

  /** The server does not want the literal: it will not come. */
  private refused(): void {
    this.literal[0] = 0;
    this.isMail[0] = this.goesOn[0] = false;
    this.begun = '';
  }

  private settle(c: AppContext, flow: Flow, asked: Asked, ok: boolean): void {
    const { tx, login, user } = asked;
    tx.fields['result'] = ok ? 'OK' : 'ERR';
    c.event(flow, this.protocol, tx.fields, tx.id, 0);
    const command = String(tx.fields['command']);
    if (login !== '') {
      c.event(flow, 'auth', { protocol: this.protocol, user, result: ok ? 'success' : 'failure', confidence: 0.99, method: login }, tx.id, 0);
      this.sasl = undefined;
      this.challenged = false;
    }
    if (!ok) return;
    if (command === 'STLS' || command === 'STARTTLS') this.tunnel = new Tunnel('tls');
    else if (this.protocol === 'pop3' && (command === 'RETR' || command === 'TOP')) {
      this.retrieving = asked;
      this.mails[1].begin();
    }
  }

  private command(c: AppContext, flow: Flow, at: number, length: number): void {
    let s = text(c.arena.u8, at, Math.min(length, 1024));
    if (this.sasl !== undefined && this.challenged) {
      this.challenged = false;
      const last = this.waiting.at(-1);
      if (last && last.user === '') last.user = saslUser(this.sasl, s);
      return;
    }
    this.sasl = undefined;
    const rest = this.goesOn[0];
    const appends = this.protocol === 'imap' && /^\S+ (?:UID )?(?:APPEND|REPLACE)\b/i.test(rest ? this.begun : s);
    if (this.opensLiteral(c, 0, at, length, appends) && !appends) {
      this.begun = (this.begun + s.replace(/\{\d+\+?\}$/, '')).slice(0, 2 * MAX_LITERAL);
      return;
    }
    if (rest && appends) {
      // flags and further mails of the same command
      if (!this.goesOn[0]) this.begun = '';
      return;
    }
    s = this.begun + s;
    this.begun = appends ? s : '';
    const words = s.split(/\s+/);
    const tag = this.protocol === 'imap' ? (words.shift() ?? '') : '';
    const command = (words[0] ?? '').toUpperCase();
    let login = '',
      user = this.user;
    if (command === 'USER') user = this.user = words[1] ?? '';
    else if (command === 'PASS') login = 'password';
    else if (command === 'APOP') {
      user = words[1] ?? '';
      login = 'apop';
    } else if (command === 'LOGIN') {
      user = (words[1] ?? '').replace(/^"|"$/g, '');
      login = 'password';
    } else if (words[1] !== undefined && command === (this.protocol === 'imap' ? 'AUTHENTICATE' : 'AUTH')) {
      this.sasl = words[1].toUpperCase();
      login = this.sasl.toLowerCase();
      // What follows the mechanism is its first answer (RFC 4959, RFC 5034).
      user = words[2] === undefined ? '' : saslUser(this.sasl, words[2]);
    }
    const tx = new PlainTransaction(this.nextId++, this.protocol, {
      command,
      ...(command !== 'PASS' && command !== 'LOGIN' && this.sasl === undefined && { argument: words.slice(1).join(' ').slice(0, 256) }),
    });
    if (this.waiting.length >= MAX_WAITING) this.waiting.shift();
    this.waiting.push({ tag, tx, login, user });
    c.buffers.add(B['line'], at, length);
    c.inspect(flow, tx, Stage.RequestHead);
  }
}

const unbase64 = (s: string): string => Buffer.from(s, 'base64').toString('utf8');

/** Account in a client's answer of a SASL mechanism, base64; empty where it has none. */
function saslUser(mechanism: string, answer: string): string {
  const s = unbase64(answer);
  if (mechanism === 'PLAIN') return s.split('\0')[1] ?? '';
  if (mechanism === 'LOGIN') return s;
  if (mechanism === 'CRAM-MD5') return /^(.{1,256}) [0-9a-f]{32}$/i.exec(s)?.[1] ?? '';
  return /\busername="([^"]{1,256})"/.exec(s)?.[1] ?? /(?:^|,)n=([^,]{1,256})/.exec(s)?.[1] ?? '';
}

export const pop3: ProtocolEntry = {
  protocol: 'pop3',
  transport: 'tcp',
  ports: [110],
  // others say "+OK" alone, as Redis does; a greeting has text behind it
  identify: (u8, at, length, direction) => (direction === 1 ? prefix(u8, at, length, '+OK ') : -1),
  create: () => new MailboxParser('pop3'),
};
export const imap: ProtocolEntry = {
  protocol: 'imap',
  transport: 'tcp',
  ports: [143],
  identify: (u8, at, length, direction) => (direction === 1 ? prefix(u8, at, length, '* OK ') : -1),
  create: () => new MailboxParser('imap'),
};
