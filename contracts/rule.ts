import { Type, type Static, type TSchema } from '@sinclair/typebox';

/**
 * The rule document: one rule a YAML file. This file is the shape; what the words mean is in rules/README.md, and what
 * the shape cannot say (which buffer belongs to which protocol, unique ids, regular expressions) the loader checks.
 */
const closed = { additionalProperties: false } as const;
const oneOf = <const T extends readonly string[]>(names: T, description?: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...names], ...(description ? { description } : {}) });
const text = (description: string) => Type.String({ minLength: 1, maxLength: 4000, description });
const some = <T extends TSchema>(item: T, maxItems = 64) => Type.Union([item, Type.Array(item, { minItems: 1, maxItems })]);

/** The same text in both languages of the operator. Both are required. */
export const Translated = Type.Object({ zh: text('Chinese'), en: text('English') }, closed);
export type Translated = Static<typeof Translated>;

export const RULE_SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export const RULE_VERDICTS = ['attempted', 'succeeded', 'compromised'] as const;
export const RULE_PHASES = [
  'reconnaissance', 'access', 'execution', 'persistence',
  'lateral_movement', 'command_and_control', 'exfiltration', 'impact',
] as const;

/** What a rule may be written on: an application protocol, or a layer below. */
export const RULE_PROTOCOLS = [
  'http', 'dns', 'tls', 'ssh', 'smb', 'dcerpc', 'krb5', 'ldap', 'rdp', 'ftp', 'smtp', 'imap', 'pop3', 'mysql', 'pgsql',
  'tds', 'oracle', 'redis', 'mongodb', 'memcached', 'java', 't3', 'ajp', 'snmp', 'ntp', 'dhcp', 'tftp', 'sip', 'mqtt',
  'rsync', 'telnet', 'rfb', 'socks', 'websocket', 'http2', 'quic', 'file', 'tcp', 'udp', 'icmp', 'ip',
] as const;
export type RuleProtocol = (typeof RULE_PROTOCOLS)[number];

/** What is done to a buffer before it is tested, in the order written. */
export const TRANSFORM_NAMES = [
  'url-decode', 'double-url-decode', 'base64-decode', 'hex-decode', 'html-entity-decode', 'unicode-unescape',
  'to-lowercase', 'to-uppercase', 'strip-whitespace', 'compress-whitespace', 'strip-nul', 'reverse',
  'gunzip', 'md5', 'sha1', 'sha256', 'dotprefix', 'header-lowercase', 'strip-pseudo-headers', 'xor',
] as const;
/** `xor` takes its key behind a colon (`xor:0d0ac8ff`); the others stand alone. */
export const TRANSFORM_PATTERN = `^(?:${TRANSFORM_NAMES.filter((n) => n !== 'xor').join('|')}|xor:(?:[0-9a-f]{2}){1,32})$`;

/** A whole number, or bounds (inclusive). */
export const Range = Type.Union([
  Type.Number(),
  Type.Object({ min: Type.Optional(Type.Number()), max: Type.Optional(Type.Number()) }, { ...closed, minProperties: 1 }),
]);
export type Range = Static<typeof Range>;

/** A number read out of the bytes of a buffer. */
export const NumberAt = Type.Object({
  at: Type.Integer({ description: 'Offset in the buffer, or from the end of the last match with relative: true' }),
  bytes: Type.Integer({ minimum: 1, maximum: 8 }),
  order: Type.Optional(oneOf(['big', 'little'], 'Byte order; big unless said otherwise')),
  relative: Type.Optional(Type.Boolean()),
  mask: Type.Optional(Type.Integer({ minimum: 0 })),
  equals: Type.Optional(some(Type.Integer())),
  min: Type.Optional(Type.Integer()),
  max: Type.Optional(Type.Integer()),
}, closed);
export type NumberAt = Static<typeof NumberAt>;

const needle = Type.String({ minLength: 1, maxLength: 4096 });
const HEX = '^\\s*(?:[0-9a-fA-F]{2}\\s*)+$';

