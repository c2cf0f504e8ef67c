import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SessionRow, SessionView } from '../../model/api.js';
import { OidcCallback } from '../../model/account.js';
import { IdParams, LoginForm, PasswordForm, SetupForm } from '../../model/requests.js';
import { FIRST_ROLES, permissionsOf, type Role } from '../../model/roles.js';
import { callerOf, cookieName, cookieOptions, recorded } from '../app.js';
import { changedPassword, checkPassword, demandStrong, hashPassword, lockMs } from '../auth/password.js';
import { mustEnrol, rolesOf } from '../auth/session.js';
import { checkSecondFactor } from '../auth/second-factor.js';
import { setupCodeIs, voidSetupCode } from '../auth/setup-code.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { iso } from '../store/cursor.js';
import { newUser, type SessionRecord, type UserRecord } from '../store/people.js';
import type { Parts } from '../store/store.js';
import { userView } from './users.js';

// Per address and minute; guessing goes on against the account's own lock.
// By address, whoever is logged in already; many people share one, and each account has its own lock against guessing.
const GUESSES = { rateLimit: { max: 30, timeWindow: 60_000, keyGenerator: (request: FastifyRequest) => `guesses ${request.ip}` } };

export function sessionRoutes(app: FastifyInstance, context: Context): void {
  const { store, config, clock } = context;
  let setUp = false;

  async function view(user?: UserRecord, session?: SessionRecord): Promise<SessionView> {
    setUp ||= await store.people.anybody();
    return {
      setupRequired: !setUp, separation: config.separation, version: context.version, demo: user ? context.demo : false, passwordPolicy: config.passwordPolicy, ...(config.oidc ? { oidc: { label: config.oidc.label, href: '/api/oidc/login' } } : {}),
      permissions: user ? [...permissionsOf(rolesOf(user))] : [],
      ...(user && session ? { user: userView(user, context.assets()), csrf: session.csrf, expiresAt: iso(session.expires), mustChangePassword: user.must_change === 1, ...(mustEnrol(user, config.secondFactor) ? { mustEnrol: true } : {}), unreadNotices: await store.notices.unread(user.id) } : {}),
    };
  }
  /** @param change what the login itself changes */
  async function enter(user: UserRecord, request: FastifyRequest, reply: FastifyReply, change: (s: Parts) => Promise<void> = () => Promise.resolve()): Promise<SessionView> {
    const { token, session } = context.sessions.fresh(user, request.ip, String(request.headers['user-agent'] ?? ''));
    request.auditActor = user.id;
    const before = request.caller?.session.id;
    await recorded(context, request, async (s) => {
      await change(s);
      // A new session for every login: a token planted before it is worth nothing.
      if (before !== undefined) await s.people.endSession(before);
      await s.people.openSession(session);
      await s.people.change(user.id, { last_login: clock.now() });
    });
    await store.people.dropStale(clock.now(), config.idleMs);
    void reply.setCookie(cookieName(context), token, cookieOptions(context));
    return view({ ...user, last_login: clock.now() }, session);
  }

  app.get('/api/session', (request) => view(request.caller?.user, request.caller?.session));

  app.post<{ Body: SetupForm }>('/api/setup', { schema: { body: SetupForm }, config: GUESSES }, async (request, reply) => {
    if (setUp || await store.people.anybody()) throw refusals.setupDone();
    if (!await setupCodeIs(store.people, request.body.code)) throw refusals.badSetupCode();
    const { securityAdmin, auditor } = request.body;
    const wanted: { form: { account: string; name: string; password: string }; roles: readonly Role[]; path: string }[] = [
      { form: request.body, roles: FIRST_ROLES[config.separation], path: 'account' },
    ];
    if (config.separation === 'strict') {
      if (!securityAdmin || !auditor) throw refusals.needs('securityAdmin', '三员分立：须同时建立安全管理员和审计管理员账号。', 'Three administrators are three people: give the security administrator and the auditor, too.');
      wanted.push({ form: securityAdmin, roles: ['security_admin'], path: 'securityAdmin' }, { form: auditor, roles: ['auditor'], path: 'auditor' });
    }
    for (const { form } of wanted) demandStrong(form.password, form.account, config.passwordPolicy);
    const accounts = wanted.map((w) => w.form.account.toLowerCase());
    if (new Set(accounts).size < accounts.length) throw refusals.taken(accounts.find((a, i) => accounts.indexOf(a) !== i) as string);
    const users = await Promise.all(wanted.map(async ({ form, roles }, i) => newUser({
      id: `u-${randomUUID()}`, account: accounts[i], name: form.name, password: await hashPassword(form.password), must_change: i === 0 ? 0 : 1,
      unit: null, roles, created: clock.now(),
    })));
    const view = await enter(users[0], request, reply, async (s) => {
      if (await s.people.anybody() || !await s.people.create(...users)) throw refusals.setupDone();
      await voidSetupCode(s.people);
    });
    setUp = true;
    await context.people(true);
    return view;
  });

  app.post<{ Body: LoginForm }>('/api/login', { schema: { body: LoginForm }, config: GUESSES }, async (request, reply) => {
    const account = request.body.account.toLowerCase();
    request.auditDetails = { account };
    const held = await store.people.failures(account);
    if (held && held.locked_until > clock.now()) throw refusals.locked(Math.ceil((held.locked_until - clock.now()) / 1000));
    const user = await store.people.byAccount(account);
    const good = await checkPassword(user?.password, request.body.password);
    if (!good || !user || user.disabled === 1) {
      const failures = await store.people.fail(account, clock.now(), lockMs);
      const locked = lockMs(failures);
      throw locked > 0 ? refusals.locked(Math.ceil(locked / 1000)) : refusals.badLogin();
    }
    let change: Partial<UserRecord> | undefined;
    if (user.totp !== null) {
      if (!request.body.code) throw refusals.secondFactor();
      change = checkSecondFactor(user, request.body.code, context.seal, clock.now());
      if (!change) {
        await store.people.fail(account, clock.now(), lockMs);
        throw refusals.badCode();
      }
    }
    return enter(user, request, reply, async (s) => {
      if (change) await s.people.change(user.id, change);
      await s.people.forgive(account);
    });
  });

  // The browser comes back from another site: this cookie must come along, and lives as long as a login takes.
  const OIDC_COOKIE = 'sw_oidc';
  const oidcCookie = { ...cookieOptions(context), path: '/api/oidc', sameSite: 'lax' as const, maxAge: 600 };
  const redirect = (): string => new URL('/api/oidc/callback', config.oidc?.publicUrl).href;
  app.get('/api/oidc/login', { config: GUESSES }, async (_request, reply) => {
    if (!context.oidc) throw refusals.noRoute();
    const login = await context.oidc.begin(redirect()).catch((error: unknown) => {
      context.log.warn('the identity provider does not answer', { error });
      throw refusals.oidc();
    });
    return reply.setCookie(OIDC_COOKIE, context.seal.seal(login.keep), oidcCookie).redirect(login.url);
  });
  app.get<{ Querystring: OidcCallback }>('/api/oidc/callback', { schema: { querystring: OidcCallback }, config: { ...GUESSES, audit: 'always' } }, async (request, reply) => {
    const keep = context.oidc && context.seal.open(request.cookies[OIDC_COOKIE] ?? '');
    if (!context.oidc || keep === undefined) throw refusals.oidc();
    const current = new URL(redirect());
    current.search = new URL(request.url, 'http://x').search;
    const identity = await context.oidc.finish(current, keep).catch((error: unknown) => {
      context.log.warn('a login through the identity provider failed', { error });
      throw refusals.oidc();
    });
    const all = await store.people.all();
    // The first login by name ties the account to the provider's subject; from then on the subject decides.
    const user = all.find((u) => u.oidc_subject === identity.subject) ?? all.find((u) => u.oidc_subject === null && identity.account !== undefined && u.account === identity.account.toLowerCase());
    if (!user || user.disabled === 1) throw refusals.oidc();
    await enter(user, request, reply, async (s) => { if (user.oidc_subject === null) await s.people.change(user.id, { oidc_subject: identity.subject, must_change: 0 }); });
    return reply.clearCookie(OIDC_COOKIE, oidcCookie).redirect('/');
  });

  app.post('/api/logout', async (request, reply) => {
    const { session } = callerOf(request);
    await recorded(context, request, (s) => s.people.endSession(session.id));
    context.live.dismiss((l) => l.session === session.id, 'SW_CONSOLE_LOGIN');
    void reply.clearCookie(cookieName(context), cookieOptions(context));
    return view();
  });

  app.post<{ Body: PasswordForm }>('/api/password', { schema: { body: PasswordForm }, config: GUESSES }, async (request) => {
    const { user, session } = callerOf(request);
    if (!await checkPassword(user.password, request.body.current)) throw refusals.badLogin();
    demandStrong(request.body.next, user.account, config.passwordPolicy);
    const change = await changedPassword(user, request.body.next, config.passwordPolicy, clock.now());
    await recorded(context, request, async (s) => {
      await s.people.change(user.id, { ...change, must_change: 0 });
      await s.people.endSessionsOf(user.id, session.id);
    });
    context.live.dismiss((l) => l.user === user.id && l.session !== session.id, 'SW_CONSOLE_LOGIN');
    return view({ ...user, must_change: 0 }, session);
  });

  app.get('/api/sessions', async (request): Promise<SessionRow[]> => {
    const { user, session } = callerOf(request);
    return (await store.people.sessionsOf(user.id)).map((s) => ({
      id: s.id, current: s.id === session.id, createdAt: iso(s.created), lastSeenAt: iso(s.seen), expiresAt: iso(s.expires), address: s.address, agent: s.agent,
    }));
  });
  app.delete<{ Params: IdParams }>('/api/sessions/:id', { schema: { params: IdParams } }, async (request, reply) => {
    const { user } = callerOf(request);
    if (!(await store.people.sessionsOf(user.id)).some((s) => s.id === request.params.id)) throw refusals.notFound();
    await recorded(context, request, (s) => s.people.endSession(request.params.id));
    context.live.dismiss((l) => l.session === request.params.id, 'SW_CONSOLE_LOGIN');
    return reply.status(204).send();
  });
}
