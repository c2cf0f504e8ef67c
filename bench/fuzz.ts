/**
 * Fuzzes every place where captured or configured bytes come in:
 * `node dist/bench/fuzz.js [--seconds N] [--seed N] [--only NAME,…] [--corpus DIR]… [--keep DIR] [--replay ITERATION]`.
 * Seeds come from the captures and rules under `rules/` and the folders named. An input depends on nothing but the
 * seed, its iteration and the corpus, so that a finding can be played again.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readSync, statSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { MAX_INPUT, mutate } from './fuzz/mutate.js';
import { TalkReader, packTalk, unpackTalk } from './fuzz/talk.js';
import { targets, type Target, type TargetKind } from './fuzz/targets.js';
import { Random } from './random.js';
import { encodeHostBatch } from '../analyzer/serve/host-batch.js';

/** Longer than this for 64 KiB is a hang (processor time, so that a loaded machine tells no lies). */
const SLOW_MS = 1000;
/** Findings alike are told once. */
const MAX_FINDINGS = 20;
const MAX_SEED_FILES = 4000;

export interface FuzzOptions { seed: number; seconds: number; iterations?: number; only?: string[]; corpora?: string[]; keep?: string; replay?: number }
export interface Finding { target: string; iteration: number; what: string; input: Uint8Array }
export interface FuzzReport { target: string; runs: number; seconds: number; findings: Finding[] }

/** Seeds by kind, from folders. */
export class Corpus {
  readonly captures: Uint8Array[] = [];
  readonly yaml: Uint8Array[] = [];
  readonly suricata: Uint8Array[] = [];
  private readonly reader = new TalkReader();
  private files = 0;

  folder(path: string): this {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = join(path, entry.name);
      if (entry.isDirectory()) this.folder(name);
      else if (entry.isFile() && this.files < MAX_SEED_FILES) this.file(name);
    }
    return this;
  }

  private file(name: string): void {
    const kind = /\.(pcap|pcapng|cap|trace)$/.test(name) ? 'capture' : /\.rules$/.test(name) ? 'suricata' : /rule\.yaml$/.test(name) ? 'yaml' : undefined;
    if (!kind || statSync(name).size > 8 << 20) return;
    this.files++;
    if (kind === 'capture') {
      this.captures.push(front(name, MAX_INPUT / 2));
      this.reader.capture(readFileSync(name));
    } else if (kind === 'yaml') this.yaml.push(readFileSync(name));
    else for (const line of readFileSync(name, 'latin1').split('\n').filter((l) => /^[a-z]+ .*sid:/.test(l)).slice(0, 200)) this.suricata.push(Buffer.from(`${line}\n`, 'latin1'));
  }

  seeds(name: string, kind: TargetKind['seeds'], random: Random): Uint8Array[] {
    switch (kind) {
      case 'capture': return this.captures;
      case 'yaml': return this.yaml;
      case 'suricata': return this.suricata;
      case 'talk': return this.reader.found.get(name.replace(/\.\d+$/, '')) ?? [];
      case 'batch': return [batchSeed(random)];
      case 'none': return Array.from({ length: 20 }, () => random.bytes(2 + 6 * random.between(1, 60)));
    }
  }
}

function front(name: string, bytes: number): Uint8Array {
  const fd = openSync(name, 'r');
  const out = Buffer.alloc(Math.min(bytes, statSync(name).size));
  readSync(fd, out, 0, out.length, 0);
  closeSync(fd);
  return out;
}

function batchSeed(random: Random): Uint8Array {
  const records = new Uint8Array(64 * 8);
  records.set(random.bytes(records.length));
  for (let i = 0; i < 8; i++) { records[i * 64 + 1] = 4; records[i * 64 + 9] = i & 1; }
  return encodeHostBatch({
    world: 'live', lane: 0, lanes: 4, upToUs: 1.57e15, end: false, records,
    points: [{ node: 'a', unit: 'u', world: 'live' }, { node: 'b', unit: 'u', world: 'replay' }] as never,
    events: [{ event_type: 'dns', timestamp: '2019-10-01T08:00:00.000000+0800', src_ip: '10.0.0.1', dest_ip: '10.0.0.2' }] as never,
  });
}

/** The input of one iteration. Talks are changed message by message, so that lengths of messages stay true mostly. */
export function inputOf(seed: number, iteration: number, seeds: readonly Uint8Array[], kind: TargetKind['seeds']): Uint8Array {
  const random = new Random((seed ^ Math.imul(iteration + 1, 0x9e3779b1)) >>> 0);
  if (seeds.length === 0) return random.bytes(1 + random.below(600));
  const base = random.pick(seeds);
  const other = random.pick(seeds);
  if (kind !== 'talk') return mutate(random, base, other);
  const talk = unpackTalk(base);
  if (talk.length === 0) return mutate(random, base, other);
  for (let times = 1 + random.below(3); times > 0; times--) {
    const i = random.below(talk.length);
    const choice = random.below(12);
    if (choice === 0) talk.splice(i, 1);
    else if (choice === 1) talk.splice(i, 0, talk[random.below(talk.length)]!);
    else if (choice === 2) talk[i] = [(1 - talk[i]![0]) as 0 | 1, talk[i]![1]];
    else talk[i] = [talk[i]![0], mutate(random, talk[i]![1], other)];
    if (talk.length === 0) break;
  }
  return packTalk(talk).subarray(0, MAX_INPUT);
}

