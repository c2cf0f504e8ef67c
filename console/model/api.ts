/**
 * Shapes that the console server and the browser exchange. Types only: requests are checked by `requests.ts`.
 *
 * Paths: `permissions.ts` lists every route. JSON in and out, times are ISO 8601 in UTC, lists are pages with an opaque
 * `next`. Whatever came off the wire is text to be shown as text. Language of messages: `?lang=` or Accept-Language.
 * A request that changes something carries the header `x-sw-csrf` with `SessionView.csrf`. The session is a cookie that
 * scripts cannot read. An error is an `ApiError` with a 4xx or 5xx status; 409 `SW_CONSOLE_CONFLICT` means somebody else
 * was faster: load again.
 */
import type { Bilingual, EvidenceReference, MatchedBuffer, Alert } from '../../contracts/alert.js';
import type { DetectionClass, Phase, Severity, Verdict } from '../../contracts/classes.js';
import type { Health } from '../../contracts/health.js';
import type { Registry } from '../../contracts/registry.js';
import type { OidcOffer, ResetView } from './account.js';
import type { ClockTimes, Clock, Level } from './deadline.js';
import type { IncidentAction, IncidentState } from './incident.js';
import type { Permission, Role, Separation } from './roles.js';
import type { TicketAction, TicketState } from './ticket.js';
import type { NoticeRow } from './remediation.js';
import type { FeedbackForm, VerificationForm } from './requests.js';

export type * from './requests.js';
export type * from './triage.js';
export type * from './evidence.js';
export type * from './remediation.js';
export type * from './account.js';
export type * from './channel.js';
export type * from './report.js';
export type * from './upkeep.js';
export type { Alert, Bilingual, EvidenceReference, MatchedBuffer, DetectionClass, Phase, Severity, Verdict, Health, Registry };
export type { ClockTimes, Clock, Level, IncidentAction, IncidentState, Permission, Role, Separation, TicketAction, TicketState };

/** Name of the header with the CSRF token. */
export const CSRF_HEADER = 'x-sw-csrf';

export interface ApiError {
  code: string;
  message: string;
  hint: string;
  /** For `SW_CONSOLE_BAD_REQUEST`: where in the request; for a lock-out: seconds to wait. */
  details?: { path?: string; text?: string; retryAfter?: number; /** For `SW_CONSOLE_CONFLICT`: how the record stands now. */ version?: number; state?: string; /** A registry's faults, all of them, in the reader's language. */ faults?: Fault[] };
}

/** What is wrong in an uploaded file; `line` counts from 1 and is 0 where no line can be named. */
export interface Fault { line: number; text: string }
/**
 * One page. It may hold fewer items than asked for, even none, and still have a `next`: then the time for looking was
 * over before the list was; ask on.
 */
export interface Page<T> { items: T[]; next?: string }
/** A count that stopped at `COUNT_CAP` says so. */
export interface Total { total: number; capped: boolean }
export interface Named { id: string; zh: string; en: string }
export interface UserName { id: string; account: string; name: string }

// —— session ——
/** GET /api/session, POST /api/setup, POST /api/login */
export interface SessionView {
  /** No administrator yet: show the set-up page. */
  setupRequired: boolean;
  /** In `strict`, set-up asks for all three administrators. */
  separation: Separation;
  version: string;
  user?: UserView;
  permissions: Permission[];
  csrf?: string;
  expiresAt?: string;
  /** The password is the one an administrator gave: ask for a new one first. */
  mustChangePassword?: boolean;
  /** Demonstration data is in the store. */
  demo: boolean;
  passwordPolicy: { minLength: number; classes: number; /** Days until a password has to be changed; 0: never. */ maxAgeDays: number; /** The last so many may not be used again. */ history: number };
  /** Log in through another identity provider. */
  oidc?: OidcOffer;
  /** Two-factor login is demanded of this user's roles and not set up yet: nothing else answers until it is. */
  mustEnrol?: boolean;
  unreadNotices?: number;
}
export interface UserView extends UserName {
  roles: Role[];
  /** Absent: the whole province. */
  unit?: Named;
  disabled: boolean;
  createdAt: string;
  lastLoginAt?: string;
  lockedUntil?: string;
  totp?: boolean;
  /** A reset of the password waits for the second administrator or for the user. */
  reset?: ResetView;
}
/** GET /api/sessions */
export interface SessionRow { id: string; current: boolean; createdAt: string; lastSeenAt: string; expiresAt: string; address: string; agent: string }

