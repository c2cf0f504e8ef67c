import { EVENT_TYPES, type EveEvent, type EventType } from '../../contracts/event.js';

/** Passes events on by type. Alerts have their own sink and never come through here. */
export class EventSink {
  private readonly wanted: ReadonlySet<string>;
  /** Events passed on and left out. */
  readonly counters = { passed: 0, left: 0 };

  /**
   * @param types the types to pass on; all when absent.
   * @param emit takes each wanted event; the object is the receiver's.
   */
  constructor(private readonly emit: (event: EveEvent) => void, types?: readonly EventType[]) {
    this.wanted = new Set(types ?? EVENT_TYPES.filter((t) => t !== 'alert'));
  }

  wants(type: EventType): boolean {
    return this.wanted.has(type);
  }

  event(event: EveEvent): void {
    if (this.wanted.has(event.event_type)) {
      this.counters.passed++;
      this.emit(event);
    } else this.counters.left++;
  }
}
