import { find, MAX_TRIES } from '../conditions.js';
import { MAX_REGEX_BYTES } from '../regex.js';
import type { ByteOp, Comparison, NumberForm, Value } from './program.js';

/** Slots that `byte_extract` and `byte_math` may fill in one rule. */
export const MAX_SLOTS = 32;
/** Digits of a number of 64 bits, octal and with a leading zero. */
const MAX_DIGITS = 23;
/** Bytes that `base64_decode` makes. */
const MAX_BASE64 = 64 * 1024;

type At<K extends ByteOp['kind']> = Extract<ByteOp, { kind: K }>;

/** Compares as `op` says; `<>` is between, bounds left out. */
export function compares(op: Comparison, v: number, a: number, b = 0): boolean {
  switch (op) {
    case '=': return v === a;
    case '!=': return v !== a;
    case '<': return v < a;
    case '>': return v > a;
    case '<=': return v <= a;
    case '>=': return v >= a;
    case '&': return and(v, a) !== 0;
    case '!&': return and(v, a) === 0;
    case '^': return v !== a;
    case '!^': return v === a;
    case '<>': return v > a && v < b;
    case '><': return v <= a || v >= b;
  }
}

function and(a: number, b: number): number {
  if (a <= 0xffffffff && b <= 0xffffffff) return (a & b) >>> 0;
  return Number(BigInt(Math.trunc(a)) & BigInt(Math.trunc(b)));
}

/**
 * Tests the bytes of one buffer against the conditions of a rule in Suricata's order of search: the cursor is the end of
 * the last match, and where a later condition looks from it and fails, the match moves on to its next place.
 */
export class ByteTester {
  /** Values of variables; they outlive one buffer, since a rule may read in one and use in another. */
  readonly slots = new Float64Array(MAX_SLOTS);
  /** Pairs of offsets of what matched. */
  readonly marks: number[] = [];
  /** Groups of expressions that matched, in pairs: which capture, which bytes. */
  captured: { scope: 'flow' | 'pkt' | 'alert'; name: string; bytes: Uint8Array }[] = [];
  givenUp = 0;
  /** What sets have said of the values that they hold; taken by the alert. */
  context: Record<string, unknown> | undefined;
  private u8: Uint8Array = new Uint8Array(0);
  private from = 0;
  private to = 0;
  private origin = 0;
  private number: number | undefined;
  private tries = 0;

  /** @param origin where offset 0 of a stream would lie; `from` for other buffers. */
  test(ops: readonly ByteOp[], u8: Uint8Array, from: number, to: number, origin = from, number?: number): boolean {
    this.u8 = u8;
    this.from = from;
    this.to = to;
    this.origin = origin;
    this.number = number;
    this.tries = 0;
    this.marks.length = 0;
    if (this.captured.length > 0) this.captured = [];
    const found = this.step(ops, 0, from);
    if (this.tries > MAX_TRIES) this.givenUp++;
    return found;
  }

  marked(from = this.from): [number, number][] {
    const out: [number, number][] = [];
    for (let i = 0; i < this.marks.length; i += 2) out.push([this.marks[i] - from, this.marks[i + 1] - from]);
    return out;
  }

  private value(v: Value): number {
    return typeof v === 'number' ? v : this.slots[v.slot];
  }

