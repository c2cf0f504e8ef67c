import { createHash } from 'node:crypto';
import type { Alert, EvidenceReference, MatchedBuffer, ShouwangAlert } from '../../contracts/alert.js';
import { EVE_SEVERITY, SEVERITIES, VERDICTS, type Verdict } from '../../contracts/classes.js';
import { fromEveTimestamp } from './finding.js';

/** Repeats within one window of this length are one alert: long enough for a scanner's run, short enough for a shift. */
export const AGGREGATION_WINDOW_US = 3_600_000_000;
/** Alerts under aggregation at once; beyond it the one that was quiet longest is closed (and says what it has). */
export const MAX_OPEN_ALERTS = 16_384;
/** Occurrences remembered per alert, so that a raised verdict isn't counted as a new occurrence. */
const OCCURRENCES_REMEMBERED = 64;
/** The first repeats are told after this much packet time; each next time waits twice as long. */
/** Seconds of packet time for which an alert behind its window stays open all the same: a replay has a clock of its own. */
const LINGER_SWEEPS = 60;
const FIRST_UPDATE_US = 10_000_000;
const SLOWEST_UPDATE_US = 600_000_000;
/** Buffers shown with an alert: request and response of one transaction. */
const MAX_MATCHED = 8;
/** Captures kept with one alert: when it was first raised, and when its verdict rose. */
const MAX_EVIDENCE = 3;
/** Room for counts within one verdict's revisions. */
const REVISIONS_PER_VERDICT = 1_000_000;

/** Says whose an address is; undefined for addresses that nobody registered. */
export type Lookup = (ip: string) => { unit?: string; system?: string } | undefined;
/** Saves the packets of an alert; undefined when there are none or the evidence's own limits refuse. */
export type SaveEvidence = (alertId: string, nowUs: number) => EvidenceReference | undefined;
/** `stream`: revisions as they come; `batch`: each alert once, in its final form; `each`: no aggregation. */
export type AlertMode = 'stream' | 'batch' | 'each';

export interface AlertSinkOptions {
  mode: AlertMode;
  /** Takes each revision of each alert; the object is the receiver's. */
  emit: (alert: Alert) => void;
  lookup?: Lookup;
  windowUs?: number;
  maxOpen?: number;
}

export interface AddOptions {
  /** Tells two attacks of the same rule, attacker and victim apart. */
  key?: string;
  /** The victim is but one of many, whichever was seen first: the attack is the same one with another. */
  anyVictim?: boolean;
  /** In place of the sink's mode, e.g. `each` for the rules of a Suricata file. */
  mode?: AlertMode;
  evidence?: SaveEvidence;
}

interface Open {
  key: string;
  id: string;
  /** Packet time at which its window ends. */
  endUs: number;
  /** What is emitted: the first alert of the highest verdict, with counts and times of all. */
  alert: Alert;
  firstUs: number;
  lastUs: number;
  occurrences: string[];
  occurrenceAt: number;
  /** Occurrence that `alert` shows. */
  shown: string;
  revision: number;
  emitted: number;
  nextUpdateUs: number;
  updateUs: number;
  /** Number of the sweep when it was last added to. */
  touched: number;
}

/**
 * Aggregates alerts: same rule, attacker, victim and key within a window are one alert whose count grows and whose
 * verdict only rises. Windows lie fixed on the time axis, each attack's shifted by a hash of its own, so that not all of
 * them turn over at once: wherever a restart cuts the stream, the same packets give the same ids, and the highest revision
 * of an id stands.
 */
export class AlertSink {
  private readonly open = new Map<string, Open>();
  private readonly lookup: Lookup;
  private readonly windowUs: number;
  private readonly maxOpen: number;
  private nowUs = 0;
  private sweptUs = 0;
  private sweeps = 0;
  /** Alerts in, distinct alerts, revisions out, alerts closed early for lack of room. */
  readonly counters = { in: 0, alerts: 0, revisions: 0, evicted: 0 };

  constructor(private readonly options: AlertSinkOptions) {
    this.lookup = options.lookup ?? (() => undefined);
    this.windowUs = options.windowUs ?? AGGREGATION_WINDOW_US;
    this.maxOpen = options.maxOpen ?? MAX_OPEN_ALERTS;
  }