// —— alerts ——
export interface Endpoint { ip: string; port?: number; unit?: Named; system?: Named }
/** One row of the alert table. */
export interface AlertRow {
  id: string;
  revision: number;
  /** Position in the order of arrival; grows with every revision. */
  seq: number;
  rule: string;
  title: Bilingual;
  severity: Severity;
  verdict: Verdict;
  class: DetectionClass;
  phase: Phase;
  attacker: Endpoint;
  victim: Endpoint;
  proto?: string;
  appProto?: string;
  node?: string;
  firstSeen: string;
  lastSeen: string;
  count: number;
  incident?: string;
  /** Id of the suppression that hides or lowers it. */
  suppressed?: string;
  demo: boolean;
}
/** GET /api/alerts/counts: one pass over the same filters. */
export interface AlertCounts extends Total {
  bySeverity: Partial<Record<Severity, number>>;
  byVerdict: Partial<Record<Verdict, number>>;
  byClass: Partial<Record<DetectionClass, number>>;
  byUnit: { unit: Named; count: number }[];
}
export interface EvidenceView extends EvidenceReference {
  /** `stored`: can be downloaded; `missing`: announced, not arrived; `damaged`: the bytes do not have the announced hash. */
  state: 'stored' | 'missing' | 'damaged';
  href?: string;
  storedAt?: string;
}
/** One direction of the conversation made readable: text with replacement marks, and hex for the rest. */
export interface HttpView {
  method?: string;
  url?: string;
  host?: string;
  status?: number;
  protocol?: string;
  requestHeaders: { name: string; value: string }[];
  responseHeaders: { name: string; value: string }[];
  /** Printable form; bytes that are no UTF-8 show as U+FFFD. Absent where EVE has none. */
  requestBody?: string;
  responseBody?: string;
}
export interface PayloadView {
  bytes: number;
  /** base64 */
  data: string;
  printable: string;
}
/** GET /api/alerts/:id */
export interface AlertDetail extends AlertRow {
  because: Bilingual;
  techniques: string[];
  references: string[];
  gb2007: string;
  gb2023: string;
  className: Bilingual;
  matched: MatchedBuffer[];
  measured?: Record<string, number | string | string[]>;
  communityId?: string;
  evidence: EvidenceView[];
  http?: HttpView;
  payload?: PayloadView;
  ruleDocument?: RuleView;
  incidentSummary?: { id: string; state: IncidentState; title: Bilingual };
  receivedAt: string;
  /** The alert as it came over the bus. */
  eve: Alert;
}

// —— rules ——
export interface RuleRow {
  id: string;
  sid: number;
  rev: number;
  title: Bilingual;
  severity: Severity;
  class: DetectionClass;
  phase: Phase;
  techniques: string[];
  /** Numbers of vulnerabilities (CVE, CNVD, CNNVD) and addresses, as the rule names them. */
  references: string[];
  /** False: the rule is loaded but switched off. */
  enabled: boolean;
  /** Alerts of the last 24 hours, within what the user may see. */
  hits24h: number;
}
/** What the rules of one key are and do: which, how many alerts they gave, how bad they can be. */
export interface Covered { rules: string[]; hits24h: number; severity: Severity }
/** GET /api/coverage: what the loaded rules see, by technique, vulnerability and phase. Rules that are off do not count. */
export interface CoverageView {
  rules: number;
  /** Every enabled rule by id, so that a list of ids can be shown without another request. */
  titles: Record<string, Bilingual>;
  /** ATT&CK ids in their order; a sub-technique also counts for its technique. */
  techniques: (Covered & { id: string })[];
  /** The newest first. */
  vulnerabilities: (Covered & { id: string; kind: 'cve' | 'cnvd' | 'cnnvd' })[];
  /** All phases in the order of an attack, each with all classes that belong to it by default or through a rule: an empty one is a gap. */
  phases: (Covered & { phase: Phase; classes: (Covered & { class: DetectionClass })[] })[];
}
export interface RuleView extends RuleRow {
  description?: Bilingual;
  advice?: Bilingual;
  remediation?: Bilingual;
  falsePositives?: Bilingual;
  gb2007?: string;
  gb2023?: string;
  /** The rule document as it was loaded. */
  document: unknown;
  yaml?: string;
}

export interface TrialFinding {
  /** The evidence, and the alert for which it was kept. */
  evidence: string;
  alert: string;
  rule: string;
  title: Bilingual;
  severity: Severity;
  verdict: Verdict;
  class: DetectionClass;
  because: Bilingual;
  attacker: string;
  victim: string;
  at: string;
  count: number;
}
/** POST and GET /api/rule-trials: a rule tried on past evidence. Kept in memory for a while. */
export interface RuleTrialView {
  id: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  startedAt: string;
  endedAt?: string;
  /** Name of the analyzer that tries it. */
  analyzer: string;
  /** `unread`: files that are missing, too large or no capture. */
  captures: { of: number; done: number; unread: number };
  packets: number;
  findings: TrialFinding[];
  /** Findings beyond those listed. */
  more: number;
  /** What is wrong with the rule, or why it ended. */
  errors: string[];
}

