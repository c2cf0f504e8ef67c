import type { Direction, Flow } from '../flow/flow.js';
import { B } from '../match/buffers.js';
import { indexOf, findWord, isExactly, latin, prefix, text } from './bytes.js';
import { LineProtocol, MAX_LINE, PlainTransaction } from './line-protocol.js';
import { Stage, type AppContext, type FileInFlight, type ProtocolEntry } from './parser.js';
import { addString } from './tls/tls.js';
import { Tunnel } from './tunnel.js';

/** Anomalies of SMTP, named as Suricata names its smtp events. */
export type SmtpAnomaly = 'mime_boundary_too_long' | 'mime_invalid_base64' | 'mime_depth';

/** Message lines of one mail looked at for headers. */
const MAX_HEADERS = 200;
/** Attachment bytes inspected as one buffer; the file itself is followed to its end. */
const FILE_LIMIT = 64 * 1024;
const MAX_BOUNDARIES = 8;

/** Stations that one mail is told to have come through. */
const MAX_RECEIVED = 32;
/** Addresses of pages in one mail's text. */
const MAX_URLS = 64;
const URL_PATTERN = /\b(?:https?|ftp):\/\/([^\s<>"'\u0000-\u001f]{3,1024})/gi;
/** Headers told as they are: name in the event, buffer. */
const MAIL_HEADERS: Readonly<Record<string, readonly [string, number]>> = {
  date: ['date', B['email.date']], 'message-id': ['message_id', B['email.message_id']], received: ['received', B['email.received']], 'x-mailer': ['x_mailer', B['email.x_mailer']],
};

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
  // the message under way
  private inHeader = false;
  private headers = 0;
  private header = '';
  private boundaries: string[] = [];
  private part:
    | { base64: boolean; quoted: boolean; name: string; file: FileInFlight | undefined; at: number; size: number; block: number; eol: number }
    | undefined;

  private open(): PlainTransaction {
    return (this.tx ??= new PlainTransaction(this.nextId++, 'smtp', { ...(this.helo !== '' && { helo: this.helo }) }));
  }

  protected line(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    if (d === 1) return this.reply(c, flow, at, length);
    const s = latin(u8, at, Math.min(length, 1024));
    // where the server's direction is missing, what is no command after DATA is the message
    if (this.command === 'DATA' && !this.inData && !COMMANDS.test(s)) this.inData = this.inHeader = true;
    if (this.inData) {
      if (length === 1 && u8[at] === 0x2e) this.messageDone(c, flow);
      else this.message(c, flow, at, length, true);
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
      this.boundaries = [];
      this.headers = 0;
      this.header = '';
    } else if (word === 'BDAT') {
      const m = /^BDAT\s+(\d{1,10})(\s+LAST)?/i.exec(s);
      this.chunk = m ? Number(m[1]) : 0;
      this.lastChunk = m?.[2] !== undefined;
      if (!this.chunking) {
        this.chunking = this.inHeader = true;
        this.boundaries = [];
        this.headers = 0;
        this.header = '';
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
    const { u8 } = c.arena;
    const have = Math.min(this.chunk, length);
    const e = indexOf(u8, 10, at, at + have);
    if (e < 0 && have < this.chunk && have < MAX_LINE) return -2;
    const n = e < 0 ? have : e + 1 - at;
    let line = e < 0 ? n : n - 1;
    if (line > 0 && u8[at + line - 1] === 13) line--;
    this.message(c, flow, at, Math.min(line, MAX_LINE), false);
    this.chunk -= n;
    if (this.chunk === 0 && this.lastChunk) this.messageDone(c, flow);
    return n;
  }

  private messageDone(c: AppContext, flow: Flow): void {
    this.inData = this.inHeader = this.chunking = false;
    this.headerDone(c);
    this.partDone(c, flow, true);
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
      this.inData = this.inHeader = true;
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

  private message(c: AppContext, flow: Flow, at: number, length: number, stuffed: boolean): void {
    const { u8 } = c.arena;
    if (stuffed && length > 0 && u8[at] === 0x2e) {
      at++;
      length--;
    }
    if (length > 2 && u8[at] === 0x2d && u8[at + 1] === 0x2d) {
      for (const b of this.boundaries) {
        if (!isExactly(u8, at + 2, at + length, b)) continue;
        this.partDone(c, flow, true);
        this.inHeader = !isExactly(u8, at + 2 + b.length, at + length, '--');
        this.headers = 0;
        return;
      }
    }
    if (this.inHeader) {
      if (length === 0) {
        this.headerDone(c);
        this.inHeader = false;
        if (this.part?.name) this.part.file = c.file(flow, this.open(), 0, this.part.name);
        return;
      }
      if (this.headers++ > MAX_HEADERS) return;
      const s = text(u8, at, Math.min(length, 1000));
      if (/^[ \t]/.test(s)) this.header += s.slice(0, 2000 - this.header.length);
      else {
        this.headerDone(c);
        this.header = s;
      }
      return;
    }
    if (this.part?.file) this.body(c, at, length);
    else if (length > 0) {
      this.urls(c, at, length);
      c.buffers.add(B['line'], at, length);
      c.inspect(flow, this.open(), Stage.RequestBody);
    }
  }

  /** Addresses of pages in a line of the text, without their scheme, as EVE has them. */
  private urls(c: AppContext, at: number, length: number): void {
    const { u8 } = c.arena;
    if (indexOf(u8, 0x3a, at, at + length) < 0) return;
    for (const m of text(u8, at, Math.min(length, MAX_LINE)).matchAll(URL_PATTERN)) {
      const email = (this.open().fields['email'] ??= { status: 'PARSE_DONE' }) as Record<string, unknown>;
      const list = (email['url'] ??= []) as string[];
      if (list.length >= MAX_URLS) return;
      list.push(m[1]!);
      addString(c, B['email.url'], m[1]!);
    }
  }

  private headerDone(c: AppContext): void {
    const s = this.header;
    this.header = '';
    const cut = s.indexOf(':');
    if (cut < 1) return;
    const name = s.slice(0, cut).toLowerCase();
    const value = decodeWords(s.slice(cut + 1).trim());
    const email = (this.open().fields['email'] ??= { status: 'PARSE_DONE' }) as Record<string, unknown>;
    if (name === 'from') {
      email['from'] ??= value;
      addString(c, B['email.from'], value);
    } else if (name === 'to') {
      email['to'] ??= addresses(value);
      addString(c, B['email.to'], value);
    } else if (name === 'cc') {
      email['cc'] ??= addresses(value);
      addString(c, B['email.cc'], value);
    } else if (Object.hasOwn(MAIL_HEADERS, name)) {
      const [key, id] = MAIL_HEADERS[name]!;
      if (key === 'received') {
        const list = (email[key] ??= []) as string[];
        if (list.length < MAX_RECEIVED) list.push(value);
      } else email[key] ??= value;
      addString(c, id, value);
    } else if (name === 'subject') {
      email['subject'] ??= value;
      addString(c, B['email.subject'], value);
    } else if (name === 'content-type' || name === 'content-disposition') {
      const b = /boundary="?([^";\s]{1,200})/i.exec(value)?.[1];
      if (b !== undefined && this.boundaries.length < MAX_BOUNDARIES) this.boundaries.push(b);
      const file = fileName(value);
      this.part ??= { base64: false, quoted: false, name: '', file: undefined, at: 0, size: 0, block: 0, eol: 0 };
      if (file !== undefined) {
        this.part.name = file;
        const list = (email['attachment'] ??= []) as string[];
        if (list.length < 32 && !list.includes(this.part.name)) list.push(this.part.name);
      }
    } else if (name === 'content-transfer-encoding') {
      this.part ??= { base64: false, quoted: false, name: '', file: undefined, at: 0, size: 0, block: 0, eol: 0 };
      this.part.base64 = /base64/i.test(value);
      this.part.quoted = /quoted-printable/i.test(value);
    }
  }

  private body(c: AppContext, at: number, length: number): void {
    const part = this.part!;
    if (part.block === 0) part.block = c.arena.take(FILE_LIMIT);
    if (part.block === 0) return;
    const room = part.block + (part.size < FILE_LIMIT - 8192 ? part.size : FILE_LIMIT - 8192);
    let n = 0;
    if (part.base64) {
      const bytes = Buffer.from(latin(c.arena.u8, at, length), 'base64');
      n = Math.min(bytes.length, 8192);
      c.arena.u8.set(bytes.subarray(0, n), room);
    } else {
      // the line end before a boundary is the boundary's: each is written with the line that follows it
      let w = room;
      if (part.eol > 1) c.arena.u8[w++] = 13;
      if (part.eol > 0) c.arena.u8[w++] = 10;
      part.eol = c.arena.u8[at + length] === 13 ? 2 : 1;
      const take = Math.min(length, 8188);
      c.arena.u8.copyWithin(w, at, at + take);
      let end = w + take;
      if (part.quoted) {
        end = unquote(c.arena.u8, w, end);
        // "=" at the end of a line: it goes on with the next (RFC 2045 6.7)
        if (take > 0 && c.arena.u8[at + length - 1] === 0x3d) {
          end--;
          part.eol = 0;
        }
      }
      n = end - room;
    }
    part.file!.data(room, n);
    part.size += n;
  }

  private partDone(c: AppContext, flow: Flow, complete: boolean): void {
    const { part } = this;
    this.part = undefined;
    if (!part) return;
    if (part.block !== 0) {
      c.buffers.add(B['file.data'], part.block, Math.min(part.size, FILE_LIMIT - 8192));
      addString(c, B['file.name'], part.name);
      c.inspect(flow, this.open(), Stage.RequestBody);
      c.arena.give(part.block, FILE_LIMIT);
    }
    part.file?.close(complete);
  }

  override close(c: AppContext): void {
    super.close(c);
    if (this.part && this.part.block !== 0) c.arena.give(this.part.block, FILE_LIMIT);
    this.part?.file?.close(false);
    this.part = undefined;
  }

  override end(c: AppContext, flow: Flow, direction: Direction): void {
    super.end(c, flow, direction);
    if (direction === 0) this.partDone(c, flow, false);
    if (direction === 1) this.finish(c, flow);
  }
}

/** Takes quoted-printable off in place. @returns the new end. */
function unquote(u8: Uint8Array, at: number, end: number): number {
  const digit = (v: number): number => (v >= 48 && v <= 57 ? v - 48 : (v | 32) >= 97 && (v | 32) <= 102 ? (v | 32) - 87 : -1);
  let w = at;
  for (let p = at; p < end; p++) {
    const high = u8[p] === 0x3d && p + 2 < end ? digit(u8[p + 1]!) : -1;
    const low = high < 0 ? -1 : digit(u8[p + 2]!);
    if (low < 0) u8[w++] = u8[p]!;
    else {
      u8[w++] = high * 16 + low;
      p += 2;
    }
  }
  return w;
}

/** A parameter's value, with continuations and charsets of RFC 2231 put together. */
function fileName(value: string): string | undefined {
  const plain = /(?:file)?name="?([^";]{1,255})/i.exec(value)?.[1];
  if (plain !== undefined) return decodeWords(plain);
  let name = '';
  for (const m of value.matchAll(/(?:file)?name\*(\d{0,2})(\*?)="?([^";]{1,255})/gi)) {
    let piece = m[3]!;
    if (m[2] === '*' || m[1] === '') {
      piece = piece.replace(/^[\w-]*'[\w-]*'/, '');
      try {
        piece = decodeURIComponent(piece);
      } catch {
        // not UTF-8: as sent
      }
    }
    name += piece;
    if (name.length > 1024) break;
  }
  return name === '' ? undefined : name;
}

