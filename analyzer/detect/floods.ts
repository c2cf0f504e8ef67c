import type { EveEvent } from '../../contracts/event.js';
import { ConnectionKind, type ConnectionRecord } from '../flow/connection-log.js';
import { numberOf, numbersOf, type Behaviour, type BehaviourHit, type BehaviourRule, type Emit, type MakeBehaviour } from './behaviour.js';
import { hostNumber, textOf } from './hosts.js';
import { Distinct, WindowTable } from './windows.js';

const TCP = 6, UDP = 17, ICMP = 1, ICMP6 = 58;
const SYN = 2, ACK = 16;
/** A TCP packet without data on Ethernet, with a time stamp. */
const BARE_BYTES = 66;
/** Destinations followed at once, by address, protocol and port. */
const MAX_TARGETS = 16_384;
/** Sources kept of one flood; more are told as "at least". */
const MAX_SOURCES = 4096;

interface Target {
  firstUs: number;
  lastUs: number;
  dst: string;
  port: number;
  protocol: number;
  source: number;
  /** Start of the bucket under way. */
  bucketUs: number;
  opened: number;
  answered: number;
  refused: number;
  /** Packets whose flags begin no connection. */
  odd: number;
  used: number;
  total: number;
  peak: number;
  sources: Distinct<number>;
  attacker: string;
  told: number;
}

/**
 * SYN, UDP and ICMP floods by openings: so many connections a second to one port (host) that come to nothing; `tcp`:
 * packets with ACK, FIN or odd flags of no connection, refused or left without an answer.
 * Parameters: `rate` (openings a second), `seconds` (for so long), `used` (share that may carry data).
 * Floods within one flow are seen at its end: `packets` a second.
 */
