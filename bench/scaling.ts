import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './measure.js';

const BIN = fileURLToPath(new URL('../../bin/shouwang.mjs', import.meta.url));

/** One capture analysed by several workers. Seconds; those of processors come from the kernel's account of each thread. */
export interface ScalingFigure {
  workers: number;
  wall: number;
  cpu: number;
  instructions: number | undefined;
  /** Processor time of the worker with the most to do, of all workers, and of the thread behind them. */
  busiest: number;
  all: number;
  merge: number;
  alerts: number;
  /** How many times faster than one worker where every thread has a processor of its own: the fullest thread decides. */
  balanced: number;
}

/** Analyses a capture with each number of workers in turn. */
export async function scaling(capture: string, rules: string, counts: readonly number[], say: (line: string) => void): Promise<ScalingFigure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'shouwang-scaling-'));
  const figures: ScalingFigure[] = [];
  try {
    for (const workers of counts) {
      say(`${workers} worker${workers === 1 ? '' : 's'}`);
      const stats = join(folder, 'stats.json');
      const done = await run(process.execPath, [BIN, 'analyze', capture, '--rules', rules, '--workers', String(workers), '--format', 'eve', '--stats', stats]);
      if (!done.ok) {
        say(done.output.slice(-400));
        continue;
      }
      const { seconds, alerts } = JSON.parse(readFileSync(stats, 'utf8')) as { seconds: Record<string, number>; alerts: number };
      const { busiest = 0, workers: all = 0, merge = 0 } = seconds;
      const first = figures[0];
      figures.push({
        workers, wall: done.wall, cpu: done.cpu, instructions: done.instructions, busiest, all, merge, alerts,
        balanced: first === undefined ? 1 : first.busiest / Math.max(busiest, merge, 1e-9),
      });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return figures;
}

export function scalingTable(figures: readonly ScalingFigure[]): string {
  const lines = ['workers   wall s   CPU s  Ginstr  fullest worker s  all workers s  merge s  alerts  by balance'];
  for (const f of figures) {
    lines.push([
      String(f.workers).padEnd(7), f.wall.toFixed(2).padStart(8), f.cpu.toFixed(2).padStart(7), (f.instructions === undefined ? '-' : (f.instructions / 1e9).toFixed(1)).padStart(7),
      f.busiest.toFixed(2).padStart(17), f.all.toFixed(2).padStart(14), f.merge.toFixed(2).padStart(8), String(f.alerts).padStart(7), `${f.balanced.toFixed(2)}x`.padStart(11),
    ].join(' '));
  }
  return lines.join('\n');
}
