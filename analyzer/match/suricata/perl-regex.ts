/**
 * Perl-compatible expressions over bytes, as Suricata's `pcre` means them: look-around, back references, atomic groups
 * and possessive repetition included. They run on a backtracking machine that counts its steps and gives up at a bound,
 * as PCRE does at its match limit, so that hostile bytes cannot hold the engine up.
 */
export interface PerlFlags { nocase?: boolean; multiline?: boolean; dotAll?: boolean; extended?: boolean; anchored?: boolean; dollarEnd?: boolean; ungreedy?: boolean }

/** Steps of one search: more is given up as no match. */
export const MAX_STEPS = 200_000;
const MAX_REPEAT = 65_535;
const MAX_DEPTH = 64;
/** Calls within calls of the machine: V8's stack holds several times as many. */
const MAX_STACK = 2500;

export class PerlRegexError extends Error {}

type Node =
  | { k: 'set'; bits: Uint8Array }
  | { k: 'cat' | 'alt'; items: Node[] }
  | { k: 'rep'; item: Node; min: number; max: number; mode: 'greedy' | 'lazy' | 'possessive' }
  | { k: 'group'; item: Node; index: number }
  | { k: 'look'; item: Node; ahead: boolean; negated: boolean }
  | { k: 'atomic'; item: Node }
  | { k: 'back'; index: number | string; nocase: boolean }
  | { k: 'cond'; index: number; yes: Node; no: Node }
  | { k: 'bol' | 'mbol' | 'eol' | 'meol' | 'eos' | 'eosn' | 'bos' | 'word' | 'nword' | 'keep' | 'fail' | 'empty' };

const table = (test: (b: number) => boolean) => Uint8Array.from({ length: 256 }, (_, b) => (test(b) ? 1 : 0));
const isDigit = (b: number) => b >= 48 && b <= 57;
const isWord = (b: number) => isDigit(b) || (b >= 65 && b <= 90) || (b >= 97 && b <= 122) || b === 95;
const isSpace = (b: number) => b === 32 || (b >= 9 && b <= 13);
const WORD = table(isWord);
const CLASSES: Record<string, Uint8Array> = {
  d: table(isDigit), D: table((b) => !isDigit(b)), w: WORD, W: table((b) => !isWord(b)), s: table(isSpace), S: table((b) => !isSpace(b)),
  h: table((b) => b === 9 || b === 32 || b === 0xa0), H: table((b) => b !== 9 && b !== 32 && b !== 0xa0),
  v: table((b) => (b >= 10 && b <= 13) || b === 0x85), V: table((b) => !((b >= 10 && b <= 13) || b === 0x85)), N: table((b) => b !== 10),
};
const POSIX: Record<string, Uint8Array> = {
  alnum: table((b) => isWord(b) && b !== 95), alpha: table((b) => isWord(b) && b !== 95 && !isDigit(b)), ascii: table((b) => b < 128), blank: table((b) => b === 9 || b === 32),
  cntrl: table((b) => b < 32 || b === 127), digit: CLASSES.d, graph: table((b) => b > 32 && b < 127), lower: table((b) => b >= 97 && b <= 122),
  print: table((b) => b >= 32 && b < 127), punct: table((b) => b > 32 && b < 127 && !(isWord(b) && b !== 95)), space: CLASSES.s, upper: table((b) => b >= 65 && b <= 90),
  word: WORD, xdigit: table((b) => isDigit(b) || (b >= 65 && b <= 70) || (b >= 97 && b <= 102)),
};
const ESCAPES: Record<string, number> = { n: 10, r: 13, t: 9, f: 12, a: 7, e: 27 };

/** Sets of one byte, which are never changed, and are most of an expression. */
const BYTES: (Uint8Array | undefined)[] = [];
const FOLDED_BYTES: (Uint8Array | undefined)[] = [];
const ANY = table(() => true);
const NO_LINE_END = table((b) => b !== 10);

class Parser {
  private i = 0;
  private depth = 0;
  groups = 0;
  readonly names = new Map<string, number>();
  private nocase: boolean;
  private multiline: boolean;
  private dotAll: boolean;
  private extended: boolean;
  private ungreedy: boolean;