/** What one instance of a buffer must satisfy; all keys of one test hold together. */
export const BufferTest = Type.Object({
  contains: Type.Optional(some(needle)),
  'starts-with': Type.Optional(some(needle)),
  'ends-with': Type.Optional(some(needle)),
  equals: Type.Optional(Type.Union([needle, Type.Number(), Type.Array(Type.Union([needle, Type.Number()]), { minItems: 1, maxItems: 256 })])),
  hex: Type.Optional(some(Type.String({ pattern: HEX, maxLength: 8192 }))),
  regex: Type.Optional(some(Type.String({ minLength: 1, maxLength: 2048 }), 16)),
  nocase: Type.Optional(Type.Boolean({ description: 'Letters A–Z match either case in every text of this test' })),
  offset: Type.Optional(Type.Integer({ minimum: 0, description: 'The match starts at this byte or later' })),
  depth: Type.Optional(Type.Integer({ minimum: 1, description: 'The match lies within this many bytes from offset' })),
  distance: Type.Optional(Type.Integer({ description: 'Bytes between the end of the last match and the start of this one, at least' })),
  within: Type.Optional(Type.Integer({ minimum: 1, description: 'The match ends within this many bytes of the last match (after distance)' })),
  length: Type.Optional(Range),
  min: Type.Optional(Type.Number({ description: 'The buffer as a number is at least this' })),
  max: Type.Optional(Type.Number({ description: 'The buffer as a number is at most this' })),
  'number-at': Type.Optional(NumberAt),
  entropy: Type.Optional(Range),
  instances: Type.Optional(Range),
  present: Type.Optional(Type.Literal(true)),
  absent: Type.Optional(Type.Literal(true)),
  transforms: Type.Optional(Type.Array(Type.String({ pattern: TRANSFORM_PATTERN }), { minItems: 1, maxItems: 8 })),
}, { ...closed, minProperties: 1 });
export type BufferTest = Static<typeof BufferTest>;

/** The test of one buffer: a text or number that it equals, one test, or several tests of the same instance in order. */
export const BufferTests = Type.Union([Type.String({ minLength: 1 }), Type.Number(), BufferTest, Type.Array(BufferTest, { minItems: 1, maxItems: 32 })]);

/** `{ <buffer>: test }` or one of the combinators. Exactly one key. */
export type Condition =
  | { any: Condition[] }
  | { all: Condition[] }
  | { not: Condition | Condition[] }
  | { event: string }
  | { [buffer: string]: string | number | BufferTest | BufferTest[] };
export const Condition = Type.Unsafe<Condition>(Type.Recursive(
  (self) => Type.Object({
    any: Type.Optional(Type.Array(self, { minItems: 1, maxItems: 64 })),
    all: Type.Optional(Type.Array(self, { minItems: 1, maxItems: 64 })),
    not: Type.Optional(Type.Union([self, Type.Array(self, { minItems: 1, maxItems: 64 })])),
    event: Type.Optional(Type.String({ pattern: '^[a-z0-9_-]+\\.[a-z0-9_-]+$' })),
  }, { additionalProperties: BufferTests, minProperties: 1, maxProperties: 1 }),
  { $id: 'Condition' },
));
const Conditions = Type.Array(Condition, { minItems: 1, maxItems: 64 });

const Address = Type.String({ pattern: '^!?(?:any|\\$[A-Z][A-Z0-9_]*|[0-9a-fA-F.:]+(?:/[0-9]{1,3})?)$' });
const Port = Type.Union([Type.Integer({ minimum: 0, maximum: 65535 }), Type.String({ pattern: '^!?(?:\\$[A-Z][A-Z0-9_]*|[0-9]{1,5}(?:[-:][0-9]{1,5})?)$' })]);
/** One side of a flow: addresses and ports; `!` in front of an entry excludes it. */
export const Side = Type.Union([
  Address,
  Type.Array(Address, { minItems: 1, maxItems: 256 }),
  Type.Object({ addresses: Type.Optional(some(Address, 256)), ports: Type.Optional(some(Port, 256)) }, { ...closed, minProperties: 1 }),
]);
export type Side = Static<typeof Side>;

export const Threshold = Type.Object({
  count: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  seconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
  track: oneOf(['source', 'destination', 'both', 'rule'], 'What is counted apart: attackers, victims, pairs, or nothing'),
  kind: Type.Optional(oneOf(['threshold', 'limit', 'both'], 'threshold: every count-th match alerts (default); limit: at most count alerts; both: once, at the count-th')),
}, closed);
export type Threshold = Static<typeof Threshold>;

export const VerdictRule = Type.Object({
  is: oneOf(RULE_VERDICTS),
  response: Type.Optional(Conditions),
  request: Type.Optional(Conditions),
  severity: Type.Optional(oneOf(RULE_SEVERITIES)),
  because: Translated,
}, closed);
export type VerdictRule = Static<typeof VerdictRule>;

