import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { prefix, text } from '../bytes.js';
import { LineProtocol, PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';

/** Modules listed and arguments kept. */
const MAX_LISTED = 64;

/** The rsync daemon's greeting, module choice and login; what follows is binary and passes. */
class RsyncParser extends LineProtocol {
  readonly protocol = 'rsync';
  private readonly tx = new PlainTransaction(0, 'rsync');
  private user: string | undefined;
  private asked = false;
  private through = false;
  private emitted = false;

  protected line(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const f = this.tx.fields;
    const s = text(c.arena.u8, at, Math.min(length, 512));
    c.buffers.add(B['line'], at, length);
    if (d === 0) {
      const version = /^@RSYNCD: (\d+(?:\.\d+)?)/.exec(s);
      if (version) f['client_version'] = version[1];
      else if (this.asked && this.user === undefined) this.user = s.split(' ', 1)[0]!;
      else if (f['module'] === undefined) {
        f['module'] = s;
        c.buffers.add(B['rsync.module'], at, length);
      }
      return c.inspect(flow, this.tx, Stage.RequestHead);
    }
    const version = /^@RSYNCD: (\d+(?:\.\d+)?)/.exec(s);
    if (version) f['server_version'] = version[1];
    else if (s.startsWith('@RSYNCD: AUTHREQD')) this.asked = true;
    else if (s.startsWith('@RSYNCD: OK')) {
      this.login(c, flow, 'success');
      this.emit(c, flow);
      this.through = true;
    } else if (s.startsWith('@ERROR')) {
      f['error'] = s;
      if (/auth/i.test(s)) this.login(c, flow, 'failure');
    } else if (!s.startsWith('@')) {
      const list = (f['listed'] ??= []) as string[];
      if (list.length < MAX_LISTED) list.push(s);
    }
    c.inspect(flow, this.tx, Stage.ResponseHead);
  }

  protected override raw(_c: AppContext, _flow: Flow, _d: Direction, _at: number, length: number): number {
    return this.through ? length : 0;
  }

  private login(c: AppContext, flow: Flow, result: 'success' | 'failure'): void {
    if (!this.asked) return;
    this.tx.fields['user'] = this.user;
    const auth = { protocol: 'rsync', ...(this.user !== undefined && { user: this.user }), result, confidence: 0.99, method: 'challenge' };
    c.event(flow, 'auth', { ...auth, target: this.tx.fields['module'] }, 0, 0);
  }

  private emit(c: AppContext, flow: Flow): void {
    if (this.emitted) return;
    this.emitted = true;
    c.event(flow, 'rsync', this.tx.fields, 0, 0);
  }

  override end(c: AppContext, flow: Flow, d: Direction): void {
    super.end(c, flow, d);
    if (d === 1) this.emit(c, flow);
  }
}

export const rsync: ProtocolEntry = {
  protocol: 'rsync',
  transport: 'tcp',
  ports: [873],
  identify: (u8, at, length) => prefix(u8, at, length, '@RSYNCD: '),
  create: () => new RsyncParser(),
};
