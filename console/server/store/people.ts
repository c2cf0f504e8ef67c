import type { Selectable } from 'kysely';
import type { Db, LoginFailureTable, SessionTable, UserTable } from './schema.js';
import { together } from './transaction.js';

export type UserRecord = Selectable<UserTable>;
export type SessionRecord = Selectable<SessionTable>;
/** A record with everything that a new account has not got yet. */
export function newUser(given: Pick<UserRecord, 'id' | 'account' | 'name' | 'password' | 'must_change' | 'unit' | 'created'> & { roles: readonly string[] }): UserRecord {
  const { roles, ...rest } = given;
  return {
    ...rest, roles_json: JSON.stringify(roles), disabled: 0, last_login: null, totp: null, totp_pending: null, totp_step: 0, recovery_json: null,
    password_at: given.created, passwords_json: '[]', oidc_subject: null,
  };
}
// Unknown accounts are counted too, so that nobody learns which exist; a flood of names must not fill the store.
const FAILURES_MAX = 10_000;

export function peopleStore(db: Db) {
  return {
    async anybody(): Promise<boolean> { return (await db.selectFrom('user_account').select('id').limit(1).executeTakeFirst()) !== undefined; },
    byId: (id: string): Promise<UserRecord | undefined> => db.selectFrom('user_account').selectAll().where('id', '=', id).executeTakeFirst(),
    byAccount: (account: string): Promise<UserRecord | undefined> => db.selectFrom('user_account').selectAll().where('account', '=', account.toLowerCase()).executeTakeFirst(),
    all: (): Promise<UserRecord[]> => db.selectFrom('user_account').selectAll().orderBy('account').execute(),
    /** @returns false where the account exists already. */
    async create(...users: UserRecord[]): Promise<boolean> {
      return together(db, async (tx) => {
        if (await tx.selectFrom('user_account').select('id').where('account', 'in', users.map((u) => u.account)).executeTakeFirst()) return false;
        await tx.insertInto('user_account').values(users).execute();
        return true;
      });
    },
    async change(id: string, change: Partial<UserRecord>): Promise<void> { await db.updateTable('user_account').set(change).where('id', '=', id).execute(); },

    async openSession(session: SessionRecord): Promise<void> { await db.insertInto('session').values(session).execute(); },
    session: (id: string): Promise<SessionRecord | undefined> => db.selectFrom('session').selectAll().where('id', '=', id).executeTakeFirst(),
    sessionsOf: (user: string): Promise<SessionRecord[]> => db.selectFrom('session').selectAll().where('user', '=', user).orderBy('created', 'desc').execute(),
    async touch(id: string, seen: number): Promise<void> { await db.updateTable('session').set({ seen }).where('id', '=', id).execute(); },
    async endSession(id: string): Promise<void> { await db.deleteFrom('session').where('id', '=', id).execute(); },
    async endSessionsOf(user: string, except?: string): Promise<void> {
      let q = db.deleteFrom('session').where('user', '=', user);
      if (except) q = q.where('id', '!=', except);
      await q.execute();
    },
    async dropStale(now: number, idleMs: number): Promise<void> {
      await db.deleteFrom('session').where((eb) => eb.or([eb('expires', '<=', now), eb('seen', '<=', now - idleMs)])).execute();
      await db.deleteFrom('login_failure').where('at', '<', now - 86_400_000).execute();
    },

    failures: (account: string): Promise<Selectable<LoginFailureTable> | undefined> => db.selectFrom('login_failure').selectAll().where('account', '=', account).executeTakeFirst(),
    /** Counts one failure and sets the lock that `lockFor` says. @returns failures in a row */
    async fail(account: string, now: number, lockFor: (failures: number) => number): Promise<number> {
      return together(db, async (tx) => {
        const held = await tx.selectFrom('login_failure').select('failures').where('account', '=', account).executeTakeFirst();
        if (!held) {
          const { n } = await tx.selectFrom('login_failure').select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow();
          if (Number(n) >= FAILURES_MAX) await tx.deleteFrom('login_failure').where('locked_until', '<', now).execute();
        }
        const failures = (held?.failures ?? 0) + 1;
        const row = { account, failures, locked_until: now + lockFor(failures), at: now };
        await tx.insertInto('login_failure').values(row).onConflict((c) => c.column('account').doUpdateSet(row)).execute();
        return failures;
      });
    },
    async forgive(account: string): Promise<void> { await db.deleteFrom('login_failure').where('account', '=', account).execute(); },

    async setting(name: string): Promise<string | undefined> { return (await db.selectFrom('setting').select('value').where('name', '=', name).executeTakeFirst())?.value; },
    async set(name: string, value: string | undefined): Promise<void> {
      if (value === undefined) await db.deleteFrom('setting').where('name', '=', name).execute();
      else await db.insertInto('setting').values({ name, value }).onConflict((c) => c.column('name').doUpdateSet({ value })).execute();
    },
  };
}
export type PeopleStore = ReturnType<typeof peopleStore>;
