import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import type { BulkResult, FeedbackForm, Page, TicketDetail, TicketRow, VerificationForm } from '../../model/api.js';
import { numbering } from '../../model/calendar.js';
import { CLOCKS, proposedLevel, type Level } from '../../model/deadline.js';
import { earlierRounds, reopened, roundOverdue, roundsOf } from '../../model/rounds.js';
import { CommentCreate, IdParams, TicketAct, TicketCreate, TicketEdit, TicketQuery } from '../../model/requests.js';
import { TicketBulkAct } from '../../model/triage.js';
import { actionsFrom, step, type Need } from '../../model/state-machine.js';
import { TICKET_MACHINE, type TicketAction, type TicketState } from '../../model/ticket.js';
import { followUp } from '../aftermath.js';
import { changed } from '../audit-change.js';
import { auditOf, callerOf, languageOf } from '../app.js';
import type { Caller } from '../auth/session.js';
import { bulletinFor, draftBulletin } from '../bulletin.js';
import type { Context } from '../context.js';
import { Refused, refusals } from '../errors.js';
import type { Audience, NoticeKind } from '../notify.js';
import { iso } from '../store/cursor.js';
import { noted, type Aftermath } from '../store/follow-up.js';
import { assetOf } from '../store/returning.js';
import { EVERYTHING } from '../store/scope.js';
import { runningClock, type TicketRecord } from '../store/tickets.js';
import { historyEntry } from '../views.js';
import { withUnits } from './alerts.js';
import { refusalOf } from './incidents.js';

/** What a step does to its incident. */
const INCIDENT: Partial<Record<TicketAction, Aftermath['incident']>> = { approve: 'remediate', reopen: 'resume', close: 'close', withdraw: 'close', accept_appeal: 'close' };
/** Who hears of a step, besides whoever took it. */
const NEWS: Partial<Record<TicketAction, [NoticeKind, Audience[]]>> = {
  submit: ['review', ['watch', 'leaders']], approve: ['issued', ['unit', 'people']], give_feedback: ['feedback', ['people', 'watch']], return: ['returned', ['unit']],
  request_extension: ['extension', ['people', 'watch']], grant_extension: ['extension', ['unit']], refuse_extension: ['extension', ['unit']], appeal: ['appeal', ['people', 'watch']],
  accept_appeal: ['appeal', ['unit', 'people']], refuse_appeal: ['appeal', ['unit']], remind: ['reminded', ['unit']], supervise: ['supervised', ['unit', 'leaders', 'people']],
  reopen: ['reopened', ['unit', 'people', 'watch', 'leaders']], close: ['closed', ['unit', 'people']],
};
const decided = (appeal: string | null, decision: 'accepted' | 'refused', answer: string | undefined): string => JSON.stringify({ ...(appeal === null ? {} : JSON.parse(appeal) as object), decision, answer });

/** What may be attached, told by its first bytes and not by its name. */
const KINDS: { type: string; test: (b: Buffer) => boolean }[] = [
  { type: 'application/pdf', test: (b) => b.subarray(0, 5).toString('latin1') === '%PDF-' },
  { type: 'image/png', test: (b) => b.readUInt32BE(0) === 0x89504e47 },
  { type: 'image/jpeg', test: (b) => b.readUInt16BE(0) === 0xffd8 },
  // DOCX and XLSX are ZIP files.
  { type: 'application/zip', test: (b) => b.readUInt32BE(0) === 0x504b0304 },
  { type: 'application/vnd.tcpdump.pcap', test: (b) => [0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a].includes(b.readUInt32BE(0)) },
  { type: 'text/plain', test: (b) => !b.includes(0) && !b.toString('utf8').includes('\ufffd') },
];

const TOLD = ['state', 'number', 'level', 'unit', 'issued', 'ended', 'due_acknowledge', 'due_contain', 'due_rectify', 'done_acknowledge', 'done_contain', 'done_rectify', 'signer', 'watch_until'] as const;
const told = (t: TicketRecord) => Object.fromEntries(TOLD.map((k) => [k, typeof t[k] === 'number' && k !== 'level' ? iso(t[k]) : t[k]]));
const changesOf = (before: TicketRecord, after: TicketRecord) => changed(told(before), told(after));

