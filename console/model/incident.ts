import type { Bilingual } from '../../contracts/alert.js';
import type { Machine } from './state-machine.js';

/** An incident: what is known of one attacker against one victim, and what was decided about it. */
export const INCIDENT_STATES = ['new', 'triage', 'confirmed', 'remediation', 'closed', 'dismissed'] as const;
export type IncidentState = (typeof INCIDENT_STATES)[number];

export const INCIDENT_STATE_NAMES: Record<IncidentState, Bilingual> = {
  new: { zh: '待研判', en: 'New' },
  triage: { zh: '研判中', en: 'In triage' },
  confirmed: { zh: '已确认', en: 'Confirmed' },
  remediation: { zh: '整改中', en: 'In remediation' },
  closed: { zh: '已归档', en: 'Closed' },
  dismissed: { zh: '已排除', en: 'Dismissed' },
};
/** States in which somebody still has work. */
export const INCIDENT_OPEN: readonly IncidentState[] = ['new', 'triage', 'confirmed', 'remediation'];

export const INCIDENT_ACTION_NAMES = [
  'assign', 'release', 'escalate', 'confirm', 'dismiss', 'remediate', 'close', 'reopen',
] as const;
export type IncidentAction = (typeof INCIDENT_ACTION_NAMES)[number];

const watch = ['operator', 'analyst'] as const;

export const INCIDENT_MACHINE: Machine<IncidentState, IncidentAction> = {
  initial: 'new',
  actions: {
    assign: {
      from: ['new', 'triage'], to: 'triage', by: watch, needs: ['owner'], label: { zh: '分派', en: 'Assign' },
    },
    release: { from: ['triage'], to: 'new', by: watch, needs: [], label: { zh: '退回队列', en: 'Back to the queue' } },
    escalate: {
      from: ['new', 'triage', 'confirmed', 'remediation'], to: '*', by: watch, needs: ['reason'],
      label: { zh: '上报', en: 'Escalate' },
    },
    confirm: { from: ['new', 'triage'], to: 'confirmed', by: watch, needs: [], label: { zh: '确认', en: 'Confirm' } },
    dismiss: {
      from: ['new', 'triage', 'confirmed'], to: 'dismissed', by: watch, needs: ['reason'],
      label: { zh: '排除', en: 'Dismiss' },
    },
    // Taken by the console when the first bulletin of the incident goes out.
    remediate: {
      from: ['new', 'triage', 'confirmed', 'remediation'], to: 'remediation', by: ['system'], needs: [],
      label: { zh: '转整改', en: 'To remediation' },
    },
    // An incident under remediation closes with its last ticket; one that needs none closes by hand, with the reason.
    close: {
      from: ['confirmed', 'remediation'], to: 'closed', by: ['system', ...watch], needs: ['reason'],
      label: { zh: '归档', en: 'Close' },
    },
    reopen: {
      from: ['closed', 'dismissed'], to: 'new', by: ['system', ...watch], needs: ['reason'],
      label: { zh: '重开', en: 'Reopen' },
    },
  },
};
