import type { Alert } from '../../contracts/alert.js';
import { SEVERITIES, VERDICTS, type DetectionClass, type Severity } from '../../contracts/classes.js';
import { numberOf, type BehaviourHit, type BehaviourRule } from '../detect/behaviour.js';
import type { AddOptions } from './alerts.js';
import { fromEveTimestamp } from './finding.js';

/** Transactions whose alerts are remembered, so that a generic one finds the specific one. */
const MAX_TRANSACTIONS = 4096;
/** Generic alerts wait so long for a specific one of the same transaction. */
const WAIT_US = 1_000_000;
/** Attacker and victim pairs whose rules are counted. */
const MAX_PAIRS = 8192;
/** Rules named when they are folded. */
const MAX_NAMED = 40;
/** Alerts that name the tool, and are never folded. */
const NAMES_THE_TOOL: ReadonlySet<DetectionClass> = new Set<DetectionClass>(['web_scan', 'port_scan', 'host_sweep', 'stealth_scan', 'os_fingerprint']);

interface Pair {
  firstUs: number;
  lastUs: number;
  rules: Set<number>;
  folded: Map<number, string>;
  attempts: number;
  told: number;
  severity: Severity;
  sample: Alert;
}

interface Waiting {
  alert: Alert;
  more: AddOptions;
  timeUs: number;
}

/** Whether a rule looks at replies alone and says no attack's name: `command-output-reply` and its like. */
function isGeneric(rule: string): boolean {
  return rule.endsWith('-reply');
}

/**
 * Says things once. A generic rule on a reply folds into the specific alert of the same transaction, as its evidence; and
 * when one attacker has tried more rules on one victim than anybody reads, further attempts become one alert of the rule
 * that names `many-attempts`. What succeeded is never folded.
 */
export class FewWords {
  private readonly transactions = new Map<string, Alert>();
  private readonly waiting = new Map<string, Waiting>();
  private readonly pairs = new Map<string, Pair>();
  private rule: BehaviourRule | undefined;
  private most = Infinity;
  private windowUs = 0;
  /** Generic alerts that became evidence of specific ones, and attempts that were folded. */
  readonly counters = { merged: 0, folded: 0 };

  constructor(private readonly deliver: (alert: Alert, more: AddOptions) => void, private readonly found: (hit: BehaviourHit) => void) {}

  reload(rules: readonly BehaviourRule[]): void {
    this.rule = rules.find((r) => r.behaviour.name === 'many-attempts');
    this.most = this.rule ? numberOf(this.rule, 'rules', 10) : Infinity;
    this.windowUs = this.rule ? numberOf(this.rule, 'seconds', 3600) * 1e6 : 0;
  }

  alert(alert: Alert, timeUs: number, more: AddOptions): void {
    if (alert.flow_id === undefined || alert.tx_id === undefined) {
      this.count(alert, timeUs, more);
      return;
    }
    const transaction = `${alert.flow_id}.${alert.tx_id}`;
    if (isGeneric(alert.shouwang.rule)) {
      const specific = this.transactions.get(transaction);
      if (specific !== undefined) this.merge(specific, alert, more);
      else this.waiting.set(transaction, { alert, more, timeUs });
      if (this.waiting.size > MAX_TRANSACTIONS) this.release(Infinity);
      return;
    }
    const before = this.transactions.get(transaction);
    // The gravest one takes the evidence.
    if (before === undefined || SEVERITIES.indexOf(alert.shouwang.severity) > SEVERITIES.indexOf(before.shouwang.severity) || before.alert.signature_id === alert.alert.signature_id) {
      this.transactions.delete(transaction);
      this.transactions.set(transaction, { ...alert, alert: { ...alert.alert }, shouwang: { ...alert.shouwang } });
      if (this.transactions.size > MAX_TRANSACTIONS) this.transactions.delete(this.transactions.keys().next().value!);
    }
    this.count(alert, timeUs, more);
    const waiting = this.waiting.get(transaction);
    if (waiting !== undefined) {
      this.waiting.delete(transaction);
      this.merge(this.transactions.get(transaction)!, waiting.alert, waiting.more);
    }
  }

