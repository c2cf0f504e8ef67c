import type { Db } from './schema.js';
import { together } from './transaction.js';

interface Setting { version: number; at: number; by: string; value: unknown }

/** Settings as versioned JSON: who changes one says which version they looked at. */
export function settingStore(db: Db) {
  const read = async (on: Db, name: string): Promise<Setting | undefined> => {
    const row = await on.selectFrom('setting').select('value').where('name', '=', `json:${name}`).executeTakeFirst();
    return row && JSON.parse(row.value) as Setting;
  };
  return {
    get: (name: string): Promise<Setting | undefined> => read(db, name),
    /** @returns false where somebody was faster */
    async put(name: string, value: unknown, after: number, at: number, by: string): Promise<boolean> {
      return together(db, async (tx) => {
        const held = await read(tx, name);
        if ((held?.version ?? 0) !== after) return false;
        const text = JSON.stringify({ version: after + 1, at, by, value } satisfies Setting);
        if (held) {
          const done = await tx.updateTable('setting').set({ value: text }).where('name', '=', `json:${name}`).where('value', '=', JSON.stringify(held)).executeTakeFirst();
          return done.numUpdatedRows === 1n;
        }
        const made = await tx.insertInto('setting').values({ name: `json:${name}`, value: text }).onConflict((c) => c.doNothing()).executeTakeFirst();
        return made.numInsertedOrUpdatedRows === 1n;
      });
    },
  };
}
