import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleDocument } from '../../contracts/rule.js';
import { DEFAULT_VARIABLES, type Variables } from './addresses.js';
import { compileRule } from './compile.js';
import { DocumentCache } from './document-cache.js';
import { parseRuleDocument } from './document.js';
import { ruleErrors, type RuleError, type RuleWarning } from './errors.js';
import { RuleSet } from './rule-set.js';
import type { Place, Signature } from './signature.js';
import { compileSuricata } from './suricata/compile.js';
import { Datasets } from './suricata/datasets.js';
import { Reputation, type ReputationFiles } from './suricata/reputation.js';
import { parseRuleFile } from './suricata/syntax.js';

/** Rule files under one path; more is a path written wrongly (`/`). */
const MAX_FILES = 100_000;

export interface LoadOptions {
  /** `$HOME_NET` and others, over the defaults. */
  variables?: Variables;
  /** Leaves rules of Suricata's language out that cannot be loaded; `skipped` tells them. */
  skipUnsupported?: boolean;
  /** Folder where documents found right are kept, so that the next load need not read YAML. */
  cache?: string;
  /** Rules of Suricata's language look at TCP flows whose handshake was not seen, or only one direction of which. */
  midstream?: boolean;
  /** What lists say of addresses, for rules on `iprep`. */
  reputation?: ReputationFiles;
}

/** Rules left out, by what they would have needed. */
export interface Skipped {
  loaded: number; unsupported: number; wrong: number; keywords: Record<string, number>; errors: RuleError[];
  /** Parts of loaded rules that change nothing here, by keyword; each is among the warnings. */
  withoutEffect: Record<string, number>;
}

/** A behaviour of analyzer/detect that a rule asks for, with what the rule says of it. */
export interface BehaviourRule { document: RuleDocument; place: Place }

export interface Loaded {
  /** undefined when there is any error: all or nothing. */
  rules: RuleSet | undefined;
  behaviours: BehaviourRule[];
  /** Every document that is right, with its place: for `rules test`, the console's rule pages. */
  documents: { document: RuleDocument; file: string }[];
  errors: RuleError[];
  warnings: RuleWarning[];
  /** Of rules in Suricata's language. */
  suricata: Skipped;
}

/**
 * Reads rule files and folders (searched for `*.yaml`, `*.yml` and, in Suricata's language, `*.rules`; `rule.schema.json` and captures are passed over) and
 * compiles them, in the order of their sids. Never throws: what is wrong is in `errors`.
 */
export function loadRules(paths: readonly string[], options: LoadOptions = {}): Loaded {
  const errors: RuleError[] = [];
  const warnings: RuleWarning[] = [];
  const files: string[] = [];
  for (const path of paths) collect(path, files, errors);
  const variables = { ...DEFAULT_VARIABLES, ...options.variables };
  const signatures: Signature[] = [];
  const behaviours: BehaviourRule[] = [];
  const documents: Loaded['documents'] = [];
  const ids = new Map<string, () => Place>();
  const sids = new Map<number, () => Place>();
  const cache = options.cache === undefined ? undefined : new DocumentCache(options.cache);
  const suricata: Skipped = { loaded: 0, unsupported: 0, wrong: 0, keywords: {}, errors: [], withoutEffect: {} };
  const reputation = options.reputation && Reputation.load(options.reputation);
  if (typeof reputation === 'string') errors.push(ruleErrors.reputation(reputation));
  const datasets = new Datasets(typeof reputation === 'string' ? undefined : reputation);
  if (reputation instanceof Reputation) for (const message of reputation.problems) warnings.push({ code: 'SW_RULE_REPUTATION', place: { file: options.reputation!.categories, line: 1, column: 1 }, message });
  const numbers = new Map<string, { signature: Signature; at: number }>();
  for (const file of [...new Set(files)].sort()) {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      errors.push(ruleErrors.unreadable(file, (error as NodeJS.ErrnoException).code ?? 'unknown'));
      continue;
    }
    if (file.endsWith('.rules')) {
      loadSuricata(text, file);
      continue;
    }
    const parsed = cache ? cache.parse(text, file) : parseRuleDocument(text, file);
    errors.push(...parsed.errors);
    const { document } = parsed;
    if (!document) continue;
    for (const [map, key, value] of [[ids, 'id', document.id], [sids, 'sid', document.sid]] as const) {
      const place = () => parsed.placeOf([key]);
      const other = (map as Map<string | number, () => Place>).get(value);
      if (other) errors.push(ruleErrors.duplicate(place(), key, String(value), other()));
      else (map as Map<string | number, () => Place>).set(value, place);
    }
    const compiled = compileRule(document, parsed.placeOf, variables, datasets);
    errors.push(...compiled.errors);
    if (compiled.errors.length > 0) continue;
    documents.push({ document, file });
    if (document.enabled === false) continue;
    warnings.push(...compiled.warnings);
    if (compiled.signature) signatures.push(compiled.signature);
    else behaviours.push({ document, place: parsed.placeOf([]) });
  }
  function loadSuricata(source: string, file: string): void {
    const { rules, problems } = parseRuleFile(source, file);
    const refuse = (error: RuleError, keyword: string | undefined): void => {
      if (!options.skipUnsupported) {
        errors.push(error);
        return;
      }
      suricata.errors.push(error);
      if (keyword === undefined) suricata.wrong++;
      else {
        suricata.unsupported++;
        suricata.keywords[keyword] = (suricata.keywords[keyword] ?? 0) + 1;
      }
    };
    for (const { place, why } of problems) refuse(ruleErrors.syntax(place, why), undefined);
    for (const rule of rules) {
      const { signature, error, unsupported, notices } = compileSuricata(rule, variables, datasets);
      if (error) refuse(error, unsupported);
      if (!signature) continue;
      suricata.loaded++;
      for (const { keyword, place, why } of notices) {
        suricata.withoutEffect[keyword] = (suricata.withoutEffect[keyword] ?? 0) + 1;
        warnings.push({ code: 'SW_RULE_WITHOUT_EFFECT', place, message: `sid ${signature.info.sid}: '${keyword}' changes nothing here (${why})` });
      }
      // Of rules with the same number the highest revision stands.
      const key = `${signature.info.gid}:${signature.info.sid}`;
      const known = numbers.get(key);
      if (known) {
        if (known.signature.info.revision < signature.info.revision) {
          signatures[known.at] = signature;
          numbers.set(key, { signature, at: known.at });
        }
        continue;
      }
      numbers.set(key, { signature, at: signatures.push(signature) - 1 });
    }
  }
  cache?.save();
  signatures.sort((a, b) => (a.program === undefined ? 0 : 1) - (b.program === undefined ? 0 : 1) || (a.program ? 0 : a.info.sid - b.info.sid));
  behaviours.sort((a, b) => a.document.sid - b.document.sid);
  return { rules: errors.length === 0 ? new RuleSet(signatures, options.midstream) : undefined, behaviours, documents, errors, warnings, suricata };
}

function collect(path: string, files: string[], errors: RuleError[]): void {
  try {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) {
        if (files.length >= MAX_FILES || name === 'node_modules' || name.startsWith('.')) continue;
        const inner = join(path, name);
        if (/\.(?:ya?ml|rules)$/.test(name) || statSync(inner).isDirectory()) collect(inner, files, errors);
      }
    } else files.push(path);
  } catch (error) {
    errors.push(ruleErrors.unreadable(path, (error as NodeJS.ErrnoException).code ?? 'unknown'));
  }
}
