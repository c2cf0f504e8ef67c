import { sql, type Selectable } from 'kysely';
import type { ChannelTable, Db } from './schema.js';
import type { DeliveryRecord } from './told.js';
import { together } from './transaction.js';

export type ChannelRecord = Selectable<ChannelTable>;
/** Deliveries of a channel that may wait; more are not taken, and counted as failed. */
export const WAITING_MAX = 10_000;
const KEPT = 500;

export function channelStore(db: Db) {
  return {
    list: (): Promise<ChannelRecord[]> => db.selectFrom('channel').selectAll().orderBy('created').limit(100).execute(),
    byId: (id: string): Promise<ChannelRecord | undefined> => db.selectFrom('channel').selectAll().where('id', '=', id).executeTakeFirst(),
    async put(record: ChannelRecord): Promise<void> {
      const { form_json, secret, enabled } = record;
      await db.insertInto('channel').values(record).onConflict((c) => c.column('id').doUpdateSet({ form_json, secret, enabled })).execute();
    },
    async drop(id: string): Promise<boolean> {
      await db.deleteFrom('delivery').where('channel', '=', id).execute();
      return (await db.deleteFrom('channel').where('id', '=', id).executeTakeFirst()).numDeletedRows > 0n;
    },
    async waiting(): Promise<Map<string, number>> {
      const rows = await db.selectFrom('delivery').select(['channel', sql<number>`count(*)`.as('n')]).where('state', '=', 'waiting').groupBy('channel').execute();
      return new Map(rows.map((r) => [r.channel, Number(r.n)]));
    },
    due: (channel: string, now: number, limit: number): Promise<DeliveryRecord[]> => db.selectFrom('delivery').selectAll().where('channel', '=', channel).where('state', '=', 'waiting').where('next_at', '<=', now).orderBy('num').limit(limit).execute(),
    /** Writes down one round of a channel in one transaction: what went, and what did not and when it is tried again (`nextAt` 0: never). */
    async settle(channel: string, at: number, done: readonly DeliveryRecord[], failed?: { delivery: DeliveryRecord; error: string; nextAt: number }): Promise<void> {
      await together(db, async (tx) => {
        if (done.length > 0) await tx.updateTable('delivery').set((eb) => ({ state: 'done', tries: eb('tries', '+', 1), error: null, next_at: 0, payload: '' })).where('num', 'in', done.map((d) => d.num)).execute();
        if (failed) await tx.updateTable('delivery').set({ state: failed.nextAt === 0 ? 'failed' : 'waiting', tries: failed.delivery.tries + 1, error: failed.error, next_at: failed.nextAt, ...(failed.nextAt === 0 ? { payload: '' } : {}) }).where('num', '=', failed.delivery.num).execute();
        await tx.updateTable('channel').set((eb) => ({ last_at: at, done: eb('done', '+', done.length), failed: eb('failed', '+', failed?.nextAt === 0 ? 1 : 0), ...(failed ? { last_error: failed.error } : {}) })).where('id', '=', channel).execute();
      });
    },
    /** Nothing of a channel that is gone or switched off waits any longer. */
    async abandon(kept: readonly string[], at: number, why: string): Promise<void> {
      let q = db.updateTable('delivery').set({ state: 'failed', error: why, payload: '', next_at: at }).where('state', '=', 'waiting');
      if (kept.length > 0) q = q.where('channel', 'not in', [...kept]);
      await q.execute();
    },
    deliveries: (channel: string): Promise<DeliveryRecord[]> => db.selectFrom('delivery').selectAll().where('channel', '=', channel).orderBy('num', 'desc').limit(200).execute(),
    async tidy(): Promise<void> {
      for (const { id } of await this.list()) {
        const edge = await db.selectFrom('delivery').select('num').where('channel', '=', id).where('state', '!=', 'waiting').orderBy('num', 'desc').offset(KEPT).limit(1).executeTakeFirst();
        if (edge) await db.deleteFrom('delivery').where('channel', '=', id).where('state', '!=', 'waiting').where('num', '<=', edge.num).execute();
      }
    },
  };
}