  constructor(private readonly s: string, private readonly flags: PerlFlags) {
    this.nocase = flags.nocase ?? false;
    this.multiline = flags.multiline ?? false;
    this.dotAll = flags.dotAll ?? false;
    this.extended = flags.extended ?? false;
    this.ungreedy = flags.ungreedy ?? false;
  }

  parse(): Node {
    const node = this.alternation();
    if (this.i < this.s.length) this.fail(`unexpected '${this.s[this.i]}'`);
    return node;
  }

  private fail(why: string): never {
    throw new PerlRegexError(`${why} at character ${this.i + 1}`);
  }

  private alternation(): Node {
    const items = [this.sequence()];
    while (this.s[this.i] === '|') {
      this.i++;
      items.push(this.sequence());
    }
    return items.length === 1 ? items[0] : { k: 'alt', items };
  }

  private sequence(): Node {
    const items: Node[] = [];
    for (;;) {
      this.skipSpace();
      const c = this.s[this.i];
      if (c === undefined || c === '|' || c === ')') break;
      const node = this.quantified(this.atom());
      if (node.k !== 'empty') items.push(node);
    }
    return items.length === 1 ? items[0] : items.length === 0 ? { k: 'empty' } : { k: 'cat', items };
  }

  private skipSpace(): void {
    if (!this.extended) return;
    for (;;) {
      const c = this.s[this.i];
      if (c !== undefined && isSpace(c.charCodeAt(0))) this.i++;
      else if (c === '#') while (this.i < this.s.length && this.s[this.i] !== '\n') this.i++;
      else return;
    }
  }

