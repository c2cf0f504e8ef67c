import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { UserName, UserView } from '../../model/api.js';
import { IdParams, RolesForm, UserCreate, UserEdit } from '../../model/requests.js';
import { ROLE_NAMES, permissionsOf, separationFault, type Role } from '../../model/roles.js';
import { callerOf, recorded } from '../app.js';
import { changed } from '../audit-change.js';
import type { Assets } from '../assets.js';
import { changedPassword, demandStrong, hashPassword } from '../auth/password.js';
import { rolesOf } from '../auth/session.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { iso } from '../store/cursor.js';
import { newUser, type UserRecord } from '../store/people.js';

export function userView(u: UserRecord, assets: Assets, lockedUntil?: number): UserView {
  return {
    id: u.id, account: u.account, name: u.name, roles: rolesOf(u), ...(u.unit === null ? {} : { unit: assets.unit(u.unit) }), disabled: u.disabled === 1, totp: u.totp !== null,
    createdAt: iso(u.created), ...(u.last_login === null ? {} : { lastLoginAt: iso(u.last_login) }), ...(lockedUntil ? { lockedUntil: iso(lockedUntil) } : {}),
  };
}

/** Accounts are the system administrator's, rights the security administrator's; nobody changes their own. */
export function userRoutes(app: FastifyInstance, context: Context): void {
  const { store, config, clock } = context;
  const demandUnit = (unit: string): void => {
    if (!context.assets().registry.units.some((u) => u.id === unit)) throw refusals.badRequest('unit', 'is not in the registry');
  };
  const demand = async (id: string): Promise<UserRecord> => {
    const user = await store.people.byId(id);
    if (!user) throw refusals.notFound();
    return user;
  };
  const show = async (id: string): Promise<UserView> => {
    await context.people(true);
    return userView(await demand(id), context.assets());
  };
  /** Closes what the user's browsers hear: with the sessions ended, a change holds at once. */
  const dismiss = (id: string): void => context.live.dismiss((l) => l.user === id, 'SW_CONSOLE_LOGIN');

  app.get('/api/users', async (): Promise<UserView[]> => Promise.all((await store.people.all()).map(async (u) => {
    const held = await store.people.failures(u.account);
    return userView(u, context.assets(), held && held.locked_until > clock.now() ? held.locked_until : undefined);
  })));
  app.get('/api/assignees', async (request): Promise<UserName[]> => {
    const { scope } = callerOf(request);
    return (await store.people.all())
      .filter((u) => u.disabled === 0 && permissionsOf(rolesOf(u)).has('incident.triage') && (scope.all || (u.unit !== null && scope.units.includes(u.unit))))
      .map((u) => ({ id: u.id, account: u.account, name: u.name }));
  });
  app.post<{ Body: UserCreate }>('/api/users', { schema: { body: UserCreate } }, async (request, reply) => {
    const { account, name, password, unit } = request.body;
    if (config.separation === 'strict') {
      if (password !== undefined) throw refusals.strictPassword();
    } else if (password === undefined) throw refusals.badRequest('password', 'is missing');
    else demandStrong(password, account, config.passwordPolicy);
    if (unit) demandUnit(unit);
    const user = newUser({
      id: `u-${randomUUID()}`, account: account.toLowerCase(), name, // In strict separation nobody knows the first one: a reset opens the account.
      password: await hashPassword(password ?? randomBytes(32).toString('hex')), must_change: 1, unit: unit ?? null,
      roles: [], created: clock.now(),
    });
    request.auditDetails = { account: user.account, unit: user.unit };
    await recorded(context, request, async (s) => { if (!await s.people.create(user)) throw refusals.taken(user.account); });
    return reply.status(201).send(await show(user.id));
  });
  app.patch<{ Params: IdParams; Body: UserEdit }>('/api/users/:id', { schema: { params: IdParams, body: UserEdit } }, async (request) => {
    const { name, unit, disabled, password } = request.body;
    const user = await demand(request.params.id);
    const self = callerOf(request).user.id === user.id;
    if (self && (unit !== undefined || disabled !== undefined || password !== undefined)) throw refusals.ownRoles();
    if (unit) demandUnit(unit);
    if (password !== undefined && config.separation === 'strict') throw refusals.strictPassword();
    if (password !== undefined) demandStrong(password, user.account, config.passwordPolicy);
    request.auditDetails = { account: user.account, ...changed({ name: user.name, unit: user.unit, disabled: user.disabled === 1 }, { name: name ?? user.name, unit: unit === undefined ? user.unit : unit, disabled: disabled ?? user.disabled === 1 }), passwordReset: password !== undefined };
    const next = {
      ...(name === undefined ? {} : { name }), ...(unit === undefined ? {} : { unit }), ...(disabled === undefined ? {} : { disabled: disabled ? 1 as const : 0 as const }),
      ...(password === undefined ? {} : { ...await changedPassword(user, password, { ...config.passwordPolicy, history: 1 }, clock.now()), must_change: 1 as const }), created: user.created,
    };
    const ends = unit !== undefined || disabled || password !== undefined;
    await recorded(context, request, async (s) => {
      await s.people.change(user.id, next);
      if (password !== undefined) await s.people.forgive(user.account);
      if (ends) await s.people.endSessionsOf(user.id);
      // Of what the unit before was told not even the number is left.
      if (unit !== undefined && unit !== user.unit) await s.notices.settle(user.id);
    });
    if (ends) dismiss(user.id);
    return show(user.id);
  });
  app.put<{ Params: IdParams; Body: RolesForm }>('/api/users/:id/roles', { schema: { params: IdParams, body: RolesForm } }, async (request) => {
    const user = await demand(request.params.id);
    if (callerOf(request).user.id === user.id) throw refusals.ownRoles();
    const roles: Role[] = request.body.roles;
    const fault = separationFault(roles, config.separation);
    if (fault) throw refusals.separation(ROLE_NAMES[fault[0]].zh, ROLE_NAMES[fault[1]].zh);
    request.auditDetails = { account: user.account, before: rolesOf(user), after: roles };
    await recorded(context, request, async (s) => {
      await s.people.change(user.id, { roles_json: JSON.stringify(roles) });
      await s.people.endSessionsOf(user.id);
    });
    dismiss(user.id);
    return show(user.id);
  });
  app.delete<{ Params: IdParams }>('/api/users/:id/sessions', { schema: { params: IdParams } }, async (request, reply) => {
    const { id } = await demand(request.params.id);
    await recorded(context, request, (s) => s.people.endSessionsOf(id));
    dismiss(id);
    return reply.status(204).send();
  });
}
