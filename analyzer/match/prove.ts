import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Alert } from '../../contracts/alert.js';
import { VERDICTS } from '../../contracts/classes.js';
import type { RuleCapture, RuleDocument } from '../../contracts/rule.js';
import { ruleErrors, type RuleError, type RuleWarning } from './errors.js';
import { lint } from './lint.js';
import { loadRules, type Loaded, type LoadOptions } from './load.js';
import type { Place } from './signature.js';

/** Plays a capture file to an analyzer with these rules; gives its alerts in their final form. */
export type AnalyzeCapture = (capture: string, loaded: Loaded) => Promise<Alert[]>;

/** What one capture has shown of one rule. */
export interface Proof { rule: string; file: string; capture: RuleCapture; ok: boolean; why: string }

/** `rules check`: loads the rules and looks whether their captures are there. */
export function checkRules(paths: readonly string[], options: LoadOptions = {}): { rules: number; errors: RuleError[]; warnings: RuleWarning[] } {
  const loaded = loadRules(paths, options);
  const errors = [...loaded.errors];
  for (const { document, file } of loaded.documents) {
    for (const c of document.captures) {
      if (!existsSync(join(dirname(file), c.file))) errors.push(ruleErrors.capture(start(file), c.file, 'does not exist'));
    }
  }
  return { rules: loaded.documents.length, errors, warnings: [...loaded.warnings, ...loaded.documents.flatMap(({ document, file }) => lint(document, start(file)))] };
}

/**
 * `rules test`, and strict loading: plays every rule its captures. A hit must alert with the verdict and the number that
 * the capture states; a miss must not alert. All rules are loaded, so that rules also prove not to silence each other.
 */
export async function testRules(paths: readonly string[], analyze: AnalyzeCapture, options: LoadOptions = {}): Promise<{ proofs: Proof[]; errors: RuleError[]; warnings: RuleWarning[] }> {
  const loaded = loadRules(paths, options);
  const proofs: Proof[] = [];
  const errors = [...loaded.errors];
  if (errors.length > 0) return { proofs, errors, warnings: loaded.warnings };
  for (const { document, file } of loaded.documents) {
    for (const capture of document.captures) {
      const path = join(dirname(file), capture.file);
      let why: string | undefined;
      if (!existsSync(path)) why = 'the capture does not exist';
      else {
        try {
          why = judge(document, capture, await analyze(path, loaded));
        } catch (error) {
          why = `the capture cannot be read (${(error as Error).message})`;
        }
      }
      proofs.push({ rule: document.id, file: path, capture, ok: why === undefined, why: why ?? 'as stated' });
      if (why !== undefined) errors.push(ruleErrors.failedCapture(start(file), document.id, capture.file, why));
    }
  }
  return { proofs, errors, warnings: loaded.warnings };
}

/** @returns what is wrong, undefined when the alerts are as the capture states. */
export function judge(document: RuleDocument, capture: RuleCapture, alerts: readonly Pick<Alert, 'shouwang'>[]): string | undefined {
  const own = new Map<string, Pick<Alert, 'shouwang'>>();
  for (const a of alerts) {
    if (a.shouwang.rule !== document.id) continue;
    const before = own.get(a.shouwang.id);
    if (!before || before.shouwang.revision <= a.shouwang.revision) own.set(a.shouwang.id, a);
  }
  if (capture.expect === 'miss') return own.size === 0 ? undefined : `${own.size} alert${own.size > 1 ? 's' : ''} where none is expected`;
  if (own.size === 0) return 'no alert where one is expected';
  if (capture.count !== undefined && own.size !== capture.count) return `${own.size} alerts where ${capture.count} are expected`;
  if (capture.verdict !== undefined) {
    const highest = [...own.values()].map((a) => VERDICTS.indexOf(a.shouwang.verdict)).reduce((a, b) => Math.max(a, b), 0);
    if (VERDICTS[highest] !== capture.verdict) return `verdict ${VERDICTS[highest]} where ${capture.verdict} is expected`;
  }
  return undefined;
}

const start = (file: string): Place => ({ file, line: 1, column: 1 });
