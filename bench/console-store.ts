/**
 * What the console's store takes in and how fast its filters answer:
 * `node dist/bench/console-store.js [--stored 5000000] [--intake 60] [--rate 5000] [--spread] [--dir DIR] [--database postgres://…]`.
 * First fills an empty store with alerts over half a year by SQL (indexes are made afterwards, in one go), then asks every
 * filter of the alert and incident lists, then takes in alerts for `--intake` seconds at `--rate` a second and counts them
 * afterwards. Each day has its forty loud attackers, each after a dozen victims, and single attempts from anywhere;
 * `--spread` makes every alert of the intake a pair of its own, the worst that grouping can meet. Nothing is sent anywhere.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openStore } from '../console/server/store/store.js';
import type { Scope } from '../console/server/store/scope.js';
import { alertAt, assets } from './alerts.js';
import { seedAlerts } from './seed-alerts.js';

const { values: options } = parseArgs({
  options: {
    stored: { type: 'string', default: '5000000' }, intake: { type: 'string', default: '60' }, rate: { type: 'string', default: '5000' },
    dir: { type: 'string' }, database: { type: 'string' }, keep: { type: 'boolean', default: false }, spread: { type: 'boolean', default: false },
  },
});
const STORED = Number(options.stored);
const SECONDS = Number(options.intake);
const RATE = Number(options.rate);
/** As large as the console's. */
const BATCH = 2_500;
const WORTH = 1_000;
/** Batches under way at once, as in the console: one is made ready while the one before is written. */
const AT_ONCE = 2;
const DAY_MS = 86_400_000;
const DAYS = 180;
const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'sw-bench-store-'));
mkdirSync(dir, { recursive: true });
const print = (text: string): void => { process.stdout.write(`${text}\n`); };
const size = (): string => (options.database ? '' : `${(statSync(join(dir, 'console.db')).size / 2 ** 30).toFixed(2)} GiB`);

// Fill: packet time runs over half a year, ending now.
const now = Date.now();
let began = Date.now();
let told = Date.now();
const empty = await openStore(dir, options.database);
const held = await empty.alerts.total();
await empty.close();
if (held === 0 && STORED > 0) {
  await seedAlerts(dir, options.database, STORED, now, DAYS, (stored) => {
    if (Date.now() - told < 15_000) return;
    told = Date.now();
    print(`  ${stored} stored ${size()}`);
  });
  print(`filled ${STORED} alerts in ${((Date.now() - began) / 1000).toFixed(0)} s ${size()}`);
}
const store = await openStore(dir, options.database);
let n = Math.max(held, STORED);
began = Date.now();
while (await store.indexWords(5_000) > 0) { /* the search index catches up */ }
print(`search index caught up in ${((Date.now() - began) / 1000).toFixed(1)} s`);