  private quantified(first: Node): Node {
    let node = first;
    for (;;) {
      this.skipSpace();
      const c = this.s[this.i];
      let min = 0;
      let max = Infinity;
      if (c === '*') this.i++;
      else if (c === '+') {
        min = 1;
        this.i++;
      } else if (c === '?') {
        max = 1;
        this.i++;
      } else if (c === '{') {
        const m = /^\{(\d{0,6})(,(\d{0,6}))?\}/.exec(this.s.slice(this.i, this.i + 18));
        if (!m || (m[1] === '' && !m[3]) || m[1] === '') return node;
        min = Number(m[1]);
        max = m[2] === undefined ? min : m[3] === '' ? Infinity : Number(m[3]);
        if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT) || min > max) this.fail('bad repetition');
        this.i += m[0].length;
      } else return node;
      let mode: 'greedy' | 'lazy' | 'possessive' = this.ungreedy ? 'lazy' : 'greedy';
      if (this.s[this.i] === '?') {
        mode = this.ungreedy ? 'greedy' : 'lazy';
        this.i++;
      } else if (this.s[this.i] === '+') {
        mode = 'possessive';
        this.i++;
      }
      node = { k: 'rep', item: node, min, max, mode };
    }
  }

  private set(bits: Uint8Array): Node {
    if (!this.nocase) return { k: 'set', bits };
    const out = bits.slice();
    for (let b = 65; b <= 90; b++) out[b] = out[b + 32] = bits[b] | bits[b + 32];
    return { k: 'set', bits: out };
  }

  private byte(b: number): Node {
    const known = (this.nocase ? FOLDED_BYTES : BYTES)[b];
    if (known) return { k: 'set', bits: known };
    const bits = new Uint8Array(256);
    bits[b] = 1;
    const node = this.set(bits) as Node & { k: 'set' };
    (this.nocase ? FOLDED_BYTES : BYTES)[b] = node.bits;
    return node;
  }

  private atom(): Node {
    const c = this.s[this.i++];
    switch (c) {
      case '(': return this.group();
      case '[': return this.set(this.charClass());
      case '.': return { k: 'set', bits: this.dotAll ? ANY : NO_LINE_END };
      case '^': return { k: this.multiline ? 'mbol' : 'bol' };
      case '$': return { k: this.multiline ? 'meol' : this.flags.dollarEnd ? 'eos' : 'eosn' };
      case '*': case '+': case '?': return this.fail(`nothing to repeat before '${c}'`);
      case '\\': return this.escape();
      default: return this.byte(c.charCodeAt(0) & 255);
    }
  }

  private group(): Node {
    if (++this.depth > MAX_DEPTH) this.fail('too many groups within groups');
    const { nocase, multiline, dotAll, extended, ungreedy } = this;
    const restore = () => Object.assign(this, { nocase, multiline, dotAll, extended, ungreedy });
    const close = () => {
      if (this.s[this.i] !== ')') this.fail('group is never closed');
      this.i++;
      this.depth--;
      restore();
    };
    const rest = this.s.slice(this.i, this.i + 48);
    let m: RegExpExecArray | null;
    if (rest.startsWith('?#')) {
      const end = this.s.indexOf(')', this.i);
      if (end < 0) this.fail('comment is never closed');
      this.i = end + 1;
      this.depth--;
      return { k: 'empty' };
    }
    if (rest.startsWith('*')) this.fail('verbs are not part of the language');
    if (!rest.startsWith('?')) return this.capture(undefined, close);
    if ((m = /^\?(?:P?<([A-Za-z_]\w{0,63})>|'([A-Za-z_]\w{0,63})')/.exec(rest))) {
      this.i += m[0].length;
      return this.capture(m[1] ?? m[2], close);
    }
    if ((m = /^\?(<?)([=!])/.exec(rest))) {
      this.i += m[0].length;
      const item = this.alternation();
      close();
      return { k: 'look', item, ahead: m[1] === '', negated: m[2] === '!' };
    }
    if (rest.startsWith('?>')) {
      this.i += 2;
      const item = this.alternation();
      close();
      return { k: 'atomic', item };
    }
    if ((m = /^\?P=(\w{1,64})\)/.exec(rest))) {
      this.i += m[0].length;
      this.depth--;
      return { k: 'back', index: m[1], nocase: this.nocase };
    }
    if ((m = /^\?\((\d{1,2})\)/.exec(rest))) {
      this.i += m[0].length;
      const body = this.alternation();
      close();
      const [yes, no] = body.k === 'alt' ? [body.items[0], body.items.length > 2 ? { k: 'alt' as const, items: body.items.slice(1) } : body.items[1]] : [body, { k: 'empty' as const }];
      return { k: 'cond', index: Number(m[1]), yes, no };
    }
    if ((m = /^\?([imsxU]*)(?:-([imsxU]+))?([:)])/.exec(rest))) {
      this.i += m[0].length;
      for (const [letters, on] of [[m[1], true], [m[2] ?? '', false]] as const) {
        if (letters.includes('i')) this.nocase = on;
        if (letters.includes('m')) this.multiline = on;
        if (letters.includes('s')) this.dotAll = on;
        if (letters.includes('x')) this.extended = on;
        if (letters.includes('U')) this.ungreedy = on;
      }
      if (m[3] === ')') {
        this.depth--;
        return { k: 'empty' };
      }
      const item = this.alternation();
      close();
      return item.k === 'cat' || item.k === 'alt' ? { k: 'cat', items: [item] } : item;
    }
    if (rest.startsWith('?|')) {
      this.i += 2;
      const first = this.groups;
      let most = first;
      const items: Node[] = [];
      do {
        this.groups = first;
        items.push(this.sequence());
        most = Math.max(most, this.groups);
      } while (this.s[this.i] === '|' && ++this.i > 0);
      this.groups = most;
      close();
      return { k: 'alt', items };
    }
    return this.fail(`group of unknown kind '(${rest.slice(0, 3)}'`);
  }

  private capture(name: string | undefined, close: () => void): Node {
    const index = ++this.groups;
    if (name !== undefined) this.names.set(name, index);
    const item = this.alternation();
    close();
    return { k: 'group', item, index };
  }

  private escape(): Node {
    const c = this.s[this.i++];
    if (c === undefined) return this.fail('ends with a backslash');
    if (c in CLASSES) return this.set(CLASSES[c]);
    switch (c) {
      case 'b': return { k: 'word' };
      case 'B': return { k: 'nword' };
      case 'A': return { k: 'bos' };
      case 'G': return { k: 'bos' };
      case 'z': return { k: 'eos' };
      case 'Z': return { k: 'eosn' };
      case 'K': return { k: 'keep' };
      case 'R': return { k: 'alt', items: [{ k: 'cat', items: [this.byte(13), this.byte(10)] }, { k: 'set', bits: CLASSES.v }] };
      case 'Q': {
        const end = this.s.indexOf('\\E', this.i);
        const text = this.s.slice(this.i, end < 0 ? undefined : end);
        this.i = end < 0 ? this.s.length : end + 2;
        return { k: 'cat', items: [...text].map((t) => this.byte(t.charCodeAt(0) & 255)) };
      }
      case 'E': return { k: 'empty' };
      case 'k': case 'g': {
        const m = /^(?:\{(-?\w{1,64})\}|<(\w{1,64})>|'(\w{1,64})'|(\d{1,2}))/.exec(this.s.slice(this.i, this.i + 70));
        if (!m) return this.fail('reference to no group');
        this.i += m[0].length;
        const to = (m[1] ?? m[2] ?? m[3] ?? m[4]);
        const n = Number(to);
        return { k: 'back', index: Number.isNaN(n) ? to : n < 0 ? this.groups + 1 + n : n, nocase: this.nocase };
      }
      default:
    }
    if (c >= '1' && c <= '9') {
      const m = /^\d{1,3}/.exec(this.s.slice(this.i - 1)) as RegExpExecArray;
      const n = Number(m[0]);
      if (n < 10 || n <= this.groups) {
        this.i += m[0].length - 1;
        return { k: 'back', index: n, nocase: this.nocase };
      }
    }
    return this.byte(this.escapedByte(c));
  }

  private escapedByte(c: string): number {
    if (c === 'x') {
      const m = /^(?:\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{0,2}))/.exec(this.s.slice(this.i, this.i + 12)) as RegExpExecArray;
      this.i += m[0].length;
      const v = Number.parseInt(m[1] ?? (m[2] === '' ? '0' : m[2]), 16);
      return v > 255 ? this.fail('character above 255') : v;
    }
    if (c === 'o') {
      const m = /^\{([0-7]{1,3})\}/.exec(this.s.slice(this.i, this.i + 6));
      if (!m) return this.fail('bad octal escape');
      this.i += m[0].length;
      return Number.parseInt(m[1], 8) & 255;
    }
    if (c >= '0' && c <= '7') {
      const m = /^[0-7]{1,3}/.exec(this.s.slice(this.i - 1)) as RegExpExecArray;
      this.i += m[0].length - 1;
      return Number.parseInt(m[0], 8) & 255;
    }
    if (c === 'c') return (this.s.charCodeAt(this.i++) & 0xdf) ^ 64;
    if (c in ESCAPES) return ESCAPES[c];
    return c.charCodeAt(0) & 255;
  }

  private charClass(): Uint8Array {
    const bits = new Uint8Array(256);
    let negated = false;
    if (this.s[this.i] === '^') {
      negated = true;
      this.i++;
    }
    let first = true;
    for (;; first = false) {
      const c = this.s[this.i++];
      if (c === undefined) this.fail('class is never closed');
      if (c === ']' && !first) break;
      let low: number;
      if (c === '[' && /^:\^?[a-z]+:\]/.test(this.s.slice(this.i, this.i + 16))) {
        const m = /^:(\^?)([a-z]+):\]/.exec(this.s.slice(this.i, this.i + 16)) as RegExpExecArray;
        const posix = POSIX[m[2]] ?? this.fail(`no class [:${m[2]}:]`);
        for (let b = 0; b < 256; b++) bits[b] |= m[1] ? 1 - posix[b] : posix[b];
        this.i += m[0].length;
        continue;
      }
      if (c === '\\') {
        const e = this.s[this.i++];
        if (e === undefined) this.fail('class is never closed');
        if (e in CLASSES) {
          for (let b = 0; b < 256; b++) bits[b] |= CLASSES[e][b];
          continue;
        }
        if (e === 'Q' || e === 'E') continue;
        low = e === 'b' ? 8 : /[1-9]/.test(e) && !/[0-7]/.test(e) ? e.charCodeAt(0) : this.escapedByte(e);
      } else low = c.charCodeAt(0) & 255;
      let high = low;
      if (this.s[this.i] === '-' && this.s[this.i + 1] !== ']' && this.s[this.i + 1] !== undefined) {
        const save = this.i;
        this.i++;
        let h = this.s[this.i++];
        if (h === '\\') {
          h = this.s[this.i++] ?? this.fail('class is never closed');
          if (h in CLASSES) {
            this.i = save;
            bits[low] = 1;
            bits[45] = 1;
            this.i++;
            continue;
          }
          high = h === 'b' ? 8 : this.escapedByte(h);
        } else if (h === '[' && this.s[this.i] === ':') {
          this.i = save + 1;
          bits[low] = 1;
          bits[45] = 1;
          continue;
        } else high = h.charCodeAt(0) & 255;
        if (high < low) this.fail('range goes backwards');
      }
      for (let b = low; b <= high; b++) bits[b] = 1;
    }
    if (this.nocase) for (let b = 65; b <= 90; b++) bits[b] = bits[b + 32] = bits[b] | bits[b + 32];
    return negated ? bits.map((b) => 1 - b) : bits;
  }
}

