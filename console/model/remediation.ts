import { Type, type Static } from '@sinclair/typebox';
import type { Bilingual } from '../../contracts/alert.js';
import type { UserName } from './api.js';
import { Id, Paging, Text, oneOf, strict } from './fields.js';

const Minutes = Type.Integer({ minimum: 1, maximum: 525_600 });
const Clocks = Type.Object({ acknowledge: Minutes, contain: Minutes, rectify: Minutes }, strict);
const Day = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$' });

/**
 * Settings of the remediation loop: GET and PUT /api/settings/remediation. Times are minutes. `workingTime`: which clocks
 * stand still outside working hours (by level; Ⅰ and Ⅱ run day and night by default).
 */
export const RemediationSettings = Type.Object({
  /** `{year}`, `{month}`, `{seq}`, `{level}`, `{unit}` are replaced; `{seq:3}` pads. */
  number: Type.String({ minLength: 1, maxLength: 100, pattern: '\\{seq(:\\d)?\\}' }),
  /** Numbers start again: each year, each month, or never. */
  series: oneOf(['year', 'month', 'never'] as const),
  /** Red head of the document (红头) and who signs at its foot. */
  head: Text(80), issuer: Text(80),
  /** 密级和保密期限, top left of the document, e.g. 内部 or 秘密★1年; what is secret does not belong in this system at all. */
  secrecy: Type.Optional(Type.String({ maxLength: 20 })),
  /** Contact line at the foot. */
  contact: Type.Optional(Type.String({ maxLength: 200 })),
  deadlines: Type.Object({ 1: Clocks, 2: Clocks, 3: Clocks, 4: Clocks }, strict),
  workingTime: Type.Object({ 1: Type.Boolean(), 2: Type.Boolean(), 3: Type.Boolean(), 4: Type.Boolean() }, strict),
  calendar: Type.Object({
    /** Minutes of the day in local time. */
    from: Type.Integer({ minimum: 0, maximum: 1440 }), to: Type.Integer({ minimum: 0, maximum: 1440 }),
    /** Offset of local time from UTC in minutes; 480 for China. */
    offset: Type.Integer({ minimum: -720, maximum: 840 }),
    /** 1 Monday … 7 Sunday. */
    weekdays: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), { uniqueItems: true, minItems: 1 }),
    holidays: Type.Array(Day, { maxItems: 2000 }),
    /** Days on which work makes up for a holiday (调休). */
    workdays: Type.Array(Day, { maxItems: 500 }),
  }, strict),
  escalation: Type.Object({
    /** Reminder before a deadline, in percent of its time that is used up. */
    remindAt: Type.Integer({ minimum: 1, maximum: 100 }),
    /** Minutes overdue after which the ticket is put under supervision (督办) and the leaders are told. */
    superviseAfter: Type.Integer({ minimum: 0, maximum: 525_600 }),
  }, strict),
}, strict);
export type RemediationSettings = Static<typeof RemediationSettings>;
export interface RemediationSettingsView { settings: RemediationSettings; version: number; changedAt?: string; by?: UserName }
export const RemediationSettingsForm = Type.Object({ version: Type.Integer({ minimum: 0 }), settings: RemediationSettings }, strict);
export type RemediationSettingsForm = Static<typeof RemediationSettingsForm>;

/** GET /api/tickets/:id/document?format= : the bulletin as a file. Issued ones carry number, date and both signatures. */
export const DocumentQuery = Type.Object({ format: oneOf(['pdf', 'docx'] as const), lang: Type.Optional(oneOf(['zh', 'en'] as const)) }, strict);
export type DocumentQuery = Static<typeof DocumentQuery>;

/** GET /api/notices : what the console told this user. */
export const NoticeQuery = Type.Object({ unread: Type.Optional(Type.Boolean()), ...Paging }, strict);
export type NoticeQuery = Static<typeof NoticeQuery>;
export interface NoticeRow {
  id: string;
  at: string;
  kind: 'issued' | 'reminded' | 'due_soon' | 'overdue' | 'supervised' | 'feedback' | 'returned' | 'extension' | 'appeal' | 'reopened' | 'closed' | 'assigned' | 'review';
  ticket?: string;
  incident?: string;
  title: string;
  /** Set where the console wrote the title in both languages. */
  titles?: Bilingual;
  /** Number of the bulletin, where it has one. */
  number?: string;
  text?: string;
  /** Set where the console wrote the text in both languages. */
  texts?: Bilingual;
  read: boolean;
}
/** POST /api/notices/read */
export const NoticeReadForm = Type.Object({ ids: Type.Array(Id, { minItems: 1, maxItems: 500 }) }, strict);
export type NoticeReadForm = Static<typeof NoticeReadForm>;
