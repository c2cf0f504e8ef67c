import type { Health } from '../../contracts/health.js';
import type { Registry } from '../../contracts/registry.js';
import { subjects } from '../../contracts/subjects.js';
import type { Bus } from '../../runtime/bus/bus.js';
import type { Clock } from '../../runtime/lifecycle.js';
import type { Log } from '../../runtime/log.js';
import type { MetricsStore } from '../../runtime/metrics/metrics.js';
import { DEFAULT_SETTINGS, dueFrom } from '../model/calendar.js';
import type { ClockTimes, Level } from '../model/deadline.js';
import type { Outbound } from './outbound/outbound.js';
import type { RemediationSettings } from '../model/remediation.js';
import type { IncidentRow, NodeView, TicketRow, UserName } from '../model/api.js';
import { followUp } from './aftermath.js';
import { assetsOf, type Assets } from './assets.js';
import { Oidc } from './auth/oidc.js';
import { Seal } from './auth/seal.js';
import { sessions, type Sessions } from './auth/session.js';
import type { Settled } from './config.js';
import type { SigningKey } from './evidence/signing.js';
import type { HashedFiles } from './files.js';
import { loadHolidays, withHolidays, type Holidays } from './holidays.js';
import { suppressor } from './suppress.js';
import { LiveFeed } from './live.js';
import { RuleCatalogue } from './rule-catalogue.js';
import { RuleTrials } from './rule-trials.js';
import { noticeRow, ofIncident } from './notify.js';
import type { IncidentRecord } from './store/incidents.js';
import type { Suppress, TakeOptions, Taken } from './store/intake.js';
import { EVERYTHING, type Scope } from './store/scope.js';
import type { Store } from './store/store.js';
import type { TicketRecord } from './store/tickets.js';
import { NOTHING_TOLD, allTold, type Told } from './store/told.js';
import { alertRow, incidentRow, nodeView, ticketRow } from './views.js';

const SHOWN_AT_ONCE = 1_000;

/** What every part of the console stands on. */
export class Context {
  readonly live = new LiveFeed();
  readonly seal: Seal;
  readonly oidc: Oidc | undefined;
  readonly sessions: Sessions;
  readonly rules: RuleCatalogue;
  readonly trials: RuleTrials;
  private held: Assets = assetsOf({ units: [], systems: [] }, 0);
  private names: Map<string, UserName> = new Map();
  private namesAt = -Infinity;
  demo = false;

  constructor(
    readonly config: Settled, readonly store: Store, readonly bus: Bus, readonly metrics: MetricsStore, readonly log: Log, readonly clock: Clock,
    readonly files: HashedFiles, readonly signing: SigningKey, readonly version: string,
  ) {
    this.seal = new Seal(config.dataDir);
    this.oidc = config.oidc && new Oidc(config.oidc);
    this.sessions = sessions(store.people, store.accounts, config, clock);
    this.holidays = config.holidays === undefined ? undefined : loadHolidays(config.holidays);
    this.trials = new RuleTrials(this);
    this.rules = new RuleCatalogue(bus, config.rulesDir, log);
  }

