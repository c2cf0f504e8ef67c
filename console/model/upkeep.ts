import { Type, type Static } from '@sinclair/typebox';
import type { UserName } from './api.js';
import { strict } from './fields.js';

/** Days that each kind is kept. Logs are kept six months or longer by law (网络安全法, article 21): less than 183 is refused. */
const Days = Type.Integer({ minimum: 183, maximum: 36_500 });
export const RetentionPolicy = Type.Object({
  /** Alerts with their search index; those of open incidents stay. */
  alerts: Days,
  /** Packet captures. */
  evidence: Days,
  /** Incidents and tickets that are closed, with histories and attachments. */
  incidents: Days,
  /** Runs by itself every night. */
  automatic: Type.Boolean(),
}, strict);
export type RetentionPolicy = Static<typeof RetentionPolicy>;
/** GET and PUT /api/retention */
export interface RetentionView { policy: RetentionPolicy; lastRun?: RetentionRun; changedAt?: string; by?: UserName }
/** POST /api/retention/runs */
export const RetentionRunForm = Type.Object({ dryRun: Type.Boolean() }, strict);
export type RetentionRunForm = Static<typeof RetentionRunForm>;
export interface RetentionRun { at: string; dryRun: boolean; alerts: number; evidence: number; evidenceBytes: number; incidents: number; tickets: number; before: { alerts: string; evidence: string; incidents: string } }

/** GET /api/backups, POST /api/backups */
export interface BackupRow { name: string; at: string; bytes: number; files: number; sha256: string }
/** GET /api/store : how large everything is. */
export interface StoreView { engine: 'sqlite' | 'postgres'; schema: number; bytes: number; evidenceBytes: number; alerts: number; incidents: number; tickets: number; audit: number; oldestAlert?: string }
