import type { AuthDetail, EveEvent } from '../../contracts/event.js';
import { ConnectionKind, type ConnectionRecord } from '../flow/connection-log.js';
import { numberOf, numbersOf, type Behaviour, type BehaviourHit, type BehaviourRule, type Emit, type MakeBehaviour } from './behaviour.js';
import { pairKey, textOf } from './hosts.js';
import { Distinct, WindowTable } from './windows.js';

/** Client and server pairs followed at once. */
const MAX_PAIRS = 16_384;
/** Distinct accounts kept per pair: enough to tell a spray. */
const MAX_USERS = 256;
/** Accounts named in an alert. */
const MAX_NAMED_USERS = 20;
/** Results below this are guesses of the parser and count for nothing. */
const MIN_CONFIDENCE = 0.5;
/** A spray tries many accounts, each so few times that none is locked. */
const SPRAY_TRIES = 2.5;
/** From so many accounts on, few tries of each, it may become a spray. */
const MAYBE_SPRAY_USERS = 4;
/** Sources that share the guessing of one account. */
const MIN_SHARING = 3;
/** Failures before a log-in that may belong to guessing whose other answers are still on their way. */
const EARLY_FAILURES = 4;
/** Failures that one event may stand for. */
const MAX_ATTEMPTS = 64;

/** Requests of Kerberos that carry no proof of a password. */
const NO_PASSWORD = 'kerberos-no-preauth';

interface Pair {
  client: string;
  server: string;
  port: number;
  protocol: string;
  node: string | undefined;
  firstUs: number;
  lastUs: number;
  failures: number;
  users: Map<string, number>;
  /** Account that got in after failures. */
  entered: string | undefined;
  /** Account that got in amid parallel guesses, before the refusals of the others had come. */
  early: string | undefined;
  told: number;
}

interface Account {
  firstUs: number;
  lastUs: number;
  user: string;
  failures: number;
  sources: Distinct<string>;
  pair: Pair;
  told: number;
}

/** Protocols whose log-ins are typed; a name and a password take a person five seconds at least. */
const TYPED: ReadonlySet<string> = new Set(['telnet']);
const FAST_FAILURES = 7;
const FAST_US = 15_000_000;

/**
 * Brute force and spraying over `auth` events. Parameters: `failures` within `seconds`; `users` distinct accounts make
 * a spray. A success after enough failures raises the verdict.
 */
