import type { EveEvent } from '../../contracts/event.js';
import { ConnectionKind, type ConnectionRecord } from '../flow/connection-log.js';
import { numberOf, type Behaviour, type BehaviourRule, type Emit, type MakeBehaviour, type Site } from './behaviour.js';
import { textOf } from './hosts.js';
import { Distinct, WindowTable } from './windows.js';

const TCP = 6;
/** Services of the site that are known: a city's extranet has some ten thousand. */
const MAX_SERVICES = 131_072;
/** Ports from here on are a client's, or another of a thousand of a protocol that gives them out. */
const EPHEMERAL = 32_768;

/**
 * Services of the site that are seen for the first time once the site is known: a shell on a port, a new tool, a service
 * that nobody registered. Parameters: `hours` (of traffic after which the site is known), `bytes` (a session of the service has at least).
 */
class FirstSeenService implements Behaviour {
  private readonly known = new Map<string, number>();
  private beganUs = 0;
  private readonly learnUs: number;
  private readonly bytes: number;
  evicted = 0;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    this.learnUs = numberOf(rule, 'hours', 24) * 3.6e9;
    this.bytes = numberOf(rule, 'bytes', 200);
  }

  get held(): number {
    return this.known.size;
  }

  connection(r: ConnectionRecord): void {
    if (r.kind !== ConnectionKind.Ended || r.protocol !== TCP || r.dstPort >= EPHEMERAL || r.bytesToClient < this.bytes || r.bytesToServer < this.bytes) return;
    const server = textOf(r.dst);
    if (!this.site.isHome(server)) return;
    if (this.beganUs === 0) this.beganUs = r.timeUs;
    const key = `${server} ${r.dstPort}`;
    const fresh = !this.known.delete(key);
    if (fresh && this.known.size >= MAX_SERVICES) {
      this.evicted++;
      this.known.delete(this.known.keys().next().value!);
    }
    this.known.set(key, r.timeUs);
    // A table that forgets can't tell what is new.
    if (!fresh || this.evicted > 0 || r.timeUs - this.beganUs < this.learnUs) return;
    const client = textOf(r.src);
    const hours = Math.round((r.timeUs - this.beganUs) / 3.6e9);
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `${server}:${r.dstPort} 在已观察的 ${hours} 小时内从未提供服务，现在首次应答 ${client}（收 ${r.bytesToServer}、发 ${r.bytesToClient} 字节）。`,
        en: `${server}:${r.dstPort} served nobody in the ${hours} hours watched so far and has now answered ${client} for the first time (${r.bytesToServer} bytes in, ${r.bytesToClient} out).`,
      },
      attacker: { ip: client }, victim: { ip: server, port: r.dstPort }, proto: 'TCP', firstUs: r.timeUs, lastUs: r.timeUs, count: 1,
      measured: { port: r.dstPort, hours_watched: hours, services_known: this.known.size }, key: String(r.dstPort), source: r.source,
    });
  }

  advance(): void {}
  flush(): void {}
}

interface Station { firstUs: number; mac: string; ips: Distinct<string>; networks: Map<string, string>; node: string | undefined; told: boolean }
/** Addresses of one station beyond which it is a router or passes packets on for others. */
const MAX_STATION_ADDRESSES = 3;

/**
 * A station with one foot in each of two networks (违规外联): the same hardware address speaks for addresses of different
 * networks, one of them ours and one outside, or of two zones of the registry. Routers, whose redundancy protocols have
 * hardware addresses of their own, and stations with many addresses are left out. Parameter: `seconds`.
 */
class DualHomed implements Behaviour {
  readonly types = ['arp'] as const;
  private readonly stations: WindowTable<string, Station>;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    this.stations = new WindowTable(8192, numberOf(rule, 'seconds', 86_400) * 1e6);
  }

  get held(): number {
    return this.stations.size;
  }

  get evicted(): number {
    return this.stations.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const { src_mac: mac = '', src_ip: ip = '' } = event.arp as { src_mac?: string; src_ip?: string };
    // VRRP, HSRP and GLBP; addresses of nobody.
    if (mac === '' || ip === '' || ip === '0.0.0.0' || /^(?:00:00:5e:00:0[12]|00:00:0c:07:ac|00:05:73:a0|00:07:b4)/.test(mac)) return;
    const one = this.stations.find(mac, timeUs) ?? this.stations.add(mac, { firstUs: timeUs, mac, ips: new Distinct(MAX_STATION_ADDRESSES + 1), networks: new Map(), node: event.host, told: false });
    if (!one.ips.add(ip)) return;
    const home = this.site.isHome(ip);
    const network = this.site.zoneOf?.(ip) ?? (home ? 'home' : ip.startsWith('169.254.') ? '' : 'outside');
    if (network === '' || one.networks.has(network)) return;
    one.networks.set(network, ip);
    if (one.told || one.networks.size < 2 || one.ips.size > MAX_STATION_ADDRESSES) return;
    one.told = true;
    const [[a, first], [b, second]] = [...one.networks] as [[string, string], [string, string]];
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `同一网卡 ${mac} 同时使用 ${first}（${a}）和 ${second}（${b}）：一机两网。`,
        en: `One network card, ${mac}, uses both ${first} (${a}) and ${second} (${b}): a machine in two networks.`,
      },
      attacker: { ip: first }, victim: { ip: second }, proto: 'ARP', firstUs: one.firstUs, lastUs: timeUs, count: 1,
      measured: { mac, addresses: one.ips.first(MAX_STATION_ADDRESSES), networks: [a, b] }, key: mac, source: -1, ...(one.node !== undefined && { node: one.node }),
    });
  }

  advance(nowUs: number): void {
    this.stations.advance(nowUs);
  }

  flush(): void {
    this.stations.flush();
  }
}

export const firstSeenService: MakeBehaviour = (rule, emit, site) => new FirstSeenService(rule, emit, site);
export const dualHomed: MakeBehaviour = (rule, emit, site) => new DualHomed(rule, emit, site);
