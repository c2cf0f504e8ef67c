import type { Alert, Bilingual, MatchedBuffer } from '../../contracts/alert.js';
import { CLASSES, EVE_SEVERITY, type DetectionClass, type Phase, type Severity, type Verdict } from '../../contracts/classes.js';
import type { EveEvent } from '../../contracts/event.js';

export interface Endpoint {
  ip: string;
  port?: number;
}

/** What a rule or a behaviour says of itself in an alert. */
export interface FindingRule {
  id: string;
  sid: number;
  /** Generator: 1 for rules on packets and transactions, 2 for behaviours. */
  gid: number;
  rev: number;
  /** EVE `alert.signature`. */
  message: string;
  /** EVE `alert.category`; the class's English name when absent. */
  category?: string;
  title: Bilingual;
  class: DetectionClass;
  phase?: Phase;
  gb2007?: string;
  gb2023?: string;
  techniques: string[];
  references: string[];
  action?: 'allowed' | 'blocked';
  metadata?: Record<string, string[]>;
  /** The rule as written, where it is to travel with the alert. */
  text?: string;
}

/** One finding, before it becomes an alert: what rule hits and behaviour hits have in common. */
export interface Finding {
  rule: FindingRule;
  /** What every event carries, with addresses as of the packet that fired. */
  header: EveEvent;
  /** EVE objects of the transaction under their names, e.g. `{ http: {…} }`, and `payload_printable`. */
  detail?: Record<string, unknown>;
  attacker: Endpoint;
  victim: Endpoint;
  verdict: Verdict;
  severity: Severity;
  because: Bilingual;
  /** Packet time of the first and the last packet that it rests on, µs. */
  firstUs: number;
  lastUs: number;
  /** Occurrences that it stands for; 1 when left out. */
  count?: number;
  matched?: MatchedBuffer[];
  measured?: Record<string, number | string | string[]>;
  /** Which match it is: the same one keeps its name when its verdict rises, and is counted once. */
  occurrence?: string;
  node?: string;
  unit?: string;
  demo?: boolean;
}

/** EVE time stamp (UTC) of µs since the epoch; the epoch itself for what is no time. */
export function eveTimestamp(us: number): string {
  const ms = Math.floor(us / 1000);
  if (!(Math.abs(ms) <= 8.64e15)) return '1970-01-01T00:00:00.000000+0000';
  const micros = String(Math.floor(us - ms * 1000)).padStart(3, '0');
  return `${new Date(ms).toISOString().slice(0, -1)}${micros}+0000`;
}

/** µs since the epoch of an EVE time stamp; 0 for what is none. */
export function fromEveTimestamp(text: string): number {
  const second = text.slice(0, 19);
  const zone = text.slice(26);
  if (second !== lastSecond || zone !== lastZone) {
    const seconds = Date.parse(`${second}Z`);
    if (Number.isNaN(seconds)) return 0;
    const sign = zone[0] === '-' ? -1 : 1;
    const offset = sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5)));
    lastSecond = second;
    lastZone = zone;
    lastUs = seconds * 1000 - (offset || 0) * 60_000_000;
  }
  return lastUs + (Number(text.slice(20, 26)) || 0);
}
/** Events come thousands a second. */
let lastSecond = '';
let lastZone = '';
let lastUs = 0;

/**
 * The alert of one finding, before aggregation: `id` holds the occurrence until the sink gives the id, the evidence and
 * the owners of the addresses.
 * Keys stand in a fixed order, so that the same packets give the same text.
 */
export function toAlert(finding: Finding): Alert {
  const { rule, header } = finding;
  const codes = CLASSES[rule.class];
  const shouwang: Alert['shouwang'] = {
    id: finding.occurrence ?? '',
    revision: 0,
    rule: rule.id,
    title: rule.title,
    severity: finding.severity,
    class: rule.class,
    gb2007: rule.gb2007 ?? codes.gb2007,
    gb2023: rule.gb2023 ?? codes.gb2023,
    phase: rule.phase ?? codes.phase,
    verdict: finding.verdict,
    because: finding.because,
    attacker: { ...finding.attacker },
    victim: { ...finding.victim },
    techniques: rule.techniques,
    references: rule.references,
    first_seen: eveTimestamp(finding.firstUs),
    last_seen: eveTimestamp(finding.lastUs),
    count: finding.count ?? 1,
    matched: finding.matched ?? [],
    evidence: [],
  };
  if (finding.measured) shouwang.measured = finding.measured;
  if (finding.node) shouwang.node = finding.node;
  if (finding.unit) shouwang.unit = finding.unit;
  if (finding.demo) shouwang.demo = true;
  const alert: Alert['alert'] = {
    action: rule.action ?? 'allowed',
    gid: rule.gid,
    signature_id: rule.sid,
    rev: rule.rev,
    signature: rule.message,
    category: rule.category ?? codes.en,
    severity: EVE_SEVERITY[finding.severity],
  };
  if (rule.metadata) alert.metadata = rule.metadata;
  if (rule.text) alert.rule = rule.text;
  return { ...header, event_type: 'alert', alert, ...finding.detail, shouwang };
}
