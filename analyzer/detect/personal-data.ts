import type { EveEvent } from '../../contracts/event.js';
import { DistinctSketch, type PersonalData } from '../app/personal-data.js';
import { flowOf, numberOf, type Behaviour, type BehaviourHit, type BehaviourRule, type Emit, type MakeBehaviour, type Site } from './behaviour.js';
import { WindowTable } from './windows.js';

/** Receiver and server pairs followed at once. */
const MAX_PAIRS = 16_384;

interface Pair {
  firstUs: number;
  lastUs: number;
  receiver: string;
  holder: string;
  port: number;
  url: string;
  node: string | undefined;
  flow: BehaviourHit['flow'];
  bodies: number;
  most: { id_cards: number; mobiles: number; bank_cards: number };
  sketch: DistinctSketch;
  told: number;
}

/**
 * Personal data in bulk: distinct identity, mobile and bank card numbers in one answer (or upload), or over an hour between
 * the same two. Values are never kept, only counted. Parameters: `ids`, `mobiles`, `cards` (distinct, of one body), `hour`
 * (distinct ones of all kinds within an hour).
 */
class PersonalDataLeak implements Behaviour {
  readonly types = ['http'] as const;
  private readonly pairs: WindowTable<string, Pair>;
  private readonly ids: number;
  private readonly mobiles: number;
  private readonly cards: number;
  private readonly hour: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit, private readonly site: Site) {
    this.ids = numberOf(rule, 'ids', 20);
    this.mobiles = numberOf(rule, 'mobiles', 150);
    this.cards = numberOf(rule, 'cards', 20);
    this.hour = numberOf(rule, 'hour', 200);
    this.pairs = new WindowTable(MAX_PAIRS, 3_600_000_000);
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const http = event.http as { personal?: PersonalData; request_personal?: PersonalData; url?: string };
    if (http.personal !== undefined) this.body(event, timeUs, http.personal, event.src_ip ?? '', event.dest_ip ?? '', http.url ?? '');
    if (http.request_personal !== undefined) this.body(event, timeUs, http.request_personal, event.dest_ip ?? '', event.src_ip ?? '', http.url ?? '');
  }

  private body(event: EveEvent, timeUs: number, found: PersonalData, receiver: string, holder: string, url: string): void {
    const key = `${receiver} ${holder}`;
    const pair = this.pairs.find(key, timeUs) ?? this.pairs.add(key, {
      firstUs: timeUs, lastUs: timeUs, receiver, holder, port: event.dest_port ?? 0, url, node: event.host, flow: undefined, bodies: 0,
      most: { id_cards: 0, mobiles: 0, bank_cards: 0 }, sketch: new DistinctSketch(), told: 0,
    });
    pair.lastUs = timeUs;
    pair.bodies++;
    if (found.sketch !== undefined) pair.sketch.add(found.sketch);
    const { most } = pair;
    for (const k of ['id_cards', 'mobiles', 'bank_cards'] as const) if (found[k] > most[k]) most[k] = found[k];
    const all = pair.sketch.count;
    const weight = Math.max(most.id_cards / this.ids, most.mobiles / this.mobiles, most.bank_cards / this.cards, most.id_cards + most.bank_cards > 0 ? all / this.hour : 0);
    if (weight < 1 || weight < pair.told * 2) return;
    pair.told = weight;
    pair.url = url;
    pair.flow = flowOf(event);
    const outside = !this.site.isHome(receiver);
    this.emit({
      rule: this.rule, verdict: 'succeeded', severity: outside ? this.rule.info.severity : 'low',
      because: {
        zh: `${holder} 向${outside ? '外部' : ''} ${receiver} 传出个人信息：单次最多身份证号 ${most.id_cards} 个、手机号 ${most.mobiles} 个、银行卡号 ${most.bank_cards} 个（去重，校验位有效）；一小时内累计约 ${Math.max(all, most.id_cards + most.mobiles + most.bank_cards)} 个。`,
        en: `${holder} gave personal data to ${receiver}${outside ? ' outside' : ''}: up to ${most.id_cards} identity numbers, ${most.mobiles} mobile numbers and ${most.bank_cards} bank cards at once (distinct, with valid check digits); about ${Math.max(all, most.id_cards + most.mobiles + most.bank_cards)} within the hour.`,
      },
      attacker: { ip: receiver }, victim: { ip: holder, ...(event.dest_ip === holder && pair.port > 0 && { port: pair.port }) }, proto: 'TCP', app: 'http',
      firstUs: pair.firstUs, lastUs: pair.lastUs, count: pair.bodies,
      measured: { ...most, distinct_within_hour: all, bodies: pair.bodies, url: url.split('?', 1)[0]!.slice(0, 200) }, key: '', source: -1,
      ...(pair.node !== undefined && { node: pair.node }), ...(pair.flow && { flow: pair.flow }),
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

/** Numbers of persons in bulk. */
export const personalDataLeak: MakeBehaviour = (rule, emit, site) => new PersonalDataLeak(rule, emit, site);
