import { coded, type OperatorError } from '../../runtime/errors.js';
import type { Place } from './signature.js';

const at = (p: Place) => `${p.file}:${p.line}:${p.column}`;

/** What is wrong with a rule, and what to write instead. */
export const ruleErrors = {
  unreadable: coded('SW_RULE_UNREADABLE', (path: string, why: string) => `${path} cannot be read (${why}).`, 'Check the path and its permissions.'),
  reputation: coded('SW_RULE_REPUTATION', (why: string) => `Reputation lists: ${why}.`, 'Correct analyzer.reputation (or --reputation): a file of categories, and files of "address,category,score".'),
  yaml: coded('SW_RULE_YAML', (p: Place, why: string) => `${at(p)}: not valid YAML: ${why}.`, 'Correct the YAML; an editor with rules/rule.schema.json shows where.'),
  unknownKey: coded('SW_RULE_UNKNOWN_KEY', (p: Place, key: string, where: string, _hint: string) => `${at(p)}: unknown key '${key}' in ${where}.`, (_p, _k, _w, hint) => hint),
  missing: coded('SW_RULE_MISSING', (p: Place, key: string, where: string) => `${at(p)}: '${key}' is missing in ${where}.`, (_p, key) => `Add '${key}:'; rules/README.md says what it means.`),
  translation: coded('SW_RULE_TRANSLATION', (p: Place, language: string, where: string) => `${at(p)}: ${where} has no '${language}' text.`, (_p, language) => `Add '${language}:'; operators read both languages.`),
  value: coded('SW_RULE_VALUE', (p: Place, where: string, why: string, _hint: string) => `${at(p)}: ${where} ${why}.`, (_p, _w, _why, hint) => hint),
  regex: coded('SW_RULE_REGEX', (p: Place, source: string, why: string, _hint: string) => `${at(p)}: regular expression /${source}/ ${why}.`, (_p, _s, _w, hint) => hint),
  buffer: coded('SW_RULE_BUFFER', (p: Place, buffer: string, protocol: string, _hint: string) => `${at(p)}: buffer '${buffer}' does not exist on ${protocol}.`, (_p, _b, _pr, hint) => hint),
  side: coded('SW_RULE_SIDE', (p: Place, buffer: string, side: string) => `${at(p)}: buffer '${buffer}' is never in the ${side}.`, (_p, _b, side) => `Move the condition to match.${side === 'request' ? 'response' : 'request'}.`),
  duplicate: coded('SW_RULE_DUPLICATE', (p: Place, key: string, value: string, other: Place) => `${at(p)}: ${key} ${value} is already used in ${at(other)}.`, (_p, key) => `Give one of the two rules another ${key}.`),
  variable: coded('SW_RULE_VARIABLE', (p: Place, name: string, _hint: string) => `${at(p)}: address or port variable ${name} is not defined.`, (_p, _n, hint) => hint),
  cursor: coded('SW_RULE_CURSOR', (p: Place, key: string, why: string) => `${at(p)}: '${key}' ${why}.`, 'See "Tests" in rules/README.md.'),
  capture: coded('SW_RULE_CAPTURE', (p: Place, file: string, why: string) => `${at(p)}: capture ${file} ${why}.`, 'Put the capture beside the rule, or correct the entry.'),
  failedCapture: coded('SW_RULE_FAILED_CAPTURE', (p: Place, rule: string, file: string, why: string) => `${at(p)}: rule ${rule} on ${file}: ${why}.`, 'Correct the rule or the capture; a rule that fails its own captures is not loaded in strict mode.'),
  unsupported: coded('SW_RULE_UNSUPPORTED', (p: Place, sid: string, keyword: string, why: string) => `${at(p)}: sid ${sid}: '${keyword}' is not supported (${why}).`, 'Leave the rule out, or load with --skip-unsupported, which reports what it left out.'),
  syntax: coded('SW_RULE_SYNTAX', (p: Place, why: string) => `${at(p)}: ${why}.`, 'Correct the rule.'),
} as const;

export interface RuleWarning { code: string; place: Place; message: string }
export type RuleError = OperatorError;
