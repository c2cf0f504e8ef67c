import { RegexError, type RegexFlags } from './regex.js';

/** An expression over bytes; letters' cases are already in the sets. */
export type RegexNode =
  | { kind: 'set'; bits: Uint8Array }
  | { kind: 'concat' | 'alternate'; items: RegexNode[] }
  | { kind: 'repeat'; item: RegexNode; min: number; max: number; lazy: boolean }
  | { kind: 'start' | 'end' | 'line-start' | 'line-end' | 'word' | 'not-word' | 'empty' };

/** Times a bounded repetition may say. */
const MAX_REPEAT = 1000;
/** Groups within groups. */
const MAX_NESTING = 64;

const utf8 = new TextEncoder();
const of = (test: (b: number) => boolean): Uint8Array => {
  const bits = new Uint8Array(256);
  for (let b = 0; b < 256; b++) if (test(b)) bits[b] = 1;
  return bits;
};
const only = (b: number): Uint8Array => {
  const bits = new Uint8Array(256);
  bits[b] = 1;
  return bits;
};
/** Sets of one byte, and of one byte in either case; shared, never changed. */
const SINGLE = Array.from({ length: 256 }, (_, b): RegexNode => ({ kind: 'set', bits: only(b) }));
const FOLDED = Array.from({ length: 256 }, (_, b): RegexNode => ((b | 32) >= 97 && (b | 32) <= 122 ? { kind: 'set', bits: of((x) => (x | 32) === (b | 32)) } : SINGLE[b]));
const DIGIT = of((b) => b >= 48 && b <= 57);
const WORD = of((b) => (b >= 48 && b <= 57) || (b >= 65 && b <= 90) || (b >= 97 && b <= 122) || b === 95);
const SPACE = of((b) => b === 32 || (b >= 9 && b <= 13));
const POSIX: Record<string, Uint8Array> = {
  alnum: of((b) => WORD[b] === 1 && b !== 95), alpha: of((b) => WORD[b] === 1 && b > 57 && b !== 95), digit: DIGIT, space: SPACE, word: WORD,
  lower: of((b) => b >= 97 && b <= 122), upper: of((b) => b >= 65 && b <= 90),
  punct: of((b) => b > 32 && b < 127 && !(WORD[b] === 1 && b !== 95)), xdigit: of((b) => /[0-9a-f]/i.test(String.fromCharCode(b))),
  print: of((b) => b >= 32 && b < 127), graph: of((b) => b > 32 && b < 127), cntrl: of((b) => b < 32 || b === 127), blank: of((b) => b === 32 || b === 9),
};
const ESCAPED: Record<string, number> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7, e: 27 };
const inverse = (bits: Uint8Array) => bits.map((b) => 1 - b);

