/** A worker of `rules test`: loads the pack once and plays the captures that it is sent. */
import { parentPort, workerData } from 'node:worker_threads';
import { existsSync } from 'node:fs';
import { RuleProfile, type RuleCost } from '../analyzer/match/profile.js';
import type { Alert } from '../contracts/alert.js';
import { analyzeCaptures } from './analysis.js';
import { loadPack } from './pack.js';

/** What playing one capture gave; alerts are reduced to what a judge looks at. */
export interface Played { path: string; alerts: Pick<Alert, 'shouwang'>[]; failure?: string; ms: number }
export type FromPlayer = { kind: 'ready' } | { kind: 'played'; played: Played } | { kind: 'costs'; costs: RuleCost[] };

const port = parentPort;
if (port) {
  const say = (message: FromPlayer): void => port.postMessage(message);
  const pack = loadPack((workerData as { paths: string[] }).paths);
  const profile = new RuleProfile(() => performance.now());
  port.on('message', (path: string | undefined) => {
    if (path === undefined) {
      say({ kind: 'costs', costs: profile.dearest() });
      port.close();
      return;
    }
    void play(path).then((played) => say({ kind: 'played', played }));
  });
  say({ kind: 'ready' });

  async function play(path: string): Promise<Played> {
    const started = performance.now();
    const alerts: Played['alerts'] = [];
    let failure: string | undefined;
    if (!existsSync(path)) failure = 'the capture does not exist';
    else {
      try {
        await analyzeCaptures([path], { rules: [], pack, profile }, { alert: ({ shouwang }) => void alerts.push({ shouwang: { ...shouwang, matched: [] } }), warn: () => {} });
      } catch (error) {
        failure = `the capture cannot be read (${(error as Error).message})`;
      }
    }
    return { path, alerts, ...(failure !== undefined && { failure }), ms: performance.now() - started };
  }
}
