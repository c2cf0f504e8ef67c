import { sql } from 'kysely';
import { CLASSES, CLASS_NAMES } from '../contracts/classes.js';
import { openDatabase } from '../console/server/store/open.js';
import type { Db, Engine } from '../console/server/store/schema.js';

/**
 * Fills an empty store with alerts, their incidents, hourly counts and search words by SQL alone, so that millions take
 * minutes. What is drawn follows from the alert's number: the same count gives the same store in both engines.
 */
const DAY_MS = 86_400_000;
const CHUNK = 200_000;

/** A number below `m` that looks drawn; products stay within 63 bits. */
const drawn = (k: number, m: number): string => `(((i + ${k * 7_368_787}) * 48271 % 2147483647) * ${69_621 + k * 7_919} % 2147483629 % ${m})`;

function source(from: number, to: number, total: number, now: number, days: number): string {
  const n = CLASS_NAMES.length;
  return `with recursive count(i) as (select cast(${from + 1} as bigint) union all select i + 1 from count where i < ${to}),
    base as (select i, ${now - days * DAY_MS} + i * ${Math.floor((days * DAY_MS) / total)} as at, ${drawn(1, 100)} as luck, ${drawn(2, 40)} as who, ${drawn(3, 12)} as which, ${drawn(4, 250)} as a, ${drawn(5, 250)} as b,
      ${drawn(6, 120)} as net, ${drawn(7, 4)} as sub, 1 + ${drawn(8, 30)} as host, ${drawn(9, n)} as c1, ${drawn(10, n)} as c2, ${drawn(11, 5)} as s1, ${drawn(12, 4)} as s2, ${drawn(13, 1000)} as v,
      ${drawn(14, 300)} as rule, ${drawn(15, 20)} as node, ${drawn(16, 9000)} as cve, ${drawn(17, 120)} as www from count),
    day as (select *, at / ${DAY_MS} as day, (at / ${DAY_MS} * 7919 + who * 104729 + which * 1299709) % 3600 as target from base),
    ends as (select *, case when luck < 95 then '203.0.' || ((day * 13 + who) % 113) || '.' || who else '198.' || a || '.' || b || '.' || net end as attacker,
      case when luck < 95 then target % 120 else net end as system, case when luck < 95 then '10.' || (target % 120) || '.0.' || (1 + target / 120) else '10.' || net || '.' || sub || '.' || host end as victim,
      case when c1 < c2 then c1 else c2 end as c, case when s1 > s2 then s1 else s2 end as severity, case when v < 960 then 0 when v < 992 then 1 else 2 end as verdict from day),
    class(c, name, phase, zh, en) as (values ${CLASS_NAMES.map((name, c) => `(${c}, '${name}', '${CLASSES[name].phase}', '${CLASSES[name].zh}', '${CLASSES[name].en}')`).join(', ')})
    `;
}

const words = (engine: Engine): string => {
  const text = `lower(zh.en) || ' ' || zh.name || ' union select parameter in a 参数 数中 中的 的联 联合 合查 查询 请求 响应 rule-' || rule || ' ' || attacker || ' ' || victim || ' node-' || node || ' city' || (system % 18) || ' sys' || system
    || ' http cve-2019-' || (1000 + cve) || ' t1190 www' || www || '.example.gov.cn www' || www || ' example gov cn index.php id q mozilla x11 linux x86_64 sqlmap'`;
  return engine === 'sqlite' ? text : `array_to_tsvector(array_remove(string_to_array(${text}, ' '), ''))`;
};

