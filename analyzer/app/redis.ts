import type { Direction, Flow } from '../flow/flow.js';
import { B } from '../match/buffers.js';
import { copy, indexOf, latin, text } from './bytes.js';
import { PlainTransaction } from './line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from './parser.js';

/** A command kept whole for inspection; longer values (SET of a file) are followed by their first part. */
const MAX_COMMAND = 64 * 1024;
const MAX_ARGS = 256;
const MAX_WAITING = 128;

/** Redis serialisation protocol, versions 2 and 3, and inline commands. */
export class RedisParser implements AppParser {
  readonly protocol = 'redis';
  private readonly waiting: PlainTransaction[] = [];
  private nextId = 0;
  private readonly skip: [number, number] = [0, 0];

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    let used = 0;
    if (this.lost[d]) {
      const found = d === 0 ? nextCommand(c.arena.u8, at, at + length) : this.waiting.length > 0 ? nextReply(c.arena.u8, at, at + length) : -1;
      if (found < 0) return length;
      this.lost[d] = false;
      used = found - at;
    }
    while (used < length) {
      if (this.skip[d] > 0) {
        const n = Math.min(this.skip[d], length - used);
        this.skip[d] -= n;
        used += n;
        continue;
      }
      const n =
        d === 0 ? this.command(c, flow, at + used, length - used) : this.reply(c, flow, at + used, length - used);
      if (n < 0) return -1;
      if (n === 0) break;
      used += n;
    }
    return used;
  }

  private command(c: AppContext, flow: Flow, at: number, length: number): number {
    const { u8 } = c.arena;
    const end = at + length;
    let p = indexOf(u8, 10, at, Math.min(end, at + MAX_COMMAND));
    if (p < 0) return length >= MAX_COMMAND ? length : 0;
    const args: [number, number][] = [];
    if (u8[at] !== 0x2a) {
      // inline: words on one line
      for (let i = at; i < p;) {
        while (i < p && u8[i]! <= 32) i++;
        const s = i;
        while (i < p && u8[i]! > 32) i++;
        if (i > s && args.length < MAX_ARGS) args.push([s, i - s]);
      }
      p++;
    } else {
      let n = Number(text(u8, at + 1, p - at - 1));
      if (!(n >= 0 && n < 1_000_000)) return -1;
      p++;
      for (; n > 0; n--) {
        const e = indexOf(u8, 10, p, Math.min(end, p + 32));
        if (e < 0) return end - p > 32 ? -1 : this.partial(length);
        const size = Number(text(u8, p + 1, e - p - 1));
        if (u8[p] !== 0x24 || !(size >= 0 && size < 1 << 29)) return -1;
        p = e + 1;
        const have = Math.min(size, end - p);
        if (end - p < size + 2 && length < MAX_COMMAND) return 0;
        if (args.length < MAX_ARGS) args.push([p, have]);
        if (p + size + 2 > end) {
          this.skip[0] = p + size + 2 - end;
          p = end;
          break;
        }
        p += size + 2;
      }
    }
    if (args.length > 0) this.inspect(c, flow, args);
    return p - at;
  }
  private partial(length: number): number {
    return length >= MAX_COMMAND ? length : 0;
  }

  private inspect(c: AppContext, flow: Flow, args: [number, number][]): void {
    const { u8 } = c.arena;
    const command = text(u8, args[0]![0], Math.min(args[0]![1], 64)).toUpperCase();
    const tx = new PlainTransaction(this.nextId++, 'redis', {
      command,
      args: args.slice(1, 17).map(([a, n]) => text(u8, a, Math.min(n, 256))),
    });
    const room = args.reduce((s, [, n]) => s + n + 1, 0);
    const to = c.scratch(room);
    if (to !== 0) {
      let w = to;
      for (const [a, n] of args) {
        if (w > to) u8[w++] = 32;
        w = copy(u8, w, a, n);
      }
      c.buffers.add(B['redis.command'], to, w - to);
    }
    c.inspect(flow, tx, Stage.RequestHead);
    if (this.waiting.length === MAX_WAITING) this.waiting.shift();
    this.waiting.push(tx);
  }

  private reply(c: AppContext, flow: Flow, at: number, length: number): number {
    const { u8 } = c.arena;
    const end = at + length;
    const e = indexOf(u8, 10, at, Math.min(end, at + MAX_COMMAND));
    if (e < 0) return length >= MAX_COMMAND ? length : 0;
    // only the first element says how the command went; the values after it are skipped
    const kind = u8[at]!;
    let n = e + 1 - at;
    if (kind === 0x24) {
      const size = Number(text(u8, at + 1, e - at - 1));
      if (size >= 0) this.skip[1] = Math.min(size + 2, 1 << 29);
    }
    if (this.nested > 0) {
      this.nested--;
      if (kind === 0x2a) this.nested += Math.max(0, Number(text(u8, at + 1, e - at - 1)) || 0);
      return n;
    }
    if (kind === 0x2a || kind === 0x7e)
      this.nested = Math.min(1_000_000, Math.max(0, Number(text(u8, at + 1, e - at - 1)) || 0));
    const tx = this.waiting.shift() ?? new PlainTransaction(this.nextId++, 'redis');
    const line = text(u8, at, Math.min(e - at, 256)).trimEnd();
    tx.fields['reply'] = line;
    c.buffers.add(B['line'], at, e - at);
    c.inspect(flow, tx, Stage.ResponseHead);
    c.event(flow, 'redis', tx.fields, tx.id, 0);
    const args = tx.fields['args'] as string[] | undefined;
    if (tx.fields['command'] === 'AUTH') {
      c.event(
        flow,
        'auth',
        {
          protocol: 'redis',
          user: args && args.length > 1 ? args[0] : 'default',
          result: line.startsWith('+') ? 'success' : 'failure',
          confidence: this.unsure ? 0.6 : 0.99,
          method: 'password',
        },
        tx.id,
        0,
      );
    }
    return n;
  }
  private nested = 0;

  gap(c: AppContext, flow: Flow, d: Direction, missing: number): boolean {
    if (this.skip[d] >= missing) {
      this.skip[d] -= missing;
      return true;
    }
    // Which replies belong to what was asked before can't be told any more: reading goes on with the next command.
    this.skip[d] = 0;
    this.lost[d] = true;
    if (d === 1) {
      this.nested = 0;
      this.tell(c, flow);
    }
    this.unsure = true;
    return true;
  }
  private readonly lost: [boolean, boolean] = [false, false];
  /** Bytes were missing: replies may have been given to the wrong commands. */
  private unsure = false;

  private tell(c: AppContext, flow: Flow): void {
    for (const tx of this.waiting.splice(0)) c.event(flow, 'redis', tx.fields, tx.id, 0);
  }
  end(c: AppContext, flow: Flow, d: Direction): void {
    if (d === 1) this.tell(c, flow);
  }
}

