import type { EveEvent } from '../../contracts/event.js';
import { ConnectionKind, type ConnectionRecord } from '../flow/connection-log.js';
import { numberOf, textsOf, type Behaviour, type BehaviourRule, type Emit, type MakeBehaviour, type Site } from './behaviour.js';
import { hostNumber, isInside, pairKey, textOf } from './hosts.js';
import { Distinct, WindowTable } from './windows.js';

const MAX_FOLLOWED = 16_384;
const TCP = 6;

interface Claim { firstUs: number; lastUs: number; mac: string; ip: string; victim: string; node: string | undefined; count: number; victims: Distinct<string>; told: number }

/**
 * ARP spoofing: a station answers for an address without being asked, again and again; worse, for one that another
 * station holds. Announcements of one's own address are none. Parameters: `replies` (unasked, at least), `seconds`.
 */
class ArpSpoofing implements Behaviour {
  readonly types = ['arp'] as const;
  private readonly claims: WindowTable<string, Claim>;
  /** Who holds an address, as its own requests and asked replies say. */
  private readonly holders = new Map<string, { mac: string; atUs: number }>();
  private readonly asked = new Map<string, number>();
  private readonly replies: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.replies = numberOf(rule, 'replies', 4);
    this.claims = new WindowTable(MAX_FOLLOWED, numberOf(rule, 'seconds', 120) * 1e6);
  }

  get held(): number {
    return this.claims.size;
  }

  get evicted(): number {
    return this.claims.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const { opcode = '', src_mac = '', src_ip = '', dest_ip = '' } = event.arp as { opcode?: string; src_mac?: string; src_ip?: string; dest_ip?: string };
    if (src_ip === '0.0.0.0' || src_ip === '') return;
    if (opcode === 'request') {
      keep(this.asked, `${src_ip} ${dest_ip}`, timeUs);
      if (src_ip !== dest_ip) keep(this.holders, src_ip, { mac: src_mac, atUs: timeUs });
      return;
    }
    if (opcode !== 'reply' || src_ip === dest_ip) return;
    const question = this.asked.get(`${dest_ip} ${src_ip}`);
    const holder = this.holders.get(src_ip);
    if (question !== undefined && timeUs - question < 3_000_000) {
      this.asked.delete(`${dest_ip} ${src_ip}`);
      if (holder === undefined || holder.mac === src_mac) keep(this.holders, src_ip, { mac: src_mac, atUs: timeUs });
      return;
    }
    const key = `${src_mac} ${src_ip}`;
    const claim = this.claims.find(key, timeUs) ?? this.claims.add(key, {
      firstUs: timeUs, lastUs: timeUs, mac: src_mac, ip: src_ip, victim: dest_ip, node: event.host, count: 0, victims: new Distinct(1024), told: 0,
    });
    claim.count++;
    claim.lastUs = timeUs;
    claim.victims.add(dest_ip);
    if (claim.count < Math.max(this.replies, claim.told * 2)) return;
    claim.told = claim.count;
    const conflict = holder !== undefined && holder.mac !== src_mac;
    // The station's own address, where it has shown one.
    let own = claim.ip;
    for (const [ip, h] of this.holders) if (h.mac === src_mac && ip !== claim.ip) own = ip;
    this.emit({
      rule: this.rule, verdict: conflict ? 'succeeded' : 'attempted', severity: conflict ? 'high' : this.rule.info.severity,
      because: {
        zh: `${claim.mac} 未经询问 ${claim.count} 次向 ${claim.victims.size} 台主机宣称自己是 ${claim.ip}${conflict ? `，而该地址原属 ${holder.mac}` : ''}。`,
        en: `${claim.mac} told ${claim.victims.size} host(s) ${claim.count} times without being asked that it is ${claim.ip}${conflict ? `, which is ${holder.mac}'s address` : ''}.`,
      },
      attacker: { ip: own }, victim: { ip: claim.victim }, proto: 'ARP', firstUs: claim.firstUs, lastUs: claim.lastUs, count: claim.count,
      measured: { mac: claim.mac, claimed: claim.ip, replies: claim.count, victims: claim.victims.size, ...(conflict && { holder: holder.mac }) }, key: claim.ip, source: -1,
      ...(claim.node !== undefined && { node: claim.node }),
    });
  }

  advance(nowUs: number): void {
    this.claims.advance(nowUs);
  }

  flush(): void {
    this.claims.flush();
  }
}

function keep<V>(map: Map<string, V>, key: string, value: V): void {
  if (map.size >= MAX_FOLLOWED && !map.has(key)) map.delete(map.keys().next().value!);
  map.set(key, value);
}

