import { metricsErrors } from './errors.js';
import type { Series, SeriesQuery } from './metrics.js';

/** Values of one series that a query may ask for; a chart has some hundreds. */
const VALUES_MAX = 20_000;

/** Numbers gathered of one bucket. */
export interface Gathered { count: number; sum: number; min: number; max: number; last: number; lastAt: number }

export function reduce(g: Gathered, aggregate: SeriesQuery['aggregate']): number {
  switch (aggregate) {
    case 'sum': return g.sum;
    case 'mean': return g.sum / g.count;
    case 'max': return g.max;
    case 'min': return g.min;
    case 'last': return g.last;
    case 'count': return g.count;
  }
}

/** The starts of the buckets of a query, aligned to the epoch. Throws SW_METRICS_QUERY when there are too many. */
export function grid(query: SeriesQuery): number[] {
  const { from, to, interval } = query;
  if (!(interval > 0) || !Number.isFinite(from) || !Number.isFinite(to)) throw metricsErrors.query('from, to and interval must be numbers, interval above 0');
  const starts: number[] = [];
  for (let at = Math.floor(from / interval) * interval; at < to; at += interval) {
    if (starts.push(at) > VALUES_MAX) throw metricsErrors.query(`more than ${VALUES_MAX} values`);
  }
  return starts;
}

/** One series on the whole grid. */
export function onGrid(starts: number[], tags: Record<string, string>, values: Map<number, number>): Series {
  return { tags, values: starts.map((at) => [at, values.get(at) ?? null]) };
}

export function groupTags(groupBy: string[], tags: Record<string, string>): Record<string, string> {
  return Object.fromEntries(groupBy.map((name) => [name, tags[name] ?? '']));
}
