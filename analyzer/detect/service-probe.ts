import { ConnectionKind, type ConnectionRecord } from '../flow/connection-log.js';
import { numberOf, type Behaviour, type BehaviourRule, type Emit, type MakeBehaviour } from './behaviour.js';
import { isInside, pairKey, textOf } from './hosts.js';
import { Distinct, WindowTable } from './windows.js';

const TCP = 6, RST = 4;
const MAX_PAIRS = 16_384;
/** Ports kept of one pair: more than any host has open. */
const MAX_PORTS = 1024;
/** What a client sends that only learns whether a port is open: an opening without the options of a stack, and a reset. */
const HALF_OPEN_BYTES = 120;
/** A question or two; a session sends more. */
const PROBE_BYTES = 4000;
const MAX_NAMED = 32;
/** Pairs with short connections only, whose half-open ones may yet end: connections end in any order. */
const MAX_EARLY = 4096;

interface Early {
  firstUs: number; lastUs: number;
  /** Connections with a question or two, by port. */
  asked: Map<number, number>;
}

interface Pair extends Early {
  src: string; dst: string; source: number;
  /** Ports that were only opened and reset. */
  half: Distinct<number>;
  /** Ports that were told, and what was known then: connections end in any order, and the last word has to be the same. */
  told: number;
  known: string;
}

function span(one: Early, timeUs: number): void {
  one.firstUs = Math.min(one.firstUs, timeUs);
  one.lastUs = Math.max(one.lastUs, timeUs);
}

function ask(one: Early, r: ConnectionRecord): void {
  if (one.asked.size >= MAX_PORTS && !one.asked.has(r.dstPort)) return;
  one.asked.set(r.dstPort, (one.asked.get(r.dstPort) ?? 0) + 1);
  span(one, r.timeUs);
}

const known = (one: Pair): string => `${one.half.size} ${[...one.asked.values()].reduce((n, v) => n + v, 0)} ${one.firstUs} ${one.lastUs}`;
/** Ports found open by half a handshake that were asked something, too, in their order. */
const talkedTo = (one: Pair): number[] => [...one.asked.keys()].filter((port) => one.half.has(port)).sort((a, b) => a - b);

/**
 * Service fingerprinting as of nmap -sV: ports found open by half a handshake each are connected to again, one after the
 * other, with short questions. Parameters: `half` (ports found open so), `talked` (ports asked), `seconds`.
 */
class ServiceProbe implements Behaviour {
  private readonly pairs: WindowTable<number, Pair>;
  private readonly early: WindowTable<number, Early>;
  private readonly half: number;
  private readonly talked: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.half = numberOf(rule, 'half', 3);
    this.talked = numberOf(rule, 'talked', 2);
    this.early = new WindowTable(MAX_EARLY, numberOf(rule, 'seconds', 300) * 1e6);
    this.pairs = new WindowTable(MAX_PAIRS, numberOf(rule, 'seconds', 300) * 1e6, (one) => {
      if (one.told > 0 && one.known !== known(one)) this.tell(one, talkedTo(one));
    });
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  connection(r: ConnectionRecord): void {
    if (r.kind !== ConnectionKind.Ended || r.protocol !== TCP || r.bytesToClient === 0) return;
    const halfOpen = r.bytesToServer <= HALF_OPEN_BYTES && r.bytesToClient <= HALF_OPEN_BYTES && (r.tcpFlags & RST) !== 0;
    const key = pairKey(r, true, 0);
    let one = this.pairs.find(key, r.timeUs);
    if (one === undefined) {
      const before = this.early.find(key, r.timeUs);
      if (!halfOpen) {
        if (r.bytesToServer > PROBE_BYTES) return;
        ask(before ?? this.early.add(key, { firstUs: r.timeUs, lastUs: r.timeUs, asked: new Map() }), r);
        return;
      }
      this.early.delete(key);
      one = this.pairs.add(key, {
        firstUs: before?.firstUs ?? r.timeUs, lastUs: before?.lastUs ?? r.timeUs, src: textOf(r.src), dst: textOf(r.dst), source: r.source,
        half: new Distinct(MAX_PORTS), asked: before?.asked ?? new Map(), told: 0, known: '',
      });
    }
    if (!halfOpen && r.bytesToServer > PROBE_BYTES) return;
    if (halfOpen) {
      one.half.add(r.dstPort);
      span(one, r.timeUs);
    } else ask(one, r);
    if (one.half.size < this.half || one.asked.size < Math.max(this.talked, one.told * 2, one.half.size * 0.5)) return;
    const talked = talkedTo(one);
    if (talked.length >= Math.max(this.talked, one.told * 2, one.half.size * 0.5)) this.tell(one, talked);
  }

  private tell(one: Pair, talked: readonly number[]): void {
    one.told = talked.length;
    one.known = known(one);
    const ports = talked.slice(0, MAX_NAMED).map(String);
    const connections = talked.reduce((n, port) => n + one.asked.get(port)!, 0);
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: isInside(one.src) ? this.rule.info.severity : 'low',
      because: {
        zh: `${one.src} 先以半开连接找到 ${one.half.size} 个开放端口，再逐个连接询问服务版本：${ports.join(', ')}。`,
        en: `${one.src} found ${one.half.size} open ports by half-open connections, then connected to them one by one to ask what serves there: ${ports.join(', ')}.`,
      },
      attacker: { ip: one.src }, victim: { ip: one.dst }, proto: 'TCP', firstUs: one.firstUs, lastUs: one.lastUs, count: connections,
      measured: { half_open: one.half.size, asked: talked.length, connections, ports }, key: '', source: one.source,
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
    this.early.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

/** Open ports asked one by one what they are. */
export const serviceProbe: MakeBehaviour = (rule, emit) => new ServiceProbe(rule, emit);
