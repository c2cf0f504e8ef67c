import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import type { NoticeRow, TicketRow } from '../../model/api.js';
import type { ChannelEvent, ChannelForm, ChannelKind } from '../../model/channel.js';
import type { Assets } from '../assets.js';
import type { Context } from '../context.js';
import type { AlertRecord } from '../store/alerts.js';
import { WAITING_MAX, type ChannelRecord } from '../store/channels.js';
import { NOTHING_TOLD, type NewDelivery, type Told } from '../store/told.js';
import type { IncidentRecord } from '../store/incidents.js';
import { alertRow, incidentRow } from '../views.js';
import type { Message } from './formats.js';
import { send, type SendContext } from './senders.js';

/** Tries: at once, then after 10 s doubling, the last after about three hours in all. */
const TRIES_MAX = 11;
const BACKOFF_MS = 10_000;
const STEP_MS = 1_000;
const AT_ONCE = 100;
// A channel that keeps up is worked as long; then the counts are read afresh.
const ROUND_MS = 5_000;
const NOTICE_TITLES: Record<NoticeRow['kind'], { zh: string; en: string }> = {
  issued: { zh: '通报下发', en: 'Bulletin issued' }, reminded: { zh: '催办', en: 'Reminder' }, due_soon: { zh: '即将到期', en: 'Almost due' }, overdue: { zh: '已超期', en: 'Overdue' },
  supervised: { zh: '督办', en: 'Under supervision' }, feedback: { zh: '整改反馈', en: 'Feedback given' }, returned: { zh: '退回', en: 'Returned' }, extension: { zh: '延期', en: 'Extension' },
  appeal: { zh: '申诉', en: 'Appeal' }, reopened: { zh: '重新打开', en: 'Reopened' }, closed: { zh: '归档', en: 'Closed' }, assigned: { zh: '分派', en: 'Assigned' }, review: { zh: '待审批', en: 'Awaiting approval' },
};
/** Kinds that carry an alert whole; a line of syslog or CEF and a mail say what it comes to. */
const WITH_EVE: ReadonlySet<ChannelKind> = new Set(['webhook', 'eve_file']);
/** A longer alert goes out without its EVE: a queue of many must not fill the store. */
const EVE_MAX = 256 * 1024;
interface Concern { severity: number; verdict: number; units: (string | null | undefined)[] }
/** `key`: the same for what is the same; `eve`: text of the alert, put into the payload as it is. */
interface Item { key: string; concern: Concern; eve?: string; make: () => Message }
interface Open { id: string; form: ChannelForm; secret: string | undefined; units: Set<string> | undefined; severity: number; verdict: number }

/**
 * Tells others: a queue in the store, written with what it tells of, with growing pauses and an end. What was sent and not yet
 * noted as sent when the console stopped is sent again, under the same key.
 */
export class Outbound {
  private channels: Open[] = [];
  private waiting = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;
  constructor(private readonly context: Context) {}

  async load(): Promise<void> {
    const { store } = this.context;
    this.channels = (await store.channels.list()).filter((c) => c.enabled === 1).map((c) => this.open(c));
    this.waiting = await store.channels.waiting();
  }
  private open(c: ChannelRecord): Open {
    const form = JSON.parse(c.form_json) as ChannelForm;
    return {
      id: c.id, form, secret: c.secret === null ? undefined : this.context.seal.open(c.secret), units: form.unit ? new Set(this.context.assets().subtree(form.unit)) : undefined,
      severity: form.severity ? SEVERITIES.indexOf(form.severity) : 0, verdict: form.verdict ? VERDICTS.indexOf(form.verdict) : 0,
    };
  }
  start(): void { this.timer = setInterval(() => { this.running ??= this.work().finally(() => { this.running = undefined; }); }, STEP_MS).unref(); }
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  /** Whether any channel carries such events. */
  tells(event: ChannelEvent): boolean { return this.channels.some((c) => c.form.events.includes(event)); }

