import type { Alert } from '../contracts/alert.js';
import type { EveEvent } from '../contracts/event.js';
import { PRIVATE_SITE, type BehaviourHit, type BehaviourRule, type Site } from './detect/behaviour.js';
import { FollowUp } from './detect/follow-up.js';
import { BehaviourStage } from './detect/stage.js';
import { AlertSink, type AddOptions, type AlertMode, type Lookup } from './sink/alerts.js';
import { Allowances, type Allowed } from './sink/allowances.js';
import { alertOfBehaviour, type CapturePoint } from './sink/behaviour-alert.js';
import { FewWords } from './sink/few-words.js';
import type { EvidenceTaker, PacketsAround } from './sink/evidence.js';
import { fromEveTimestamp } from './sink/finding.js';

export interface CorrelatorOptions {
  behaviours: readonly BehaviourRule[];
  mode: AlertMode;
  emit: (alert: Alert) => void;
  lookup?: Lookup;
  evidence?: EvidenceTaker;
  /** Whose the addresses are and which zones may reach which; without it private addresses are ours. */
  site?: Site;
  /** Whether somebody may do what the alert is about; such alerts are told at severity info, or left out. */
  allowed?: Allowed;
  allowedAs?: 'info' | 'drop';
  /** Whose packets the records of a capture point are; by `ConnectionRecord.source`, or the node of an event. */
  point?: (source: number, node: string | undefined) => CapturePoint | undefined;
}

/** What sees many flows of one host: behaviour stages, and the sink in which repeats become one alert. */
export class Correlator {
  readonly sink: AlertSink;
  /** The stage that `event` and `connections` feed. */
  readonly behaviours: BehaviourStage;
  readonly allowances: Allowances;
  readonly fewWords: FewWords;
  readonly followUp: FollowUp;
  private readonly others = new Set<BehaviourStage>();
  private rules: readonly BehaviourRule[];

  constructor(private readonly options: CorrelatorOptions) {
    this.rules = options.behaviours;
    this.sink = new AlertSink({ mode: options.mode, emit: options.emit, ...(options.lookup ? { lookup: options.lookup } : {}) });
    this.allowances = new Allowances(options.allowed, options.allowedAs);
    this.fewWords = new FewWords((alert, more) => this.deliver(alert, more), (hit) => this.say(hit));
    this.fewWords.reload(options.behaviours);
    this.followUp = new FollowUp((alert) => {
      this.raised(alert, fromEveTimestamp(alert.shouwang.last_seen));
      this.deliver(alert, {});
    });
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
    this.sink.tell();
  }

  /** Other rules from here on; detectors whose rule has not changed keep what they know. */
  reload(rules: readonly BehaviourRule[]): void {
    this.rules = rules;
    this.fewWords.reload(rules);
    for (const stage of [this.behaviours, ...this.others]) stage.reload(rules);
  }

  /** Findings of all stages that are open. */
  get hits(): number {
    let hits = this.behaviours.counters.hits;
    for (const stage of this.others) hits += stage.counters.hits;
    return hits;
  }

  private stage(): BehaviourStage {
    return new BehaviourStage(this.rules, (hit) => this.found(hit), this.options.site ?? PRIVATE_SITE, this.followUp);
  }

  private found(hit: BehaviourHit): void {
    const told = this.fewWords.behaviour(hit);
    if (told !== undefined) this.say(told);
  }

  private say(hit: BehaviourHit): void {
    const alert = alertOfBehaviour(hit, this.options.point?.(hit.source, hit.node));
    this.deliver(alert, { key: hit.key, ...(hit.anyVictim && { anyVictim: true }) });
  }

  /** Tells the behaviours that an attack was seen. */
  private raised(alert: Alert, timeUs: number): void {
    for (const stage of [this.behaviours, ...this.others]) stage.alert(alert, timeUs);
  }

  /** The last look at an alert before it is aggregated. */
  private deliver(alert: Alert, more: AddOptions): void {
    if (this.allowances.pass(alert)) this.sink.add(alert, more);
  }

  alert(alert: Alert, each: boolean, packets?: PacketsAround): void {
    const { evidence } = this.options;
    const more: AddOptions = { ...(each ? { mode: 'each' as const } : {}), ...(evidence && packets ? { evidence: evidence.from(packets) } : {}) };
    if (each) {
      this.deliver(alert, more);
      return;
    }
    const timeUs = fromEveTimestamp(alert.timestamp);
    const copy: Alert = { ...alert, alert: { ...alert.alert }, shouwang: { ...alert.shouwang } };
    this.fewWords.alert(alert, timeUs, more);
    // Behind the alert itself, so that what followed it raises the alert that there is.
    this.followUp.alert(copy, timeUs);
    this.raised(copy, timeUs);
  }

  event(event: EveEvent): void {
    const timeUs = fromEveTimestamp(event.timestamp);
    this.behaviours.event(event, timeUs);
    this.fewWords.advance(timeUs);
  }

  connections(records: Uint8Array, count: number): void {
    this.behaviours.connections(records, count);
  }

  /** Packet time has come to `nowUs`. */
  advance(nowUs: number): void {
    this.behaviours.advance(nowUs);
    this.fewWords.advance(nowUs);
    this.sink.advance(nowUs);
  }

  /** End of input: every alert in its final form. */
  flush(): void {
    this.behaviours.flush();
    this.fewWords.flush();
    this.sink.flush();
  }
}
