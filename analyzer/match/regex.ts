import { RE2JS } from 're2js';
import { parseRegex, type RegexNode } from './regex-syntax.js';

/**
 * Regular expressions over hostile bytes. Bytes are matched as a latin1 string, one character a byte. An expression is
 * parsed here, so that what is refused is refused with its position, and runs
 * - on V8's backtracking engine when its backtracking is bounded by the expression alone: no unbounded repetition,
 *   and at most `MAX_PATHS` ways to go from one start;
 * - on re2js, which is linear in the text, otherwise.
 */
export interface SafeRegex {
  readonly source: string;
  readonly engine: 'v8' | 're2';
  /** Tests; sets `start` and `end` (offsets in `text`) of the leftmost match from `from` on. */
  exec(text: string, from: number): boolean;
  start: number;
  end: number;
  /** Texts one of which (folded to lower case) is in everything that matches; undefined when there is none of use. */
  readonly literals: readonly string[] | undefined;
}

export interface RegexFlags { nocase?: boolean; dotAll?: boolean; multiline?: boolean }

/** Ways of backtracking from one start, times the bytes looked at: V8 stays above 10 MB/s at this. */
const MAX_PATHS = 512;
/** Bytes of one buffer that an expression looks at: longer buffers are tested in their first part. */
export const MAX_REGEX_BYTES = 256 * 1024;
/** Alternatives kept as prefilter literals. */
const MAX_LITERALS = 80;

export class RegexError extends Error {
  constructor(message: string, readonly position: number, readonly hint: string) {
    super(message);
  }
}

/** What there is to know of an expression that was found right: as text, so that it can be kept for the next start. */
export interface RegexFacts {
  engine: 'v8' | 're2';
  /** In the engine's own syntax. */
  printed: string;
  literals?: readonly string[];
  /** Of the linear engine: sets of texts (folded to lower case), of each of which one is in everything that matches. */
  gates?: readonly (readonly string[])[];
}

/** Of all expressions made here or remembered from before, by flags and source. */
const known = new Map<string, RegexFacts>();

/** Expressions of an earlier start that need no second proof. */
export function rememberRegexes(facts: Readonly<Record<string, RegexFacts>>): void {
  for (const key of Object.keys(facts)) known.set(key, facts[key]);
}

/** The expressions found right so far. */
export function regexesFound(): Record<string, RegexFacts> {
  return Object.fromEntries(known);
}

/** @throws RegexError when the expression is not within the language. */
export function compileRegex(source: string, flags: RegexFlags = {}): SafeRegex {
  const key = `${flags.nocase ? 'i' : ''}${flags.dotAll ? 's' : ''}${flags.multiline ? 'm' : ''}/${source}`;
  let facts = known.get(key);
  if (facts === undefined) known.set(key, (facts = examine(source, flags)));
  return facts.engine === 'v8' ? new V8Regex(source, facts) : new LinearRegex(source, facts);
}

function examine(source: string, flags: RegexFlags): RegexFacts {
  const tree = parseRegex(source, flags);
  const found = required(tree);
  const literals = found === undefined ? {} : { literals: found };
  if (paths(tree) <= MAX_PATHS) return { engine: 'v8', printed: print(tree, 'v8'), ...literals };
  const printed = print(tree, 're2');
  try {
    if (size(tree) > MAX_LATER) RE2JS.compile(printed);
  } catch (error) {
    throw new RegexError(`is too large (${(error as Error).message})`, 0, 'Split it into several conditions.');
  }
  const sets = gates(tree);
  return { engine: 're2', printed, ...literals, ...(sets.length > 0 && { gates: sets }) };
}

/** Expressions of more bytes and choices might be refused by the engine: it is asked. */
const MAX_LATER = 1000;

/** Bytes and choices of an expression with its repetitions written out. */
function size(node: RegexNode): number {
  switch (node.kind) {
    case 'concat': case 'alternate': return node.items.reduce((sum, item) => sum + size(item), 1);
    case 'repeat': return 1 + size(node.item) * Math.max(1, node.max === Infinity ? node.min + 1 : node.max);
    default: return 1;
  }
}

/** Made when first asked: most never are. */
class V8Regex implements SafeRegex {
  readonly engine = 'v8';
  readonly literals: readonly string[] | undefined;
  start = 0;
  end = 0;
  private regex: RegExp | undefined;
  constructor(readonly source: string, private readonly facts: RegexFacts) {
    this.literals = facts.literals;
  }
  exec(text: string, from: number): boolean {
    const regex = (this.regex ??= new RegExp(this.facts.printed, 'g'));
    regex.lastIndex = from;
    const m = regex.exec(text);
    if (!m) return false;
    this.start = m.index;
    this.end = m.index + m[0].length;
    return true;
  }
}

