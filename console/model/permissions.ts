import type { Permission } from './roles.js';

/**
 * Every route of the console with what it asks for. The server refuses to start with a route that has no entry.
 * `public`: nobody need be logged in. `session`: anybody who is. Everything else: that permission.
 * `scope`: `units`: answers hold only what concerns the user's part of the organisation tree; `none`: holds nothing of
 * any unit; `all`: only for users who see the whole tree.
 */
export interface RouteRule {
  needs: Permission | 'public' | 'session';
  scope: 'units' | 'none' | 'all';
}
const open: RouteRule = { needs: 'public', scope: 'none' };
const own: RouteRule = { needs: 'session', scope: 'none' };
const units = (needs: Permission): RouteRule => ({ needs, scope: 'units' });
const none = (needs: Permission): RouteRule => ({ needs, scope: 'none' });
const all = (needs: Permission): RouteRule => ({ needs, scope: 'all' });

export const ROUTES = {
  'GET /healthz': open,
  // Answers only to this machine and to addresses of `metricsFrom` in the configuration.
  'GET /metrics': open,
  'GET /api/openapi.json': own,
  'GET /api/session': open,
  'POST /api/setup': open,
  'POST /api/login': open,
  'POST /api/logout': own,
  'POST /api/password': own,
  'GET /api/sessions': own,
  'DELETE /api/sessions/:id': own,

  'GET /api/alerts': units('alert.read'),
  'GET /api/alerts/counts': units('alert.read'),
  'GET /api/alerts/:id': units('alert.read'),
  'GET /api/evidence/:id': units('evidence.read'),

  'GET /api/evidence/:id/packets': units('evidence.read'),
  'GET /api/evidence/:id/packets/:number': units('evidence.read'),
  'GET /api/evidence/:id/stream': units('evidence.read'),
  'GET /api/search': { needs: 'session', scope: 'units' },

  'GET /api/suppressions': units('suppression.read'),
  'POST /api/suppressions': units('suppression.write'),
  'POST /api/suppressions/preview': units('suppression.write'),
  'DELETE /api/suppressions/:id': units('suppression.write'),
  'GET /api/filters': own,
  'POST /api/filters': own,
  'DELETE /api/filters/:id': own,

  'GET /api/incidents': units('incident.read'),
  'GET /api/incidents/counts': units('incident.read'),
  'GET /api/incidents/:id': units('incident.read'),
  'POST /api/incidents/:id/actions': units('incident.triage'),
  'POST /api/incidents/actions': units('incident.triage'),
  'POST /api/incidents/:id/comments': units('incident.triage'),
  'GET /api/incidents/:id/ranking': units('incident.read'),
  'GET /api/incidents/:id/chain': units('incident.read'),
  /** A file that `shouwang verify` checks on another machine. */
  'GET /api/incidents/:id/bundle': units('evidence.read'),
  /** STIX 2.1. */
  'GET /api/incidents/:id/stix': units('export.read'),
  'GET /api/indicators/stix': units('export.read'),
  'GET /api/signing-key': own,
  'GET /api/campaigns/:id': units('incident.read'),

  'GET /api/tickets': units('ticket.read'),
  'POST /api/tickets': units('ticket.write'),
  'GET /api/tickets/:id': units('ticket.read'),
  'PATCH /api/tickets/:id': units('ticket.write'),
  'POST /api/tickets/:id/actions': units('ticket.act'),
  'POST /api/tickets/:id/comments': units('ticket.act'),
  'POST /api/tickets/:id/attachments': units('ticket.act'),
  'POST /api/tickets/actions': units('ticket.act'),
  'GET /api/tickets/:id/document': units('ticket.read'),
  'GET /api/settings/remediation': own,
  'PUT /api/settings/remediation': none('settings.write'),
  'GET /api/notices': { needs: 'session', scope: 'units' },
  'POST /api/notices/read': own,
  'GET /api/attachments/:id': units('ticket.read'),

  'GET /api/reports': units('report.read'),
  'GET /api/reports/file': units('report.read'),
  'GET /api/report-schedules': units('report.read'),
  'POST /api/report-schedules': units('report.write'),
  'PUT /api/report-schedules/:id': units('report.write'),
  'DELETE /api/report-schedules/:id': units('report.write'),
  'GET /api/report-archive': units('report.read'),
  'GET /api/report-archive/:id/file': units('report.read'),

  'GET /api/overview': units('overview.read'),
  'GET /api/series': units('overview.read'),
  'GET /api/nodes': units('node.read'),
  'GET /api/rules': none('rule.read'),
  'GET /api/coverage': none('rule.read'),
  'GET /api/rules/:id': none('rule.read'),
  // A rule on past evidence, before it is switched on; each person sees their own trials.
  'POST /api/rule-trials': units('rule.try'),
  'GET /api/rule-trials/:id': units('rule.try'),
  'DELETE /api/rule-trials/:id': units('rule.try'),
  'GET /api/registry': units('registry.read'),
  'PUT /api/registry': all('registry.write'),
  'PUT /api/units/:id': all('registry.write'),
  'DELETE /api/units/:id': all('registry.write'),
  'PUT /api/systems/:id': all('registry.write'),
  'DELETE /api/systems/:id': all('registry.write'),

  'GET /api/account': own,
  'POST /api/totp': own,
  'POST /api/totp/confirm': own,
  'DELETE /api/totp': own,
  'POST /api/tokens': own,
  'DELETE /api/tokens/:id': own,
  'GET /api/oidc/login': open,
  'GET /api/oidc/callback': open,
  'POST /api/reset': open,
  'POST /api/users/:id/reset': all('account.reset'),
  'GET /api/resets': all('user.read'),
  'POST /api/resets/:id/approve': all('reset.approve'),
  'DELETE /api/users/:id/totp': all('user.read'),
  'GET /api/sessions/all': all('session.revoke'),

  'GET /api/channels': all('channel.write'),
  'POST /api/channels': all('channel.write'),
  'PUT /api/channels/:id': all('channel.write'),
  'DELETE /api/channels/:id': all('channel.write'),
  'POST /api/channels/:id/test': all('channel.write'),
  'GET /api/channels/:id/deliveries': all('channel.write'),

  'GET /api/store': all('store.write'),
  'GET /api/retention': all('store.write'),
  'PUT /api/retention': all('store.write'),
  'POST /api/retention/runs': all('store.write'),
  'GET /api/backups': all('store.write'),
  'POST /api/backups': all('store.write'),

  'GET /api/assignees': none('incident.triage'),
  'GET /api/users': all('user.read'),
  'POST /api/users': all('user.write'),
  'PATCH /api/users/:id': all('user.write'),
  'PUT /api/users/:id/roles': all('role.assign'),
  'DELETE /api/users/:id/sessions': all('session.revoke'),
  'GET /api/audit': all('audit.read'),
  'GET /api/audit/verification': all('audit.read'),
  'GET /api/audit/export': all('audit.read'),
  'DELETE /api/demo': all('demo.clear'),

  /** WebSocket. */
  'GET /api/live': { needs: 'session', scope: 'units' },
} as const satisfies Record<string, RouteRule>;
export type RouteName = keyof typeof ROUTES;
