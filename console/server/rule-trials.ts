import { randomUUID } from 'node:crypto';
import { subjects } from '../../contracts/subjects.js';
import { TRIAL_BYTES_MAX, TRIAL_MS_MAX, encodeTrial, type TrialAnswer, type TrialRequest } from '../../contracts/rule-trial.js';
import type { RuleTrialView } from '../model/api.js';
import type { RuleTrialForm } from '../model/requests.js';
import type { Caller } from './auth/session.js';
import type { Context } from './context.js';
import { refusals } from './errors.js';
import { iso, readTime } from './store/cursor.js';
import { EVERYTHING } from './store/scope.js';

/** Captures of one request to the analyzer: small steps show progress and can be stopped. */
const STEP_CAPTURES = 64;
const STEP_BYTES = 4 * 1024 * 1024;
const CAPTURES_DEFAULT = 500;
/** What a person reads through; the rest is counted. */
const FINDINGS_MAX = 500;
const TRIALS_KEPT = 20;
const BUSY_MS = 1_000;
const BUSY_MAX = 60;
/** An analyzer that has said nothing for this long does not answer either. */
const HEARD_MS = 30_000;

/** `scope`: what its owner saw when it was tried; who has moved to another unit since no longer reads it. */
interface Trial { user: string; scope: string; view: RuleTrialView; cancelled: boolean }

/** Rules that people try on past evidence, one at a time: an analyzer plays it, the console brings it and lists what was found. */
export class RuleTrials {
  private readonly trials = new Map<string, Trial>();
  constructor(private readonly context: Context) {}

  /** @throws Refused where no analyzer is there, or a trial runs already */
  async start(caller: Caller, form: RuleTrialForm): Promise<RuleTrialView> {
    const { store, clock, log } = this.context;
    const now = clock.now();
    const analyzer = (await store.nodes.list(EVERYTHING)).filter((n) => n.health.role === 'analyzer' && now - n.at < HEARD_MS).sort((a, b) => b.at - a.at)[0];
    if (!analyzer) throw refusals.noAnalyzer();
    if ([...this.trials.values()].some((t) => t.view.state === 'running')) throw refusals.trialRunning();
    const [from = 0, to = now + 1] = [readTime(form.from, 'from'), readTime(form.to, 'to')];
    const trial: Trial = {
      user: caller.user.id, scope: JSON.stringify(caller.scope), cancelled: false,
      view: { id: `try-${randomUUID()}`, state: 'running', startedAt: iso(now), analyzer: analyzer.health.id, captures: { of: 0, done: 0, unread: 0 }, packets: 0, findings: [], more: 0, errors: [] },
    };
    this.trials.set(trial.view.id, trial);
    for (const id of this.trials.keys()) { if (this.trials.size <= TRIALS_KEPT) break; this.trials.delete(id); }
    try {
      const evidence = await store.evidence.past(caller.scope, from, to, form.captures ?? CAPTURES_DEFAULT);
      trial.view.captures.of = evidence.length;
      void this.run(trial, form.rule, evidence).catch((error: unknown) => {
        log.warn('a rule could not be tried', { error });
        trial.view.errors.push(String((error as Error).message));
        this.end(trial, 'failed');
      });
    } catch (error) {
      this.end(trial, 'failed');
      throw error;
    }
    return trial.view;
  }

  /** The caller's own trial. */
  find(caller: Caller, id: string): RuleTrialView {
    const trial = this.trials.get(id);
    if (!trial || trial.user !== caller.user.id || trial.scope !== JSON.stringify(caller.scope)) throw refusals.notFound();
    return trial.view;
  }

  cancel(caller: Caller, id: string): RuleTrialView {
    const view = this.find(caller, id);
    if (view.state === 'running') {
      (this.trials.get(id) as Trial).cancelled = true;
      this.end(this.trials.get(id) as Trial, 'cancelled');
    }
    return view;
  }

  private end(trial: Trial, state: RuleTrialView['state']): void {
    if (trial.view.state !== 'running') return;
    trial.view.state = state;
    trial.view.endedAt = iso(this.context.clock.now());
  }

  private async run(trial: Trial, rule: string, evidence: { id: string; alert: string; sha256: string; bytes: number }[]): Promise<void> {
    const { view } = trial;
    const seen = new Set<string>();
    let step: TrialRequest['captures'] = [];
    let bytes = 0;
    const alerts = new Map(evidence.map((e) => [e.id, e.alert]));
    const flush = async (): Promise<boolean> => {
      const answer = await this.ask(trial, { rule, captures: step });
      if (trial.cancelled) return false;
      if (!answer.ok) {
        view.errors.push(...(answer.errors.length > 0 ? answer.errors : [answer.why]));
        this.end(trial, 'failed');
        return false;
      }
      for (const c of answer.captures) {
        view.captures.done++;
        if (c.packets < 0) view.captures.unread++;
        else view.packets += c.packets;
        view.more += c.more;
        for (const a of c.alerts) {
          if (view.findings.length >= FINDINGS_MAX) view.more++;
          else view.findings.push({ evidence: c.id, alert: alerts.get(c.id) as string, ...a });
        }
      }
      step = [];
      bytes = 0;
      return true;
    };
    // A rule that is wrong says so before anything is read.
    if (!await flush()) return;
    for (const e of evidence) {
      if (trial.cancelled) return;
      const body = seen.has(e.sha256) || e.bytes > TRIAL_BYTES_MAX ? undefined : await this.context.files.bytes(e.sha256);
      if (!body) {
        view.captures.done++;
        if (!seen.has(e.sha256)) view.captures.unread++;
        continue;
      }
      seen.add(e.sha256);
      if ((step.length >= STEP_CAPTURES || bytes + body.length > STEP_BYTES) && step.length > 0 && !await flush()) return;
      step.push({ id: e.id, bytes: body });
      bytes += body.length;
    }
    if (step.length > 0 && !await flush()) return;
    this.end(trial, 'done');
  }

  /** Another console may have the analyzer at work; then it waits for its turn. */
  private async ask(trial: Trial, request: TrialRequest): Promise<TrialAnswer> {
    for (let i = 0; ; i++) {
      const reply = await this.context.bus.request(subjects.command('analyzer', `try-rule-${trial.view.analyzer}`), encodeTrial(request), TRIAL_MS_MAX + 10_000);
      const answer = JSON.parse(new TextDecoder().decode(reply.data)) as TrialAnswer;
      if (answer.ok || answer.why !== 'busy' || i >= BUSY_MAX || trial.cancelled) return answer;
      await new Promise((resolve) => { setTimeout(resolve, BUSY_MS); });
    }
  }
}
