import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { AuditRow, AuditVerification, Named, Page, UserName } from '../../model/api.js';
import { AuditQuery } from '../../model/requests.js';
import type { Assets } from '../assets.js';
import type { Context } from '../context.js';
import type { AuditRecord } from '../store/audit.js';
import { iso } from '../store/cursor.js';

/** A record is as deep as a form; deeper, nothing is looked up. */
const DEPTH_MAX = 8;
/** Fields that hold the id of a unit or of a system; what else has the same letters is a word. People's ids are unique by themselves. */
const UNITS = new Set(['unit', 'parent']);
const isOf = (action: string, kind: 'units' | 'systems'): boolean => action.includes(`/api/${kind}/:id`);

/** Names of those whose ids an entry holds. */
function namesIn(r: AuditRecord, details: unknown, people: ReadonlyMap<string, UserName>, assets: Assets): Record<string, UserName | Named> {
  const out: Record<string, UserName | Named> = {};
  const look = (value: unknown, field: string, depth: number): void => {
    if (typeof value === 'string') {
      // Changes of a ticket hold some of its parts as JSON.
      if (value.startsWith('{') && field.endsWith('_json')) {
        try { look(JSON.parse(value), '', depth + 1); } catch { /* no JSON: a text */ }
        return;
      }
      const unit = UNITS.has(field) || (field === 'id' && isOf(r.action, 'units'));
      const known = people.get(value) ?? (unit ? assets.unit(value) : field === 'system' || (field === 'id' && isOf(r.action, 'systems')) ? assets.system(value) : undefined);
      // A unit that is gone is called by its id, which is no name.
      if (known && !('zh' in known && known.zh === value && known.en === value)) out[value] = known;
    } else if (Array.isArray(value)) for (const v of value) look(v, field, depth);
    else if (typeof value === 'object' && value !== null && depth < DEPTH_MAX) for (const [key, v] of Object.entries(value)) look(v, key === '0' || key === '1' ? field : key, depth + 1);
  };
  look(details, '', 0);
  look(r.object, 'id', 0);
  return out;
}

export function auditRoutes(app: FastifyInstance, context: Context): void {
  const { audit } = context.store;
  app.get<{ Querystring: AuditQuery }>('/api/audit', { schema: { querystring: AuditQuery } }, async (request): Promise<Page<AuditRow>> => {
    const people = await context.people(true);
    const assets = context.assets();
    const row = (r: AuditRecord): AuditRow => {
      const details = r.details_json === null ? undefined : JSON.parse(r.details_json) as Record<string, unknown>;
      const names = namesIn(r, details, people, assets);
      return {
        seq: r.seq, at: iso(r.at), ...(r.actor === null ? {} : { actor: people.get(r.actor) ?? { id: r.actor, account: r.actor, name: r.actor } }),
        ...(r.address === null ? {} : { address: r.address }), action: r.action, ...(r.object === null ? {} : { object: r.object }), outcome: r.outcome as AuditRow['outcome'],
        ...(details === undefined ? {} : { details }), ...(Object.keys(names).length > 0 ? { names } : {}), hash: r.hash,
      };
    };
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
