import type { Bilingual } from '../../contracts/alert.js';
import type { Machine } from './state-machine.js';

/**
 * A remediation ticket: the bulletin (通报) to one unit and the unit's way from signing it to the verified fix.
 * draft → review → issued → acknowledged → contained → feedback → verifying → watching → closed.
 */
export const TICKET_STATES = [
  'draft', 'review', 'issued', 'acknowledged', 'contained', 'feedback', 'returned', 'verifying', 'watching', 'appealed',
  'closed', 'withdrawn',
] as const;
export type TicketState = (typeof TICKET_STATES)[number];

export const TICKET_STATE_NAMES: Record<TicketState, Bilingual> = {
  draft: { zh: '拟稿', en: 'Draft' },
  review: { zh: '待审批', en: 'Awaiting approval' },
  issued: { zh: '待签收', en: 'Issued' },
  acknowledged: { zh: '已签收', en: 'Signed for' },
  contained: { zh: '已处置', en: 'Contained' },
  feedback: { zh: '待核查', en: 'Feedback given' },
  returned: { zh: '已退回', en: 'Returned' },
  verifying: { zh: '核查中', en: 'Being verified' },
  watching: { zh: '观察期', en: 'Under watch' },
  appealed: { zh: '申诉中', en: 'Appealed' },
  closed: { zh: '已归档', en: 'Closed' },
  withdrawn: { zh: '已撤销', en: 'Withdrawn' },
};
/** States in which the unit has to act, so that its clocks run. */
export const TICKET_WITH_UNIT: readonly TicketState[] = ['issued', 'acknowledged', 'contained', 'returned'];
export const TICKET_ENDED: readonly TicketState[] = ['closed', 'withdrawn'];

export const TICKET_ACTION_NAMES = [
  'submit', 'send_back', 'approve', 'withdraw', 'acknowledge', 'contain', 'give_feedback', 'return', 'verify', 'pass',
  'close', 'reopen', 'appeal', 'accept_appeal', 'refuse_appeal', 'request_extension', 'grant_extension',
  'refuse_extension', 'remind', 'supervise',
] as const;
export type TicketAction = (typeof TICKET_ACTION_NAMES)[number];

const watch = ['operator', 'analyst'] as const;
const unit = ['unit_handler'] as const;
/** Between signing and feedback. */
const working = ['acknowledged', 'contained', 'returned'] as const;
const open = ['issued', ...working, 'feedback', 'verifying', 'watching', 'appealed'] as const;

export const TICKET_MACHINE: Machine<TicketState, TicketAction> = {
  initial: 'draft',
  actions: {
    submit: { from: ['draft'], to: 'review', by: watch, needs: ['complete'], label: { zh: '提交审批', en: 'Submit for approval' } },
    send_back: { from: ['review'], to: 'draft', by: [...watch, 'leader'], needs: ['reason'], label: { zh: '退稿', en: 'Send back' } },
    approve: {
      from: ['review'], to: 'issued', by: [...watch, 'leader'], needs: ['complete', 'second_person'],
      label: { zh: '批准下发', en: 'Approve and issue' },
    },
    withdraw: { from: ['draft', 'review', ...open], to: 'withdrawn', by: watch, needs: ['reason'], label: { zh: '撤销', en: 'Withdraw' } },
    acknowledge: {
      from: ['issued'], to: 'acknowledged', by: unit, needs: ['own_unit', 'signer'], label: { zh: '签收', en: 'Sign for' },
    },
    contain: {
      from: ['acknowledged', 'returned'], to: 'contained', by: unit, needs: ['own_unit', 'reason'],
      label: { zh: '登记处置', en: 'Report containment' },
    },
    give_feedback: {
      from: working, to: 'feedback', by: unit, needs: ['own_unit', 'feedback'], label: { zh: '整改反馈', en: 'Give feedback' },
    },
    return: { from: ['feedback', 'verifying'], to: 'returned', by: watch, needs: ['reason'], label: { zh: '退回', en: 'Return' } },
    verify: { from: ['feedback'], to: 'verifying', by: watch, needs: [], label: { zh: '开始核查', en: 'Start verification' } },
    // First proof: the hole is shut. The second one is the quiet window that starts here.
    pass: { from: ['verifying'], to: 'watching', by: watch, needs: ['verification'], label: { zh: '核查通过', en: 'Pass verification' } },
    close: {
      from: ['watching'], to: 'closed', by: ['system', ...watch], needs: ['quiet_window'], label: { zh: '归档', en: 'Close' },
    },
    reopen: {
      from: ['watching', 'closed'], to: 'issued', by: ['system', ...watch], needs: ['reason'], label: { zh: '重开', en: 'Reopen' },
    },
    appeal: { from: working, to: 'appealed', by: unit, needs: ['own_unit', 'reason'], label: { zh: '误报申诉', en: 'Appeal' } },
    accept_appeal: {
      from: ['appealed'], to: 'withdrawn', by: ['analyst'], needs: ['reason'], label: { zh: '申诉成立', en: 'Accept the appeal' },
    },
    refuse_appeal: {
      from: ['appealed'], to: 'acknowledged', by: ['analyst'], needs: ['reason'], label: { zh: '申诉驳回', en: 'Refuse the appeal' },
    },
    request_extension: {
      from: working, to: '*', by: unit, needs: ['own_unit', 'reason', 'until'], label: { zh: '申请延期', en: 'Ask for more time' },
    },
    grant_extension: {
      from: working, to: '*', by: watch, needs: ['extension_pending'], label: { zh: '同意延期', en: 'Grant more time' },
    },
    refuse_extension: {
      from: working, to: '*', by: watch, needs: ['extension_pending', 'reason'], label: { zh: '不同意延期', en: 'Refuse more time' },
    },
    remind: { from: ['issued', ...working], to: '*', by: ['system', ...watch], needs: [], label: { zh: '催办', en: 'Remind' } },
    supervise: { from: ['issued', ...working], to: '*', by: [...watch, 'leader'], needs: ['reason'], label: { zh: '督办', en: 'Supervise' } },
  },
};
