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
/** Low attempts wait so long for the alert that names the run they belong to. */
const HOLD_US = 3_000_000;
/** Alerts held back at once. */
const MAX_HELD = 4096;
/** Hosts (ports) that one source scans before the rest is one alert. */
const SCANS_TOLD = 3;
/** Kinds of attempts on any victims of one attacker before the rest is one alert. */
const ATTEMPTS_TOLD = 16;
/** Sources whose scans and attempts are counted. */
const MAX_SOURCES = 8192;
/** Scans folded that are told apart. */
const MAX_SCANS = 65_536;
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
  /** The first alert that says that a scanner is at work, and the alert of SQL injection that the others belong to. */
  scanner: string | undefined;
  sql: Alert | undefined;
  sqlTool: Alert | undefined;
  /** Kinds of injections tried: a form that takes them is no log-in that is guessed. */
  injections: Set<string>;
}

/** What one source does to many hosts. */
interface Source {
  firstUs: number;
  /** Victims (ports) scanned, by rule. */
  scans: Map<string, { first: Set<string>; folded: Set<string>; told: number; hit: BehaviourHit }>;
  attempts: number;
}

interface Waiting {
  alert: Alert;
  more: AddOptions;
  timeUs: number;
}

const SCANS: ReadonlySet<DetectionClass> = new Set<DetectionClass>(['port_scan', 'host_sweep', 'stealth_scan', 'os_fingerprint']);
/** Guessing of passwords, which goes from host to host as scans do. */
const GUESSING: ReadonlySet<DetectionClass> = new Set<DetectionClass>(['brute_force', 'password_spray']);
/** What is written into parameters and forms. */
const INJECTIONS: ReadonlySet<DetectionClass> = new Set<DetectionClass>(['sql_injection', 'command_injection', 'code_injection', 'template_injection', 'xss', 'path_traversal', 'file_inclusion', 'ssrf', 'xxe', 'jndi']);

