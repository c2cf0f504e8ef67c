import { Type, type Static } from '@sinclair/typebox';
import { CLASS_NAMES, SEVERITIES, VERDICTS } from '../../contracts/classes.js';
import { TRIAL_RULE_MAX } from '../../contracts/rule-trial.js';
import { INCIDENT_ACTION_NAMES, INCIDENT_STATES } from './incident.js';
import { TICKET_ACTION_NAMES, TICKET_STATES } from './ticket.js';
import { ROLES } from './roles.js';
import { Id, Paging, Text, Time, Version, list, oneOf, strict } from './fields.js';

/**
 * What the browser may send. One source gives the type, the check at the door and the OpenAPI description.
 * Lists in a query string are comma-separated (`severity=high,critical`).
 */
const alertFilters = {
  severity: Type.Optional(list(SEVERITIES)),
  verdict: Type.Optional(list(VERDICTS)),
  class: Type.Optional(list(CLASS_NAMES)),
  /** Unit id: that unit and everything below it. */
  unit: Type.Optional(Id),
  system: Type.Optional(Id),
  node: Type.Optional(Id),
  rule: Type.Optional(Id),
  incident: Type.Optional(Id),
  /** Attacker or victim address, exactly. */
  ip: Type.Optional(Type.String({ maxLength: 64 })),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  /** Words that all must occur; two Chinese characters are enough for a word. */
  text: Type.Optional(Type.String({ maxLength: 200 })),
  demo: Type.Optional(Type.Boolean()),
  /** `true`: only those a suppression hides; absent: only the others. */
  suppressed: Type.Optional(Type.Boolean()),
  /** Only alerts that arrived (first or in a new revision) after this `seq`: what a page missed. */
  after: Type.Optional(Type.Integer({ minimum: 0 })),
};
export const AlertQuery = Type.Object(
  { ...alertFilters, ...Paging, order: Type.Optional(oneOf(['newest', 'oldest'] as const)) }, strict,
);
export type AlertQuery = Static<typeof AlertQuery>;
export const AlertCountQuery = Type.Object(alertFilters, strict);
export type AlertCountQuery = Static<typeof AlertCountQuery>;

const incidentFilters = {
  state: Type.Optional(list(INCIDENT_STATES)),
  severity: Type.Optional(list(SEVERITIES)),
  verdict: Type.Optional(list(VERDICTS)),
  class: Type.Optional(list(CLASS_NAMES)),
  unit: Type.Optional(Id),
  campaign: Type.Optional(Id),
  /** User id; `me` and `none` are understood. */
  owner: Type.Optional(Id),
  ip: Type.Optional(Type.String({ maxLength: 64 })),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  text: Type.Optional(Type.String({ maxLength: 200 })),
  demo: Type.Optional(Type.Boolean()),
};
export const IncidentQuery = Type.Object(
  { ...incidentFilters, ...Paging, order: Type.Optional(oneOf(['rank', 'newest', 'oldest'] as const)) }, strict,
);
export type IncidentQuery = Static<typeof IncidentQuery>;

/** One action of the incident's state machine; `version` is the one the person looked at. */
export const IncidentAct = Type.Object({
  version: Version,
  action: oneOf(INCIDENT_ACTION_NAMES),
  reason: Type.Optional(Text(2000)),
  /** For `assign`: the user who is to work on it. */
  owner: Type.Optional(Id),
}, strict);
export type IncidentAct = Static<typeof IncidentAct>;
export const IncidentBulkAct = Type.Object({
  items: Type.Array(Type.Object({ id: Id, version: Version }, strict), { minItems: 1, maxItems: 200 }),
  action: oneOf(INCIDENT_ACTION_NAMES),
  reason: Type.Optional(Text(2000)),
  owner: Type.Optional(Id),
}, strict);
export type IncidentBulkAct = Static<typeof IncidentBulkAct>;

export const CommentCreate = Type.Object({ text: Text(4000) }, strict);
export type CommentCreate = Static<typeof CommentCreate>;

