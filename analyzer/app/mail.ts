import type { Direction, Flow } from '../flow/flow.js';
import { B } from '../match/buffers.js';
import { findWord, latin, prefix } from './bytes.js';
import { LineProtocol, PlainTransaction } from './line-protocol.js';
import { MailMessage } from './mail-message.js';
import { Stage, type AppContext, type ProtocolEntry } from './parser.js';
import { addString } from './tls/tls.js';
import { Tunnel } from './tunnel.js';

/** Anomalies of SMTP, named as Suricata names its smtp events. */
export type SmtpAnomaly = 'mime_boundary_too_long' | 'mime_invalid_base64' | 'mime_depth';

const unbase64 = (s: string): string => Buffer.from(s, 'base64').toString('utf8');

const COMMANDS = /^(?:HELO|EHLO|MAIL|RCPT|DATA|BDAT|RSET|VRFY|EXPN|NOOP|QUIT|STARTTLS|AUTH|HELP)\b/i;

/** SMTP (RFC 5321) with the message's MIME parts (RFC 2045) taken apart as they pass. */
export class SmtpParser extends LineProtocol {
  readonly protocol = 'smtp';
  private tx: PlainTransaction | undefined;
  private helo = '';
  /** Transactions whose rules have seen the greeting. */
  private readonly greeted = new WeakSet<PlainTransaction>();
  private inData = false;
  private command = '';
  /** The message of this transaction is whole; what comes next belongs to another. */
  private sent = false;
  private told = false;
  /** Bytes of a BDAT chunk (RFC 3030) still to come, and whether it is the last. */
  private chunk = 0;
  private lastChunk = false;
  private chunking = false;
  private auth: { step: number; method: string; user: string } | undefined;
  private readonly mail = new MailMessage(0, () => this.open());

  private open(): PlainTransaction {
    return (this.tx ??= new PlainTransaction(this.nextId++, 'smtp', { ...(this.helo !== '' && { helo: this.helo }) }));
  }

  protected line(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    if (d === 1) return this.reply(c, flow, at, length);
    const s = latin(u8, at, Math.min(length, 1024));
    // where the server's direction is missing, what is no command after DATA is the message
    if (this.command === 'DATA' && !this.inData && !COMMANDS.test(s)) this.inData = true;
    if (this.inData) {
      if (length === 1 && u8[at] === 0x2e) this.messageDone(c, flow);
      else this.mail.line(c, flow, at, length, true);
      return;
    }
    if (this.auth && this.auth.step > 0) {
      if (this.auth.method === 'LOGIN' && this.auth.user === '') this.auth.user = unbase64(s);
      else if (this.auth.method === 'PLAIN') this.auth.user = unbase64(s).split('\0')[1] ?? '';
      return;
    }
    const word = /^[A-Za-z]+/.exec(s)?.[0].toUpperCase() ?? '';
    this.command = word;
    const resets = word === 'HELO' || word === 'EHLO' || word === 'RSET';
    if (this.sent || (resets && this.tx?.fields['mail_from'] !== undefined)) this.finish(c, flow);
    const tx = this.open();
    const mail = (tx.fields['rcpt_to'] ??= []) as string[];
    if (mail.length === 0) delete tx.fields['rcpt_to'];
    if (word === 'HELO' || word === 'EHLO') {
      this.helo = s.slice(5).trim();
      tx.fields['helo'] = this.helo;
      addString(c, B['smtp.helo'], this.helo);
    } else if (word === 'MAIL') {
      const v = /<?([^<>\s]*)>?/.exec(s.slice(10).trim())?.[1] ?? '';
      tx.fields['mail_from'] = `<${v}>`;
      addString(c, B['smtp.mail_from'], `<${v}>`);
    } else if (word === 'RCPT') {
      // everything between the brackets: an exploit of CVE-2019-10149 has spaces in it
      const v = s.slice(8).trim().replace(/^<|>$/g, '');
      if (mail.length < 64) mail.push(`<${v}>`);
      tx.fields['rcpt_to'] = mail;
      addString(c, B['smtp.rcpt_to'], `<${v}>`);
    } else if (word === 'DATA') {
      this.mail.begin();
    } else if (word === 'BDAT') {
      const m = /^BDAT\s+(\d{1,10})(\s+LAST)?/i.exec(s);
      this.chunk = m ? Number(m[1]) : 0;
      this.lastChunk = m?.[2] !== undefined;
      if (!this.chunking) {
        this.chunking = true;
        this.mail.begin();
      }
      if (m && this.chunk === 0 && this.lastChunk) this.messageDone(c, flow);
    } else if (word === 'AUTH') {
      const [, method = '', initial = ''] = s.split(/\s+/);
      this.auth = { step: 1, method: method.toUpperCase(), user: '' };
      if (initial !== '')
        this.auth.user = this.auth.method === 'PLAIN' ? (unbase64(initial).split('\0')[1] ?? '') : unbase64(initial);
    }
    if (word !== 'HELO' && word !== 'EHLO' && this.helo !== '' && !this.greeted.has(tx)) addString(c, B['smtp.helo'], this.helo);
    this.greeted.add(tx);
    c.buffers.add(B['line'], at, length);
    c.inspect(flow, tx, Stage.RequestHead);
  }

