import type { FastifyInstance } from 'fastify';
import { SEVERITIES, VERDICTS, type DetectionClass } from '../../../contracts/classes.js';
import type { Series } from '../../../runtime/metrics/metrics.js';
import type { Overview, SeriesAnswer, SeriesView } from '../../model/api.js';
import { INCIDENT_OPEN, type IncidentState } from '../../model/incident.js';
import { OverviewQuery, SeriesRequest } from '../../model/requests.js';
import { callerOf } from '../app.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { iso, readTime } from '../store/cursor.js';
import type { SeriesTag } from '../store/alerts.js';
import type { Scope } from '../store/scope.js';
import { add } from './alerts.js';

const DAY_MS = 86_400_000;
const SOON_MS = 4 * 3_600_000;
/** Points in one curve: what a chart can show, and what a query may cost. */
const BUCKETS_MAX = 1_000;
const STEPS = [5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000];
/** What may be asked of the metrics store. Pipeline figures carry no unit: they are for who sees everything. */
const OPEN_MEASUREMENTS: Record<string, 'units' | 'all'> = { traffic: 'units', alerts: 'units', pipeline: 'all' };
const TAGS = ['unit', 'node', 'protocol', 'severity', 'verdict', 'class'];

/** Adds series of equal tags (all but `unit`) together; `scope` leaves out other units' first. */
function merge(series: readonly Series[], scope: Scope, keep: readonly string[]): SeriesView[] {
  const sums = new Map<string, { tags: Record<string, string>; values: Map<number, number | null> }>();
  for (const s of series) {
    if (!scope.all && !scope.units.includes(s.tags.unit ?? '')) continue;
    const tags = Object.fromEntries(keep.map((k) => [k, s.tags[k] ?? '']));
    const key = JSON.stringify(tags);
    const held = sums.get(key) ?? { tags, values: new Map<number, number | null>() };
    for (const [at, value] of s.values) held.values.set(at, value === null ? held.values.get(at) ?? null : (held.values.get(at) ?? 0) + value);
    sums.set(key, held);
  }
  return [...sums.values()].map(({ tags, values }) => ({ tags, values: [...values].sort((a, b) => a[0] - b[0]) }));
}

