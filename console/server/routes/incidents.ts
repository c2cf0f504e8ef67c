import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SEVERITIES, VERDICTS, type DetectionClass, type Phase } from '../../../contracts/classes.js';
import type { BulkResult, CampaignView, IncidentCounts, IncidentDetail, IncidentRow, Page } from '../../model/api.js';
import { INCIDENT_MACHINE, INCIDENT_OPEN, type IncidentState } from '../../model/incident.js';
import { CommentCreate, IdParams, IncidentAct, IncidentBulkAct, IncidentQuery } from '../../model/requests.js';
import { actionsFrom, step, type Refusal } from '../../model/state-machine.js';
import { permissionsOf } from '../../model/roles.js';
import { changed } from '../audit-change.js';
import { auditOf, callerOf, languageOf } from '../app.js';
import type { Caller } from '../auth/session.js';
import { rolesOf } from '../auth/session.js';
import type { Context } from '../context.js';
import { Refused, refusals } from '../errors.js';
import { rankOf } from '../ingest/grouping.js';
import { ofIncident } from '../notify.js';
import { iso } from '../store/cursor.js';
import type { IncidentRecord } from '../store/incidents.js';
import { NOTHING_TOLD, allTold } from '../store/told.js';
import { graphOf, historyEntry } from '../views.js';
import { add, withUnits } from './alerts.js';

/** What a refused step of a state machine is for the browser. */
export function refusalOf(refusal: Refusal): Refused {
  switch (refusal.kind) {
    case 'illegal': return refusals.illegalStep(refusal.from, refusal.action);
    case 'role': return refusals.forbidden(refusal.action);
    case 'needs': return NEEDS[refusal.need]();
  }
}
const NEEDS: Record<Extract<Refusal, { kind: 'needs' }>['need'], () => Refused> = {
  reason: () => refusals.needs('reason', '须填写理由。', 'Give the reason.'),
  owner: () => refusals.needs('owner', '须指定负责人（有研判权限且看得到该单位）。', 'Name somebody who may triage and sees this unit.'),
  feedback: () => refusals.needs('feedback', '须填写整改反馈。', 'Fill in the feedback form.'),
  verification: () => refusals.needs('verification', '须有复测附件，或监测到同一请求被拒绝的告警。', 'Attach the retest, or name an alert that shows the same request refused.'),
  until: () => refusals.needs('until', '须填写晚于现在的新期限。', 'Give a new deadline that lies ahead.'),
  signer: () => refusals.needs('signer', '须填写签收人。', 'Name who signs.'),
  complete: () => refusals.needs('complete', '通报须有标题、单位、级别、情况和处置要求。', 'A bulletin needs title, unit, level, summary and demands.'),
  second_person: () => refusals.needs('second_person', '须由拟稿人以外的人审批。', 'Somebody else than the author approves.'),
  own_unit: () => refusals.needs('own_unit', '只有受送单位可以执行。', 'Only the unit itself may do this.'),
  quiet_window: () => refusals.needs('quiet_window', '观察期未满。', 'The quiet window is not over.'),
  extension_pending: () => refusals.needs('extension_pending', '没有待批的延期申请。', 'No extension has been asked for.'),
};

