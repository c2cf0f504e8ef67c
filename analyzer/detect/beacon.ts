import type { EveEvent } from '../../contracts/event.js';
import { ConnectionKind, type ConnectionRecord } from '../flow/connection-log.js';
import { flowOf, numberOf, numbersOf, textsOf, type Behaviour, type BehaviourRule, type Emit, type MakeBehaviour, type Site } from './behaviour.js';
import { pairKey, textOf } from './hosts.js';
import { Distinct, WindowTable } from './windows.js';

/** Pairs followed at once: some 1.2 KiB each once they have called three times. */
const MAX_PAIRS = 32_768;
/** Calls kept of a pair: enough to see a rhythm, the older ones no longer count. */
const KEPT = 48;
/** Destinations whose callers are counted. */
const MAX_DESTINATIONS = 65_536;
/** Whoever calls so many of our hosts on one port watches over them. */
const POLLED = 3;
/** Names kept of addresses, from DNS answers, TLS and HTTP. */
const MAX_NAMES = 32_768;
/** Ports of protocols that are periodic by nature: name service, time, DHCP, discovery, logs, SNMP traps. */
const PERIODIC_PORTS = [53, 67, 68, 123, 137, 138, 162, 514, 546, 547, 1900, 3702, 5353, 5355];
const TCP = 6, UDP = 17;
const SYN = 2, ACK = 16;

interface Pair {
  firstUs: number;
  lastUs: number;
  /** Empty: a pair that is of no interest. */
  src: string;
  dst: string;
  port: number;
  protocol: number;
  source: number;
  node: string | undefined;
  flow: { flow_id?: number; community_id?: string };
  calls: number;
  times: number[];
  sizes: number[];
  /** Distinct resources asked for over HTTP, and whether a page led there: a browser's polling, no beacon. */
  paths: Distinct<string>;
  led: boolean;
  told: number;
}

/**
 * Beacons: one host calls the same outside address at regular intervals with requests of regular size. Silent on
 * destinations that several of our hosts call, on names in `allow`, and where a page's scripts poll.
 * Parameters: `calls` (at least), `seconds` (the window), `jitter` (share of the median interval), `regular` (share of
 * intervals and sizes that must fit), `interval` (shortest, s), `sources` (our hosts that may call the same address),
 * `allow` (domain suffixes), `ports` (left out).
 */
class Beacon implements Behaviour {
  readonly types = ['http', 'tls', 'dns'] as const;
  private readonly pairs: WindowTable<number | string, Pair>;
  private readonly callers = new Map<string, Distinct<string>>();
  /** Hosts of ours that one of ours calls on a port: a poller calls many. */
  private readonly called = new Map<string, Distinct<string>>();
  private readonly names = new Map<string, string>();
  private readonly ports: ReadonlySet<number>;
  private readonly allow: readonly string[];
  private readonly calls: number;
  private readonly jitter: number;
  private readonly regular: number;
  private readonly intervalUs: number;
  private readonly sources: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    this.ports = new Set(numbersOf(rule, 'ports', PERIODIC_PORTS));
    this.allow = textsOf(rule, 'allow').map((name) => name.toLowerCase());
    this.calls = numberOf(rule, 'calls', 10);
    this.jitter = numberOf(rule, 'jitter', 0.35);
    this.regular = numberOf(rule, 'regular', 0.8);
    this.intervalUs = numberOf(rule, 'interval', 1) * 1e6;
    this.sources = numberOf(rule, 'sources', 3);
    this.pairs = new WindowTable(MAX_PAIRS, numberOf(rule, 'seconds', 14_400) * 1e6, (pair) => {
      if (pair.told > 0 && pair.calls > pair.told) this.judge(pair, true);
    });
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  connection(r: ConnectionRecord): void {
    const { kind, protocol } = r;
    if (kind === ConnectionKind.Opened) {
      if (protocol === TCP ? (r.tcpFlags & (SYN | ACK)) !== SYN : protocol !== UDP) return;
      if (this.ports.has(r.dstPort)) return;
      const key = pairKey(r, true, protocol * 65536 + r.dstPort);
      let pair = this.pairs.find(key, r.timeUs);
      if (pair === undefined) {
        const src = textOf(r.src);
        // A flood of strangers fills no table.
        if (!this.site.isHome(src)) return;
        pair = this.begin(key, src, textOf(r.dst), r.dstPort, protocol, r.timeUs);
        pair.source = r.source;
      }
      this.call(pair, r.timeUs);
    } else if (kind === ConnectionKind.Ended) {
      if ((protocol !== TCP && protocol !== UDP) || this.ports.has(r.dstPort)) return;
      const pair = this.pairs.find(pairKey(r, true, protocol * 65536 + r.dstPort), r.timeUs);
      if (pair !== undefined && pair.src !== '') {
        pair.sizes.push(r.bytesToServer);
        if (pair.sizes.length > KEPT) pair.sizes.shift();
      }
    }
  }

