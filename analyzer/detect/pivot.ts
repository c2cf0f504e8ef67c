import type { Alert } from '../../contracts/alert.js';
import { ConnectionKind, type ConnectionRecord } from '../flow/connection-log.js';
import { numberOf, numbersOf, type Behaviour, type BehaviourRule, type Emit, type MakeBehaviour, type Site } from './behaviour.js';
import { textOf } from './hosts.js';

/** Hosts that are remembered as taken. */
const MAX_TAKEN = 1024;
/** Who has used which service before. */
const MAX_USES = 262_144;
/** Services named in an alert. */
const MAX_NAMED = 32;
/** By which one machine is ruled from another. */
const CONTROL = [22, 23, 135, 139, 445, 3389, 5900, 5985, 5986];
const TCP = 6;

interface Taken { ip: string; sinceUs: number; rule: string; attacker: string; told: number; services: Set<string>; firstUs: number; lastUs: number; source: number; victim: { ip: string; port: number } }

/**
 * Lateral movement of a host that was attacked with success: it uses services of other hosts of the site that it never used
 * before. Without a history that means services by which a machine is ruled from afar. Parameters: `ports` (those),
 * `hours` (of history after which any new service counts), `seconds` (for which a host is taken to be the attacker's).
 */
class Pivot implements Behaviour {
  private readonly taken = new Map<string, Taken>();
  private readonly uses = new Map<string, number>();
  private readonly control: ReadonlySet<number>;
  private readonly learnUs: number;
  private readonly forUs: number;
  private beganUs = 0;
  evicted = 0;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    this.control = new Set(numbersOf(rule, 'ports', CONTROL));
    this.learnUs = numberOf(rule, 'hours', 24) * 3.6e9;
    this.forUs = numberOf(rule, 'seconds', 86_400) * 1e6;
  }

  get held(): number {
    return this.uses.size;
  }

  alert(alert: Alert, timeUs: number): void {
    const s = alert.shouwang;
    if (s.verdict === 'attempted' || s.class === 'lateral_movement' || s.class === 'exfiltration' || s.class === 'personal_data_leak' || s.class === 'policy_violation' || s.class === 'information_leak') return;
    const { ip } = s.victim;
    if (!this.site.isHome(ip) || this.taken.has(ip)) return;
    if (this.taken.size >= MAX_TAKEN) this.taken.delete(this.taken.keys().next().value!);
    this.taken.set(ip, { ip, sinceUs: timeUs, rule: s.rule, attacker: s.attacker.ip, told: 0, services: new Set(), firstUs: 0, lastUs: 0, source: -1, victim: { ip: '', port: 0 } });
  }

  connection(r: ConnectionRecord): void {
    // A record of its own end says that there was a conversation; its beginning is what counts.
    if (r.kind !== ConnectionKind.Ended || r.protocol !== TCP || r.bytesToClient === 0) return;
    const src = textOf(r.src);
    if (!this.site.isHome(src)) return;
    const dst = textOf(r.dst);
    if (src === dst || !this.site.isHome(dst)) return;
    const beganUs = r.timeUs - r.lastedMs * 1000;
    if (this.beganUs === 0) this.beganUs = beganUs;
    const key = `${src} ${dst} ${r.dstPort}`;
    const before = this.uses.get(key);
    if (before === undefined) {
      if (this.uses.size >= MAX_USES) {
        this.evicted++;
        this.uses.delete(this.uses.keys().next().value!);
      }
      this.uses.set(key, beganUs);
    }
    const one = this.taken.get(src);
    if (one === undefined || dst === one.attacker || beganUs < one.sinceUs || beganUs - one.sinceUs > this.forUs || (before !== undefined && before < one.sinceUs)) return;
    const known = this.evicted === 0 && one.sinceUs - this.beganUs >= this.learnUs;
    if (!known && !this.control.has(r.dstPort)) return;
    const service = `${dst}:${r.dstPort}`;
    if (one.services.size >= MAX_NAMED) return;
    one.services.add(service);
    if (one.firstUs === 0) Object.assign(one, { firstUs: r.timeUs, source: r.source, victim: { ip: dst, port: r.dstPort } });
    one.lastUs = Math.max(one.lastUs, r.timeUs);
    if (one.services.size < Math.max(1, one.told * 2)) return;
    this.tell(one);
  }

  private tell(one: Taken): void {
    one.told = one.services.size;
    const services = [...one.services];
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `${one.ip} 已被攻击得手（${one.rule}），其后首次使用内部服务 ${services.slice(0, 8).join('、')}：疑为横向移动。`,
        en: `${one.ip} was attacked with success (${one.rule}) and has since used internal services that it never used before: ${services.slice(0, 8).join(', ')}. It may be moving on.`,
      },
      attacker: { ip: one.ip }, victim: one.victim, anyVictim: true, proto: 'TCP', firstUs: one.firstUs, lastUs: one.lastUs, count: services.length,
      measured: { taken_by: one.rule, services }, key: '', source: one.source,
    });
  }

  advance(): void {}

  flush(): void {
    for (const one of this.taken.values()) if (one.services.size > one.told) this.tell(one);
  }
}

/** New internal services used by a host that was attacked with success. */
export const pivot: MakeBehaviour = (rule, emit, site) => new Pivot(rule, emit, site);