class LinearRegex implements SafeRegex {
  readonly engine = 're2';
  readonly literals: readonly string[] | undefined;
  start = 0;
  end = 0;
  private regex: RE2JS | undefined;
  constructor(readonly source: string, private readonly facts: RegexFacts) {
    this.literals = facts.literals;
  }

  exec(text: string, from: number): boolean {
    if (this.facts.gates !== undefined && !passes(this.facts.gates, text)) return false;
    const regex = (this.regex ??= RE2JS.compile(this.facts.printed));
    // The DFA answers "no" ten times faster than the engine that knows positions.
    if (from === 0 && !regex.test(text)) return false;
    const m = regex.matcher(text);
    if (!m.find(from)) return false;
    this.start = m.start();
    this.end = m.end();
    return true;
  }
}

/** The text asked about last, and its lower case: many expressions ask of the same one. */
let asked = '';
let lower = '';

/** Whether a text has one of each set: where it has not, looking costs a hundredth of what the engine would take to say no. */
function passes(sets: readonly (readonly string[])[], text: string): boolean {
  if (asked !== text) {
    asked = text;
    lower = text.toLowerCase();
  }
  for (const set of sets) {
    let found = false;
    for (let i = 0; i < set.length && !found; i++) found = lower.includes(set[i]);
    if (!found) return false;
  }
  return true;
}

/** Sets that an expression is asked about before it runs, the most telling ones; literals of one set; bytes of the shortest. */
const MAX_GATES = 4;
const MAX_GATE_LITERALS = 64;
const MIN_GATE = 2;

/** Every match has a text of each set. Bytes beyond ASCII are left out: folding a text to lower case changes some of them. */
function gates(tree: RegexNode): string[][] {
  const parts = tree.kind === 'concat' ? pieces(tree.items) : [literalsOf(tree)];
  const sets = parts.filter((set): set is string[] => set !== undefined && set.length <= MAX_GATE_LITERALS && shortest(set) >= MIN_GATE && set.every((text) => /^[\x00-\x7f]+$/.test(text)));
  return sets.map((set) => [...new Set(set)]).sort((a, b) => shortest(b) - shortest(a) || a.length - b.length).slice(0, MAX_GATES);
}

/** What each stretch of a sequence needs. */
function pieces(items: readonly RegexNode[]): (string[] | undefined)[] {
  const sets: (string[] | undefined)[] = [];
  let run: RegexNode[] = [];
  for (const item of items) {
    if (item.kind === 'set' || item.kind === 'word' || item.kind === 'not-word') {
      run.push(item);
      continue;
    }
    if (run.length > 0) sets.push(literalsOf({ kind: 'concat', items: run }));
    run = [];
    if (item.kind === 'concat') sets.push(...pieces(item.items));
    else sets.push(literalsOf(item));
  }
  if (run.length > 0) sets.push(literalsOf({ kind: 'concat', items: run }));
  return sets;
}

/** Both engines' common syntax; cases are folded into classes, so neither folds beyond A–Z. */
function print(node: RegexNode, engine: 'v8' | 're2'): string {
  switch (node.kind) {
    case 'set': return printSet(node.bits);
    case 'concat': return node.items.map((n) => (n.kind === 'alternate' ? `(?:${print(n, engine)})` : print(n, engine))).join('');
    case 'alternate': return node.items.map((n) => print(n, engine)).join('|');
    case 'repeat': {
      const { min, max } = node;
      const times = min === 0 && max === Infinity ? '*' : min === 1 && max === Infinity ? '+' : min === 0 && max === 1 ? '?'
        : max === Infinity ? `{${min},}` : min === max ? `{${min}}` : `{${min},${max}}`;
      const inner = node.item.kind === 'set' ? print(node.item, engine) : `(?:${print(node.item, engine)})`;
      return inner + times + (node.lazy ? '?' : '');
    }
    case 'start': return '^';
    case 'end': return '$';
    case 'line-start': return engine === 'v8' ? '(?<![^\\n])' : '(?m:^)';
    case 'line-end': return engine === 'v8' ? '(?![^\\n])' : '(?m:$)';
    case 'word': return '\\b';
    case 'not-word': return '\\B';
    case 'empty': return '(?:)';
  }
}

