import { API_SCHEMA } from '../model/api-schema.js';
import { ROUTES, type RouteName, type RouteRule } from '../model/permissions.js';
import { EXAMPLES } from './openapi-examples.js';

/**
 * What each route answers with: a type of `model/api.ts`, a list (`T[]`) or page (`Page<T>`) of one, `-` for nothing, or
 * the media type of a file.
 */
const ANSWERS: Record<RouteName, string> = {
  'GET /healthz': '*', 'GET /metrics': 'text/plain', 'GET /api/openapi.json': '*',
  'GET /api/session': 'SessionView', 'POST /api/setup': 'SessionView', 'POST /api/login': 'SessionView', 'POST /api/logout': 'SessionView', 'POST /api/password': 'SessionView', 'GET /api/sessions': 'SessionRow[]', 'DELETE /api/sessions/:id': '-',
  'GET /api/alerts': 'Page<AlertRow>', 'GET /api/alerts/counts': 'AlertCounts', 'GET /api/alerts/:id': 'AlertDetail', 'GET /api/evidence/:id': 'application/vnd.tcpdump.pcap',
  'GET /api/evidence/:id/packets': 'PacketPage', 'GET /api/evidence/:id/packets/:number': 'PacketDetail', 'GET /api/evidence/:id/stream': 'StreamView', 'GET /api/search': 'SearchAnswer',
  'GET /api/suppressions': 'SuppressionRow[]', 'POST /api/suppressions': 'SuppressionRow', 'POST /api/suppressions/preview': 'SuppressionPreview', 'DELETE /api/suppressions/:id': 'SuppressionRow',
  'GET /api/filters': 'SavedFilter[]', 'POST /api/filters': 'SavedFilter', 'DELETE /api/filters/:id': '-',
  'GET /api/incidents': 'Page<IncidentRow>', 'GET /api/incidents/counts': 'IncidentCounts', 'GET /api/incidents/:id': 'IncidentDetail', 'POST /api/incidents/:id/actions': 'IncidentDetail', 'POST /api/incidents/actions': 'BulkResult', 'POST /api/incidents/:id/comments': 'IncidentDetail',
  'GET /api/incidents/:id/ranking': 'RankingView', 'GET /api/incidents/:id/chain': 'ChainView', 'GET /api/incidents/:id/bundle': 'application/gzip', 'GET /api/incidents/:id/stix': 'application/stix+json', 'GET /api/indicators/stix': 'application/stix+json', 'GET /api/signing-key': 'SigningKeyView', 'GET /api/campaigns/:id': 'CampaignView',
  'GET /api/tickets': 'Page<TicketRow>', 'POST /api/tickets': 'TicketDetail', 'GET /api/tickets/:id': 'TicketDetail', 'PATCH /api/tickets/:id': 'TicketDetail', 'POST /api/tickets/:id/actions': 'TicketDetail', 'POST /api/tickets/:id/comments': 'TicketDetail', 'POST /api/tickets/:id/attachments': 'TicketDetail', 'POST /api/tickets/actions': 'BulkResult',
  'GET /api/tickets/:id/document': 'application/pdf', 'GET /api/settings/remediation': 'RemediationSettingsView', 'PUT /api/settings/remediation': 'RemediationSettingsView', 'GET /api/notices': 'Page<NoticeRow>', 'POST /api/notices/read': '-', 'GET /api/attachments/:id': 'application/octet-stream',
  'GET /api/reports': 'ReportData', 'GET /api/reports/file': 'application/octet-stream', 'GET /api/report-schedules': 'ReportScheduleRow[]', 'POST /api/report-schedules': 'ReportScheduleRow', 'PUT /api/report-schedules/:id': 'ReportScheduleRow', 'DELETE /api/report-schedules/:id': '-', 'GET /api/report-archive': 'ReportFileRow[]', 'GET /api/report-archive/:id/file': 'application/octet-stream',
  'GET /api/overview': 'Overview', 'GET /api/series': 'SeriesAnswer', 'GET /api/nodes': 'NodeView[]', 'GET /api/rules': 'RuleRow[]', 'GET /api/coverage': 'CoverageView', 'GET /api/rules/:id': 'RuleView', 'POST /api/rule-trials': 'RuleTrialView', 'GET /api/rule-trials/:id': 'RuleTrialView', 'DELETE /api/rule-trials/:id': 'RuleTrialView',
  'GET /api/registry': 'RegistryView', 'PUT /api/registry': 'RegistryChange', 'PUT /api/units/:id': 'RegistryChange', 'DELETE /api/units/:id': 'RegistryChange', 'PUT /api/systems/:id': 'RegistryChange', 'DELETE /api/systems/:id': 'RegistryChange',
  'GET /api/account': 'AccountView', 'POST /api/totp': 'TotpEnrolment', 'POST /api/totp/confirm': 'RecoveryCodes', 'DELETE /api/totp': '-', 'POST /api/tokens': 'TokenCreated', 'DELETE /api/tokens/:id': '-', 'GET /api/oidc/login': '-', 'GET /api/oidc/callback': '-', 'POST /api/reset': '-',
  'POST /api/users/:id/reset': 'ResetHalf', 'GET /api/resets': 'ResetView[]', 'POST /api/resets/:id/approve': 'ResetHalf', 'DELETE /api/users/:id/totp': 'TotpReset', 'GET /api/sessions/all': 'SessionOverview[]',
  'GET /api/channels': 'ChannelRow[]', 'POST /api/channels': 'ChannelRow', 'PUT /api/channels/:id': 'ChannelRow', 'DELETE /api/channels/:id': '-', 'POST /api/channels/:id/test': 'ChannelTest', 'GET /api/channels/:id/deliveries': 'DeliveryRow[]',
  'GET /api/store': 'StoreView', 'GET /api/retention': 'RetentionView', 'PUT /api/retention': 'RetentionView', 'POST /api/retention/runs': 'RetentionRun', 'GET /api/backups': 'BackupRow[]', 'POST /api/backups': 'BackupRow',
  'GET /api/assignees': 'UserName[]', 'GET /api/users': 'UserView[]', 'POST /api/users': 'UserView', 'PATCH /api/users/:id': 'UserView', 'PUT /api/users/:id/roles': 'UserView', 'DELETE /api/users/:id/sessions': '-',
  'GET /api/audit': 'Page<AuditRow>', 'GET /api/audit/verification': 'AuditVerification', 'GET /api/audit/export': 'application/x-ndjson', 'DELETE /api/demo': 'DemoCleared', 'GET /api/live': '-',
};