class Logins implements Behaviour {
  readonly types = ['auth'] as const;
  private readonly pairs = new Map<string, Pair>();
  /** Accounts that several sources guess together, by server and protocol. */
  private readonly accounts: WindowTable<string, Account>;
  private readonly windowUs: number;
  private readonly failures: number;
  private readonly users: number;
  evicted = 0;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly kind: 'brute' | 'spray') {
    this.windowUs = numberOf(rule, 'seconds', kind === 'brute' ? 120 : 600) * 1e6;
    this.failures = numberOf(rule, 'failures', 10);
    this.users = numberOf(rule, 'users', 8);
    this.accounts = new WindowTable(MAX_PAIRS, this.windowUs * 2, (one) => {
      if (one.told > 0 && one.failures > one.told) this.tellAccount(one);
    });
  }

  get held(): number {
    return this.pairs.size + this.accounts.size;
  }

  event(event: EveEvent, timeUs: number): void {
    if (event.event_type !== 'auth') return;
    const auth = event.auth as AuthDetail | undefined;
    if (!auth || auth.result === 'unknown' || !(auth.confidence >= MIN_CONFIDENCE)) return;
    // No password was tried: a ticket shows what the account allows, an error which names there are, once each.
    const unproved = auth.method === NO_PASSWORD;
    if (unproved && auth.result === 'success') return;
    const { client, server, port } = sidesOf(event);
    const key = `${client} ${server} ${auth.protocol}`;
    let pair = this.pairs.get(key);
    if (pair && timeUs - pair.firstUs > this.windowUs) {
      this.drop(key, pair);
      pair = undefined;
    }
    if (auth.result === 'success') {
      if (pair && pair.failures >= this.failures && (this.kind === 'spray' ? this.fits(pair) : this.fits(pair, true) && guessed(pair, auth.user ?? ''))) {
        pair.entered = auth.user ?? '';
        pair.lastUs = timeUs;
        this.tell(pair);
      } else if (pair && this.kind === 'brute' && pair.failures >= EARLY_FAILURES && guessed(pair, auth.user ?? '')) pair.early ??= auth.user ?? '';
      return;
    }
    if (!pair) {
      if (this.pairs.size >= MAX_PAIRS) this.evict();
      pair = { client, server, port, protocol: auth.protocol, node: event.host, firstUs: timeUs, lastUs: timeUs, failures: 0, users: new Map(), entered: undefined, early: undefined, told: 0 };
      this.pairs.set(key, pair);
    }
    if (unproved && pair.users.has(auth.user ?? '')) return;
    const attempts = Math.min(MAX_ATTEMPTS, Math.max(1, auth.attempts ?? 1));
    pair.failures += attempts;
    pair.lastUs = timeUs;
    const user = auth.user ?? '';
    const tries = pair.users.get(user);
    if (tries !== undefined || pair.users.size < MAX_USERS) pair.users.set(user, (tries ?? 0) + attempts);
    if (pair.failures >= Math.max(this.enough(pair), pair.told * 2) && this.fits(pair)) this.tell(pair);
    if (this.kind === 'brute' && user !== '') this.shared(pair, user, attempts, timeUs);
  }

  /** One account guessed by several sources, each of which stays below the threshold. */
  private shared(pair: Pair, user: string, attempts: number, timeUs: number): void {
    const key = `${pair.server} ${pair.protocol} ${user}`;
    const one = this.accounts.find(key, timeUs) ?? this.accounts.add(key, { firstUs: timeUs, lastUs: timeUs, user, failures: 0, sources: new Distinct(MAX_USERS), pair, told: 0 });
    one.failures += attempts;
    one.lastUs = timeUs;
    one.sources.add(pair.client);
    if (one.sources.size < MIN_SHARING || one.failures < Math.max(this.failures * 1.5, one.told * 2) || pair.told > 0) return;
    this.tellAccount(one);
  }

  private tellAccount(one: Account): void {
    one.told = one.failures;
    const { pair } = one;
    const seconds = Math.max(1, Math.round((one.lastUs - one.firstUs) / 1e6));
    const name = pair.protocol.toUpperCase();
    const sources = one.sources.first(MAX_NAMED_USERS);
    this.emit({
      rule: this.rule, proto: 'TCP', app: pair.protocol, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `${seconds} 秒内 ${one.sources.size} 个来源轮流对账号 ${one.user} 尝试 ${name} 登录，共失败 ${one.failures} 次：分布式口令猜解。`,
        en: `${one.sources.size} sources tried ${name} logins on the account ${one.user} in turn, ${one.failures} failures within ${seconds} s: distributed guessing.`,
      },
      attacker: { ip: pair.client }, victim: { ip: pair.server, port: pair.port }, firstUs: one.firstUs, lastUs: one.lastUs, count: one.failures,
      measured: { protocol: pair.protocol, failures: one.failures, sources, accounts: [one.user], seconds }, key: `${pair.protocol} ${one.user}`, source: -1,
      ...(pair.node && { node: pair.node }),
    });
  }

  /** Where a person types both name and password, fewer failures suffice at a pace that no person has. */
  private enough(pair: Pair): number {
    return this.kind === 'brute' && TYPED.has(pair.protocol) && pair.lastUs - pair.firstUs < FAST_US ? Math.min(FAST_FAILURES, this.failures) : this.failures;
  }

  private fits(pair: Pair, last = false): boolean {
    const few = pair.failures / pair.users.size <= SPRAY_TRIES;
    const spray = pair.users.size >= this.users && few;
    if (this.kind === 'spray') return spray;
    // Few tries on each of some accounts: a spray that has only begun is not told as both.
    return !spray && (last || pair.entered !== undefined || pair.users.size < MAYBE_SPRAY_USERS || !few || pair.failures >= this.failures * 3);
  }

  advance(nowUs: number): void {
    for (const [key, pair] of this.pairs) {
      if (nowUs - pair.firstUs <= this.windowUs) break;
      this.drop(key, pair);
    }
    this.accounts.advance(nowUs);
  }

  flush(): void {
    for (const [key, pair] of this.pairs) this.drop(key, pair);
    this.accounts.flush();
  }

  private drop(key: string, pair: Pair): void {
    this.pairs.delete(key);
    if (pair.told > 0 ? pair.failures > pair.told && this.fits(pair, true) : pair.failures >= this.failures && this.fits(pair, true)) this.tell(pair);
  }

  private evict(): void {
    const oldest = this.pairs.entries().next().value;
    if (!oldest) return;
    this.evicted++;
    this.drop(oldest[0], oldest[1]);
  }

  private tell(pair: Pair): void {
    pair.told = pair.failures;
    if (this.kind === 'brute') pair.entered ??= pair.early;
    const seconds = Math.max(1, Math.round((pair.lastUs - pair.firstUs) / 1e6));
    const users = [...pair.users.keys()].filter((u) => u !== '');
    const measured: BehaviourHit['measured'] = { protocol: pair.protocol, failures: pair.failures, users: users.length, seconds };
    if (users.length > 0) measured.accounts = users.slice(0, MAX_NAMED_USERS);
    const name = pair.protocol.toUpperCase();
    const entered = pair.entered !== undefined;
    if (entered && pair.entered) measured.entered = pair.entered;
    const zh = `${seconds} 秒内 ${name} 登录失败 ${pair.failures} 次，涉及 ${Math.max(1, users.length)} 个账号`;
    const en = `${pair.failures} failed ${name} logins on ${Math.max(1, users.length)} account(s) within ${seconds} s`;
    this.emit({
      rule: this.rule, proto: 'TCP', app: pair.protocol,
      ...(entered && { class: 'brute_force_success' as const }),
      verdict: entered ? 'succeeded' : 'attempted',
      severity: entered ? 'critical' : this.rule.info.severity,
      because: entered
        ? { zh: `${zh}；随后账号 ${pair.entered || '（未知）'} 登录成功。`, en: `${en}; then ${pair.entered || 'an account'} logged in.` }
        : { zh: `${zh}，未见登录成功。`, en: `${en}; no login succeeded.` },
      attacker: { ip: pair.client }, victim: { ip: pair.server, port: pair.port },
      firstUs: pair.firstUs, lastUs: pair.lastUs, count: pair.failures, measured, key: pair.protocol, source: -1,
      ...(pair.node && { node: pair.node }),
    });
  }
}

