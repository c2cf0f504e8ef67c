import { createHash, randomBytes } from 'node:crypto';
import type { Permission, Role } from '../../model/roles.js';
import { permissionsOf } from '../../model/roles.js';
import type { Assets } from '../assets.js';
import type { Settled } from '../config.js';
import type { accountStore } from '../store/accounts.js';
import type { PeopleStore, SessionRecord, UserRecord } from '../store/people.js';
import type { Scope } from '../store/scope.js';

/** Who asks, and what they may see and do. Made afresh for every request: rights that were taken away end at once. */
export interface Caller { user: UserRecord; roles: Role[]; permissions: Set<Permission>; scope: Scope; session: SessionRecord; /** Set where an API token asks. */ token?: string }

const idOf = (token: string): string => createHash('sha256').update(token).digest('hex');
// One write a minute and session is enough to know that it is alive.
const TOUCH_MS = 60_000;

/** Whether a role of this user demands a second factor that is not there yet. */
export const mustEnrol = (user: Pick<UserRecord, 'roles_json' | 'totp'>, demanded: ReadonlySet<Role>): boolean => user.totp === null && demanded.size > 0 && rolesOf(user).some((r) => demanded.has(r));

export function rolesOf(user: Pick<UserRecord, 'roles_json'>): Role[] { return JSON.parse(user.roles_json) as Role[]; }

/** Sessions live on the server; the cookie holds a random token of which the store knows the hash. */
export function sessions(people: PeopleStore, accounts: ReturnType<typeof accountStore>, config: Pick<Settled, 'idleMs' | 'absoluteMs'>, clock: { now(): number }) {
  return {
    /** A session that is still to be stored, and the token of its cookie. */
    fresh(user: UserRecord, address: string, agent: string): { token: string; session: SessionRecord } {
      const token = randomBytes(32).toString('base64url');
      const now = clock.now();
      const session: SessionRecord = {
        id: idOf(token), user: user.id, csrf: randomBytes(24).toString('base64url'), created: now, seen: now, expires: now + config.absoluteMs,
        address: address.slice(0, 64), agent: agent.slice(0, 200),
      };
      return { token, session };
    },
    async of(token: string | undefined, assets: Assets): Promise<Caller | undefined> {
      if (!token || token.length > 100) return undefined;
      return this.byId(idOf(token), assets);
    },
    /** The owner of an API token, with no more rights than the token and the owner both have. */
    async ofToken(token: string, address: string, assets: Assets): Promise<Caller | undefined> {
      if (!/^swt_[\w-]{43}$/.test(token)) return undefined;
      const record = await accounts.tokenByHash(idOf(token));
      const now = clock.now();
      if (!record || now >= record.expires) return undefined;
      const user = await people.byId(record.user);
      if (!user || user.disabled || user.must_change) return undefined;
      if (now - (record.used ?? 0) > TOUCH_MS) await accounts.usedToken(record.id, now, address.slice(0, 64));
      const roles = rolesOf(user);
      const own = permissionsOf(roles);
      const permissions = new Set((JSON.parse(record.scopes_json) as Permission[]).filter((p) => own.has(p)));
      const session: SessionRecord = { id: record.id, user: user.id, csrf: '', created: record.created, seen: now, expires: record.expires, address, agent: 'token' };
      return { user, roles, permissions, scope: assets.scopeOf(user.unit), session, token: record.id };
    },
    /** Whether a session still holds. An open page that only listens is not somebody at work: it does not keep the session alive. */
    async alive(id: string): Promise<boolean> {
      const session = await people.session(id);
      const now = clock.now();
      return session !== undefined && now < session.expires && now - session.seen < config.idleMs && (await people.byId(session.user))?.disabled === 0;
    },
    async byId(id: string, assets: Assets): Promise<Caller | undefined> {
      const session = await people.session(id);
      if (!session) return undefined;
      const now = clock.now();
      if (now >= session.expires || now - session.seen >= config.idleMs) {
        await people.endSession(session.id);
        return undefined;
      }
      const user = await people.byId(session.user);
      if (!user || user.disabled) return undefined;
      if (now - session.seen > TOUCH_MS) await people.touch(session.id, now);
      const roles = rolesOf(user);
      return { user, roles, permissions: permissionsOf(roles), scope: assets.scopeOf(user.unit), session };
    },
  };
}
export type Sessions = ReturnType<typeof sessions>;