  /**
   * Takes an alert as a rule or behaviour raised it (`toAlert`); the object is the sink's from here on.
   * @returns the id of the alert that it became or joined.
   */
  add(alert: Alert, { key = '', anyVictim = false, mode = this.options.mode, evidence }: AddOptions = {}): string {
    this.counters.in++;
    const firstUs = fromEveTimestamp(alert.shouwang.first_seen);
    const lastUs = fromEveTimestamp(alert.shouwang.last_seen);
    if (lastUs > this.nowUs) this.nowUs = lastUs;
    this.own(alert.shouwang);
    if (mode === 'each') return this.single(alert, lastUs, evidence);
    const attack = [alert.alert.gid, alert.alert.signature_id, alert.shouwang.attacker.ip, anyVictim ? '' : alert.shouwang.victim.ip, key,
      alert.shouwang.node ?? ''].join('\0');
    let open = this.open.get(attack);
    if (open && (lastUs >= open.endUs || lastUs < open.endUs - this.windowUs)) {
      this.close(open);
      open = undefined;
    }
    if (!open) {
      this.makeRoom();
      open = this.begin(attack, alert, firstUs, lastUs, evidence);
      if (mode === 'stream') this.emit(open);
      return open.id;
    }
    const raised = this.absorb(open, alert, firstUs, lastUs, evidence);
    open.touched = this.sweeps;
    // Map order is recency order: the front is what was quiet longest.
    this.open.delete(attack);
    this.open.set(attack, open);
    if (mode === 'stream') {
      if (raised) this.emit(open);
      else if (this.nowUs >= open.nextUpdateUs) this.update(open);
    }
    return open.id;
  }

  /** Packet time has come to `nowUs`: tells the counts that waited, closes what is over. */
  advance(nowUs: number): void {
    if (nowUs > this.nowUs) this.nowUs = nowUs;
    if (this.nowUs - this.sweptUs < 1_000_000) return;
    this.sweptUs = this.nowUs;
    this.sweeps++;
    for (const open of this.open.values()) {
      if (this.nowUs >= open.endUs && this.sweeps - open.touched >= LINGER_SWEEPS) this.close(open);
      else if (this.options.mode === 'stream' && this.nowUs >= open.nextUpdateUs) this.update(open);
    }
  }

  /** Tells the counts that wait, e.g. when a capture has ended. */
  tell(): void {
    if (this.options.mode === 'stream') for (const open of this.open.values()) this.emit(open);
  }

  /** End of input: every open alert in its final form, in order of first packet time. */
  flush(): void {
    for (const open of [...this.open.values()].sort((a, b) => a.firstUs - b.firstUs)) this.close(open);
  }

  get openAlerts(): number {
    return this.open.size;
  }

  private single(alert: Alert, lastUs: number, evidence: SaveEvidence | undefined): string {
    const at = alert.shouwang;
    // Without the packet's number: it counts from the start of the process.
    at.id = digest([alert.alert.gid, alert.alert.signature_id, at.id, alert.flow_id, alert.tx_id,
      at.last_seen, alert.src_ip, alert.dest_ip, at.node]);
    at.revision = revisionOf(at.verdict, at.count);
    const saved = evidence?.(at.id, lastUs);
    if (saved) at.evidence = [saved];
    this.counters.alerts++;
    this.counters.revisions++;
    this.options.emit(alert);
    return at.id;
  }

  private begin(key: string, alert: Alert, firstUs: number, lastUs: number, evidence: SaveEvidence | undefined): Open {
    const phase = Number.parseInt(digest([key]).slice(0, 8), 16) / 2 ** 32;
    const window = Math.floor(lastUs / this.windowUs + phase);
    const id = digest([key, window]);
    const at = alert.shouwang;
    const occurrence = occurrenceOf(alert);
    at.id = id;
    at.matched = at.matched.slice(0, MAX_MATCHED);
    const saved = evidence?.(id, lastUs);
    at.evidence = saved ? [saved] : [];
    const open: Open = {
      key, id, endUs: Math.ceil((window + 1 - phase) * this.windowUs), alert, firstUs, lastUs,
      occurrences: [occurrence], occurrenceAt: 1, shown: occurrence,
      revision: revisionOf(at.verdict, at.count), emitted: 0,
      nextUpdateUs: lastUs + FIRST_UPDATE_US, updateUs: FIRST_UPDATE_US, touched: this.sweeps,
    };
    this.open.set(key, open);
    this.counters.alerts++;
    return open;
  }

