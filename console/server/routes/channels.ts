import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ChannelRow, ChannelTest, DeliveryRow } from '../../model/api.js';
import { ChannelForm } from '../../model/channel.js';
import { IdParams } from '../../model/requests.js';
import { callerOf, recorded } from '../app.js';
import { changed } from '../audit-change.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { stixBundle } from '../outbound/stix.js';
import type { ChannelRecord } from '../store/channels.js';
import { iso } from '../store/cursor.js';

const CHANNELS_MAX = 50;
const INDICATORS_MAX = 2_000;
const NEEDED: Record<ChannelForm['kind'], (keyof ChannelForm['target'])[]> = { webhook: ['url'], mail: ['host', 'from', 'to'], syslog: ['host'], cef: ['host'], eve_file: ['file'] };

export function channelRoutes(app: FastifyInstance, context: Context): void {
  const { store, clock } = context;
  const demand = async (id: string): Promise<ChannelRecord> => {
    const record = await store.channels.byId(id);
    if (!record) throw refusals.notFound();
    return record;
  };
  const row = (c: ChannelRecord, waiting: number): ChannelRow => ({
    ...JSON.parse(c.form_json) as ChannelForm, id: c.id, hasSecret: c.secret !== null, waiting, done: c.done, failed: c.failed,
    ...(c.last_at === null ? {} : { lastAt: iso(c.last_at) }), ...(c.last_error === null ? {} : { lastError: c.last_error }),
  });
  /** @param told what the audit log says of it */
  async function write(request: FastifyRequest, form: ChannelForm, told: (id: string) => Record<string, unknown>, before?: ChannelRecord): Promise<ChannelRow> {
    for (const name of NEEDED[form.kind]) if (form.target[name] === undefined || (Array.isArray(form.target[name]) && form.target[name].length === 0)) throw refusals.badRequest(`target.${name}`, 'is missing');
    if (form.unit && !context.assets().registry.units.some((u) => u.id === form.unit)) throw refusals.badRequest('unit', 'is not in the registry');
    const { secret, ...target } = form.target;
    const record: ChannelRecord = {
      id: before?.id ?? `chn-${randomUUID()}`, form_json: JSON.stringify({ ...form, target }), secret: secret ? context.seal.seal(secret) : before?.secret ?? null, enabled: form.enabled ? 1 : 0,
      created: before?.created ?? clock.now(), done: before?.done ?? 0, failed: before?.failed ?? 0, last_at: before?.last_at ?? null, last_error: before?.last_error ?? null,
    };
    request.auditDetails = told(record.id);
    await recorded(context, request, (s) => s.channels.put(record));
    await context.outbound?.load();
    return row(record, (await store.channels.waiting()).get(record.id) ?? 0);
  }

  app.get('/api/channels', async (): Promise<ChannelRow[]> => {
    const waiting = await store.channels.waiting();
    return (await store.channels.list()).map((c) => row(c, waiting.get(c.id) ?? 0));
  });
  app.post<{ Body: ChannelForm }>('/api/channels', { schema: { body: ChannelForm } }, async (request, reply) => {
    if ((await store.channels.list()).length >= CHANNELS_MAX) throw refusals.tooLarge();
    const { kind, name } = request.body;
    return reply.status(201).send(await write(request, request.body, (id) => ({ id, kind, name })));
  });
  app.put<{ Params: IdParams; Body: ChannelForm }>('/api/channels/:id', { schema: { params: IdParams, body: ChannelForm } }, async (request): Promise<ChannelRow> => {
    const held = await demand(request.params.id);
    // The secret is in neither; that it was given anew is told.
    const { target: { secret, ...target }, ...form } = request.body;
    const { target: before, ...old } = JSON.parse(held.form_json) as ChannelForm;
    return write(request, request.body, () => ({ name: form.name, ...changed({ ...old, target: before }, { ...form, target }), ...(secret === undefined ? {} : { secretReplaced: true }) }), held);
  });
  app.delete<{ Params: IdParams }>('/api/channels/:id', { schema: { params: IdParams } }, async (request, reply) => {
    await recorded(context, request, async (s) => { if (!await s.channels.drop(request.params.id)) throw refusals.notFound(); });
    await context.outbound?.load();
    return reply.status(204).send();
  });
  app.post<{ Params: IdParams }>('/api/channels/:id/test', { schema: { params: IdParams } }, async (request): Promise<ChannelTest> => {
    const record = await demand(request.params.id);
    await recorded(context, request);
    return context.outbound?.test(record) ?? { ok: false, ms: 0 };
  });
  app.get<{ Params: IdParams }>('/api/channels/:id/deliveries', { schema: { params: IdParams } }, async (request): Promise<DeliveryRow[]> => {
    const { id } = await demand(request.params.id);
    return (await store.channels.deliveries(id)).map((d) => ({
      id: String(d.num), at: iso(d.at), event: d.event as DeliveryRow['event'], object: d.object, state: d.state as DeliveryRow['state'], tries: d.tries, bytes: d.bytes,
      ...(d.state === 'waiting' ? { nextAt: iso(d.next_at) } : {}), ...(d.error === null ? {} : { error: d.error }),
    }));
  });

  app.get<{ Params: IdParams }>('/api/incidents/:id/stix', { schema: { params: IdParams }, config: { audit: 'always' } }, async (request, reply) => {
    const incident = await store.incidents.byId(callerOf(request).scope, request.params.id);
    if (!incident) throw refusals.notFound();
    return reply.header('content-disposition', `attachment; filename="${incident.id}.stix.json"`).type('application/stix+json;version=2.1').send(JSON.stringify(stixBundle([incident], clock.now(), true)));
  });
  /** Attackers of the confirmed incidents and of whatever succeeded. */
  app.get('/api/indicators/stix', { config: { audit: 'always' } }, async (request, reply) => {
    const { scope } = callerOf(request);
    const [confirmed, succeeded] = await Promise.all([
      store.incidents.list(scope, { state: 'confirmed,remediation,closed', demo: false, limit: INDICATORS_MAX }), store.incidents.list(scope, { verdict: 'succeeded,compromised', demo: false, limit: INDICATORS_MAX }),
    ]);
    const rows = [...new Map([...confirmed.rows, ...succeeded.rows].filter((r) => r.state !== 'dismissed').map((r) => [r.id, r])).values()];
    return reply.header('content-disposition', 'attachment; filename="indicators.stix.json"').type('application/stix+json;version=2.1').send(JSON.stringify(stixBundle(rows, clock.now(), false)));
  });
}