class Flood implements Behaviour {
  readonly types = ['flow'] as const;
  private readonly targets: WindowTable<number, Target>;
  private readonly rate: number;
  private readonly bucketUs: number;
  private readonly used: number;
  private readonly packets: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly kind: 'syn' | 'tcp' | 'udp' | 'icmp') {
    this.rate = numberOf(rule, 'rate', 200);
    this.bucketUs = numberOf(rule, 'seconds', 3) * 1e6;
    this.used = numberOf(rule, 'used', 0.2);
    this.packets = numberOf(rule, 'packets', 1000);
    this.targets = new WindowTable(MAX_TARGETS, 600_000_000, (one) => {
      if (one.told > 0 && one.total > one.told) this.tell(one);
    });
  }

  get held(): number {
    return this.targets.size;
  }

  get evicted(): number {
    return this.targets.evicted;
  }

  private takes(protocol: number): boolean {
    return this.kind === 'syn' || this.kind === 'tcp' ? protocol === TCP : this.kind === 'udp' ? protocol === UDP : protocol === ICMP || protocol === ICMP6;
  }

  connection(r: ConnectionRecord): void {
    const { kind, protocol } = r;
    if (!this.takes(protocol) || (kind === ConnectionKind.OddProbe && this.kind !== 'tcp')) return;
    const port = protocol === TCP ? r.dstPort : 0;
    const key = hostNumber(r.dst) * 2 + port * 0x1_0000_0003;
    if (kind === ConnectionKind.Opened || kind === ConnectionKind.OddProbe) {
      if (protocol === TCP && ((r.tcpFlags & (SYN | ACK)) === SYN) !== (this.kind === 'syn')) return;
      if (protocol === UDP && r.srcPort < 1024) return;
      this.opened(key, r, port);
      return;
    }
    const one = this.targets.find(key, r.timeUs);
    if (one === undefined) return;
    if (kind === ConnectionKind.Answered) one.answered++;
    else if (kind === ConnectionKind.Refused) one.refused++;
    else if (kind === ConnectionKind.Spoke) one.used++;
  }

  private opened(key: number, r: ConnectionRecord, port: number): void {
    const { timeUs } = r;
    let one = this.targets.find(key, timeUs);
    one ??= this.targets.add(key, {
      firstUs: timeUs, lastUs: timeUs, dst: textOf(r.dst), port, protocol: r.protocol, source: r.source, bucketUs: timeUs, opened: 0, answered: 0, refused: 0, odd: 0, used: 0, total: 0,
      peak: 0, sources: new Distinct(MAX_SOURCES), attacker: '', told: 0,
    });
    if (timeUs - one.bucketUs >= this.bucketUs) {
      this.bucket(one);
      one.bucketUs = timeUs;
      one.opened = one.answered = one.refused = one.odd = one.used = 0;
    }
    one.opened++;
    if (r.kind === ConnectionKind.OddProbe) one.odd++;
    one.total++;
    one.lastUs = timeUs;
    if (one.sources.add(hostNumber(r.src)) && one.attacker === '') one.attacker = textOf(r.src);
    if (one.told === 0 ? one.opened >= this.rate * (this.bucketUs / 1e6) && timeUs > one.bucketUs : one.total >= one.told * 2) this.bucket(one);
  }

  private bucket(one: Target): void {
    if (one.opened < this.rate * (this.bucketUs / 1e6)) return;
    if (one.used > this.used * one.opened) return;
    // Connections that were under way before the capture began look the same, but they go on.
    if (this.kind === 'tcp' ? one.odd + one.refused < 0.5 * one.opened : this.kind !== 'syn' && one.answered > 0.5 * one.opened) return;
    one.peak = Math.max(one.peak, Math.round(one.opened / Math.max(0.2, (one.lastUs - one.bucketUs) / 1e6)));
    this.tell(one);
  }

  /** One sender's flood within one flow. */
  event(event: EveEvent, timeUs: number): void {
    const protocol = event.proto === 'UDP' ? UDP : event.proto === 'ICMP' || event.proto === 'IPv6-ICMP' ? ICMP : TCP;
    if (this.kind === 'syn' || !this.takes(protocol)) return;
    const f = event.flow as { pkts_toserver: number; pkts_toclient: number; bytes_toserver: number; bytes_toclient: number; start: string; end: string };
    if (f.pkts_toserver < this.packets * 2) return;
    // From one port to one port: bare headers both ways carry nothing.
    if (protocol === TCP && (f.bytes_toserver > f.pkts_toserver * BARE_BYTES || f.bytes_toclient > f.pkts_toclient * BARE_BYTES)) return;
    const seconds = Math.max(0.2, (Date.parse(f.end.slice(0, 23) + 'Z') - Date.parse(f.start.slice(0, 23) + 'Z')) / 1000);
    const rate = f.pkts_toserver / seconds;
    // What is answered packet by packet is a conversation, except for echoes, which stacks answer by themselves.
    if (rate < this.packets || (protocol === UDP && (f.pkts_toclient > f.pkts_toserver * 0.02 || event.app_proto === 'quic'))) return;
    // A stream of media keeps to its pace: large packets, a few thousand a second at most.
    if (protocol === UDP && f.bytes_toserver / f.pkts_toserver > 600 && rate < this.packets * 5) return;
    this.say({
      dst: event.dest_ip ?? '', port: protocol === UDP || protocol === TCP ? event.dest_port ?? 0 : 0, attacker: event.src_ip ?? '', protocol, total: f.pkts_toserver, peak: Math.round(rate),
      sources: 1, more: false, firstUs: timeUs - seconds * 1e6, lastUs: timeUs, source: -1, what: 'packets', node: event.host, answered: f.pkts_toclient,
    });
  }

  private tell(one: Target): void {
    one.told = one.total;
    this.say({
      dst: one.dst, port: one.port, attacker: one.attacker, protocol: one.protocol, total: one.total, peak: one.peak, sources: one.sources.size, more: one.sources.full,
      firstUs: one.firstUs, lastUs: one.lastUs, source: one.source, what: 'openings', node: undefined, answered: one.answered,
    });
  }

  private say(f: {
    dst: string; port: number; attacker: string; protocol: number; total: number; peak: number; sources: number; more: boolean; firstUs: number; lastUs: number;
    source: number; what: 'packets' | 'openings'; node: string | undefined; answered: number;
  }): void {
    const name = { syn: 'SYN', tcp: 'TCP', udp: 'UDP', icmp: 'ICMP' }[this.kind];
    const target = f.port > 0 ? `${f.dst}:${f.port}` : f.dst;
    const many = f.more ? `${f.sources}+` : String(f.sources);
    const hit: BehaviourHit = {
      rule: this.rule, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `${many} 个来源向 ${target} 发送 ${name} ${f.what === 'packets' ? '报文' : '连接请求'} ${f.total} 次，峰值每秒 ${f.peak} 次，绝大多数没有后续数据。`,
        en: `${many} source(s) sent ${f.total} ${name} ${f.what} to ${target}, up to ${f.peak} a second; nearly none carried anything further.`,
      },
      attacker: { ip: f.attacker }, victim: { ip: f.dst, ...(f.port > 0 && { port: f.port }) },
      proto: f.protocol === TCP ? 'TCP' : f.protocol === UDP ? 'UDP' : 'ICMP', firstUs: f.firstUs, lastUs: f.lastUs, count: f.total,
      measured: { kind: name, [f.what]: f.total, per_second: f.peak, sources: f.sources }, key: String(f.port), source: f.source,
      ...(f.node !== undefined && { node: f.node }),
    };
    this.emit(hit);
  }

  advance(nowUs: number): void {
    this.targets.advance(nowUs);
  }

  flush(): void {
    for (const one of this.targets.values()) if (one.told === 0) this.bucket(one);
    this.targets.flush();
  }
}

