import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ChainView, PacketDetail, PacketPage, SigningKeyView, StreamView } from '../../model/api.js';
import { PacketParams, PacketQuery, StreamQuery } from '../../model/evidence.js';
import { IdParams } from '../../model/requests.js';
import { callerOf } from '../app.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { packBundle } from '../evidence/bundle.js';
import { chainOf } from '../evidence/chain.js';
import { openCapture, packetDetail, packetPage, streamView, type Opened } from '../evidence/packets.js';
import { iso } from '../store/cursor.js';

// A reader clicks through one capture: it is taken apart once. Half a MiB each.
const OPEN_MAX = 8;

export function evidenceRoutes(app: FastifyInstance, context: Context): void {
  const { store } = context;
  const open = new Map<string, Opened>();

  async function capture(request: FastifyRequest, id: string): Promise<Opened> {
    const record = await store.evidence.byId(callerOf(request).scope, id);
    if (!record) throw refusals.notFound();
    let held = open.get(record.sha256);
    if (!held) {
      const bytes = await context.files.bytes(record.sha256);
      held = bytes && openCapture(bytes);
      if (!held) throw refusals.noCapture();
      if (open.size >= OPEN_MAX) open.delete(open.keys().next().value as string);
      open.set(record.sha256, held);
    }
    return held;
  }

  app.get<{ Params: IdParams; Querystring: PacketQuery }>('/api/evidence/:id/packets', { schema: { params: IdParams, querystring: PacketQuery }, config: { audit: 'always' } }, async (request): Promise<PacketPage> => {
    const { from = 1, limit = 100, stream } = request.query;
    return packetPage(await capture(request, request.params.id), from, limit, stream);
  });
  app.get<{ Params: PacketParams }>('/api/evidence/:id/packets/:number', { schema: { params: PacketParams } }, async (request): Promise<PacketDetail> => {
    const packet = packetDetail(await capture(request, request.params.id), request.params.number);
    if (!packet) throw refusals.notFound();
    return packet;
  });
  app.get<{ Params: IdParams; Querystring: StreamQuery }>('/api/evidence/:id/stream', { schema: { params: IdParams, querystring: StreamQuery } }, async (request): Promise<StreamView> => {
    const view = streamView(await capture(request, request.params.id), request.query.stream);
    if (!view) throw refusals.notFound();
    return view;
  });

  app.get<{ Params: IdParams }>('/api/incidents/:id/chain', { schema: { params: IdParams } }, async (request): Promise<ChainView> => {
    const { scope } = callerOf(request);
    const incident = await store.incidents.byId(scope, request.params.id);
    if (!incident) throw refusals.notFound();
    const { links, missing, cut } = await chainOf(context, scope, incident);
    return { incident: incident.id, links, head: links.at(-1)?.link ?? '', missing, cut, keyId: context.signing.keyId };
  });
  app.get<{ Params: IdParams }>('/api/incidents/:id/bundle', { schema: { params: IdParams }, config: { audit: 'always' } }, async (request, reply) => {
    const { scope } = callerOf(request);
    const incident = await store.incidents.byId(scope, request.params.id);
    if (!incident) throw refusals.notFound();
    const { links, files, missing } = await chainOf(context, scope, incident);
    const bundle = packBundle({ incident: incident.id, title: incident.title_zh, createdAt: iso(context.clock.now()), producer: `Shouwang ${context.version}`, missing }, links, files, context.signing);
    request.auditDetails = { head: links.at(-1)?.link, links: links.length };
    return reply.header('content-disposition', `attachment; filename="${incident.id}.swbundle"`).type('application/gzip').send(bundle);
  });
  app.get('/api/signing-key', (): SigningKeyView => ({ keyId: context.signing.keyId, publicKey: context.signing.publicPem, algorithm: 'ed25519' }));
}