async function chunk(db: Db, engine: Engine, from: number, to: number, total: number, now: number, days: number): Promise<void> {
  const run = async (statement: string): Promise<void> => { await sql.raw(statement).execute(db); };
  const rows = source(from, to, total, now, days);
  await run('begin');
  await run(`insert into alert (num, id, revision, rule, title_zh, title_en, severity, verdict, class, phase, attacker_ip, attacker_port, victim_ip, victim_port, unit, system, proto, app_proto, node, first_seen, last_seen, received, count, incident, demo, seq)
    ${rows} select i, 'seed-' || i, 1, 'rule-' || rule, zh.zh || '：参数中的联合查询', zh.en || ': union select in a parameter', severity, verdict, zh.name, zh.phase, attacker, 1024 + cve, victim, 80, 'city' || (system % 18), 'sys' || system,
      'TCP', 'http', 'node-' || node, at, at, at, 1 + s2, 'inc-' || day || '-' || attacker || '-' || victim, 0, i from ends join class as zh on zh.c = ends.c order by i`);
  await run(`insert into alert_body (num, eve_json) select num, '{"event_type":"alert","shouwang":{"id":"' || id || '","revision":1,"pad":"${'x'.repeat(600)}"}}' from alert where num > ${from} and num <= ${to} order by num`);
  await run(`insert into alert_search (${engine === 'sqlite' ? 'rowid' : 'num'}, tokens) ${rows} select i, ${words(engine)} from ends join class as zh on zh.c = ends.c order by i`);
  await run('commit');
}

/** @param told gets the number stored so far */
export async function seedAlerts(dir: string, url: string | undefined, total: number, now: number, days: number, told: (n: number) => void): Promise<void> {
  const { db, engine } = await openDatabase(dir, url);
  const run = async (statement: string): Promise<void> => { await sql.raw(statement).execute(db); };
  const { rows: indexes } = await sql<{ name: string; sql: string }>`${sql.raw(engine === 'sqlite' ? "select name, sql from sqlite_master where type = 'index' and tbl_name in ('alert', 'incident') and sql is not null"
    : "select indexname as name, indexdef as sql from pg_indexes where schemaname = current_schema() and tablename in ('alert', 'incident') and indexdef not like 'CREATE UNIQUE%'")} order by 1`.execute(db);
  for (const { name } of indexes) await run(`drop index ${name}`);
  if (engine === 'sqlite') await run('pragma synchronous = off');
  await db.connection().execute(async (one) => {
    for (let from = 0; from < total; from += CHUNK) {
      await chunk(one as unknown as Db, engine, from, Math.min(total, from + CHUNK), total, now, days);
      told(Math.min(total, from + CHUNK));
    }
  });
  await run(`insert into incident (id, version, state, title_zh, title_en, severity, verdict, level, rank, attacker_ip, victim_ip, unit, system, phases_json, classes_json, techniques_json, rules_json, alerts, events, first_seen, last_seen, escalated, reopened, campaign, open, demo)
    select incident, 1, case when min(num) % 20 = 0 or max(last_seen) > ${now - 7 * DAY_MS} then 'new' else 'closed' end, attacker_ip || ' 对 ' || victim_ip || ' 的' || min(title_zh), attacker_ip || ' against ' || victim_ip || ': ' || min(title_en), max(severity), max(verdict), 4 - max(verdict),
      max(verdict) * 10000 + max(severity) * 1000 + count(distinct phase) * 10, attacker_ip, victim_ip, max(unit), max(system), '["' || min(phase) || '"]', '["' || min(class) || '","' || max(class) || '"]', '["T1190"]', '["' || min(rule) || '"]',
      count(*), sum(count), min(first_seen), max(last_seen), 0, 0, 'inc-' || (min(last_seen) / ${DAY_MS}) || '-' || attacker_ip, case when min(num) % 20 = 0 or max(last_seen) > ${now - 7 * DAY_MS} then 1 else 0 end, 0
    from alert group by incident, attacker_ip, victim_ip`);
  await run(`insert into alert_hour select last_seen / 3600000, demo, coalesce(unit, ''), coalesce(attacker_unit, ''), class, severity, verdict, count(*) from alert group by 1, 2, 3, 4, 5, 6, 7`);
  await run(`insert into alert_total select demo, coalesce(unit, ''), coalesce(attacker_unit, ''), class, severity, verdict, count(*) from alert group by 1, 2, 3, 4, 5, 6`);
  for (const statement of indexes) await run(statement.sql);
  await run(`insert into counter (name, value) values ('search_upto', ${total}), ('alert_seq', ${total}) on conflict (name) do update set value = excluded.value`);
  if (engine === 'postgres') await run('analyze');
  await db.destroy();
}