  /**
   * Deliveries of what the channels carry of it, for the transaction of the change that it tells of; when that is over, `queued`
   * hears of them. Nothing is made of what no channel carries.
   */
  private tell(event: ChannelEvent, items: readonly Item[]): Told {
    const now = this.context.clock.now();
    const told: Told = { notices: [], deliveries: [], refused: [] };
    const made = new Map<Item, { message: Message; text: string }>();
    for (const channel of this.channels) {
      if (!channel.form.events.includes(event)) continue;
      const mine = items.filter(({ concern }) => concern.severity >= channel.severity && concern.verdict >= channel.verdict && (!channel.units || concern.units.some((u) => u != null && channel.units?.has(u))));
      const taken = mine.slice(0, Math.max(0, WAITING_MAX - (this.waiting.get(channel.id) ?? 0)));
      const whole = WITH_EVE.has(channel.form.kind);
      for (const item of taken) {
        let held = made.get(item);
        if (!held) {
          const message = item.make();
          made.set(item, held = { message, text: JSON.stringify(message) });
        }
        const { message, text } = held;
        const payload = whole && item.eve !== undefined && item.eve.length <= EVE_MAX ? `${text.slice(0, -1)},"eve":${item.eve}}` : text;
        const key = createHash('sha256').update(`${channel.id} ${event} ${item.key}`).digest('hex').slice(0, 32);
        told.deliveries.push({ channel: channel.id, at: now, event, object: message.id, payload, next_at: now, bytes: Buffer.byteLength(payload), key });
      }
      if (taken.length < mine.length) told.refused.push({ channel: channel.id, n: mine.length - taken.length });
    }
    return told;
  }
  /** Deliveries that are in the store now. */
  queued(deliveries: readonly Pick<NewDelivery, 'channel'>[]): void { for (const { channel } of deliveries) this.waiting.set(channel, (this.waiting.get(channel) ?? 0) + 1); }

  alerts(rows: readonly AlertRecord[], eve: readonly string[], assets: Assets): Told {
    if (!this.tells('alert')) return NOTHING_TOLD;
    return this.tell('alert', rows.map((r, i) => ({
      key: `${r.id} ${r.revision}`, eve: eve[i], concern: { severity: r.severity, verdict: r.verdict, units: [r.unit, r.attacker_unit] },
      make: () => {
        const a = alertRow(r, assets);
        return {
          event: 'alert', at: a.lastSeen, id: a.id, severity: a.severity, title: a.title,
          facts: {
            rule: a.rule, class: a.class, verdict: a.verdict, attacker: a.attacker.ip, ...(a.attacker.port === undefined ? {} : { attackerPort: a.attacker.port }), victim: a.victim.ip,
            ...(a.victim.port === undefined ? {} : { victimPort: a.victim.port }), ...(a.proto ? { protocol: a.proto } : {}), ...(a.appProto ? { application: a.appProto } : {}), count: a.count,
            ...(a.victim.unit ? { unit: a.victim.unit.zh } : {}), ...(a.node ? { node: a.node } : {}), revision: a.revision,
          },
        };
      },
    })));
  }
  /** What is new or was decided, not every further alert. */
  incidents(rows: readonly IncidentRecord[], assets: Assets): Told {
    if (!this.tells('incident')) return NOTHING_TOLD;
    return this.tell('incident', rows.map((r) => ({
      key: `${r.id} ${r.version} ${r.severity} ${r.verdict}`, concern: { severity: r.severity, verdict: r.verdict, units: [r.unit, r.attacker_unit] },
      make: () => {
        const i = incidentRow(r, assets, new Map());
        return { event: 'incident', at: i.lastSeen, id: i.id, severity: i.severity, title: i.title, facts: { state: i.state, verdict: i.verdict, level: i.level, attacker: i.attacker.ip, victim: i.victim.ip, count: i.events, ...(i.victim.unit ? { unit: i.victim.unit.zh } : {}) } };
      },
    })));
  }
  ticket(t: TicketRow, key: string): Told {
    // Drafts are nobody else's business yet.
    if (!t.issuedAt) return NOTHING_TOLD;
    const severity = 5 - t.level;
    return this.tell('ticket', [{
      key, concern: { severity, verdict: 2, units: [t.unit.id] },
      make: () => ({ event: 'ticket', at: new Date(this.context.clock.now()).toISOString(), id: t.id, severity: SEVERITIES[severity], title: t.titles ?? { zh: t.title, en: t.title }, facts: { state: t.state, level: t.level, unit: t.unit.zh, ...(t.number ? { number: t.number } : {}), ...(t.due ? { due: t.due.at } : {}) } }),
    }]);
  }
  notice(n: NoticeRow, unit: string | null, key: string): Told {
    const kind = NOTICE_TITLES[n.kind];
    return this.tell('notice', [{
      key, concern: { severity: 4, verdict: 2, units: [unit] },
      make: () => ({ event: 'notice', at: n.at, id: n.id, severity: n.kind === 'overdue' || n.kind === 'reopened' ? 'high' : 'medium', title: { zh: `${kind.zh}：${n.title}`, en: `${kind.en}: ${n.titles?.en ?? n.title}` }, facts: { kind: n.kind, ...(n.number ? { number: n.number } : {}), ...(n.ticket ? { ticket: n.ticket } : {}), ...(n.incident ? { incident: n.incident } : {}), ...(n.text ? { text: n.text } : {}) } }),
    }]);
  }
  /** A scheduled report: a mail carries its files, the others say that it is there. */
  report(id: string, name: string, period: { from: string; to: string }, files: NonNullable<Message['attachments']>, unit: string | null): Told {
    return this.tell('report', [{
      key: `${id} ${period.from} ${period.to}`, concern: { severity: 4, verdict: 2, units: [unit] },
      make: () => ({
        event: 'report', at: new Date(this.context.clock.now()).toISOString(), id, severity: 'info', title: { zh: name, en: name },
        facts: { from: period.from, to: period.to, formats: files.map((f) => f.name.split('.').at(-1)).join(' ') }, attachments: files,
      }),
    }]);
  }