/** Parses the RE2-like language of rules/README.md. @throws RegexError with position and what to write instead. */
export function parseRegex(source: string, flags: RegexFlags): RegexNode {
  const chars = [...source];
  let i = 0;
  let depth = 0;
  let { nocase = false, dotAll = false, multiline = false } = flags;
  const fail = (why: string, hint: string, at = i): never => {
    throw new RegexError(`${why} at character ${at + 1}`, at, hint);
  };
  const fold = (bits: Uint8Array): Uint8Array => {
    if (!nocase) return bits;
    const out = bits.slice();
    for (let b = 65; b <= 90; b++) out[b] = out[b + 32] = bits[b] | bits[b + 32];
    return out;
  };
  const byte = (b: number): RegexNode => (nocase ? FOLDED : SINGLE)[b];
  const concat = (items: RegexNode[]): RegexNode => (items.length === 1 ? items[0] : items.length === 0 ? { kind: 'empty' } : { kind: 'concat', items });

  function alternation(): RegexNode {
    const items = [sequence()];
    while (chars[i] === '|') {
      i++;
      items.push(sequence());
    }
    return items.length === 1 ? items[0] : { kind: 'alternate', items };
  }

  function sequence(): RegexNode {
    const items: RegexNode[] = [];
    while (i < chars.length && chars[i] !== '|' && chars[i] !== ')') {
      const node = quantified(atom());
      if (node.kind === 'concat') items.push(...node.items);
      else if (node.kind !== 'empty') items.push(node);
    }
    return concat(items);
  }

  function quantified(node: RegexNode): RegexNode {
    let item = node;
    for (let times = 0; ; times++) {
      const at = i;
      let min: number;
      let max: number;
      const c = chars[i];
      if (c === '*') [min, max] = [0, Infinity];
      else if (c === '+') [min, max] = [1, Infinity];
      else if (c === '?') [min, max] = [0, 1];
      else if (c === '{') {
        const m = /^\{(\d{1,5})(,(\d{1,5})?)?\}/.exec(chars.slice(i, i + 16).join(''));
        if (!m) return item; // a brace that is no quantifier stands for itself
        min = Number(m[1]);
        max = m[2] === undefined ? min : m[3] === undefined ? Infinity : Number(m[3]);
        if (min > max) fail('repeats more often at least than at most', 'Write {least,most}.', at);
        if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT)) fail(`repeats more than ${MAX_REPEAT} times`, `Use {${min},} or a bound of at most ${MAX_REPEAT}.`, at);
        i += m[0].length - 1;
      } else return item;
      i++;
      if (times > 0) fail('repeats a repetition', 'Put the inner repetition into a group: (?:…).', at);
      let lazy = false;
      if (chars[i] === '?') {
        lazy = true;
        i++;
      } else if (chars[i] === '+') fail('has a possessive repetition', 'Leave the second + out; expressions run in linear time without it.');
      if (item.kind === 'start' || item.kind === 'end' || item.kind === 'word' || item.kind === 'not-word') fail('repeats an anchor', 'Leave the repetition out.', at);
      item = item.kind === 'empty' ? item : { kind: 'repeat', item, min, max, lazy };
    }
  }

  function atom(): RegexNode {
    const c = chars[i++];
    switch (c) {
      case '(': return group();
      case '[': return { kind: 'set', bits: set() };
      case '.': return { kind: 'set', bits: dotAll ? of(() => true) : of((b) => b !== 10) };
      case '^': return { kind: multiline ? 'line-start' : 'start' };
      case '$': return { kind: multiline ? 'line-end' : 'end' };
      case '*': case '+': case '?': return fail(`has nothing to repeat before '${c}'`, `Write \\${c} for the character itself.`, i - 1);
      case '\\': return escape();
      default: return concat([...utf8.encode(c)].map(byte));
    }
  }

  function group(): RegexNode {
    const at = i - 1;
    if (++depth > MAX_NESTING) fail('nests too many groups', 'Simplify the expression.', at);
    const before = { nocase, dotAll, multiline };
    if (chars[i] === '?') {
      const rest = chars.slice(i, i + 64).join('');
      const named = /^\?P?<[A-Za-z_]\w{0,30}>/.exec(rest);
      const options = /^\?([ims]*)(?:-([ims]+))?([:)])/.exec(rest);
      if (named) i += named[0].length;
      else if (options) {
        i += options[0].length;
        for (const [letters, on] of [[options[1], true], [options[2] ?? '', false]] as const) {
          if (letters.includes('i')) nocase = on;
          if (letters.includes('s')) dotAll = on;
          if (letters.includes('m')) multiline = on;
        }
        if (options[3] === ')') {
          depth--;
          return { kind: 'empty' }; // holds to the end of the enclosing group
        }
      } else if (/^\?<?[=!]/.test(rest)) fail('looks around', 'Use a second condition, or not: {…}, instead.', at);
      else if (rest.startsWith('?>')) fail('has an atomic group', 'Write (?:…); expressions run in linear time without it.', at);
      else fail(`has a group of unknown kind '(${rest.slice(0, 3)}'`, 'Write (?:…).', at);
    }
    const inner = alternation();
    if (chars[i] !== ')') fail('has a group that is never closed', 'Add ), or write \\( for the character itself.', at);
    i++;
    depth--;
    ({ nocase, dotAll, multiline } = before);
    return inner.kind === 'concat' ? { kind: 'concat', items: [inner] } : inner;
  }

  function escape(): RegexNode {
    const at = i - 1;
    const c = chars[i++];
    if (c === undefined) fail('ends with a backslash', 'Write \\\\ for the character itself.', at);
    const cls = classEscape(c);
    if (cls) return { kind: 'set', bits: cls };
    if (c === 'b') return { kind: 'word' };
    if (c === 'B') return { kind: 'not-word' };
    if (c === 'A') return { kind: 'start' };
    if (c === 'z' || c === 'Z') return { kind: 'end' };
    if (/[1-9]/.test(c) || c === 'k') fail('refers back to a group', 'Write the alternatives out; back references cannot run in linear time.', at);
    return byte(escapedByte(c, at));
  }

  function classEscape(c: string): Uint8Array | undefined {
    switch (c) {
      case 'd': return DIGIT;
      case 'D': return inverse(DIGIT);
      case 'w': return WORD;
      case 'W': return inverse(WORD);
      case 's': return SPACE;
      case 'S': return inverse(SPACE);
      case 'h': return POSIX.blank;
      default: return undefined;
    }
  }

  function escapedByte(c: string, at: number): number {
    if (c === 'x') {
      const m = /^(?:\{([0-9a-fA-F]{1,2})\}|([0-9a-fA-F]{2}))/.exec(chars.slice(i, i + 4).join(''));
      if (!m) return fail('has \\x without two hexadecimal digits', 'Write \\xHH, one byte.', at);
      i += m[0].length;
      return Number.parseInt(m[1] ?? m[2], 16);
    }
    if (c === '0') return 0;
    if (c in ESCAPED) return ESCAPED[c];
    if (/[A-Za-z]/.test(c)) return fail(`has the unknown escape \\${c}`, `Write ${c} without the backslash.`, at);
    const bytes = utf8.encode(c);
    return bytes.length === 1 ? bytes[0] : fail(`escapes '${c}'`, 'Write it without the backslash.', at);
  }

  function set(): Uint8Array {
    const at = i - 1;
    const bits = new Uint8Array(256);
    const negated = chars[i] === '^';
    if (negated) i++;
    for (let first = true; ; first = false) {
      const c = chars[i++];
      if (c === undefined) fail('has a class that is never closed', 'Add ], or write \\[ for the character itself.', at);
      if (c === ']' && !first) break;
      const posix = c === '[' ? /^:(\^?)([a-z]{1,8}):\]/.exec(chars.slice(i, i + 14).join('')) : null;
      if (posix) {
        const named = POSIX[posix[2]] ?? fail(`has the unknown class [:${posix[2]}:]`, `Known: ${Object.keys(POSIX).join(', ')}.`, i);
        i += posix[0].length;
        for (let b = 0; b < 256; b++) bits[b] |= posix[1] ? 1 - named[b] : named[b];
        continue;
      }
      const cls = c === '\\' ? classEscape(chars[i] ?? '') : undefined;
      if (cls) {
        i++;
        for (let b = 0; b < 256; b++) bits[b] |= cls[b];
        continue;
      }
      const from = classByte(c);
      let to = from;
      if (chars[i] === '-' && chars[i + 1] !== undefined && chars[i + 1] !== ']') {
        i++;
        to = classByte(chars[i++]);
        if (to < from) fail('has a range that runs backwards', 'Swap its ends, or escape the hyphen.', i - 1);
      }
      for (let b = from; b <= to; b++) bits[b] = 1;
    }
    const folded = fold(bits);
    return negated ? inverse(folded) : folded;
  }

  function classByte(c: string): number {
    if (c === '\\') {
      const e = chars[i++];
      if (e === undefined) return fail('ends with a backslash', 'Write \\\\ for the character itself.', i - 1);
      return e === 'b' ? 8 : escapedByte(e, i - 2);
    }
    const bytes = utf8.encode(c);
    return bytes.length === 1 ? bytes[0] : fail(`has '${c}' in a class, where each byte stands for itself`, `Write (?:${c}|…) instead.`, i - 1);
  }

  const tree = alternation();
  if (i < chars.length) fail("has ')' without '('", 'Write \\) for the character itself.');
  return tree;
}