// —— incidents ——
export interface IncidentRow {
  id: string;
  version: number;
  state: IncidentState;
  title: Bilingual;
  severity: Severity;
  verdict: Verdict;
  level: Level;
  /** The queue's order: verdict, severity, asset value, spread. */
  rank: number;
  attacker: Endpoint;
  victim: Endpoint;
  /** Phases seen, in the order of an attack. */
  phases: Phase[];
  classes: DetectionClass[];
  techniques: string[];
  alerts: number;
  /** Sum of the alerts' counts. */
  events: number;
  firstSeen: string;
  lastSeen: string;
  owner?: UserName;
  escalated: boolean;
  reopened: number;
  campaign?: { id: string; incidents: number; victims: number };
  tickets: number;
  demo: boolean;
}
export interface IncidentCounts extends Total {
  byState: Partial<Record<IncidentState, number>>;
  bySeverity: Partial<Record<Severity, number>>;
  byVerdict: Partial<Record<Verdict, number>>;
}
/** One step of the attack: alerts of one rule within a phase. */
export interface IncidentStep {
  phase: Phase;
  class: DetectionClass;
  rule: string;
  title: Bilingual;
  severity: Severity;
  verdict: Verdict;
  firstSeen: string;
  lastSeen: string;
  alerts: number;
  events: number;
  /** A telling alert of the step: the highest verdict, then the latest. */
  alert: string;
}
export interface HistoryEntry {
  at: string;
  /** `text` for the reader: names instead of ids, in the language asked for. */
  /** Absent: the console itself. */
  by?: UserName;
  action: string;
  from?: string;
  to?: string;
  text?: string;
}
/** GET /api/incidents/:id */
export interface IncidentDetail extends IncidentRow {
  steps: IncidentStep[];
  history: HistoryEntry[];
  /** What this user may do now. */
  actions: IncidentAction[];
  ticketRows: TicketRow[];
  /** Advice of the rules that fired, each once. */
  advice: { rule: string; title: Bilingual; advice: Bilingual }[];
  graph: AttackGraph;
}
export interface AttackGraph {
  nodes: { ip: string; role: 'attacker' | 'victim' | 'pivot'; unit?: Named; system?: Named }[];
  edges: { from: string; to: string; incident: string; phases: Phase[]; severity: Severity; verdict: Verdict; alerts: number; firstSeen: string; lastSeen: string }[];
}
/** GET /api/campaigns/:id: incidents of one attacker across victims, and on from victims that attack in turn. */
export interface CampaignView {
  id: string;
  firstSeen: string;
  lastSeen: string;
  severity: Severity;
  verdict: Verdict;
  incidents: IncidentRow[];
  graph: AttackGraph;
}
/** POST /api/incidents/actions, POST /api/tickets/actions: each item by itself. */
export interface BulkResult { done: { id: string; version: number }[]; refused: { id: string; error: ApiError }[] }

// —— tickets ——
export interface TicketRow {
  id: string;
  version: number;
  /** Number of the bulletin, given when it is issued. */
  number?: string;
  /** As it goes out. */
  title: string;
  /** Set while nobody has changed the title that the console wrote, which it did in both languages. */
  titles?: Bilingual;
  state: TicketState;
  level: Level;
  unit: Named;
  incident: string;
  createdAt: string;
  issuedAt?: string;
  /** The clock that runs now. */
  due?: { clock: Clock; at: string; overdue: boolean };
  reminded: number;
  supervised: boolean;
  /** Set where a clock of this ticket has run out and been escalated by the console. */
  escalatedAt?: string;
  demo: boolean;
}
export interface AttachmentView { id: string; name: string; bytes: number; sha256: string; type: string; by: UserName; at: string; href: string }
/** One way of a ticket from its issue until it was closed or opened again. */
export interface TicketRound {
  issuedAt: string;
  endedAt?: string;
  /** Closed, and then opened again; else it was opened again during its quiet window. */
  closed: boolean;
  overdue: boolean;
  signer?: string;
  /** `at` is absent for rounds before deadlines were kept. */
  deadlines: { clock: Clock; at?: string; doneAt?: string }[];
  feedback?: FeedbackForm & { at: string; by: UserName };
  verification?: VerificationForm & { by: UserName };
}
/** GET /api/tickets/:id */
export interface TicketDetail extends TicketRow {
  summary: string;
  impact: string;
  demands: string;
  author: UserName;
  approver?: UserName;
  signer?: string;
  addressee?: string;
  copies?: string;
  contact?: string;
  deadlines?: { clock: Clock; at: string; doneAt?: string; overdue: boolean }[];
  extension?: { until: string; reason: string; askedAt: string };
  appeal?: { reason: string; at: string; by?: UserName; decision?: 'accepted' | 'refused'; answer?: string };
  /** Both proofs that closing needs, and what is missing. */
  proofs?: { shut: boolean; quiet: boolean; quietUntil?: string };
  /** The bulletin as PDF and DOCX. */
  documents?: { pdf: string; docx: string };
  feedback?: FeedbackForm & { at: string; by: UserName };
  verification?: VerificationForm & { by: UserName };
  /** Rounds before the one under way, oldest first: a ticket that was opened again keeps what each of them took. */
  rounds?: TicketRound[];
  /** The quiet window: closing is possible from then on. */
  watchUntil?: string;
  attachments: AttachmentView[];
  history: HistoryEntry[];
  actions: TicketAction[];
  incidentRow: IncidentRow;
}

