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

  'GET /api/incidents': units('incident.read'),
  'GET /api/incidents/counts': units('incident.read'),
  'GET /api/incidents/:id': units('incident.read'),
  'POST /api/incidents/:id/actions': units('incident.triage'),
  'POST /api/incidents/actions': units('incident.triage'),
  'POST /api/incidents/:id/comments': units('incident.triage'),
  'GET /api/campaigns/:id': units('incident.read'),

  'GET /api/tickets': units('ticket.read'),
  'POST /api/tickets': units('ticket.write'),
  'GET /api/tickets/:id': units('ticket.read'),
  'PATCH /api/tickets/:id': units('ticket.write'),
  'POST /api/tickets/:id/actions': units('ticket.act'),
  'POST /api/tickets/:id/comments': units('ticket.act'),
  'POST /api/tickets/:id/attachments': units('ticket.act'),
  'GET /api/attachments/:id': units('ticket.read'),

  'GET /api/overview': units('overview.read'),
  'GET /api/series': units('overview.read'),
  'GET /api/nodes': units('node.read'),
  'GET /api/rules': none('rule.read'),
  'GET /api/rules/:id': none('rule.read'),
  'GET /api/registry': units('registry.read'),
  'PUT /api/registry': all('registry.write'),
  'PUT /api/units/:id': all('registry.write'),
  'DELETE /api/units/:id': all('registry.write'),
  'PUT /api/systems/:id': all('registry.write'),
  'DELETE /api/systems/:id': all('registry.write'),

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