  /** @returns whether the verdict or severity rose. */
  private absorb(open: Open, alert: Alert, firstUs: number, lastUs: number, evidence: SaveEvidence | undefined): boolean {
    const before = open.alert.shouwang;
    const now = alert.shouwang;
    const occurrence = occurrenceOf(alert);
    let count = before.count;
    if (now.measured) count = Math.max(count, now.count); // a behaviour counts for itself
    else if (!open.occurrences.includes(occurrence)) {
      count += now.count;
      open.occurrences[open.occurrenceAt++ % OCCURRENCES_REMEMBERED] = occurrence;
    }
    if (firstUs < open.firstUs) open.firstUs = firstUs;
    else now.first_seen = before.first_seen;
    if (lastUs > open.lastUs) open.lastUs = lastUs;
    else now.last_seen = before.last_seen;

    const higher = VERDICTS.indexOf(now.verdict) > VERDICTS.indexOf(before.verdict);
    const graver = SEVERITIES.indexOf(now.severity) > SEVERITIES.indexOf(before.severity);
    const severity = graver ? now.severity : before.severity;
    const { first_seen, last_seen } = now;
    if (higher || (now.measured && now.verdict === before.verdict && now.count >= before.count)) {
      now.evidence = before.evidence;
      now.id = open.id;
      now.matched = merged(now.matched, open.shown === occurrence ? before.matched : []);
      open.alert = alert;
      open.shown = occurrence;
    }
    const shown = open.alert.shouwang;
    Object.assign(shown, { count, severity, first_seen, last_seen });
    open.alert.alert.severity = EVE_SEVERITY[severity];
    if (higher && shown.evidence.length < MAX_EVIDENCE) {
      const saved = evidence?.(open.id, lastUs);
      if (saved) shown.evidence = [...shown.evidence, saved];
    }
    const next = revisionOf(shown.verdict, count);
    open.revision = next > open.revision || !graver ? Math.max(next, open.revision) : open.revision + 1;
    return higher || graver;
  }

  private update(open: Open): void {
    open.updateUs = Math.min(open.updateUs * 2, SLOWEST_UPDATE_US);
    open.nextUpdateUs = this.nowUs + open.updateUs;
    this.emit(open);
  }

  private emit(open: Open): void {
    if (open.revision <= open.emitted) return;
    open.emitted = open.revision;
    this.counters.revisions++;
    const { shouwang, alert } = open.alert;
    this.options.emit({ ...open.alert, alert: { ...alert }, shouwang: { ...shouwang, revision: open.revision } });
  }

  private close(open: Open): void {
    this.open.delete(open.key);
    this.emit(open);
  }

  private makeRoom(): void {
    if (this.open.size < this.maxOpen) return;
    const oldest = this.open.values().next().value;
    if (!oldest) return;
    this.counters.evicted++;
    this.close(oldest);
  }

  private own(at: ShouwangAlert): void {
    const attacker = this.lookup(at.attacker.ip);
    const victim = this.lookup(at.victim.ip);
    if (attacker?.unit) at.attacker.unit = attacker.unit;
    if (attacker?.system) at.attacker.system = attacker.system;
    if (victim?.unit) at.victim.unit = victim.unit;
    if (victim?.system) at.victim.system = victim.system;
    const unit = at.victim.unit ?? at.attacker.unit;
    if (unit) at.unit = unit;
  }
}

/** One transaction (or packet) is one occurrence, however often its verdict is raised. */
function occurrenceOf(alert: Alert): string {
  if (alert.shouwang.id !== '') return `${alert.flow_id ?? ''} ${alert.shouwang.id}`;
  if (alert.flow_id === undefined) return `p${alert.pcap_cnt ?? alert.timestamp}`;
  return `${alert.flow_id}.${alert.tx_id ?? `p${alert.pcap_cnt ?? ''}`}`;
}

/**
 * Higher verdict, higher revision; then higher count. Derived rather than counted up, so that a restarted analyzer,
 * which counts from 1 again, doesn't overwrite a raised verdict, nor is taken for old when it raises one.
 */
function revisionOf(verdict: Verdict, count: number): number {
  return VERDICTS.indexOf(verdict) * REVISIONS_PER_VERDICT + Math.min(count, REVISIONS_PER_VERDICT - 1);
}

function merged(first: MatchedBuffer[], then: MatchedBuffer[]): MatchedBuffer[] {
  const out = [...first];
  for (const m of then) {
    if (!out.some((o) => o.buffer === m.buffer && o.direction === m.direction && o.data === m.data)) out.push(m);
  }
  return out.slice(0, MAX_MATCHED);
}

function digest(parts: (string | number | undefined)[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
}
