import { randomUUID } from 'node:crypto';
import type { Audience, NoticeKind } from '../notify.js';
import type { AuditEntry } from './audit.js';
import type { FollowUpRecord, TicketRecord } from './tickets.js';

/** What follows from a step of a ticket: the step of its incident, who hears of it. */
export interface Aftermath {
  incident?: 'remediate' | 'resume' | 'close';
  /** For the incident's history. */
  text?: string;
  notice?: { kind: NoticeKind; audience: readonly Audience[]; text?: string; /** Who did it knows. */ except?: string };
}
export const noted = (ticket: string, at: number, what: Aftermath): FollowUpRecord => ({ id: `flw-${randomUUID()}`, ticket, at, what_json: JSON.stringify(what) });

/** Entry of the audit log for a step that the console itself takes. */
export const byConsole = (at: number, t: Pick<TicketRecord, 'id' | 'number' | 'state'>, action: string, to: string, more: Record<string, unknown> = {}): AuditEntry => ({
  at, actor: null, address: null, action: `ticket ${action}`, object: t.id, outcome: 'done', details: { ...(t.number === null ? {} : { number: t.number }), before: { state: t.state }, after: { state: to }, ...more },
});
