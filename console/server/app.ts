import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import websocket from '@fastify/websocket';
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { CSRF_HEADER, type ApiError } from '../model/api.js';
import { ROUTES, type RouteName, type RouteRule } from '../model/permissions.js';
import { mustEnrol, type Caller } from './auth/session.js';
import type { Context } from './context.js';
import { Refused, refusals, routeWithoutPermission } from './errors.js';
import { requestChecks } from './request-checks.js';
import { registerRoutes } from './routes/index.js';
import type { AuditEntry } from './store/audit.js';
import type { Parts } from './store/store.js';
import { serveUi } from './ui-files.js';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null;
    /** What the audit log says beside the route: never a secret. */
    auditDetails: Record<string, unknown> | null;
    /** Set where a route is entered by somebody who has no session yet. */
    auditActor: string | null;
    /** The change has been written to the log with itself, in one transaction. */
    audited: boolean;
  }
  interface FastifyContextConfig { route?: RouteName; audit?: 'always' | 'never' }
}

/** What is open to whom a second factor is demanded of and who has none yet. */
const ENROLMENT = new Set<string>(['GET /api/account', 'POST /api/totp', 'POST /api/totp/confirm', 'POST /api/password', 'POST /api/logout']);
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
// An upload of the registry is the largest body of JSON.
const BODY_MAX = 9 * 1024 * 1024;
export const ATTACHMENT_MAX = 20 * 1024 * 1024;
// Of one session, or of one address that has none. A person with several pages open stays far below; a script does not.
const REQUESTS_PER_MINUTE = 1_200;
// The pages' own files, of one address: behind it may sit a whole office that opens the console at half past eight.
const FILES_PER_MINUTE = 12_000;

export const languageOf = (request: FastifyRequest): 'zh' | 'en' => {
  const asked = (request.query as { lang?: unknown } | undefined)?.lang;
  if (asked === 'zh' || asked === 'en') return asked;
  const header = String(request.headers['accept-language'] ?? '').toLowerCase();
  const en = header.search(/\ben\b/);
  const zh = header.search(/\bzh\b/);
  return en >= 0 && (zh < 0 || en < zh) ? 'en' : 'zh';
};
export const cookieName = (context: Context): string => (secure(context) ? '__Host-sw' : 'sw_session');
const secure = (context: Context): boolean => context.config.tls !== undefined || context.config.behindProxy;
export const cookieOptions = (context: Context) => ({ path: '/', httpOnly: true, sameSite: 'strict' as const, secure: secure(context) });

/** The entry of the audit log for what a request changes; whoever writes it with the change sets `request.audited`. */
export const auditOf = (request: FastifyRequest, at: number, object: string, details: Record<string, unknown>): AuditEntry => ({
  at, actor: callerOf(request).user.id, address: request.ip, action: request.routeOptions.config.route as string, object, outcome: 'done', details,
});

const entryOf = (request: FastifyRequest, at: number, outcome: AuditEntry['outcome'], more: Record<string, unknown> = {}): AuditEntry => ({
  at, actor: request.caller?.user.id ?? request.auditActor, address: request.ip, action: request.routeOptions.config.route as string,
  object: (request.params as { id?: string } | undefined)?.id?.slice(0, 128) ?? null, outcome, details: { ...request.auditDetails, ...more },
});

/**
 * Makes a change and writes its entry of the audit log in one transaction: neither is there without the other. What the
 * entry says beside the route is `request.auditDetails`, which the change may set. What the change throws undoes it. What
 * cannot be undone (files, browsers, the bus) comes after, with `change` left out before.
 */
export async function recorded<T = void>(context: Context, request: FastifyRequest, change?: (store: Parts) => Promise<T>): Promise<T> {
  const result = await context.store.together(async (store) => {
    const done = await change?.(store) as T;
    await store.audit.append(entryOf(request, context.clock.now(), 'done'));
    return done;
  });
  request.audited = true;
  return result;
}

