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

interface Pair {
  firstUs: number; lastUs: number; src: string; dst: string; source: number;
  /** Ports that were only opened and reset, and those of them that were talked to afterwards. */
  half: Distinct<number>;
  talked: Distinct<number>;
  connections: number;
  told: number;
}

/**
 * Service fingerprinting as of nmap -sV: ports found open by half a handshake each are connected to again, one after the
 * other, with short questions. Parameters: `half` (ports found open so), `talked` (ports asked), `seconds`.
 */
class ServiceProbe implements Behaviour {
  private readonly pairs: WindowTable<number, Pair>;
  private readonly half: number;
  private readonly talked: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.half = numberOf(rule, 'half', 3);
    this.talked = numberOf(rule, 'talked', 2);
    this.pairs = new WindowTable(MAX_PAIRS, numberOf(rule, 'seconds', 300) * 1e6, (one) => {
      if (one.told > 0 && one.talked.size > one.told) this.tell(one);
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
      if (!halfOpen) return;
      one = this.pairs.add(key, {
        firstUs: r.timeUs, lastUs: r.timeUs, src: textOf(r.src), dst: textOf(r.dst), source: r.source, half: new Distinct(MAX_PORTS), talked: new Distinct(MAX_PORTS), connections: 0, told: 0,
      });
    }
    one.lastUs = Math.max(one.lastUs, r.timeUs);
    if (halfOpen) one.half.add(r.dstPort);
    else if (r.bytesToServer > PROBE_BYTES || !one.half.has(r.dstPort)) return;
    else {
      one.connections++;
      one.talked.add(r.dstPort);
    }
    if (one.half.size < this.half || one.talked.size < Math.max(this.talked, one.told * 2, one.half.size * 0.5)) return;
    this.tell(one);
  }

  private tell(one: Pair): void {
    one.told = one.talked.size;
    const ports = one.talked.first(MAX_NAMED).sort((a, b) => a - b).map(String);
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: isInside(one.src) ? this.rule.info.severity : 'low',
      because: {
        zh: `${one.src} 先以半开连接找到 ${one.half.size} 个开放端口，再逐个连接询问服务版本：${ports.join(', ')}。`,
        en: `${one.src} found ${one.half.size} open ports by half-open connections, then connected to them one by one to ask what serves there: ${ports.join(', ')}.`,
      },
      attacker: { ip: one.src }, victim: { ip: one.dst }, proto: 'TCP', firstUs: one.firstUs, lastUs: one.lastUs, count: one.connections,
      measured: { half_open: one.half.size, asked: one.talked.size, connections: one.connections, ports }, key: '', source: one.source,
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

/** Open ports asked one by one what they are. */
export const serviceProbe: MakeBehaviour = (rule, emit) => new ServiceProbe(rule, emit);
