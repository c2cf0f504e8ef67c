import type { FastifyInstance } from 'fastify';
import { SEVERITIES, VERDICTS, type DetectionClass } from '../../../contracts/classes.js';
import type { AlertCounts, AlertDetail, AlertRow, EvidenceView, Page } from '../../model/api.js';
import { AlertCountQuery, AlertQuery, IdParams } from '../../model/requests.js';
import { callerOf } from '../app.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { httpView, payloadView } from '../readable.js';
import { COUNT_CAP } from '../store/alerts.js';
import { iso } from '../store/cursor.js';
import { alertRow, className } from '../views.js';
import type { IncidentState } from '../../model/incident.js';

// Alerts that have just come are found at once; after a flood the search index follows by itself.
const CATCH_UP = 500;

/** The asked unit becomes its whole subtree. */
export function withUnits<Q extends { unit?: string }>(context: Context, query: Q): Omit<Q, 'unit'> & { units?: string[] } {
  const { unit, ...rest } = query;
  return unit ? { ...rest, units: context.assets().subtree(unit) } : rest;
}
export const add = <K extends string>(into: Partial<Record<K, number>>, key: K, n: number): void => { into[key] = (into[key] ?? 0) + n; };

export function alertRoutes(app: FastifyInstance, context: Context): void {
  const { store } = context;

  app.get<{ Querystring: AlertQuery }>('/api/alerts', { schema: { querystring: AlertQuery } }, async (request): Promise<Page<AlertRow>> => {
    if (request.query.text) await store.indexWords(CATCH_UP);
    const { rows, next } = await store.alerts.list(callerOf(request).scope, withUnits(context, request.query));
    return { items: rows.map((r) => alertRow(r, context.assets())), ...(next ? { next } : {}) };
  });

  app.get<{ Querystring: AlertCountQuery }>('/api/alerts/counts', { schema: { querystring: AlertCountQuery } }, async (request): Promise<AlertCounts> => {
    const counts: AlertCounts = { total: 0, capped: false, bySeverity: {}, byVerdict: {}, byClass: {}, byUnit: [] };
    const units: Record<string, number> = {};
    const counted = await store.alerts.counts(callerOf(request).scope, withUnits(context, request.query));
    for (const r of counted.rows) {
      counts.total += r.n;
      add(counts.bySeverity, SEVERITIES[r.severity], r.n);
      add(counts.byVerdict, VERDICTS[r.verdict], r.n);
      add(counts.byClass, r.class as DetectionClass, r.n);
      if (r.unit !== null) add(units, r.unit, r.n);
    }
    if (counted.partial) { counts.total = Math.min(counts.total, COUNT_CAP); counts.capped = true; }
    counts.byUnit = Object.entries(units).sort((a, b) => b[1] - a[1]).slice(0, 50).map(([id, count]) => ({ unit: context.assets().unit(id) ?? { id, zh: id, en: id }, count }));
    return counts;
  });

  app.get<{ Params: IdParams }>('/api/alerts/:id', { schema: { params: IdParams } }, async (request): Promise<AlertDetail> => {
    const { scope, permissions } = callerOf(request);
    const found = await store.alerts.byId(scope, request.params.id);
    if (!found) throw refusals.notFound();
    const { row, eve } = found;
    const s = eve.shouwang;
    const [stored, rules, incident] = await Promise.all([
      store.evidence.ofIds((s.evidence ?? []).map((e) => e.id)), context.rules.all(context.clock.now()),
      row.incident ? store.incidents.byId(scope, row.incident) : undefined,
    ]);
    const rule = rules.get(row.rule);
    const http = httpView(eve);
    const payload = payloadView(eve);
    return {
      ...alertRow(row, context.assets()),
      because: s.because ?? { zh: '', en: '' }, techniques: s.techniques ?? [], references: s.references ?? [], gb2007: s.gb2007 ?? '', gb2023: s.gb2023 ?? '',
      className: className(row.class), matched: s.matched ?? [], ...(s.measured ? { measured: s.measured } : {}),
      ...(eve.community_id ? { communityId: eve.community_id } : {}),
      evidence: (s.evidence ?? []).map((e): EvidenceView => {
        const held = stored.get(e.id);
        if (!held) return { ...e, state: 'missing' };
        const state = held.state === 'damaged' || held.sha256 !== e.sha256 ? 'damaged' as const : 'stored' as const;
        return { ...e, ...(e.sm3 === undefined && held.sm3 !== null ? { sm3: held.sm3 } : {}), state, storedAt: iso(held.stored), ...(permissions.has('evidence.read') ? { href: `/api/evidence/${encodeURIComponent(e.id)}` } : {}) };
      }),
      ...(http ? { http } : {}), ...(payload ? { payload } : {}),
      ...(rule ? { ruleDocument: { ...rule, hits24h: 0 } } : {}),
      ...(incident ? { incidentSummary: { id: incident.id, state: incident.state as IncidentState, title: { zh: incident.title_zh, en: incident.title_en } } } : {}),
      receivedAt: iso(row.received), eve,
    };
  });

  app.get<{ Params: IdParams }>('/api/evidence/:id', { schema: { params: IdParams }, config: { audit: 'always' } }, async (request, reply) => {
    const record = await store.evidence.byId(callerOf(request).scope, request.params.id);
    const file = record && await context.files.read(record.sha256);
    if (!record || !file) throw refusals.notFound();
    request.auditDetails = { sha256: record.sha256 };
    return reply.header('content-disposition', `attachment; filename="evidence-${record.sha256.slice(0, 16)}.pcap"`)
      .header('content-length', file.bytes).header('x-content-sha256', record.sha256).type('application/vnd.tcpdump.pcap').send(file.stream);
  });
}