  private about(): SendContext {
    const { config, version, clock, files } = this.context;
    return {
      allow: config.outboundAllow, dataDir: config.dataDir, host: hostname(), version, now: clock.now(),
      file: async (sha256) => {
        const bytes = await files.bytes(sha256);
        if (!bytes) throw new Error('the file to attach is gone');
        return bytes;
      },
    };
  }
  /** Sends a test through a channel as it stands in the store, enabled or not. */
  async test(record: ChannelRecord): Promise<{ ok: boolean; ms: number; error?: string }> {
    const { form, secret } = this.open(record);
    const began = performance.now();
    const { error } = await send(form, secret, [{ event: 'notice', at: new Date(this.context.clock.now()).toISOString(), id: 'test', severity: 'info', title: { zh: '守望通道测试', en: 'Shouwang channel test' }, facts: { channel: form.name }, key: `test-${this.context.clock.now()}` }], this.about());
    const ms = Math.round(performance.now() - began);
    return error ? { ok: false, ms, error: error.message.slice(0, 500) } : { ok: true, ms };
  }

  /** Sends what is due, each channel by itself: one that does not answer does not hold up the others. */
  async work(): Promise<void> {
    const { store, clock, log } = this.context;
    try {
      if ([...this.waiting.keys()].some((id) => !this.channels.some((c) => c.id === id))) {
        await store.channels.abandon(this.channels.map((c) => c.id), clock.now(), 'the channel is switched off');
        this.waiting = await store.channels.waiting();
      }
      const busy = this.channels.filter((c) => (this.waiting.get(c.id) ?? 0) > 0);
      await Promise.all(busy.map((c) => this.drain(c)));
      if (busy.length > 0) this.waiting = await store.channels.waiting();
    } catch (error) {
      if (!this.stopped) log.warn('the outgoing queue could not be worked', { error });
    }
  }

  private async drain(channel: Open): Promise<void> {
    const { store, clock, log } = this.context;
    for (const until = performance.now() + ROUND_MS; !this.stopped && performance.now() < until;) {
      const due = await store.channels.due(channel.id, clock.now(), AT_ONCE);
      if (due.length === 0) return;
      const { sent, error } = await send(channel.form, channel.secret, due.map((d) => ({ ...JSON.parse(d.payload) as Message, key: d.key ?? `delivery-${d.num}` })), this.about());
      const failed = error && { delivery: due[sent], error: error.message.slice(0, 500), nextAt: due[sent].tries + 1 >= TRIES_MAX ? 0 : clock.now() + BACKOFF_MS * 2 ** due[sent].tries };
      await store.channels.settle(channel.id, clock.now(), due.slice(0, sent), failed);
      if (failed?.nextAt === 0) log.warn('a delivery was given up', { channel: channel.id, event: due[sent].event, object: due[sent].object, error: failed.error });
      if (failed) return;
    }
  }
}
