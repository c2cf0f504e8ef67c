import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from '@sinclair/typebox';
import { Registry, System, Unit } from '../../../contracts/registry.js';
import { OperatorError } from '../../../runtime/errors.js';
import { parseRegistry } from '../../../runtime/registry.js';
import { stringify } from 'yaml';
import type { RegistryChange, RegistryView } from '../../model/api.js';
import { IdParams, RegistryUpload } from '../../model/requests.js';
import { callerOf, languageOf, recorded } from '../app.js';
import { changed } from '../audit-change.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { faultsOf } from '../registry-faults.js';
import { iso } from '../store/cursor.js';
import { sees } from '../store/scope.js';

type Parts = Pick<Registry, 'units' | 'systems'>;

/** Units and systems by what happened to them. */
function compare(before: Parts, after: Parts): Pick<RegistryChange, 'added' | 'removed' | 'changed'> {
  const flat = (r: Parts): Map<string, string> => new Map([...r.units.map((u) => [`unit ${u.id}`, JSON.stringify(u)] as const), ...r.systems.map((s) => [`system ${s.id}`, JSON.stringify(s)] as const)]);
  const [old, now] = [flat(before), flat(after)];
  return {
    added: [...now.keys()].filter((k) => !old.has(k)), removed: [...old.keys()].filter((k) => !now.has(k)),
    changed: [...now].filter(([k, v]) => old.has(k) && old.get(k) !== v).map(([k]) => k),
  };
}
const byId = <T extends { id: string }>(list: readonly T[], more: readonly T[]): T[] => [...new Map([...list, ...more].map((x) => [x.id, x])).values()];

export function registryRoutes(app: FastifyInstance, context: Context): void {
  const { store, clock } = context;

  /** Reads the registry through the same checks as at start, whoever wrote it. */
  function checked(text: string, name: string, language: 'zh' | 'en'): Registry {
    try {
      return parseRegistry(text, name);
    } catch (error) {
      if (error instanceof OperatorError) throw refusals.badRegistry(faultsOf(error.message, language));
      throw error;
    }
  }
  /** @param told what the audit log says of it */
  async function apply(next: Registry, request: FastifyRequest, told: (version: number, change: ReturnType<typeof compare>) => Record<string, unknown>): Promise<RegistryChange> {
    checked(stringify(next), 'registry.yaml', languageOf(request));
    const by = callerOf(request).user.id;
    const before = context.assets();
    const change = compare(before.registry, next);
    const version = await recorded(context, request, async (s) => {
      const put = await s.registry.put(next, before.version, clock.now(), by);
      if (put === undefined) throw refusals.conflict();
      request.auditDetails = told(put, change);
      return put;
    });
    context.useRegistry(next, version);
    await context.loadSuppressions();
    context.live.push({ kind: 'registry', version }, { units: 'all' });
    // Whoever has a page open may see more or less from now on.
    context.live.dismiss((l) => !l.scope.all, 'SW_CONSOLE_REGISTRY');
    await context.announceRegistry();
    return { version, applied: true, units: next.units.length, systems: next.systems.length, ...change, warnings: [] };
  }

  app.get('/api/registry', async (request): Promise<RegistryView> => {
    const { scope } = callerOf(request);
    const { registry, version } = context.assets();
    const current = await store.registry.current();
    const people = await context.people();
    const seen: Registry = scope.all ? registry : {
      units: registry.units.filter((u) => sees(scope, u.id)).map((u) => (u.parent && !sees(scope, u.parent) ? { ...u, parent: undefined } : u)),
      systems: registry.systems.filter((s) => sees(scope, s.unit)),
    };
    return { registry: seen, version, ...(current ? { changedAt: iso(current.at), ...(current.by ? { by: people.get(current.by) } : {}) } : {}) };
  });

  app.put<{ Body: RegistryUpload }>('/api/registry', { schema: { body: RegistryUpload } }, async (request): Promise<RegistryChange> => {
    const { format, text, dryRun } = request.body;
    const now = context.assets().registry;
    const read = checked(text, format === 'yaml' ? 'registry.yaml' : 'registry.csv', languageOf(request));
    const next: Registry = format === 'yaml' ? read
      : format === 'units-csv' ? { ...now, units: read.units, systems: byId(now.systems, read.systems) }
        : { ...now, units: byId(read.units, now.units), systems: read.systems };
    if (dryRun) {
      checked(stringify(next), 'registry.yaml', languageOf(request));
      return { version: context.assets().version, applied: false, units: next.units.length, systems: next.systems.length, ...compare(now, next), warnings: [] };
    }
    return apply(next, request, (version, change) => ({ format, version, added: change.added.length, removed: change.removed.length, changed: change.changed.length }));
  });

  const UnitBody = Type.Omit(Unit, ['id'], { additionalProperties: false });
  const SystemBody = Type.Omit(System, ['id'], { additionalProperties: false });
  app.put<{ Params: IdParams; Body: Omit<Registry['units'][number], 'id'> }>('/api/units/:id', { schema: { params: IdParams, body: UnitBody } }, (request) => {
    const { registry } = context.assets();
    if (request.body.parent && context.assets().subtree(request.params.id).includes(request.body.parent)) throw refusals.badRequest('parent', 'lies below the unit itself');
    const told = changed(registry.units.find((u) => u.id === request.params.id), { ...request.body, id: request.params.id });
    return apply({ ...registry, units: byId(registry.units, [{ ...request.body, id: request.params.id }]) }, request, () => told);
  });
  app.put<{ Params: IdParams; Body: Omit<Registry['systems'][number], 'id'> }>('/api/systems/:id', { schema: { params: IdParams, body: SystemBody } }, (request) => {
    const { registry } = context.assets();
    const told = changed(registry.systems.find((s) => s.id === request.params.id), { ...request.body, id: request.params.id });
    return apply({ ...registry, systems: byId(registry.systems, [{ ...request.body, id: request.params.id }]) }, request, () => told);
  });
  app.delete<{ Params: IdParams }>('/api/units/:id', { schema: { params: IdParams } }, async (request) => {
    const { registry } = context.assets();
    const { id } = request.params;
    if (!registry.units.some((u) => u.id === id)) throw refusals.notFound();
    const used = registry.units.some((u) => u.parent === id) || registry.systems.some((s) => s.unit === id) || (await store.people.all()).some((u) => u.unit === id);
    if (used) throw refusals.inUse(id);
    const told = changed(registry.units.find((u) => u.id === id), undefined);
    return apply({ ...registry, units: registry.units.filter((u) => u.id !== id) }, request, () => told);
  });
  app.delete<{ Params: IdParams }>('/api/systems/:id', { schema: { params: IdParams } }, (request) => {
    const { registry } = context.assets();
    if (!registry.systems.some((s) => s.id === request.params.id)) throw refusals.notFound();
    const told = changed(registry.systems.find((s) => s.id === request.params.id), undefined);
    return apply({ ...registry, systems: registry.systems.filter((s) => s.id !== request.params.id) }, request, () => told);
  });
}
