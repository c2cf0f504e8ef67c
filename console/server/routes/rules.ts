import type { FastifyInstance } from 'fastify';
import type { CoverageView, RuleRow, RuleTrialView, RuleView } from '../../model/api.js';
import { IdParams, RuleQuery, RuleTrialForm } from '../../model/requests.js';
import { callerOf, recorded } from '../app.js';
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
  app.post<{ Body: RuleTrialForm }>('/api/rule-trials', { schema: { body: RuleTrialForm }, config: { audit: 'always' } }, async (request, reply) => {
    const caller = callerOf(request);
    const view = await context.trials.start(caller, request.body);
    request.auditDetails = { captures: view.captures.of, rule: request.body.rule.slice(0, 200) };
    await recorded(context, request).catch((error: unknown) => {
      context.trials.cancel(caller, view.id);
      throw error;
    });
    return reply.status(202).send(view);
  });
  app.get<{ Params: IdParams }>('/api/rule-trials/:id', { schema: { params: IdParams } }, async (request): Promise<RuleTrialView> => context.trials.find(callerOf(request), request.params.id));
  app.delete<{ Params: IdParams }>('/api/rule-trials/:id', { schema: { params: IdParams } }, async (request): Promise<RuleTrialView> => {
    context.trials.find(callerOf(request), request.params.id);
    await recorded(context, request);
    return context.trials.cancel(callerOf(request), request.params.id);
  });
}