/** The caller of a route that needs a session; the permission table has seen to it that there is one. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw refusals.needLogin();
  return request.caller;
}

/** Name under which a route stands in the permission table. */
const routeName = (method: string, url: string): string => `${method === 'HEAD' ? 'GET' : method} ${url}`;

/** The web application with every guard in front of every route; what is not in the permission table stops the start. */
export async function buildApp(context: Context): Promise<FastifyInstance> {
  const { config, log } = context;
  const app = fastify({
    bodyLimit: BODY_MAX, trustProxy: config.behindProxy ? 'loopback' : false, forceCloseConnections: true, logger: false, routerOptions: { maxParamLength: 200 },
    requestTimeout: 120_000,
    ...(config.tls ? { https: { cert: readFileSync(config.tls.cert), key: readFileSync(config.tls.key), minVersion: 'TLSv1.2' } } : {}),
  } as object) as unknown as FastifyInstance;
  app.setValidatorCompiler(requestChecks());

  app.decorateRequest('caller', null);
  app.decorateRequest('auditDetails', null);
  app.decorateRequest('audited', false);
  app.decorateRequest('auditActor', null);
  const missing: string[] = [];
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      const name = routeName(method, route.url);
      if (route.url.startsWith('/api') || route.url === '/healthz' || route.url === '/metrics') {
        if (Object.hasOwn(ROUTES, name)) route.config = { ...route.config, route: name as RouteName };
        else if (method !== 'OPTIONS') missing.push(name);
      }
    }
  });

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"], scriptSrc: ["'self'"], styleSrc: ["'self'"], imgSrc: ["'self'", 'data:'], fontSrc: ["'self'"], connectSrc: ["'self'"],
        workerSrc: ["'self'"], manifestSrc: ["'self'"], baseUri: ["'none'"], formAction: ["'self'"], frameAncestors: ["'none'"], objectSrc: ["'none'"],
      },
    },
    frameguard: { action: 'deny' }, referrerPolicy: { policy: 'no-referrer' }, crossOriginEmbedderPolicy: false,
    strictTransportSecurity: secure(context) ? { maxAge: 31_536_000 } : false,
  });
  await app.register(cookie);
  await app.register(multipart, { limits: { files: 1, fields: 8, fileSize: ATTACHMENT_MAX, fieldSize: 64 * 1024, parts: 9 } });
  await app.register(rateLimit, {
    global: true, timeWindow: 60_000,
    // Runs behind the hook that finds out who asks. Many people share an address; nobody shares a session.
    keyGenerator: (request) => (request.caller ? `session ${request.caller.session.id}` : request.routeOptions.config.route ? `address ${request.ip}` : `files ${request.ip}`),
    max: (_request, key) => (key.startsWith('files ') ? FILES_PER_MINUTE : REQUESTS_PER_MINUTE),
    errorResponseBuilder: (_request, c) => refusals.tooMany(Math.ceil(c.ttl / 1000)),
  });
  await app.register(websocket, { options: { maxPayload: 4096, perMessageDeflate: false } });
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Shouwang console', version: context.version } } });

  app.addHook('onRequest', async (request) => {
    const name = request.routeOptions.config.route;
    if (!name) return; // the UI's files, and what is nowhere
    const rule: RouteRule = ROUTES[name];
    const unsafe = !SAFE.has(request.method);
    const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    // A token is no cookie: another site's page cannot send it.
    if (bearer === undefined && (unsafe || name === 'GET /api/live')) sameOrigin(request);
    request.caller = (bearer === undefined ? await context.sessions.of(request.cookies[cookieName(context)], context.assets()) : await context.sessions.ofToken(bearer, request.ip, context.assets())) ?? null;
    if (rule.needs === 'public') return;
    const caller = callerOf(request);
    if (caller.token !== undefined && rule.needs === 'session' && (unsafe || name === 'GET /api/live')) throw refusals.forbidden('token');
    if (unsafe && caller.token === undefined && !equal(String(request.headers[CSRF_HEADER] ?? ''), caller.session.csrf)) throw refusals.csrf();
    if (rule.needs !== 'session' && !caller.permissions.has(rule.needs)) throw refusals.forbidden(rule.needs);
    if (rule.scope === 'all' && !caller.scope.all) throw refusals.forbidden(`${name}: 全省 / whole province`);
    const { maxAgeDays } = config.passwordPolicy;
    const old = maxAgeDays > 0 && caller.token === undefined && caller.user.password_at + maxAgeDays * 86_400_000 <= context.clock.now();
    if ((caller.user.must_change === 1 || old) && !['POST /api/password', 'POST /api/logout'].includes(name)) throw refusals.mustChange();
    // A token stands for its owner: without the second factor it opens nothing either.
    if (mustEnrol(caller.user, config.secondFactor) && !ENROLMENT.has(name)) throw refusals.mustEnrol();
  });

  // What changes the store is in the log with its change; whoever reads what is watched, and whatever was refused, before its answer leaves.
  app.addHook('onSend', async (request, reply, payload) => {
    const name = request.routeOptions.config.route;
    if (name) void reply.header('cache-control', 'no-store');
    const mode = request.routeOptions.config.audit;
    const refused = reply.statusCode >= 400;
    if (!name || mode === 'never' || (request.audited && !refused)) return payload;
    const denied = reply.statusCode === 403 || reply.statusCode === 401 && name === 'POST /api/login' || reply.statusCode === 429 && name === 'POST /api/login';
    if (SAFE.has(request.method) && mode !== 'always' && !denied) return payload;
    if (refused && !denied && reply.statusCode < 500 && ![409, 422].includes(reply.statusCode)) return payload;
    await context.store.audit.append(entryOf(request, context.clock.now(), refused ? 'refused' : 'done', refused ? { status: reply.statusCode } : {}));
    return payload;
  });

  app.setErrorHandler((error: FastifyError | Refused, request, reply) => answerError(context, error, request, reply));
  registerRoutes(app, context);
  await serveUi(app, config.ui);
  await app.ready();
  if (missing.length > 0) {
    await app.close();
    throw routeWithoutPermission(missing.join(', '));
  }
  log.debug('the console has its routes', { routes: Object.keys(ROUTES).length });
  return app;
}

