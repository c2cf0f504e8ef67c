import type { EveEvent } from '../../contracts/event.js';
import { flowOf, numberOf, numbersOf, type Behaviour, type BehaviourHit, type BehaviourRule, type Emit, type MakeBehaviour, type Site } from './behaviour.js';
import { WindowTable } from './windows.js';

/** Pairs followed at once. */
const MAX_PAIRS = 16_384;

interface FlowDetail {
  pkts_toserver: number;
  pkts_toclient: number;
  bytes_toserver: number;
  bytes_toclient: number;
  start: string;
  age: number;
}

/** Payload of an echo that Ethernet's shortest frame holds. */
const PADDED = 18;
/** IPv4 and ICMP headers of an echo, with the link layer. */
const ECHO_HEADERS = 42;

interface Echoes {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  node: string | undefined;
  flow: BehaviourHit['flow'];
  requests: number;
  replies: number;
  up: number;
  down: number;
  told: number;
}

/**
 * ICMP tunnels: an echo reply is the mirror of its request; where there are more replies than requests, or of another
 * size, something else talks. Parameters: `packets` (at least), `bytes` (payload at least), `difference` (mean payload of
 * a reply against a request, bytes), `seconds`.
 */
class IcmpTunnel implements Behaviour {
  readonly types = ['flow'] as const;
  private readonly pairs: WindowTable<string, Echoes>;
  private readonly packets: number;
  private readonly bytes: number;
  private readonly difference: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.packets = numberOf(rule, 'packets', 12);
    this.bytes = numberOf(rule, 'bytes', 400);
    this.difference = numberOf(rule, 'difference', 12);
    this.pairs = new WindowTable(MAX_PAIRS, numberOf(rule, 'seconds', 3600) * 1e6);
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    if (event.proto !== 'ICMP' && event.proto !== 'IPv6-ICMP') return;
    const flow = event.flow as unknown as FlowDetail;
    const { src_ip = '', dest_ip = '' } = event;
    const key = `${src_ip} ${dest_ip}`;
    const pair = this.pairs.find(key, timeUs) ?? this.pairs.add(key, {
      firstUs: timeUs - flow.age * 1e6, lastUs: timeUs, client: src_ip, server: dest_ip, node: event.host, flow: flowOf(event), requests: 0, replies: 0,
      up: 0, down: 0, told: 0,
    });
    pair.lastUs = timeUs;
    pair.requests += flow.pkts_toserver;
    pair.replies += flow.pkts_toclient;
    pair.up += Math.max(0, flow.bytes_toserver - flow.pkts_toserver * ECHO_HEADERS);
    pair.down += Math.max(0, flow.bytes_toclient - flow.pkts_toclient * ECHO_HEADERS);
    const { requests, replies, up, down } = pair;
    if (requests + replies < this.packets || requests + replies < pair.told * 2 || up + down < this.bytes || requests === 0 || replies === 0) return;
    const meanUp = up / requests;
    const meanDown = down / replies;
    // Short payloads are filled up on the wire, so that only what is longer than the filling tells.
    const apart = Math.abs(meanUp - meanDown) >= this.difference && Math.max(meanUp, meanDown) > PADDED && Math.abs(meanUp - meanDown) >= 0.3 * Math.max(meanUp, meanDown);
    if (!apart && replies < requests * 1.3) return;
    pair.told = requests + replies;
    this.emit({
      rule: this.rule, verdict: 'compromised', severity: this.rule.info.severity,
      because: {
        zh: `ICMP 回显应答不是请求的镜像：${requests} 个请求平均 ${Math.round(meanUp)} 字节，${replies} 个应答平均 ${Math.round(meanDown)} 字节，形同以 ping 传送数据。`,
        en: `Echo replies are no mirror of their requests: ${requests} requests of ${Math.round(meanUp)} bytes and ${replies} replies of ${Math.round(meanDown)} bytes on average, as when ping carries data.`,
      },
      attacker: { ip: pair.server }, victim: { ip: pair.client }, proto: event.proto, firstUs: pair.firstUs, lastUs: timeUs, count: requests + replies,
      measured: { requests, replies, bytes_up: up, bytes_down: down, mean_request: Math.round(meanUp), mean_reply: Math.round(meanDown) },
      key: '', source: -1, ...(pair.node !== undefined && { node: pair.node }), flow: pair.flow,
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

/** A handshake's options are no typing. */
const MIN_TYPED = 24;

/** Ports of services whose sessions are long and small by nature. */
const KNOWN_PORTS = [20, 21, 22, 23, 25, 53, 80, 110, 123, 143, 179, 389, 443, 445, 465, 514, 587, 636, 853, 993, 995, 1194, 1433, 1521, 1883, 3128, 3306, 3389, 5060,
  5222, 5223, 5228, 5432, 5672, 5900, 6379, 6667, 8000, 8080, 8883, 9092, 9418, 11211, 27017];

/** Nameless TLS connections whose end is awaited. */
const MAX_NAMELESS = 8192;
/** Bytes of a handshake of TLS with a client's offers, and with a server's certificate and tickets. */
const HELLO_BYTES = 600;
const CERTIFICATE_BYTES = 1500;
/** A session in TLS is shorter and its packets longer than in clear: there the prompt tells. */
const TLS_SECONDS = 4;
const TLS_MEAN = 1100;
const TLS_PACE = 60;
/** Ports on which programs speak TLS to a bare address by nature. */
const NAMELESS_PORTS = [465, 636, 853, 993, 995, 5061, 5223, 5228, 6514, 8883];

/**
 * Reverse shells by shape: a connection that one of our hosts opened to an odd port outside, whose protocol nobody knows,
 * or that is TLS to a bare address, in which little is asked and more is answered, at the pace of somebody who types.
 * Parameters: `seconds` (it lasts at least), `packets`, `pace` and `slowest` (packets a second), `mean` (bytes a packet at
 * most), `ports` (left out).
 */
class Interactive implements Behaviour {
  readonly types = ['flow', 'tls'] as const;
  evicted = 0;
  /** Flows of TLS without a server's name and with no certificate that somebody else signed. */
  private readonly nameless = new Set<number>();
  private readonly ports: ReadonlySet<number>;
  private readonly seconds: number;
  private readonly packets: number;
  private readonly pace: number;
  private readonly mean: number;
  private readonly slowest: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    this.ports = new Set(numbersOf(rule, 'ports', KNOWN_PORTS));
    this.slowest = numberOf(rule, 'slowest', 0.3);
    this.seconds = numberOf(rule, 'seconds', 8);
    this.packets = numberOf(rule, 'packets', 16);
    this.pace = numberOf(rule, 'pace', 12);
    this.mean = numberOf(rule, 'mean', 400);
  }

  get held(): number {
    return this.nameless.size;
  }

  private tls(event: EveEvent): void {
    const tls = event.tls as { sni?: string; subject?: string; issuerdn?: string };
    if (isNamed(tls.sni) || (tls.subject !== undefined && tls.subject !== tls.issuerdn) || event.flow_id === undefined) return;
    if (this.nameless.size >= MAX_NAMELESS) {
      this.evicted++;
      this.nameless.delete(this.nameless.values().next().value!);
    }
    this.nameless.add(event.flow_id);
  }

  event(event: EveEvent, timeUs: number): void {
    if (event.event_type === 'tls') return this.tls(event);
    if (event.proto !== 'TCP') return;
    const tls = event.app_proto === 'tls' && event.flow_id !== undefined && this.nameless.delete(event.flow_id);
    if (!tls && event.app_proto !== undefined && event.app_proto !== 'failed') return;
    const { src_ip = '', dest_ip = '', dest_port = 0, src_port = 0 } = event;
    if ((tls ? NAMELESS_PORTS.includes(dest_port) : this.ports.has(dest_port)) || src_port < 1024 || !this.site.isHome(src_ip) || this.site.isHome(dest_ip)) return;
    const f = event.flow as unknown as FlowDetail;
    const tcp = event.tcp as { syn?: boolean } | undefined;
    const packets = f.pkts_toserver + f.pkts_toclient;
    if (tcp?.syn !== true || f.age < (tls ? TLS_SECONDS : this.seconds) || packets < this.packets || packets > (tls ? TLS_PACE : this.pace) * f.age || packets < this.slowest * f.age) return;
    // What a typist sends is small; what the shell answers is larger, yet no download.
    const down = f.bytes_toclient - f.pkts_toclient * 66 - (tls ? CERTIFICATE_BYTES : 0);
    const up = f.bytes_toserver - f.pkts_toserver * 66 - (tls ? HELLO_BYTES : 0);
    if (down < MIN_TYPED || up <= (tls ? 2 * down : down) || up / f.pkts_toserver > (tls ? TLS_MEAN : this.mean) || down / f.pkts_toclient > this.mean / 8) return;
    this.emit({
      rule: this.rule, verdict: 'compromised', severity: this.rule.info.severity,
      because: {
        zh: `主机主动连接外部 ${dest_ip}:${dest_port} 并保持 ${f.age} 秒，${tls ? '为不带服务器名的 TLS' : '协议未知'}；对方每包仅约 ${Math.round(down / f.pkts_toclient)} 字节，本机回应 ${Math.max(0, Math.round(up))} 字节，节奏如同有人在键入命令。`,
        en: `The host itself opened ${tls ? 'TLS without a server name' : 'a connection of no known protocol'} to ${dest_ip}:${dest_port} and kept it for ${f.age} s; the other side sent about ${Math.round(down / f.pkts_toclient)} bytes a packet and got ${Math.max(0, Math.round(up))} bytes back, at the pace of somebody typing commands.`,
      },
      attacker: { ip: dest_ip, port: dest_port }, victim: { ip: src_ip }, proto: 'TCP', firstUs: timeUs - f.age * 1e6, lastUs: timeUs, count: packets,
      measured: { seconds: f.age, packets, bytes_to_victim: Math.round(down), bytes_from_victim: Math.round(up) },
      key: String(dest_port), source: -1, ...(event.host !== undefined && { node: event.host }), flow: flowOf(event),
    });
  }

  advance(): void {
    // each flow is judged at its end
  }

  flush(): void {
    // nothing waits
  }
}

const HOME_PORTS: Readonly<Record<string, readonly number[]>> = { ssh: [22], rdp: [3389], socks: [1080, 1081, 9050, 9150], tls: [] };

/** A server name that is a name: programs that were given an address alone may send that, which RFC 6066 forbids. */
const isNamed = (sni: string | undefined): boolean => sni !== undefined && !/^(?:[\d.]+|.*:.*)$/.test(sni);

/** The port that SSH servers are moved to most: worth a word, no more. */
const SECOND_SSH = 2222;

/**
 * Administration and tunnel protocols on odd ports across the border: SSH, RDP or SOCKS that one of our hosts opens to the
 * outside on a port of another service, and TLS without a name to no certificate or one that signs itself.
 * Parameters: `ports` (also ordinary).
 */
class OddChannel implements Behaviour {
  readonly types = ['ssh', 'rdp', 'socks', 'tls'] as const;
  readonly held = 0;
  readonly evicted = 0;
  private readonly ports: ReadonlySet<number>;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    this.ports = new Set(numbersOf(rule, 'ports', []));
  }

  event(event: EveEvent, timeUs: number): void {
    const { src_ip = '', dest_ip = '', dest_port = 0, src_port = 0 } = event;
    const type = event.event_type;
    // What a server says is no connection of its own.
    if (this.ports.has(dest_port) || HOME_PORTS[type]!.includes(src_port) || HOME_PORTS[type]!.includes(dest_port) || !this.site.isHome(src_ip) || this.site.isHome(dest_ip)) return;
    let what: { zh: string; en: string };
    if (type === 'tls') {
      const tls = event.tls as { sni?: string; subject?: string; issuerdn?: string };
      if (KNOWN_PORTS.includes(dest_port) || dest_port === 8443 || isNamed(tls.sni) || (tls.subject !== undefined && tls.subject !== tls.issuerdn)) return;
      // TLS 1.3 hides the certificate.
      const subject = tls.subject === undefined ? undefined : tls.subject.slice(0, 80);
      what = subject === undefined ? { zh: 'TLS（无服务器名）', en: 'TLS without a server name' }
        : { zh: `TLS（无服务器名，自签名证书 ${subject || '空主题'}）`, en: `TLS without a server name, with a certificate that signs itself (${subject || 'empty subject'})` };
    } else what = { zh: type.toUpperCase(), en: type.toUpperCase() };
    this.emit({
      // Many applications speak TLS of their own on a port of their own.
      rule: this.rule, verdict: 'attempted', severity: type === 'tls' || dest_port === SECOND_SSH ? 'low' : this.rule.info.severity,
      because: { zh: `主机向外部 ${dest_ip} 的非常用端口 ${dest_port} 发起 ${what.zh} 连接。`, en: `The host opened ${what.en} to port ${dest_port} of ${dest_ip} outside, which is no port of that protocol.` },
      attacker: { ip: dest_ip, port: dest_port }, victim: { ip: src_ip }, proto: 'TCP', app: type, firstUs: timeUs, lastUs: timeUs, count: 1,
      measured: { protocol: type, port: dest_port }, key: `${type} ${dest_port}`, source: -1, ...(event.host !== undefined && { node: event.host }), flow: flowOf(event),
    });
  }

  advance(): void {
    // nothing waits
  }

  flush(): void {
    // nothing waits
  }
}

/** Data in ICMP echoes. */
export const icmpTunnel: MakeBehaviour = (rule, emit) => new IcmpTunnel(rule, emit);
/** Somebody types into a connection that our host opened. */
export const interactiveOutbound: MakeBehaviour = (rule, emit, site) => new Interactive(rule, emit, site);
/** SSH, RDP, SOCKS or nameless TLS to odd ports outside. */
export const oddChannel: MakeBehaviour = (rule, emit, site) => new OddChannel(rule, emit, site);
