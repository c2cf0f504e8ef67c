/**
 * Runs the public suricata-verify tests that can be judged from a capture and rules alone.
 *
 *   node dist/bench/suricata-verify.js CHECKOUT [--json FILE] [--only TEXT] [--jobs N] [--verbose]
 *
 * Taken are the tests that bring one capture and one rule file and whose checks all filter alert events. The capture is
 * analysed with the rules and default settings, and with `midstream` where a test sets it; the rest of `args`, `command`
 * and `suricata.yaml` of a test are not followed, so tests that depend on them may fail. `requires` of a test is not asked (its rules are tried whatever Suricata they were
 * written for); `requires` of a single check is asked for version `VERSION`, and such a check is left out when it is for
 * another.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import YAML from 'yaml';

/** Version whose expectations are ours where a check names one. */
const VERSION = [7, 0, 17] as const;
/** A test that runs longer hangs. */
const TIMEOUT_MS = 60_000;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface Filter { count: number; match: Record<string, Json>; requires?: Record<string, Json>; filename?: string; comment?: string }
export interface VerifyTest { name: string; folder: string; capture: string; rules: string; filters: Filter[]; args: string[]; settings: boolean }
export interface Judged { name: string; passed: boolean; reasons: string[]; alerts: number; skippedRules: string[]; seconds: number }

/** Tests of a checkout that a capture and rules alone decide. */
export function selectTests(checkout: string): VerifyTest[] {
  const tests: VerifyTest[] = [];
  const root = join(checkout, 'tests');
  const visit = (folder: string): void => {
    const names = readdirSync(folder, { withFileTypes: true });
    if (existsSync(join(folder, 'test.yaml'))) {
      const test = testOf(root, folder, names.map((n) => n.name));
      if (test) tests.push(test);
    }
    for (const n of names) if (n.isDirectory()) visit(join(folder, n.name));
  };
  visit(root);
  return tests.sort((a, b) => a.name.localeCompare(b.name));
}

