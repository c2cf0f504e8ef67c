import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { sql } from 'kysely';
import pg from 'pg';
import t, { type Test } from 'tap';
import { roundsOf } from '../../model/rounds.js';
import { assetsOf } from '../assets.js';
import { REGISTRY, alertOf } from '../harness.js';
import { SCHEMA } from './migrations.js';
import { openDatabase } from './open.js';
import { NO_POSTGRES, startPostgres } from './postgres-server.js';
import { EVERYTHING } from './scope.js';
import { openStore } from './store.js';

const HOUR = 3_600_000;
const T0 = Date.parse('2026-01-05T00:00:00Z');
const STEPS: [string, number, string | null][] = [['create', 0, null], ['approve', 1, null], ['acknowledge', 2, '吴'], ['contain', 4, 'r'], ['give_feedback', 9, null], ['verify', 10, null], ['pass', 11, null], ['close', 30, null], ['reopen', 100, 'back'], ['acknowledge', 103, '郑']];

/** What any schema of the past holds: an alert in its incident, and a ticket that was opened again. */
async function fill(dir: string, url: string | undefined, schema: number): Promise<void> {
  const { db } = await openDatabase(dir, url, schema);
  const run = (statement: string): Promise<unknown> => sql.raw(statement).execute(db);
  await run(`insert into alert (id, revision, rule, title_zh, title_en, severity, verdict, class, phase, attacker_ip, victim_ip, unit, first_seen, last_seen, received, count, incident, demo)
    values ('old-1', 1, 'r', '旧', 'old', 3, 1, 'sql_injection', 'access', '203.0.113.9', '10.1.2.3', 'wuhan', ${T0}, ${T0}, ${T0}, 1, 'inc-old', 0)`);
  await run(`insert into alert_body (num, eve_json) select num, '{"shouwang":{"id":"old-1"}}' from alert`);
  await run(`insert into incident (id, version, state, title_zh, title_en, severity, verdict, level, rank, attacker_ip, victim_ip, unit, phases_json, classes_json, techniques_json, rules_json, alerts, events, first_seen, last_seen, escalated, reopened, campaign, open, demo)
    values ('inc-old', 3, 'remediation', '旧', 'old', 3, 1, 2, 1, '203.0.113.9', '10.1.2.3', 'wuhan', '["access"]', '["sql_injection"]', '[]', '["r"]', 1, 1, ${T0}, ${T0}, 0, 1, 'inc-old', 1, 0)`);
  await run(`insert into ticket (id, version, number, incident, unit, state, level, title, summary, impact, demands, author, created, issued, done_acknowledge, reminded, supervised, demo)
    values ('tkt-old', 10, 'X〔2026〕1号', 'inc-old', 'wuhan', 'acknowledged', 2, 't', 's', 'i', 'd', 'u-a', ${T0}, ${T0 + 100 * HOUR}, ${T0 + 103 * HOUR}, 0, 0, 0)`);
  for (const [action, hour, text] of STEPS) await sql`insert into history (object, at, by, action, from_state, to_state, text) values ('tkt-old', ${T0 + hour * HOUR}, null, ${action}, 'x', 'y', ${text})`.execute(db);
  if (schema >= 2) {
    await run('update alert set seq = num');
    await run(`insert into alert_hour values (${T0 / HOUR}, 0, 'wuhan', '', 'sql_injection', 3, 1, 1)`);
  }
  if (schema >= 4) await run(`insert into alert_total values (0, 'wuhan', '', 'sql_injection', 3, 1, 1)`);
  if (schema >= 5) await run(`update ticket set asset = '10.1.2.3'`);
  if (schema >= 6) {
    const round = { issued: T0 + HOUR, ended: T0 + 30 * HOUR, closed: true, due: {}, done: { acknowledge: T0 + 2 * HOUR, contain: T0 + 4 * HOUR, rectify: T0 + 9 * HOUR }, signer: '吴', feedback: null, verification: null };
    await sql`update ticket set first_issued = ${T0 + HOUR}, rounds_json = ${JSON.stringify([round])}`.execute(db);
  }
  await db.destroy();
}

async function forward(t: Test, fresh: () => Promise<string | undefined>): Promise<void> {
  for (let schema = 1; schema < SCHEMA; schema++) {
    const dir = mkdtempSync(join(tmpdir(), 'sw-migrate-'));
    t.teardown(() => rmSync(dir, { recursive: true, force: true }));
    const url = await fresh();
    await fill(dir, url, schema);
    const store = await openStore(dir, url);
    const held = await store.alerts.byId(EVERYTHING, 'old-1');
    t.match(held, { row: { title_zh: '旧', incident: 'inc-old', suppressed: null }, eve: { shouwang: { id: 'old-1' } } }, `from schema ${schema}`);
    t.equal((await store.alerts.counts(EVERYTHING, {})).rows.reduce((n, r) => n + r.n, 0), 1, 'counted');
    const ticket = (await store.tickets.byId(EVERYTHING, 'tkt-old'))!;
    t.match(ticket, { number: 'X〔2026〕1号', asset: '10.1.2.3', first_issued: T0 + HOUR, issued: T0 + 100 * HOUR });
    t.match(roundsOf(ticket), [
      { issued: T0 + HOUR, ended: T0 + 30 * HOUR, closed: true, signer: '吴', done: { acknowledge: T0 + 2 * HOUR, contain: T0 + 4 * HOUR, rectify: T0 + 9 * HOUR } }, { issued: T0 + 100 * HOUR, done: { acknowledge: T0 + 103 * HOUR, contain: null } },
    ], 'what the first round took is read from its steps');
    await store.take([alertOf({ id: 'new-1', verdict: 'attempted', last_seen: new Date(T0 + HOUR).toISOString() })], assetsOf(REGISTRY, 1), T0, 24 * HOUR);
    t.equal((await store.alerts.byId(EVERYTHING, 'new-1'))?.row.incident, 'inc-old', 'and it goes on');
    await store.close();
    const [backup, ...more] = readdirSync(join(dir, 'backup')).filter((f) => f.startsWith(`before-schema-${SCHEMA}`));
    t.ok(backup !== undefined && more.length === 0 && statSync(join(dir, 'backup', backup)).size > 1000, 'one copy from before');
    if (!url) {
      const old = new Database(join(dir, 'backup', backup));
      t.match(old.prepare('select max(version) as v, (select count(*) from alert) as n from schema_version').get(), { v: schema, n: 1 }, 'as it was');
      old.close();
    }
    await t.rejects(openDatabase(dir, url, schema), { code: 'SW_CONSOLE_STORE_NEWER' }, 'never backwards');
    await (await openStore(dir, url)).close();
    t.equal(readdirSync(join(dir, 'backup')).length, 1, 'nothing to do, nothing copied');
  }
}

t.setTimeout(180_000);
t.test('SQLite goes forward from every schema of the past, with a copy from before', (t) => forward(t, () => Promise.resolve(undefined)));
t.test('PostgreSQL, too', { skip: NO_POSTGRES }, async (t) => {
  const server = await startPostgres();
  t.teardown(() => server.stop());
  await forward(t, async () => {
    const client = new pg.Client(server.url);
    await client.connect();
    await client.query('drop schema public cascade; create schema public');
    await client.end();
    return server.url;
  });
});