export function ticketRoutes(app: FastifyInstance, context: Context): void {
  const { store, clock, config } = context;
  const unitKnown = (unit: string): boolean => context.assets().unit(unit) !== undefined && (context.assets().registry.units.length === 0 || context.assets().registry.units.some((u) => u.id === unit));

  const find = async (caller: Caller, id: string): Promise<TicketRecord> => {
    const ticket = await store.tickets.byId(caller.scope, id);
    if (!ticket) throw refusals.notFound();
    return ticket;
  };
  const detail = async (request: FastifyRequest, id: string): Promise<TicketDetail> => {
    const caller = callerOf(request);
    const held = await find(caller, id);
    // A draft is shown as it will go out: its writer works on that text.
    const t = held.state === 'draft' ? held : bulletinFor(held, languageOf(request));
    const people = await context.people();
    const person = (who: string) => people.get(who) ?? { id: who, account: who, name: who };
    const [history, attachments, incident] = await Promise.all([
      store.incidents.history(id), store.tickets.attachments(id), store.incidents.byId({ all: true }, t.incident),
    ]);
    if (!incident) throw refusals.notFound();
    const [row] = context.ticketRows([t]);
    // The ticket concerns the unit, and so does what it was written about.
    const [incidentRow] = await context.incidentRows(caller.scope, [incident]);
    const now = clock.now();
    const parse = <T>(json: string | null): T | undefined => (json === null ? undefined : JSON.parse(json) as T);
    const appeal = parse<{ reason: string; at: string; by: string; decision?: 'accepted' | 'refused'; answer?: string }>(t.appeal_json);
    const feedback = parse<FeedbackForm & { at: string; by: string }>(t.feedback_json);
    const verification = parse<VerificationForm & { by: string }>(t.verification_json);
    return {
      ...row, summary: t.summary, impact: t.impact, demands: t.demands, author: person(t.author), ...(t.approver ? { approver: person(t.approver) } : {}),
      ...(t.signer === null ? {} : { signer: t.signer }), ...(t.addressee === null ? {} : { addressee: t.addressee }), ...(t.copies === null ? {} : { copies: t.copies }), ...(t.contact === null ? {} : { contact: t.contact }),
      ...(appeal ? { appeal: { ...appeal, by: person(appeal.by) } } : {}),
      proofs: { shut: t.verification_json !== null && t.watch_until !== null, quiet: t.watch_until !== null && now >= t.watch_until, ...(t.watch_until === null ? {} : { quietUntil: iso(t.watch_until) }) },
      documents: { pdf: `/api/tickets/${id}/document?format=pdf`, docx: `/api/tickets/${id}/document?format=docx` },
      ...(t.issued === null ? {} : {
        deadlines: CLOCKS.map((name) => {
          const at = t[`due_${name}`] ?? 0;
          const done = t[`done_${name}`];
          return { clock: name, at: iso(at), ...(done === null ? {} : { doneAt: iso(done) }), overdue: (done ?? now) > at };
        }),
      }),
      ...(t.extension_json === null ? {} : { extension: parse<TicketDetail['extension']>(t.extension_json) }),
      ...(feedback ? { feedback: { ...feedback, by: person(feedback.by) } } : {}), ...(verification ? { verification: { ...verification, by: person(verification.by) } } : {}),
      ...(t.watch_until === null ? {} : { watchUntil: iso(t.watch_until) }),
      ...(t.rounds_json === '[]' ? {} : {
        rounds: earlierRounds(t).map((r) => {
          const [given, verified] = [parse<FeedbackForm & { at: string; by: string }>(r.feedback), parse<VerificationForm & { by: string }>(r.verification)];
          return {
            issuedAt: iso(r.issued), ...(r.ended === null ? {} : { endedAt: iso(r.ended) }), closed: r.closed, overdue: roundOverdue(r, now), ...(r.signer === null ? {} : { signer: r.signer }),
            deadlines: CLOCKS.map((clock) => ({ clock, ...(r.due[clock] === null ? {} : { at: iso(r.due[clock]) }), ...(r.done[clock] === null ? {} : { doneAt: iso(r.done[clock]) }) })),
            ...(given ? { feedback: { ...given, by: person(given.by) } } : {}), ...(verified ? { verification: { ...verified, by: person(verified.by) } } : {}),
          };
        }),
      }),
      attachments: attachments.map((a) => ({ id: a.id, name: a.name, bytes: a.bytes, sha256: a.sha256, type: a.type, by: person(a.by), at: iso(a.at), href: `/api/attachments/${a.id}` })),
      history: history.map((h) => historyEntry(h, people, languageOf(request))),
      actions: caller.permissions.has('ticket.act') ? actionsFrom(TICKET_MACHINE, t.state as TicketState, caller.roles) : [], incidentRow,
    };
  };

  app.get<{ Querystring: TicketQuery }>('/api/tickets', { schema: { querystring: TicketQuery } }, async (request): Promise<Page<TicketRow>> => {
    const { rows, next } = await store.tickets.list(callerOf(request).scope, withUnits(context, request.query), clock.now());
    return { items: context.ticketRows(rows), ...(next ? { next } : {}) };
  });
  app.get<{ Params: IdParams }>('/api/tickets/:id', { schema: { params: IdParams } }, (request) => detail(request, request.params.id));

  app.post<{ Body: TicketCreate }>('/api/tickets', { schema: { body: TicketCreate } }, async (request, reply) => {
    const { scope, user } = callerOf(request);
    const incident = await store.incidents.byId(scope, request.body.incident);
    if (!incident) throw refusals.notFound();
    const unit = request.body.unit ?? incident.unit;
    // Another unit is answered like none: nobody finds out by asking which there are.
    if (!unit || !unitKnown(unit) || (!scope.all && !scope.units.includes(unit))) throw refusals.needs('unit', '须指定登记表中的受送单位。', 'Name a unit of the registry.');
    const level = (request.body.level ?? proposedLevel(SEVERITIES[incident.severity], VERDICTS[incident.verdict], context.assets().value(incident.system))) as Level;
    const rules = await context.rules.all(clock.now());
    const advice = (JSON.parse(incident.rules_json) as string[]).flatMap((id) => { const a = rules.get(id)?.remediation; return a ? [a] : []; });
    const drafts = draftBulletin(incident, context.assets(), advice);
    const draft = drafts.zh;
    const { title, summary, impact, demands } = request.body;
    const record: TicketRecord = {
      id: `tkt-${randomUUID()}`, version: 1, number: null, incident: incident.id, unit, state: TICKET_MACHINE.initial, level,
      title: title ?? draft.title, summary: summary ?? draft.summary, impact: impact ?? draft.impact, demands: demands ?? draft.demands,
      author: user.id, approver: null, signer: null, created: clock.now(), issued: null, due_acknowledge: null, due_contain: null, due_rectify: null,
      done_acknowledge: null, done_contain: null, done_rectify: null, due: null, due_clock: null, extension_json: null, feedback_json: null, verification_json: null,
      watch_until: null, ended: null, reminded: 0, supervised: 0, demo: incident.demo,
      addressee: request.body.addressee ?? null, copies: request.body.copies ?? null, contact: request.body.contact ?? null, appeal_json: null, told_due: null, escalated: null, asset: assetOf(unit, incident), draft_json: JSON.stringify(drafts), rounds_json: '[]', first_issued: null,
    };
    await store.tickets.create(record, { at: clock.now(), by: user.id, action: 'create', from_state: null, to_state: 'draft', text: null }, auditOf(request, clock.now(), record.id, { incident: incident.id, unit, level, title: record.title }));
    request.audited = true;
    await context.announceTicket(record.id);
    return reply.status(201).send(await detail(request, record.id));
  });

  app.patch<{ Params: IdParams; Body: TicketEdit }>('/api/tickets/:id', { schema: { params: IdParams, body: TicketEdit } }, async (request) => {
    const caller = callerOf(request);
    const { version, ...change } = request.body;
    const ticket = await find(caller, request.params.id);
    if (ticket.state !== 'draft') throw refusals.illegalStep(ticket.state, 'edit');
    if (ticket.version !== version) throw refusals.conflict(ticket);
    if (change.unit && (!unitKnown(change.unit) || (!caller.scope.all && !caller.scope.units.includes(change.unit)))) throw refusals.needs('unit', '须指定登记表中的受送单位。', 'Name a unit of the registry.');
    const incident = change.unit === undefined ? undefined : await store.incidents.byId(EVERYTHING, ticket.incident);
    const audit = auditOf(request, clock.now(), ticket.id, changed(Object.fromEntries(Object.keys(change).map((k) => [k, ticket[k as keyof TicketRecord]])), change));
    const done = await store.tickets.decide(ticket.id, version, incident ? { ...change, asset: assetOf(change.unit as string, incident) } : change, { at: clock.now(), by: caller.user.id, action: 'edit', from_state: 'draft', to_state: 'draft', text: Object.keys(change).join(', ') }, { audit });
    request.audited = done !== undefined;
    if (done === undefined) throw refusals.conflict(await store.tickets.byId(caller.scope, ticket.id));
    await context.announceTicket(ticket.id);
    return detail(request, ticket.id);
  });

  /** One step of one ticket by one person. */
  async function act(request: FastifyRequest, caller: Caller, t: TicketRecord, ask: TicketAct): Promise<number> {
    const { user } = caller;
    if (t.version !== ask.version) throw refusals.conflict(t);
    const now = clock.now();
    const until = ask.until === undefined ? NaN : Date.parse(ask.until);
    const proven = ask.action === 'pass' && await isProven(t, ask.verification);
    const wrote = ask.action === 'approve' && (await store.incidents.history(t.id)).some((h) => h.by === user.id && ['create', 'edit'].includes(h.action));
    const met = (need: Need): boolean => {
      switch (need) {
        case 'reason': return !!ask.reason?.trim();
        case 'complete': return [t.title, t.summary, t.demands].every((text) => text.trim() !== '') && unitKnown(t.unit);
        case 'second_person': return !wrote;
        case 'own_unit': return user.unit !== null && context.assets().subtree(user.unit).includes(t.unit);
        case 'signer': return !!ask.signer?.trim();
        case 'feedback': return ask.feedback !== undefined;
        case 'verification': return proven;
        case 'until': return until > now;
        case 'extension_pending': return t.extension_json !== null;
        case 'quiet_window': return t.watch_until !== null && now >= t.watch_until;
        case 'owner': return false;
      }
    };
    const result = step(TICKET_MACHINE, t.state as TicketState, ask.action, caller.roles, met);
    if (!result.ok) throw refusalOf(result.refusal);
    const next: TicketRecord = { ...t, state: result.to };
    switch (ask.action) {
      case 'approve': {
        const due = context.due(now, t.level as Level);
        Object.assign(next, { approver: user.id, issued: now, first_issued: now, due_acknowledge: due.acknowledge, due_contain: due.contain, due_rectify: due.rectify });
        break;
      }
      case 'acknowledge': Object.assign(next, { signer: ask.signer, done_acknowledge: now }); break;
      case 'contain': next.done_contain = now; break;
      case 'give_feedback':
        Object.assign(next, { feedback_json: JSON.stringify({ ...ask.feedback, at: iso(now), by: user.id }), done_contain: t.done_contain ?? now, done_rectify: now });
        break;
      case 'return': next.done_rectify = null; break;
      case 'pass':
        Object.assign(next, { verification_json: JSON.stringify({ ...ask.verification, at: iso(now), by: user.id }), watch_until: now + config.quietMs });
        break;
      case 'accept_appeal': Object.assign(next, { ended: now, appeal_json: decided(t.appeal_json, 'accepted', ask.reason) }); break;
      case 'close': case 'withdraw': next.ended = now; break;
      case 'reopen': Object.assign(next, reopened(t, now, context.due(now, t.level as Level))); break;
      case 'request_extension': next.extension_json = JSON.stringify({ until: iso(until), reason: ask.reason, askedAt: iso(now) }); break;
      case 'grant_extension': Object.assign(next, { due_rectify: Date.parse((JSON.parse(t.extension_json as string) as { until: string }).until), extension_json: null }); break;
      case 'refuse_extension': next.extension_json = null; break;
      case 'remind': next.reminded = t.reminded + 1; break;
      case 'supervise': next.supervised = 1; break;
      case 'appeal': next.appeal_json = JSON.stringify({ reason: ask.reason, at: iso(now), by: user.id }); break;
      case 'refuse_appeal': next.appeal_json = decided(t.appeal_json, 'refused', ask.reason); break;
      case 'submit': case 'send_back': case 'verify': break;
    }
    Object.assign(next, runningClock(next));
    const { id, version, number, ...change } = next;
    void version; void number;
    const count = numbering(context.remediation, now, t.level as Level, context.assets().unit(t.unit)?.zh ?? t.unit);
    const news = NEWS[ask.action];
    const after = noted(id, now, {
      ...(INCIDENT[ask.action] ? { incident: INCIDENT[ask.action], text: ask.reason ?? '' } : {}),
      ...(news ? { notice: { kind: news[0], audience: news[1], ...(ask.reason ? { text: ask.reason } : {}), except: user.id } } : {}),
    });
    const audit = auditOf(request, now, id, { ...(t.number === null ? {} : { number: t.number }), action: ask.action, reason: ask.reason, ...changesOf(t, next), ...(ask.action === 'reopen' ? { round: roundsOf(t).at(-1) } : {}) });
    const done = await store.tickets.decide(
      id, t.version, change, { at: now, by: user.id, action: ask.action, from_state: t.state, to_state: result.to, text: ask.reason ?? ask.signer ?? null },
      { ...(ask.action === 'approve' ? { numbered: count.number } : {}), series: count.series, audit, followUp: after },
    );
    if (done === undefined) throw refusals.conflict(await store.tickets.byId(caller.scope, id));
    request.audited = true;
    await followUp(context, after);
    return done;
  }

  app.post<{ Params: IdParams; Body: TicketAct }>('/api/tickets/:id/actions', { schema: { params: IdParams, body: TicketAct } }, async (request) => {
    const caller = callerOf(request);
    request.auditDetails = { action: request.body.action, reason: request.body.reason };
    const t = await find(caller, request.params.id);
    await act(request, caller, t, request.body);
    // A withdrawn draft, or a ticket sent back, may be out of the caller's sight; the answer is what it was.
    return detail(request, t.id);
  });
  app.post<{ Body: TicketBulkAct }>('/api/tickets/actions', { schema: { body: TicketBulkAct } }, async (request): Promise<BulkResult> => {
    const caller = callerOf(request);
    const { items, action, reason } = request.body;
    request.auditDetails = { action, reason, ids: items.map((i) => i.id) };
    const result: BulkResult = { done: [], refused: [] };
    for (const { id, version } of items) {
      try {
        result.done.push({ id, version: await act(request, caller, await find(caller, id), { version, action, ...(reason === undefined ? {} : { reason }) }) });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        result.refused.push({ id, error: error.toBody(languageOf(request)) });
      }
    }
    return result;
  });

  /** The hole is shut: a retest is attached since the feedback, or the monitor saw the same attack fail after it. */
  async function isProven(t: TicketRecord, form: VerificationForm | undefined): Promise<boolean> {
    if (!form) return false;
    const since = t.done_rectify ?? t.issued ?? 0;
    if (form.method === 'retest') return (await store.tickets.attachments(t.id)).some((a) => a.at >= since);
    if (!form.alert) return false;
    const [seen, incident] = await Promise.all([store.alerts.byId({ all: true }, form.alert), store.incidents.byId({ all: true }, t.incident)]);
    return !!seen && !!incident && seen.row.victim_ip === incident.victim_ip && seen.row.verdict === 0 && seen.row.last_seen >= since
      && (JSON.parse(incident.classes_json) as string[]).includes(seen.row.class);
  }

  app.post<{ Params: IdParams; Body: CommentCreate }>('/api/tickets/:id/comments', { schema: { params: IdParams, body: CommentCreate } }, async (request, reply) => {
    const caller = callerOf(request);
    const t = await find(caller, request.params.id);
    await store.incidents.comment({ object: t.id, at: clock.now(), by: caller.user.id, action: 'comment', from_state: null, to_state: null, text: request.body.text }, auditOf(request, clock.now(), t.id, { text: request.body.text.slice(0, 200) }));
    request.audited = true;
    return reply.status(201).send(await detail(request, t.id));
  });
  app.post<{ Params: IdParams }>('/api/tickets/:id/attachments', { schema: { params: IdParams } }, async (request, reply) => {
    const caller = callerOf(request);
    const t = await find(caller, request.params.id);
    const part = await request.file();
    if (!part) throw refusals.badRequest('file', 'is missing');
    const bytes = await part.toBuffer();
    const kind = bytes.length >= 4 ? KINDS.find((k) => k.test(bytes)) : undefined;
    if (!kind) throw refusals.badFile();
    const sha256 = await context.files.put(bytes);
    // oxlint-disable-next-line no-control-regex
    const name = (part.filename || 'file').replace(/[\x00-\x1f\x7f/\\]/g, '_').slice(0, 120);
    const record = { id: `att-${randomUUID()}`, ticket: t.id, name, bytes: bytes.length, sha256, type: kind.type, by: caller.user.id, at: clock.now() };
    await store.tickets.attach(record, { at: record.at, by: caller.user.id, action: 'attach', from_state: null, to_state: null, text: name }, auditOf(request, record.at, t.id, { name, sha256, bytes: record.bytes }));
    request.audited = true;
    return reply.status(201).send(await detail(request, t.id));
  });
  app.get<{ Params: IdParams }>('/api/attachments/:id', { schema: { params: IdParams }, config: { audit: 'always' } }, async (request, reply) => {
    const record = await store.tickets.attachment(callerOf(request).scope, request.params.id);
    const file = record && await context.files.read(record.sha256);
    if (!record || !file) throw refusals.notFound();
    return reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(record.name)}`).header('content-length', file.bytes)
      .type('application/octet-stream').send(file.stream);
  });
}