  private step(ops: readonly ByteOp[], index: number, cursor: number): boolean {
    if (index === ops.length) return true;
    if (++this.tries > MAX_TRIES) return false;
    const op = ops[index];
    switch (op.kind) {
      case 'content': return this.content(op, ops, index, cursor);
      case 'pcre': return this.pcre(op, ops, index, cursor);
      case 'isdataat': {
        const at = this.value(op.at);
        const there = op.relative ? cursor + at <= this.to : at < this.to - this.origin;
        return there !== op.negated && this.step(ops, index + 1, cursor);
      }
      case 'length': return compares(op.compare, this.to - this.from, op.value, op.high) && this.step(ops, index + 1, cursor);
      case 'number': {
        if (this.number === undefined) return false;
        return compares(op.compare, this.number, op.value, op.high) !== (op.negated ?? false) && this.step(ops, index + 1, cursor);
      }
      case 'number-in': {
        const v = this.number;
        return v !== undefined && op.ranges.some(([a, b]) => v >= a && v <= b) !== (op.negated ?? false) && this.step(ops, index + 1, cursor);
      }
      case 'number-bits': return this.number !== undefined && (this.number & op.mask) === op.value && this.step(ops, index + 1, cursor);
      case 'byte-test': {
        const at = (op.form.relative ? cursor : this.from) + this.value(op.offset);
        const read = this.read(op.form, at);
        if (read === undefined) return false;
        return compares(op.compare, read.v, this.value(op.value)) !== op.negated && this.step(ops, index + 1, cursor);
      }
      case 'byte-jump': return this.jump(op, ops, index, cursor);
      case 'byte-extract': {
        const at = (op.form.relative ? cursor : this.from) + this.value(op.offset);
        const read = this.read(op.form, at);
        if (read === undefined) return false;
        let v = read.v * op.multiplier;
        if (op.align > 0 && v % op.align !== 0) v += op.align - (v % op.align);
        this.slots[op.slot] = v;
        return this.step(ops, index + 1, at + read.n);
      }
      case 'byte-math': {
        const at = (op.form.relative ? cursor : this.from) + this.value(op.offset);
        const read = this.read(op.form, at);
        if (read === undefined) return false;
        const made = calculate(op.operator, read.v, this.value(op.operand));
        if (made === undefined) return false;
        this.slots[op.slot] = made;
        return this.step(ops, index + 1, at + read.n);
      }
      case 'base64': return this.base64(op, cursor) && this.step(ops, index + 1, cursor);
      case 'absent': return op.orElse && this.step(ops, index + 1, cursor);
      case 'set': {
        const bytes = this.u8.subarray(this.from, this.to);
        if (op.change === 'add') {
          if (!op.dataset.add(bytes)) return false;
        } else if (op.change === 'remove') {
          if (!op.dataset.remove(bytes)) return false;
        } else if (op.dataset.has(bytes) !== op.isset) return false;
        const about = op.isset ? op.dataset.context?.(bytes) : undefined;
        if (about) this.context = { ...this.context, [about.key]: about.value };
        return this.step(ops, index + 1, cursor);
      }
      case 'xform': return op.run(this.u8.subarray(this.from, this.to)) && this.step(ops, index + 1, cursor);
    }
  }

  private content(op: At<'content'>, ops: readonly ByteOp[], index: number, cursor: number): boolean {
    const { bytes } = op;
    let low: number;
    let high = this.to;
    if (op.distance !== undefined || op.within !== undefined) {
      const distance = op.distance === undefined ? 0 : this.value(op.distance);
      low = Math.max(this.from, cursor + distance);
      if (op.within !== undefined) high = Math.min(high, cursor + distance + this.value(op.within));
      if (op.offset !== undefined) low = Math.max(low, this.origin + this.value(op.offset));
      if (op.depth !== undefined) high = Math.min(high, this.origin + (op.offset === undefined ? 0 : this.value(op.offset)) + this.value(op.depth));
    } else {
      const offset = op.offset === undefined ? 0 : this.value(op.offset);
      low = Math.max(this.from, this.origin + offset);
      if (op.depth !== undefined) high = Math.min(high, this.origin + offset + this.value(op.depth));
    }
    if (op.starts) {
      low = Math.max(low, this.origin);
      high = Math.min(high, this.origin + bytes.length);
      if (this.origin < this.from) high = low - 1;
    }
    if (op.ends) {
      // Only the place at the end will do, and it must be within the bounds.
      if (high < this.to) return op.negated && this.step(ops, index + 1, cursor);
      low = Math.max(low, this.to - bytes.length);
    }
    const retry = looksFromHere(ops, index + 1);
    for (let at = low; ; at++) {
      at = find(this.u8, at, high, bytes, op.nocase);
      if (at < 0) break;
      if (op.negated) return false;
      const marks = this.marks.length;
      this.marks.push(at, at + bytes.length);
      if (this.step(ops, index + 1, at + bytes.length)) return true;
      this.marks.length = marks;
      if (!retry || this.tries > MAX_TRIES) return false;
    }
    return op.negated && this.step(ops, index + 1, cursor);
  }

  private pcre(op: At<'pcre'>, ops: readonly ByteOp[], index: number, cursor: number): boolean {
    const { regex } = op;
    const from = op.relative ? Math.min(cursor, this.to) : this.from;
    const to = Math.min(this.to, from + MAX_REGEX_BYTES);
    const retry = looksFromHere(ops, index + 1);
    let at = from;
    while (regex.exec(this.u8, from, to, at)) {
      if (op.negated) return false;
      const { start, end } = regex;
      const marks = this.marks.length;
      const captured = this.captured.length;
      this.marks.push(start, end);
      op.captures.forEach((c, i) => {
        const a = regex.caps[i * 2 + 2] ?? -1;
        if (a >= 0) this.captured.push({ ...c, bytes: this.u8.slice(a, regex.caps[i * 2 + 3]) });
      });
      if (this.step(ops, index + 1, end)) return true;
      this.marks.length = marks;
      this.captured.length = captured;
      if (!retry || this.tries > MAX_TRIES) return false;
      at = start + 1;
      if (at > to) return false;
    }
    return op.negated && this.step(ops, index + 1, cursor);
  }