/** Another account than those guessed is somebody else's behind the same address. */
const guessed = (pair: Pair, user: string): boolean => user === '' || pair.users.size >= MAX_USERS || pair.users.has(user) || pair.users.has('');

/** An event's addresses are those of the packet that brought it: the server is the side with the lower port. */
export function sidesOf(event: EveEvent): { client: string; server: string; port: number } {
  const { src_ip = '', dest_ip = '', src_port = 0, dest_port = 0 } = event;
  return src_port !== 0 && src_port < dest_port
    ? { client: dest_ip, server: src_ip, port: src_port }
    : { client: src_ip, server: dest_ip, port: dest_port };
}

interface Rate {
  client: string;
  server: string;
  port: number;
  source: number;
  firstUs: number;
  lastUs: number;
  connections: number;
  /** Bytes of a typical attempt, to the client. */
  typical: number;
  told: number;
  /** A session far larger than the attempts came after them. */
  session: number;
}

const OPAQUE_PORTS = [22, 23, 3389, 5900];
const SERVICE: Record<number, string> = { 21: 'ftp', 22: 'ssh', 23: 'telnet', 3389: 'rdp', 5900: 'vnc' };
/** Less than this to the client and nobody was asked for a password. */
const MIN_ATTEMPT_BYTES = 200;
/** An attempt is over before this many bytes; more is a session. */
const MAX_ATTEMPT_BYTES = 20_000;

/**
 * Guessing on protocols that hide their logins: short connections of one client to one login port, one after the other.
 * Parameters: `connections` within `seconds` (low severity), `many` of them (the rule's), `ports`. Silent on pairs that have `auth` events: those say more.
 */
