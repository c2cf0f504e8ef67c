import type { Alert } from '../contracts/alert.js';
import type { EveEvent, EventType } from '../contracts/event.js';
import { Arena } from './arena.js';
import { readBlock } from './block-reader.js';
import type { AnalyzerConfig } from './config.js';
import { RuleEngine } from './match/engine.js';
import type { HostStep, Later } from './match/host-state.js';
import type { PacketSourceInfo } from './match/matcher.js';
import type { RuleProfile } from './match/profile.js';
import type { RuleSet } from './match/rule-set.js';
import type { StoredFile } from './packet-stage-store.js';
import type { PacketStageConfig } from './packet-stage-config.js';
import { PacketStage } from './pipeline.js';
import type { PacketsAround } from './sink/evidence.js';
import { alertOfHit } from './sink/rule-alert.js';
import type { Traffic } from './traffic.js';

const MIB = 1 << 20;
/** What the reader asks for at a time; every packet fits into it many times. */
const PLACE_BYTES = 2 * MIB;

/** What comes out of one worker, in packet order. */
export interface EngineOutputs {
  /**
   * An alert before aggregation.
   * @param each one alert a hit, as the author of a Suricata rule expects
   * @param evidence copies the packets around it; callable during this call only
   */
  alert(alert: Alert, each: boolean, evidence: PacketsAround, later?: readonly HostStep[]): void;
  /** With it, what rules ask of the state of hosts is not decided here: alerts bring it along as `later`, and silent rules' steps come here. */
  later?: Later;
  /** See `Outputs.wants`. */
  wants?(type: EventType): boolean;
  event(event: EveEvent): void;
  /** See `Outputs.file`. */
  file?(file: StoredFile): void;
  /** Records of 64 bytes; copy what is kept. */
  connections(records: Uint8Array, count: number): void;
}

export interface EngineOptions {
  config: AnalyzerConfig;
  rules: RuleSet;
  /** Memory of an earlier engine that is gone, after `reset`; its size goes before `arenaMiB`. */
  arena?: Arena;
  /** It sees one capture and is gone: what few captures need is made when they need it. */
  short?: boolean;
  /** Measures what each rule costs. */
  profile?: RuleProfile;
  outputs: EngineOutputs;
  stage?: Partial<PacketStageConfig>;
}

/** The packet stage with its arena and matcher: everything that one worker does, without any input or output of its own. */
export class Engine {
  readonly arena: Arena;
  readonly stage: PacketStage;
  private readonly matcher: RuleEngine;
  private readonly ringAt: number;
  private readonly ringBytes: number;
  private cursor: number;
  private each = false;
  private later: readonly HostStep[] | undefined;

  constructor({ config, rules, outputs, stage, profile, arena, short }: EngineOptions) {
    this.arena = arena ?? new Arena(config.arenaMiB * MIB);
    this.ringBytes = config.ringMiB * MIB;
    this.ringAt = this.arena.reserve(this.ringBytes);
    this.cursor = this.ringAt;
    this.matcher = new RuleEngine(this.arena, rules, (hit, context) => {
      this.each = hit.signature.info.suricata;
      this.later = hit.later;
      context.alert(alertOfHit(hit, context), hit.flow);
      // Whether it is an alert is not known yet.
      if (hit.later !== undefined && hit.flow !== undefined) hit.flow.alerts--;
    }, outputs.later, profile, short);
    this.stage = new PacketStage({
      arena: this.arena,
      config: { flows: config.maxFlows, checksums: config.checksums, ...stage },
      matcher: this.matcher,
      outputs: {
        ...(outputs.wants ? { wants: (type: EventType) => outputs.wants!(type) } : {}),
        event: (event) => outputs.event(event),
        ...(outputs.file ? { file: (file: StoredFile) => outputs.file!(file) } : {}),
        alert: (alert, evidence) => outputs.alert(alert, this.each, evidence, this.later),
        connections: (records, count) => outputs.connections(records, count),
      },
    });
  }

  /** The next place of the evidence ring for a reader to read into; what lay there is no evidence any more. */
  place(bytes: number): { at: number; bytes: number } {
    const size = Math.min(Math.max(bytes, PLACE_BYTES), this.ringBytes);
    if (this.cursor + size > this.ringAt + this.ringBytes) this.cursor = this.ringAt;
    const at = this.cursor;
    this.cursor += size;
    this.stage.overwrite(at, at + size);
    return { at, bytes: size };
  }

  /**
   * Takes a packet block: copies its body into the ring and analyses it.
   * @returns packets, -1 when the body is no nanosecond pcap file or larger than the ring.
   */
  block(source: PacketSourceInfo, body: Uint8Array): number {
    if (body.length > this.ringBytes) return -1;
    const place = this.blockPlace(body.length);
    this.arena.u8.set(body, place);
    this.stage.source(source);
    const packets = readBlock(this.arena.view, place, body.length, this.onPacket);
    this.stage.blockEnd();
    return packets;
  }

  /** Changes to other rules between two packets. */
  reload(rules: RuleSet): void {
    this.matcher.swap(rules);
  }

  /** Packets and bytes by application protocol since the start. */
  traffic(): Traffic[] {
    return this.stage.traffic();
  }

  stats(): Record<string, number> {
    const stats = this.stage.stats();
    for (const [name, value] of Object.entries(this.matcher.counters)) stats[`match${name[0]!.toUpperCase()}${name.slice(1)}`] = value;
    stats['matchGivenUp'] = this.matcher.givenUp;
    return stats;
  }

  private readonly onPacket = (offset: number, captured: number, wire: number, timeUs: number, nanos: number, linktype: number): void => {
    this.stage.packet(offset, captured, wire, timeUs, nanos, linktype);
  };

  private blockPlace(bytes: number): number {
    const size = (bytes + 63) & ~63;
    if (this.cursor + size > this.ringAt + this.ringBytes) this.cursor = this.ringAt;
    const at = this.cursor;
    this.cursor += size;
    this.stage.overwrite(at, at + size);
    return at;
  }
}
