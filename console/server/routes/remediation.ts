import type { FastifyInstance } from 'fastify';
import type { NoticeRow, Page, RemediationSettingsView } from '../../model/api.js';
import { DocumentQuery, NoticeQuery, NoticeReadForm, RemediationSettingsForm } from '../../model/remediation.js';
import { IdParams } from '../../model/requests.js';
import { callerOf, recorded } from '../app.js';
import { changed } from '../audit-change.js';
import { bulletinFor } from '../bulletin.js';
import type { Context } from '../context.js';
import { bulletinText } from '../documents/bulletin-text.js';
import { refusals } from '../errors.js';
import { noticeRows } from '../notify.js';
import { iso } from '../store/cursor.js';

const TYPES = { pdf: 'application/pdf', docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document' } as const;

export function remediationRoutes(app: FastifyInstance, context: Context): void {
  const { store, clock } = context;
  const view = async (): Promise<RemediationSettingsView> => {
    const held = await store.settings.get('remediation');
    const people = await context.people();
    return { settings: context.remediation, version: held?.version ?? 0, ...(held ? { changedAt: iso(held.at), ...(people.has(held.by) ? { by: people.get(held.by) } : {}) } : {}) };
  };
  app.get('/api/settings/remediation', view);
  app.put<{ Body: RemediationSettingsForm }>('/api/settings/remediation', { schema: { body: RemediationSettingsForm } }, async (request) => {
    const { version, settings } = request.body;
    if (settings.calendar.to <= settings.calendar.from) throw refusals.badRequest('settings.calendar.to', 'is not after from');
    for (const level of [1, 2, 3, 4] as const) {
      const d = settings.deadlines[level];
      if (d.acknowledge > d.contain || d.contain > d.rectify) throw refusals.badRequest(`settings.deadlines.${level}`, 'does not grow from acknowledge to rectify');
    }
    request.auditDetails = changed(context.remediation, context.withCalendar(settings));
    await recorded(context, request, async (s) => { if (!await s.settings.put('remediation', settings, version, clock.now(), callerOf(request).user.id)) throw refusals.conflict(); });
    await context.loadSettings();
    return view();
  });

  app.get<{ Params: IdParams; Querystring: DocumentQuery }>('/api/tickets/:id/document', { schema: { params: IdParams, querystring: DocumentQuery }, config: { audit: 'always' } }, async (request, reply) => {
    const ticket = await store.tickets.byId(callerOf(request).scope, request.params.id);
    const incident = ticket && await store.incidents.byId({ all: true }, ticket.incident);
    if (!ticket || !incident) throw refusals.notFound();
    const { format } = request.query;
    const text = bulletinText(bulletinFor(ticket, request.query.lang ?? 'zh'), incident, context.remediation, context.assets(), await context.people(), await store.tickets.attachments(ticket.id), request.query.lang ?? 'zh');
    // The writers are loaded when first wanted: they would double the time to start.
    const bytes = format === 'pdf'
      ? await (await import('../documents/bulletin-pdf.js')).bulletinPdf(text)
      : await (await import('../documents/bulletin-docx.js')).bulletinDocx(text);
    const name = `${(ticket.number ?? ticket.title).replace(/[\\/:*?"<>|\p{C}]/gu, '_').slice(0, 80)}.${format}`;
    return reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`).type(TYPES[format]).send(bytes);
  });

  app.get<{ Querystring: NoticeQuery }>('/api/notices', { schema: { querystring: NoticeQuery } }, async (request): Promise<Page<NoticeRow>> => {
    const { user, scope } = callerOf(request);
    const { rows, next } = await store.notices.list(user.id, request.query);
    return { items: await noticeRows(context, scope, rows), ...(next ? { next } : {}) };
  });
  app.post<{ Body: NoticeReadForm }>('/api/notices/read', { schema: { body: NoticeReadForm }, config: { audit: 'never' } }, async (request, reply) => {
    await store.notices.read(callerOf(request).user.id, request.body.ids);
    return reply.status(204).send();
  });
}
