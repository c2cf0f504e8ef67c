import { createHash } from 'node:crypto';
import type { Direction, Flow } from '../flow/flow.js';
import { B } from '../match/buffers.js';
import { latin, prefix, text, u32 } from './bytes.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry, type Transaction } from './parser.js';
import { addString } from './tls/tls.js';

/** Anomalies of SSH, named as Suricata names its ssh events. */
export type SshAnomaly = 'invalid_banner' | 'long_banner' | 'invalid_record' | 'long_kex_record';

/** RFC 4253 4.2: a banner has at most 255 bytes; other lines may come before it. */
const MAX_BANNER = 8192;
/** RFC 4253 6.1: packets of 35000 bytes must be taken. */
const MAX_PACKET = 35000;
const MSG_KEXINIT = 20;
const MSG_NEWKEYS = 21;

/** What each side says in the clear. */
class Side {
  banner = '';
  version = '';
  software = '';
  algorithms = '';
  private fingerprint = '';
  encrypted = false;
  /** Encrypted bytes of this direction, and how often it spoke: what a login looks like from outside. */
  bytes = 0;
  turns = 0;

  /** HASSH: MD5 of `kex;encryption;mac;compression` of the side that speaks; made when somebody asks. */
  get hassh(): string {
    return (this.fingerprint ||= createHash('md5').update(this.algorithms, 'latin1').digest('hex'));
  }
}

/** Bytes a server sends only inside a session: the fallback where single answers were not seen. */
const SESSION_BYTES = 4000;
/** Host keys that a server tells after the login take at least this (one Ed25519 key and the name of the message). */
const HOST_KEYS = 64;
/** CHANNEL_OPEN of a session takes 52–76 bytes; a password is padded to 148, a signature is larger. */
const CHANNEL_OPEN = 100;

/** Bytes after which a session is looked at again that has nothing more to tell. */
const UNREAD = 2 ** 30;

class SshTransaction implements Transaction {
  readonly id = 0;
  readonly protocol = 'ssh';
  matcher: unknown;
  constructor(private readonly sides: [Side, Side]) {}
  detail(): Record<string, unknown> {
    const one = (s: Side): Record<string, unknown> => ({
      proto_version: s.version,
      software_version: s.software,
      ...(s.algorithms !== '' && { hassh: { hash: s.hassh, string: s.algorithms } }),
    });
    return {
      ...(this.sides[0].version !== '' && { client: one(this.sides[0]) }),
      ...(this.sides[1].version !== '' && { server: one(this.sides[1]) }),
    };
  }
}

/** SSH (RFC 4253) up to NEWKEYS, then only how much flows. */
/** Servers hang up after six refusals (OpenSSH's MaxAuthTries); more answers than this were no refusals but a session. */
const MAX_REFUSALS = 11;

export class SshParser implements AppParser {
  readonly protocol = 'ssh';
  private readonly sides: [Side, Side] = [new Side(), new Side()];
  private readonly tx = new SshTransaction(this.sides);
  private emitted = false;
  private decided = false;

  data(c: AppContext, flow: Flow, direction: Direction, at: number, length: number): number {
    const side = this.sides[direction];
    const { u8 } = c.arena;
    if (side.encrypted) {
      this.spoken(c, flow, direction, length);
      if (this.decided) flow.leaveUnread(direction, UNREAD);
      return length;
    }
    let used = 0;
    while (used < length) {
      const p = at + used;
      const have = length - used;
      if (side.banner === '') {
        let e = p;
        while (e < at + length && u8[e] !== 10) e++;
        if (e === at + length) {
          if (have <= MAX_BANNER) break;
          c.anomaly(flow, 'ssh', 'long_banner', 0);
          return -1;
        }
        used += e + 1 - p;
        if (prefix(u8, p, e - p, 'SSH-') === 1)
          this.banner(c, flow, direction, side, p, e > p && u8[e - 1] === 13 ? e - 1 - p : e - p);
        continue;
      }
      if (have < 6) break;
      const size = u32(u8, p);
      if (size < 2 || size > MAX_PACKET) {
        c.anomaly(flow, 'ssh', 'invalid_record', 0);
        side.encrypted = true;
        this.spoken(c, flow, direction, have);
        return length;
      }
      if (have < 4 + size) break;
      const type = u8[p + 5]!;
      if (type === MSG_KEXINIT) this.kex(c, flow, direction, side, p + 6, size - u8[p + 4]! - 2);
      used += 4 + size;
      if (type === MSG_NEWKEYS) {
        side.encrypted = true;
        flow.sealed |= 1 << direction;
        if (used < length) this.spoken(c, flow, direction, length - used);
        return length;
      }
    }
    return used;
  }

  private banner(c: AppContext, flow: Flow, direction: Direction, side: Side, at: number, length: number): void {
    side.banner = text(c.arena.u8, at, Math.min(length, 255));
    if (length > 255) c.anomaly(flow, 'ssh', 'long_banner', 0);
    const m = /^SSH-([^-]+)-(.*)$/.exec(side.banner);
    if (!m) return c.anomaly(flow, 'ssh', 'invalid_banner', 0);
    side.version = m[1]!;
    side.software = m[2]!;
    addString(c, B['ssh.proto'], side.version);
    addString(c, B['ssh.software'], side.software);
    c.inspect(flow, this.tx, direction === 0 ? Stage.RequestHead : Stage.ResponseHead);
    if (
      this.sides[0].version !== '' &&
      this.sides[1].version !== '' &&
      side.version.startsWith('1.') &&
      side.version !== '1.99'
    )
      this.emit(c, flow);
  }