/** A list of addresses; commas within quotes do not part. */
function addresses(value: string): string[] {
  return (value.match(/(?:"[^"]*"|[^,"])+/g) ?? []).slice(0, 64).map((one) => one.trim());
}

/** Encoded words (RFC 2047) in UTF-8 and GBK. */
function decodeWords(s: string): string {
  return s.replace(
    /=\?([\w-]{2,20})\?([BbQq])\?([^?]{0,500})\?=\s*/g,
    (all, charset: string, kind: string, body: string) => {
      const bytes =
        kind.toUpperCase() === 'B'
          ? Buffer.from(body, 'base64')
          : Buffer.from(
              body
                .replaceAll('_', ' ')
                .replace(/=([0-9A-F]{2})/gi, (_m, h: string) => String.fromCharCode(parseInt(h, 16))),
              'latin1',
            );
      try {
        return new TextDecoder(charset).decode(bytes);
      } catch {
        return all;
      }
    },
  );
}

/** Account in a client's answer of a SASL mechanism, base64; empty where it has none. */
function saslUser(mechanism: string, answer: string): string {
  const s = unbase64(answer);
  if (mechanism === 'PLAIN') return s.split('\0')[1] ?? '';
  if (mechanism === 'LOGIN') return s;
  if (mechanism === 'CRAM-MD5') return /^(.{1,256}) [0-9a-f]{32}$/i.exec(s)?.[1] ?? '';
  return /\busername="([^"]{1,256})"/.exec(s)?.[1] ?? /(?:^|,)n=([^,]{1,256})/.exec(s)?.[1] ?? '';
}

