import { accountStore } from './accounts.js';
import { alertStore } from './alerts.js';
import { auditStore } from './audit.js';
import { channelStore } from './channels.js';
import { figureStore } from './figures.js';
import { incidentStore } from './incidents.js';
import { intakeStore } from './intake.js';
import { openDatabase } from './open.js';
import { noticeStore } from './notices.js';
import { peopleStore } from './people.js';
import { demoStore, evidenceStore, nodeStore, registryStore } from './records.js';
import { retentionStore } from './retention.js';
import { searchIndexStore } from './search-index.js';
import { settingStore } from './settings.js';
import { suppressionStore } from './suppressions.js';
import { ticketStore } from './tickets.js';

/** The record of everything: the only place that speaks SQL. */
export async function openStore(dataDir: string, url?: string) {
  const { db, engine } = await openDatabase(dataDir, url);
  return {
    engine,
    alerts: alertStore(db, engine), take: intakeStore(db, engine), incidents: incidentStore(db, engine), tickets: ticketStore(db, engine),
    people: peopleStore(db), audit: auditStore(db, engine), evidence: evidenceStore(db), nodes: nodeStore(db), registry: registryStore(db),
    demo: demoStore(db, engine),
    retention: retentionStore(db, engine), figures: figureStore(db), channels: channelStore(db, engine), accounts: accountStore(db), notices: noticeStore(db), settings: settingStore(db),
    suppressions: suppressionStore(db, engine),
    indexWords: searchIndexStore(db, engine),
    close: (): Promise<void> => db.destroy(),
  };
}
export type Store = Awaited<ReturnType<typeof openStore>>;
