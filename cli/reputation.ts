import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ReputationFiles } from '../analyzer/match/suricata/reputation.js';
import { ruleErrors } from '../analyzer/match/errors.js';

/** The lists of a folder, by the names that Suricata gives them. @throws OperatorError */
export function reputationIn(folder: string): ReputationFiles {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    throw ruleErrors.reputation(`${folder} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  const files = names.filter((n) => n.endsWith('.list')).map((n) => join(folder, n));
  if (!names.includes('categories.txt') || files.length === 0) throw ruleErrors.reputation(`${folder} holds no categories.txt, or no *.list`);
  return { categories: join(folder, 'categories.txt'), files };
}
