import type { Severity } from '../../contracts/classes.js';
import { ConnectionKind, type ConnectionRecord } from '../flow/connection-log.js';
import { numberOf, type Behaviour, type BehaviourRule, type Emit, type MakeBehaviour } from './behaviour.js';
import { hostNumber, isInside, pairKey, textOf } from './hosts.js';

/** Sources (or pairs) followed at once: a few hundred bytes each until they probe more than a handful. */
const MAX_FOLLOWED = 65_536;
/** Distinct targets kept of one source; a scan of all ports and then some. */
const MAX_TARGETS = 70_000;
/** Distinct targets kept over all sources, so that many scans at once stay bounded: some tens of MiB. */
const MAX_TARGETS_IN_ALL = 1_000_000;
/** Open ports and hosts named in an alert. */
const MAX_NAMED = 64;
const TCP = 6, UDP = 17, ICMP = 1, ICMP6 = 58;
const SYN = 2, ACK = 16, FIN = 1, PSH = 8, URG = 32, RST = 4;
/** Traceroute walks through these UDP ports of one host. */
const TRACEROUTE = [33434, 33700];

/** So many silent hosts are a sweep wherever they are; fewer that are scattered over the Internet are peers that have gone. */
const SCATTERED = 60;

/** What is followed together, and what must be many: ports of a host, hosts of a port, odd probes to a host. */
type Shape = 'ports' | 'hosts' | 'odd';

interface Followed {
  src: string;
  /** Victim's address (`ports`, `odd`) or the first host probed (`hosts`). */
  dst: string;
  protocol: number;
  port: number;
  source: number;
  firstUs: number;
  lastUs: number;
  probes: number;
  refused: number;
  /** Target → whether it answered. A port, or a host's number. */
  targets: Map<number, boolean>;
  answered: number;
  /** Names of hosts that answered (`hosts`). */
  named: string[];
  flags: number;
  /** Targets without an answer, and probes, when it was last told; 0: not yet. */
  told: number;
  toldProbes: number;
}

/**
 * Scans: one source tries many targets of which most do not answer. Answered connections do not count towards the
 * threshold, so that a browser, a gateway or a poller that reaches many working services is none.
 * Parameters: `targets` (distinct ones without an answer that make a scan), `seconds` (within which), `share` (of the
 * targets tried that must be without an answer), `udp` (the same as `targets`, for UDP; hosts must be near each other), `pace` (at most so many targets a
 * second: a rule for slow scans leaves fast ones to the other).
 */
