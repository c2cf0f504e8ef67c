import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What one run of a program took. */
export interface Run {
  /** Seconds of processor time (user and system), and by the clock. */
  cpu: number;
  wall: number;
  /** Instructions in user mode; undefined where they cannot be counted. */
  instructions: number | undefined;
  /** Most memory resident at once, bytes. */
  resident: number;
  ok: boolean;
  output: string;
}

/** Clock ticks a second in /proc (USER_HZ is 100 on every Linux architecture that Node runs on). */
const TICKS = 100;

/** Processor seconds of our children that have ended. */
function childrenCpu(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS;
}

let perf: boolean | undefined;
/** Whether `perf stat` counts instructions here. */
export function countsInstructions(): boolean {
  perf ??= /\d+,+instructions/.test(spawnSync('perf', ['stat', '-x,', '-e', 'instructions:u', 'true'], { encoding: 'utf8' }).stderr ?? '');
  return perf;
}

/** Runs a program to its end and measures it. Only one at a time: processor time is told apart by who has ended. */
export async function run(command: string, args: readonly string[]): Promise<Run> {
  const counted = countsInstructions();
  const [file, all] = counted ? ['perf', ['stat', '-x,', '-e', 'instructions:u', '--', command, ...args]] : [command, [...args]];
  const before = childrenCpu();
  const began = performance.now();
  const child = spawn(file, all, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let resident = 0;
  child.stdout.on('data', (d: Buffer) => { if (output.length < 1 << 20) output += d.toString('latin1'); });
  child.stderr.on('data', (d: Buffer) => { if (output.length < 1 << 20) output += d.toString('latin1'); });
  const watch = setInterval(() => {
    for (const pid of family(child.pid)) resident = Math.max(resident, residentOf(pid));
  }, 50);
  const code = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(-1));
    child.on('close', (c) => resolve(c ?? -1));
  });
  clearInterval(watch);
  const instructions = /(\d+),+instructions/.exec(output)?.[1];
  return {
    cpu: childrenCpu() - before, wall: (performance.now() - began) / 1000, instructions: instructions === undefined ? undefined : Number(instructions),
    resident, ok: code === 0, output,
  };
}

function family(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  try {
    return [pid, ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter((s) => s !== '').map(Number)];
  } catch {
    return [];
  }
}

function residentOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? Number.NaN : (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
