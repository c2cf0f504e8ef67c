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

/** What sees many flows of one host: the behaviour stage, and the sink in which repeats become one alert. */
export class Correlator {
  readonly sink: AlertSink;
  readonly behaviours: BehaviourStage;

  constructor(private readonly options: CorrelatorOptions) {
    this.sink = new AlertSink({ mode: options.mode, emit: options.emit, ...(options.lookup ? { lookup: options.lookup } : {}) });
    this.behaviours = new BehaviourStage(options.behaviours, (hit) => {
      this.sink.add(alertOfBehaviour(hit, options.point?.(hit.source, hit.node)), { key: hit.key });
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
