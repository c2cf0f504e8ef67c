import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ReportData, ReportFileRow, ReportScheduleRow } from '../../model/api.js';
import { ReportFileQuery, ReportQuery, ReportScheduleForm, type ReportFormat, type ReportKind } from '../../model/report.js';
import { IdParams } from '../../model/requests.js';
import { callerOf, languageOf, recorded } from '../app.js';
import { changed } from '../audit-change.js';
import type { Caller } from '../auth/session.js';
import type { Context } from '../context.js';
import { refusals } from '../errors.js';
import { lastWhole, reportData } from '../reports/data.js';
import { TYPES, nextRun, reportFile } from '../reports/scheduler.js';
import { iso, readTime } from '../store/cursor.js';
import type { ReportFileRecord, ScheduleRecord } from '../store/figures.js';
import type { Scope } from '../store/scope.js';

const RANGE_MAX = 400 * 86_400_000;
const SCHEDULES_MAX = 50;

export function reportRoutes(app: FastifyInstance, context: Context): void {
  const { store, clock } = context;

  /** The time and the part of the organisation that a report is about, within what its reader may see. */
  function about(caller: Caller, q: ReportQuery): { scope: Scope; from: number; to: number } {
    const whole = lastWhole(q.kind, clock.now(), context.remediation.calendar.offset);
    if (q.kind === 'special' && (q.from === undefined || q.to === undefined)) throw refusals.badRequest('from', 'and to are needed');
    const from = readTime(q.from, 'from') ?? whole.from;
    const to = readTime(q.to, 'to') ?? (q.from === undefined ? whole.to : clock.now());
    if (from >= to || to - from > RANGE_MAX) throw refusals.badRequest('from', 'is not before to, or further than a year');
    if (q.unit === undefined) return { scope: caller.scope, from, to };
    const units = context.assets().subtree(q.unit);
    if (!context.assets().registry.units.some((u) => u.id === q.unit) || (!caller.scope.all && !caller.scope.units.includes(q.unit))) throw refusals.notFound();
    return { scope: { all: false, units }, from, to };
  }
  app.get<{ Querystring: ReportQuery }>('/api/reports', { schema: { querystring: ReportQuery } }, async (request): Promise<ReportData> => {
    const { scope, from, to } = about(callerOf(request), request.query);
    return reportData(context, scope, request.query.kind, from, to, request.query.unit);
  });
  app.get<{ Querystring: ReportFileQuery }>('/api/reports/file', { schema: { querystring: ReportFileQuery }, config: { audit: 'always' } }, async (request, reply) => {
    const { kind, format, unit } = request.query;
    const { scope, from, to } = about(callerOf(request), request.query);
    const bytes = await reportFile(context, scope, kind, from, to, format, request.query.lang ?? languageOf(request), unit);
    return reply.header('content-disposition', `attachment; filename="${kind}-${iso(from).slice(0, 10)}.${format}"`).type(TYPES[format]).send(bytes);
  });

  const schedule = async (r: ScheduleRecord): Promise<ReportScheduleRow> => {
    const people = await context.people();
    const form = JSON.parse(r.form_json) as ReportScheduleForm;
    return { ...form, id: r.id, by: people.get(r.by) ?? { id: r.by, account: r.by, name: r.by }, ...(form.enabled ? { nextAt: iso(r.next_at) } : {}), ...(r.last_at === null ? {} : { lastAt: iso(r.last_at) }), ...(r.last_error === null ? {} : { lastError: r.last_error }) };
  };
  const mine = (caller: Caller, unit: string | null): boolean => caller.scope.all || (unit !== null && caller.scope.units.includes(unit));
  async function save(request: FastifyRequest, form: ReportScheduleForm, before?: ScheduleRecord): Promise<ReportScheduleRow> {
    const caller = callerOf(request);
    // What is scheduled is about no more than who schedules it may see.
    const unit = form.unit ?? caller.user.unit;
    if (!mine(caller, unit) || (form.unit && !context.assets().registry.units.some((u) => u.id === form.unit))) throw refusals.badRequest('unit', 'is not in the registry');
    const record: ScheduleRecord = { id: before?.id ?? `sch-${randomUUID()}`, form_json: JSON.stringify(form), by: before?.by ?? caller.user.id, unit, next_at: nextRun(form, clock.now(), context.remediation.calendar.offset), last_at: before?.last_at ?? null, last_error: before?.last_error ?? null };
    request.auditDetails = { id: record.id, name: form.name, ...(before ? changed(JSON.parse(before.form_json) as object, form) : { after: form }) };
    await recorded(context, request, (s) => s.figures.putSchedule(record));
    return schedule(record);
  }
  const demand = async (caller: Caller, id: string): Promise<ScheduleRecord> => {
    const record = (await store.figures.schedules()).find((r) => r.id === id);
    if (!record || !mine(caller, record.unit)) throw refusals.notFound();
    return record;
  };
  app.get('/api/report-schedules', async (request): Promise<ReportScheduleRow[]> => Promise.all((await store.figures.schedules()).filter((r) => mine(callerOf(request), r.unit)).map(schedule)));
  app.post<{ Body: ReportScheduleForm }>('/api/report-schedules', { schema: { body: ReportScheduleForm } }, async (request, reply) => {
    if ((await store.figures.schedules()).length >= SCHEDULES_MAX) throw refusals.tooLarge();
    return reply.status(201).send(await save(request, request.body));
  });
  app.put<{ Params: IdParams; Body: ReportScheduleForm }>('/api/report-schedules/:id', { schema: { params: IdParams, body: ReportScheduleForm } }, async (request) => save(request, request.body, await demand(callerOf(request), request.params.id)));
  app.delete<{ Params: IdParams }>('/api/report-schedules/:id', { schema: { params: IdParams } }, async (request, reply) => {
    const { id, form_json } = await demand(callerOf(request), request.params.id);
    request.auditDetails = { name: (JSON.parse(form_json) as ReportScheduleForm).name };
    await recorded(context, request, (s) => s.figures.dropSchedule(id));
    return reply.status(204).send();
  });

  app.get('/api/report-archive', async (request): Promise<ReportFileRow[]> => (await store.figures.files(callerOf(request).scope)).map((f: ReportFileRecord) => ({
    id: f.id, name: f.name, kind: f.kind as ReportKind, format: f.format as ReportFormat, from: iso(f.from_at), to: iso(f.to_at), at: iso(f.at), bytes: f.bytes, sha256: f.sha256,
    href: `/api/report-archive/${f.id}/file`, ...(f.unit === null ? {} : { unitName: context.assets().unit(f.unit) }),
  })));
  app.get<{ Params: IdParams }>('/api/report-archive/:id/file', { schema: { params: IdParams }, config: { audit: 'always' } }, async (request, reply) => {
    const record = (await store.figures.files(callerOf(request).scope)).find((f) => f.id === request.params.id);
    const bytes = record && await context.files.bytes(record.sha256);
    if (!record || !bytes) throw refusals.notFound();
    return reply.header('content-disposition', `attachment; filename="${record.kind}-${iso(record.from_at).slice(0, 10)}.${record.format}"`).type(TYPES[record.format as ReportFormat]).send(bytes);
  });
}
