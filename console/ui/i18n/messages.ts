import * as shell from './shell.js';
import * as words from './words.js';
import * as access from './access.js';
import * as overview from './overview.js';
import * as alerts from './alerts.js';
import * as incidents from './incidents.js';
import * as tickets from './tickets.js';
import * as admin from './admin.js';
import * as audit from './audit.js';
import * as fields from './fields.js';
import * as screen from './screen.js';
import * as evidence from './evidence.js';
import * as packets from './packets.js';
import * as account from './account.js';
import * as reports from './reports.js';
import * as remedy from './remedy.js';
import * as triage from './triage.js';

const rooms = { shell, words, access, overview, alerts, incidents, tickets, admin, audit, fields, screen, triage, evidence, packets, remedy, reports, account };
type Rooms = typeof rooms;
export type Messages = { [K in keyof Rooms]: Rooms[K]['zh'] };
export type Locale = 'zh' | 'en';

const only = (locale: Locale) =>
  Object.fromEntries(Object.entries(rooms).map(([name, room]) => [name, room[locale]])) as Messages;

/** Every text of the interface, by language, then by room, then by name. */
export const messages: Record<Locale, Messages> = { zh: only('zh'), en: only('en') };