class Scan implements Behaviour {
  private readonly followed = new Map<number, Followed>();
  private readonly windowUs: number;
  private readonly threshold: number;
  private readonly udpThreshold: number;
  private readonly share: number;
  /** Targets per µs. */
  private readonly pace: number;
  private inAll = 0;
  evicted = 0;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly shape: Shape) {
    this.windowUs = numberOf(rule, 'seconds', 60) * 1e6;
    this.threshold = numberOf(rule, 'targets', shape === 'odd' ? 8 : 15);
    this.udpThreshold = numberOf(rule, 'udp', this.threshold * 3);
    this.share = numberOf(rule, 'share', 0.6);
    const pace = numberOf(rule, 'pace', 0);
    this.pace = pace > 0 ? pace / 1e6 : Infinity;
  }

  get held(): number {
    return this.followed.size;
  }

  connection(r: ConnectionRecord): void {
    const { kind, protocol } = r;
    if (this.shape === 'odd') {
      if (kind === ConnectionKind.OddProbe) this.probe(r, 0);
      return;
    }
    switch (kind) {
      case ConnectionKind.Opened:
        if (this.isProbe(r, protocol)) this.probe(r, this.together(r, protocol));
        return;
      case ConnectionKind.Answered:
      case ConnectionKind.Refused: {
        const one = this.followed.get(pairKey(r, this.shape !== 'hosts', this.together(r, protocol)));
        if (!one) return;
        if (kind === ConnectionKind.Refused) one.refused++;
        else this.answer(one, r);
        return;
      }
      default:
    }
  }

  /** Packets of connections that began before the capture look like openings; only a real opening is a probe. */
  private isProbe(r: ConnectionRecord, protocol: number): boolean {
    if (protocol === TCP) return (r.tcpFlags & (SYN | ACK | RST | FIN)) === SYN;
    // A late answer of a server whose flow is forgotten comes from a low port to a high one.
    if (protocol === UDP) return r.srcPort >= 1024 && !(r.dstPort >= TRACEROUTE[0] && r.dstPort <= TRACEROUTE[1]);
    if (this.shape === 'hosts') return (protocol === ICMP && r.icmpType === 8) || (protocol === ICMP6 && r.icmpType === 128);
    return false;
  }

  /** What is followed together beside the addresses; an ICMP flow's ports are its identifier and tell nothing. */
  private together(r: ConnectionRecord, protocol: number): number {
    return protocol * 65536 + (this.shape === 'hosts' && (protocol === TCP || protocol === UDP) ? r.dstPort : 0);
  }

  private probe(r: ConnectionRecord, extra: number): void {
    const key = pairKey(r, this.shape !== 'hosts', extra);
    let one = this.followed.get(key);
    if (one && r.timeUs - one.firstUs > this.windowUs) {
      this.drop(key, one);
      one = undefined;
    }
    if (!one) {
      if (this.followed.size >= MAX_FOLLOWED) this.evict();
      one = {
        src: textOf(r.src), dst: textOf(r.dst), protocol: r.protocol, port: r.protocol === TCP || r.protocol === UDP ? r.dstPort : 0, source: r.source,
        firstUs: r.timeUs, lastUs: r.timeUs, probes: 0, refused: 0, targets: new Map(), answered: 0, named: [], flags: 0, told: 0, toldProbes: 0,
      };
      this.followed.set(key, one);
    }
    one.probes++;
    one.lastUs = r.timeUs;
    one.flags |= 1 << probeKind(r.tcpFlags);
    const target = this.shape === 'hosts' ? hostNumber(r.dst) : r.dstPort;
    if (!one.targets.has(target) && one.targets.size < MAX_TARGETS && this.inAll < MAX_TARGETS_IN_ALL) {
      one.targets.set(target, false);
      this.inAll++;
    }
    const silent = one.targets.size - one.answered;
    const enough = one.protocol === UDP ? this.udpThreshold : this.threshold;
    // Told when it becomes a scan, and each time it has doubled.
    if (silent > this.pace * (one.lastUs - one.firstUs)) return;
    if (silent >= Math.max(enough, one.told * 2) && silent >= this.share * one.targets.size && (one.protocol !== UDP || this.shape !== 'hosts' || silent >= SCATTERED || near(one))) this.tell(one);
  }

  private answer(one: Followed, r: ConnectionRecord): void {
    const target = this.shape === 'hosts' ? hostNumber(r.dst) : r.dstPort;
    if (one.targets.get(target) !== false) return;
    one.targets.set(target, true);
    one.answered++;
    if (this.shape === 'hosts' && one.named.length < MAX_NAMED) one.named.push(textOf(r.dst));
  }

  advance(nowUs: number): void {
    // Insertion order is the order of the windows' beginnings.
    for (const [key, one] of this.followed) {
      if (nowUs - one.firstUs <= this.windowUs) break;
      this.drop(key, one);
    }
  }

  flush(): void {
    for (const [key, one] of this.followed) this.drop(key, one);
  }

  private drop(key: number, one: Followed): void {
    this.followed.delete(key);
    this.inAll -= one.targets.size;
    if (one.told > 0 && one.probes > one.toldProbes) this.tell(one);
  }

  private evict(): void {
    const oldest = this.followed.entries().next().value;
    if (!oldest) return;
    this.evicted++;
    this.drop(oldest[0], oldest[1]);
  }

  private tell(one: Followed): void {
    const tried = one.targets.size;
    one.told = tried - one.answered;
    one.toldProbes = one.probes;
    const seconds = Math.max(1, Math.round((one.lastUs - one.firstUs) / 1e6));
    const technique = this.technique(one);
    const measured: Record<string, number | string | string[]> = { technique, probes: one.probes, refused: one.refused, seconds };
    const open = this.shape === 'hosts' ? one.named
      : [...one.targets].filter(([, yes]) => yes).map(([port]) => port).sort((a, b) => a - b).slice(0, MAX_NAMED).map(String);
    const because = this.words(one, tried, seconds, technique, open, measured);
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: this.severity(one.src), because,
      attacker: { ip: one.src }, victim: { ip: one.dst, ...(this.shape === 'hosts' && one.port ? { port: one.port } : {}) },
      proto: PROTOCOLS[one.protocol] ?? String(one.protocol), firstUs: one.firstUs, lastUs: one.lastUs, count: one.probes,
      measured, ...(this.shape === 'hosts' && { anyVictim: true }), key: this.shape === 'hosts' ? `${one.protocol}/${one.port}` : String(one.protocol), source: one.source,
    });
  }

  private words(one: Followed, tried: number, seconds: number, technique: string, open: string[], measured: Record<string, unknown>) {
    const answered = one.answered;
    if (this.shape === 'hosts') {
      measured.hosts = tried;
      measured.port = one.port;
      measured.hosts_answered = answered;
      if (open.length > 0) measured.answering = open;
      const what = one.port ? `${PROTOCOLS[one.protocol] ?? ''} ${one.port}` : 'ICMP';
      return {
        zh: `${seconds} 秒内探测了 ${tried} 台主机的 ${what}，${answered} 台有应答。`,
        en: `Probed ${what} of ${tried} hosts within ${seconds} s; ${answered} answered.`,
      };
    }
    measured.ports = tried;
    measured.ports_open = answered;
    if (open.length > 0) measured.open = open;
    const list = open.length > 0 ? open.slice(0, 20).join(', ') : '';
    return {
      zh: `${seconds} 秒内以 ${technique} 方式探测了 ${tried} 个端口，${answered} 个有应答${list ? `：${list}` : ''}。`,
      en: `Probed ${tried} ports (${technique}) within ${seconds} s; ${answered} answered${list ? `: ${list}` : ''}.`,
    };
  }

  private technique(one: Followed): string {
    if (this.shape !== 'odd') return one.protocol === UDP ? 'udp' : one.protocol === TCP ? 'tcp' : 'icmp';
    return PROBES.filter((_, i) => one.flags & (1 << i)).join('+') || 'odd';
  }

  /** From outside it is weather; from inside somebody is already in. */
  private severity(src: string): Severity {
    return isInside(src) ? this.rule.info.severity : 'low';
  }
}

