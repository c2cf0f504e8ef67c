import { sql } from 'kysely';
import { TICKET_ENDED } from '../../model/ticket.js';
import type { RetentionPolicy, RetentionRun } from '../../model/upkeep.js';
import type { Db, Engine } from './schema.js';

const DAY_MS = 86_400_000;
/** Alerts in one transaction: the intake waits no longer than that takes. */
const STEP = 2_000;

/** What is older than the policy goes, except what an open incident or ticket still needs. */
export function retentionStore(db: Db, engine: Engine) {
  /** Closed incidents whose tickets have all ended, last seen before `edge`. */
  const oldIncidents = (edge: number) => db.selectFrom('incident').select('id').where('open', '=', 0).where('last_seen', '<', edge)
    .where((eb) => eb.not(eb.exists(eb.selectFrom('ticket').select('ticket.id').whereRef('ticket.incident', '=', 'incident.id').where('ticket.state', 'not in', [...TICKET_ENDED]))));
  const oldAlerts = (edge: number) => db.selectFrom('alert').where('last_seen', '<', edge)
    .where((eb) => eb.or([eb('incident', 'is', null), eb.not(eb.exists(eb.selectFrom('incident').select('incident.id').whereRef('incident.id', '=', 'alert.incident').where('incident.open', '=', 1)))]));
  const oldEvidence = (edge: number) => db.selectFrom('evidence').where('stored', '<', edge)
    .where((eb) => eb.not(eb.exists(eb.selectFrom('alert').innerJoin('incident', 'incident.id', 'alert.incident').select('alert.num').whereRef('alert.id', '=', 'evidence.alert').where('incident.open', '=', 1))));

  return {
    /**
     * In many transactions, so that the intake goes on.
     * @param first told what is about to go; what it throws leaves everything as it is
     * @returns counts, and the files that nobody needs any more
     */
    async run(policy: RetentionPolicy, now: number, dryRun: boolean, first: (run: RetentionRun) => Promise<void> = () => Promise.resolve()): Promise<RetentionRun & { gone: string[] }> {
      const edges = { alerts: now - policy.alerts * DAY_MS, evidence: now - policy.evidence * DAY_MS, incidents: now - policy.incidents * DAY_MS };
      const iso = (ms: number): string => new Date(ms).toISOString();
      const count = async (q: { select: (s: never) => unknown }): Promise<number> => Number(((await (q as ReturnType<typeof oldAlerts>).select(sql<number>`count(*)`.as('n')).executeTakeFirst()) as { n: number } | undefined)?.n ?? 0);
      const evidence = await oldEvidence(edges.evidence).select(['id', 'sha256', 'bytes']).execute();
      const incidents = (await oldIncidents(edges.incidents).execute()).map((r) => r.id);
      const tickets: string[] = [];
      for (let at = 0; at < incidents.length; at += 500) tickets.push(...(await db.selectFrom('ticket').select('id').where('incident', 'in', incidents.slice(at, at + 500)).execute()).map((r) => r.id));
      const run: RetentionRun & { gone: string[] } = {
        at: iso(now), dryRun, alerts: await count(oldAlerts(edges.alerts)), evidence: evidence.length, evidenceBytes: evidence.reduce((n, e) => n + e.bytes, 0), incidents: incidents.length, tickets: tickets.length,
        before: { alerts: iso(edges.alerts), evidence: iso(edges.evidence), incidents: iso(edges.incidents) }, gone: [],
      };
      const { gone: _, ...told } = run;
      await first(told);
      if (dryRun) return run;
      const hashes = new Set(evidence.map((e) => e.sha256));
      for (let at = 0; at < evidence.length; at += 500) await db.deleteFrom('evidence').where('id', 'in', evidence.slice(at, at + 500).map((e) => e.id)).execute();
      for (let at = 0; at < incidents.length; at += 500) {
        const ids = incidents.slice(at, at + 500);
        await db.transaction().execute(async (tx) => {
          const theirs = (await tx.selectFrom('ticket').select('id').where('incident', 'in', ids).execute()).map((r) => r.id);
          if (theirs.length > 0) {
            for (const a of await tx.selectFrom('attachment').select('sha256').where('ticket', 'in', theirs).execute()) hashes.add(a.sha256);
            await tx.deleteFrom('attachment').where('ticket', 'in', theirs).execute();
            await tx.deleteFrom('history').where('object', 'in', theirs).execute();
            await tx.deleteFrom('ticket').where('id', 'in', theirs).execute();
          }
          await tx.deleteFrom('history').where('object', 'in', ids).execute();
          await tx.deleteFrom('incident').where('id', 'in', ids).execute();
        });
      }
      for (let more = true; more;) {
        more = await db.transaction().execute(async (tx) => {
          const nums = (await oldAlerts(edges.alerts).select('num').limit(STEP).execute()).map((r) => r.num);
          if (nums.length === 0) return false;
          await tx.deleteFrom('alert_body').where('num', 'in', nums).execute();
          await sql`delete from alert_search where ${sql.raw(engine === 'postgres' ? 'num' : 'rowid')} in (${sql.join(nums)})`.execute(tx);
          // The hourly counts stay, for the years' reports; what is there now is less.
          await sql`insert into alert_total (demo, unit, attacker_unit, class, severity, verdict, alerts)
            select demo, coalesce(unit, ''), coalesce(attacker_unit, ''), class, severity, verdict, -count(*) from alert where num in (${sql.join(nums)}) and suppressed is null group by 1, 2, 3, 4, 5, 6
            on conflict (demo, unit, attacker_unit, class, severity, verdict) do update set alerts = alert_total.alerts + excluded.alerts`.execute(tx);
          await tx.deleteFrom('alert').where('num', 'in', nums).execute();
          return nums.length === STEP;
        });
      }
      for (const hash of hashes) {
        const used = await db.selectFrom('evidence').select('id').where('sha256', '=', hash).limit(1).executeTakeFirst() ?? await db.selectFrom('attachment').select('id').where('sha256', '=', hash).limit(1).executeTakeFirst()
          ?? await db.selectFrom('report_file').select('id').where('sha256', '=', hash).limit(1).executeTakeFirst();
        if (!used) run.gone.push(hash);
      }
      return run;
    },
    async size(): Promise<{ evidenceBytes: number; alerts: number; incidents: number; tickets: number; audit: number; oldest: number | null }> {
      const { rows: [r] } = await sql<Record<string, number | null>>`select (select coalesce(sum(bytes), 0) from evidence) as evidence, (select count(*) from alert) as alerts, (select count(*) from incident) as incidents,
        (select count(*) from ticket) as tickets, (select count(*) from audit) as audit, (select min(last_seen) from alert) as oldest`.execute(db);
      return { evidenceBytes: Number(r.evidence), alerts: Number(r.alerts), incidents: Number(r.incidents), tickets: Number(r.tickets), audit: Number(r.audit), oldest: r.oldest === null ? null : Number(r.oldest) };
    },
  };
}
