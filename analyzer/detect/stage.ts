import type { Alert } from '../../contracts/alert.js';
import type { EveEvent, EventType } from '../../contracts/event.js';
import { ConnectionRecord } from '../flow/connection-log.js';
import { PRIVATE_SITE, type Behaviour, type BehaviourHit, type BehaviourRule, type MakeBehaviour, type Site } from './behaviour.js';
import { beacon } from './beacon.js';
import { arpScan } from './arp-scan.js';
import { dualHomed, firstSeenService } from './assets.js';
import { communityGuessing } from './community.js';
import { amplification, icmpFlood, slowHttp, synFlood, tcpFlood, udpFlood } from './floods.js';
import { icmpTunnel, interactiveOutbound, oddChannel } from './flow-shape.js';
import { indicators } from './indicators/match.js';
import { ackScan, arpSpoofing, exfiltration, osFingerprint, zoneCrossing } from './local.js';
import { bruteForce, loginRate, passwordSpray } from './logins.js';
import { manyAttempts } from './many-attempts.js';
import { dnsTunnel, generatedNames, subdomainGuessing } from './names.js';
import { personalDataLeak } from './personal-data.js';
import { pivot } from './pivot.js';
import { hostSweep, portScan, stealthScan } from './scan.js';
import { serviceProbe } from './service-probe.js';
import { directoryBruteForce, httpFlood, rareScript } from './web.js';

/** Every detector that a rule may name under `behaviour.name`. */
export const BEHAVIOURS: Readonly<Record<string, MakeBehaviour>> = {
  'port-scan': portScan,
  'host-sweep': hostSweep,
  'stealth-scan': stealthScan,
  'brute-force': bruteForce,
  'password-spray': passwordSpray,
  'login-rate': loginRate,
  'community-guessing': communityGuessing,
  beacon,
  'dns-tunnel': dnsTunnel,
  'generated-names': generatedNames,
  'subdomain-guessing': subdomainGuessing,
  'icmp-tunnel': icmpTunnel,
  'interactive-outbound': interactiveOutbound,
  'odd-channel': oddChannel,
  'rare-script': rareScript,
  'directory-brute-force': directoryBruteForce,
  'http-flood': httpFlood,
  'syn-flood': synFlood,
  'tcp-flood': tcpFlood,
  'udp-flood': udpFlood,
  'icmp-flood': icmpFlood,
  amplification,
  'slow-http': slowHttp,
  'many-attempts': manyAttempts,
  'arp-spoofing': arpSpoofing,
  'arp-scan': arpScan,
  'service-probe': serviceProbe,
  'first-seen-service': firstSeenService,
  'dual-homed': dualHomed,
  'new-internal-service': pivot,
  'os-fingerprint': osFingerprint,
  'ack-scan': ackScan,
  'zone-crossing': zoneCrossing,
  exfiltration,
  'personal-data': personalDataLeak,
  indicators,
};

/** Types of events that any detector reads; `fileinfo` beside them where indicator lists are in force. */
export const BEHAVIOUR_EVENTS: ReadonlySet<EventType> = new Set<EventType>([
  'auth', 'http', 'dns', 'tls', 'ssh', 'rdp', 'socks', 'snmp', 'flow', 'arp',
]);

const SECOND_US = 1_000_000;

/**
 * The behaviour stage: runs the detectors of the rules over connection records and events of a partition of hosts, on
 * packet time alone. Records and events may come a little out of order; time never runs backwards here.
 */
export class BehaviourStage {
  private detectors: { rule: BehaviourRule; text: string; behaviour: Behaviour }[] = [];
  /** Those that take connection records, and those that take events, by type. */
  private onConnection: Behaviour[] = [];
  private readonly onEvent = new Map<string, Behaviour[]>();
  private readonly record = new ConnectionRecord();
  private nowUs = 0;
  private tickedUs = 0;
  readonly counters = { records: 0, events: 0, hits: 0 };