function testOf(root: string, folder: string, names: string[]): VerifyTest | undefined {
  let config: Record<string, unknown>;
  try {
    config = YAML.parse(readFileSync(join(folder, 'test.yaml'), 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (!config) return undefined;
  const captures = config['pcap'] === false ? [] : typeof config['pcap'] === 'string' ? [config['pcap']] : names.filter((n) => /\.pcap(?:ng)?$/.test(n));
  const rules = names.filter((n) => n.endsWith('.rules'));
  if (captures.length !== 1 || rules.length !== 1 || !existsSync(join(folder, captures[0] as string))) return undefined;
  const checks = (config['checks'] ?? []) as { filter?: Filter }[];
  if (checks.length === 0 || checks.some((c) => c.filter === undefined || c.filter.match?.['event_type'] !== 'alert' || c.filter.filename !== undefined)) return undefined;
  return {
    name: relative(root, folder), folder, capture: join(folder, captures[0] as string), rules: join(folder, rules[0] as string), filters: checks.map((c) => c.filter as Filter),
    args: ((config['args'] ?? []) as unknown[]).map(String), settings: names.includes('suricata.yaml'),
  };
}

function versionOf(text: Json): (number | undefined)[] {
  const m = /^\s*(\d+)\.?(\d+)?\.?(\d+)?/.exec(String(text));
  return m ? [Number(m[1]), m[2] === undefined ? undefined : Number(m[2]), m[3] === undefined ? undefined : Number(m[3])] : [0, 0, 0];
}

function compareVersion(to: (number | undefined)[]): number {
  for (let i = 0; i < 3; i++) if (VERSION[i] !== (to[i] ?? 0)) return (VERSION[i] as number) - (to[i] ?? 0);
  return 0;
}

/** Whether a check is meant for our version. */
export function applies(requires: Record<string, Json> | undefined): boolean {
  for (const [key, value] of Object.entries(requires ?? {})) {
    if (key === 'min-version' && compareVersion(versionOf(value)) < 0) return false;
    if (key === 'lt-version' && compareVersion(versionOf(value)) >= 0) return false;
    if (key === 'gt-version' && compareVersion(versionOf(value)) <= 0) return false;
    if (key === 'version' && versionOf(value).some((n, i) => n !== undefined && n !== VERSION[i])) return false;
  }
  return true;
}

const MISSING = Symbol('missing');
const OPERATORS: Record<string, (a: number, b: number) => boolean> = {
  __gt: (a, b) => a > b, __gte: (a, b) => a >= b, __lt: (a, b) => a < b, __lte: (a, b) => a <= b,
};
const ENDS = new Set(['__contains', '__find', '__startswith', '__endswith', ...Object.keys(OPERATORS)]);

/** The value that a dotted name of a filter means. */
export function findValue(name: string, event: unknown): unknown {
  let at = event;
  for (const part of name.split('.')) {
    if (part === '__len') return typeof at === 'string' || Array.isArray(at) ? at.length : at !== null && typeof at === 'object' ? Object.keys(at).length : -1;
    if (ENDS.has(part)) break;
    const m = /^(.*)\[(\d+)\]$/.exec(part);
    const key = m ? (m[1] as string) : part;
    if (at === null || typeof at !== 'object' || Array.isArray(at) || !(key in at)) return MISSING;
    at = (at as Record<string, unknown>)[key];
    if (m) {
      if (!Array.isArray(at) || Number(m[2]) >= at.length) return MISSING;
      at = at[Number(m[2])];
    }
  }
  return at === null ? MISSING : at;
}

/** Equality as Python has it between values of JSON. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a === 'boolean' && typeof b === 'number') return Number(a) === b;
  if (typeof b === 'boolean' && typeof a === 'number') return Number(b) === a;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => k in b && same((a as Record<string, unknown>)[k], (b as Record<string, unknown>)[k]));
}

export function matches(filter: Filter, event: unknown): boolean {
  for (const [key, expected] of Object.entries(filter.match)) {
    if (key === 'has-key' || key === 'not-has-key') {
      for (const name of Array.isArray(expected) ? expected : [expected]) {
        if ((findValue(String(name), event) === MISSING) === (key === 'has-key')) return false;
      }
      continue;
    }
    const value = findValue(key, event);
    const end = key.split('.').at(-1) as string;
    if (end === '__find') {
      if (typeof value !== 'string' || !value.includes(String(expected))) return false;
    } else if (end === '__contains') {
      if (typeof value === 'string' ? !value.includes(String(expected)) : !Array.isArray(value) || !value.some((v) => same(v, expected))) return false;
    } else if (end === '__startswith') {
      if (typeof value !== 'string' || !value.startsWith(String(expected))) return false;
    } else if (end === '__endswith') {
      if (typeof value !== 'string' || !value.endsWith(String(expected))) return false;
    } else if (OPERATORS[end]) {
      if (typeof value !== 'number' || typeof expected !== 'number' || !OPERATORS[end](value, expected)) return false;
    } else if (value === MISSING ? expected !== null : !same(value, expected)) return false;
  }
  return true;
}

/** @returns what a test finds wrong with the alerts. */
export function judge(test: VerifyTest, alerts: readonly unknown[]): string[] {
  const reasons: string[] = [];
  for (const f of test.filters) {
    if (!applies(f.requires)) continue;
    const n = alerts.filter((a) => matches(f, a)).length;
    if (n === f.count) continue;
    const { event_type: _, ...rest } = f.match;
    // The first condition that, left out, would have made the count right.
    const guilty = Object.keys(rest).filter((k) => {
      const { [k]: _gone, ...fewer } = f.match;
      return alerts.filter((a) => matches({ ...f, match: fewer }, a)).length === f.count;
    });
    reasons.push(`${f.count} expected, ${n} found: ${JSON.stringify(rest)}${guilty.length > 0 && Object.keys(rest).length > 1 ? ` [but for ${guilty.join(', ')}]` : ''}`);
  }
  return reasons;
}

interface Ran { reasons: string[]; alerts: number; skipped: string[] }

/** Child: runs and judges the tests that it is told, one after the other. */
async function serve(): Promise<void> {
  const { analyzeCaptures, defaultConfig } = await import('../cli/analysis.js');
  const { loadPack } = await import('../cli/pack.js');
  const run = async (test: VerifyTest): Promise<Ran> => {
    const alerts: unknown[] = [];
    let skipped: string[] = [];
    try {
      const pack = loadPack([test.rules], { skipUnsupported: true, midstream: /stream\.(?:midstream|async-oneside)=(?:true|yes)/.test(test.args.join(' ')) });
      skipped = pack.loaded.suricata.errors.map((e) => e.message.replace(/^.*?: sid/, 'sid'));
      await analyzeCaptures([test.capture], { rules: [], pack, config: { ...defaultConfig(), arenaMiB: 96 } }, { alert: (a) => void alerts.push(a), warn: () => {} });
      return { reasons: judge(test, alerts), alerts: alerts.length, skipped };
    } catch (error) {
      return { reasons: [`error: ${(error as Error).stack ?? String(error)}`], alerts: alerts.length, skipped };
    }
  };
  process.on('message', (test: VerifyTest) => void run(test).then((ran) => process.send?.(ran)));
}

class Child {
  private process: ChildProcess | undefined;

  run(test: VerifyTest): Promise<Ran> {
    const child = (this.process ??= fork(fileURLToPath(import.meta.url), ['--serve'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }));
    return new Promise((resolve) => {
      const done = (ran: Ran): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(ran);
      };
      const lost = (why: string): void => {
        this.process = undefined;
        child.kill('SIGKILL');
        done({ reasons: [`error: the analysis ${why}`], alerts: 0, skipped: [] });
      };
      const timer = setTimeout(() => lost(`took longer than ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
      child.once('message', (ran) => done(ran as Ran));
      child.once('exit', (code) => lost(`ended with ${code}`));
      child.send(test);
    });
  }

  end(): void {
    this.process?.disconnect();
  }
}

/** The group under which a failed test is told. */
export function groupOf(test: VerifyTest, result: Judged): string {
  if (result.reasons[0]?.startsWith('error')) return 'analysis failed';
  const keyword = result.skippedRules.map((s) => /'([^']+)' is not supported/.exec(s)?.[1]).find((k) => k !== undefined);
  if (keyword !== undefined) return `unsupported: ${keyword}`;
  if (result.skippedRules.length > 0) return 'rule refused';
  if (test.args.length > 0 && /simulate-ips|--set|stream|midstream|firewall|-k /.test(test.args.join(' ').replace('-k none', ''))) return 'settings on the command line';
  if (test.settings) return 'settings of its own';
  return result.reasons.some((r) => r.includes('[but for')) ? 'a field of the alert' : result.reasons.every((r) => / 0 found/.test(r)) ? 'no alert' : 'count of alerts';
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const option = (name: string) => { const at = args.indexOf(name); return at < 0 ? undefined : args[at + 1]; };
  const only = option('--only');
  const values = new Set(['--json', '--only', '--jobs'].map(option));
  const checkout = args.find((a) => !a.startsWith('--') && !values.has(a));
  if (checkout === undefined || !existsSync(join(checkout, 'tests'))) {
    process.stderr.write('usage: node dist/bench/suricata-verify.js CHECKOUT [--json FILE] [--only TEXT] [--jobs N] [--verbose]\n');
    process.exitCode = 2;
    return;
  }
  const tests = selectTests(checkout).filter((t) => only === undefined || t.name.includes(only));
  const results: Judged[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: Number(option('--jobs') ?? 2) }, async () => {
    const child = new Child();
    for (let test = tests[next++]; test; test = tests[next++]) {
      const started = performance.now();
      const ran = await child.run(test);
      const { reasons } = ran;
      results.push({ name: test.name, passed: reasons.length === 0, reasons, alerts: ran.alerts, skippedRules: ran.skipped, seconds: (performance.now() - started) / 1000 });
    }
    child.end();
  }));
  results.sort((a, b) => a.name.localeCompare(b.name));
  const byName = new Map(tests.map((t) => [t.name, t]));
  const groups = new Map<string, Judged[]>();
  for (const r of results) {
    if (r.passed) continue;
    const group = groupOf(byName.get(r.name) as VerifyTest, r);
    groups.set(group, [...(groups.get(group) ?? []), r]);
  }
  for (const [group, list] of [...groups].sort((a, b) => b[1].length - a[1].length)) {
    console.log(`${list.length}  ${group}`);
    for (const r of list) {
      console.log(`      ${r.name}`);
      if (args.includes('--verbose')) for (const why of [...r.reasons, ...r.skippedRules].slice(0, 6)) console.log(`          ${why.slice(0, 400)}`);
    }
  }
  const passed = results.filter((r) => r.passed).length;
  console.log(`${passed} of ${results.length} tests pass (${((100 * passed) / results.length).toFixed(1)} %), judged as Suricata ${VERSION.join('.')}`);
  const json = option('--json');
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ version: VERSION.join('.'), passed, tests: results.length, results }, undefined, 1)}\n`);
}

if (process.argv.includes('--serve')) await serve();
else if (basename(process.argv[1] ?? '') === 'suricata-verify.js') await main();
