import { insertMany } from './many.js';
import type { NoticeRecord } from './notices.js';
import type { Db, DeliveryTable, Engine } from './schema.js';
import type { Selectable } from 'kysely';

export type DeliveryRecord = Selectable<DeliveryTable>;
export type NewDelivery = Omit<DeliveryRecord, 'num' | 'state' | 'tries' | 'error'>;
/**
 * What a change makes known: notices for people, deliveries for channels. It is written in the transaction of the change, so
 * that no stop between the two loses it, and sent from there.
 */
export interface Told { notices: NoticeRecord[]; deliveries: NewDelivery[]; /** More than a channel lets wait. */ refused: { channel: string; n: number }[] }

export const NOTHING_TOLD: Told = { notices: [], deliveries: [], refused: [] };
export const allTold = (...parts: readonly Told[]): Told => ({ notices: parts.flatMap((p) => p.notices), deliveries: parts.flatMap((p) => p.deliveries), refused: parts.flatMap((p) => p.refused) });

const DELIVERY = { channel: 'text', at: 'bigint', event: 'text', object: 'text', payload: 'text', state: 'text', tries: 'bigint', next_at: 'bigint', bytes: 'bigint', key: 'text' } as const;

/** Within a transaction. What is there already, by a notice's id or a delivery's key, is not written again. */
export async function writeTold(tx: Db, engine: Engine, { notices, deliveries, refused }: Told): Promise<void> {
  if (notices.length > 0) await tx.insertInto('notice').values(notices).onConflict((c) => c.column('id').doNothing()).execute();
  await insertMany(tx, engine, 'delivery', DELIVERY, deliveries.map((r) => [r.channel, r.at, r.event, r.object, r.payload, 'waiting', 0, r.next_at, r.bytes, r.key]), 'on conflict (key) do nothing');
  for (const { channel, n } of refused) await tx.updateTable('channel').set((eb) => ({ failed: eb('failed', '+', n), last_error: 'too many deliveries wait' })).where('id', '=', channel).execute();
}
