import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router';
import type { Permission } from '../model/api.js';
import { can, loadSession, session } from './api/session.js';

declare module 'vue-router' {
  interface RouteMeta {
    /** Permission that the page needs. */
    needs?: Permission;
    /** Shown without the side navigation. */
    bare?: boolean;
    /** Key of the title under `shell`. */
    title?: string;
  }
}

const page = (path: string, name: string, component: RouteRecordRaw['component'], needs?: Permission, title = name) =>
  ({ path, name, component, meta: { needs, title } }) as RouteRecordRaw;

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/setup', name: 'setup', component: () => import('./pages/setup.vue'), meta: { bare: true } },
    { path: '/login', name: 'login', component: () => import('./pages/login.vue'), meta: { bare: true } },
    { path: '/reset', name: 'reset', component: () => import('./pages/reset.vue'), meta: { bare: true } },
    { path: '/screen', name: 'screen', component: () => import('./pages/screen.vue'), meta: { bare: true, needs: 'overview.read', title: 'screen' } },
    page('/overview', 'overview', () => import('./pages/overview.vue'), 'overview.read'),
    page('/alerts', 'alerts', () => import('./pages/alerts.vue'), 'alert.read'),
    page('/alerts/:id', 'alert', () => import('./pages/alert.vue'), 'alert.read', 'alerts'),
    page('/incidents', 'incidents', () => import('./pages/incidents.vue'), 'incident.read'),
    page('/incidents/:id', 'incident', () => import('./pages/incident.vue'), 'incident.read', 'incidents'),
    page('/suppressions', 'suppressions', () => import('./pages/suppressions.vue'), 'suppression.read'),
    { path: '/evidence/:id', name: 'evidence', component: () => import('./pages/evidence.vue'), meta: { needs: 'evidence.read', title: 'evidence' } },
    { path: '/campaigns/:id', name: 'campaign', component: () => import('./pages/campaign.vue'), meta: { needs: 'incident.read', title: 'campaign' } },
    page('/dashboards', 'dashboards', () => import('./pages/dashboards.vue'), 'overview.read'),
    page('/reports', 'reports', () => import('./pages/reports.vue'), 'report.read'),
    page('/longterm', 'longterm', () => import('./pages/longterm.vue'), 'report.read'),
    page('/coverage', 'coverage', () => import('./pages/coverage.vue'), 'rule.read'),
    page('/account', 'account', () => import('./pages/account.vue')),
    page('/channels', 'channels', () => import('./pages/channels.vue'), 'channel.write'),
    page('/upkeep', 'upkeep', () => import('./pages/upkeep.vue'), 'store.write'),
    page('/notices', 'notices', () => import('./pages/notices.vue')),
    page('/settings', 'settings', () => import('./pages/settings.vue')),
    page('/search', 'search', () => import('./pages/search.vue')),
    page('/tickets', 'tickets', () => import('./pages/tickets.vue'), 'ticket.read'),
    page('/tickets/:id', 'ticket', () => import('./pages/ticket.vue'), 'ticket.read', 'tickets'),
    page('/nodes', 'nodes', () => import('./pages/nodes.vue'), 'node.read'),
    page('/registry', 'registry', () => import('./pages/registry.vue'), 'registry.read'),
    page('/rules', 'rules', () => import('./pages/rules.vue'), 'rule.read'),
    page('/users', 'users', () => import('./pages/users.vue'), 'user.read'),
    page('/audit', 'audit', () => import('./pages/audit.vue'), 'audit.read'),
    { path: '/', name: 'home', component: () => import('./pages/not-found.vue') },
    { path: '/:rest(.*)*', name: 'lost', component: () => import('./pages/not-found.vue') },
  ],
});

/** First page that the person may see, in the order of the navigation. */
export function homePath(): string {
  const first = (['overview', 'incidents', 'nodes', 'users', 'audit', 'rules', 'registry'] as const)
    .map((name) => router.getRoutes().find((r) => r.name === name)!)
    .find((r) => !r.meta.needs || can(r.meta.needs));
  return first?.path ?? '/lost';
}

/** Somebody was signed in on the page before: if nobody is now, the session has ended. */
let wasIn = false;
router.beforeEach(async (to, from) => {
  if (!session.view) {
    try {
      await loadSession();
    } catch {
      return to.name === 'login' ? true : { name: 'login', query: { next: to.fullPath } };
    }
  }
  const view = session.view;
  if (view?.setupRequired) return to.name === 'setup' ? true : { name: 'setup' };
  if (!view?.user) {
    const ended = wasIn || from.query.ended !== undefined;
    wasIn = false;
    if (to.name === 'login' || to.name === 'reset') return true;
    return { name: 'login', query: { ...(to.path === '/' ? {} : { next: to.fullPath }), ...(ended ? { ended: '1' } : {}) } };
  }
  wasIn = true;
  if (to.name === 'setup' || to.name === 'home') return homePath();
  if (to.name === 'login' && !view.mustChangePassword) return homePath();
  if (view.mustChangePassword && to.name !== 'login') return { name: 'login' };
  if (view.mustEnrol && to.name !== 'account' && to.name !== 'login') return { name: 'account' };
  if (to.meta.needs && !can(to.meta.needs)) return { name: 'lost', params: { rest: to.path.slice(1).split('/') } };
  return true;
});
