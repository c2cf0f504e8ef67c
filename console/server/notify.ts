import { createHash, randomUUID } from 'node:crypto';
import type { Bilingual } from '../../contracts/alert.js';
import { CLOCK_NAMES } from '../model/deadline.js';
import type { NoticeRow } from '../model/remediation.js';
import { rolesOf } from './auth/session.js';
import { draftBulletin, titlesOf } from './bulletin.js';
import type { Context } from './context.js';
import { iso } from './store/cursor.js';
import type { IncidentRecord } from './store/incidents.js';
import type { NoticeRecord } from './store/notices.js';
import { EVERYTHING, type Scope } from './store/scope.js';
import type { TicketRecord } from './store/tickets.js';
import { NOTHING_TOLD, allTold, type Told } from './store/told.js';

export type NoticeKind = NoticeRow['kind'];
/** What the console wrote in both languages is kept as JSON. */
function kept(text: string): Bilingual | undefined {
  if (!text.startsWith('{"zh":')) return undefined;
  try {
    const { zh, en } = JSON.parse(text) as Partial<Bilingual>;
    return typeof zh === 'string' && typeof en === 'string' ? { zh, en } : undefined;
  } catch {
    // A person's own words that only look like it.
    return undefined;
  }
}
/** Notices of deadlines kept the Chinese name of the clock alone before they kept both. */
const clockOf = (n: NoticeRecord): Bilingual | undefined => (n.kind === 'due_soon' || n.kind === 'overdue' ? Object.values(CLOCK_NAMES).find((c) => c.zh === n.text) : undefined);
const both = ({ zh, en }: Bilingual): string => JSON.stringify({ zh, en });
/** @param earlier both languages of a title that was kept in one */
export const noticeRow = (n: NoticeRecord, earlier?: Bilingual): NoticeRow => {
  const titles = kept(n.title) ?? earlier;
  const texts = n.text === null ? undefined : kept(n.text) ?? clockOf(n);
  return {
    id: n.id, at: iso(n.at), kind: n.kind as NoticeKind, ...(n.ticket === null ? {} : { ticket: n.ticket }), ...(n.incident === null ? {} : { incident: n.incident }),
    title: titles?.zh ?? n.title, ...(titles ? { titles } : {}), ...(n.number === null ? {} : { number: n.number }), ...(n.text === null ? {} : { text: texts?.zh ?? n.text }), ...(texts ? { texts } : {}), read: n.read === 1,
  };
};
/**
 * Notices as their reader has them; what concerns a unit that the reader no longer sees is left out. A title that was kept in
 * Chinese alone is found again in what it is about, as long as it is still the console's own.
 */
export async function noticeRows(context: Context, scope: Scope, records: readonly NoticeRecord[]): Promise<NoticeRow[]> {
  const { tickets, incidents } = context.store;
  const rows = await Promise.all(records.map(async (n) => {
    const earlier = kept(n.title) === undefined;
    if (scope.all && !earlier) return noticeRow(n);
    // Who was moved to another unit no longer reads about the one before.
    const ticket = n.ticket === null ? undefined : await tickets.byId(scope, n.ticket);
    if (n.ticket !== null && !ticket && !scope.all) return undefined;
    const incident = n.incident === null || (n.ticket !== null && !earlier) ? undefined : await incidents.byId(n.ticket === null ? scope : EVERYTHING, n.incident);
    if (n.ticket === null && n.incident !== null && !incident && !scope.all) return undefined;
    if (!earlier) return noticeRow(n);
    const told = [ticket && titlesOf(ticket).titles, incident && { zh: incident.title_zh, en: incident.title_en }, incident && titlePair(draftBulletin(incident, context.assets(), []))];
    return noticeRow(n, told.find((x) => x && x.zh === n.title));
  }));
  return rows.filter((r) => r !== undefined);
}
const titlePair = (draft: ReturnType<typeof draftBulletin>): Bilingual => ({ zh: draft.zh.title, en: draft.en.title });
export type Audience = 'unit' | 'watch' | 'people' | 'leaders';

/** @param key of what is told, where it may be told again by mistake: the same notice to the same person is one */
function told(context: Context, users: Iterable<string>, about: Omit<NoticeRecord, 'id' | 'user' | 'at' | 'read'>, unit: string | null, except?: string, key: string = randomUUID()): Told {
  const at = context.clock.now();
  const notices = [...new Set(users)].filter((u) => u !== except)
    .map((user): NoticeRecord => ({ id: `ntc-${createHash('sha256').update(`${key} ${user}`).digest('hex').slice(0, 32)}`, user, at, read: 0, ...about }));
  return notices.length === 0 ? NOTHING_TOLD : allTold({ ...NOTHING_TOLD, notices }, context.outbound?.notice(noticeRow(notices[0]), unit, key) ?? NOTHING_TOLD);
}

/** What people in the console and channels that carry notices hear of a ticket. `except`: who did it knows.
 * @param audience `unit`: the unit's handlers; `people`: author and approver; `watch`: whoever triages and sees the unit; `leaders` of the unit and above */
export async function ofTicket(context: Context, kind: NoticeKind, t: TicketRecord, audience: readonly Audience[], text: string | null = null, except?: string, key?: string): Promise<Told> {
  const assets = context.assets();
  const users: string[] = [];
  const { titles } = titlesOf(t);
  for (const user of await context.store.people.all()) {
    if (user.disabled === 1) continue;
    const scope = assets.scopeOf(user.unit);
    if (!scope.all && !scope.units.includes(t.unit)) continue;
    const roles = rolesOf(user);
    // Who has moved to another unit since hears no more of it.
    if ((audience.includes('people') && [t.author, t.approver].includes(user.id)) || (audience.includes('unit') && roles.includes('unit_handler') && user.unit !== null) || (audience.includes('leaders') && roles.includes('leader'))
      || (audience.includes('watch') && (roles.includes('operator') || roles.includes('analyst')))) users.push(user.id);
  }
  return told(context, users, { kind, ticket: t.id, incident: t.incident, title: titles ? both(titles) : t.title, number: t.number, text }, t.unit, except, key);
}

export const ofIncident = (context: Context, kind: NoticeKind, i: IncidentRecord, users: string[], text: string | null = null, except?: string): Told =>
  told(context, users, { kind, ticket: null, incident: i.id, title: both({ zh: i.title_zh, en: i.title_en }), number: null, text }, i.unit, except);
