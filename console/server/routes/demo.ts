import type { FastifyInstance } from 'fastify';
import type { DemoCleared } from '../../model/api.js';
import { recorded } from '../app.js';
import type { Context } from '../context.js';

export function demoRoutes(app: FastifyInstance, context: Context): void {
  app.delete('/api/demo', async (request): Promise<DemoCleared> => {
    const { files, ...cleared } = await recorded(context, request, async (s) => {
      const { files: unused, ...gone } = await s.demo.clear();
      request.auditDetails = gone;
      return { files: unused, ...gone };
    });
    for (const sha256 of files) await context.files.remove(sha256);
    const metrics = await context.metrics.remove('demo', 'true').then(() => true, (error: unknown) => {
      context.log.warn('the metrics store kept its demonstration points', { error });
      return false;
    });
    context.demo = false;
    context.live.push({ kind: 'demo-cleared' }, { units: 'all' });
    return { ...cleared, metrics };
  });
}
