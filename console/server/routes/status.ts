import type { FastifyInstance } from 'fastify';
import { Gauge, Registry as PromRegistry } from 'prom-client';
import { callerOf, isLocal } from '../app.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import type { Described } from '../openapi.js';
import { EVERYTHING } from '../store/scope.js';

export function statusRoutes(app: FastifyInstance, context: Context): void {
  app.get('/healthz', { config: { rateLimit: false } }, async (_request, reply) => {
    const bus = context.bus.state;
    const store = await context.store.people.anybody().then(() => true, () => false);
    return reply.status(store ? 200 : 503).send({ status: store && bus === 'connected' ? 'ok' : 'degraded', bus, store });
  });

  const prom = new PromRegistry();
  const counters = new Gauge({ name: 'shouwang_console', help: 'Counters of the console by name', labelNames: ['name'], registers: [prom] });
  const health = new Gauge({ name: 'shouwang_node', help: 'Counters and gauges of every process, from its last heartbeat', labelNames: ['role', 'id', 'name'], registers: [prom] });
  app.get('/metrics', { config: { rateLimit: false } }, async (request, reply) => {
    if (!isLocal(request.ip) && !context.config.metricsFrom.includes(request.ip)) throw refusals.forbidden('metrics');
    counters.reset();
    health.reset();
    for (const [name, value] of Object.entries(context.counters())) counters.set({ name }, value);
    for (const { health: h } of await context.store.nodes.list(EVERYTHING)) {
      for (const [name, value] of Object.entries({ ...h.counters, ...h.gauges })) if (typeof value === 'number') health.set({ role: h.role, id: h.id, name }, value);
    }
    return reply.type(prom.contentType).send(await prom.metrics());
  });

  // Loaded when first wanted: shapes and examples are long.
  app.get('/api/openapi.json', async () => (await import('../openapi.js')).describe((app as unknown as { swagger(): Described }).swagger()));

  app.get('/api/nodes', async (request) => context.nodeViews(callerOf(request).scope));
}
