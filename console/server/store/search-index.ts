import { sql } from 'kysely';
import type { Alert } from '../../../contracts/alert.js';
import { searchTokens } from './intake.js';
import { appendMany } from './many.js';
import type { Db, Engine } from './schema.js';

/**
 * Brings the search index up to the alerts. It follows behind the intake, so that a flood is stored first; `counter`
 * remembers how far it has come, and what a crash interrupts is done again from there.
 */
export function searchIndexStore(db: Db, engine: Engine) {
  /** @returns alerts that were indexed; 0: nothing is left */
  return async function indexWords(limit: number): Promise<number> {
    return db.transaction().execute(async (tx0) => {
      const tx = tx0 as unknown as Db;
      if (engine === 'postgres') await sql.raw('select pg_advisory_xact_lock(7305004)').execute(tx);
      const upto = (await tx.selectFrom('counter').select('value').where('name', '=', 'search_upto').executeTakeFirst())?.value ?? 0;
      const rows = await tx.selectFrom('alert').innerJoin('alert_body', 'alert_body.num', 'alert.num')
        .select(['alert.num', 'title_zh', 'title_en', 'rule', 'class', 'attacker_ip', 'victim_ip', 'node', 'unit', 'system', 'app_proto', 'eve_json'])
        .where('alert.num', '>', upto).orderBy('alert.num').limit(limit).execute();
      if (rows.length === 0) return 0;
      const words = rows.map((r) => ({ num: r.num, tokens: searchTokens(r, JSON.parse(r.eve_json) as Alert) }));
      // Words hold nothing that a tsvector's text form would have to escape: see `indexTokens`.
      if (engine === 'postgres') await appendMany(tx, engine, 'alert_search', { num: 'bigint', tokens: 'text' }, words.map((w) => [w.num, w.tokens.map((t) => `'${t}'`).join(' ')]));
      else await appendMany(tx, engine, 'alert_search', { rowid: 'bigint', tokens: 'text' }, words.map((w) => [w.num, w.tokens.join(' ')]));
      const value = rows[rows.length - 1].num;
      await tx.insertInto('counter').values({ name: 'search_upto', value }).onConflict((c) => c.column('name').doUpdateSet({ value })).execute();
      return rows.length;
    });
  };
}
