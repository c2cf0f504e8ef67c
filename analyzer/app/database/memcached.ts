import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { indexOf, latin, text, u16, u32 } from '../bytes.js';
import { LineProtocol, PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';

/** Commands told of as events in one connection (a cache is asked thousands of times a second); inspection goes on. */
const MAX_EVENTS = 256;
const MAX_WAITING = 64;
const COMMANDS = /^(?:get|gets|gat|gats|set|add|replace|append|prepend|cas|incr|decr|delete|touch|stats|version|flush_all|verbosity|lru_crawler|slabs|mg|ms|md|ma|mn|quit)(?:[ \r\n]|$)/;
const STORES = /^(?:set|add|replace|append|prepend|cas) \S+ \d+ -?\d+ (\d+)/;
const BINARY = ['get', 'set', 'add', 'replace', 'delete', 'increment', 'decrement', 'quit', 'flush', 'getq', 'noop', 'version'];

/** Memcached's text protocol and, as far as commands go, its binary one. */
class MemcachedParser extends LineProtocol {
  readonly protocol = 'memcached';
  private readonly left: [number, number] = [0, 0];
  private readonly waiting: PlainTransaction[] = [];
  private events = 0;

  protected override raw(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    if (this.left[d] > 0) {
      const n = Math.min(this.left[d], length);
      this.left[d] -= n;
      return n;
    }
    const { u8 } = c.arena;
    if (u8[at] !== (d === 0 ? 0x80 : 0x81)) return 0;
    if (length < 24) return -2;
    const body = u32(u8, at + 8);
    if (d === 0) {
      const extras = u8[at + 4]!;
      const key = Math.min(u16(u8, at + 2), 250, Math.max(0, body - extras));
      if (length < 24 + extras + key) return -2;
      const tx = this.open(BINARY[u8[at + 1]!] ?? `0x${u8[at + 1]!.toString(16)}`);
      if (key > 0) tx.fields['key'] = text(u8, at + 24 + extras, key);
      c.inspect(flow, tx, Stage.RequestHead);
    } else this.done(c, flow, u16(u8, at + 6) === 0 ? 'OK' : `status ${u16(u8, at + 6)}`);
    this.left[d] = body;
    return 24;
  }

  protected line(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const s = text(c.arena.u8, at, Math.min(length, 512));
    if (d === 0) {
      c.buffers.add(B['line'], at, length);
      const [command, ...words] = s.split(' ', 8);
      const tx = this.open(command!);
      if (words.length > 0) tx.fields['key'] = words[0]!.slice(0, 250);
      const bytes = STORES.exec(s)?.[1];
      if (bytes !== undefined) {
        tx.fields['bytes'] = Number(bytes);
        this.left[0] = Math.min(Number(bytes), 1 << 30) + 2;
      }
      c.buffers.add(B['memcached.command'], at, length);
      return c.inspect(flow, tx, Stage.RequestHead);
    }
    const value = /^VALUE \S+ \d+ (\d+)/.exec(s);
    if (value) this.left[1] = Math.min(Number(value[1]), 1 << 30) + 2;
    else if (!s.startsWith('STAT ')) {
      c.buffers.add(B['line'], at, length);
      this.done(c, flow, s.slice(0, 64));
    }
  }

  private open(command: string): PlainTransaction {
    const tx = new PlainTransaction(this.nextId++, 'memcached', { command: command.slice(0, 32) });
    if (this.waiting.length >= MAX_WAITING) this.waiting.shift();
    this.waiting.push(tx);
    return tx;
  }

  private done(c: AppContext, flow: Flow, reply: string): void {
    const tx = this.waiting.shift() ?? new PlainTransaction(this.nextId++, 'memcached');
    tx.fields['reply'] = reply;
    c.inspect(flow, tx, Stage.ResponseHead);
    if (this.events++ < MAX_EVENTS) c.event(flow, 'memcached', tx.fields, tx.id, 0);
  }

  override gap(c: AppContext, flow: Flow, d: Direction, missing: number): boolean {
    this.left[0] = this.left[1] = 0;
    return super.gap(c, flow, d, missing);
  }
  override end(c: AppContext, flow: Flow, d: Direction): void {
    super.end(c, flow, d);
    if (d === 1) for (const tx of this.waiting.splice(0, 16)) c.event(flow, 'memcached', tx.fields, tx.id, 0);
  }
}

/** Over UDP an eight-byte frame header comes first; a few bytes of question give megabytes of answer (CVE-2018-1000115). */
class MemcachedUdpParser implements AppParser {
  readonly protocol = 'memcached';
  private nextId = 0;
  private answers = 0;
  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    if (length < 9) return length;
    const { u8 } = c.arena;
    const e = indexOf(u8, 10, at + 8, at + Math.min(length, 520));
    const line = text(u8, at + 8, (e < 0 ? at + Math.min(length, 264) : e) - at - 8).trimEnd();
    const fields = d === 0 ? { command: line.split(' ', 1)[0], request: line } : { reply: line.slice(0, 64), datagrams: u16(u8, at + 4) };
    const tx = new PlainTransaction(this.nextId++, 'memcached', fields);
    if (d === 0) c.buffers.add(B['memcached.command'], at + 8, length - 8);
    c.inspect(flow, tx, d === 0 ? Stage.RequestHead : Stage.ResponseHead);
    if (d === 0 || this.answers++ === 0) c.event(flow, 'memcached', fields, tx.id, d);
    return length;
  }
  gap(): boolean {
    return true;
  }
  end(): void {
    // every datagram stands for itself
  }
}

export const memcached: ProtocolEntry = {
  protocol: 'memcached',
  transport: 'tcp',
  ports: [11211],
  identify: (u8, at, length, d, onPort) => {
    if (u8[at] === (d === 0 ? 0x80 : 0x81)) {
      if (!onPort) return -1;
      return length < 24 ? 0 : u8[at + 1]! < 0x60 && u8[at + 5] === 0 ? 1 : -1;
    }
    const s = latin(u8, at, Math.min(length, 64));
    if (d === 1) return onPort && /^(?:VALUE |STORED|END\r|STAT |VERSION |ERROR\r)/.test(s) ? 1 : -1;
    if (/^(?:stats(?: [a-z]+)?|version|flush_all(?: \d+)?)\r\n/.test(s) || STORES.test(s)) return onPort || !/^version/.test(s) ? 1 : -1;
    return onPort && COMMANDS.test(s) ? 1 : -1;
  },
  create: () => new MemcachedParser(),
};
export const memcachedUdp: ProtocolEntry = {
  protocol: 'memcached',
  transport: 'udp',
  ports: [11211],
  identify: (u8, at, length, d, onPort) => {
    if (!onPort || length < 10 || u16(u8, at + 6) !== 0) return -1;
    const s = latin(u8, at + 8, Math.min(length - 8, 32));
    return d === 0 ? (COMMANDS.test(s) ? 1 : -1) : /^(?:VALUE |STAT |END|VERSION |STORED|ERROR)/.test(s) ? 1 : -1;
  },
  create: () => new MemcachedUdpParser(),
};