  event(event: EveEvent, timeUs: number): void {
    switch (event.event_type) {
      case 'dns': {
        const dns = event.dns as { type?: string; rrname?: string; grouped?: { A?: unknown[]; AAAA?: unknown[] } };
        if (dns.type !== 'answer' || typeof dns.rrname !== 'string') return;
        for (const ip of [...(dns.grouped?.A ?? []), ...(dns.grouped?.AAAA ?? [])]) if (typeof ip === 'string') this.name(ip, dns.rrname);
        return;
      }
      case 'tls': {
        const { sni } = event.tls as { sni?: string };
        if (typeof sni === 'string') this.name(event.dest_ip ?? '', sni);
        return;
      }
      case 'http':
        this.http(event, timeUs);
        return;
      default:
    }
  }

  /** Beacons over one lasting connection show as requests. */
  private http(event: EveEvent, timeUs: number): void {
    const http = event.http as { hostname?: string; url?: string; http_refer?: string; http_method?: string; length?: number };
    const { src_ip = '', dest_ip = '', dest_port = 0 } = event;
    if (http.hostname) this.name(dest_ip, http.hostname);
    const path = (http.url ?? '').split('?', 1)[0]!;
    const key = `${src_ip} ${dest_ip} ${dest_port}`;
    const pair = this.pairs.find(key, timeUs) ?? this.begin(key, src_ip, dest_ip, dest_port, TCP, timeUs);
    if (pair.src === '') return;
    pair.node = event.host;
    pair.flow = flowOf(event);
    pair.paths.add(path);
    if (http.http_refer) pair.led = true;
    pair.sizes.push(path.length + 1);
    if (pair.sizes.length > KEPT) pair.sizes.shift();
    this.call(pair, timeUs);
  }

  private name(ip: string, name: string): void {
    if (this.names.size >= MAX_NAMES && !this.names.has(ip)) this.names.delete(this.names.keys().next().value!);
    this.names.set(ip, name.toLowerCase());
  }

  private begin(key: number | string, src: string, dst: string, port: number, protocol: number, timeUs: number): Pair {
    const wanted = this.site.isHome(src) && !isGroup(dst);
    if (wanted) {
      const to = `${dst} ${port}`;
      let callers = this.callers.get(to);
      if (callers === undefined) {
        if (this.callers.size >= MAX_DESTINATIONS) this.callers.delete(this.callers.keys().next().value!);
        this.callers.set(to, (callers = new Distinct(this.sources + 1)));
      }
      callers.add(src);
      if (this.site.isHome(dst)) {
        const from = `${src} ${port}`;
        let called = this.called.get(from);
        if (called === undefined) {
          if (this.called.size >= MAX_DESTINATIONS) this.called.delete(this.called.keys().next().value!);
          this.called.set(from, (called = new Distinct(POLLED)));
        }
        called.add(dst);
      }
    }
    return this.pairs.add(key, {
      firstUs: timeUs, lastUs: timeUs, src: wanted ? src : '', dst, port, protocol, source: -1, node: undefined, flow: {}, calls: 0, times: [], sizes: [],
      paths: new Distinct(8), led: false, told: 0,
    });
  }

