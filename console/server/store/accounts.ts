import type { Selectable } from 'kysely';
import type { Db, ResetTable, SessionTable, TokenTable } from './schema.js';
import { together } from './transaction.js';

export type TokenRecord = Selectable<TokenTable>;
export type ResetRecord = Selectable<ResetTable>;
export const TOKENS_MAX = 50;

/** API tokens and the resets of passwords that two people give. */
export function accountStore(db: Db) {
  return {
    tokenByHash: (hash: string): Promise<TokenRecord | undefined> => db.selectFrom('api_token').selectAll().where('hash', '=', hash).executeTakeFirst(),
    tokensOf: (user: string): Promise<TokenRecord[]> => db.selectFrom('api_token').selectAll().where('user', '=', user).orderBy('created', 'desc').limit(TOKENS_MAX).execute(),
    async putToken(record: TokenRecord): Promise<void> { await db.insertInto('api_token').values(record).execute(); },
    async usedToken(id: string, used: number, address: string): Promise<void> { await db.updateTable('api_token').set({ used, address }).where('id', '=', id).execute(); },
    async dropToken(user: string, id: string): Promise<boolean> { return (await db.deleteFrom('api_token').where('user', '=', user).where('id', '=', id).executeTakeFirst()).numDeletedRows > 0n; },
    async dropTokensOf(user: string): Promise<void> { await db.deleteFrom('api_token').where('user', '=', user).execute(); },

    resets: (now: number): Promise<ResetRecord[]> => db.selectFrom('reset_request').selectAll().where('expires', '>', now).where('used', 'is', null).orderBy('asked', 'desc').execute(),
    reset: (id: string): Promise<ResetRecord | undefined> => db.selectFrom('reset_request').selectAll().where('id', '=', id).executeTakeFirst(),
    async ask(record: ResetRecord): Promise<void> {
      await together(db, async (tx) => {
        // The latest one counts.
        await tx.deleteFrom('reset_request').where('user', '=', record.user).where('what', '=', record.what).where('used', 'is', null).execute();
        await tx.insertInto('reset_request').values(record).execute();
      });
    },
    async approve(id: string, by: string, half: string): Promise<boolean> {
      return (await db.updateTable('reset_request').set({ approved_by: by, half_b: half }).where('id', '=', id).where('approved_by', 'is', null).where('used', 'is', null).executeTakeFirst()).numUpdatedRows === 1n;
    },
    /** @returns false where it was used before */
    async use(id: string, at: number): Promise<boolean> { return (await db.updateTable('reset_request').set({ used: at }).where('id', '=', id).where('used', 'is', null).executeTakeFirst()).numUpdatedRows === 1n; },
    sessions: (): Promise<Selectable<SessionTable>[]> => db.selectFrom('session').selectAll().orderBy('seen', 'desc').limit(1000).execute(),
  };
}