const all: Scope = { all: true };
const city: Scope = { all: false, units: ['city3'] };
const day = (back: number): string => new Date(now - back * 86_400_000).toISOString();
/** Yesterday's seventh. */
const LOUD = `203.0.${((Math.floor(now / DAY_MS) - 1) * 13 + 7) % 113}.7`;
const filters: Record<string, Parameters<typeof store.alerts.list>[1]> = {
  'no filter': {}, 'severity=critical': { severity: 'critical' }, 'severity=info': { severity: 'info' }, 'severity=high,critical': { severity: 'high,critical' },
  'verdict=compromised': { verdict: 'compromised' }, 'verdict=attempted': { verdict: 'attempted' }, 'class=dos': { class: 'dos' }, 'class+verdict': { class: 'sql_injection', verdict: 'compromised' },
  'rule': { rule: 'rule-7' }, 'rule+severity+verdict': { rule: 'rule-7', severity: 'critical', verdict: 'compromised' }, 'unit': { units: ['city3'] }, 'unit+critical': { units: ['city3'], severity: 'critical' },
  'system': { system: 'sys7' }, 'system+class': { system: 'sys7', class: 'dos' }, 'node': { node: 'node-3' }, 'node+compromised': { node: 'node-3', verdict: 'compromised' },
  'ip (loud attacker)': { ip: LOUD }, 'ip (victim)': { ip: '10.7.0.9' }, 'ip (unknown)': { ip: '192.0.2.1' }, 'a day ago': { from: day(1) }, 'a week, critical': { from: day(7), severity: 'critical' },
  'three months ago, a day': { from: day(91), to: day(90) }, 'then, compromised': { from: day(91), to: day(90), verdict: 'compromised' }, 'oldest first': { order: 'oldest' }, 'demo': { demo: true },
  'text: sqlmap (everywhere)': { text: 'sqlmap' }, 'text: 联合查询 (everywhere)': { text: '联合查询' }, 'text: one address': { text: LOUD }, 'text: cve': { text: 'cve-2019-4242' }, 'text: www17 critical': { text: 'www17', severity: 'critical' },
  'text: nothing': { text: 'zzyzx' }, 'suppressed': { suppressed: true },
};
let worst = 0;
const slow: string[] = [];
async function measure(name: string, ask: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  for (let i = 0; i < 3; i++) {
    const t0 = performance.now();
    await ask();
    times.push(performance.now() - t0);
  }
  // What the machine's other work does not change.
  const used = process.cpuUsage(cpu);
  const median = times.sort((a, b) => a - b)[1];
  worst = Math.max(worst, median);
  if (median > 200) slow.push(`${name} ${median.toFixed(0)} ms`);
  print(`  ${median.toFixed(1).padStart(8)} ms ${((used.user + used.system) / 3000).toFixed(1).padStart(8)} ms of processor  ${name}`);
}
print(`filters on ${await store.alerts.total()} alerts (median of 3; processor: mean of 3)`);
for (const [name, filter] of Object.entries(filters)) {
  await measure(`list    ${name}`, () => store.alerts.list(all, filter));
  await measure(`counts  ${name}`, () => store.alerts.counts(all, filter));
}
for (const name of ['no filter', 'severity=critical', 'verdict=compromised', 'a day ago', 'text: sqlmap (everywhere)', 'ip (loud attacker)', 'class=dos']) {
  await measure(`list    one unit's user: ${name}`, () => store.alerts.list(city, filters[name]));
  await measure(`counts  one unit's user: ${name}`, () => store.alerts.counts(city, filters[name]));
}
const page = await store.alerts.list(all, { limit: 100 });
await measure('list    second page', () => store.alerts.list(all, { limit: 100, cursor: page.next }));
await measure('incidents by rank', () => store.incidents.list(all, {}));
await measure('incidents critical', () => store.incidents.list(all, { severity: 'critical' }));
await measure('incidents of one class', () => store.incidents.list(all, { class: 'dos' }));
await measure('incidents text', () => store.incidents.list(all, { text: LOUD }));
await measure('incidents counts', () => store.incidents.counts(all, {}));
await measure('incidents of a unit', () => store.incidents.list(city, {}));
print(`worst ${worst.toFixed(0)} ms${slow.length > 0 ? `; over 200 ms: ${slow.join('; ')}` : ''}`);

// Intake at a fixed rate: what is late waits, as it would on the bus.
if (SECONDS > 0) {
  const before = await store.alerts.total();
  const cpu = process.cpuUsage();
  began = Date.now();
  let sent = 0;
  let behind = 0;
  const wanted = RATE * SECONDS;
  const under: Promise<unknown>[] = [];
  while (sent < wanted) {
    const due = Math.min(wanted, Math.floor(((Date.now() - began) / 1000) * RATE));
    if (due - sent < WORTH && due < wanted) { await new Promise((r) => { setTimeout(r, 20); }); continue; }
    behind = Math.max(behind, due - sent);
    const size = Math.min(due - sent, BATCH);
    const first = n;
    under.push(store.take(Array.from({ length: size }, (_, i) => alertAt(first + i, Date.now(), options.spread)), assets, Date.now(), DAY_MS));
    if (under.length >= AT_ONCE) await under.shift();
    n += size;
    sent += size;
  }
  await Promise.all(under);
  const seconds = (Date.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  const after = await store.alerts.total();
  print(`intake: ${sent} alerts in ${seconds.toFixed(1)} s (${Math.round(sent / seconds)}/s), at most ${behind} behind, ${((used.user + used.system) / sent).toFixed(0)} µs of processor each, lost ${sent - (after - before)}`);
}
await store.close();
if (!options.dir && !options.keep) rmSync(dir, { recursive: true, force: true });
