import type { EveEvent } from '../../contracts/event.js';
import { numberOf, type Behaviour, type BehaviourRule, type Emit, type MakeBehaviour } from './behaviour.js';
import { Distinct, WindowTable } from './windows.js';

/** Stations followed at once. */
const MAX_STATIONS = 8192;
/** Distinct addresses kept of one station: a /18, and then some. */
const MAX_ADDRESSES = 20_000;
/** Hosts that answered, named in an alert. */
const MAX_NAMED = 64;

interface Asker { firstUs: number; lastUs: number; ip: string; mac: string; first: string; node: string | undefined; asked: Distinct<string>; answered: Distinct<string>; requests: number; told: number }

/**
 * Host discovery by ARP: one station asks for many addresses of its network, most of which nobody has. A gateway that
 * passes on somebody's sweep asks too, but only as fast as that comes. Parameters: `targets` (distinct addresses without
 * an answer), `seconds`, `share` (of those asked for).
 */
class ArpScan implements Behaviour {
  readonly types = ['arp'] as const;
  private readonly askers: WindowTable<string, Asker>;
  private readonly targets: number;
  private readonly share: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.targets = numberOf(rule, 'targets', 40);
    this.share = numberOf(rule, 'share', 0.6);
    this.askers = new WindowTable(MAX_STATIONS, numberOf(rule, 'seconds', 30) * 1e6, (one) => {
      if (one.told > 0 && one.asked.size > one.told) this.tell(one);
    });
  }

  get held(): number {
    return this.askers.size;
  }

  get evicted(): number {
    return this.askers.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const { opcode = '', src_mac = '', src_ip = '', dest_mac = '', dest_ip = '' } = event.arp as Partial<Record<'opcode' | 'src_mac' | 'src_ip' | 'dest_mac' | 'dest_ip', string>>;
    if (opcode === 'reply') {
      const one = this.askers.find(dest_mac, timeUs);
      if (one?.asked.has(src_ip)) one.answered.add(src_ip);
      return;
    }
    if (opcode !== 'request' || src_ip === dest_ip || dest_ip === '') return;
    const one = this.askers.find(src_mac, timeUs) ?? this.askers.add(src_mac, {
      firstUs: timeUs, lastUs: timeUs, ip: src_ip, mac: src_mac, first: dest_ip, node: event.host, asked: new Distinct(MAX_ADDRESSES), answered: new Distinct(MAX_ADDRESSES), requests: 0, told: 0,
    });
    one.lastUs = timeUs;
    one.requests++;
    one.asked.add(dest_ip);
    const silent = one.asked.size - one.answered.size;
    if (silent < this.targets || one.asked.size < one.told * 2 || silent < this.share * one.asked.size) return;
    this.tell(one);
  }

  private tell(one: Asker): void {
    one.told = one.asked.size;
    const seconds = Math.max(1, Math.round((one.lastUs - one.firstUs) / 1e6));
    const hosts = one.asked.size;
    const found = one.answered.size;
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `${one.ip}（${one.mac}）在 ${seconds} 秒内用 ARP 询问了 ${hosts} 个地址，${found} 个有应答：在探测本网段的存活主机。`,
        en: `${one.ip} (${one.mac}) asked for ${hosts} addresses by ARP within ${seconds} s, ${found} of which answered: it looks for the hosts of its network.`,
      },
      attacker: { ip: one.ip === '0.0.0.0' ? one.mac : one.ip }, victim: { ip: one.first }, anyVictim: true, proto: 'ARP', firstUs: one.firstUs, lastUs: one.lastUs, count: one.requests,
      measured: { hosts, hosts_answered: found, seconds, ...(found > 0 && { answering: one.answered.first(MAX_NAMED) }) }, key: one.mac, source: -1,
      ...(one.node !== undefined && { node: one.node }),
    });
  }

  advance(nowUs: number): void {
    this.askers.advance(nowUs);
  }

  flush(): void {
    this.askers.flush();
  }
}

/** One station asks for the whole network. */
export const arpScan: MakeBehaviour = (rule, emit) => new ArpScan(rule, emit);