  private call(pair: Pair, timeUs: number): void {
    if (pair.src === '') return;
    pair.calls++;
    pair.times.push(timeUs);
    if (pair.times.length > KEPT) pair.times.shift();
    if (pair.calls >= Math.max(this.calls, pair.told * 2)) this.judge(pair, false);
    pair.lastUs = timeUs;
  }

  private judge(pair: Pair, last: boolean): void {
    const { times, sizes } = pair;
    if (pair.led || pair.paths.size > 3 || times.length < this.calls) return;
    if ((this.callers.get(`${pair.dst} ${pair.port}`)?.size ?? 0) > this.sources) return;
    const name = this.names.get(pair.dst);
    if (name !== undefined && this.allow.some((a) => name === a || name.endsWith(`.${a}`))) return;
    if (this.called.get(`${pair.src} ${pair.port}`)?.full) return;
    const intervals = times.slice(1).map((t, i) => t - times[i]!);
    const interval = median(intervals);
    if (interval < this.intervalUs) return;
    const fit = share(intervals, interval, this.jitter);
    const size = sizes.length > 0 ? median(sizes) : 0;
    const sizeFit = sizes.length > 2 ? share(sizes, size, 0.2) : 1;
    if (!last && (fit < this.regular || sizeFit < this.regular * 0.875)) return;
    pair.told = pair.calls;
    pair.lastUs = times[times.length - 1]!;
    const seconds = Math.round(interval / 1e5) / 10;
    const deviation = Math.round((median(intervals.map((i) => Math.abs(i - interval))) / interval) * 100);
    const where = name !== undefined && name !== pair.dst ? `${name}（${pair.dst}:${pair.port}）` : `${pair.dst}:${pair.port}`;
    const whereEn = name !== undefined && name !== pair.dst ? `${name} (${pair.dst}:${pair.port})` : `${pair.dst}:${pair.port}`;
    const outside = !this.site.isHome(pair.dst);
    this.emit({
      rule: this.rule, verdict: outside ? 'compromised' : 'attempted', severity: outside ? this.rule.info.severity : 'low',
      because: {
        zh: `每隔约 ${seconds} 秒连接一次 ${where}，共 ${pair.calls} 次，间隔偏差中位数 ${deviation}%，${Math.round(sizeFit * 100)}% 的请求大小相近。`,
        en: `Calls ${whereEn} every ${seconds} s, ${pair.calls} times so far; the median deviation of the interval is ${deviation} %, ${Math.round(sizeFit * 100)} % of the requests are of like size.`,
      },
      attacker: { ip: pair.dst, port: pair.port }, victim: { ip: pair.src }, proto: pair.protocol === UDP ? 'UDP' : 'TCP',
      firstUs: pair.firstUs, lastUs: pair.lastUs, count: pair.calls,
      measured: { interval_seconds: seconds, deviation_percent: deviation, calls: pair.calls, size_bytes: Math.round(size), ...(name !== undefined && { name }) },
      key: String(pair.port), source: pair.source, ...(pair.node !== undefined && { node: pair.node }), flow: pair.flow,
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

function isGroup(ip: string): boolean {
  const first = Number.parseInt(ip, 10);
  return (first >= 224 && !ip.includes(':')) || /^ff/i.test(ip) || ip.endsWith('.255');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function share(values: readonly number[], middle: number, tolerance: number): number {
  let fitting = 0;
  for (const v of values) if (Math.abs(v - middle) <= middle * tolerance) fitting++;
  return fitting / values.length;
}

/** Regular calls of one of our hosts to an address outside. */
export const beacon: MakeBehaviour = (rule, emit, site) => new Beacon(rule, emit, site);
