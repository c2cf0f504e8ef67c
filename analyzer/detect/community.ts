import type { EveEvent } from '../../contracts/event.js';
import { flowOf, numberOf, type Behaviour, type BehaviourRule, type Emit, type MakeBehaviour } from './behaviour.js';
import { isInside } from './hosts.js';
import { Distinct, WindowTable } from './windows.js';

const MAX_PAIRS = 16_384;
/** Distinct communities kept of one pair. */
const MAX_NAMES = 512;
const SNMP = 161;

interface Guessed { firstUs: number; lastUs: number; client: string; server: string; node: string | undefined; names: Distinct<string>; requests: number; right: string | undefined; told: number; flow: { flow_id?: number; community_id?: string } }

/**
 * Guessing of SNMP communities: a device leaves a wrong one without an answer, so that only who knows it gets one.
 * Parameters: `communities` (distinct ones tried on one host), `seconds`.
 */
class CommunityGuessing implements Behaviour {
  readonly types = ['snmp'] as const;
  private readonly pairs: WindowTable<string, Guessed>;
  private readonly communities: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.communities = numberOf(rule, 'communities', 6);
    this.pairs = new WindowTable(MAX_PAIRS, numberOf(rule, 'seconds', 300) * 1e6, (one) => {
      if (one.told > 0 && one.names.size > one.told) this.tell(one);
    });
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const { community, pdu_type: kind = '' } = event.snmp as { community?: string; pdu_type?: string };
    if (community === undefined) return;
    const answer = kind === 'response' || (event.src_port === SNMP && event.dest_port !== SNMP);
    const client = (answer ? event.dest_ip : event.src_ip) ?? '';
    const server = (answer ? event.src_ip : event.dest_ip) ?? '';
    const key = `${client} ${server}`;
    let one = this.pairs.find(key, timeUs);
    if (answer) {
      if (one === undefined) return;
      one.right ??= community;
      if (one.told > 0 && one.right === community) this.tell(one);
      return;
    }
    one ??= this.pairs.add(key, { firstUs: timeUs, lastUs: timeUs, client, server, node: event.host, names: new Distinct(MAX_NAMES), requests: 0, right: undefined, told: 0, flow: flowOf(event) });
    one.lastUs = timeUs;
    one.requests++;
    if (!one.names.add(community) || one.names.size < Math.max(this.communities, one.told * 2)) return;
    this.tell(one);
  }

  private tell(one: Guessed): void {
    one.told = one.names.size;
    const right = one.right !== undefined;
    this.emit({
      rule: this.rule, ...(right && { class: 'brute_force_success' as const }), verdict: right ? 'succeeded' : 'attempted',
      severity: right ? 'high' : isInside(one.client) ? this.rule.info.severity : 'low',
      because: {
        zh: `${one.client} 对 ${one.server} 尝试了 ${one.names.size} 个不同的 SNMP 团体字${right ? `，设备以 ${one.right} 应答：已被猜中` : '，未见应答'}。`,
        en: `${one.client} tried ${one.names.size} different SNMP communities on ${one.server}${right ? `; the device answered ${one.right}: it was guessed` : '; none was answered'}.`,
      },
      attacker: { ip: one.client }, victim: { ip: one.server, port: SNMP }, proto: 'UDP', app: 'snmp', firstUs: one.firstUs, lastUs: one.lastUs, count: one.requests,
      measured: { communities: one.names.size, requests: one.requests, ...(right && { answered: one.right! }) }, key: '', source: -1,
      ...(one.node !== undefined && { node: one.node }), flow: one.flow,
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

/** Many communities tried on one host. */
export const communityGuessing: MakeBehaviour = (rule, emit) => new CommunityGuessing(rule, emit);