type Next = (at: number) => boolean;
type Matcher = (at: number, next: Next) => boolean;

/** An expression; `exec` sets `start`, `end` and the groups of the leftmost match. */
export class PerlRegex {
  start = 0;
  end = 0;
  /** Pairs of offsets by group, -1 where a group took no part. */
  caps: Int32Array;
  private readonly tree: Node;
  readonly groups: number;
  private readonly names: Map<string, number>;
  private machine: Matcher | undefined;
  private first: Uint8Array | undefined;
  private u8: Uint8Array = new Uint8Array(0);
  private from = 0;
  private to = 0;
  private steps = 0;
  private stack = 0;
  private keepAt = -1;
  /** Searches given up at `MAX_STEPS`. */
  static givenUp = 0;

  /** @throws PerlRegexError */
  constructor(readonly source: string, private readonly flags: PerlFlags = {}) {
    const parser = new Parser(source, flags);
    this.tree = parser.parse();
    this.groups = parser.groups;
    this.names = parser.names;
    this.caps = new Int32Array(2 * (this.groups + 1));
  }

  /** Looks in u8[from, to) from `at` on; `^` is at `from`. */
  exec(u8: Uint8Array, from: number, to: number, at: number): boolean {
    if (!this.machine) {
      this.machine = this.build(this.tree);
      this.first = firstOf(this.tree);
    }
    this.u8 = u8;
    this.from = from;
    this.to = to;
    this.steps = 0;
    const { machine, first, flags } = this;
    const anchored = flags.anchored === true || startsAtBeginning(this.tree);
    for (let s = at; s <= to; s++) {
      if (first !== undefined && (s === to || first[u8[s]] === 0)) {
        if (anchored) return false;
        continue;
      }
      this.caps.fill(-1);
      this.keepAt = -1;
      this.stack = 0;
      const ok = machine(s, (e) => {
        this.end = e;
        return true;
      });
      if (ok) {
        this.start = this.keepAt >= 0 ? this.keepAt : s;
        return true;
      }
      if (this.steps > MAX_STEPS) {
        PerlRegex.givenUp++;
        return false;
      }
      if (anchored) return false;
    }
    return false;
  }

