import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, run, type Run } from './measure.js';
import { makeRules } from './rules.js';
import { makeTraffic } from './traffic.js';

export interface Peer { name: string; command: string; args(capture: string, rules: string, folder: string): string[]; dialect: 'suricata' | 'snort' }

export interface CompareOptions {
  /** Where captures, rules and logs go. */
  folder: string;
  seed: number;
  /** Size of the mixed capture and of the web capture, bytes. */
  mixed: number;
  http: number;
  runs: number;
  /** Rule counts; the first is the one that captures are compared with. */
  rules: readonly number[];
  /** A rule file in the place of made ones. */
  ruleFile?: string;
  peers: readonly Peer[];
  say(line: string): void;
}

export interface Figure {
  program: string;
  capture: string;
  rules: number;
  packets: number;
  bytes: number;
  /** Medians of all runs; `cpu` and `instructions` without start-up, which is in `start`. */
  cpu: number;
  wall: number;
  start: { cpu: number; wall: number };
  instructions: number | undefined;
  resident: number;
  packetsPerSecond: number;
  gigabitsPerSecond: number;
}

const BIN = fileURLToPath(new URL('../../bin/shouwang.mjs', import.meta.url));
const LIMIT = fileURLToPath(new URL('limit.js', import.meta.url));

export const OURSELVES: Peer = {
  name: 'shouwang', command: process.execPath, dialect: 'suricata', args: (capture, rules) => [BIN, 'analyze', capture, '--rules', rules],
};
export const suricata = (command: string): Peer => ({
  name: 'suricata', command, dialect: 'suricata', args: (capture, rules, folder) => ['-r', capture, '-S', rules, '-l', folder, '-k', 'none', '--runmode', 'single'],
});
export const snort = (command: string): Peer => ({
  name: 'snort', command, dialect: 'snort', args: (capture, rules, folder) => ['-q', '-r', capture, '-R', rules, '-l', folder, '-k', 'none'],
});
const PHYSICAL: Peer = { name: 'limit', command: process.execPath, dialect: 'suricata', args: (capture) => [LIMIT, capture] };

/** Makes captures and rules, runs everybody in turn, and tells medians. */
export async function compare(options: CompareOptions): Promise<Figure[]> {
  const { folder, seed, say } = options;
  mkdirSync(folder, { recursive: true });
  const file = (name: string) => join(folder, name);
  const empty = file('empty.pcap');
  // A few sessions: peers wait for packet time that never comes when there is no packet at all.
  makeTraffic(empty, { seed, bytes: 4096, kind: 'http', attackEvery: 0 });
  const captures = ([['mixed', options.mixed], ['http', options.http]] as const).filter(([, bytes]) => bytes > 0).map(([kind, bytes]) => {
    say(`making the ${kind} capture`);
    return { name: kind, path: file(`${kind}.pcap`), made: makeTraffic(file(`${kind}.pcap`), { seed, bytes, kind }) };
  });
  const rulesOf = (count: number, dialect: Peer['dialect']): string => {
    if (options.ruleFile !== undefined) return options.ruleFile;
    const path = file(`${dialect}-${count}.rules`);
    writeFileSync(path, makeRules(count, seed, dialect));
    return path;
  };
  const logs = file('logs');
  mkdirSync(logs, { recursive: true });
  const figures: Figure[] = [];
  for (const [n, count] of options.rules.entries()) {
    for (const capture of n === 0 ? captures : captures.slice(0, 1)) {
      const all = [...(n === 0 ? [PHYSICAL] : []), OURSELVES, ...options.peers];
      const started = new Map<Peer, Run[]>();
      const done = new Map<Peer, Run[]>();
      for (let i = 0; i < options.runs; i++) {
        for (const peer of all) {
          say(`${capture.name}, ${count} rules, run ${i + 1} of ${options.runs}: ${peer.name}`);
          const rules = rulesOf(count, peer.dialect);
          (started.get(peer) ?? started.set(peer, []).get(peer)!).push(await run(peer.command, peer.args(empty, rules, logs)));
          const result = await run(peer.command, peer.args(capture.path, rules, logs));
          if (!result.ok) say(`${peer.name} failed: ${result.output.slice(0, 400)}`);
          (done.get(peer) ?? done.set(peer, []).get(peer)!).push(result);
        }
      }
      for (const peer of all) {
        const runs = (done.get(peer) ?? []).filter((r) => r.ok);
        if (runs.length === 0) continue;
        figures.push(figureOf(peer.name, capture.name, count, capture.made, started.get(peer)!, runs));
      }
    }
  }
  return figures;
}

function figureOf(program: string, capture: string, rules: number, made: { packets: number; bytes: number }, started: Run[], runs: Run[]): Figure {
  const start = { cpu: median(started.map((r) => r.cpu)), wall: median(started.map((r) => r.wall)) };
  const cpu = Math.max(0.01, median(runs.map((r) => r.cpu)) - start.cpu);
  const counts = (of: Run[]) => of.map((r) => r.instructions).filter((n) => n !== undefined);
  const instructions = counts(runs).length > 0 ? median(counts(runs)) - median(counts(started)) : undefined;
  return {
    program, capture, rules, packets: made.packets, bytes: made.bytes, cpu, wall: median(runs.map((r) => r.wall)), start, instructions,
    resident: Math.max(...runs.map((r) => r.resident)), packetsPerSecond: made.packets / cpu, gigabitsPerSecond: (made.bytes * 8) / cpu / 1e9,
  };
}

/** The figures as a table, with ratios to ourselves (above 1: we are faster) and to the physical limit. */
export function table(figures: readonly Figure[]): string {
  const lines = ['capture  rules   program     CPU s   wall s  start s   packets/s   Gbit/s  Ginstr  MiB    we are   times limit'];
  for (const f of figures) {
    const same = (name: string) => figures.find((o) => o.program === name && o.capture === f.capture && (o.rules === f.rules || name === 'limit'));
    const we = same('shouwang');
    const limit = same('limit');
    lines.push([
      f.capture.padEnd(8), (f.program === 'limit' ? '-' : String(f.rules)).padEnd(7), f.program.padEnd(10), f.cpu.toFixed(2).padStart(7), f.wall.toFixed(2).padStart(8),
      f.start.wall.toFixed(2).padStart(8), Math.round(f.packetsPerSecond).toString().padStart(11), f.gigabitsPerSecond.toFixed(2).padStart(8),
      (f.instructions === undefined ? '-' : (f.instructions / 1e9).toFixed(1)).padStart(7), (f.resident / 1048576).toFixed(0).padStart(5),
      (we && we !== f && f.program !== 'limit' ? `${(f.cpu / we.cpu).toFixed(2)}x` : '').padStart(9), (limit && f !== limit ? (f.cpu / limit.cpu).toFixed(1) : '').padStart(11),
    ].join(' '));
  }
  return lines.join('\n');
}
