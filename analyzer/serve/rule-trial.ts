import { Worker } from 'node:worker_threads';
import { TRIAL_MS_MAX, decodeTrial, type TrialAnswer } from '../../contracts/rule-trial.js';
import type { AnalyzerConfig } from '../config.js';
import type { TrialSettings } from './rule-trial-worker.js';

/** What a rule may take while it is tried: beside the traffic there is little to spare. */
const HEAP_MIB = 512;

/** Answers the console's question what a rule would have found in captures of the past; one at a time, in a thread of its own. */
export class RuleTrials {
  private worker: Worker | undefined;
  constructor(private readonly config: AnalyzerConfig) {}

  async answer(data: Uint8Array): Promise<Uint8Array> {
    return new TextEncoder().encode(JSON.stringify(await this.run(data)));
  }

  private run(data: Uint8Array): Promise<TrialAnswer> | TrialAnswer {
    const request = decodeTrial(data);
    if (!request) return { ok: false, why: 'request', errors: [] };
    if (this.worker) return { ok: false, why: 'busy', errors: [] };
    const workerData: TrialSettings = { ...request, config: this.config };
    const worker = (this.worker = new Worker(new URL('./rule-trial-worker.js', import.meta.url), { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } }));
    return new Promise<TrialAnswer>((resolve) => {
      const timer = setTimeout(() => resolve({ ok: false, why: 'time', errors: [] }), TRIAL_MS_MAX);
      worker.once('message', resolve);
      worker.once('error', (error) => resolve({ ok: false, why: 'rule', errors: [error.message] }));
      worker.once('exit', () => {
        clearTimeout(timer);
        resolve({ ok: false, why: 'time', errors: [] });
      });
    }).finally(async () => {
      await worker.terminate();
      this.worker = undefined;
    });
  }

  async stop(): Promise<void> { await this.worker?.terminate(); }
}
