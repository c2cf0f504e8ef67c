import type { Health } from '../contracts/health.js';
import { subjects } from '../contracts/subjects.js';
import type { Bus } from './bus/bus.js';
import type { Service } from './lifecycle.js';

export const HEARTBEAT_MS = 2000;

/** What of a heartbeat changes; `state` defaults to `running`, or `degraded` while there are reasons. */
export type HealthNow = Pick<Health, 'counters' | 'gauges'> & Partial<Pick<Health, 'state' | 'reasons'>>;

/** Sends a heartbeat of this process every 2 s, the first at start and a last one (`stopping`) at stop. */
export class HeartbeatSender implements Service {
  readonly name = 'heartbeat';
  readonly #startedAt = new Date().toISOString();
  #timer: NodeJS.Timeout | undefined;
  #sending = false;

  /** `read` is asked for the counters at each beat. */
  constructor(private readonly bus: Bus, private readonly who: Pick<Health, 'role' | 'id' | 'version' | 'node' | 'unit'>, private readonly read: () => HealthNow) {}

  /** The heartbeat as it would be sent now. */
  current(): Health {
    const { state, reasons = [], counters, gauges } = this.read();
    return {
      ...this.who, startedAt: this.#startedAt, at: new Date().toISOString(), reasons, counters,
      state: state ?? (reasons.length > 0 ? 'degraded' : 'running'), gauges: { memoryBytes: process.memoryUsage.rss(), ...gauges },
    };
  }

  async start(): Promise<void> {
    await this.#send(this.current());
    this.#timer = setInterval(() => {
      // While the bus is away one beat waits; the ones after it are left out.
      if (this.#sending) return;
      this.#sending = true;
      void this.#send(this.current()).finally(() => { this.#sending = false; });
    }, HEARTBEAT_MS);
    this.#timer.unref();
  }

  async #send(health: Health): Promise<void> {
    const data = Buffer.from(JSON.stringify(health));
    await this.bus.publish(subjects.health(this.who.role, this.who.id), data).catch(() => {});
  }

  async stop(): Promise<void> {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.bus.state === 'connected') await this.#send({ ...this.current(), state: 'stopping' });
  }
}