const rank = (alert: Alert): number => VERDICTS.indexOf(alert.shouwang.verdict) * SEVERITIES.length + SEVERITIES.indexOf(alert.shouwang.severity);
const snapshot = (alert: Alert): Alert => ({ ...alert, alert: { ...alert.alert }, shouwang: { ...alert.shouwang } });

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
  private readonly sources = new Map<string, Source>();
  private readonly held: Waiting[] = [];
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
    const pair = this.pair(alert, timeUs);
    pair.lastUs = timeUs;
    this.learn(pair, alert);
    const low = s.verdict === 'attempted' && (s.severity === 'low' || s.severity === 'info');
    if (low && (s.class === 'sensitive_file' || (s.class === 'sql_injection' && s.rule !== 'sqlmap'))) {
      this.hold({ alert, more, timeUs });
      return;
    }
    this.family(pair, alert, timeUs, more);
  }

  private pair(alert: Alert, timeUs: number): Pair {
    const s = alert.shouwang;
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
      pair = {
        firstUs: timeUs, lastUs: timeUs, rules: new Set(), folded: new Map(), attempts: 0, told: 0, severity: 'low', sample: alert,
        scanner: undefined, sql: undefined, sqlTool: undefined, injections: new Set(),
      };
      this.pairs.set(key, pair);
    }
    return pair;
  }

  private learn(pair: Pair, alert: Alert): void {
    const s = alert.shouwang;
    if (s.rule === 'sqlmap') pair.sqlTool ??= snapshot(alert);
    if (s.class === 'web_scan' || s.class === 'directory_brute_force' || s.rule === 'sqlmap') pair.scanner ??= s.rule;
    if (INJECTIONS.has(s.class) && pair.injections.size < MAX_NAMED) pair.injections.add(s.rule);
  }

  /** Keeps a low attempt back until it is clear whether it is part of a scanner's run. */
  private hold(waiting: Waiting): void {
    this.held.push(waiting);
    if (this.held.length > MAX_HELD) this.letGo(this.held.shift()!);
  }

  private letGo({ alert, more, timeUs }: Waiting): void {
    const pair = this.pair(alert, timeUs);
    if (alert.shouwang.class === 'sensitive_file' && pair.scanner !== undefined && pair.scanner !== 'sqlmap') {
      this.counters.folded++;
      return;
    }
    this.family(pair, alert, timeUs, more);
  }

  /** Alerts of SQL injection are told as the first and graver ones; the rest are occurrences of those. */
  private family(pair: Pair, alert: Alert, timeUs: number, more: AddOptions): void {
    const s = alert.shouwang;
    if (s.class === 'sql_injection' && s.rule !== 'sqlmap') {
      const { sql, sqlTool } = pair;
      const into = sql !== undefined && (sql.alert.signature_id === alert.alert.signature_id || rank(alert) <= rank(sql)) ? sql : s.verdict === 'attempted' ? sqlTool : undefined;
      if (into !== undefined && into.alert.signature_id !== alert.alert.signature_id) {
        this.counters.folded++;
        this.deliver({ ...alert, alert: { ...into.alert }, shouwang: { ...into.shouwang, last_seen: s.last_seen, matched: [...into.shouwang.matched] } }, more);
        return;
      }
      if (sql === undefined || rank(alert) > rank(sql)) pair.sql = snapshot(alert);
    }
    this.limit(pair, alert, timeUs, more);
  }

  /** A behaviour's finding, before it becomes an alert. @returns whether it is to be told now. */
  behaviour(hit: BehaviourHit): BehaviourHit | undefined {
    if (this.rule === undefined || hit.rule === this.rule) return hit;
    const kind = hit.class ?? hit.rule.info.class;
    if (kind === 'directory_brute_force') {
      const pair = this.pairs.get(`${hit.attacker.ip} ${hit.victim.ip}`);
      if (pair !== undefined) pair.scanner ??= hit.rule.info.id;
      else this.heldOf(hit);
      return hit;
    }
    const pair = this.pairs.get(`${hit.attacker.ip} ${hit.victim.ip}`);
    if (pair !== undefined && hit.app === 'http' && hit.verdict === 'attempted') {
      // A scanner's requests are many; that is no flood, and what it writes into forms are no passwords.
      const injected = pair.sqlTool !== undefined || pair.injections.size >= 2;
      if ((kind === 'dos' && (pair.scanner !== undefined || injected)) || ((kind === 'brute_force' || kind === 'password_spray') && injected)) {
        this.counters.folded++;
        return undefined;
      }
    }
    return SCANS.has(kind) || (GUESSING.has(kind) && hit.verdict === 'attempted') ? this.scan(hit) : hit;
  }

  /** A scanner that no rule has seen yet: its low attempts may be waiting. */
  private heldOf(hit: BehaviourHit): void {
    const waiting = this.held.find((w) => w.alert.shouwang.attacker.ip === hit.attacker.ip && w.alert.shouwang.victim.ip === hit.victim.ip);
    if (waiting) this.pair(waiting.alert, waiting.timeUs).scanner ??= hit.rule.info.id;
  }

  /** Scans of one source: the first few by host (port), the rest as one. */
  private scan(hit: BehaviourHit): BehaviourHit | undefined {
    const source = this.source(hit.attacker.ip, hit.lastUs);
    const name = hit.rule.info.id;
    const what = hit.anyVictim ? hit.key : hit.victim.ip;
    let scans = source.scans.get(name);
    if (scans === undefined) source.scans.set(name, (scans = { first: new Set(), folded: new Set(), told: 0, hit }));
    if (scans.first.has(what)) return hit;
    if (scans.first.size < SCANS_TOLD) {
      scans.first.add(what);
      return hit;
    }
    if (scans.folded.size < MAX_SCANS) scans.folded.add(what);
    this.counters.folded++;
    scans.hit = { ...hit, firstUs: Math.min(hit.firstUs, scans.hit.firstUs), lastUs: Math.max(hit.lastUs, scans.hit.lastUs) };
    if (scans.folded.size < Math.max(1, scans.told * 2)) return undefined;
    return this.folded(scans);
  }

  private folded(scans: { folded: Set<string>; told: number; hit: BehaviourHit }): BehaviourHit {
    scans.told = scans.folded.size;
    const { hit } = scans;
    const many = scans.folded.size;
    const [zh, en] = hit.anyVictim ? ['种端口', 'more ports'] : ['台主机', 'more hosts'];
    const [did, done] = GUESSING.has(hit.rule.info.class) ? ['猜解', 'guessed on'] : ['扫描', 'scanned'];
    return {
      ...hit, count: many, anyVictim: true, key: 'many',
      because: {
        zh: `同一来源还${did}了另外 ${many} ${zh}，合并于此。最近一次：${hit.because.zh}`,
        en: `The same source has ${done} ${many} ${en}, told here together. The latest: ${hit.because.en}`,
      },
      measured: { ...hit.measured, [hit.anyVictim ? 'more_ports' : 'more_hosts']: many },
    };
  }

  private source(ip: string, timeUs: number): Source {
    let source = this.sources.get(ip);
    if (source !== undefined && timeUs - source.firstUs <= this.windowUs) return source;
    if (source !== undefined) this.closeSource(ip, source);
    else if (this.sources.size >= MAX_SOURCES) {
      const oldest = this.sources.entries().next().value!;
      this.closeSource(oldest[0], oldest[1]);
    }
    source = { firstUs: timeUs, scans: new Map(), attempts: 0 };
    this.sources.set(ip, source);
    return source;
  }

  private closeSource(ip: string, source: Source): void {
    this.sources.delete(ip);
    for (const scans of source.scans.values()) if (scans.folded.size > scans.told) this.found(this.folded(scans));
  }

  private limit(pair: Pair, alert: Alert, timeUs: number, more: AddOptions): void {
    const s = alert.shouwang;
    const { signature_id } = alert.alert;
    const fresh = s.verdict === 'attempted' && !NAMES_THE_TOOL.has(s.class) && s.rule !== 'sqlmap' && !pair.rules.has(signature_id);
    const source = fresh ? this.source(s.attacker.ip, timeUs) : undefined;
    if (source === undefined || (pair.rules.size < this.most && source.attempts < ATTEMPTS_TOLD)) {
      if (source !== undefined) {
        pair.rules.add(signature_id);
        source.attempts++;
      }
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
    while (this.held.length > 0 && nowUs - this.held[0]!.timeUs >= HOLD_US) this.letGo(this.held.shift()!);
  }

  flush(): void {
    this.release(Infinity);
    for (const waiting of this.held.splice(0)) this.letGo(waiting);
    for (const [ip, source] of this.sources) this.closeSource(ip, source);
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