// —— overview, nodes, registry ——
export interface SeriesView { tags: Record<string, string>; values: [number, number | null][] }
/** GET /api/series */
export interface SeriesAnswer { series: SeriesView[]; up: boolean }
/** GET /api/overview */
export interface Overview {
  from: string;
  to: string;
  /** Bucket width in ms. */
  interval: number;
  alerts: { total: number; bySeverity: Partial<Record<Severity, number>>; byVerdict: Partial<Record<Verdict, number>> };
  incidents: { open: number; byState: Partial<Record<IncidentState, number>>; bySeverity: Partial<Record<Severity, number>> };
  tickets: { open: number; overdue: number; dueSoon: number };
  nodes: { total: number; up: number; degraded: number };
  /** Bits per second by protocol; packets per second; alerts per bucket by severity. Unit users get their unit's. */
  traffic: { bits: SeriesView[]; packets: SeriesView[] };
  alertSeries: SeriesView[];
  topClasses: { class: DetectionClass; count: number }[];
  topAttackers: { ip: string; count: number; severity: Severity }[];
  topVictims: { ip: string; unit?: Named; system?: Named; count: number; severity: Severity }[];
  topUnits: { unit: Named; count: number }[];
  metricsUp: boolean;
}
/** GET /api/nodes */
export interface NodeView extends Health {
  /** No heartbeat for longer than `NODE_SILENT_MS`. */
  silent: boolean;
  lastSeen: string;
  unitName?: Named;
}
/** GET /api/registry */
export interface RegistryView {
  registry: Registry;
  version: number;
  changedAt?: string;
  by?: UserName;
}
/** PUT /api/registry */
export interface RegistryChange { version: number; applied: boolean; units: number; systems: number; added: string[]; removed: string[]; changed: string[]; warnings: string[] }

// —— administration ——
/** GET /api/audit */
export interface AuditRow {
  seq: number;
  at: string;
  actor?: UserName;
  address?: string;
  action: string;
  object?: string;
  outcome: 'done' | 'refused';
  /**
   * What the entry says beside its action. `before` and `after` hold what changed, field by field as deep as it goes (`null`: there
   * was, or is, nothing; both lists where a list was changed); every other field is a fact. Ids of people and units are ids.
   */
  details?: Record<string, unknown>;
  /** How the people, units and systems are called whose ids stand in `object` and `details`; who or what is gone has no name. */
  names?: Record<string, UserName | Named>;
  /** SHA-256 over the previous hash and this entry. */
  hash: string;
}
/** GET /api/audit/verification */
export interface AuditVerification { intact: boolean; entries: number; head: string; brokenAt?: number }
/** DELETE /api/demo */
export interface DemoCleared { alerts: number; incidents: number; tickets: number; evidence: number; /** Traffic and alert points of the demonstration, too, are gone from the metrics store. */ metrics: boolean }

// —— push ——
/**
 * GET /api/live (WebSocket). The server sends frames; the client sends nothing but may close. The first frame is a
 * `hello`; after a reconnect with `?since=<at>`, `resumed: false` means: too long ago, load the page's data again.
 */
export type LiveFrame =
  | { kind: 'hello'; at: string; resumed: boolean }
  | { kind: 'batch'; at: string; items: LiveItem[]; /** Alerts left out of this batch because there were too many. */ skipped: number }
  | { kind: 'bye'; code: string };
export type LiveItem =
  | { kind: 'alert'; alert: AlertRow }
  | { kind: 'incident'; incident: IncidentRow }
  | { kind: 'ticket'; ticket: TicketRow }
  | { kind: 'node'; node: NodeView }
  | { kind: 'notice'; notice: NoticeRow }
  | { kind: 'demo-cleared' }
  | { kind: 'registry'; version: number };
