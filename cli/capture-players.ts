import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { RuleCost } from '../analyzer/match/profile.js';
import type { FromPlayer, Played } from './capture-player.js';

/** More workers than this gain nothing: each loads all rules first. */
const MAX_PLAYERS = 8;
/** Captures for which another worker is worth loading the rules again. */
const CAPTURES_A_PLAYER = 12;

/**
 * Plays captures with the rules of `paths` on all cores.
 * @param played is told of each capture, in no particular order.
 * @returns what each rule has cost, over all workers.
 */
export async function playCaptures(paths: readonly string[], captures: readonly string[], played: (played: Played) => void): Promise<RuleCost[]> {
  const queue = [...captures];
  const players = Math.max(1, Math.min(availableParallelism(), MAX_PLAYERS, Math.ceil(captures.length / CAPTURES_A_PLAYER)));
  const costs = new Map<string, RuleCost>();
  await Promise.all(Array.from({ length: players }, () => new Promise<void>((resolve, reject) => {
    const worker = new Worker(new URL('./capture-player.js', import.meta.url), { workerData: { paths } });
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))));
    worker.on('message', (message: FromPlayer) => {
      if (message.kind === 'costs') {
        for (const c of message.costs) {
          const sum = costs.get(c.id) ?? { ...c, candidates: 0, matches: 0, ms: 0 };
          costs.set(c.id, { ...sum, candidates: sum.candidates + c.candidates, matches: sum.matches + c.matches, ms: sum.ms + c.ms });
        }
        return;
      }
      if (message.kind === 'played') played(message.played);
      worker.postMessage(queue.shift());
    });
  })));
  return [...costs.values()].sort((a, b) => b.ms - a.ms);
}