/** Gives one input to a target. @returns what is wrong, nothing when all is well */
export function trial(target: Target, input: Uint8Array): string | undefined {
  const before = process.cpuUsage();
  try {
    target(input);
  } catch (error) {
    return error instanceof Error ? `${error.message}\n${(error.stack ?? '').split('\n').slice(1, 6).join('\n')}` : String(error);
  }
  const { user } = process.cpuUsage(before);
  return user > SLOW_MS * 1000 ? `slow: ${Math.round(user / 1000)} ms` : undefined;
}

/** What findings of one cause have in common. */
export function likeness(what: string): string {
  const plain = what.replace(/[0-9]+/g, '#');
  return plain.slice(0, 48) + (plain.split('\n').find((l) => /at .*(analyzer|collector)/.test(l)) ?? '');
}

/** Fuzzes one target until its time or iterations are over. */
export function fuzz(name: string, kind: TargetKind, corpus: Corpus, options: FuzzOptions, onRun?: (iteration: number) => void): FuzzReport {
  const seeds = corpus.seeds(name, kind.seeds, new Random(options.seed));
  let target = kind.make();
  const findings: Finding[] = [];
  const known = new Set<string>();
  const started = performance.now();
  let runs = 0;
  const start = options.replay ?? 0;
  const most = options.replay !== undefined ? 1 : (options.iterations ?? Infinity);
  for (let i = start; runs < most && (options.replay !== undefined || performance.now() - started < options.seconds * 1000); i++) {
    onRun?.(i);
    const input = inputOf(options.seed, i, seeds, kind.seeds);
    const what = trial(target, input);
    runs++;
    if (what === undefined) continue;
    target = kind.make();
    const key = likeness(what);
    if (known.has(key) || findings.length >= MAX_FINDINGS) continue;
    known.add(key);
    findings.push({ target: name, iteration: i, what, input });
  }
  return { target: name, runs, seconds: (performance.now() - started) / 1000, findings };
}

function work(): void {
  const { options, progress } = workerData as { options: FuzzOptions; progress: Int32Array };
  const corpus = new Corpus().folder('rules');
  for (const folder of options.corpora ?? []) corpus.folder(folder);
  const all = [...targets()].filter(([name]) => !options.only || options.only.includes(name));
  all.forEach(([name, kind], n) => {
    Atomics.store(progress, 0, n + 1);
    parentPort!.postMessage(fuzz(name, kind, corpus, options, (i) => Atomics.store(progress, 1, i)));
  });
  parentPort!.postMessage('end');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' }, only: { type: 'string' },
      corpus: { type: 'string', multiple: true }, keep: { type: 'string' }, replay: { type: 'string' },
    },
  });
  const options: FuzzOptions = {
    seconds: Number(values.seconds), seed: Number(values.seed),
    ...(values.only ? { only: values.only.split(',') } : {}), ...(values.corpus ? { corpora: values.corpus } : {}),
    ...(values.keep ? { keep: values.keep } : {}), ...(values.replay ? { replay: Number(values.replay) } : {}),
  };
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const names = [...targets().keys()].filter((n) => !options.only || options.only.includes(n));
  const worker = new Worker(new URL(import.meta.url), { workerData: { options, progress } });
  let last = '';
  let same = 0;
  const watch = setInterval(() => {
    const now = `${Atomics.load(progress, 0)}/${Atomics.load(progress, 1)}`;
    same = now === last && Atomics.load(progress, 0) > 0 ? same + 1 : 0;
    last = now;
    if (same < 6) return;
    console.log(`HANG ${names[Atomics.load(progress, 0) - 1]}: iteration ${Atomics.load(progress, 1)}, seed ${options.seed}`);
    process.exit(1);
  }, 10_000);
  let found = 0;
  await new Promise<void>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (m: FuzzReport | 'end') => {
      if (m === 'end') return resolve();
      console.log(`${m.target}: ${m.runs} runs in ${m.seconds.toFixed(0)} s, ${m.findings.length} findings`);
      for (const f of m.findings) {
        found++;
        console.log(`  iteration ${f.iteration}, seed ${options.seed}, ${f.input.length} bytes: ${f.what}`);
        if (options.keep) {
          mkdirSync(options.keep, { recursive: true });
          writeFileSync(join(options.keep, `${f.target.replace('/', '-')}-${options.seed}-${f.iteration}`), f.input);
        }
      }
    });
  });
  clearInterval(watch);
  await worker.terminate();
  process.exitCode = found > 0 ? 1 : 0;
}

if (!isMainThread && (workerData as { progress?: unknown } | null)?.progress) work();
else if (isMainThread && process.argv[1]?.endsWith('fuzz.js')) await main();