  private merge(specific: Alert, generic: Alert, more: AddOptions): void {
    this.counters.merged++;
    const s = specific.shouwang;
    const g = generic.shouwang;
    const higher = VERDICTS.indexOf(g.verdict) > VERDICTS.indexOf(s.verdict);
    if (!higher) return;
    this.deliver({
      ...generic, alert: { ...specific.alert },
      shouwang: {
        ...s, verdict: g.verdict, severity: SEVERITIES.indexOf(g.severity) > SEVERITIES.indexOf(s.severity) ? g.severity : s.severity,
        because: { zh: `${s.because.zh} ${g.because.zh}`, en: `${s.because.en} ${g.because.en}` }, last_seen: g.last_seen, matched: [...s.matched, ...g.matched],
      },
    }, more);
  }

  /** Lets attempts through until there are too many kinds of them. */
  private count(alert: Alert, timeUs: number, more: AddOptions): void {
    const s = alert.shouwang;
    if (this.rule === undefined) {
      this.deliver(alert, more);
      return;
    }
    const key = `${s.attacker.ip} ${s.victim.ip}`;
    let pair = this.pairs.get(key);
    if (pair !== undefined && timeUs - pair.firstUs > this.windowUs) {
      this.tell(pair, true);
      this.pairs.delete(key);
      pair = undefined;
    }
    if (pair === undefined) {
      if (this.pairs.size >= MAX_PAIRS) {
        const oldest = this.pairs.entries().next().value!;
        this.tell(oldest[1], true);
        this.pairs.delete(oldest[0]);
      }
      pair = { firstUs: timeUs, lastUs: timeUs, rules: new Set(), folded: new Map(), attempts: 0, told: 0, severity: 'low', sample: alert };
      this.pairs.set(key, pair);
    }
    const { signature_id } = alert.alert;
    pair.lastUs = timeUs;
    if (s.verdict !== 'attempted' || NAMES_THE_TOOL.has(s.class) || pair.rules.has(signature_id) || pair.rules.size < this.most) {
      if (s.verdict === 'attempted' && !NAMES_THE_TOOL.has(s.class)) pair.rules.add(signature_id);
      this.deliver(alert, more);
      return;
    }
    this.counters.folded++;
    pair.attempts++;
    if (pair.folded.size < MAX_NAMED) pair.folded.set(signature_id, s.rule);
    if (SEVERITIES.indexOf(s.severity) > SEVERITIES.indexOf(pair.severity)) pair.severity = s.severity;
    if (pair.attempts >= Math.max(1, pair.told * 2)) this.tell(pair, false);
  }

  private tell(pair: Pair, last: boolean): void {
    const { rule } = this;
    if (rule === undefined || pair.attempts === 0 || (last && pair.attempts === pair.told)) return;
    pair.told = pair.attempts;
    const s = pair.sample.shouwang;
    const kinds = pair.rules.size + pair.folded.size;
    this.found({
      rule, verdict: 'attempted', severity: SEVERITIES.indexOf(pair.severity) > SEVERITIES.indexOf('high') ? 'high' : pair.severity,
      because: {
        zh: `同一来源已对该主机尝试 ${kinds} 种攻击；其余 ${pair.folded.size} 种（${pair.attempts} 次）合并于此，成功者另行告警。`,
        en: `One source has tried ${kinds} kinds of attack on this host; ${pair.folded.size} of them (${pair.attempts} attempts) are told here together. What succeeds has an alert of its own.`,
      },
      attacker: { ip: s.attacker.ip }, victim: { ip: s.victim.ip, ...(s.victim.port !== undefined && { port: s.victim.port }) },
      proto: typeof pair.sample.proto === 'string' ? pair.sample.proto : 'TCP', ...(pair.sample.app_proto !== undefined && { app: pair.sample.app_proto }),
      firstUs: pair.firstUs, lastUs: pair.lastUs, count: pair.attempts,
      measured: { kinds, folded: pair.folded.size, attempts: pair.attempts, rules: [...pair.folded.values()] }, key: '', source: -1,
      ...(pair.sample.host !== undefined && { node: pair.sample.host }),
    });
  }

  /** Packet time has come to `nowUs`. */
  advance(nowUs: number): void {
    if (this.waiting.size > 0) this.release(nowUs);
  }

  flush(): void {
    this.release(Infinity);
    for (const pair of this.pairs.values()) this.tell(pair, true);
    this.pairs.clear();
  }

  /** Generic alerts for which no specific one came. */
  private release(nowUs: number): void {
    for (const [key, { alert, more, timeUs }] of this.waiting) {
      if (nowUs - timeUs < WAIT_US) break;
      this.waiting.delete(key);
      this.count(alert, fromEveTimestamp(alert.timestamp), more);
    }
  }
}