const REFLECTORS: Readonly<Record<number, string>> = { 19: 'chargen', 53: 'DNS', 69: 'TFTP', 111: 'portmap', 123: 'NTP', 161: 'SNMP', 389: 'CLDAP', 1900: 'SSDP', 3702: 'WS-Discovery', 11211: 'memcached' };

interface Reflected {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  port: number;
  source: number;
  up: number;
  down: number;
  flows: number;
  reflectors: Distinct<number>;
  told: number;
}

/** Services of UDP whose ordinary answers are large: DNS, TFTP, SNMP. Of others a fifth is enough. */
const BULKY: ReadonlySet<number> = new Set([53, 69, 161]);

/**
 * Amplification: answers of UDP services that are many times what was asked, to one address in large amounts.
 * Parameters: `bytes` (of answers within `seconds`), `factor` (answers to questions), `ports`.
 */
class Amplification implements Behaviour {
  private readonly clients: WindowTable<number, Reflected>;
  private readonly ports: ReadonlySet<number>;
  private readonly bytes: number;
  private readonly factor: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.bytes = numberOf(rule, 'bytes', 500_000);
    this.factor = numberOf(rule, 'factor', 8);
    this.ports = new Set(numbersOf(rule, 'ports', Object.keys(REFLECTORS).map(Number)));
    this.clients = new WindowTable(MAX_TARGETS, numberOf(rule, 'seconds', 60) * 1e6);
  }

  get held(): number {
    return this.clients.size;
  }

  get evicted(): number {
    return this.clients.evicted;
  }

  connection(r: ConnectionRecord): void {
    if (r.kind !== ConnectionKind.Ended || r.protocol !== UDP || !this.ports.has(r.dstPort)) return;
    const key = hostNumber(r.src) * 2 + r.dstPort * 0x1_0000_0003;
    const { timeUs } = r;
    const one = this.clients.find(key, timeUs) ?? this.clients.add(key, {
      firstUs: timeUs, lastUs: timeUs, client: textOf(r.src), server: textOf(r.dst), port: r.dstPort, source: r.source, up: 0, down: 0, flows: 0,
      reflectors: new Distinct(MAX_SOURCES), told: 0,
    });
    one.lastUs = timeUs;
    one.up += r.bytesToServer;
    one.down += r.bytesToClient;
    one.flows++;
    one.reflectors.add(hostNumber(r.dst));
    const enough = BULKY.has(one.port) ? this.bytes : this.bytes / 5;
    if (one.down < Math.max(enough, one.told * 2) || one.down < one.up * this.factor) return;
    one.told = one.down;
    const service = REFLECTORS[one.port] ?? `UDP ${one.port}`;
    const factor = one.up > 0 ? Math.round(one.down / one.up) : 0;
    const times = factor > 0 ? { zh: `，是请求的 ${factor} 倍`, en: `, ${factor} times what was asked` } : { zh: '，未见请求', en: ', without any question seen' };
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `${one.reflectors.size} 台服务器的 ${service} 应答共 ${one.down} 字节涌向 ${one.client}${times.zh}，形同反射放大攻击。`,
        en: `${service} answers of ${one.reflectors.size} server(s), ${one.down} bytes in all, went to ${one.client}${times.en}, as in a reflection attack.`,
      },
      attacker: { ip: one.server, port: one.port }, victim: { ip: one.client }, proto: 'UDP', firstUs: one.firstUs, lastUs: one.lastUs, count: one.flows,
      measured: { service, bytes_answered: one.down, bytes_asked: one.up, factor, reflectors: one.reflectors.size }, key: String(one.port), source: one.source,
    });
  }

  advance(nowUs: number): void {
    this.clients.advance(nowUs);
  }

  flush(): void {
    this.clients.flush();
  }
}

interface Holding {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  port: number;
  source: number;
  open: number;
  most: number;
  total: number;
  requests: number;
  /** Connections that have ended after they had been held for long. */
  slow: number;
  told: number;
}

const WEB_PORTS = [80, 81, 443, 7001, 8000, 8008, 8080, 8081, 8088, 8443, 8888, 9080, 9090];

/**
 * Slow HTTP (slow headers, slow bodies, slow reading): one client holds many connections of a web server open and
 * brings few requests to an end. Parameters: `connections` (held at once), `seconds` (for so long), `requests` (finished
 * requests per connection at most), `ports`.
 */
