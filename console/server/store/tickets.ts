import { sql, type Selectable, type SqlBool } from 'kysely';
import type { TicketQuery } from '../../model/requests.js';
import { TICKET_WITH_UNIT } from '../../model/ticket.js';
import { appendAudit, type AuditEntry } from './audit.js';
import { readCursor, writeCursor } from './cursor.js';
import type { HistoryRecord } from './incidents.js';
import type { AttachmentTable, Db, Engine, FollowUpTable, TicketTable } from './schema.js';
import type { Scope } from './scope.js';
import { together } from './transaction.js';

export type TicketRecord = Selectable<TicketTable>;
export type AttachmentRecord = Selectable<AttachmentTable>;
export type FollowUpRecord = Selectable<FollowUpTable>;
/** What is written with a step, in its transaction. */
export interface WithStep {
  /** Gives the bulletin its number, without gaps within the series. */
  numbered?: (seq: number) => string;
  series?: string;
  audit?: AuditEntry;
  followUp?: FollowUpRecord;
}

/** A ticket is its unit's business once it is issued; drafts are the watch's. */
function visible(scope: Scope) {
  if (scope.all) return sql<SqlBool>`1 = 1`;
  if (scope.units.length === 0) return sql<SqlBool>`1 = 0`;
  return sql<SqlBool>`(ticket.unit in (${sql.join(scope.units.map((u) => sql`${u}`))}) and (ticket.state not in ('draft', 'review')) and ticket.issued is not null)`;
}

