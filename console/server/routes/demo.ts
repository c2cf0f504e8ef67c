import type { FastifyInstance } from 'fastify';
import type { DemoCleared } from '../../model/api.js';
import type { Context } from '../context.js';

export function demoRoutes(app: FastifyInstance, context: Context): void {
  app.delete('/api/demo', async (request): Promise<DemoCleared> => {
    const { files, ...cleared } = await context.store.demo.clear();
    for (const sha256 of files) await context.files.remove(sha256);
    const metrics = await context.metrics.remove('demo', 'true').then(() => true, (error: unknown) => {
      context.log.warn('the metrics store kept its demonstration points', { error });
      return false;
    });
    context.demo = false;
    context.live.push({ kind: 'demo-cleared' }, { units: 'all' });
    request.auditDetails = { ...cleared, metrics };
    return { ...cleared, metrics };
  });
}
