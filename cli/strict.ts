import { testRules } from '../analyzer/match/prove.js';
import type { Alert } from '../contracts/alert.js';
import { analyzeCaptures } from './analysis.js';
import { packOf, ruleFailures } from './pack.js';

/**
 * Strict loading: plays every rule its captures, with all rules loaded.
 * @throws OperatorError SW_RULES_INVALID when a rule fails its own captures
 */
export async function proveRules(paths: readonly string[], warn: (line: string) => void): Promise<void> {
  const { errors } = await testRules(paths, async (capture, loaded) => {
    const alerts: Alert[] = [];
    await analyzeCaptures([capture], { rules: [], pack: packOf(loaded) }, { alert: (a) => void alerts.push(a), warn: () => {} });
    return alerts;
  });
  for (const error of errors) warn(error.toLine());
  if (errors.length > 0) throw ruleFailures.invalid(errors.length, errors[0]!.message);
}
