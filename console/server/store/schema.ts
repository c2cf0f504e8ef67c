import type { ColumnType, Generated, Kysely } from 'kysely';

/** Tables. Times are ms since the epoch; booleans 0 or 1; `*_json` is JSON text. One schema for SQLite and PostgreSQL. */
type Flag = 0 | 1;

export interface AlertTable {
  /** Order of arrival; also the row id of the search index. */
  num: Generated<number>;
  id: string;
  revision: number;
  rule: string;
  title_zh: string;
  title_en: string;
  /** Ordinals into SEVERITIES and VERDICTS, so that they compare. */
  severity: number;
  verdict: number;
  class: string;
  phase: string;
  attacker_ip: string;
  attacker_port: number | null;
  attacker_unit: string | null;
  attacker_system: string | null;
  victim_ip: string;
  victim_port: number | null;
  /** Unit of the victim; where it is nobody's we know, that of the attacker, then of the node. */
  unit: string | null;
  system: string | null;
  proto: string | null;
  app_proto: string | null;
  node: string | null;
  first_seen: number;
  last_seen: number;
  received: number;
  count: number;
  incident: string | null;
  demo: Flag;
  /** Grows with every revision of any alert; from the same counter as `num`. */
  seq: number;
  /** Id of the suppression that hides it. */
  suppressed: string | null;
}
/** Alerts by hour, for charts and reports: `''` where the alert names none. Hidden alerts are not in it. */
export interface AlertHourTable { hour: number; demo: Flag; unit: string; attacker_unit: string; class: string; severity: number; verdict: number; alerts: number }
/** All alerts that are not hidden, by what they are. */
export interface AlertTotalTable { demo: Flag; unit: string; attacker_unit: string; class: string; severity: number; verdict: number; alerts: number }
/** The alert as it came; apart, so that lists read little. */
export interface AlertBodyTable { num: number; eve_json: string }
export interface AlertSearchTable { num: number; tokens: ColumnType<string, unknown, unknown> }

export interface EvidenceTable {
  id: string; alert: string; sha256: string; bytes: number; packets: number; state: string; stored: number; demo: Flag; sm3: string | null;
}

export interface IncidentTable {
  id: string; version: number; state: string; title_zh: string; title_en: string;
  severity: number; verdict: number; level: number; rank: number;
  attacker_ip: string; attacker_unit: string | null; attacker_system: string | null;
  victim_ip: string; unit: string | null; system: string | null;
  phases_json: string; classes_json: string; techniques_json: string; rules_json: string;
  alerts: number; events: number; first_seen: number; last_seen: number;
  owner: string | null; escalated: Flag; reopened: number; campaign: string; closed_at: number | null; open: Flag; demo: Flag;
}
export interface TicketTable {
  id: string; version: number; number: string | null; incident: string; unit: string; state: string; level: number;
  title: string; summary: string; impact: string; demands: string;
  author: string; approver: string | null; signer: string | null;
  created: number; issued: number | null;
  due_acknowledge: number | null; due_contain: number | null; due_rectify: number | null;
  done_acknowledge: number | null; done_contain: number | null; done_rectify: number | null;
  /** The next clock, for lists and overdue marks. */
  due: number | null; due_clock: string | null;
  extension_json: string | null; feedback_json: string | null; verification_json: string | null;
  watch_until: number | null; ended: number | null; reminded: number; supervised: Flag; demo: Flag;
  addressee: string | null; copies: string | null; contact: string | null; appeal_json: string | null;
  /** Moment of the deadline for which the console reminded or escalated last. */
  told_due: number | null; escalated: number | null;
  /** The host that it is about. */
  asset: string;
  /** The text as it was drafted, in both languages. */
  draft_json: string | null;
  /** Rounds before the one under way: `Round` of the model, oldest first. */
  rounds_json: string;
  first_issued: number | null;
}
/** What follows from a step of a ticket and is not done yet: see `aftermath.ts`. */
export interface FollowUpTable { id: string; ticket: string; at: number; what_json: string }
/** What was done to an incident or ticket, oldest first. */
export interface HistoryTable {
  num: Generated<number>; object: string; at: number; by: string | null; action: string;
  from_state: string | null; to_state: string | null; text: string | null;
}
export interface AttachmentTable { id: string; ticket: string; name: string; bytes: number; sha256: string; type: string; by: string; at: number }