export function overviewRoutes(app: FastifyInstance, context: Context): void {
  const { store, metrics, clock, log } = context;

  async function series(scope: Scope, q: { measurement: string; field: string; aggregate: 'sum' | 'mean' | 'max' | 'min' | 'last' | 'count'; from: number; to: number; interval: number; groupBy: string[]; where?: Record<string, string> }): Promise<SeriesView[]> {
    const groupBy = scope.all ? q.groupBy : [...new Set([...q.groupBy, 'unit'])];
    return merge(await metrics.query({ ...q, groupBy }), scope, q.groupBy);
  }

  app.get<{ Querystring: SeriesRequest }>('/api/series', { schema: { querystring: SeriesRequest } }, async (request): Promise<SeriesAnswer> => {
    const { scope } = callerOf(request);
    const { measurement, field, aggregate, interval, unit, node } = request.query;
    const from = readTime(request.query.from, 'from') as number;
    const to = readTime(request.query.to, 'to') as number;
    const groupBy = request.query.groupBy?.split(',') ?? [];
    const access = Object.hasOwn(OPEN_MEASUREMENTS, measurement) ? OPEN_MEASUREMENTS[measurement] : undefined;
    if (!access || !/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(field)) throw refusals.badRequest('measurement', 'is none that may be asked for');
    if (access === 'all' && !scope.all) throw refusals.forbidden(measurement);
    if (groupBy.some((g) => !TAGS.includes(g))) throw refusals.badRequest('groupBy', `holds a tag that is none of ${TAGS.join(', ')}`);
    if (to <= from || (to - from) / interval > BUCKETS_MAX) throw refusals.badRequest('interval', `gives no or more than ${BUCKETS_MAX} points`);
    if (unit && !scope.all && !scope.units.includes(unit)) throw refusals.notFound();
    if (measurement === 'alerts') {
      // The record itself, as lists and totals have it: what the metrics store got was said when an alert was first raised.
      if (field !== 'count' || (aggregate !== 'sum' && aggregate !== 'count')) throw refusals.badRequest('field', 'of alerts is count, and its aggregate sum');
      const tags = groupBy.filter((g): g is SeriesTag => g !== 'protocol');
      return { series: await store.alerts.series(scope, { from, to, interval, groupBy: tags, ...(unit ? { unit } : {}), ...(node ? { node } : {}) }), up: true };
    }
    const where = { ...(unit ? { unit } : {}), ...(node ? { node } : {}) };
    return { series: await series(scope, { measurement, field, aggregate, from, to, interval, groupBy, where }), up: metrics.stats().up };
  });

  app.get<{ Querystring: OverviewQuery }>('/api/overview', { schema: { querystring: OverviewQuery } }, async (request): Promise<Overview> => {
    const { scope, user } = callerOf(request);
    const now = clock.now();
    let to = readTime(request.query.to, 'to');
    if (to === undefined) {
      // A capture replayed in its own time lies in the past: the default range follows what there is.
      const newest = await store.alerts.newest(scope);
      to = newest !== undefined && newest < now - DAY_MS && context.demo ? newest + 60_000 : now;
    }
    const from = readTime(request.query.from, 'from') ?? to - DAY_MS;
    if (from >= to) throw refusals.badRequest('from', 'is not before to');
    const interval = STEPS.find((s) => (to - from) / s <= 300) ?? Math.ceil((to - from) / 300 / DAY_MS) * DAY_MS;
    const range = { from: iso(from), to: iso(to) };
    let metricsUp = true;
    const curve = (measurement: string, field: string, groupBy: string[]): Promise<SeriesView[]> =>
      series(scope, { measurement, field, aggregate: 'sum', from, to, interval, groupBy }).catch((error: unknown) => {
        metricsUp = false;
        log.warn('the metrics store did not answer', { error });
        return [];
      });
    const [counts, incidents, tickets, nodes, bytes, packets, buckets, classes, attackers, victims, units] = await Promise.all([
      store.alerts.counts(scope, range), store.incidents.counts(scope, {}, user.id), store.tickets.counts(scope, now, SOON_MS), context.nodeViews(scope),
      curve('traffic', 'bytes', ['protocol']), curve('traffic', 'packets', []), store.alerts.series(scope, { from, to, interval, groupBy: ['severity'] }),
      store.alerts.top(scope, 'class', from, to, 10), store.alerts.top(scope, 'attacker_ip', from, to, 10), store.alerts.top(scope, 'victim_ip', from, to, 10), store.alerts.top(scope, 'unit', from, to, 20),
    ]);
    const assets = context.assets();
    const perSecond = (s: SeriesView[], factor: number): SeriesView[] =>
      s.map(({ tags, values }) => ({ tags, values: values.map(([at, v]) => [at, v === null ? null : (v * factor) / (interval / 1000)]) }));
    const overview: Overview = {
      ...range, interval, alerts: { total: 0, bySeverity: {}, byVerdict: {} }, incidents: { open: 0, byState: {}, bySeverity: {} }, tickets,
      nodes: { total: nodes.length, up: nodes.filter((n) => !n.silent).length, degraded: nodes.filter((n) => !n.silent && n.state === 'degraded').length },
      traffic: { bits: perSecond(bytes, 8), packets: perSecond(packets, 1) },
      alertSeries: SEVERITIES.flatMap((severity) => {
        const own = new Map(buckets.find((b) => b.tags.severity === severity)?.values ?? []);
        if (own.size === 0) return [];
        const values: [number, number][] = [];
        for (let at = Math.floor(from / interval) * interval; at < to; at += interval) values.push([at, own.get(at) ?? 0]);
        return [{ tags: { severity }, values }];
      }),
      topClasses: classes.map((c) => ({ class: c.key as DetectionClass, count: c.n })),
      topAttackers: attackers.map((a) => ({ ip: a.key, count: a.n, severity: SEVERITIES[a.severity] })),
      topVictims: victims.map((v) => ({
        ip: v.key, count: v.n, severity: SEVERITIES[v.severity], ...(v.unit === null ? {} : { unit: assets.unit(v.unit) }), ...(v.system === null ? {} : { system: assets.system(v.system) }),
      })),
      topUnits: units.map((u) => ({ unit: assets.unit(u.key) ?? { id: u.key, zh: u.key, en: u.key }, count: u.n })),
      metricsUp: metricsUp && metrics.stats().up,
    };
    for (const c of counts.rows) {
      overview.alerts.total += c.n;
      add(overview.alerts.bySeverity, SEVERITIES[c.severity], c.n);
      add(overview.alerts.byVerdict, VERDICTS[c.verdict], c.n);
    }
    for (const i of incidents.rows) {
      add(overview.incidents.byState, i.state as IncidentState, i.n);
      if (!(INCIDENT_OPEN as readonly string[]).includes(i.state)) continue;
      overview.incidents.open += i.n;
      add(overview.incidents.bySeverity, SEVERITIES[i.severity], i.n);
    }
    return overview;
  });
}