  private build(node: Node): Matcher {
    switch (node.k) {
      case 'empty': return (at, next) => next(at);
      case 'fail': return () => false;
      case 'set': {
        const { bits } = node;
        return (at, next) => at < this.to && bits[this.u8[at]] === 1 && next(at + 1);
      }
      case 'cat': {
        const parts = node.items.map((n) => this.build(n));
        if (parts.length === 0) return (at, next) => next(at);
        return parts.reduceRight<Matcher>((rest, part) => (at, next) => part(at, (e) => rest(e, next)), (at, next) => next(at));
      }
      case 'alt': {
        const parts = node.items.map((n) => this.build(n));
        return (at, next) => {
          for (const part of parts) {
            if (++this.steps > MAX_STEPS) return false;
            if (part(at, next)) return true;
          }
          return false;
        };
      }
      case 'group': {
        const inner = this.build(node.item);
        const i = node.index * 2;
        return (at, next) => {
          const a = this.caps[i];
          const b = this.caps[i + 1];
          if (inner(at, (e) => {
            const x = this.caps[i];
            const y = this.caps[i + 1];
            this.caps[i] = at;
            this.caps[i + 1] = e;
            if (next(e)) return true;
            this.caps[i] = x;
            this.caps[i + 1] = y;
            return false;
          })) return true;
          this.caps[i] = a;
          this.caps[i + 1] = b;
          return false;
        };
      }
      case 'atomic': {
        const inner = this.build(node.item);
        return (at, next) => {
          let end = -1;
          return inner(at, (e) => ((end = e), true)) && next(end);
        };
      }
      case 'look': {
        const inner = this.build(node.item);
        const { negated } = node;
        if (node.ahead) {
          return (at, next) => {
            const saved = negated ? this.caps.slice() : undefined;
            const found = inner(at, () => true);
            if (saved) this.caps.set(saved);
            return found !== negated && this.steps <= MAX_STEPS && next(at);
          };
        }
        const [least, most] = widthOf(node.item);
        return (at, next) => {
          let found = false;
          for (let back = least; back <= most && at - back >= this.from && !found; back++) {
            if (++this.steps > MAX_STEPS) return false;
            found = inner(at - back, (e) => e === at);
          }
          return found !== negated && next(at);
        };
      }
      case 'back': {
        const { nocase } = node;
        return (at, next) => {
          const index = typeof node.index === 'number' ? node.index : this.names.get(node.index) ?? 0;
          const a = this.caps[index * 2] ?? -1;
          if (a < 0) return false;
          const n = this.caps[index * 2 + 1] - a;
          if (at + n > this.to) return false;
          for (let k = 0; k < n; k++) {
            let x = this.u8[a + k];
            let y = this.u8[at + k];
            if (nocase) {
              if (x >= 65 && x <= 90) x |= 32;
              if (y >= 65 && y <= 90) y |= 32;
            }
            if (x !== y) return false;
          }
          return next(at + n);
        };
      }
      case 'cond': {
        const yes = this.build(node.yes);
        const no = this.build(node.no);
        return (at, next) => (this.caps[node.index * 2] >= 0 ? yes : no)(at, next);
      }
      case 'rep': return this.repeat(node);
      case 'keep': return (at, next) => {
        const was = this.keepAt;
        this.keepAt = at;
        if (next(at)) return true;
        this.keepAt = was;
        return false;
      };
      case 'bos': case 'bol': return (at, next) => at === this.from && next(at);
      case 'mbol': return (at, next) => (at === this.from || (this.u8[at - 1] === 10 && at < this.to)) && next(at);
      case 'eos': return (at, next) => at === this.to && next(at);
      case 'eol': case 'eosn': return (at, next) => (at === this.to || (at === this.to - 1 && this.u8[at] === 10)) && next(at);
      case 'meol': return (at, next) => (at === this.to || this.u8[at] === 10) && next(at);
      case 'word': return (at, next) => this.boundary(at) && next(at);
      case 'nword': return (at, next) => !this.boundary(at) && next(at);
    }
  }