export interface UserTable {
  id: string; account: string; name: string; password: string; must_change: Flag; unit: string | null; disabled: Flag;
  roles_json: string; created: number; last_login: number | null;
  /** Secrets are sealed with the key of `dataDir`. */
  totp: string | null; totp_pending: string | null; totp_step: number; recovery_json: string | null;
  password_at: number; passwords_json: string; oidc_subject: string | null;
}
export interface TokenTable { id: string; hash: string; user: string; name: string; scopes_json: string; created: number; expires: number; used: number | null; address: string | null }
export interface ResetTable {
  id: string; user: string; asked_by: string; asked: number; approved_by: string | null; half_a: string; half_b: string | null; expires: number; used: number | null; what: string;
}
export interface SuppressionTable {
  id: string; match_json: string; effect: string; reason: string; created: number; by: string; expires: number; ended: number | null; ended_by: string | null;
  hits: number; last_hit: number | null; alert: string | null; unit: string | null;
}
export interface SavedFilterTable { id: string; user: string; page: string; name: string; query: string; created: number }
export interface NoticeTable { id: string; user: string; at: number; kind: string; ticket: string | null; incident: string | null; title: string; number: string | null; text: string | null; read: Flag }
export interface ChannelTable { id: string; form_json: string; secret: string | null; enabled: Flag; created: number; done: number; failed: number; last_at: number | null; last_error: string | null }
export interface DeliveryTable { num: Generated<number>; channel: string; at: number; event: string; object: string; payload: string; state: string; tries: number; next_at: number; error: string | null; bytes: number; /** The same for what says the same to the same channel; given on to it, so that a second try is known as one. */ key: string | null }
export interface ReportScheduleTable { id: string; form_json: string; by: string; unit: string | null; next_at: number; last_at: number | null; last_error: string | null }
export interface ReportFileTable { id: string; name: string; kind: string; format: string; from_at: number; to_at: number; at: number; bytes: number; sha256: string; unit: string | null }
export interface SessionTable {
  /** SHA-256 of the cookie. */
  id: string; user: string; csrf: string; created: number; seen: number; expires: number; address: string; agent: string;
}
export interface LoginFailureTable { account: string; failures: number; locked_until: number; at: number }
export interface SettingTable { name: string; value: string }
export interface CounterTable { name: string; value: number }
export interface NodeTable { role: string; id: string; unit: string | null; at: number; health_json: string }
export interface RegistryTable { version: number; at: number; by: string | null; registry_json: string }
export interface AuditTable {
  seq: number; at: number; actor: string | null; address: string | null; action: string; object: string | null;
  outcome: string; details_json: string | null; hash: string;
}

export interface Tables {
  alert: AlertTable; alert_body: AlertBodyTable; alert_search: AlertSearchTable; evidence: EvidenceTable;
  incident: IncidentTable; ticket: TicketTable; history: HistoryTable; attachment: AttachmentTable;
  user_account: UserTable; session: SessionTable; login_failure: LoginFailureTable; setting: SettingTable; counter: CounterTable;
  node: NodeTable; registry: RegistryTable; audit: AuditTable;
  alert_hour: AlertHourTable; alert_total: AlertTotalTable; api_token: TokenTable; reset_request: ResetTable; suppression: SuppressionTable; saved_filter: SavedFilterTable; notice: NoticeTable;
  follow_up: FollowUpTable; channel: ChannelTable; delivery: DeliveryTable; report_schedule: ReportScheduleTable; report_file: ReportFileTable;
}
export type Db = Kysely<Tables>;
export type Engine = 'sqlite' | 'postgres';