export const TicketQuery = Type.Object({
  state: Type.Optional(list(TICKET_STATES)),
  level: Type.Optional(list(['1', '2', '3', '4'])),
  unit: Type.Optional(Id),
  incident: Type.Optional(Id),
  overdue: Type.Optional(Type.Boolean()),
  text: Type.Optional(Type.String({ maxLength: 200 })),
  demo: Type.Optional(Type.Boolean()),
  ...Paging,
}, strict);
export type TicketQuery = Static<typeof TicketQuery>;

const Level = Type.Integer({ minimum: 1, maximum: 4 });
const ticketText = {
  title: Type.Optional(Text(200)),
  /** What happened, as the unit reads it. */
  summary: Type.Optional(Text(8000)),
  impact: Type.Optional(Text(4000)),
  /** What is demanded of the unit (处置要求). */
  demands: Type.Optional(Text(8000)),
};
const ticketParties = {
  /** 主送 where it is not the unit's name, 抄送. */
  addressee: Type.Optional(Text(200)),
  copies: Type.Optional(Type.String({ maxLength: 500 })),
  /** 联系人 of the unit. */
  contact: Type.Optional(Type.String({ maxLength: 200 })),
};
/** A draft is written from the incident; what is given here replaces the generated text. */
export const TicketCreate = Type.Object({
  incident: Id,
  /** Unit that must fix it; default: the unit of the victim. */
  unit: Type.Optional(Id),
  /** Ⅰ–Ⅳ as 1–4; default: from severity and verdict. */
  level: Type.Optional(Level),
  ...ticketText,
  ...ticketParties,
}, strict);
export type TicketCreate = Static<typeof TicketCreate>;
/** Edits a draft. */
export const TicketEdit = Type.Object({ version: Version, unit: Type.Optional(Id), level: Type.Optional(Level), ...ticketText, ...ticketParties }, strict);
export type TicketEdit = Static<typeof TicketEdit>;

export const FeedbackForm = Type.Object({
  /** 是否属实 */
  genuine: Type.Boolean(),
  responsible: Text(64),
  phone: Text(40),
  cause: Text(4000),
  measures: Text(8000),
  /** When the fix was done. */
  completedAt: Type.String({ minLength: 1, maxLength: 40 }),
  residualRisk: Type.Optional(Text(4000)),
}, strict);
export type FeedbackForm = Static<typeof FeedbackForm>;
/** What shows that the hole is shut. */
export const VerificationForm = Type.Object({
  method: oneOf(['retest', 'observed_refusal'] as const),
  result: Text(4000),
  /** For `observed_refusal`: the alert of the same request being refused. */
  alert: Type.Optional(Id),
  at: Type.Optional(Type.String({ maxLength: 40 })),
}, strict);
export type VerificationForm = Static<typeof VerificationForm>;

/** One action of the ticket's state machine. Which fields an action needs: `needs` in `TICKET_ACTIONS`. */
export const TicketAct = Type.Object({
  version: Version,
  action: oneOf(TICKET_ACTION_NAMES),
  reason: Type.Optional(Text(4000)),
  feedback: Type.Optional(FeedbackForm),
  verification: Type.Optional(VerificationForm),
  /** For `request_extension`: the new deadline asked for. */
  until: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
  /** For `acknowledge`: who signs. */
  signer: Type.Optional(Text(64)),
}, strict);
export type TicketAct = Static<typeof TicketAct>;

