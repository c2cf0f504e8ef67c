import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Alert } from '../../../contracts/alert.js';
import { assetsOf } from '../assets.js';
import { REGISTRY, alertOf } from '../harness.js';
import { openDatabase } from './open.js';
import { NO_POSTGRES, startPostgres } from './postgres-server.js';
import { EVERYTHING } from './scope.js';
import { openStore, type Store } from './store.js';
import type { TicketRecord } from './tickets.js';

const assets = assetsOf(REGISTRY, 1);
const WINDOW = 86_400_000;
const T0 = Date.parse('2026-01-05T00:00:00Z');
const at = (s: number): string => new Date(T0 + s * 1000).toISOString();

/** The suite that both engines pass. */
async function suite(t: Test, open: () => Promise<Store>): Promise<void> {
  let store = await open();
  const list = async (q: Parameters<Store['alerts']['list']>[1], scope = EVERYTHING) => (await store.alerts.list(scope, q)).rows.map((r) => r.id);

  await t.test('an id is stored once, in its highest revision, in whatever order it comes', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 6 })), { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 8 }), fc.integer(), async (pairs, size, run) => {
      const alerts = pairs.map(([id, revision]) => alertOf({ id: `p${run}-${id}`, revision, count: revision, demo: true, last_seen: at(0) }));
      for (let i = 0; i < alerts.length; i += size) await store.take(alerts.slice(i, i + size), assets, T0, WINDOW);
      await store.take(alerts, assets, T0, WINDOW);
      const highest = new Map<string, number>();
      for (const [id, revision] of pairs) highest.set(`p${run}-${id}`, Math.max(revision, highest.get(`p${run}-${id}`) ?? 0));
      const { rows } = await store.alerts.list(EVERYTHING, { limit: 500 });
      if (rows.length !== highest.size || rows.some((r) => r.revision !== highest.get(r.id) || r.count !== r.revision)) return false;
      const [incident] = (await store.incidents.list(EVERYTHING, {})).rows;
      const sound = incident.alerts === highest.size && incident.events === [...highest.values()].reduce((a, b) => a + b, 0);
      await store.demo.clear();
      return sound && (await store.alerts.list(EVERYTHING, {})).rows.length === 0 && (await store.incidents.list(EVERYTHING, {})).rows.length === 0;
    }), { numRuns: 15 });
  });

  await t.test('what the wire of a store gives a meaning to is stored as it came', async (t) => {
    const texts = ['\\N', '\\.', 'a\tb\nc\r\\t', '{"a","b"}', "'; --", '\\\\', '', '\u202e𝄞 联合'];
    for (const revision of [1, 2]) {
      await store.take(texts.map((text, n) => alertOf({ id: `w${n}`, revision, demo: true, title: { zh: text, en: `${text}${revision}` }, rule: text, node: text || null as never, because: { zh: text, en: text } })), assets, T0, WINDOW);
      for (const [n, text] of texts.entries()) {
        const held = await store.alerts.byId(EVERYTHING, `w${n}`);
        t.same([held?.row.title_zh, held?.row.title_en, held?.row.rule, held?.row.node, held?.eve.shouwang.because.zh], [text, `${text}${revision}`, text, text || 'node-1', text], JSON.stringify(text));
      }
    }
    while (await store.indexWords(100) > 0) { /* until it has followed */ }
    t.equal((await list({ text: '联合' })).includes('w7'), true);
    let n = 0;
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), async (text) => {
      await store.take([alertOf({ id: `wx${++n}`, demo: true, title: { zh: text, en: text } })], assets, T0, WINDOW);
      return (await store.alerts.byId(EVERYTHING, `wx${n}`))?.eve.shouwang.title.zh === text;
    }), { numRuns: 40 });
    await store.demo.clear();
  });

  await t.test('pages by key hold every alert once, under every filter', async (t) => {
    const severities = ['info', 'low', 'medium', 'high', 'critical'] as const;
    const alerts: Alert[] = Array.from({ length: 240 }, (_, i) => alertOf({
      id: `k${i}`, severity: severities[i % 5], class: i % 3 === 0 ? 'port_scan' : 'sql_injection', last_seen: at(i % 50), title: { zh: i % 2 ? '横向移动' : '目录遍历', en: 'x' },
      attacker: { ip: `203.0.113.${i % 7}` }, victim: { ip: i % 4 === 0 ? '10.2.0.1' : `10.1.${i % 11}.1` },
    }));
    await store.take(alerts, assets, T0, WINDOW);
    while (await store.indexWords(100) > 0) { /* until it has followed */ }
    for (const [q, scope, expected] of [
      [{}, EVERYTHING, alerts],
      [{ order: 'oldest' }, EVERYTHING, alerts],
      [{ severity: 'high,critical' }, EVERYTHING, alerts.filter((a) => ['high', 'critical'].includes(a.shouwang.severity))],
      [{ severity: 'high', class: 'port_scan' }, EVERYTHING, alerts.filter((a) => a.shouwang.severity === 'high' && a.shouwang.class === 'port_scan')],
      [{ text: '横向' }, EVERYTHING, alerts.filter((a) => a.shouwang.title.zh === '横向移动')],
      [{ text: '向移' }, EVERYTHING, alerts.filter((a) => a.shouwang.title.zh === '横向移动')],
      [{ text: '203.0.113.3 目录' }, EVERYTHING, alerts.filter((a) => a.shouwang.attacker.ip === '203.0.113.3' && a.shouwang.title.zh === '目录遍历')],
      [{ ip: '10.2.0.1' }, EVERYTHING, alerts.filter((a) => a.shouwang.victim.ip === '10.2.0.1')],
      [{ from: String(T0 + 10_000), to: at(20) }, EVERYTHING, alerts.filter((a) => Date.parse(a.shouwang.last_seen) >= T0 + 10_000 && Date.parse(a.shouwang.last_seen) < T0 + 20_000)],
      [{}, { all: false, units: ['yichang'] }, alerts.filter((a) => a.shouwang.victim.ip === '10.2.0.1')],
      [{ units: ['wuhan'] }, { all: false, units: ['yichang'] }, []],
      [{}, { all: false, units: [] }, []],
      [{ severity: 'high' }, { all: false, units: ['yichang'] }, alerts.filter((a) => a.shouwang.victim.ip === '10.2.0.1' && a.shouwang.severity === 'high')],
      [{ units: ['wuhan'], class: 'port_scan', verdict: 'attempted' }, EVERYTHING, alerts.filter((a) => /^10\.1\.(?!9\.)/.test(a.shouwang.victim.ip) && a.shouwang.class === 'port_scan')],
      [{ node: 'node-1', severity: 'low' }, EVERYTHING, alerts.filter((a) => a.shouwang.severity === 'low')],
      [{ text: '203.0.113' }, EVERYTHING, alerts],
      [{ text: 'sqli uni', rule: 'sqli-union' }, EVERYTHING, alerts],
    ] as const) {
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.alerts.list(scope, { ...q, limit: 17, ...(cursor ? { cursor } : {}) });
        found.push(...page.rows.map((r) => r.id));
        cursor = page.next;
      } while (cursor);
      t.same([...found].sort(), expected.map((a) => a.shouwang.id).sort(), JSON.stringify([q, scope]));
      t.equal(new Set(found).size, found.length);
      const counts = await store.alerts.counts(scope, q as Parameters<Store['alerts']['counts']>[1]);
      t.equal(counts.rows.reduce((n, c) => n + c.n, 0), expected.length, 'the counts agree');
    }
    t.same(await list({ text: "'\" OR 1=1 --" }), [], 'a search is words, never syntax');
    await t.rejects(store.alerts.list(EVERYTHING, { cursor: 'eyJ9' }), { code: 'SW_CONSOLE_BAD_REQUEST' });
  });

  await t.test('incidents group by pair and window, campaigns follow the attacker and the pivot', async (t) => {
    const one = (id: string, from: string, to: string, s: number, more: Partial<Alert['shouwang']> = {}) => alertOf({ id, attacker: { ip: from }, victim: { ip: to }, last_seen: at(s), ...more });
    await store.take([one('g3', '10.1.0.1', '10.2.0.9', 300), one('g1', '198.51.100.1', '10.1.0.1', 100, { verdict: 'compromised' }), one('g2', '198.51.100.1', '10.1.0.2', 200), one('g4', '198.51.100.1', '10.1.0.1', 100 + 2 * 86_400), one('g5', '198.51.100.7', '10.1.0.1', 100)], assets, T0, WINDOW);
    const rows = (await store.incidents.list(EVERYTHING, { order: 'newest', limit: 500 })).rows;
    const of = (from: string, to: string) => rows.filter((r) => r.attacker_ip === from && r.victim_ip === to);
    t.equal(of('198.51.100.1', '10.1.0.1').length, 2, 'two days apart are two incidents');
    const first = of('198.51.100.1', '10.1.0.1').find((r) => r.verdict === 2);
    t.equal(of('198.51.100.1', '10.1.0.2')[0].campaign, first?.campaign, 'the same attacker');
    t.equal(of('10.1.0.1', '10.2.0.9')[0].campaign, first?.campaign, 'the victim that attacks on, though it was seen first');
    t.not(of('198.51.100.7', '10.1.0.1')[0].campaign, first?.campaign, 'another attacker is another story');
    t.equal((await store.incidents.list(EVERYTHING, { order: 'rank', limit: 1 })).rows[0].id, first?.id);
  });

  await t.test('an attack that comes back finds its ticket, however late', async (t) => {
    const day = 86_400;
    let n = 0;
    const strike = (s: number, more: Partial<Alert['shouwang']> = {}) => store.take([alertOf({ id: `back-${n++}`, attacker: { ip: '198.51.100.50' }, victim: { ip: '10.1.50.1' }, verdict: 'succeeded', last_seen: at(s), ...more })], assets, T0 + s * 1000, WINDOW);
    const incidentOf = async (alert: string) => (await store.incidents.byId(EVERYTHING, (await store.alerts.byId(EVERYTHING, alert))?.row.incident as string))!;
    await strike(0);
    const first = await incidentOf('back-0');
    const ticket: TicketRecord = {
      id: 'tkt-back', version: 1, number: 'X-1', incident: first.id, unit: 'wuhan', state: 'acknowledged', level: 2, title: 't', summary: 's', impact: 'i', demands: 'd', author: 'a', approver: 'b', signer: 'c', created: T0, issued: T0,
      due_acknowledge: null, due_contain: null, due_rectify: null, done_acknowledge: null, done_contain: null, done_rectify: null, due: null, due_clock: null, extension_json: null, feedback_json: null, verification_json: null, watch_until: null,
      ended: null, reminded: 0, supervised: 0, demo: 0, addressee: null, copies: null, contact: null, appeal_json: null, told_due: null, escalated: null, asset: '10.1.50.1', draft_json: null, rounds_json: '[]', first_issued: T0,
    };
    await store.tickets.create(ticket, { at: T0, by: 'a', action: 'create', from_state: null, to_state: 'draft', text: null });
    const decide = async (object: 'tickets' | 'incidents', id: string, change: object) => {
      const held = (await store[object].byId(EVERYTHING, id))!;
      await store[object].decide(id, held.version, change as never, { at: T0, by: 'a', action: 'set', from_state: held.state, to_state: (change as { state: string }).state, text: null });
    };
    const states = async () => [(await store.tickets.byId(EVERYTHING, 'tkt-back'))?.state, (await store.incidents.byId(EVERYTHING, first.id))?.state];
    const close = async (s: number) => {
      await decide('tickets', 'tkt-back', { state: 'closed', watch_until: T0 + s * 1000, verification_json: JSON.stringify({ at: at(s) }) });
      await decide('incidents', first.id, { state: 'closed', closed_at: T0 + s * 1000 });
    };
    await decide('incidents', first.id, { state: 'remediation' });
    await strike(5 * day, { verdict: 'attempted' });
    t.equal((await incidentOf('back-1')).id, first.id, 'days later, while the unit works on it: the same incident');
    await close(20 * day);
    await strike(200 * day, { verdict: 'attempted' });
    t.same(await states(), ['closed', 'closed'], 'an attempt that is refused says nothing against the fix');
    t.not((await incidentOf('back-2')).id, first.id, 'it is an incident of its own');
    const taken = await strike(400 * day);
    t.same([await states(), taken.tickets, (await incidentOf('back-3')).id], [['issued', 'remediation'], ['tkt-back'], first.id], 'over a year later');
    const round = JSON.parse((await store.tickets.byId(EVERYTHING, 'tkt-back'))!.rounds_json)[0];
    t.match(round, { issued: T0, closed: true, signer: 'c', verification: /"at"/ }, 'the round before is kept');
    t.same([taken.followUps.map((f) => f.ticket), (await store.tickets.followUps(Number.MAX_SAFE_INTEGER)).length > 0], [['tkt-back'], true], 'whom to tell is noted with the step');
    t.match((await store.incidents.history(first.id)).slice(-2), [{ action: 'reopen', from_state: 'closed', to_state: 'new' }, { action: 'remediate', to_state: 'remediation' }]);
    await close(410 * day);
    await strike(500 * day, { attacker: { ip: '198.51.100.51' }, class: 'brute_force' });
    t.same(await states(), ['closed', 'closed'], 'another attack is another matter');
    const other = await strike(600 * day, { attacker: { ip: '198.51.100.52' } });
    t.same([await states(), other.tickets], [['issued', 'remediation'], ['tkt-back']], 'the same hole, found by somebody else');
    t.not((await incidentOf('back-5')).id, first.id, 'whose attack is an incident beside it');
    t.equal((await strike(600 * day + 60, { attacker: { ip: '198.51.100.52' } })).tickets.length, 0, 'once');
  });

  await t.test('a lost update is refused', async (t) => {
    const [incident] = (await store.incidents.list(EVERYTHING, {})).rows;
    const tries = await Promise.all(Array.from({ length: 6 }, (_, i) => store.incidents.decide(incident.id, incident.version, { state: 'confirmed' }, { at: T0, by: `u${i}`, action: 'confirm', from_state: 'new', to_state: 'confirmed', text: null })));
    t.equal(tries.filter((v) => v !== undefined).length, 1);
    t.equal((await store.incidents.history(incident.id)).length, 1);
  });

  await t.test('the audit log is a chain that cannot be rewritten', async (t) => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.audit.append({ at: T0 + i, actor: `u${i}`, address: '::1', action: 'POST /x', object: '<script>', outcome: 'done', details: { i } })));
    t.match(await store.audit.verify(), { intact: true, entries: 22 });
  });

  await t.test('what was acknowledged is there after a restart', async (t) => {
    const before = (await store.alerts.list(EVERYTHING, { limit: 500 })).rows.length;
    await store.close();
    store = await open();
    t.equal((await store.alerts.list(EVERYTHING, { limit: 500 })).rows.length, before);
  });
  await store.close();
}

