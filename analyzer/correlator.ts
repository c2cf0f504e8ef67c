import type { Alert } from '../contracts/alert.js';
import type { EveEvent } from '../contracts/event.js';
import type { BehaviourRule } from './detect/behaviour.js';
import { BehaviourStage } from './detect/stage.js';
import { AlertSink, type AlertMode, type Lookup } from './sink/alerts.js';
import { alertOfBehaviour, type CapturePoint } from './sink/behaviour-alert.js';
import type { EvidenceTaker, PacketsAround } from './sink/evidence.js';
import { fromEveTimestamp } from './sink/finding.js';

export interface CorrelatorOptions {
  behaviours: readonly BehaviourRule[];
  mode: AlertMode;
  emit: (alert: Alert) => void;
  lookup?: Lookup;
  evidence?: EvidenceTaker;
  /** Whose packets the records of a capture point are; by `ConnectionRecord.source`, or the node of an event. */
  point?: (source: number, node: string | undefined) => CapturePoint | undefined;
}

/** What sees many flows of one host: behaviour stages, and the sink in which repeats become one alert. */
export class Correlator {
  readonly sink: AlertSink;
  /** The stage that `event` and `connections` feed. */
  readonly behaviours: BehaviourStage;
  private readonly others = new Set<BehaviourStage>();
  private rules: readonly BehaviourRule[];

  constructor(private readonly options: CorrelatorOptions) {
    this.rules = options.behaviours;
    this.sink = new AlertSink({ mode: options.mode, emit: options.emit, ...(options.lookup ? { lookup: options.lookup } : {}) });
    this.behaviours = this.stage();
  }

  /** One more stage, for packets of another clock; to be fed by the caller, and given back by `close`. */
  openStage(): BehaviourStage {
    const stage = this.stage();
    this.others.add(stage);
    return stage;
  }

  /** The stage's input has ended. */
  closeStage(stage: BehaviourStage): void {
    stage.flush();
    this.others.delete(stage);
  }

  /** Other rules from here on; detectors whose rule has not changed keep what they know. */
  reload(rules: readonly BehaviourRule[]): void {
    this.rules = rules;
    for (const stage of [this.behaviours, ...this.others]) stage.reload(rules);
  }

  /** Findings of all stages that are open. */
  get hits(): number {
    let hits = this.behaviours.counters.hits;
    for (const stage of this.others) hits += stage.counters.hits;
    return hits;
  }

  private stage(): BehaviourStage {
    const { point } = this.options;
    return new BehaviourStage(this.rules, (hit) => {
      this.sink.add(alertOfBehaviour(hit, point?.(hit.source, hit.node)), { key: hit.key, ...(hit.anyVictim && { anyVictim: true }) });
    });
  }

  alert(alert: Alert, each: boolean, packets?: PacketsAround): void {
    const { evidence } = this.options;
    this.sink.add(alert, {
      ...(each ? { mode: 'each' as const } : {}),
      ...(evidence && packets ? { evidence: evidence.from(packets) } : {}),
    });
  }

  event(event: EveEvent): void {
    this.behaviours.event(event, fromEveTimestamp(event.timestamp));
  }

  connections(records: Uint8Array, count: number): void {
    this.behaviours.connections(records, count);
  }

  /** Packet time has come to `nowUs`. */
  advance(nowUs: number): void {
    this.behaviours.advance(nowUs);
    this.sink.advance(nowUs);
  }

  /** End of input: every alert in its final form. */
  flush(): void {
    this.behaviours.flush();
    this.sink.flush();
  }
}