export function ticketStore(db: Db, engine: Engine) {
  return {
    async list(scope: Scope, q: Omit<TicketQuery, 'unit'> & { units?: readonly string[] }, now: number): Promise<{ rows: TicketRecord[]; next?: string }> {
      const limit = q.limit ?? 100;
      let query = db.selectFrom('ticket').selectAll().where(visible(scope));
      if (q.state) query = query.where('state', 'in', q.state.split(','));
      if (q.level) query = query.where('level', 'in', q.level.split(',').map(Number));
      if (q.units) query = query.where('unit', 'in', [...q.units]);
      if (q.incident) query = query.where('incident', '=', q.incident);
      if (q.demo !== undefined) query = query.where('demo', '=', q.demo ? 1 : 0);
      if (q.overdue !== undefined) query = q.overdue ? query.where('due', '<', now) : query.where((eb) => eb.or([eb('due', 'is', null), eb('due', '>=', now)]));
      if (q.text?.trim()) {
        const pattern = `%${q.text.trim().replace(/[\\%_]/g, (c) => `\\${c}`)}%`;
        query = query.where(sql<SqlBool>`(lower(title) like lower(${pattern}) escape '\\' or lower(coalesce(number, '')) like lower(${pattern}) escape '\\' or lower(summary) like lower(${pattern}) escape '\\' or lower(demands) like lower(${pattern}) escape '\\')`);
      }
      const after = readCursor(q.cursor, ['number', 'string']);
      if (after) query = query.where(sql<SqlBool>`(created, id) < (${after[0]}, ${after[1]})`);
      const rows = await query.orderBy('created', 'desc').orderBy('id', 'desc').limit(limit + 1).execute();
      const more = rows.length > limit;
      if (more) rows.pop();
      const last = rows.at(-1);
      return { rows, ...(more && last ? { next: writeCursor(last.created, last.id) } : {}) };
    },
    byId: (scope: Scope, id: string): Promise<TicketRecord | undefined> =>
      db.selectFrom('ticket').selectAll().where('id', '=', id).where(visible(scope)).executeTakeFirst(),
    ofIncident: (scope: Scope, incident: string): Promise<TicketRecord[]> =>
      db.selectFrom('ticket').selectAll().where('incident', '=', incident).where(visible(scope)).orderBy('created').limit(200).execute(),
    async counts(scope: Scope, now: number, soonMs: number) {
      const open = db.selectFrom('ticket').where(visible(scope)).where('state', 'not in', ['closed', 'withdrawn']);
      const row = await open.select([
        sql<number>`count(*)`.as('open'), sql<number>`coalesce(sum(case when due < ${now} then 1 else 0 end), 0)`.as('overdue'),
        sql<number>`coalesce(sum(case when due >= ${now} and due < ${now + soonMs} then 1 else 0 end), 0)`.as('soon'),
      ]).executeTakeFirstOrThrow();
      return { open: Number(row.open), overdue: Number(row.overdue), dueSoon: Number(row.soon) };
    },
    async create(record: TicketRecord, entry: Omit<HistoryRecord, 'num' | 'object'>, audit?: AuditEntry): Promise<void> {
      await together(db, async (tx) => {
        await tx.insertInto('ticket').values(record).execute();
        await tx.insertInto('history').values({ object: record.id, ...entry }).execute();
        if (audit) await appendAudit(tx, engine, audit);
      });
    },
    /** Writes a step if nobody was faster. @returns the new version, or undefined on a conflict. */
    async decide(id: string, version: number, change: Partial<TicketRecord>, entry: Omit<HistoryRecord, 'num' | 'object'>, { numbered, series, audit, followUp }: WithStep = {}): Promise<number | undefined> {
      return together(db, async (tx) => {
        let number: string | undefined;
        const held = await tx.selectFrom('ticket').select(['version', 'number']).where('id', '=', id).executeTakeFirst();
        if (!held || held.version !== version) return undefined;
        if (numbered && held.number === null) {
          const { value } = await tx.insertInto('counter').values({ name: series ?? 'bulletin', value: 1 })
            .onConflict((c) => c.column('name').doUpdateSet((eb) => ({ value: eb('counter.value', '+', 1) }))).returning('value').executeTakeFirstOrThrow();
          number = numbered(value);
        }
        const done = await tx.updateTable('ticket').set({ ...change, ...(number ? { number } : {}), version: version + 1 })
          .where('id', '=', id).where('version', '=', version).executeTakeFirst();
        if (done.numUpdatedRows === 0n) return undefined;
        await tx.insertInto('history').values({ object: id, ...entry }).execute();
        if (followUp) await tx.insertInto('follow_up').values(followUp).execute();
        if (audit) await appendAudit(tx, engine, number ? { ...audit, details: { ...audit.details, number } } : audit);
        return version + 1;
      });
    },
    /** Follow-ups that were noted before then, oldest first. */
    followUps: (before: number): Promise<FollowUpRecord[]> => db.selectFrom('follow_up').selectAll().where('at', '<=', before).orderBy('at').limit(1000).execute(),
    async followed(id: string): Promise<void> { await db.deleteFrom('follow_up').where('id', '=', id).execute(); },
    /** Tickets with a running clock. */
    running: (): Promise<TicketRecord[]> => db.selectFrom('ticket').selectAll().where('due', 'is not', null).orderBy('due').limit(5000).execute(),
    /** Tickets whose quiet window is over. */
    quiet: (now: number): Promise<TicketRecord[]> => db.selectFrom('ticket').selectAll().where('state', '=', 'watching').where('watch_until', '<=', now).limit(100).execute(),
    attachments: (ticket: string): Promise<AttachmentRecord[]> => db.selectFrom('attachment').selectAll().where('ticket', '=', ticket).orderBy('at').limit(200).execute(),
    async attach(record: AttachmentRecord, entry: Omit<HistoryRecord, 'num' | 'object'>, audit?: AuditEntry): Promise<void> {
      await together(db, async (tx) => {
        await tx.insertInto('attachment').values(record).execute();
        await tx.insertInto('history').values({ object: record.ticket, ...entry }).execute();
        if (audit) await appendAudit(tx, engine, audit);
      });
    },
    attachment: (scope: Scope, id: string): Promise<AttachmentRecord | undefined> =>
      db.selectFrom('attachment').innerJoin('ticket', 'ticket.id', 'attachment.ticket').selectAll('attachment').where('attachment.id', '=', id).where(visible(scope)).executeTakeFirst(),
  };
}
export type TicketStore = ReturnType<typeof ticketStore>;

/** The clock that runs in this state: its name and moment, or neither. */
export function runningClock(t: Pick<TicketRecord, 'state' | 'due_acknowledge' | 'due_contain' | 'due_rectify' | 'done_acknowledge' | 'done_contain' | 'done_rectify'>): { due: number | null; due_clock: string | null } {
  if (!(TICKET_WITH_UNIT as readonly string[]).includes(t.state)) return { due: null, due_clock: null };
  for (const clock of ['acknowledge', 'contain', 'rectify'] as const) {
    if (t[`due_${clock}`] !== null && t[`done_${clock}`] === null) return { due: t[`due_${clock}`], due_clock: clock };
  }
  return { due: null, due_clock: null };
}