  /** Chunks are taken line by line too, but end where they say. */
  protected override raw(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    if (d === 1 || this.chunk === 0) return 0;
    const n = this.mail.take(c, flow, at, length, this.chunk);
    if (n < 0) return -2;
    this.chunk -= n;
    if (this.chunk === 0 && this.lastChunk) this.messageDone(c, flow);
    return n;
  }

  private messageDone(c: AppContext, flow: Flow): void {
    this.inData = this.chunking = false;
    this.mail.done(c, flow);
    c.inspect(flow, this.open(), Stage.RequestEnd);
    this.sent = true;
    this.command = '.';
  }

  private reply(c: AppContext, flow: Flow, at: number, length: number): void {
    const { u8 } = c.arena;
    if (length < 3) return;
    const code = Number(latin(u8, at, 3));
    c.buffers.add(B['line'], at, length);
    c.inspect(flow, this.open(), Stage.ResponseHead);
    if (u8[at + 3] === 45) return;
    if (this.auth && code !== 334) {
      c.event(
        flow,
        'auth',
        {
          protocol: 'smtp',
          user: this.auth.user,
          result: code === 235 ? 'success' : 'failure',
          confidence: 0.99,
          method: this.auth.method.toLowerCase(),
        },
        this.tx?.id,
        0,
      );
      this.auth = undefined;
    }
    if (code === 354 && this.command === 'DATA') {
      this.inData = true;
    } else if (code === 220 && this.command === 'STARTTLS') {
      this.finish(c, flow);
      this.tunnel = new Tunnel('tls');
    } else if (this.command === '.' || this.command === 'QUIT' || this.command === 'RSET') this.finish(c, flow);
  }

  private finish(c: AppContext, flow: Flow): void {
    const { tx } = this;
    this.tx = undefined;
    this.sent = false;
    if (!tx) return;
    const mail = tx.fields['email'];
    delete tx.fields['email'];
    const keys = Object.keys(tx.fields);
    // QUIT after a mail is no mail of its own
    if (keys.length === 0 || (this.told && keys.length === 1 && keys[0] === 'helo' && mail === undefined)) return;
    this.told = true;
    c.event(flow, 'smtp', { ...tx.fields, ...(mail !== undefined && { email: mail }) }, tx.id, 0);
  }

  override gap(c: AppContext, flow: Flow, d: Direction, missing: number): boolean {
    if (d === 0) this.chunk = Math.max(0, this.chunk - missing);
    return super.gap(c, flow, d, missing);
  }

  override close(c: AppContext): void {
    super.close(c);
    this.mail.close(c);
  }

  override end(c: AppContext, flow: Flow, direction: Direction): void {
    super.end(c, flow, direction);
    if (direction === 0) this.mail.breakOff(c, flow);
    if (direction === 1) this.finish(c, flow);
  }
}

export const smtp: ProtocolEntry = {
  protocol: 'smtp',
  transport: 'tcp',
  ports: [25, 587, 2525],
  identify: (u8, at, length, direction, onPort) => {
    if (direction === 1) {
      const p = prefix(u8, at, length, '220');
      if (p !== 1 || length < 4) return p < 0 ? -1 : 0;
      if (onPort) return 1;
      const end = at + Math.min(length, 200);
      return findWord(u8, at, end, 'smtp') >= 0 || findWord(u8, at, end, 'mail') >= 0
        ? 1
        : latin(u8, at, length).includes('\n')
          ? -1
          : 0;
    }
    const s = latin(u8, at, Math.min(length, 5)).toUpperCase();
    for (const w of ['EHLO ', 'HELO ']) if (w.startsWith(s)) return s.length === 5 ? 1 : 0;
    return -1;
  },
  create: () => new SmtpParser(),
};
