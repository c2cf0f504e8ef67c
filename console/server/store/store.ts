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
import type { Db, Engine } from './schema.js';
import { ticketStore } from './tickets.js';
import { together } from './transaction.js';
import { writeTold, type Told } from './told.js';

/** What a change may be made of; each part works in the transaction that it is given. */
const parts = (db: Db, engine: Engine) => ({
  alerts: alertStore(db, engine), incidents: incidentStore(db, engine), tickets: ticketStore(db, engine), people: peopleStore(db), audit: auditStore(db, engine), evidence: evidenceStore(db),
  nodes: nodeStore(db), registry: registryStore(db), demo: demoStore(db, engine), figures: figureStore(db), channels: channelStore(db), accounts: accountStore(db), notices: noticeStore(db), told: (told: Told): Promise<void> => writeTold(db, engine, told),
  settings: settingStore(db), suppressions: suppressionStore(db, engine),
});
export type Parts = ReturnType<typeof parts>;

/** The record of everything: the only place that speaks SQL. */
export async function openStore(dataDir: string, url?: string) {
  const { db, engine } = await openDatabase(dataDir, url);
  return {
    engine, ...parts(db, engine), take: intakeStore(db, engine), retention: retentionStore(db, engine), indexWords: searchIndexStore(db, engine),
    /**
     * Changes that stand or fall together. Within `work` only the store that it is given may be written to: every other
     * writer waits until the transaction is over.
     */
    together: <T>(work: (store: Parts) => Promise<T>): Promise<T> => together(db, (tx) => work(parts(tx, engine))),
    close: (): Promise<void> => db.destroy(),
  };
}
export type Store = Awaited<ReturnType<typeof openStore>>;