function answerError(context: Context, error: FastifyError | Refused, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  let refused: Refused;
  if (error instanceof Refused) refused = error;
  else if (error.validation) {
    const first = error.validation[0];
    refused = refusals.badRequest(`${error.validationContext ?? 'body'}${first?.instancePath ?? ''}`, first?.message ?? error.message);
  } else if (error.statusCode === 413 || error.code === 'FST_REQ_FILE_TOO_LARGE') refused = refusals.tooLarge();
  else if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500) refused = refusals.badRequest('request', error.message);
  else {
    context.log.error('a request failed', { error, route: request.routeOptions.config.route });
    refused = refusals.internal();
  }
  if (refused.details?.retryAfter) void reply.header('retry-after', refused.details.retryAfter);
  const body: ApiError = refused.toBody(languageOf(request));
  return reply.status(refused.status).type('application/json; charset=utf-8').send(body);
}

/** Refuses what another site's page sent: the browser says whence a request comes, and a page cannot change that. */
function sameOrigin(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw refusals.csrf();
  const origin = request.headers.origin;
  if (origin === undefined) return;
  let host: string;
  try {
    host = new URL(origin).host;
  } catch {
    throw refusals.csrf();
  }
  if (host !== request.host) throw refusals.csrf();
}

function equal(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

/** Whether an address is this machine's. */
export const isLocal = (ip: string): boolean => isIP(ip) !== 0 && /^(127\.|::1$|::ffff:127\.)/.test(ip);
