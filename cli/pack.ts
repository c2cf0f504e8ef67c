import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { behaviourRule } from '../analyzer/detect/rules.js';
import type { BehaviourRule } from '../analyzer/detect/behaviour.js';
import { loadRules, type Loaded, type LoadOptions } from '../analyzer/match/load.js';
import type { RuleSet } from '../analyzer/match/rule-set.js';
import { coded } from '../runtime/errors.js';

export const ruleFailures = {
  invalid: coded('SW_RULES_INVALID', (count: number, first: string) => `${count} error${count === 1 ? '' : 's'} in the rules; the first: ${first}`,
    'Mend them (npx shouwang rules check lists all), then run this again.'),
  capture: coded('SW_RULES_CAPTURE', (path: string) => `There is no capture or folder "${path}".`, 'Name captures, or folders that hold some.'),
  missing: coded('SW_RULES_MISSING', (path: string) => `There is no rule file or folder "${path}".`, 'Name a file or folder that exists, or "default" for the shipped pack.'),
};

/** The shipped pack. */
export const PACK = fileURLToPath(new URL('../../rules', import.meta.url));

/** The built browser UI. */
export const UI_FOLDER = fileURLToPath(new URL('../console/ui', import.meta.url));

/** Where compiled forms are kept between runs. */
export const CACHE = fileURLToPath(new URL('../../node_modules/.cache/shouwang', import.meta.url));

/** Resolves what `--rules` named; nothing named means the shipped pack. */
export function rulePaths(named: readonly string[]): string[] {
  return (named.length === 0 ? ['default'] : [...named]).map((path) => {
    if (path === 'default') return PACK;
    if (!existsSync(path)) throw ruleFailures.missing(path);
    return resolve(path);
  });
}

/** Rules left out that are named one by one. */
const MAX_TOLD = 20;

export interface Pack { rules: RuleSet; behaviours: BehaviourRule[]; loaded: Loaded }

/** Loads rules or throws a coded error that names the first mistake; all mistakes go to `warn`. */
export function loadPack(named: readonly string[], options: Omit<LoadOptions, 'cache'> = {}, warn: (line: string) => void = () => {}): Pack {
  const loaded = loadRules(rulePaths(named), { ...options, cache: CACHE });
  if (!loaded.rules) {
    for (const error of loaded.errors) warn(error.toLine());
    throw ruleFailures.invalid(loaded.errors.length, loaded.errors[0]!.message);
  }
  const { suricata } = loaded;
  if (suricata.errors.length > 0) {
    const keywords = Object.entries(suricata.keywords).sort((a, b) => b[1] - a[1]).map(([k, n]) => `${k} ${n}`).join(', ');
    warn(`SW_RULES_SKIPPED: ${suricata.loaded} rules in Suricata's language loaded, ${suricata.unsupported} left out for what is not supported${keywords && ` (${keywords})`}, ${suricata.wrong} for mistakes.`);
    for (const error of suricata.errors.slice(0, MAX_TOLD)) warn(error.toLine());
    if (suricata.errors.length > MAX_TOLD) warn(`… and ${suricata.errors.length - MAX_TOLD} more; npx shouwang rules check lists all.`);
  }
  const without = Object.entries(suricata.withoutEffect).sort((a, b) => b[1] - a[1]);
  if (without.length > 0) warn(`SW_RULES_WITHOUT_EFFECT: parts of rules change nothing here (${without.map(([k, n]) => `${k} ${n}`).join(', ')}); npx shouwang rules check says of which rules, and why.`);
  return packOf(loaded);
}

/** What a load without errors gives an analysis. */
export function packOf(loaded: Loaded): Pack {
  const behaviours = loaded.behaviours.map(({ document, place }) => behaviourRule(document, place)).filter((b) => b !== undefined);
  return { rules: loaded.rules!, behaviours, loaded };
}
