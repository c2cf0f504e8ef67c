import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { toString as qr } from 'qrcode';
import type { AccountView, RecoveryCodes, ResetHalf, ResetView, SessionOverview, TokenCreated, TokenRow, TotpEnrolment, TotpReset } from '../../model/api.js';
import { ResetRedeem, TokenCreate, TotpBegin, TotpConfirm, TotpEnd } from '../../model/account.js';
import { IdParams } from '../../model/requests.js';
import type { Permission } from '../../model/roles.js';
import { callerOf, recorded } from '../app.js';
import { changedPassword, checkPassword, demandStrong, lockMs } from '../auth/password.js';
import { checkSecondFactor, enrolmentUri, hashCode, newSecret, recoveryCodes, stepOf } from '../auth/second-factor.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import type { ResetRecord, TokenRecord } from '../store/accounts.js';
import { TOKENS_MAX } from '../store/accounts.js';
import { iso } from '../store/cursor.js';
import type { UserRecord } from '../store/people.js';
import type { Parts } from '../store/store.js';

const DAY_MS = 86_400_000;
const RESET_MS = DAY_MS;
const GUESSES = { rateLimit: { max: 20, timeWindow: 60_000 } };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export function accountRoutes(app: FastifyInstance, context: Context): void {
  const { store, clock, config, seal } = context;
  const tokenRow = (r: TokenRecord): TokenRow => ({
    id: r.id, name: r.name, scopes: JSON.parse(r.scopes_json) as Permission[], createdAt: iso(r.created), expires: iso(r.expires),
    ...(r.used === null ? {} : { lastUsedAt: iso(r.used) }), ...(r.address === null ? {} : { lastAddress: r.address }),
  });
  const endAll = async (within: Parts, user: string): Promise<void> => {
    await within.people.endSessionsOf(user);
    await within.accounts.dropTokensOf(user);
  };
  const dismiss = (user: string): void => context.live.dismiss((l) => l.user === user, 'SW_CONSOLE_LOGIN');
  const owner = async (user: UserRecord, password: string): Promise<void> => {
    if (!await checkPassword(user.password, password)) throw refusals.wrongPassword();
  };

  app.get('/api/account', async (request): Promise<AccountView> => {
    const { user } = callerOf(request);
    const age = config.passwordPolicy.maxAgeDays * DAY_MS;
    return {
      totp: user.totp !== null, recoveryCodesLeft: (JSON.parse(user.recovery_json ?? '[]') as string[]).length, tokens: (await store.accounts.tokensOf(user.id)).map(tokenRow), oidc: user.oidc_subject !== null,
      passwordChangedAt: iso(user.password_at), ...(age > 0 ? { passwordExpiresAt: iso(user.password_at + age) } : {}),
    };
  });

  app.post<{ Body: TotpBegin }>('/api/totp', { schema: { body: TotpBegin }, config: GUESSES }, async (request): Promise<TotpEnrolment> => {
    const { user } = callerOf(request);
    await owner(user, request.body.password);
    if (user.totp !== null) throw refusals.taken('TOTP');
    const secret = newSecret();
    await recorded(context, request, (s) => s.people.change(user.id, { totp_pending: seal.seal(secret) }));
    const uri = enrolmentUri(secret, user.account);
    return { secret, uri, qr: `data:image/svg+xml;base64,${Buffer.from(await qr(uri, { type: 'svg', margin: 1 })).toString('base64')}` };
  });
  app.post<{ Body: TotpConfirm }>('/api/totp/confirm', { schema: { body: TotpConfirm }, config: GUESSES }, async (request): Promise<RecoveryCodes> => {
    const { user, session } = callerOf(request);
    const secret = user.totp_pending === null ? undefined : seal.open(user.totp_pending);
    const step = secret === undefined ? undefined : stepOf(secret, request.body.code, clock.now(), 0);
    if (secret === undefined || step === undefined) throw refusals.badCode();
    const codes = recoveryCodes();
    await recorded(context, request, async (s) => {
      await s.people.change(user.id, { totp: user.totp_pending, totp_pending: null, totp_step: step, recovery_json: JSON.stringify(codes.map(hashCode)) });
      await s.people.endSessionsOf(user.id, session.id);
    });
    context.live.dismiss((l) => l.user === user.id && l.session !== session.id, 'SW_CONSOLE_LOGIN');
    return { codes };
  });
  app.delete<{ Body: TotpEnd }>('/api/totp', { schema: { body: TotpEnd }, config: GUESSES }, async (request, reply) => {
    const { user } = callerOf(request);
    await owner(user, request.body.password);
    if (!checkSecondFactor(user, request.body.code, seal, clock.now())) throw refusals.badCode();
    await recorded(context, request, (s) => s.people.change(user.id, { totp: null, totp_pending: null, recovery_json: null }));
    return reply.status(204).send();
  });

  app.post<{ Body: TokenCreate }>('/api/tokens', { schema: { body: TokenCreate } }, async (request, reply) => {
    const { user, permissions } = callerOf(request);
    const { name, scopes } = request.body;
    const expires = Date.parse(request.body.expires);
    if (!(expires > clock.now()) || expires > clock.now() + 366 * DAY_MS) throw refusals.badRequest('expires', 'does not lie within a year from now');
    const beyond = scopes.find((s) => !permissions.has(s));
    if (beyond) throw refusals.forbidden(beyond);
    if ((await store.accounts.tokensOf(user.id)).length >= TOKENS_MAX) throw refusals.tooLarge();
    const token = `swt_${randomBytes(32).toString('base64url')}`;
    const record: TokenRecord = { id: `tok-${randomUUID()}`, hash: sha256(token), user: user.id, name, scopes_json: JSON.stringify(scopes), created: clock.now(), expires, used: null, address: null };
    request.auditDetails = { id: record.id, name, scopes };
    await recorded(context, request, (s) => s.accounts.putToken(record));
    return reply.status(201).send({ ...tokenRow(record), token } satisfies TokenCreated);
  });
  app.delete<{ Params: IdParams }>('/api/tokens/:id', { schema: { params: IdParams } }, async (request, reply) => {
    await recorded(context, request, async (s) => { if (!await s.accounts.dropToken(callerOf(request).user.id, request.params.id)) throw refusals.notFound(); });
    return reply.status(204).send();
  });

  const resetView = async (r: ResetRecord): Promise<ResetView> => {
    const people = await context.people();
    const person = (id: string) => people.get(id) ?? { id, account: id, name: id };
    return {
      id: r.id, user: person(r.user), askedBy: person(r.asked_by), askedAt: iso(r.asked), ...(r.approved_by === null ? {} : { approvedBy: person(r.approved_by) }), expires: iso(r.expires),
      state: r.used !== null ? 'used' : r.expires <= clock.now() ? 'over' : r.approved_by === null ? 'asked' : 'approved',
    };
  };
  const newHalf = (): string => recoveryCodes()[0];
  app.post<{ Params: IdParams }>('/api/users/:id/reset', { schema: { params: IdParams } }, async (request, reply) => {
    const { user: me } = callerOf(request);
    const user = await store.people.byId(request.params.id);
    if (!user) throw refusals.notFound();
    if (user.id === me.id) throw refusals.ownRoles();
    const half = newHalf();
    const record: ResetRecord = { id: `rst-${randomUUID()}`, user: user.id, asked_by: me.id, asked: clock.now(), approved_by: null, half_a: hashCode(half), half_b: null, expires: clock.now() + RESET_MS, used: null, what: 'password' };
    await recorded(context, request, (s) => s.accounts.ask(record));
    return reply.status(201).send({ ...await resetView(record), half } satisfies ResetHalf);
  });
  app.get('/api/resets', async (): Promise<ResetView[]> => Promise.all((await store.accounts.resets(clock.now())).filter((r) => r.what === 'password').map(resetView)));
  app.post<{ Params: IdParams }>('/api/resets/:id/approve', { schema: { params: IdParams } }, async (request): Promise<ResetHalf> => {
    const { user: me } = callerOf(request);
    const record = await store.accounts.reset(request.params.id);
    if (!record || record.expires <= clock.now() || record.used !== null) throw refusals.notFound();
    // The second person is another one, and not the account itself.
    if (record.asked_by === me.id || record.user === me.id) throw refusals.needs('second_person', '须由另一名管理员批准。', 'Another administrator approves.');
    const half = newHalf();
    await recorded(context, request, async (s) => { if (!await s.accounts.approve(record.id, me.id, hashCode(half))) throw refusals.conflict(); });
    return { ...await resetView({ ...record, approved_by: me.id }), half };
  });
  app.post<{ Body: ResetRedeem }>('/api/reset', { schema: { body: ResetRedeem }, config: GUESSES }, async (request, reply) => {
    const { code, code2, password } = request.body;
    const account = request.body.account.toLowerCase();
    request.auditDetails = { account };
    const locked = await store.people.failures(account);
    if (locked && locked.locked_until > clock.now()) throw refusals.locked(Math.ceil((locked.locked_until - clock.now()) / 1000));
    const user = await store.people.byAccount(account);
    const open = (await store.accounts.resets(clock.now())).find((r) => r.what === 'password' && r.user === user?.id && r.approved_by !== null);
    const halves = [hashCode(code), hashCode(code2)];
    const good = open !== undefined && open.half_b !== null && halves.includes(open.half_a) && halves.includes(open.half_b);
    if (!user || !good) {
      await store.people.fail(account, clock.now(), lockMs);
      throw refusals.badCode();
    }
    demandStrong(password, account, config.passwordPolicy);
    const change = await changedPassword(user, password, config.passwordPolicy, clock.now());
    request.auditActor = user.id;
    await recorded(context, request, async (s) => {
      if (!await s.accounts.use(open.id, clock.now())) throw refusals.conflict();
      await s.people.change(user.id, { ...change, must_change: 0 });
      await s.people.forgive(account);
      await endAll(s, user.id);
    });
    dismiss(user.id);
    return reply.status(204).send();
  });

  /** A lost device. Where the three are kept apart, each of two administrators asks; then it is done. */
  app.delete<{ Params: IdParams }>('/api/users/:id/totp', { schema: { params: IdParams } }, async (request): Promise<TotpReset> => {
    const { user: me, permissions } = callerOf(request);
    const user = await store.people.byId(request.params.id);
    if (!user) throw refusals.notFound();
    const mine = (['account.reset', 'reset.approve'] as const).filter((p) => permissions.has(p));
    if (mine.length === 0) throw refusals.forbidden('account.reset');
    if (user.id === me.id) throw refusals.ownRoles();
    const asked = (await store.accounts.resets(clock.now())).find((r) => r.what === 'totp' && r.user === user.id);
    const second = asked !== undefined && asked.asked_by !== me.id && mine.some((p) => p !== asked.half_a);
    if (config.separation === 'strict' && !second) {
      // `half_a` names the right under which the first one asked.
      await recorded(context, request, (s) => s.accounts.ask({ id: `rst-${randomUUID()}`, user: user.id, asked_by: me.id, asked: clock.now(), approved_by: null, half_a: mine[0], half_b: null, expires: clock.now() + RESET_MS, used: null, what: 'totp' }));
      return { done: false, askedBy: { id: me.id, account: me.account, name: me.name } };
    }
    await recorded(context, request, async (s) => {
      if (asked) await s.accounts.use(asked.id, clock.now());
      await s.people.change(user.id, { totp: null, totp_pending: null, recovery_json: null });
      await endAll(s, user.id);
    });
    dismiss(user.id);
    return { done: true };
  });

  app.get('/api/sessions/all', async (): Promise<SessionOverview[]> => {
    const people = await context.people();
    return (await store.accounts.sessions()).map((s) => ({
      id: s.id.slice(0, 12), user: people.get(s.user) ?? { id: s.user, account: s.user, name: s.user }, createdAt: iso(s.created), lastSeenAt: iso(s.seen), address: s.address, agent: s.agent,
    }));
  });
}
