import type { RuleInfo } from './signature.js';

/** What one rule has cost beyond the literal scan that all share. */
export interface RuleCost {
  id: string;
  sid: number;
  /** Transactions (packets, chunks) in which its literal was seen, so that its conditions were looked at. */
  candidates: number;
  /** Of those, how many matched at once. */
  matches: number;
  /** Spent on its conditions, ms. */
  ms: number;
}

/** Measures what each rule's conditions cost; the clock (ms) is the caller's. */
export class RuleProfile {
  private readonly costs = new Map<RuleInfo, RuleCost>();
  private startedMs = 0;

  constructor(private readonly clock: () => number) {}

  start(): void {
    this.startedMs = this.clock();
  }

  stop(rule: RuleInfo, candidate: boolean, matched: boolean): void {
    const ms = this.clock() - this.startedMs;
    let cost = this.costs.get(rule);
    if (!cost) this.costs.set(rule, (cost = { id: rule.id, sid: rule.sid, candidates: 0, matches: 0, ms: 0 }));
    cost.ms += ms;
    if (candidate) cost.candidates++;
    if (matched) cost.matches++;
  }

  /** Dearest first. */
  dearest(count = Infinity): RuleCost[] {
    return [...this.costs.values()].sort((a, b) => b.ms - a.ms).slice(0, count);
  }
}
