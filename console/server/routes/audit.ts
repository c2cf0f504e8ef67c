import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { AuditRow, AuditVerification, Page } from '../../model/api.js';
import { AuditQuery } from '../../model/requests.js';
import type { Context } from '../context.js';
import type { AuditRecord } from '../store/audit.js';
import { iso } from '../store/cursor.js';

export function auditRoutes(app: FastifyInstance, context: Context): void {
  const { audit } = context.store;
  app.get<{ Querystring: AuditQuery }>('/api/audit', { schema: { querystring: AuditQuery } }, async (request): Promise<Page<AuditRow>> => {
    const people = await context.people();
    const row = (r: AuditRecord): AuditRow => ({
      seq: r.seq, at: iso(r.at), ...(r.actor === null ? {} : { actor: people.get(r.actor) ?? { id: r.actor, account: r.actor, name: r.actor } }),
      ...(r.address === null ? {} : { address: r.address }), action: r.action, ...(r.object === null ? {} : { object: r.object }), outcome: r.outcome as AuditRow['outcome'],
      ...(r.details_json === null ? {} : { details: JSON.parse(r.details_json) as Record<string, unknown> }), hash: r.hash,
    });
    const { rows, next } = await audit.list(request.query);
    return { items: rows.map(row), ...(next ? { next } : {}) };
  });
  app.get('/api/audit/verification', (): Promise<AuditVerification> => audit.verify());
  /** One entry a line, with the fields that its hash covers, so that the chain can be checked elsewhere. */
  app.get('/api/audit/export', { config: { audit: 'always' } }, async (_request, reply) => {
    async function* lines(): AsyncGenerator<string> {
      for await (const rows of audit.all()) yield rows.map((r) => `${JSON.stringify(r)}\n`).join('');
    }
    return reply.header('content-disposition', 'attachment; filename="audit.ndjson"').type('application/x-ndjson').send(Readable.from(lines()));
  });
}
