import type { RuleDocument } from '../../contracts/rule.js';
import type { RuleWarning } from './errors.js';
import { compileRegex, type RegexFlags } from './regex.js';
import type { Place } from './signature.js';

/** Bytes of a text that repeats what an expression begins with: what an attacker would send to make it dear. */
const HOSTILE_BYTES = 16 * 1024;
/** An expression that needs longer for it is dear: 160 KB a second at least is asked of each. */
const DEAR_MS = 100;

const CHINESE = /[\u3400-\u9fff]/;

/** What is no mistake and yet not as a rule should be: untranslated texts, no technique, no verdict, dear expressions. */
export function lint(document: RuleDocument, place: Place): RuleWarning[] {
  const warnings: RuleWarning[] = [];
  const warn = (code: string, message: string): void => void warnings.push({ code, place, message: `rule ${document.id} ${message}` });
  for (const key of ['title', 'advice', 'because', 'falsePositives', 'remediation'] as const) {
    const text = document[key];
    if (text === undefined) continue;
    if (!CHINESE.test(text.zh)) warn('SW_RULE_UNTRANSLATED', `has no Chinese in ${key}.zh`);
    if (CHINESE.test(text.en)) warn('SW_RULE_UNTRANSLATED', `has Chinese in ${key}.en`);
  }
  if (document.suricata === undefined) {
    if ((document.techniques ?? []).length === 0) warn('SW_RULE_NO_TECHNIQUE', 'names no ATT&CK technique');
    // A behaviour judges by itself; so does what is followed up.
    if (document.behaviour === undefined && (document.verdict ?? []).length === 0) warn('SW_RULE_NO_VERDICT', 'has no verdict: it says of an attempt that it is one, whatever is answered');
    for (const [source, flags] of expressions([document.match, document.verdict])) {
      const ms = hostile(source, flags);
      if (ms > DEAR_MS) warn('SW_RULE_DEAR_REGEX', `has an expression that takes ${ms.toFixed(0)} ms for ${HOSTILE_BYTES} hostile bytes: /${source.length > 80 ? `${source.slice(0, 80)}…` : source}/`);
    }
  }
  return warnings;
}

function* expressions(node: unknown): Generator<[string, RegexFlags]> {
  if (Array.isArray(node)) for (const item of node) yield* expressions(item);
  else if (node !== null && typeof node === 'object') {
    const { regex, nocase } = node as { regex?: unknown; nocase?: unknown };
    if (typeof regex === 'string') yield [regex, nocase === true ? { nocase: true } : {}];
    for (const value of Object.values(node)) if (typeof value === 'object') yield* expressions(value);
  }
}

/** Time for texts made of the expression's own literals over and over, which is where backtracking shows. */
function hostile(source: string, flags: RegexFlags): number {
  let regex;
  try {
    regex = compileRegex(source, flags);
  } catch {
    return 0; // an error of its own
  }
  let worst = 0;
  for (const seed of [...(regex.literals ?? []).slice(0, 4), 'a', "1' ", '=(', '../', ' ']) {
    const text = `${seed}`.repeat(Math.ceil(HOSTILE_BYTES / Math.max(1, seed.length))).slice(0, HOSTILE_BYTES);
    const started = performance.now();
    regex.exec(text, 0);
    worst = Math.max(worst, performance.now() - started);
  }
  return worst;
}