  readonly assets = (): Assets => this.held;
  useRegistry(registry: Registry, version: number): void { this.held = assetsOf(registry, version); }
  /** The registry as it goes over the bus; nothing where there is none yet. */
  registryBytes(): Uint8Array { return this.held.version === 0 ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(this.held.registry)); }
  async announceRegistry(): Promise<void> {
    if (this.held.version === 0) return;
    await this.bus.publish(subjects.registry, this.registryBytes(), { version: String(this.held.version) })
      .catch((error: unknown) => this.log.warn('the registry could not be announced', { error }));
  }

  /** What holds in the remediation loop: numbers, deadlines, calendar, escalation. */
  remediation: RemediationSettings = DEFAULT_SETTINGS;
  private readonly holidays: Holidays | undefined;
  /** Channels to others; absent before the console has started. */
  outbound?: Outbound;
  async loadSettings(): Promise<void> {
    const held = await this.store.settings.get('remediation');
    this.remediation = this.withCalendar(held ? held.value as RemediationSettings : { ...DEFAULT_SETTINGS, number: this.config.bulletinNumber });
  }
  /** Settings with the holidays of the configuration. */
  withCalendar(settings: RemediationSettings): RemediationSettings { return withHolidays(settings, this.holidays); }
  readonly due = (at: number, level: Level): ClockTimes => dueFrom(at, level, this.remediation);

  /** Which suppression hides or lowers an alert; replaced when suppressions change. */
  suppress: Suppress = () => undefined;

  /** Reads the active suppressions afresh; after a change, and when the registry changes. */
  async loadSuppressions(): Promise<void> { this.suppress = suppressor(await this.store.suppressions.active(this.clock.now()), this.held, () => this.clock.now()); }
  /** Ends those whose time is over: what they hid comes back into the queue, as when a person undoes them. */
  async endSuppressions(): Promise<void> {
    const over = await this.store.suppressions.over(this.clock.now());
    if (over.length === 0) return;
    for (const { id, expires } of over) await this.store.suppressions.end(id, expires, null);
    await this.loadSuppressions();
    for (const { id } of over) {
      const shown = await this.showAgain(id);
      if (shown > 0) this.log.info('the time of a suppression is over; what it hid is in the queue again', { suppression: id, alerts: shown });
    }
  }
  /** What an ended suppression hid joins its incidents, as if it came now. @returns how many alerts */
  async showAgain(id: string): Promise<number> {
    let shown = 0;
    for (;;) {
      const hidden = await this.store.suppressions.hidden(id, SHOWN_AT_ONCE);
      if (hidden.length === 0) return shown;
      const taken = await this.store.take(hidden, this.held, this.clock.now(), this.config.windowMs, { again: true, suppress: this.suppress, tell: this.tellOf });
      await this.announce(taken);
      shown += taken.alerts.length;
      // Another suppression hides the rest.
      if (taken.alerts.length === 0) return shown;
    }
  }

  /** Names of all users, for rows that mention one. */
  async people(fresh = false): Promise<ReadonlyMap<string, UserName>> {
    if (fresh || this.clock.now() - this.namesAt > 30_000) {
      this.names = new Map((await this.store.people.all()).map((u) => [u.id, { id: u.id, account: u.account, name: u.name }]));
      this.namesAt = this.clock.now();
    }
    return this.names;
  }

  async incidentRows(scope: Scope, rows: readonly IncidentRecord[]): Promise<IncidentRow[]> {
    const [{ campaigns, tickets }, people] = await Promise.all([this.store.incidents.around(scope, rows), this.people()]);
    return rows.map((r) => incidentRow(r, this.held, people, campaigns.get(r.campaign), tickets.get(r.id)));
  }
  ticketRows(rows: readonly TicketRecord[]): TicketRow[] { return rows.map((r) => ticketRow(r, this.held, this.clock.now())); }

  /** What a batch of alerts makes known to people and channels, to be stored with it. */
  readonly tellOf: NonNullable<TakeOptions['tell']> = ({ alerts, eve, incidents, fresh, reopened }) => allTold(
    this.outbound?.alerts(alerts, eve, this.held) ?? NOTHING_TOLD, this.outbound?.incidents(incidents.filter((i) => fresh.has(i.id)), this.held) ?? NOTHING_TOLD,
    ...reopened.filter((r) => r.owner !== null).map((r) => ofIncident(this, 'reopened', r, [r.owner as string])),
  );
  /** What is stored now goes to the browsers, and the channels hear that there is something to send. */
  announceTold({ notices, deliveries }: Told): void {
    for (const record of notices) this.live.push({ kind: 'notice', notice: noticeRow(record) }, { units: 'all', user: record.user });
    this.outbound?.queued(deliveries);
  }

  /** Tells the browsers what a batch of alerts changed. */
  async announce(taken: Taken): Promise<void> {
    try {
      await this.store.suppressions.count(taken.hidden, this.clock.now());
      if (taken.alerts.some((a) => a.demo === 1)) this.demo = true;
      for (const r of taken.alerts) this.live.push({ kind: 'alert', id: r.id, make: () => ({ kind: 'alert', alert: alertRow(r, this.held) }) }, { units: [r.unit, r.attacker_unit], permission: 'alert.read' });
      this.announceTold(taken.told);
      for (const r of taken.incidents) await this.announceIncident(r);
      for (const record of taken.followUps) await followUp(this, record);
    } catch (error) {
      this.log.warn('a change could not be announced to the browsers', { error });
    }
  }
  /** Counts in a pushed row are those of the incident alone; a page that shows campaigns asks again. */
  async announceIncident(r: IncidentRecord): Promise<void> {
    const people = await this.people();
    this.live.push({ kind: 'incident', id: r.id, make: () => ({ kind: 'incident', incident: incidentRow(r, this.held, people) }) }, { units: [r.unit, r.attacker_unit], permission: 'incident.read' });
  }
  async announceTicket(id: string): Promise<void> {
    const t = await this.store.tickets.byId(EVERYTHING, id);
    // A draft is the watch's alone: it concerns no unit yet.
    if (t) this.live.push({ kind: 'ticket', ticket: ticketRow(t, this.held, this.clock.now()) }, { units: t.issued === null || t.state === 'draft' || t.state === 'review' ? [] : [t.unit], permission: 'ticket.read' });
  }
  /** Counters of the console for /metrics and its own heartbeat; the service fills in what it owns. */
  counters: () => Record<string, number> = () => ({});
  async nodeViews(scope: Scope): Promise<NodeView[]> {
    const now = this.clock.now();
    return (await this.store.nodes.list(scope)).map((n) => nodeView(n.health, n.at, this.held, now));
  }
  async heard(health: Health): Promise<void> {
    const now = this.clock.now();
    await this.store.nodes.put(health, now);
    this.live.push({ kind: 'node', node: nodeView(health, now, this.held, now) }, { units: [health.unit], permission: 'node.read' });
  }
}
