import { hostname } from 'node:os';
import { SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import type { AlertRow, IncidentRow, NoticeRow, TicketRow } from '../../model/api.js';
import type { ChannelEvent, ChannelForm, ChannelKind } from '../../model/channel.js';
import type { Context } from '../context.js';
import { WAITING_MAX, type ChannelRecord } from '../store/channels.js';
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
interface Open { id: string; form: ChannelForm; secret: string | undefined; units: Set<string> | undefined; severity: number; verdict: number }

/** Tells others: a queue in the store, so that a restart loses nothing, with growing pauses and an end. */
export class Outbound {
  private channels: Open[] = [];
  private waiting = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;
  constructor(private readonly context: Context) {}

  async load(): Promise<void> {
    const { store, assets } = this.context;
    this.channels = (await store.channels.list()).filter((c) => c.enabled === 1).map((c) => this.open(c));
    this.waiting = await store.channels.waiting();
    void assets;
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

  /** @param eve text of the alert, put into the payload as it is */
  private async tell(messages: { message: Message; concern: Concern; eve?: string }[]): Promise<void> {
    const now = this.context.clock.now();
    for (const channel of this.channels) {
      const mine = messages.filter(({ message, concern }) => channel.form.events.includes(message.event) && concern.severity >= channel.severity && concern.verdict >= channel.verdict
        && (!channel.units || concern.units.some((u) => u != null && channel.units?.has(u))));
      if (mine.length === 0) continue;
      const held = this.waiting.get(channel.id) ?? 0;
      const taken = mine.slice(0, Math.max(0, WAITING_MAX - held));
      this.waiting.set(channel.id, held + taken.length);
      const whole = WITH_EVE.has(channel.form.kind);
      await this.context.store.channels.enqueue(taken.map(({ message, eve }) => {
        const text = JSON.stringify(message);
        const payload = whole && eve !== undefined && eve.length <= EVE_MAX ? `${text.slice(0, -1)},"eve":${eve}}` : text;
        return { channel: channel.id, at: now, event: message.event, object: message.id, payload, next_at: now, bytes: Buffer.byteLength(payload) };
      }));
      if (taken.length < mine.length) await this.context.store.channels.refuse(channel.id, mine.length - taken.length, `more than ${WAITING_MAX} deliveries wait`);
    }
  }
  alerts(rows: readonly AlertRow[], eve: readonly string[]): Promise<void> {
    return this.tell(rows.map((a, i) => ({
      eve: eve[i],
      concern: { severity: SEVERITIES.indexOf(a.severity), verdict: VERDICTS.indexOf(a.verdict), units: [a.victim.unit?.id, a.attacker.unit?.id] },
      message: {
        event: 'alert', at: a.lastSeen, id: a.id, severity: a.severity, title: a.title,
        facts: {
          rule: a.rule, class: a.class, verdict: a.verdict, attacker: a.attacker.ip, ...(a.attacker.port === undefined ? {} : { attackerPort: a.attacker.port }), victim: a.victim.ip,
          ...(a.victim.port === undefined ? {} : { victimPort: a.victim.port }), ...(a.proto ? { protocol: a.proto } : {}), ...(a.appProto ? { application: a.appProto } : {}), count: a.count,
          ...(a.victim.unit ? { unit: a.victim.unit.zh } : {}), ...(a.node ? { node: a.node } : {}), revision: a.revision,
        },
      },
    })));
  }
  incident(i: IncidentRow): Promise<void> {
    return this.tell([{
      concern: { severity: SEVERITIES.indexOf(i.severity), verdict: VERDICTS.indexOf(i.verdict), units: [i.victim.unit?.id, i.attacker.unit?.id] },
      message: { event: 'incident', at: i.lastSeen, id: i.id, severity: i.severity, title: i.title, facts: { state: i.state, verdict: i.verdict, level: i.level, attacker: i.attacker.ip, victim: i.victim.ip, count: i.events, ...(i.victim.unit ? { unit: i.victim.unit.zh } : {}) } },
    }]);
  }
  ticket(t: TicketRow): Promise<void> {
    // Drafts are nobody else's business yet.
    if (!t.issuedAt) return Promise.resolve();
    const severity = 5 - t.level;
    return this.tell([{
      concern: { severity, verdict: 2, units: [t.unit.id] },
      message: { event: 'ticket', at: new Date(this.context.clock.now()).toISOString(), id: t.id, severity: SEVERITIES[severity], title: t.titles ?? { zh: t.title, en: t.title }, facts: { state: t.state, level: t.level, unit: t.unit.zh, ...(t.number ? { number: t.number } : {}), ...(t.due ? { due: t.due.at } : {}) } },
    }]);
  }
  notice(n: NoticeRow, unit: string | null): Promise<void> {
    const kind = NOTICE_TITLES[n.kind];
    return this.tell([{
      concern: { severity: 4, verdict: 2, units: [unit] },
      message: { event: 'notice', at: n.at, id: n.id, severity: n.kind === 'overdue' || n.kind === 'reopened' ? 'high' : 'medium', title: { zh: `${kind.zh}：${n.title}`, en: `${kind.en}: ${n.titles?.en ?? n.title}` }, facts: { kind: n.kind, ...(n.number ? { number: n.number } : {}), ...(n.ticket ? { ticket: n.ticket } : {}), ...(n.incident ? { incident: n.incident } : {}), ...(n.text ? { text: n.text } : {}) } },
    }]);
  }

  /** A scheduled report: a mail carries its files, the others say that it is there. */
  report(id: string, name: string, period: { from: string; to: string }, files: NonNullable<Message['attachments']>, unit: string | null): Promise<void> {
    return this.tell([{
      concern: { severity: 4, verdict: 2, units: [unit] },
      message: {
        event: 'report', at: new Date(this.context.clock.now()).toISOString(), id, severity: 'info', title: { zh: name, en: name },
        facts: { from: period.from, to: period.to, formats: files.map((f) => f.name.split('.').at(-1)).join(' ') }, attachments: files,
      },
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
    const { error } = await send(form, secret, [{ event: 'notice', at: new Date(this.context.clock.now()).toISOString(), id: 'test', severity: 'info', title: { zh: '守望通道测试', en: 'Shouwang channel test' }, facts: { channel: form.name } }], this.about());
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
      const { sent, error } = await send(channel.form, channel.secret, due.map((d) => JSON.parse(d.payload) as Message), this.about());
      const failed = error && { delivery: due[sent], error: error.message.slice(0, 500), nextAt: due[sent].tries + 1 >= TRIES_MAX ? 0 : clock.now() + BACKOFF_MS * 2 ** due[sent].tries };
      await store.channels.settle(channel.id, clock.now(), due.slice(0, sent), failed);
      if (failed?.nextAt === 0) log.warn('a delivery was given up', { channel: channel.id, event: due[sent].event, object: due[sent].object, error: failed.error });
      if (failed) return;
    }
  }
}