  private jump(op: At<'byte-jump'>, ops: readonly ByteOp[], index: number, cursor: number): boolean {
    const at = (op.form.relative ? cursor : this.from) + this.value(op.offset);
    const read = this.read(op.form, at);
    if (read === undefined) return false;
    let v = read.v * op.multiplier;
    if (op.align && v % 4 !== 0) v += 4 - (v % 4);
    v += this.value(op.post);
    const to = op.from === 'beginning' ? this.from + v : op.from === 'end' ? this.to + v : at + read.n + v;
    if (to > this.to) return false;
    return this.step(ops, index + 1, Math.max(this.from, to));
  }

  /** A number at `at`; undefined where it would lie outside or has no digits. */
  private read(form: NumberForm, at: number): { v: number; n: number } | undefined {
    let bytes = this.value(form.bytes);
    // Digits without a length: as many as there are.
    if (bytes === 0 && form.text !== 0) bytes = Math.max(0, Math.min(MAX_DIGITS, this.to - at));
    if (at < this.from || at + bytes > this.to || bytes > 64) return undefined;
    let v = 0;
    let n = bytes;
    if (form.text === 0) {
      if (bytes > 8) return undefined;
      const little = form.dce ? this.dceLittle() : form.little;
      for (let i = 0; i < bytes; i++) v = v * 256 + this.u8[little ? at + bytes - 1 - i : at + i];
    } else {
      const text = Buffer.from(this.u8.buffer, this.u8.byteOffset + at, bytes).toString('latin1');
      const m = (form.text === 16 ? /^[\s]*[+-]?(?:0[xX])?[0-9a-fA-F]+/ : form.text === 8 ? /^\s*[+-]?[0-7]+/ : /^\s*[+-]?\d+/).exec(text);
      if (!m) return undefined;
      n = m[0].length;
      v = Number.parseInt(m[0], form.text);
      if (Number.isNaN(v)) return undefined;
    }
    if (form.mask !== undefined) {
      v = and(v, form.mask);
      for (let m = form.mask; m > 0 && m % 2 === 0; m /= 2) v = Math.floor(v / 2);
    }
    return { v, n };
  }

  /** Data representation of a DCE/RPC header in front of the buffer is not visible here: little, as nearly all senders are. */
  private dceLittle(): boolean {
    return true;
  }

  private base64(op: At<'base64'>, cursor: number): boolean {
    const at = (op.relative ? cursor : this.from) + op.offset;
    if (at > this.to || at < this.from) return false;
    const length = Math.min(this.to - at, op.bytes === undefined ? this.to - at : this.value(op.bytes), MAX_BASE64 * 2);
    const decoded = decodeBase64(this.u8.subarray(at, at + length));
    if (decoded.length === 0) return false;
    if (op.ops.length === 0) return true;
    const { u8, from, to, origin } = this;
    this.u8 = decoded;
    this.from = 0;
    this.to = decoded.length;
    this.origin = 0;
    const marks = this.marks.length;
    const found = this.step(op.ops, 0, 0);
    this.marks.length = marks;
    Object.assign(this, { u8, from, to, origin });
    return found;
  }
}

/** What can be decoded from the start on: ends at the first byte outside the alphabet; whole quartets, as mail has them. */
export function decodeBase64(bytes: Uint8Array): Uint8Array {
  const kept: number[] = [];
  for (const c of bytes) {
    if ((c >= 65 && c <= 90) || (c >= 97 && c <= 122) || (c >= 48 && c <= 57) || c === 43 || c === 47) kept.push(c);
    else if (c === 32 || c === 9 || c === 10 || c === 13) continue;
    else break;
  }
  return Uint8Array.from(Buffer.from(Buffer.from(kept).toString('latin1'), 'base64'));
}

function calculate(operator: string, a: number, b: number): number | undefined {
  switch (operator) {
    case '+': return a + b;
    case '-': return a >= b ? a - b : a - b + 2 ** 64; // as an unsigned number of 64 bits
    case '*': return a * b;
    case '/': return b === 0 ? undefined : Math.floor(a / b);
    case '<<': return b < 64 ? a * 2 ** b : 0;
    default: return b < 64 ? Math.floor(a / 2 ** b) : 0;
  }
}

/** Whether the next condition depends on where the one before it matched. */
function looksFromHere(ops: readonly ByteOp[], index: number): boolean {
  const op = ops[index];
  if (op === undefined) return false;
  switch (op.kind) {
    case 'content': return op.distance !== undefined || op.within !== undefined;
    case 'pcre': case 'isdataat': case 'base64': return op.relative;
    case 'byte-test': case 'byte-jump': case 'byte-extract': case 'byte-math': return op.form.relative;
    default: return false;
  }
}