  private boundary(at: number): boolean {
    const before = at > this.from && WORD[this.u8[at - 1]] === 1;
    const after = at < this.to && WORD[this.u8[at]] === 1;
    return before !== after;
  }

  private repeat(node: Node & { k: 'rep' }): Matcher {
    const { min, max, mode } = node;
    if (node.item.k === 'set') {
      const { bits } = node.item;
      return (at, next) => {
        const most = max === Infinity ? this.to : Math.min(this.to, at + max);
        if (mode === 'lazy') {
          let e = at;
          while (e < at + min) if (e >= this.to || bits[this.u8[e++]] === 0) return false;
          for (;;) {
            if (++this.steps > MAX_STEPS) return false;
            if (next(e)) return true;
            if (e >= most || bits[this.u8[e]] === 0) return false;
            e++;
          }
        }
        let e = at;
        while (e < most && bits[this.u8[e]] === 1) e++;
        this.steps += (e - at) >> 3;
        if (e < at + min) return false;
        if (mode === 'possessive') return next(e);
        for (; e >= at + min; e--) {
          if (++this.steps > MAX_STEPS) return false;
          if (next(e)) return true;
        }
        return false;
      };
    }
    const inner = this.build(node.item);
    if (mode === 'possessive') {
      return (at, next) => {
        let e = at;
        for (let n = 0; n < max; n++) {
          let end = -1;
          if (++this.steps > MAX_STEPS || !inner(e, (x) => ((end = x), true))) {
            if (n < min) return false;
            break;
          }
          if (end === e) break;
          e = end;
        }
        return next(e);
      };
    }
    const turn = (at: number, count: number, next: Next): boolean => {
      if (++this.steps > MAX_STEPS) return false;
      if (this.stack > MAX_STACK) {
        this.steps = MAX_STEPS + 1;
        return false;
      }
      const more = (): boolean => {
        this.stack++;
        const ok = inner(at, (e) => (e !== at || count < min) && turn(e, count + 1, next));
        this.stack--;
        return ok;
      };
      if (count < min) return more();
      if (mode === 'lazy') return next(at) || (count < max && more());
      return (count < max && more()) || next(at);
    };
    return (at, next) => turn(at, 0, next);
  }
}

