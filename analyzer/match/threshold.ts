import type { Threshold } from '../../contracts/rule.js';

/** Pairs of rule and address counted at once; beyond it the one counted longest ago is forgotten. */
export const MAX_TRACKED = 65_536;

interface Count { sinceUs: number; count: number }

/** Counts matches against thresholds, in packet time. */
export class Thresholds {
  private readonly counts = new Map<string, Count>();
  /** Counts forgotten for lack of room. */
  evicted = 0;

  /** @returns whether this match alerts. */
  pass(threshold: Threshold, sid: number, source: string, destination: string, nowUs: number): boolean {
    const who = threshold.track === 'source' ? source : threshold.track === 'destination' ? destination : threshold.track === 'both' ? `${source}>${destination}` : '';
    const key = `${sid} ${who}`;
    let c = this.counts.get(key);
    if (c) this.counts.delete(key);
    if (!c || nowUs - c.sinceUs >= threshold.seconds * 1e6 || nowUs < c.sinceUs) c = { sinceUs: nowUs, count: 0 };
    c.count++;
    if (this.counts.size >= MAX_TRACKED) {
      const oldest = this.counts.keys().next();
      if (!oldest.done) this.counts.delete(oldest.value);
      this.evicted++;
    }
    this.counts.set(key, c);
    switch (threshold.kind ?? 'threshold') {
      case 'limit': return c.count <= threshold.count;
      case 'both': return c.count === threshold.count;
      default:
        if (c.count < threshold.count) return false;
        c.count = 0;
        return true;
    }
  }
}
