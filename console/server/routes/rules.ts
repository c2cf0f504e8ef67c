import type { FastifyInstance } from 'fastify';
import type { CoverageView, RuleRow, RuleView } from '../../model/api.js';
import { IdParams, RuleQuery } from '../../model/requests.js';
import { callerOf } from '../app.js';
import { coverageOf } from '../coverage.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { ruleRow } from '../rule-catalogue.js';

const DAY_MS = 86_400_000;

export function ruleRoutes(app: FastifyInstance, context: Context): void {
  const hits = (request: Parameters<typeof callerOf>[0]): Promise<Map<string, number>> =>
    context.store.alerts.hitsByRule(callerOf(request).scope, context.clock.now() - DAY_MS);

  app.get<{ Querystring: RuleQuery }>('/api/rules', { schema: { querystring: RuleQuery } }, async (request): Promise<RuleRow[]> => {
    const { text, class: classes, severity } = request.query;
    const [rules, counted] = await Promise.all([context.rules.all(context.clock.now()), hits(request)]);
    const needle = text?.trim().toLowerCase();
    return [...rules.values()]
      .filter((r) => (!classes || classes.split(',').includes(r.class)) && (!severity || severity.split(',').includes(r.severity)))
      .filter((r) => !needle || [r.id, String(r.sid), r.title.zh, r.title.en, ...r.techniques, ...r.references].some((t) => t.toLowerCase().includes(needle)))
      .map((r) => ruleRow(r, counted.get(r.id) ?? 0))
      .sort((a, b) => b.hits24h - a.hits24h || a.sid - b.sid);
  });
  app.get('/api/coverage', async (request): Promise<CoverageView> => {
    const [rules, counted] = await Promise.all([context.rules.all(context.clock.now()), hits(request)]);
    return coverageOf([...rules.values()], counted);
  });
  app.get<{ Params: IdParams }>('/api/rules/:id', { schema: { params: IdParams } }, async (request): Promise<RuleView> => {
    const rule = (await context.rules.all(context.clock.now())).get(request.params.id);
    if (!rule) throw refusals.notFound();
    return { ...rule, hits24h: (await hits(request)).get(rule.id) ?? 0 };
  });
}