class SlowHttp implements Behaviour {
  readonly types = ['http'] as const;
  private readonly pairs: WindowTable<string, Holding>;
  private readonly ports: ReadonlySet<number>;
  private readonly connections: number;
  private readonly holdUs: number;
  private readonly requests: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.ports = new Set(numbersOf(rule, 'ports', WEB_PORTS));
    this.connections = numberOf(rule, 'connections', 40);
    this.holdUs = numberOf(rule, 'seconds', 8) * 1e6;
    this.requests = numberOf(rule, 'requests', 0.3);
    this.pairs = new WindowTable(MAX_TARGETS, 900_000_000, (one) => {
      if (one.told > 0 && one.most > one.told) this.tell(one);
    });
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  connection(r: ConnectionRecord): void {
    if (r.protocol !== TCP || !this.ports.has(r.dstPort)) return;
    const { kind } = r;
    if (kind !== ConnectionKind.Answered && kind !== ConnectionKind.Ended) return;
    const client = textOf(r.src);
    const server = textOf(r.dst);
    const key = `${client} ${server} ${r.dstPort}`;
    const one = this.pairs.find(key, r.timeUs);
    if (kind === ConnectionKind.Ended) {
      if (one === undefined) return;
      if (one.open > 0) one.open--;
      one.lastUs = Math.max(one.lastUs, r.timeUs);
      if (r.lastedMs * 1000 >= this.holdUs) one.slow++;
      // Told by those that have ended: how records fall into batches must not matter.
      if (one.told === 0 && one.slow >= this.connections && one.most >= this.connections && one.requests <= this.requests * one.total) this.tell(one);
      return;
    }
    const pair = one ?? this.begin(key, r.timeUs, client, server, r.dstPort);
    pair.source = r.source;
    pair.open++;
    pair.total++;
    pair.lastUs = r.timeUs;
    if (pair.open > pair.most) pair.most = pair.open;
  }

  event(event: EveEvent, timeUs: number): void {
    const { src_ip = '', dest_ip = '', dest_port = 0 } = event;
    if (!this.ports.has(dest_port)) return;
    const key = `${src_ip} ${dest_ip} ${dest_port}`;
    // Events come before the records of their batch.
    const one = this.pairs.find(key, timeUs) ?? this.begin(key, timeUs, src_ip, dest_ip, dest_port);
    // A server that gives up on a request answers 408 or 400: that request was never finished.
    const { status = 0 } = event.http as { status?: number };
    if (status !== 408 && status !== 400 && status !== 0) one.requests++;
  }

  private begin(key: string, timeUs: number, client: string, server: string, port: number): Holding {
    return this.pairs.add(key, { firstUs: timeUs, lastUs: timeUs, client, server, port, source: -1, open: 0, most: 0, total: 0, requests: 0, slow: 0, told: 0 });
  }

  advance(nowUs: number): void {
    for (const one of this.pairs.values()) if (one.told === 0) this.judge(one, nowUs);
    this.pairs.advance(nowUs);
  }

  private judge(one: Holding, nowUs: number): void {
    if (one.open < this.connections || nowUs - one.firstUs < this.holdUs || one.requests > this.requests * one.total) return;
    one.lastUs = nowUs;
    this.tell(one);
  }

  private tell(one: Holding): void {
    one.told = one.most;
    const seconds = Math.round((one.lastUs - one.firstUs) / 1e6);
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `同一来源在 ${seconds} 秒内对 ${one.server}:${one.port} 建立 ${one.total} 个连接，同时占用 ${one.most} 个，仅完成 ${one.requests} 个请求：以慢速请求占满服务器。`,
        en: `One source opened ${one.total} connections to ${one.server}:${one.port} within ${seconds} s, held ${one.most} of them at once and finished ${one.requests} requests: slow requests that fill the server up.`,
      },
      attacker: { ip: one.client }, victim: { ip: one.server, port: one.port }, proto: 'TCP', app: 'http', firstUs: one.firstUs, lastUs: one.lastUs, count: one.total,
      measured: { connections: one.total, held_at_once: one.most, requests_finished: one.requests, seconds }, key: String(one.port), source: one.source,
    });
  }

  flush(): void {
    for (const one of this.pairs.values()) if (one.told === 0) this.judge(one, one.lastUs);
    this.pairs.flush();
  }
}

export const synFlood: MakeBehaviour = (rule, emit) => new Flood(rule, emit, 'syn');
/** Packets of no connection: ACK, FIN and odd flags. */
export const tcpFlood: MakeBehaviour = (rule, emit) => new Flood(rule, emit, 'tcp');
export const udpFlood: MakeBehaviour = (rule, emit) => new Flood(rule, emit, 'udp');
export const icmpFlood: MakeBehaviour = (rule, emit) => new Flood(rule, emit, 'icmp');
/** Answers of UDP services that are many times their questions. */
export const amplification: MakeBehaviour = (rule, emit) => new Amplification(rule, emit);
/** Many connections of a web server held open without finishing requests. */
export const slowHttp: MakeBehaviour = (rule, emit) => new SlowHttp(rule, emit);