/** Bytes that can begin a match; undefined when it can be empty or nobody can say. */
function firstOf(node: Node): Uint8Array | undefined {
  switch (node.k) {
    case 'set': return node.bits;
    case 'group': case 'atomic': return firstOf(node.item);
    case 'rep': return node.min > 0 ? firstOf(node.item) : undefined;
    case 'alt': {
      const out = new Uint8Array(256);
      for (const item of node.items) {
        const one = firstOf(item);
        if (!one) return undefined;
        for (let b = 0; b < 256; b++) out[b] |= one[b];
      }
      return out;
    }
    case 'cat': {
      for (const item of node.items) {
        if (['bol', 'mbol', 'bos', 'word', 'nword', 'look', 'keep'].includes(item.k)) continue;
        return firstOf(item);
      }
      return undefined;
    }
    default: return undefined;
  }
}

function startsAtBeginning(node: Node): boolean {
  switch (node.k) {
    case 'bol': case 'bos': return true;
    case 'cat': return node.items.length > 0 && startsAtBeginning(node.items[0]);
    case 'alt': return node.items.every(startsAtBeginning);
    case 'group': case 'atomic': return startsAtBeginning(node.item);
    default: return false;
  }
}

/** Fewest and most bytes that a node matches; looking behind further than 255 bytes is not tried. */
function widthOf(node: Node): [number, number] {
  switch (node.k) {
    case 'set': return [1, 1];
    case 'cat': return node.items.reduce<[number, number]>(([a, b], n) => { const [x, y] = widthOf(n); return [a + x, Math.min(255, b + y)]; }, [0, 0]);
    case 'alt': return node.items.map(widthOf).reduce(([a, b], [x, y]) => [Math.min(a, x), Math.max(b, y)]);
    case 'group': case 'atomic': return widthOf(node.item);
    case 'rep': {
      const [a, b] = widthOf(node.item);
      return [a * node.min, Math.min(255, node.max === Infinity ? 255 : b * node.max)];
    }
    case 'cond': {
      const [a, b] = widthOf(node.yes);
      const [x, y] = widthOf(node.no);
      return [Math.min(a, x), Math.max(b, y)];
    }
    case 'back': return [0, 255];
    default: return [0, 0];
  }
}