interface Probed { firstUs: number; lastUs: number; src: string; dst: string; source: number; kinds: number; ports: Distinct<number>; refused: number; probes: number; told: number }

/**
 * OS fingerprinting: the odd packets of different kinds that nmap -O sends to few ports of one host. Parameters: `kinds`,
 * `seconds`. And ACK scans: bare acknowledgements to many ports outside any connection, refused with RST: `targets`.
 */
class OddPackets implements Behaviour {
  private readonly pairs: WindowTable<number, Probed>;
  private readonly kinds: number;
  private readonly targets: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly what: 'os' | 'ack') {
    this.kinds = numberOf(rule, 'kinds', 3);
    this.targets = numberOf(rule, 'targets', 15);
    this.pairs = new WindowTable(MAX_FOLLOWED, numberOf(rule, 'seconds', 60) * 1e6);
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  connection(r: ConnectionRecord): void {
    if (r.protocol !== TCP) return;
    const { kind } = r;
    if (this.what === 'os' ? kind !== ConnectionKind.OddProbe : kind !== ConnectionKind.Refused && !(kind === ConnectionKind.Opened && (r.tcpFlags & 0x3f) === 0x10)) return;
    const key = pairKey(r, true, 0);
    let one = this.pairs.find(key, r.timeUs);
    if (one === undefined) {
      if (kind === ConnectionKind.Refused) return;
      one = this.pairs.add(key, {
        firstUs: r.timeUs, lastUs: r.timeUs, src: textOf(r.src), dst: textOf(r.dst), source: r.source, kinds: 0, ports: new Distinct(65_536), refused: 0, probes: 0, told: 0,
      });
    }
    one.lastUs = r.timeUs;
    if (kind === ConnectionKind.Refused) {
      if (one.ports.has(r.dstPort)) one.refused++;
    } else {
      one.probes++;
      one.ports.add(r.dstPort);
      one.kinds |= 1 << kindOf(r.tcpFlags & 0x3f);
    }
    if (this.what === 'os') {
      const kinds = bits(one.kinds);
      if (kinds < this.kinds || one.ports.size > 6 || one.told >= kinds) return;
      one.told = kinds;
      this.tell(one, {
        zh: `${one.src} 以 ${kinds} 种异常标志的 TCP 报文探测 ${one.ports.size} 个端口，形同 nmap -O 识别操作系统。`,
        en: `${one.src} sent TCP packets with ${kinds} odd kinds of flags to ${one.ports.size} port(s), as nmap -O does to tell the operating system.`,
      }, { kinds, probes: one.probes });
    } else {
      if (one.ports.size < Math.max(this.targets, one.told * 2) || one.refused < one.ports.size * 0.3) return;
      one.told = one.ports.size;
      this.tell(one, {
        zh: `${one.src} 向 ${one.ports.size} 个端口发送不属于任何连接的 ACK，${one.refused} 个以 RST 应答（未被过滤）。`,
        en: `${one.src} sent ACKs of no connection to ${one.ports.size} ports; ${one.refused} answered with RST and are not filtered.`,
      }, { ports: one.ports.size, unfiltered: one.refused });
    }
  }

  private tell(one: Probed, because: { zh: string; en: string }, measured: Record<string, number>): void {
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: isInside(one.src) ? this.rule.info.severity : 'low', because, attacker: { ip: one.src }, victim: { ip: one.dst },
      proto: 'TCP', firstUs: one.firstUs, lastUs: one.lastUs, count: one.probes, measured, key: '', source: one.source,
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

/** NULL, FIN+PSH+URG, SYN+FIN+URG+PSH, SYN+FIN, anything else. */
function kindOf(flags: number): number {
  return flags === 0 ? 0 : flags === 0x29 ? 1 : flags === 0x2b ? 2 : (flags & 3) === 3 ? 3 : 4;
}

function bits(n: number): number {
  let count = 0;
  for (let rest = n; rest !== 0; rest &= rest - 1) count++;
  return count;
}

interface Crossing { firstUs: number; ok: boolean; from: string; to: string }
/** Pairs whose permission is remembered. */
const MAX_PAIRS = 65_536;

/**
 * Flows between zones that the registry forbids, and between ranges that the rule forbids beside it.
 * Parameter: `forbidden`, e.g. `192.0.2.0/24 > 198.51.100.0/24`.
 */
class ZoneCrossing implements Behaviour {
  private readonly pairs: WindowTable<number, Crossing>;
  private readonly forbidden: [number, number, number, number, string, string][];

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    this.pairs = new WindowTable(MAX_PAIRS, 3_600_000_000);
    this.forbidden = textsOf(rule, 'forbidden').flatMap((text) => {
      const [from, to] = text.split('>').map((s) => s.trim());
      const a = range(from ?? '');
      const b = range(to ?? '');
      return a && b ? [[a[0], a[1], b[0], b[1], from!, to!]] : [];
    });
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  connection(r: ConnectionRecord): void {
    if (r.kind !== ConnectionKind.Opened && r.kind !== ConnectionKind.Answered) return;
    if (this.forbidden.length === 0 && this.site.zoneOf === undefined) return;
    if (r.protocol === TCP && r.kind === ConnectionKind.Opened && (r.tcpFlags & 0x12) !== 0x02) return;
    const key = pairKey(r, true, 0);
    const known = this.pairs.find(key, r.timeUs) ?? this.pairs.add(key, this.look(r));
    if (known.ok) return;
    const answered = r.kind === ConnectionKind.Answered;
    const src = textOf(r.src);
    const dst = textOf(r.dst);
    const port = r.protocol === TCP || r.protocol === 17 ? r.dstPort : 0;
    this.emit({
      rule: this.rule, verdict: answered ? 'succeeded' : 'attempted', severity: answered ? this.rule.info.severity : 'low',
      because: {
        zh: `${src}（${known.from}）连接 ${dst}${port > 0 ? `:${port}` : ''}（${known.to}），登记册禁止该方向的访问${answered ? '，且已建立连接' : '，未见应答'}。`,
        en: `${src} (${known.from}) connected to ${dst}${port > 0 ? `:${port}` : ''} (${known.to}), which the registry forbids${answered ? '; it was answered' : '; no answer was seen'}.`,
      },
      attacker: { ip: src }, victim: { ip: dst, ...(port > 0 && { port }) }, proto: r.protocol === TCP ? 'TCP' : r.protocol === 17 ? 'UDP' : String(r.protocol),
      firstUs: r.timeUs, lastUs: r.timeUs, count: 1, measured: { from: known.from, to: known.to, port }, key: '', source: r.source,
    });
  }

  private look(r: ConnectionRecord): Crossing {
    const { src32, dst32, timeUs } = r;
    if (r.ipVersion === 4) {
      for (const [a, am, b, bm, from, to] of this.forbidden) {
        if (((src32 & am) >>> 0) === a && ((dst32 & bm) >>> 0) === b) return { firstUs: timeUs, ok: false, from, to };
      }
    }
    const { zoneOf, mayReach } = this.site;
    const from = zoneOf?.(textOf(r.src));
    const to = zoneOf?.(textOf(r.dst));
    return { firstUs: timeUs, ok: from === undefined || to === undefined || from === to || mayReach === undefined || mayReach(from, to), from: from ?? '', to: to ?? '' };
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

function range(text: string): [number, number] | undefined {
  const m = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text);
  if (!m) return undefined;
  const bitsOf = Number(m[5] ?? 32);
  const mask = bitsOf === 0 ? 0 : (0xffffffff << (32 - bitsOf)) >>> 0;
  const address = hostNumber(Uint8Array.from([m[1], m[2], m[3], m[4]], Number));
  return [(address & mask) >>> 0, mask];
}

interface Sender { firstUs: number; lastUs: number; src: string; source: number; up: number; down: number; to: Map<string, { up: number; down: number }>; told: number }
/** Hourly volume of an asset as it was: mean and mean deviation, and over how many hours. */
interface Usual { mean: number; deviation: number; hours: number }
/** Smaller flows sum up to nothing; leaving them out spares most of the work. */
const LEAST_FLOW = 20_000;
/** Destinations kept of one sender's hour. */
const MAX_DESTINATIONS = 64;
const MAX_ASSETS = 65_536;

/**
 * Exfiltration by volume: an asset sends far more to the outside than in its usual hour, or, while that is not known yet,
 * uploads much to one address. Parameters: `bytes` (within an hour, at least), `ratio` (of what is sent to what comes
 * back), `deviations` (above the usual hour), `hours` (after which the usual is known).
 */
class Exfiltration implements Behaviour {
  private readonly senders: WindowTable<string, Sender>;
  private readonly usual = new Map<string, Usual>();
  private readonly bytes: number;
  private readonly ratio: number;
  private readonly deviations: number;
  private readonly hours: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    this.bytes = numberOf(rule, 'bytes', 20_000_000);
    this.ratio = numberOf(rule, 'ratio', 8);
    this.deviations = numberOf(rule, 'deviations', 6);
    this.hours = numberOf(rule, 'hours', 24);
    this.senders = new WindowTable(MAX_ASSETS, 3_600_000_000, (one) => this.learn(one));
  }

  get held(): number {
    return this.senders.size;
  }

  get evicted(): number {
    return this.senders.evicted;
  }

  connection(r: ConnectionRecord): void {
    if (r.kind !== ConnectionKind.Ended || r.bytesToServer < LEAST_FLOW) return;
    const src = textOf(r.src);
    if (!this.site.isHome(src)) return;
    const dst = textOf(r.dst);
    if (this.site.isHome(dst)) return;
    const one = this.senders.find(src, r.timeUs) ?? this.senders.add(src, { firstUs: r.timeUs, lastUs: r.timeUs, src, source: r.source, up: 0, down: 0, to: new Map(), told: 0 });
    one.lastUs = Math.max(one.lastUs, r.timeUs);
    one.up += r.bytesToServer;
    one.down += r.bytesToClient;
    let to = one.to.get(dst);
    if (to === undefined && one.to.size < MAX_DESTINATIONS) one.to.set(dst, (to = { up: 0, down: 0 }));
    if (to === undefined) return;
    to.up += r.bytesToServer;
    to.down += r.bytesToClient;
    if (to.up < Math.max(this.bytes, one.told * 2) || to.up < to.down * this.ratio) return;
    const usual = this.usual.get(src);
    const known = usual !== undefined && usual.hours >= this.hours;
    if (known && one.up < usual.mean + this.deviations * Math.max(usual.deviation, usual.mean * 0.1)) return;
    one.told = to.up;
    const mb = (n: number) => (n / 1e6).toFixed(1);
    this.emit({
      rule: this.rule, verdict: 'succeeded', severity: known ? this.rule.info.severity : 'low',
      because: {
        zh: `${src} 一小时内向外部 ${dst} 发送 ${mb(to.up)} MB，仅收到 ${mb(to.down)} MB${known ? `；该资产平常每小时外发 ${mb(usual.mean)} MB` : '；尚无该资产的平常用量可比'}。`,
        en: `${src} sent ${mb(to.up)} MB to ${dst} outside within an hour and got ${mb(to.down)} MB back${known ? `; it usually sends ${mb(usual.mean)} MB an hour` : '; what it usually sends is not known yet'}.`,
      },
      attacker: { ip: dst, port: r.dstPort }, victim: { ip: src }, proto: r.protocol === TCP ? 'TCP' : 'UDP', firstUs: one.firstUs, lastUs: one.lastUs, count: 1,
      measured: { bytes_sent: to.up, bytes_received: to.down, ...(known && { usual_bytes_an_hour: Math.round(usual.mean) }) }, key: '', source: r.source,
    });
  }

  private learn(one: Sender): void {
    let usual = this.usual.get(one.src);
    if (usual === undefined) {
      if (this.usual.size >= MAX_ASSETS) this.usual.delete(this.usual.keys().next().value!);
      this.usual.set(one.src, (usual = { mean: one.up, deviation: one.up / 2, hours: 0 }));
    }
    // A window that raised an alert doesn't teach what is usual.
    if (one.told > 0 && usual.hours >= this.hours) return;
    const weight = 1 / Math.min(usual.hours + 1, 168);
    usual.deviation += (Math.abs(one.up - usual.mean) - usual.deviation) * weight;
    usual.mean += (one.up - usual.mean) * weight;
    usual.hours++;
  }

  advance(nowUs: number): void {
    this.senders.advance(nowUs);
  }

  flush(): void {
    this.senders.flush();
  }
}

/** Answers that nobody asked for, for an address that is another's. */
export const arpSpoofing: MakeBehaviour = (rule, emit) => new ArpSpoofing(rule, emit);
/** Odd TCP packets of several kinds. */
export const osFingerprint: MakeBehaviour = (rule, emit) => new OddPackets(rule, emit, 'os');
/** Acknowledgements of no connection to many ports. */
export const ackScan: MakeBehaviour = (rule, emit) => new OddPackets(rule, emit, 'ack');
/** Flows that the registry's zones forbid. */
export const zoneCrossing: MakeBehaviour = (rule, emit, site) => new ZoneCrossing(rule, emit, site);
/** Much sent outside, against the asset's own usual. */
export const exfiltration: MakeBehaviour = (rule, emit, site) => new Exfiltration(rule, emit, site);
