import type { Direction, Flow } from '../flow/flow.js';
import { B } from '../match/buffers.js';
import { indexOf, isExactly, latin, text } from './bytes.js';
import { MAX_LINE, type PlainTransaction } from './line-protocol.js';
import { Stage, type AppContext, type FileInFlight } from './parser.js';
import { addString } from './tls/tls.js';

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


/** A mail whose MIME parts (RFC 2045) are taken apart as its lines pass, whichever protocol carries it. */
export class MailMessage {
  private inHeader = false;
  private headers = 0;
  private header = '';
  private boundaries: string[] = [];
  private part:
    | { base64: boolean; quoted: boolean; name: string; file: FileInFlight | undefined; at: number; size: number; block: number; eol: number }
    | undefined;
  private readonly stage: Stage;

  /** @param open gives the transaction whose `email` field the mail fills. */
  constructor(
    private readonly direction: Direction,
    private readonly open: () => PlainTransaction,
  ) {
    this.stage = direction === 0 ? Stage.RequestBody : Stage.ResponseBody;
  }

  begin(): void {
    this.boundaries = [];
    this.headers = 0;
    this.header = '';
    this.inHeader = true;
  }

  /** Takes a line of a message that ends after `left` bytes. @returns the bytes taken, or -1 when more are needed. */
  take(c: AppContext, flow: Flow, at: number, length: number, left: number): number {
    const { u8 } = c.arena;
    const have = Math.min(left, length);
    const e = indexOf(u8, 10, at, at + have);
    if (e < 0 && have < left && have < MAX_LINE) return -1;
    const n = e < 0 ? have : e + 1 - at;
    let line = e < 0 ? n : n - 1;
    if (line > 0 && u8[at + line - 1] === 13) line--;
    this.line(c, flow, at, Math.min(line, MAX_LINE), false);
    return n;
  }

  /** The message is whole. */
  done(c: AppContext, flow: Flow): void {
    this.inHeader = false;
    this.headerDone(c);
    this.partDone(c, flow, true);
  }

  /** The rest of it will not come. */
  breakOff(c: AppContext, flow: Flow): void {
    this.partDone(c, flow, false);
  }

  close(c: AppContext): void {
    if (this.part && this.part.block !== 0) c.arena.give(this.part.block, FILE_LIMIT);
    this.part?.file?.close(false);
    this.part = undefined;
  }

  /** One line of the message, without its end. @param stuffed dots in front are doubled (RFC 5321 4.5.2). */
  line(c: AppContext, flow: Flow, at: number, length: number, stuffed: boolean): void {
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
        if (this.part?.name) this.part.file = c.file(flow, this.open(), this.direction, this.part.name);
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
      c.inspect(flow, this.open(), this.stage);
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
      c.inspect(flow, this.open(), this.stage);
      c.arena.give(part.block, FILE_LIMIT);
    }
    part.file?.close(complete);
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