const accountFields = {
  account: Type.String({ minLength: 2, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]*$' }),
  name: Text(64),
  password: Type.String({ minLength: 1, maxLength: 256 }),
};
export const SetupForm = Type.Object({
  code: Text(64),
  ...accountFields,
  /** Both are demanded where `SessionView.separation` is `strict`: three administrators are three people. */
  securityAdmin: Type.Optional(Type.Object(accountFields, strict)),
  auditor: Type.Optional(Type.Object(accountFields, strict)),
}, strict);
export type SetupForm = Static<typeof SetupForm>;
export const LoginForm = Type.Object({
  account: Type.String({ minLength: 1, maxLength: 64 }), password: Type.String({ minLength: 1, maxLength: 256 }),
  /** Six digits of the authenticator, or a recovery code; asked for by 401 `SW_CONSOLE_SECOND_FACTOR`. */
  code: Type.Optional(Type.String({ maxLength: 32 })),
}, strict);
export type LoginForm = Static<typeof LoginForm>;
export const PasswordForm = Type.Object({
  current: Type.String({ minLength: 1, maxLength: 256 }), next: Type.String({ minLength: 1, maxLength: 256 }),
}, strict);
export type PasswordForm = Static<typeof PasswordForm>;

export const UserCreate = Type.Object({
  account: Type.String({ minLength: 2, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]*$' }),
  name: Text(64),
  /** First password; has to be changed at the first login. Refused in `strict`: there the account opens by a reset. */
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  unit: Type.Optional(Id),
}, strict);
export type UserCreate = Static<typeof UserCreate>;
export const UserEdit = Type.Object({
  name: Type.Optional(Text(64)),
  /** `null`: the whole province. */
  unit: Type.Optional(Type.Union([Id, Type.Null()])),
  disabled: Type.Optional(Type.Boolean()),
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
}, strict);
export type UserEdit = Static<typeof UserEdit>;
export const RolesForm = Type.Object({ roles: Type.Array(oneOf(ROLES), { uniqueItems: true, maxItems: ROLES.length }) }, strict);
export type RolesForm = Static<typeof RolesForm>;

export const AuditQuery = Type.Object({
  actor: Type.Optional(Id), action: Type.Optional(Id), from: Type.Optional(Time), to: Type.Optional(Time), ...Paging,
}, strict);
export type AuditQuery = Static<typeof AuditQuery>;

/** The whole registry as YAML, or one table as CSV. `dryRun` only says what would change. */
export const RegistryUpload = Type.Object({
  format: oneOf(['yaml', 'units-csv', 'systems-csv'] as const),
  text: Type.String({ maxLength: 8 * 1024 * 1024 }),
  dryRun: Type.Optional(Type.Boolean()),
}, strict);
export type RegistryUpload = Static<typeof RegistryUpload>;

export const OverviewQuery = Type.Object({ from: Type.Optional(Time), to: Type.Optional(Time) }, strict);
export type OverviewQuery = Static<typeof OverviewQuery>;
export const SeriesRequest = Type.Object({
  measurement: Id,
  field: Id,
  aggregate: oneOf(['sum', 'mean', 'max', 'min', 'last', 'count'] as const),
  from: Time,
  to: Time,
  /** Bucket width in ms. */
  interval: Type.Integer({ minimum: 1000 }),
  /** Comma-separated tag names. */
  groupBy: Type.Optional(Type.String({ maxLength: 200, pattern: '^[a-z_]+(,[a-z_]+)*$' })),
  unit: Type.Optional(Id),
  node: Type.Optional(Id),
}, strict);
export type SeriesRequest = Static<typeof SeriesRequest>;

export const RuleQuery = Type.Object({
  text: Type.Optional(Type.String({ maxLength: 200 })), class: Type.Optional(list(CLASS_NAMES)), severity: Type.Optional(list(SEVERITIES)),
}, strict);
export type RuleQuery = Static<typeof RuleQuery>;

/** POST /api/rule-trials: a rule document (YAML) or rules in Suricata's language, and which evidence it is tried on; the newest first. */
export const RuleTrialForm = Type.Object({
  rule: Type.String({ minLength: 1, maxLength: TRIAL_RULE_MAX }), from: Type.Optional(Time), to: Type.Optional(Time), captures: Type.Optional(Type.Integer({ minimum: 1, maximum: 5_000 })),
}, strict);
export type RuleTrialForm = Static<typeof RuleTrialForm>;

export const LiveQuery = Type.Object({
  /** `at` of the last frame that was received: what came since is sent first. */
  since: Type.Optional(Type.String({ maxLength: 64 })),
}, strict);
export type LiveQuery = Static<typeof LiveQuery>;
export const IdParams = Type.Object({ id: Id }, strict);
export type IdParams = Static<typeof IdParams>;