const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, '0')}`;
const printByte = (byte: number) => (/[A-Za-z0-9_ ]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : hex(byte));

function printSet(bits: Uint8Array): string {
  const ranges: [number, number][] = [];
  for (let b = 0; b < 256; b++) {
    if (!bits[b]) continue;
    const last = ranges.at(-1);
    if (last && last[1] === b - 1) last[1] = b;
    else ranges.push([b, b]);
  }
  if (ranges.length === 0) return '[^\\x00-\\xff]';
  if (ranges.length === 1 && ranges[0][0] === ranges[0][1]) return printByte(ranges[0][0]);
  return `[${ranges.map(([from, to]) => (from === to ? printByte(from) : `${printByte(from)}-${printByte(to)}`)).join('')}]`;
}

/** Upper bound of bytes × choices that a backtracking engine tries from one start. */
function paths(tree: RegexNode): number {
  const { ways, length } = cost(tree);
  return ways * Math.max(1, Math.min(length, 64) / 8);
}

function cost(node: RegexNode): { ways: number; length: number } {
  switch (node.kind) {
    case 'concat': {
      let ways = 1;
      let length = 0;
      for (const item of node.items) {
        const c = cost(item);
        ways *= c.ways;
        length += c.length;
      }
      return { ways, length };
    }
    case 'alternate': {
      let ways = 0;
      let length = 0;
      for (const item of node.items) {
        const c = cost(item);
        ways += c.ways;
        length = Math.max(length, c.length);
      }
      return { ways, length };
    }
    case 'repeat': {
      if (node.max === Infinity) return { ways: Infinity, length: Infinity };
      const c = cost(node.item);
      let ways = 0;
      for (let n = node.min; n <= node.max && ways < 1e9; n++) ways += c.ways ** n;
      return { ways, length: c.length * node.max };
    }
    case 'set': return { ways: 1, length: 1 };
    default: return { ways: 1, length: 0 };
  }
}

interface Exact { text: string }

/** The best set of literals: every match contains one of them. The longest shortest one wins. */
function required(tree: RegexNode): string[] | undefined {
  const found = literalsOf(tree);
  return found && found.length <= MAX_LITERALS ? found : undefined;
}

function literalsOf(node: RegexNode): string[] | undefined {
  switch (node.kind) {
    case 'set': {
      const one = single(node);
      return one === undefined ? undefined : [one];
    }
    case 'repeat': return node.min > 0 ? literalsOf(node.item) : undefined;
    case 'alternate': {
      const all: string[] = [];
      for (const item of node.items) {
        const one = literalsOf(item);
        if (!one) return undefined;
        all.push(...one);
      }
      return all;
    }
    case 'concat': {
      let best: string[] | undefined;
      let run: Exact = { text: '' };
      const close = () => {
        if (run.text !== '') best = better(best, [run.text]);
        run = { text: '' };
      };
      for (const item of node.items) {
        const one = single(item);
        if (one !== undefined) {
          run.text += one;
          continue;
        }
        if (item.kind === 'repeat' && item.min > 0 && item.min <= 16) {
          const inner = single(item.item);
          if (inner !== undefined) {
            run.text += inner.repeat(item.min);
            if (item.min !== item.max) close();
            continue;
          }
        }
        if (item.kind === 'word' || item.kind === 'not-word' || item.kind === 'empty') continue;
        close();
        best = better(best, literalsOf(item));
      }
      close();
      return best;
    }
    default: return undefined;
  }
}

/** In nearly every request or page: a literal of these tells nothing. */
const COMMON = /^(?:(?:user-agent|referer|cookie|x-forwarded-for|x-real-ip|x-client-ip|client-ip|content-type|content-length|accept|host|https?)\b|<\/?(?:html|head|title|meta|link|body|script|style|div|span|form|input|table|t[dr]|a|p|br|h[1-3])(?:[ >]|$))/;
const worth = (set: string[]) => (set.some((s) => COMMON.test(s)) ? 1 : shortest(set));
const shortest = (set: string[]) => set.reduce((n, s) => Math.min(n, s.length), Infinity);
function better(a: string[] | undefined, b: string[] | undefined): string[] | undefined {
  if (!a || !b) return a ?? b;
  const [x, y] = [worth(a), worth(b)];
  return y > x || (y === x && b.length < a.length) ? b : a;
}

/** The byte, folded to lower case, of a set that holds one letter (in both cases or one) or one byte. */
const singles = new WeakMap<RegexNode, string>();
function single(node: RegexNode): string | undefined {
  if (node.kind !== 'set') return undefined;
  const known = singles.get(node);
  if (known !== undefined) return known;
  let found = -1;
  for (let b = 0; b < 256; b++) {
    if (!node.bits[b]) continue;
    const folded = b >= 65 && b <= 90 ? b + 32 : b;
    if (found !== -1 && found !== folded) return undefined;
    found = folded;
  }
  if (found === -1) return undefined;
  const text = String.fromCharCode(found);
  singles.set(node, text);
  return text;
}