  /**
   * @param emit takes what the detectors find; told again as it grows.
   * @param watcher sees what the detectors see, whatever the rules; its life is the caller's.
   */
  constructor(rules: readonly BehaviourRule[], private readonly emit: (hit: BehaviourHit) => void, private readonly site: Site = PRIVATE_SITE, private readonly watcher?: Behaviour) {
    this.reload(rules);
  }

  /** Takes new rules; a detector whose rule has not changed keeps what it knows. @returns names no detector has. */
  reload(rules: readonly BehaviourRule[]): string[] {
    const unknown: string[] = [];
    const before = new Map(this.detectors.map((d) => [d.text, d]));
    this.detectors = [];
    for (const rule of rules) {
      const make = BEHAVIOURS[rule.behaviour.name];
      if (!make) {
        unknown.push(rule.behaviour.name);
        continue;
      }
      const text = JSON.stringify([rule.info.id, rule.info.revision, rule.info.severity, rule.behaviour]);
      const old = before.get(text);
      if (old) before.delete(text);
      this.detectors.push(old ?? {
        rule, text,
        behaviour: make(rule, (hit) => {
          this.counters.hits++;
          this.emit(hit);
        }, this.site),
      });
    }
    this.onConnection = this.all().filter((b) => b.connection !== undefined);
    this.onEvent.clear();
    for (const { behaviour } of before.values()) behaviour.flush();
    return unknown;
  }

  private all(): Behaviour[] {
    const all = this.detectors.map((d) => d.behaviour);
    if (this.watcher !== undefined) all.push(this.watcher);
    return all;
  }

  /** Types of events that the rules' detectors read: others need not be made. */
  reads(): Set<EventType> {
    const types = new Set<EventType>();
    for (const behaviour of this.all()) {
      if (behaviour.event !== undefined) for (const type of behaviour.types ?? BEHAVIOUR_EVENTS) types.add(type);
    }
    return types;
  }

  /** Takes `count` records of `RECORD_BYTES`; nothing of the array is kept. */
  connections(records: Uint8Array, count: number): void {
    this.counters.records += count;
    const { record } = this;
    for (let i = 0; i < count; i++) {
      record.at(records, i);
      for (const behaviour of this.onConnection) behaviour.connection?.(record);
      if (record.timeUs > this.nowUs) {
        this.nowUs = record.timeUs;
        if (this.nowUs - this.tickedUs >= SECOND_US) this.tick();
      }
    }
  }

  /** An alert of the rules that has just been raised. */
  alert(alert: Alert, timeUs: number): void {
    for (const { behaviour } of this.detectors) behaviour.alert?.(alert, timeUs);
  }

  /** @param timeUs packet time of the event. */
  event(event: EveEvent, timeUs: number): void {
    this.counters.events++;
    let takers = this.onEvent.get(event.event_type);
    if (!takers) {
      const type = event.event_type;
      takers = this.all().filter((b) => b.event !== undefined && (b.types === undefined || b.types.includes(type)));
      this.onEvent.set(type, takers);
    }
    for (const behaviour of takers) behaviour.event?.(event, timeUs);
    this.advance(timeUs);
  }

  advance(nowUs: number): void {
    if (nowUs > this.nowUs) this.nowUs = nowUs;
    if (this.nowUs - this.tickedUs >= SECOND_US) this.tick();
  }

  /** End of input. */
  flush(): void {
    for (const { behaviour } of this.detectors) behaviour.flush();
  }

  /** Entries held and given up by all detectors. */
  stats(): { held: number; evicted: number } {
    let held = 0;
    let evicted = 0;
    for (const { behaviour } of this.detectors) {
      held += behaviour.held;
      evicted += behaviour.evicted;
    }
    return { held, evicted };
  }

  private tick(): void {
    // What a behaviour reads may follow lists that have changed.
    this.onEvent.clear();
    this.tickedUs = this.nowUs;
    for (const { behaviour } of this.detectors) behaviour.advance(this.nowUs);
  }
}