const PROTOCOLS: Record<number, string> = { [TCP]: 'TCP', [UDP]: 'UDP', [ICMP]: 'ICMP', [ICMP6]: 'IPv6-ICMP' };
const PROBES = ['null', 'fin', 'xmas', 'odd'];

/** Whether at least half of the hosts probed share the first half of their address. */
function near(one: Followed): boolean {
  const networks = new Map<number, number>();
  for (const host of one.targets.keys()) networks.set(Math.floor(host / 65536), (networks.get(Math.floor(host / 65536)) ?? 0) + 1);
  return Math.max(...networks.values()) * 2 >= one.targets.size;
}

function probeKind(flags: number): number {
  if ((flags & 0x3f) === 0) return 0;
  if ((flags & 0x3f) === FIN) return 1;
  if ((flags & (FIN | PSH | URG)) === (FIN | PSH | URG)) return 2;
  return 3;
}

/** Many ports of one host. */
export const portScan: MakeBehaviour = (rule, emit) => new Scan(rule, emit, 'ports');
/** One port (or ICMP echo) of many hosts. */
export const hostSweep: MakeBehaviour = (rule, emit) => new Scan(rule, emit, 'hosts');
/** FIN, NULL and Xmas probes. */
export const stealthScan: MakeBehaviour = (rule, emit) => new Scan(rule, emit, 'odd');