const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
/** The schema of a JSON answer; undefined where a route answers with nothing or a file. */
export function answerSchema(name: RouteName): object | undefined {
  const answer = ANSWERS[name];
  if (answer === '*') return {};
  if (answer === '-' || answer.includes('/')) return undefined;
  const page = /^Page<(\w+)>$/.exec(answer)?.[1];
  if (page) return { type: 'object', properties: { items: { type: 'array', items: ref(page) }, next: { type: 'string', description: 'Ask on with `cursor`.' } }, required: ['items'], additionalProperties: false };
  return answer.endsWith('[]') ? { type: 'array', items: ref(answer.slice(0, -2)) } : ref(answer);
}

interface Operation { requestBody?: { content?: Record<string, { example?: unknown }> }; [key: string]: unknown }
export interface Described { paths?: Record<string, Record<string, Operation>>; components?: object; [key: string]: unknown }

/** The description of the whole interface: what each route asks for and answers, its permission, and examples. */
export function describe(document: Described): Described {
  const paths = structuredClone(document.paths ?? {});
  for (const [name, rule] of Object.entries(ROUTES) as [RouteName, RouteRule][]) {
    const [method, path] = name.split(' ');
    // The web socket's route is not in the framework's own description.
    const operation = ((paths[path.replace(/:(\w+)/g, '{$1}')] ??= {})[method.toLowerCase()] ??= {});
    const example = EXAMPLES[name];
    const schema = answerSchema(name);
    const answer = ANSWERS[name];
    operation.operationId = name.replace(/[^A-Za-z]+(\w?)/g, (_, c: string) => c.toUpperCase());
    operation.tags = [path.split('/')[2] ?? 'status'];
    operation['x-permission'] = rule.needs;
    operation['x-scope'] = rule.scope;
    operation.security = rule.needs === 'public' ? [] : [{ session: [] }, { token: [] }];
    const status = String(example?.status ?? (schema || answer.includes('/') ? 200 : 204));
    operation.responses = {
      [status]: { description: answer === '-' ? 'Done.' : answer, ...(schema ? { content: { 'application/json': { schema, ...(example?.answer === undefined ? {} : { example: example.answer }) } } } : answer.includes('/') ? { content: { [answer]: {} } } : {}) },
      default: { description: 'Refused; `code` says why.', content: { 'application/json': { schema: ref('ApiError') } } },
    };
    for (const content of Object.values(operation.requestBody?.content ?? {})) if (example?.body !== undefined) content.example = example.body;
  }
  return {
    ...document, paths,
    components: {
      schemas: API_SCHEMA,
      securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: 'sw_session', description: 'With the header x-sw-csrf for whatever changes something.' }, token: { type: 'http', scheme: 'bearer' } },
    },
  };
}
