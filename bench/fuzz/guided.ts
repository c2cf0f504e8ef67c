/**
 * Fuzzing led by coverage: `node dist/bench/fuzz/guided.js --jazzer FOLDER --out FOLDER [--until ISO-TIME | --hours N] [--only NAME,…]`.
 * Wants `@jazzer.js/core` (`npm install @jazzer.js/core` in a folder of its own, which `--jazzer` names); it is no
 * dependency of the project. Targets take turns, the most exposed longest; inputs that reach new code stay in
 * `OUT/corpus/TARGET`, findings go to `OUT/findings`, and `OUT/hours.json` sums what was run.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Corpus } from '../fuzz.js';
import { Random } from '../random.js';
import { MAX_INPUT } from './mutate.js';
import { targets } from './targets.js';

/** Seconds of one turn; starting a target with its code instrumented takes about 4. */
const TURN_SECONDS = 45;
/** Turns a round for what any sender on the wire reaches first; all others have one. */
const EXPOSED = new Map([
  ['capture', 3], ['packets', 4], ['engine', 3], ['reassembly', 3], ['tcp/http', 5], ['tcp/http2', 3], ['tcp/tls', 4], ['tcp/smb', 4], ['tcp/dns', 2], ['udp/dns', 3], ['suricata-rules', 3], ['yaml-rules', 2],
]);
/** Seeds of one target; the fuzzer keeps the smallest set that reaches the same code. */
const MAX_SEEDS = 80;
/** A single input may take this long before it counts as a hang. */
const HANG_SECONDS = 60;
const MAX_MEMORY_MIB = 3000;

interface Spent { runs: number; seconds: number; turns: number; edges: number; corpus: number }

function seedFolder(out: string, name: string, corpus: Corpus): string {
  const folder = join(out, 'corpus', name.replace('/', '-'));
  if (existsSync(folder)) return folder;
  mkdirSync(folder, { recursive: true });
  const kind = targets().get(name)!;
  for (const seed of corpus.seeds(name, kind.seeds, new Random(1)).slice(0, MAX_SEEDS)) {
    writeFileSync(join(folder, createHash('sha1').update(seed).digest('hex')), seed.subarray(0, MAX_INPUT));
  }
  return folder;
}

/** One turn of one target. @returns what was run, read from the fuzzer's own account */
function turn(jazzer: string, out: string, name: string, folder: string, seconds: number): Promise<Spent & { ended: number | null; tail: string }> {
  const dist = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(process.execPath, [
    join(jazzer, 'node_modules/@jazzer.js/core/dist/cli.js'), fileURLToPath(new URL('guided-target.js', import.meta.url)), folder,
    '--sync', '--timeout', String(HANG_SECONDS * 1000), '--disableBugDetectors', '.*', '-i', join(dist, 'analyzer/'), '-i', join(dist, 'collector/'), '--',
    `-max_total_time=${seconds}`, `-max_len=${MAX_INPUT}`, `-rss_limit_mb=${MAX_MEMORY_MIB}`,
    '-print_final_stats=1', `-artifact_prefix=${join(out, 'findings', name.replace('/', '-'))}-`, '-len_control=20',
  ], {
    env: { ...process.env, SHOUWANG_FUZZ_TARGET: name, SHOUWANG_FUZZ_KEEP: join(out, 'findings') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const started = performance.now();
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-20_000)));
  return new Promise((resolve) => child.on('close', (code) => {
    const last = (pattern: RegExp): number => Number([...tail.matchAll(pattern)].at(-1)?.[1] ?? 0);
    resolve({
      runs: last(/number_of_executed_units: (\d+)/g) || last(/^#(\d+)\t/gm), seconds: (performance.now() - started) / 1000, turns: 1,
      edges: last(/\bcov: (\d+)/g), corpus: last(/\bcorp: (\d+)/g), ended: code, tail,
    });
  }));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      jazzer: { type: 'string' }, out: { type: 'string' }, hours: { type: 'string', default: '1' }, until: { type: 'string' }, only: { type: 'string' },
      corpus: { type: 'string', multiple: true }, turn: { type: 'string', default: String(TURN_SECONDS) },
    },
  });
  const { jazzer, out } = values;
  if (!jazzer || !out || !existsSync(join(jazzer, 'node_modules/@jazzer.js/core'))) {
    console.error('Name the folder in which @jazzer.js/core is installed (--jazzer) and one for corpus and findings (--out).');
    process.exitCode = 2;
    return;
  }
  const end = values.until ? Date.parse(values.until) : Date.now() + Number(values.hours) * 3_600_000;
  const only = values.only?.split(',');
  const corpus = new Corpus().folder('rules');
  for (const folder of values.corpus ?? []) corpus.folder(folder);
  const names = [...targets().keys()].filter((name) => !only || only.includes(name));
  const folders = new Map(names.map((name) => [name, seedFolder(out, name, corpus)]));
  mkdirSync(join(out, 'findings'), { recursive: true });
  const account = join(out, 'hours.json');
  const spent: Record<string, Spent> = existsSync(account) ? (JSON.parse(readFileSync(account, 'utf8')) as Record<string, Spent>) : {};
  // Every round begins with the exposed, so that a run cut short has had those.
  const order = names.sort((a, b) => (EXPOSED.get(b) ?? 1) - (EXPOSED.get(a) ?? 1));
  for (let round = 0; Date.now() < end; round++) {
    for (const name of order) {
      const left = (end - Date.now()) / 1000;
      if (left < 10) return;
      const seconds = Math.round(Math.min(left, Number(values.turn) * (EXPOSED.get(name) ?? 1)));
      const { ended, tail, ...now } = await turn(jazzer, out, name, folders.get(name)!, seconds);
      const before = spent[name] ?? { runs: 0, seconds: 0, turns: 0, edges: 0, corpus: 0 };
      spent[name] = { runs: before.runs + now.runs, seconds: Math.round(before.seconds + now.seconds), turns: before.turns + 1, edges: Math.max(before.edges, now.edges), corpus: now.corpus };
      writeFileSync(account, JSON.stringify(spent, undefined, 1));
      console.log(`${name}: ${now.runs} runs in ${now.seconds.toFixed(0)} s, ${now.edges} edges, ${now.corpus} inputs${ended === 0 ? '' : `, ended with ${ended}:\n${tail.slice(-3000)}`}`);
    }
  }
}

await main();
