import type { Place } from '../signature.js';

/** One `keyword:value;` of a rule; `value` is as written, undefined where there is no colon. */
export interface Option { readonly keyword: string; readonly value: string | undefined; readonly place: Place }

/** A rule of Suricata's language, taken apart but not understood. */
export interface RuleSyntax {
  readonly action: string;
  readonly protocol: string;
  /** Entries of the address and port lists, flattened, with `!` in front of what is excluded. */
  readonly source: readonly string[];
  readonly sourcePorts: readonly string[];
  readonly direction: '->' | '<>' | '=>';
  readonly destination: readonly string[];
  readonly destinationPorts: readonly string[];
  readonly options: readonly Option[];
  readonly text: string;
  readonly place: Place;
}
export interface SyntaxProblem { readonly place: Place; readonly why: string }

/** Characters of one rule, and lists within lists of its header. */
export const MAX_RULE_LENGTH = 64 * 1024;
const MAX_LIST_DEPTH = 16;

/** Takes a rule file apart: one rule a line, `\` at its end continues it, `#` starts a comment. Never throws. */
export function parseRuleFile(text: string, file: string): { rules: RuleSyntax[]; problems: SyntaxProblem[] } {
  const rules: RuleSyntax[] = [];
  const problems: SyntaxProblem[] = [];
  const lines = text.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const first = i + 1;
    let line = lines[i] as string;
    if (/^\s*(?:#|$)/.test(line)) continue;
    while (line.endsWith('\\') && i + 1 < lines.length && line.length <= MAX_RULE_LENGTH) line = line.slice(0, -1) + (lines[++i] as string);
    const rule = parseRule(line, { file, line: first, column: 1 });
    if ('why' in rule) problems.push(rule);
    else rules.push(rule);
  }
  return { rules, problems };
}

/** An option whose place is worked out when a message asks for it. */
class OptionAt implements Option {
  constructor(readonly keyword: string, readonly value: string | undefined, private readonly rule: Place, private readonly column: number) {}
  get place(): Place {
    return { ...this.rule, column: this.column };
  }
}

/** Whether the character at `at` has an odd number of backslashes in front of it. */
function escaped(text: string, from: number, at: number): boolean {
  let n = 0;
  while (at - 1 - n >= from && text.charCodeAt(at - 1 - n) === 0x5c) n++;
  return n % 2 === 1;
}

function isKeyword(word: string): boolean {
  if (word.length === 0) return false;
  for (let i = 0; i < word.length; i++) {
    const c = word.charCodeAt(i);
    if (!((c >= 97 && c <= 122) || (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c === 95 || c === 46 || c === 45)) return false;
  }
  return true;
}

/** Takes one rule apart. */
export function parseRule(text: string, place: Place): RuleSyntax | SyntaxProblem {
  const at = (column: number): Place => ({ ...place, column: column + 1 });
  if (text.length > MAX_RULE_LENGTH) return { place, why: `rule is longer than ${MAX_RULE_LENGTH} characters` };
  let i = 0;
  const words: string[] = [];
  // Seven words, where a list in brackets is one.
  for (let n = 0; n < 7; n++) {
    while (text[i] === ' ' || text[i] === '\t') i++;
    const start = i;
    let depth = 0;
    for (; i < text.length; i++) {
      const c = text[i] as string;
      if (c === '[') depth++;
      else if (c === ']') depth--;
      else if (depth === 0 && (c === ' ' || c === '\t' || c === '(')) break;
      if (depth < 0 || depth > MAX_LIST_DEPTH) return { place: at(i), why: 'brackets of the header do not match' };
    }
    if (depth !== 0) return { place: at(start), why: 'list of the header is never closed' };
    if (i === start) return { place: at(i), why: 'header has fewer than seven words: action protocol source port -> destination port' };
    words.push(text.slice(start, i));
  }
  const [action, protocol, source, sourcePorts, direction, destination, destinationPorts] = words as [string, string, string, string, string, string, string];
  if (direction !== '->' && direction !== '<>' && direction !== '=>') return { place, why: `direction is '${direction}', not -> or <>` };
  while (text[i] === ' ' || text[i] === '\t') i++;
  const end = text.trimEnd().length - 1;
  if (text[i] !== '(' || text[end] !== ')') return { place: at(i), why: 'options do not stand in parentheses' };
  const options: Option[] = [];
  for (i++; i < end;) {
    while (i < end && text.charCodeAt(i) <= 32) i++;
    if (i >= end) break;
    const start = i;
    // A semicolon that is part of a value is escaped, in quotes too.
    for (i = text.indexOf(';', i); i >= 0 && escaped(text, start, i); ) i = text.indexOf(';', i + 1);
    if (i < 0 || i >= end) return { place: at(start), why: 'option has no semicolon at its end' };
    let colon = text.indexOf(':', start);
    if (colon < 0 || colon > i) colon = i;
    const keyword = text.slice(start, colon).trim();
    if (!isKeyword(keyword)) return { place: at(start), why: `'${keyword.slice(0, 40)}' is no keyword` };
    options.push(new OptionAt(keyword, colon === i ? undefined : text.slice(colon + 1, i).trim(), place, start + 1));
    i++;
  }
  const list = { source: flatten(source), sourcePorts: flatten(sourcePorts), destination: flatten(destination), destinationPorts: flatten(destinationPorts) };
  return { action, protocol: protocol.toLowerCase(), direction, ...list, options, text: text.trim(), place };
}

/** `[a,![b,c]]` as `a`, `!b`, `!c`. */
function flatten(list: string): string[] {
  const out: string[] = [];
  const visit = (text: string, negated: boolean): void => {
    let inner = text.trim();
    let not = negated;
    while (inner.startsWith('!')) {
      inner = inner.slice(1).trim();
      not = !not;
    }
    if (!inner.startsWith('[')) {
      if (inner !== '') out.push(not ? `!${inner}` : inner);
      return;
    }
    let depth = 0;
    let start = 1;
    for (let i = 1; i < inner.length; i++) {
      const c = inner[i];
      if (c === '[') depth++;
      else if (c === ']' && depth > 0) depth--;
      else if (depth === 0 && (c === ',' || c === ']')) {
        visit(inner.slice(start, i), not);
        start = i + 1;
      }
    }
  };
  visit(list, false);
  return out;
}

/**
 * The bytes of a content value: `"ab|0d 0a|c\"d"`, `!` in front negates.
 * @returns a text that says what is wrong, where something is.
 */
export function parseContent(value: string): { negated: boolean; bytes: Uint8Array } | string {
  const m = /^(!?)\s*"([\s\S]*)"$/.exec(value.trim());
  if (!m) return 'content does not stand in double quotes';
  const text = Buffer.from(m[2] as string, 'utf8');
  const out: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as number;
    if (c === 0x7c) {
      const close = text.indexOf(0x7c, i + 1);
      const hex = close < 0 ? '' : text.subarray(i + 1, close).toString('latin1').replace(/\s+/g, '');
      if (close < 0 || hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) return 'bytes between bars are not pairs of hexadecimal digits';
      out.push(...Buffer.from(hex, 'hex'));
      i = close;
    } else if (c === 0x5c && i + 1 < text.length && [0x22, 0x3b, 0x5c, 0x3a].includes(text[i + 1] as number)) out.push(text[++i] as number);
    else out.push(c);
  }
  return out.length === 0 ? 'content is empty' : { negated: m[1] === '!', bytes: Uint8Array.from(out) };
}
