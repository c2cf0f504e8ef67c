/**
 * Damaged captures by the thousand through `analyze` in one process:
 * `node dist/bench/fuzz/captures.js [--runs N] [--seed N] [--from FOLDER] [--keep FOLDER]`.
 * Each is a capture under `rules/`, cut, changed or both; nothing may throw, and no parser may fail.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { analyzeCaptures, defaultConfig } from '../../cli/analysis.js';
import { loadPack } from '../../cli/pack.js';
import { EVENT_TYPES } from '../../contracts/event.js';
import { Random } from '../random.js';
import { mutate } from './mutate.js';

function* captures(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* captures(path);
    else if (/\.(pcap|pcapng|pcap\.gz)$/.test(entry.name)) yield path;
  }
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: '5000' }, seed: { type: 'string', default: '1' }, from: { type: 'string', default: 'rules' }, keep: { type: 'string' } } });
const random = new Random(Number(values.seed));
const names = [...captures(values.from)];
const load = (name: string): Uint8Array => (name.endsWith('.gz') ? gunzipSync(readFileSync(name)) : readFileSync(name)).subarray(0, 1 << 20);
const pack = loadPack(['default']);
const folder = mkdtempSync(join(tmpdir(), 'shouwang-captures-'));
let alerts = 0;
let unreadable = 0;
let wrong = 0;
for (let i = 0; i < Number(values.runs); i++) {
  const name = names[i % names.length]!;
  const whole = load(name);
  // Most changes lie behind the first 64 KiB that `mutate` takes: the rest is put back behind it.
  let bytes: Uint8Array = random.chance(0.8) ? Buffer.concat([mutate(random, whole, load(random.pick(names))), whole.subarray(65536)]) : Uint8Array.from(whole);
  for (let k = random.below(40); k > 0; k--) bytes[random.below(bytes.length)] = random.next();
  if (random.chance(0.5)) bytes = bytes.subarray(0, random.below(bytes.length));
  const file = join(folder, 'damaged.pcap');
  writeFileSync(file, bytes);
  let what: string | undefined;
  try {
    const [stats] = await analyzeCaptures([file], { rules: [], pack, config: defaultConfig(), events: new Set(EVENT_TYPES) }, {
      alert: () => alerts++, event: (e) => void JSON.stringify(e), warn() {}, unreadable: () => unreadable++,
    });
    if ((stats?.counters['parserFailures'] ?? 0) > 0) what = `${stats!.counters['parserFailures']} parsers failed`;
  } catch (error) {
    what = (error as Error).stack;
  }
  if (what === undefined) continue;
  wrong++;
  console.log(`run ${i}, seed ${values.seed}, ${name}: ${what}`);
  if (values.keep) {
    mkdirSync(values.keep, { recursive: true });
    writeFileSync(join(values.keep, `${values.seed}-${i}.pcap`), bytes);
  }
}
rmSync(folder, { recursive: true, force: true });
console.log(`${values.runs} damaged captures: ${wrong} wrong, ${unreadable} refused with a coded error, ${alerts} alerts`);
process.exitCode = wrong > 0 ? 1 : 0;
