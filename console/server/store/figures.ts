import { sql } from 'kysely';
import type { Db } from './schema.js';
import type { IncidentRecord } from './incidents.js';
import { withinScope, type Scope } from './scope.js';
import type { ReportFileTable, ReportScheduleTable } from './schema.js';
import type { TicketRecord } from './tickets.js';
import type { Selectable } from 'kysely';

export type ScheduleRecord = Selectable<ReportScheduleTable>;
export type ReportFileRecord = Selectable<ReportFileTable>;
const HOUR_MS = 3_600_000;
/** Records that one report is made of; beyond it figures would take minutes. */
const RECORDS_MAX = 20_000;

/** What reports are made of: hourly counts, incidents and tickets of a time, within what the reader may see. */
export function figureStore(db: Db) {
  const units = (scope: Scope): string[] => (scope.all ? [] : scope.units.length > 0 ? [...scope.units] : ['?']);
  return {
    /** Counts of alerts by one dimension over whole hours; the demonstration is left out. */
    async alerts(scope: Scope, from: number, to: number, by: 'severity' | 'verdict' | 'class' | 'unit' | 'hour'): Promise<Map<string, number>> {
      const key = by === 'hour' ? sql<string>`hour` : sql<string>`${sql.ref(by)}`;
      let q = db.selectFrom('alert_hour').select([key.as('key'), sql<number>`sum(alerts)`.as('n')]).where('hour', '>=', Math.floor(from / HOUR_MS)).where('hour', '<', Math.ceil(to / HOUR_MS)).where('demo', '=', 0);
      if (!scope.all) q = q.where((eb) => eb.or([eb('unit', 'in', units(scope)), eb('attacker_unit', 'in', units(scope))]));
      return new Map((await q.groupBy(key).execute()).map((r) => [String(r.key), Number(r.n)]));
    },
    async incidents(scope: Scope, from: number, to: number): Promise<IncidentRecord[]> {
      return db.selectFrom('incident').selectAll().where(withinScope(scope, 'incident')).where('demo', '=', 0).where('last_seen', '>=', from).where('last_seen', '<', to).orderBy('rank', 'desc').limit(RECORDS_MAX).execute();
    },
    /** Tickets that were issued, open or ended in that time, also those that were opened again after it. */
    async tickets(scope: Scope, from: number, to: number): Promise<TicketRecord[]> {
      let q = db.selectFrom('ticket').selectAll().where('demo', '=', 0).where('issued', 'is not', null).where(sql<number>`coalesce(first_issued, issued)`, '<', to).where((eb) => eb.or([eb('ended', 'is', null), eb('ended', '>=', from)]));
      if (!scope.all) q = q.where('unit', 'in', units(scope));
      return q.orderBy('issued', 'desc').limit(RECORDS_MAX).execute();
    },
    /** Returns and reopenings of these tickets. */
    async setbacks(ids: string[]): Promise<Map<string, { returned: number; reopened: number }>> {
      const found = new Map<string, { returned: number; reopened: number }>();
      for (let at = 0; at < ids.length; at += 500) {
        for (const r of await db.selectFrom('history').select(['object', 'action', sql<number>`count(*)`.as('n')]).where('object', 'in', ids.slice(at, at + 500)).where('action', 'in', ['return', 'reopen']).groupBy(['object', 'action']).execute()) {
          const held = found.get(r.object) ?? { returned: 0, reopened: 0 };
          held[r.action === 'return' ? 'returned' : 'reopened'] = Number(r.n);
          found.set(r.object, held);
        }
      }
      return found;
    },
    schedules: (): Promise<ScheduleRecord[]> => db.selectFrom('report_schedule').selectAll().orderBy('id').limit(200).execute(),
    async putSchedule(r: ScheduleRecord): Promise<void> { await db.insertInto('report_schedule').values(r).onConflict((c) => c.column('id').doUpdateSet({ form_json: r.form_json, next_at: r.next_at, last_at: r.last_at, last_error: r.last_error })).execute(); },
    async dropSchedule(id: string): Promise<void> { await db.deleteFrom('report_schedule').where('id', '=', id).execute(); },
    async putFile(r: ReportFileRecord): Promise<void> { await db.insertInto('report_file').values(r).execute(); },
    async files(scope: Scope): Promise<ReportFileRecord[]> {
      let q = db.selectFrom('report_file').selectAll();
      if (!scope.all) q = q.where('unit', 'in', units(scope));
      return q.orderBy('at', 'desc').limit(500).execute();
    },
  };
}
