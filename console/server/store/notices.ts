import type { Selectable } from 'kysely';
import { readCursor, writeCursor } from './cursor.js';
import type { Db, NoticeTable } from './schema.js';

export type NoticeRecord = Selectable<NoticeTable>;
/** Kept for a user; older ones that were read go. */
const KEPT_MS = 183 * 86_400_000;

export function noticeStore(db: Db) {
  return {
    async list(user: string, q: { unread?: boolean; cursor?: string; limit?: number }): Promise<{ rows: NoticeRecord[]; next?: string }> {
      const limit = q.limit ?? 50;
      let query = db.selectFrom('notice').selectAll().where('user', '=', user);
      if (q.unread) query = query.where('read', '=', 0);
      const after = readCursor(q.cursor, ['number', 'string']);
      if (after) query = query.where((eb) => eb.or([eb('at', '<', after[0] as number), eb.and([eb('at', '=', after[0] as number), eb('id', '<', after[1] as string)])]));
      const rows = await query.orderBy('at', 'desc').orderBy('id', 'desc').limit(limit + 1).execute();
      const more = rows.length > limit;
      if (more) rows.pop();
      const last = rows.at(-1);
      return { rows, ...(more && last ? { next: writeCursor(last.at, last.id) } : {}) };
    },
    async read(user: string, ids: string[]): Promise<void> { await db.updateTable('notice').set({ read: 1 }).where('user', '=', user).where('id', 'in', ids).execute(); },
    /** Nothing of what a user was told so far is news to them any more. */
    async settle(user: string): Promise<void> { await db.updateTable('notice').set({ read: 1 }).where('user', '=', user).where('read', '=', 0).execute(); },
    async unread(user: string): Promise<number> {
      const { n } = await db.selectFrom('notice').select((eb) => eb.fn.countAll<number>().as('n')).where('user', '=', user).where('read', '=', 0).executeTakeFirstOrThrow();
      return Number(n);
    },
    async dropOld(now: number): Promise<void> { await db.deleteFrom('notice').where('at', '<', now - KEPT_MS).where('read', '=', 1).execute(); },
  };
}