t.test('SQLite', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sw-store-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  await suite(t, () => openStore(dir));
  const { db } = await openDatabase(dir);
  await t.rejects(sql`update audit set actor = 'x'`.execute(db), /append-only/);
  await t.rejects(sql`delete from audit`.execute(db), /append-only/);
  await sql`update schema_version set version = 99`.execute(db);
  await db.destroy();
  await t.rejects(openStore(dir), { code: 'SW_CONSOLE_STORE_NEWER' });
});

t.test('killed at any moment, what was acknowledged is stored', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sw-kill-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const script = `
    const { openStore } = await import(${JSON.stringify(new URL('./store.js', import.meta.url).href)});
    const { assetsOf } = await import(${JSON.stringify(new URL('../assets.js', import.meta.url).href)});
    const { alertOf } = await import(${JSON.stringify(new URL('../harness.js', import.meta.url).href)});
    const store = await openStore(${JSON.stringify(dir)});
    for (let i = 0; ; i++) {
      await store.take(Array.from({ length: 50 }, (_, j) => alertOf({ id: 'x' + (i * 50 + j) })), assetsOf({ units: [], systems: [] }, 0), Date.now(), 1e9);
      process.stdout.write((i + 1) * 50 + '\\n');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = 0;
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      told = Math.max(told, ...chunk.toString().trim().split('\n').map(Number));
      if (told >= 1500) child.kill('SIGKILL');
    });
    child.on('exit', () => resolve());
  });
  const { db } = await openDatabase(dir);
  const { rows } = await sql<{ n: number; bodies: number; searched: number }>`select count(*) as n, (select count(*) from alert_body) as bodies, (select sum(alerts) from incident) as searched from alert`.execute(db);
  await db.destroy();
  t.ok(rows[0].n >= told, `${rows[0].n} stored, ${told} acknowledged`);
  t.same([rows[0].bodies, rows[0].searched], [rows[0].n, rows[0].n], 'no half of a batch');
});

t.test('PostgreSQL', { skip: NO_POSTGRES }, async (t) => {
  const { url, stop } = await startPostgres();
  t.teardown(stop);
  const files = mkdtempSync(join(tmpdir(), 'sw-pgfiles-'));
  t.teardown(() => rmSync(files, { recursive: true, force: true }));
  await suite(t, () => openStore(files, url));
  const { db } = await openDatabase(files, url);
  await t.rejects(sql`delete from audit`.execute(db), /append-only/);
  await db.destroy();
  t.same(readdirSync(files), []);
});


