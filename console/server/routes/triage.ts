import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import type { RankingView, SavedFilter, SearchAnswer, SuppressionMatch, SuppressionPreview, SuppressionRow } from '../../model/api.js';
import { IdParams } from '../../model/requests.js';
import { SavedFilterForm, SearchQuery, SuppressionCreate, SuppressionPreviewForm } from '../../model/triage.js';
import { callerOf, recorded } from '../app.js';
import type { Caller } from '../auth/session.js';
import type { Context } from '../context.js';
import { refusals, type Refused } from '../errors.js';
import { rankParts } from '../ingest/grouping.js';
import { ruleRow } from '../rule-catalogue.js';
import { iso } from '../store/cursor.js';
import type { SuppressionRecord } from '../store/suppressions.js';
import { isRange, testOf } from '../suppress.js';
import { alertRow } from '../views.js';
import { add } from './alerts.js';

const DAY_MS = 86_400_000;
const YEAR_MS = 366 * DAY_MS;
const SAMPLES = 10;
const SOURCES = 10;

export function triageRoutes(app: FastifyInstance, context: Context): void {
  const { store, clock } = context;

  const row = async (r: SuppressionRecord): Promise<SuppressionRow> => {
    const people = await context.people();
    const person = (id: string) => people.get(id) ?? { id, account: id, name: id };
    const match = JSON.parse(r.match_json) as SuppressionMatch;
    const over = r.ended ?? (r.expires <= clock.now() ? r.expires : null);
    return {
      id: r.id, match, effect: r.effect as SuppressionRow['effect'], reason: r.reason, createdAt: iso(r.created), by: person(r.by), expires: iso(r.expires),
      state: over === null ? 'active' : 'ended', ...(over === null ? {} : { endedAt: iso(over) }), ...(r.ended_by === null ? {} : { endedBy: person(r.ended_by) }),
      hits: r.hits, ...(r.last_hit === null ? {} : { lastHit: iso(r.last_hit) }), ...(r.alert === null ? {} : { alert: r.alert }),
      ...(match.unit ? { unitName: context.assets().unit(match.unit) } : {}), ...(match.system ? { systemName: context.assets().system(match.system) } : {}),
    };
  };
  /** Refuses what cannot be meant, and what would hide other units' alerts. @returns the unit that the suppression is of */
  function checked(caller: Caller, match: SuppressionMatch): string | null {
    for (const name of ['source', 'asset'] as const) if (match[name] !== undefined && !isRange(match[name])) throw refusals.badRequest(`match.${name}`, 'is no address and no range');
    if (!['rule', 'class', 'source', 'asset', 'system', 'unit'].some((k) => k in match)) throw refusals.badRequest('match', 'names nothing that it is about');
    const { registry } = context.assets();
    const system = match.system === undefined ? undefined : registry.systems.find((s) => s.id === match.system);
    const own = (): Refused => refusals.needs('match.unit', '须限定在本单位范围内。', 'Name a unit or system of your own.');
    // Another unit's is answered like one that is not there.
    if (!caller.scope.all && ((match.system !== undefined && !caller.scope.units.includes(system?.unit ?? '')) || (match.unit !== undefined && !caller.scope.units.includes(match.unit)))) throw own();
    if (match.system !== undefined && !system) throw refusals.badRequest('match.system', 'is not in the registry');
    if (match.unit !== undefined && !registry.units.some((u) => u.id === match.unit)) throw refusals.badRequest('match.unit', 'is not in the registry');
    const unit = match.unit ?? system?.unit ?? null;
    if (caller.scope.all) return unit;
    if (unit === null || !caller.scope.units.includes(unit)) throw own();
    return unit;
  }

  app.get('/api/suppressions', async (request): Promise<SuppressionRow[]> => Promise.all((await store.suppressions.list(callerOf(request).scope)).map(row)));

  app.post<{ Body: SuppressionPreviewForm }>('/api/suppressions/preview', { schema: { body: SuppressionPreviewForm }, config: { audit: 'never' } }, async (request): Promise<SuppressionPreview> => {
    const caller = callerOf(request);
    const { match, days = 7 } = request.body;
    checked(caller, match);
    const { rows, capped } = await store.suppressions.candidates(caller.scope, match, match.unit ? context.assets().subtree(match.unit) : undefined, clock.now() - days * DAY_MS);
    const test = testOf(match, context.assets());
    const fit = rows.filter((r) => test(r));
    const preview: SuppressionPreview = { days, alerts: fit.length, capped, incidents: new Set(fit.map((r) => r.incident)).size, byVerdict: {}, bySeverity: {}, sources: [], samples: fit.slice(0, SAMPLES).map((r) => alertRow(r, context.assets())) };
    const sources: Record<string, number> = {};
    for (const r of fit) {
      add(preview.byVerdict, VERDICTS[r.verdict], 1);
      add(preview.bySeverity, SEVERITIES[r.severity], 1);
      add(sources, r.attacker_ip, 1);
    }
    preview.sources = Object.entries(sources).sort((a, b) => b[1] - a[1]).slice(0, SOURCES).map(([ip, count]) => ({ ip, count }));
    return preview;
  });

  app.post<{ Body: SuppressionCreate }>('/api/suppressions', { schema: { body: SuppressionCreate } }, async (request, reply) => {
    const caller = callerOf(request);
    const { match, effect = 'suppress', reason, alert } = request.body;
    const unit = checked(caller, match);
    const expires = Date.parse(request.body.expires);
    if (!(expires > clock.now()) || expires > clock.now() + YEAR_MS) throw refusals.badRequest('expires', 'does not lie within a year from now');
    if (alert !== undefined && !await store.alerts.byId(caller.scope, alert)) throw refusals.notFound();
    const record: SuppressionRecord = {
      id: `sup-${randomUUID()}`, match_json: JSON.stringify(match), effect, reason, created: clock.now(), by: caller.user.id, expires, ended: null, ended_by: null,
      hits: 0, last_hit: null, alert: alert ?? null, unit,
    };
    request.auditDetails = { id: record.id, match, effect, expires: iso(expires), reason };
    await recorded(context, request, (s) => s.suppressions.create(record));
    await context.loadSuppressions();
    return reply.status(201).send(await row(record));
  });

  /** Ends it, and what it hid comes back into the queue. */
  app.delete<{ Params: IdParams }>('/api/suppressions/:id', { schema: { params: IdParams } }, async (request): Promise<SuppressionRow> => {
    const caller = callerOf(request);
    const record = await store.suppressions.byId(caller.scope, request.params.id);
    if (!record) throw refusals.notFound();
    await recorded(context, request, async (s) => {
      if (!await s.suppressions.end(record.id, clock.now(), caller.user.id)) throw refusals.illegalStep('ended', 'end');
      request.auditDetails = { shownAgain: await s.suppressions.hiding(record.id) };
    });
    await context.loadSuppressions();
    await context.showAgain(record.id);
    return row(await store.suppressions.byId(caller.scope, record.id) as SuppressionRecord);
  });

  app.get('/api/filters', async (request): Promise<SavedFilter[]> => (await store.suppressions.filters(callerOf(request).user.id))
    .map((f) => ({ id: f.id, page: f.page as SavedFilter['page'], name: f.name, query: f.query, createdAt: iso(f.created) })));
  app.post<{ Body: SavedFilterForm }>('/api/filters', { schema: { body: SavedFilterForm }, config: { audit: 'never' } }, async (request, reply) => {
    const record = { id: `flt-${randomUUID()}`, user: callerOf(request).user.id, ...request.body, created: clock.now() };
    if (!await store.suppressions.saveFilter(record)) throw refusals.tooLarge();
    const { user: _, created, ...shown } = record;
    return reply.status(201).send({ ...shown, createdAt: iso(created) } satisfies SavedFilter);
  });
  app.delete<{ Params: IdParams }>('/api/filters/:id', { schema: { params: IdParams }, config: { audit: 'never' } }, async (request, reply) => {
    if (!await store.suppressions.dropFilter(callerOf(request).user.id, request.params.id)) throw refusals.notFound();
    return reply.status(204).send();
  });

  app.get<{ Querystring: SearchQuery }>('/api/search', { schema: { querystring: SearchQuery } }, async (request): Promise<SearchAnswer> => {
    const { scope, permissions, user } = callerOf(request);
    const { text, limit = 8 } = request.query;
    const may = (p: Parameters<typeof permissions.has>[0]): boolean => permissions.has(p);
    const assets = context.assets();
    const low = text.trim().toLowerCase();
    const fits = (...words: (string | undefined)[]): boolean => words.some((w) => w?.toLowerCase().includes(low));
    const seen = (unit: string): boolean => scope.all || scope.units.includes(unit);
    if (may('alert.read')) await store.indexWords(500);
    const [alerts, incidents, tickets, rules] = await Promise.all([
      may('alert.read') ? store.alerts.list(scope, { text, limit }).then((p) => p.rows) : [],
      may('incident.read') ? store.incidents.list(scope, { text, limit }, user.id).then((p) => p.rows) : [],
      may('ticket.read') ? store.tickets.list(scope, { text, limit }, clock.now()).then((p) => p.rows) : [],
      may('rule.read') ? context.rules.all(clock.now()).then((all) => [...all.values()].filter((r) => fits(r.id, String(r.sid), r.title.zh, r.title.en, ...r.references)).slice(0, limit)) : [],
    ]);
    return {
      alerts: alerts.map((r) => alertRow(r, assets)), incidents: await context.incidentRows(scope, incidents), tickets: context.ticketRows(tickets),
      rules: rules.map((r) => ruleRow(r, 0)),
      systems: may('registry.read') ? assets.registry.systems.filter((s) => seen(s.unit) && fits(s.id, s.zh, s.en, s.filing, ...(s.domains ?? []), ...s.ranges)).slice(0, limit)
        .map((s) => ({ id: s.id, zh: s.zh, en: s.en, unit: assets.unit(s.unit) ?? { id: s.unit, zh: s.unit, en: s.unit } })) : [],
      units: may('registry.read') ? assets.registry.units.filter((u) => seen(u.id) && fits(u.id, u.zh, u.en)).slice(0, limit).map(({ id, zh, en }) => ({ id, zh, en })) : [],
    };
  });

  app.get<{ Params: IdParams }>('/api/incidents/:id/ranking', { schema: { params: IdParams } }, async (request): Promise<RankingView> => {
    const record = await store.incidents.byId(callerOf(request).scope, request.params.id);
    if (!record) throw refusals.notFound();
    return { rank: record.rank, parts: rankParts(record, context.assets().value(record.system)) };
  });
}
