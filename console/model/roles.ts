import type { Bilingual } from '../../contracts/alert.js';

/** The closed list of roles. Three of them, the 三员, exclude one another: `separationFault`. */
export const ROLES = [
  'system_admin', 'security_admin', 'auditor', 'operator', 'analyst', 'unit_handler', 'referee', 'leader',
] as const;
export type Role = (typeof ROLES)[number];

export const ROLE_NAMES: Record<Role, Bilingual> = {
  system_admin: { zh: '系统管理员', en: 'System administrator' },
  security_admin: { zh: '安全管理员', en: 'Security administrator' },
  auditor: { zh: '审计管理员', en: 'Audit administrator' },
  operator: { zh: '值班员', en: 'Operator' },
  analyst: { zh: '分析员', en: 'Analyst' },
  unit_handler: { zh: '单位处置人', en: 'Unit handler' },
  referee: { zh: '演练裁判', en: 'Exercise referee' },
  leader: { zh: '领导（只读）', en: 'Leader (read only)' },
};

/** What a role may do; a route asks for one of these. */
export const PERMISSIONS = [
  'overview.read', 'alert.read', 'evidence.read', 'incident.read', 'incident.triage', 'ticket.read', 'ticket.write',
  'ticket.act', 'node.read', 'rule.read', 'registry.read', 'registry.write', 'user.read', 'user.write', 'role.assign',
  'session.revoke', 'audit.read', 'demo.clear', 'suppression.read', 'suppression.write', 'report.read', 'report.write',
  'settings.write', 'channel.write', 'store.write', 'account.reset', 'reset.approve', 'export.read', 'rule.try',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

const SEES: Permission[] = ['overview.read', 'alert.read', 'incident.read', 'ticket.read', 'node.read', 'rule.read', 'registry.read'];
const WATCH: Permission[] = [
  ...SEES, 'evidence.read', 'incident.triage', 'ticket.write', 'ticket.act', 'suppression.read', 'suppression.write', 'report.read', 'report.write', 'export.read', 'rule.try',
];

export const ROLE_PERMISSIONS: Record<Role, readonly Permission[]> = {
  // Runs the machine and the accounts, but gives no rights and reads no findings.
  system_admin: ['user.read', 'user.write', 'node.read', 'registry.read', 'registry.write', 'demo.clear', 'store.write', 'account.reset'],
  // Gives rights and revokes sessions, but cannot make an account or touch the machine.
  security_admin: ['user.read', 'role.assign', 'session.revoke', 'rule.read', 'node.read', 'registry.read', 'settings.write', 'channel.write', 'reset.approve'],
  auditor: ['audit.read', 'user.read'],
  operator: WATCH,
  analyst: WATCH,
  unit_handler: ['overview.read', 'alert.read', 'evidence.read', 'incident.read', 'ticket.read', 'ticket.act', 'rule.read', 'registry.read', 'report.read'],
  referee: [...SEES, 'evidence.read', 'suppression.read', 'report.read', 'export.read'],
  leader: [...SEES, 'ticket.act', 'suppression.read', 'report.read'],
};

/** Everything that a set of roles may do. */
export function permissionsOf(roles: readonly Role[]): Set<Permission> {
  const all = new Set<Permission>();
  for (const role of roles) for (const permission of ROLE_PERMISSIONS[role] ?? []) all.add(permission);
  return all;
}

/** How strictly the administrators are kept apart. `appliance`: one person may run the machine and the rights. */
export type Separation = 'strict' | 'appliance';

/**
 * Says which two roles may not be one person's, or undefined. The auditor never holds another role; `strict` also
 * keeps system and security administration apart, and both apart from the daily work.
 */
export function separationFault(roles: readonly Role[], separation: Separation): [Role, Role] | undefined {
  const has = (role: Role): boolean => roles.includes(role);
  if (has('auditor')) {
    const other = roles.find((role) => role !== 'auditor');
    if (other) return ['auditor', other];
  }
  if (separation === 'appliance') return undefined;
  for (const admin of ['system_admin', 'security_admin'] as const) {
    if (!has(admin)) continue;
    const other = roles.find((role) => role !== admin);
    if (other) return [admin, other];
  }
  return undefined;
}

/** What the first administrator gets at set-up. */
export const FIRST_ROLES: Record<Separation, readonly Role[]> = {
  strict: ['system_admin'],
  appliance: ['system_admin', 'security_admin', 'operator', 'analyst'],
};
