import { Type, type Static } from '@sinclair/typebox';
import type { Bilingual, Level, Named, Severity, UserName, Verdict } from './api.js';
import { Id, Text, Time, oneOf, strict } from './fields.js';

export const REPORT_KINDS = ['daily', 'weekly', 'special', 'yearly'] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];
export const REPORT_FORMATS = ['html', 'pdf', 'docx', 'xlsx'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

const range = {
  kind: oneOf(REPORT_KINDS),
  /** Default: the last whole day, week, or year; `special` needs both. */
  from: Type.Optional(Time), to: Type.Optional(Time),
  /** That unit and everything below it. */
  unit: Type.Optional(Id),
};
export const ReportQuery = Type.Object(range, strict);
export type ReportQuery = Static<typeof ReportQuery>;
/** GET /api/reports/file */
export const ReportFileQuery = Type.Object({ ...range, format: oneOf(REPORT_FORMATS), lang: Type.Optional(oneOf(['zh', 'en'] as const)) }, strict);
export type ReportFileQuery = Static<typeof ReportFileQuery>;

export interface Bar { key: string; name: Bilingual; value: number }
/** Times in minutes; absent where nothing was measured. */
export interface MeanTimes { acknowledge?: number; contain?: number; rectify?: number; tickets: number }
/** One unit in the league table. `score` is 100 minus the sum of `parts`' points, never below 0. */
export interface LeagueRow {
  unit: Named;
  score: number;
  parts: { name: 'compromised' | 'succeeded' | 'overdue' | 'no_feedback' | 'recurrence' | 'returned' | 'unacknowledged'; count: number; each: number; points: number }[];
  incidents: number;
  tickets: number;
  closed: number;
  times: MeanTimes;
}
/** The same weakness again: by unit, system and class. */
export interface RecurrenceRow { unit?: Named; system?: Named; class: string; className: Bilingual; incidents: number; reopened: number; firstSeen: string; lastSeen: string }
export interface WorkRow { key: string; name: Bilingual; alerts: number; incidents: number; dismissed: number; /** Share of judged incidents that were dismissed. */ dismissedShare: number }
/** GET /api/reports */
export interface ReportData {
  kind: ReportKind;
  title: Bilingual;
  from: string;
  to: string;
  unit?: Named;
  generatedAt: string;
  /** Sentences for the leader. */
  summary: Bilingual[];
  totals: { alerts: number; alertsBefore: number; incidents: number; incidentsBefore: number; succeeded: number; compromised: number; tickets: number; closed: number; overdue: number; nodes: number; nodesUp: number };
  bySeverity: Bar[];
  byVerdict: Bar[];
  byClass: Bar[];
  byUnit: Bar[];
  attackers: (Bar & { severity: Severity })[];
  victims: (Bar & { unit?: Named; system?: Named })[];
  /** Alerts a bucket: [ms, count]. */
  trend: [number, number][];
  incidents: { id: string; title: Bilingual; level: Level; severity: Severity; verdict: Verdict; state: string; unit?: Named; system?: Named; firstSeen: string; lastSeen: string; alerts: number }[];
  tickets: { id: string; number?: string; title: string; titles?: Bilingual; unit: Named; level: Level; state: string; issuedAt?: string; overdue: boolean }[];
  times: MeanTimes;
  league: LeagueRow[];
  recurrence: RecurrenceRow[];
  rules: WorkRow[];
  assets: WorkRow[];
  /** `yearly`: one entry a month. */
  months?: { month: string; alerts: number; incidents: number; tickets: number; closed: number; times: MeanTimes }[];
}

/** POST /api/report-schedules. Times are local (offset of the working calendar). */
export const ReportScheduleForm = Type.Object({
  name: Text(64), kind: oneOf(['daily', 'weekly'] as const), formats: Type.Array(oneOf(REPORT_FORMATS), { minItems: 1, uniqueItems: true, maxItems: 4 }),
  /** Minute of the day; `weekly` runs on Mondays. */
  at: Type.Integer({ minimum: 0, maximum: 1439 }),
  unit: Type.Optional(Id), lang: Type.Optional(oneOf(['zh', 'en'] as const)), enabled: Type.Boolean(),
}, strict);
export type ReportScheduleForm = Static<typeof ReportScheduleForm>;
export interface ReportScheduleRow extends ReportScheduleForm { id: string; by: UserName; nextAt?: string; lastAt?: string; lastError?: string }
/** GET /api/report-archive */
export interface ReportFileRow { id: string; name: string; kind: ReportKind; format: ReportFormat; from: string; to: string; at: string; bytes: number; sha256: string; href: string; unitName?: Named }