/** POP3 (RFC 1939) and IMAP (RFC 3501): logins and commands. */
class MailboxParser extends LineProtocol {
  private tx: PlainTransaction | undefined;
  private user = '';
  private pending = '';
  private tag = '';
  /** Mechanism of the SASL exchange under way (RFC 4422), and whether the server has asked for the client's next answer. */
  private sasl: string | undefined;
  private asked = false;
  constructor(readonly protocol: 'pop3' | 'imap') {
    super();
  }

  protected line(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    const s = text(u8, at, Math.min(length, 1024));
    if (d === 1) {
      const ok = this.protocol === 'pop3' ? s.startsWith('+OK') : s.startsWith(`${this.tag} OK`);
      const failed =
        this.protocol === 'pop3'
          ? s.startsWith('-ERR')
          : s.startsWith(`${this.tag} NO`) || s.startsWith(`${this.tag} BAD`);
      if (!this.tx) return;
      c.buffers.add(B['line'], at, length);
      c.inspect(flow, this.tx, Stage.ResponseHead);
      if (this.sasl !== undefined && s.startsWith('+') && !ok) this.asked = true;
      if (!ok && !failed) return;
      this.tx.fields['result'] = ok ? 'OK' : 'ERR';
      c.event(flow, this.protocol, this.tx.fields, this.tx.id, 0);
      if (this.pending !== '') {
        c.event(
          flow,
          'auth',
          {
            protocol: this.protocol,
            user: this.user,
            result: ok ? 'success' : 'failure',
            confidence: 0.99,
            method: this.pending,
          },
          this.tx.id,
          0,
        );
      }
      if (ok && /^(?:STLS|STARTTLS)$/.test(String(this.tx.fields['command']))) this.tunnel = new Tunnel('tls');
      this.tx = undefined;
      this.sasl = undefined;
      this.asked = false;
      return;
    }
    if (this.sasl !== undefined && this.asked) {
      this.asked = false;
      if (this.user === '') this.user = saslUser(this.sasl, s);
      return;
    }
    this.sasl = undefined;
    const words = s.split(/\s+/);
    if (this.protocol === 'imap') this.tag = words.shift() ?? '';
    const command = (words[0] ?? '').toUpperCase();
    this.pending = '';
    if (command === 'USER') this.user = words[1] ?? '';
    else if (command === 'PASS') this.pending = 'password';
    else if (command === 'APOP') {
      this.user = words[1] ?? '';
      this.pending = 'apop';
    } else if (command === 'LOGIN') {
      this.user = (words[1] ?? '').replace(/^"|"$/g, '');
      this.pending = 'password';
    } else if (words[1] !== undefined && command === (this.protocol === 'imap' ? 'AUTHENTICATE' : 'AUTH')) {
      this.sasl = words[1].toUpperCase();
      this.pending = this.sasl.toLowerCase();
      // What follows the mechanism is its first answer (RFC 4959, RFC 5034).
      this.user = words[2] === undefined ? '' : saslUser(this.sasl, words[2]);
    }
    this.tx = new PlainTransaction(this.nextId++, this.protocol, {
      command,
      ...(command !== 'PASS' && command !== 'LOGIN' && this.sasl === undefined && { argument: words.slice(1).join(' ').slice(0, 256) }),
    });
    c.buffers.add(B['line'], at, length);
    c.inspect(flow, this.tx, Stage.RequestHead);
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
export const pop3: ProtocolEntry = {
  protocol: 'pop3',
  transport: 'tcp',
  ports: [110],
  identify: (u8, at, length, direction, onPort) =>
    direction === 1 && (onPort || findWord(u8, at, at + Math.min(length, 100), 'pop') >= 0)
      ? prefix(u8, at, length, '+OK ')
      : -1,
  create: () => new MailboxParser('pop3'),
};
export const imap: ProtocolEntry = {
  protocol: 'imap',
  transport: 'tcp',
  ports: [143],
  identify: (u8, at, length, direction) => (direction === 1 ? prefix(u8, at, length, '* OK ') : -1),
  create: () => new MailboxParser('imap'),
};
