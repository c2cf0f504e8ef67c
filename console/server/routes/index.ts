import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.js';
import { accountRoutes } from './account.js';
import { alertRoutes } from './alerts.js';
import { auditRoutes } from './audit.js';
import { channelRoutes } from './channels.js';
import { demoRoutes } from './demo.js';
import { evidenceRoutes } from './evidence.js';
import { incidentRoutes } from './incidents.js';
import { liveRoutes } from './live.js';
import { overviewRoutes } from './overview.js';
import { registryRoutes } from './registry.js';
import { remediationRoutes } from './remediation.js';
import { reportRoutes } from './reports.js';
import { ruleRoutes } from './rules.js';
import { sessionRoutes } from './session.js';
import { statusRoutes } from './status.js';
import { ticketRoutes } from './tickets.js';
import { triageRoutes } from './triage.js';
import { upkeepRoutes } from './upkeep.js';
import { userRoutes } from './users.js';

export function registerRoutes(app: FastifyInstance, context: Context): void {
  for (const routes of [
    statusRoutes, sessionRoutes, alertRoutes, incidentRoutes, ticketRoutes, overviewRoutes, ruleRoutes, registryRoutes, userRoutes, auditRoutes, demoRoutes, triageRoutes, evidenceRoutes, remediationRoutes, accountRoutes, channelRoutes, reportRoutes, upkeepRoutes, liveRoutes,
  ]) routes(app, context);
}