export function incidentRoutes(app: FastifyInstance, context: Context): void {
  const { store, clock } = context;

  async function act(request: FastifyRequest, caller: Caller, record: IncidentRecord | undefined, ask: Pick<IncidentAct, 'version' | 'action' | 'reason' | 'owner'>): Promise<number> {
    if (!record) throw refusals.notFound();
    if (record.version !== ask.version) throw refusals.conflict(record);
    const owner = ask.owner === 'me' ? caller.user.id : ask.owner;
    const able = owner === undefined ? false : await mayTriage(owner, record);
    const result = step(INCIDENT_MACHINE, record.state as IncidentState, ask.action, caller.roles, (need) => (need === 'reason' ? !!ask.reason?.trim() : need === 'owner' ? able : false));
    if (!result.ok) throw refusalOf(result.refusal);
    const closes = !(INCIDENT_OPEN as readonly string[]).includes(result.to);
    const change = {
      state: result.to, closed_at: closes ? clock.now() : null,
      ...(ask.action === 'assign' ? { owner: owner as string } : ask.action === 'release' ? { owner: null } : {}),
      ...(ask.action === 'escalate' ? { escalated: 1 as const, rank: rankOf({ ...record, escalated: 1 }, context.assets().value(record.system)) } : {}),
      ...(ask.action === 'reopen' ? { reopened: record.reopened + 1 } : {}),
    };
    const next: IncidentRecord = { ...record, ...change, version: record.version + 1 };
    const told = allTold(context.outbound?.incidents([next], context.assets()) ?? NOTHING_TOLD, ask.action === 'assign' && owner ? ofIncident(context, 'assigned', next, [owner], null, caller.user.id) : NOTHING_TOLD);
    const version = await store.incidents.decide(record.id, record.version, change, {
      at: clock.now(), by: caller.user.id, action: ask.action, from_state: record.state, to_state: result.to, text: (ask.action === 'assign' ? owner : ask.reason) ?? null,
    }, { told, audit: auditOf(request, clock.now(), record.id, { action: ask.action, reason: ask.reason, ...changed({ state: record.state, owner: record.owner, escalated: record.escalated === 1 }, { state: result.to, owner: 'owner' in change ? change.owner : record.owner, escalated: 'escalated' in change || record.escalated === 1 }) }) });
    request.audited = version !== undefined;
    if (version === undefined) throw refusals.conflict(await store.incidents.byId(caller.scope, record.id));
    context.announceTold(told);
    const now = await store.incidents.byId(caller.scope, record.id);
    if (now) await context.announceIncident(now);
    return version;
  }
  async function mayTriage(id: string, record: IncidentRecord): Promise<boolean> {
    const user = await store.people.byId(id);
    if (!user || user.disabled === 1 || !permissionsOf(rolesOf(user)).has('incident.triage')) return false;
    const scope = context.assets().scopeOf(user.unit);
    return scope.all || [record.unit, record.attacker_unit].some((u) => u !== null && scope.units.includes(u));
  }

  app.get<{ Querystring: IncidentQuery }>('/api/incidents', { schema: { querystring: IncidentQuery } }, async (request): Promise<Page<IncidentRow>> => {
    const { scope, user } = callerOf(request);
    const { rows, next } = await store.incidents.list(scope, withUnits(context, request.query), user.id);
    return { items: await context.incidentRows(scope, rows), ...(next ? { next } : {}) };
  });
  app.get<{ Querystring: IncidentQuery }>('/api/incidents/counts', { schema: { querystring: IncidentQuery } }, async (request): Promise<IncidentCounts> => {
    const { scope, user } = callerOf(request);
    const counts: IncidentCounts = { total: 0, capped: false, byState: {}, bySeverity: {}, byVerdict: {} };
    const counted = await store.incidents.counts(scope, withUnits(context, request.query), user.id);
    counts.capped = counted.partial;
    for (const r of counted.rows) {
      counts.total += r.n;
      add(counts.byState, r.state as IncidentState, r.n);
      add(counts.bySeverity, SEVERITIES[r.severity], r.n);
      add(counts.byVerdict, VERDICTS[r.verdict], r.n);
    }
    return counts;
  });

  const detail = async (request: FastifyRequest, id: string): Promise<IncidentDetail> => {
    const { scope, roles, permissions } = callerOf(request);
    const record = await store.incidents.byId(scope, id);
    if (!record) throw refusals.notFound();
    const [steps, history, tickets, campaign, people, rules, [row]] = await Promise.all([
      store.alerts.steps(id), store.incidents.history(id), store.tickets.ofIncident(scope, id), store.incidents.campaign(scope, record.campaign),
      context.people(), context.rules.all(clock.now()), context.incidentRows(scope, [record]),
    ]);
    const telling = await store.alerts.idsOf(steps.map((s) => Number(s.telling) % 2 ** 50));
    const seenRules = [...new Set(steps.map((s) => s.rule))];
    return {
      ...row,
      steps: steps.map((s) => ({
        phase: s.phase as Phase, class: s.class as DetectionClass, rule: s.rule, title: { zh: s.title_zh, en: s.title_en }, severity: SEVERITIES[Number(s.severity)],
        verdict: VERDICTS[Number(s.verdict)], firstSeen: iso(Number(s.first_seen)), lastSeen: iso(Number(s.last_seen)), alerts: Number(s.alerts), events: Number(s.events),
        alert: telling.get(Number(s.telling) % 2 ** 50) ?? '',
      })),
      history: history.map((h) => historyEntry(h, people, languageOf(request))),
      actions: permissions.has('incident.triage') ? actionsFrom(INCIDENT_MACHINE, record.state as IncidentState, roles) : [],
      ticketRows: permissions.has('ticket.read') ? context.ticketRows(tickets) : [],
      advice: seenRules.flatMap((id2) => { const r = rules.get(id2); return r?.advice ? [{ rule: id2, title: r.title, advice: r.advice }] : []; }),
      graph: graphOf(campaign, context.assets()),
    };
  };
  app.get<{ Params: IdParams }>('/api/incidents/:id', { schema: { params: IdParams } }, (request) => detail(request, request.params.id));

  app.post<{ Params: IdParams; Body: IncidentAct }>('/api/incidents/:id/actions', { schema: { params: IdParams, body: IncidentAct } }, async (request) => {
    const caller = callerOf(request);
    request.auditDetails = { action: request.body.action, reason: request.body.reason };
    await act(request, caller, await store.incidents.byId(caller.scope, request.params.id), request.body);
    return detail(request, request.params.id);
  });
  app.post<{ Body: IncidentBulkAct }>('/api/incidents/actions', { schema: { body: IncidentBulkAct } }, async (request): Promise<BulkResult> => {
    const caller = callerOf(request);
    const { items, ...ask } = request.body;
    request.auditDetails = { action: ask.action, reason: ask.reason, ids: items.map((i) => i.id) };
    const records = new Map((await store.incidents.byIds(caller.scope, items.map((i) => i.id))).map((r) => [r.id, r]));
    const result: BulkResult = { done: [], refused: [] };
    for (const { id, version } of items) {
      try {
        result.done.push({ id, version: await act(request, caller, records.get(id), { ...ask, version }) });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        result.refused.push({ id, error: error.toBody(languageOf(request)) });
      }
    }
    return result;
  });
  app.post<{ Params: IdParams; Body: CommentCreate }>('/api/incidents/:id/comments', { schema: { params: IdParams, body: CommentCreate } }, async (request, reply) => {
    const { scope, user } = callerOf(request);
    if (!await store.incidents.byId(scope, request.params.id)) throw refusals.notFound();
    await store.incidents.comment({ object: request.params.id, at: clock.now(), by: user.id, action: 'comment', from_state: null, to_state: null, text: request.body.text }, auditOf(request, clock.now(), request.params.id, { text: request.body.text.slice(0, 200) }));
    request.audited = true;
    return reply.status(201).send(await detail(request, request.params.id));
  });

  app.get<{ Params: IdParams }>('/api/campaigns/:id', { schema: { params: IdParams } }, async (request): Promise<CampaignView> => {
    const { scope } = callerOf(request);
    const rows = await store.incidents.campaign(scope, request.params.id);
    if (rows.length === 0) throw refusals.notFound();
    return {
      id: request.params.id, firstSeen: iso(Math.min(...rows.map((r) => r.first_seen))), lastSeen: iso(Math.max(...rows.map((r) => r.last_seen))),
      severity: SEVERITIES[Math.max(...rows.map((r) => r.severity))], verdict: VERDICTS[Math.max(...rows.map((r) => r.verdict))],
      incidents: await context.incidentRows(scope, rows), graph: graphOf(rows, context.assets()),
    };
  });
}