class LoginRate implements Behaviour {
  readonly types = ['auth'] as const;
  private readonly rates = new Map<number, Rate>();
  private readonly known = new Set<string>();
  private readonly ports: ReadonlySet<number>;
  private readonly windowUs: number;
  private readonly connections: number;
  private readonly many: number;
  evicted = 0;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.ports = new Set(numbersOf(rule, 'ports', OPAQUE_PORTS));
    this.windowUs = numberOf(rule, 'seconds', 300) * 1e6;
    this.connections = numberOf(rule, 'connections', 12);
    this.many = numberOf(rule, 'many', this.connections * 3);
  }

  get held(): number {
    return this.rates.size;
  }

  event(event: EveEvent): void {
    if (event.event_type !== 'auth' || (event.auth as AuthDetail | undefined)?.result === 'unknown') return;
    const { client, server } = sidesOf(event);
    if (this.known.size < MAX_PAIRS) this.known.add(`${client} ${server}`);
  }

  connection(r: ConnectionRecord): void {
    if (r.kind !== ConnectionKind.Ended || !this.ports.has(r.dstPort) || r.bytesToClient < MIN_ATTEMPT_BYTES) return;
    const key = pairKey(r, true, r.dstPort);
    let rate = this.rates.get(key);
    if (rate && r.timeUs - rate.firstUs > this.windowUs) {
      this.drop(key, rate);
      rate = undefined;
    }
    if (r.bytesToClient > MAX_ATTEMPT_BYTES || (rate && rate.told > 0 && r.bytesToClient > rate.typical * 4)) {
      if (rate && rate.told > 0) {
        rate.session = r.bytesToClient;
        rate.lastUs = r.timeUs;
        this.tell(rate);
      }
      return;
    }
    if (!rate) {
      if (this.rates.size >= MAX_PAIRS) this.evict();
      rate = { client: textOf(r.src), server: textOf(r.dst), port: r.dstPort, source: r.source, firstUs: r.timeUs, lastUs: r.timeUs, connections: 0, typical: r.bytesToClient, told: 0, session: 0 };
      this.rates.set(key, rate);
    }
    rate.connections++;
    rate.lastUs = r.timeUs;
    rate.typical += (r.bytesToClient - rate.typical) / 8;
    if (rate.connections >= Math.max(this.connections, rate.told * 2)) this.tell(rate);
  }

  advance(nowUs: number): void {
    for (const [key, rate] of this.rates) {
      if (nowUs - rate.firstUs <= this.windowUs) break;
      this.drop(key, rate);
    }
  }

  flush(): void {
    for (const [key, rate] of this.rates) this.drop(key, rate);
  }

  private drop(key: number, rate: Rate): void {
    this.rates.delete(key);
    if (rate.told > 0 && rate.connections > rate.told) this.tell(rate);
  }

  private evict(): void {
    const oldest = this.rates.entries().next().value;
    if (!oldest) return;
    this.evicted++;
    this.drop(oldest[0], oldest[1]);
  }

  private tell(rate: Rate): void {
    if (this.known.has(`${rate.client} ${rate.server}`)) return;
    rate.told = rate.connections;
    const seconds = Math.max(1, Math.round((rate.lastUs - rate.firstUs) / 1e6));
    const service = SERVICE[rate.port] ?? `port ${rate.port}`;
    const zh = `${seconds} 秒内建立了 ${rate.connections} 次短暂的 ${service} 连接，形似逐个尝试口令`;
    const en = `${rate.connections} short ${service} connections within ${seconds} s, as when passwords are tried one by one`;
    this.emit({
      rule: this.rule, proto: 'TCP', app: service, verdict: rate.session > 0 ? 'succeeded' : 'attempted',
      ...(rate.session > 0 && { class: 'brute_force_success' as const }),
      // Scripts of administrators open sessions in quick succession too; a few say little.
      severity: rate.session > 0 ? 'high' : rate.connections >= this.many ? this.rule.info.severity : 'low',
      because: rate.session > 0
        ? { zh: `${zh}；随后出现 ${rate.session} 字节的长会话，可能已登录成功。`, en: `${en}; then a session of ${rate.session} bytes followed: a login probably succeeded.` }
        : { zh: `${zh}。`, en: `${en}.` },
      attacker: { ip: rate.client }, victim: { ip: rate.server, port: rate.port },
      firstUs: rate.firstUs, lastUs: rate.lastUs, count: rate.connections,
      measured: { protocol: service, connections: rate.connections, bytes_per_attempt: Math.round(rate.typical), seconds },
      key: service, source: rate.source,
    });
  }
}

/** Many failed logins of one client at one server. */
export const bruteForce: MakeBehaviour = (rule, emit) => new Logins(rule, emit, 'brute');
/** A few tries on each of many accounts. */
export const passwordSpray: MakeBehaviour = (rule, emit) => new Logins(rule, emit, 'spray');
/** Many short connections to a login port whose logins can't be read. */
export const loginRate: MakeBehaviour = (rule, emit) => new LoginRate(rule, emit);