  private kex(c: AppContext, flow: Flow, direction: Direction, side: Side, at: number, length: number): void {
    const { u8 } = c.arena;
    const lists: string[] = [];
    let p = at + 16;
    const end = at + length;
    for (let i = 0; i < 8; i++) {
      if (p + 4 > end) return;
      const n = u32(u8, p);
      if (n > end - p - 4) return c.anomaly(flow, 'ssh', 'long_kex_record', 0);
      // Of each pair of lists the one of the side that speaks; both sides' key exchanges are one list.
      if (i === 0 || (i >= 2 && i % 2 === direction)) lists.push(latin(u8, p + 4, n));
      p += 4 + n;
    }
    const d = direction;
    side.algorithms = lists.join(';');
    const hassh = d === 0 ? B['ssh.hassh'] : B['ssh.hassh.server'];
    if (c.reads(hassh)) addString(c, hassh, side.hassh);
    addString(c, d === 0 ? B['ssh.hassh.string'] : B['ssh.hassh.server.string'], side.algorithms);
    c.inspect(flow, this.tx, d === 0 ? Stage.RequestBody : Stage.ResponseBody);
    if (this.sides[0].algorithms !== '' && this.sides[1].algorithms !== '') this.emit(c, flow);
  }

  private emit(c: AppContext, flow: Flow): void {
    if (this.emitted) return;
    this.emitted = true;
    if (c.wants('ssh')) c.event(flow, 'ssh', this.tx.detail(), 0, 0);
  }

  /** Encrypted bytes: what one side says until the other speaks is one turn, however it is cut into segments. */
  private spoken(c: AppContext, flow: Flow, direction: Direction, length: number): void {
    if (direction !== this.speaker) {
      this.turn(c, flow);
      this.speaker = direction;
      this.sides[direction].turns++;
    }
    this.said += length;
    this.sides[direction].bytes += length;
    if (!this.decided && this.accept > 0 && this.sides[1].bytes > SESSION_BYTES) this.decide(c, flow, 'success', 0.5);
  }
  private speaker: Direction | -1 = -1;
  private said = 0;

  /**
   * Infers a login from the sizes of turns. The server's first encrypted answer to the client is SERVICE_ACCEPT (RFC 4253
   * 10); of all its later answers only USERAUTH_SUCCESS, one byte of payload instead of 17, is smaller, while every
   * USERAUTH_FAILURE is larger. Measured with OpenSSH 9.2 on 56 logins (passwords and keys, right, wrong and mixed) over
   * ChaCha20, GCM, CTR and CBC with MACs of both orders: success always by 16 bytes less. Where the server tells its host
   * keys before the client speaks again, the turn is long, but what the client opens then is shorter than any attempt to
   * log in. Without every packet, or with a server that pads as it likes, it may be wrong: hence the confidence.
   */
  private turn(c: AppContext, flow: Flow): void {
    const { said, speaker } = this;
    this.said = 0;
    if (this.decided || said === 0 || this.sides[0].turns === 0) return;
    if (speaker === 0) {
      if (this.long && said <= CHANNEL_OPEN) this.decide(c, flow, 'success', 0.7);
      this.long = false;
      return;
    }
    if (this.accept === 0) this.accept = said;
    else if (said === this.accept - 16) this.decide(c, flow, 'success', 0.85);
    else if (said < this.accept) this.decide(c, flow, 'success', 0.7);
    else {
      this.refusals++;
      this.long = said > this.accept + HOST_KEYS;
    }
  }
  private accept = 0;
  /** Answers that were no success; the first is to the question which methods there are. */
  private refusals = 0;
  /** The server's last turn was long enough for success and host keys. */
  private long = false;

  private decide(c: AppContext, flow: Flow, result: 'success' | 'failure', confidence: number): void {
    this.decided = true;
    // The first refusal answers the question which methods there are.
    const attempts = result === 'failure' && this.refusals <= MAX_REFUSALS ? Math.max(1, this.refusals - 1) : 1;
    c.event(flow, 'auth', { protocol: 'ssh', result, confidence, method: 'ssh', ...(attempts > 1 && { attempts }) }, 0, 0);
  }

  gap(_c: AppContext, _flow: Flow, direction: Direction): boolean {
    this.sides[direction].encrypted = true;
    return true;
  }

  end(c: AppContext, flow: Flow): void {
    if (this.sides[0].version !== '' || this.sides[1].version !== '') this.emit(c, flow);
    this.turn(c, flow);
    // at least the service and one method were asked for
    if (!this.decided && this.accept > 0 && this.sides[0].turns > 1 && this.sides[1].turns > 1)
      this.decide(c, flow, 'failure', this.refusals > 1 ? 0.8 : 0.6);
  }
}

export const ssh: ProtocolEntry = {
  protocol: 'ssh',
  transport: 'tcp',
  ports: [22, 2222],
  identify: (u8, at, length) => prefix(u8, at, length, 'SSH-'),
  create: () => new SshParser(),
};
