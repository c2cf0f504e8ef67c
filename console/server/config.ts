import { Type, type Static } from '@sinclair/typebox';
import { ROLES, type Role } from '../model/roles.js';

const strict = { additionalProperties: false } as const;
const Minutes = Type.Integer({ minimum: 1 });

/** Configuration of the console. What is absent takes the default written beside it. */
export const ConsoleConfig = Type.Object({
  listen: Type.Optional(Type.Object({
    /** Default 127.0.0.1. Another address demands `tls`, or `behindProxy` where a proxy speaks TLS. */
    host: Type.Optional(Type.String({ minLength: 1 })),
    /** Default 8080, with TLS 8443; 0: any free port. */
    port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 })),
  }, strict)),
  tls: Type.Optional(Type.Object({ cert: Type.String(), key: Type.String() }, strict)),
  /** A reverse proxy on this machine ends TLS and sets X-Forwarded-For and X-Forwarded-Proto. */
  behindProxy: Type.Optional(Type.Boolean()),
  /** Where evidence, attachments and backups lie, and the SQLite file unless `database` says otherwise. */
  dataDir: Type.String({ minLength: 1 }),
  /** `postgres://…`; default: SQLite in `dataDir`. */
  database: Type.Optional(Type.String({ pattern: '^postgres(ql)?://' })),
  /** Folder of the built browser UI. */
  ui: Type.Optional(Type.String()),
  /** Folder of rule documents, used when no analyzer answers for its rules. */
  rulesDir: Type.Optional(Type.String()),
  /** Registry (YAML) that is loaded when the store has none yet. */
  registry: Type.Optional(Type.String()),
  separation: Type.Optional(Type.Union([Type.Literal('strict'), Type.Literal('appliance')])),
  session: Type.Optional(Type.Object({
    /** Default 60: a session that asks for nothing ends. */
    idleMinutes: Type.Optional(Minutes),
    /** Default 720: every session ends. */
    absoluteMinutes: Type.Optional(Minutes),
  }, strict)),
  password: Type.Optional(Type.Object({
    /** Default 10. */
    minLength: Type.Optional(Type.Integer({ minimum: 8, maximum: 128 })),
    /** Default 3 of: lower case, upper case, digits, others. */
    classes: Type.Optional(Type.Integer({ minimum: 1, maximum: 4 })),
    /** Default 90 with `separation: strict`, else 0: days until a password has to be changed; 0: never. */
    maxAgeDays: Type.Optional(Type.Integer({ minimum: 0, maximum: 3650 })),
    /** Default 5: the last so many passwords may not be used again. */
    history: Type.Optional(Type.Integer({ minimum: 0, maximum: 24 })),
  }, strict)),
  incident: Type.Optional(Type.Object({
    /** Default 24: an alert joins an incident that was last seen at most this long before. */
    windowHours: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Default 7: days of quiet before a fix counts as verified. */
    quietDays: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  }, strict)),
  /** File with the days off and the weekend days worked instead, beside those that are set in the console. */
  holidays: Type.Optional(Type.String()),
  /** Roles whose holders must log in with a second factor; they set it up at their next login. */
  secondFactor: Type.Optional(Type.Array(Type.Union(ROLES.map((r) => Type.Literal(r))), { uniqueItems: true })),
  /** Number of a bulletin; `{year}` and `{seq}` are replaced. Default `网安通〔{year}〕{seq}号`. */
  bulletinNumber: Type.Optional(Type.String({ maxLength: 100, pattern: '\\{seq\\}' })),
  /** Log in through an OpenID Connect provider, too. Accounts are made here; the provider says who somebody is. */
  oidc: Type.Optional(Type.Object({
    issuer: Type.String({ pattern: '^https?://' }), clientId: Type.String(), clientSecret: Type.String(), label: Type.Optional(Type.String({ maxLength: 64 })),
    /** Where browsers reach the console, e.g. https://console.example.gov.cn */
    publicUrl: Type.String({ pattern: '^https?://' }),
    /** Claim with the account's name; default preferred_username. */
    claim: Type.Optional(Type.String()),
  }, strict)),
  /** Ranges that channels may send to though they are on this machine or link-local. */
  outbound: Type.Optional(Type.Object({ allow: Type.Optional(Type.Array(Type.String())) }, strict)),
  /** Addresses beside this machine that may read /metrics. */
  metricsFrom: Type.Optional(Type.Array(Type.String())),
}, { $id: 'ConsoleConfig', ...strict });
export type ConsoleConfig = Static<typeof ConsoleConfig>;

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** The configuration with every default filled in. */
export function settle(config: ConsoleConfig) {
  return {
    ...config,
    host: config.listen?.host ?? '127.0.0.1',
    port: config.listen?.port ?? (config.tls ? 8443 : 8080),
    loopback: LOOPBACK.test(config.listen?.host ?? '127.0.0.1'),
    behindProxy: config.behindProxy ?? false,
    separation: config.separation ?? 'appliance',
    idleMs: (config.session?.idleMinutes ?? 60) * 60_000,
    absoluteMs: (config.session?.absoluteMinutes ?? 720) * 60_000,
    passwordPolicy: {
      minLength: config.password?.minLength ?? 10, classes: config.password?.classes ?? 3,
      maxAgeDays: config.password?.maxAgeDays ?? (config.separation === 'strict' ? 90 : 0), history: config.password?.history ?? 5,
    },
    windowMs: (config.incident?.windowHours ?? 24) * 3_600_000,
    quietMs: (config.incident?.quietDays ?? 7) * 86_400_000,
    bulletinNumber: config.bulletinNumber ?? '网安通〔{year}〕{seq}号',
    oidc: config.oidc && { ...config.oidc, label: config.oidc.label ?? 'OIDC', claim: config.oidc.claim ?? 'preferred_username' },
    outboundAllow: config.outbound?.allow ?? [],
    metricsFrom: config.metricsFrom ?? [],
    secondFactor: new Set<Role>((config.secondFactor ?? []) as Role[]),
  };
}
export type Settled = ReturnType<typeof settle>;