/** Behind missing bytes: the next command, as clients send them (an array of bulk strings), or -1. */
function nextCommand(u8: Uint8Array, at: number, end: number): number {
  for (let p = indexOf(u8, 0x2a, at, end); p >= 0; p = indexOf(u8, 0x2a, p + 1, end)) {
    if (/^\*\d{1,3}\r\n\$\d{1,6}\r\n/.test(text(u8, p, Math.min(16, end - p)))) return p;
  }
  return -1;
}

/** Behind missing bytes: a reply at the front, where servers begin a segment, or behind a line end; or -1. */
function nextReply(u8: Uint8Array, at: number, end: number): number {
  for (let p = at; p >= 0 && p < end;) {
    if (/^(?:\+[A-Z]{2}|-[A-Z]{3}|:-?\d{1,19}\r|[$*]-?\d{1,9}\r)/.test(text(u8, p, Math.min(24, end - p)))) return p;
    p = indexOf(u8, 10, p, end) + 1;
    if (p === 0) break;
  }
  return -1;
}

const WORDS = ['CONFIG', 'SLAVEOF', 'REPLICAOF', 'MODULE', 'FLUSHALL', 'INFO', 'PING', 'AUTH', 'KEYS', 'EVAL'];
export const redis: ProtocolEntry = {
  protocol: 'redis',
  transport: 'tcp',
  ports: [6379],
  identify: (u8, at, length, direction, onPort) => {
    if (!onPort && (direction === 1 || u8[at] !== 0x2a /* '*' */)) return -1;
    const s = latin(u8, at, Math.min(length, 16));
    if (direction === 0) {
      if (/^\*\d{1,6}\r\n\$/.test(s)) return 1;
      if (/^\*?\d{0,6}\r?\n?$/.test(s) && s.startsWith('*')) return 0;
      if (!onPort) return -1;
      const up = s.toUpperCase();
      return WORDS.some((w) => up.startsWith(w)) ? 1 : WORDS.some((w) => w.startsWith(up)) ? 0 : -1;
    }
    return onPort && /^[-+$:*]/.test(s) ? (length < 4 ? 0 : 1) : -1;
  },
  create: () => new RedisParser(),
};
