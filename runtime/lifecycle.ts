/** A long-running part: config → context → start/stop. `stop` lets work under way finish and is safe to call twice. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Time, handed in so that stages never ask the machine. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}
export const systemClock: Clock = { now: () => Date.now() };