export const RuleCapture = Type.Object({
  file: Type.String({
    pattern: '^(?:(?:\\.\\./){1,2}(?:[a-z0-9-]+/){1,2})?[^/\\\\]+\\.(?:pcap|pcapng|pcap\\.gz)$',
    description: 'A file beside the rule, or one that rules share: ../benign/forms.pcap',
  }),
  expect: oneOf(['hit', 'miss']),
  verdict: Type.Optional(oneOf(RULE_VERDICTS, 'The highest verdict that the capture must give')),
  count: Type.Optional(Type.Integer({ minimum: 1, description: 'Number of alerts of this rule, exactly' })),
  made: text('How the capture was made'),
}, closed);
export type RuleCapture = Static<typeof RuleCapture>;

export const Reference = Type.Union([
  Type.Object({ cve: Type.String({ pattern: '^CVE-[0-9]{4}-[0-9]{4,}$' }) }, closed),
  Type.Object({ cnvd: Type.String({ pattern: '^CNVD-[0-9]{4}-[0-9]{4,}$' }) }, closed),
  Type.Object({ cnnvd: Type.String({ pattern: '^CNNVD-[0-9]{6}-[0-9]{3,}$' }) }, closed),
  Type.Object({ url: Type.String({ pattern: '^https?://\\S+$' }) }, closed),
]);

export const RuleDocument = Type.Object({
  id: Type.String({ pattern: '^[a-z0-9]+(?:-[a-z0-9]+)*$', maxLength: 64, description: 'Name of the rule, unique' }),
  sid: Type.Integer({ minimum: 1, maximum: 4294967295, description: 'Number of the rule, unique' }),
  revision: Type.Integer({ minimum: 1, description: 'Grows with every change of what the rule matches' }),
  title: Translated,
  advice: Translated,
  severity: oneOf(RULE_SEVERITIES, 'Of an attempt; a verdict may raise it'),
  class: Type.String({ pattern: '^[a-z0-9_]+$', description: 'One of the closed list of detection classes' }),
  gb2007: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Only where it differs from the class' })),
  gb2023: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Only where it differs from the class' })),
  phase: Type.Optional(oneOf(RULE_PHASES, 'Only where it differs from the class')),
  techniques: Type.Optional(Type.Array(Type.String({ pattern: '^T[0-9]{4}(?:\\.[0-9]{3})?$' }), { maxItems: 16 })),
  references: Type.Optional(Type.Array(Reference, { maxItems: 32 })),
  enabled: Type.Optional(Type.Boolean()),
  yields: Type.Optional(Type.Integer({ minimum: 1, maximum: 2, description: 'Not told where a rule that yields less names the same request, with as high a verdict: 1 for classes of attacks, 2 for what has no better name' })),

  on: Type.Optional(some(oneOf(RULE_PROTOCOLS), 8)),
  from: Type.Optional(Side),
  to: Type.Optional(Side),
  direction: Type.Optional(oneOf(['to_server', 'to_client'], 'Only for a match list on tcp, udp, icmp, ip or file')),
  attacker: Type.Optional(oneOf(['client', 'server'], 'Who attacks; client unless said otherwise')),
  match: Type.Optional(Type.Union([
    Conditions,
    Type.Object({ request: Type.Optional(Conditions), response: Type.Optional(Conditions) }, { ...closed, minProperties: 1 }),
  ])),
  behaviour: Type.Optional(Type.Object({
    name: Type.String({ pattern: '^[a-z0-9]+(?:[-_][a-z0-9]+)*$' }),
    parameters: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]*$' }), Type.Union([
      Type.Number(), Type.String(), Type.Boolean(), Type.Array(Type.Union([Type.Number(), Type.String()])),
    ]))),
  }, closed)),
  suricata: Type.Optional(Type.String({ minLength: 1, maxLength: 65536, description: "In the place of match: a rule in Suricata's language; this document says what its alerts say" })),
  threshold: Type.Optional(Threshold),
  because: Type.Optional(Translated),
  verdict: Type.Optional(Type.Array(VerdictRule, { minItems: 1, maxItems: 16 })),

  falsePositives: Translated,
  remediation: Translated,
  captures: Type.Array(RuleCapture, { maxItems: 64, description: 'At least one hit and one miss; none are needed with suricata' }),
}, { ...closed, $id: 'RuleDocument' });
export type RuleDocument = Static<typeof RuleDocument>;
