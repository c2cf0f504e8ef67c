import { MAX_REGEX_BYTES } from './regex.js';
import type { Leaf, Node, Op } from './signature.js';

/** Places that one test may try before it gives up: repeated texts in hostile bytes must not make it quadratic. */
export const MAX_TRIES = 3000;

/** Half-open ranges of what matched, absolute, in pairs. */
export interface Marks { count: number; readonly at: number[] }

/** True, false, or not yet known (Kleene's logic): a stage that is still to come may decide. */
export type Truth = 1 | 0 | -1;

/** @param truth by slot: 1 where a leaf has been true, 0 where it can't be any more. */
export function decide(node: Node, truth: Int8Array): Truth {
  switch (node.kind) {
    case 'buffer': case 'event': return truth[node.slot] as Truth;
    case 'not': {
      const child = decide(node.child, truth);
      return child === -1 ? -1 : child === 1 ? 0 : 1;
    }
    case 'all': {
      let all: Truth = 1;
      for (const child of node.children) {
        const one = decide(child, truth);
        if (one === 0) return 0;
        if (one === -1) all = -1;
      }
      return all;
    }
    case 'any': {
      let any: Truth = 0;
      for (const child of node.children) {
        const one = decide(child, truth);
        if (one === 1) return 1;
        if (one === -1) any = -1;
      }
      return any;
    }
  }
}

/**
 * Tests one instance of a buffer. `u8` may be the arena or any other bytes; `from` and `to` bound the instance. Relative
 * contents follow Suricata: the cursor is the end of the last match, and when a later one fails, an earlier one moves on
 * to its next place.
 */
export class Tester {
  private u8: Uint8Array = new Uint8Array(0);
  private from = 0;
  private to = 0;
  /** Where offset 0 of the buffer lies when the window begins later (streams); otherwise `from`. */
  private origin = 0;
  private tries = 0;
  private text: string | undefined;
  private number: number | undefined;
  private readonly marks: Marks = { count: 0, at: [] };
  /** Tests given up after `MAX_TRIES`. */
  givenUp = 0;

  /** @param number the buffer's value where the parser gave one as a number. */
  test(leaf: Leaf, u8: Uint8Array, from: number, to: number, origin = from, number?: number): boolean {
    this.u8 = u8;
    this.from = from;
    this.to = to;
    this.origin = origin;
    this.tries = 0;
    this.text = undefined;
    this.number = number;
    this.marks.count = 0;
    const found = this.step(leaf.ops, 0, from);
    if (this.tries > MAX_TRIES) this.givenUp++;
    return found;
  }

  /** Of the last successful test, relative to `from`. */
  marked(): [number, number][] {
    const out: [number, number][] = [];
    for (let i = 0; i < this.marks.count; i++) out.push([this.marks.at[i * 2] - this.from, this.marks.at[i * 2 + 1] - this.from]);
    return out;
  }

  private step(ops: readonly Op[], index: number, cursor: number): boolean {
    if (index === ops.length) return true;
    if (++this.tries > MAX_TRIES) return false;
    const op = ops[index];
    switch (op.kind) {
      case 'content': return this.content(op, ops, index, cursor);
      case 'regex': return this.regex(op, ops, index, cursor);
      case 'length': {
        const n = this.to - this.from;
        return n >= op.min && n <= op.max && this.step(ops, index + 1, cursor);
      }
      case 'number': {
        const v = this.number ?? decimal(this.u8, this.from, this.to);
        return v >= op.min && v <= op.max && (op.values === undefined || op.values.includes(v)) && (this.mark(this.from, this.to), this.step(ops, index + 1, cursor));
      }
      case 'number-at': return this.numberAt(op, cursor) && this.step(ops, index + 1, cursor);
      case 'entropy': {
        const e = entropy(this.u8, this.from, this.to);
        return e >= op.min && e <= op.max && this.step(ops, index + 1, cursor);
      }
    }
  }

  private content(op: Op & { kind: 'content' }, ops: readonly Op[], index: number, cursor: number): boolean {
    const low = Math.max(this.from, (op.relative ? cursor : this.origin) + op.offset);
    const high = op.room < 0 ? this.to : Math.min(this.to, (op.relative ? cursor : this.origin) + op.offset + op.room);
    for (const needle of op.needles) {
      const first = op.start ? this.origin : op.end ? Math.max(low, this.to - needle.length) : low;
      if (first < low) continue;
      let at = first;
      for (;;) {
        at = find(this.u8, at, op.start ? Math.min(high, first + needle.length) : high, needle, op.nocase);
        if (at < 0 || (op.end && at + needle.length !== this.to)) break;
        if (op.negated) return false;
        const mark = this.marks.count;
        this.mark(at, at + needle.length);
        if (this.step(ops, index + 1, at + needle.length)) return true;
        this.marks.count = mark;
        // Another place helps only what looks from here.
        if (this.tries > MAX_TRIES || !looksBack(ops, index + 1)) break;
        at++;
      }
    }
    return op.negated && this.step(ops, index + 1, cursor);
  }

  private regex(op: Op & { kind: 'regex' }, ops: readonly Op[], index: number, cursor: number): boolean {
    const low = Math.max(this.from, (op.relative ? cursor : this.origin) + op.offset);
    const high = op.room < 0 ? this.to : Math.min(this.to, (op.relative ? cursor : this.origin) + op.offset + op.room);
    let base = this.from;
    let text: string;
    // An expression that looks from the cursor has its `^` there; a bounded one ends where its room ends.
    if (op.relative || op.offset > 0 || op.room >= 0) {
      base = low;
      text = latin1(this.u8, low, Math.min(high, low + MAX_REGEX_BYTES));
    } else text = this.text ??= latin1(this.u8, this.from, Math.min(this.to, this.from + MAX_REGEX_BYTES));
    if (low > high) return op.negated && this.step(ops, index + 1, cursor);
    let from = 0;
    while (op.regex.exec(text, from)) {
      if (op.negated) return false;
      const { start, end } = op.regex;
      const mark = this.marks.count;
      this.mark(base + start, base + end);
      if (this.step(ops, index + 1, base + end)) return true;
      this.marks.count = mark;
      if (this.tries > MAX_TRIES || !looksBack(ops, index + 1)) return false;
      from = start + 1;
      if (from > text.length) return false;
    }
    return op.negated && this.step(ops, index + 1, cursor);
  }

  private numberAt(op: Op & { kind: 'number-at' }, cursor: number): boolean {
    const at = (op.relative ? cursor : this.origin) + op.at;
    if (at < this.from || at + op.bytes > this.to) return false;
    let v = 0n;
    for (let i = 0; i < op.bytes; i++) v = (v << 8n) | BigInt(this.u8[op.little ? at + op.bytes - 1 - i : at + i]);
    if (op.mask !== undefined) v &= op.mask;
    if (op.min !== undefined && v < op.min) return false;
    if (op.max !== undefined && v > op.max) return false;
    if (op.values !== undefined && !op.values.includes(v)) return false;
    this.mark(at, at + op.bytes);
    return true;
  }

  private mark(from: number, to: number): void {
    this.marks.at[this.marks.count * 2] = from;
    this.marks.at[this.marks.count++ * 2 + 1] = to;
  }
}

/** Whether a later test depends on where the one before it matched. */
function looksBack(ops: readonly Op[], from: number): boolean {
  for (let i = from; i < ops.length; i++) {
    const op = ops[i];
    if (op.kind === 'content' || op.kind === 'regex' || op.kind === 'number-at') {
      if (op.relative) return true;
      if (op.kind !== 'number-at' && !op.negated) return false; // it sets the cursor anew
    }
  }
  return false;
}

/** First place of `needle` within [from, to), or -1. With `nocase` the needle is in lower case. */
export function find(u8: Uint8Array, from: number, to: number, needle: Uint8Array, nocase: boolean): number {
  const n = needle.length;
  const first = needle[0];
  const last = to - n;
  if (!nocase) {
    for (let i = from; i <= last; i++) {
      if (u8[i] !== first) continue;
      let k = 1;
      while (k < n && u8[i + k] === needle[k]) k++;
      if (k === n) return i;
    }
    return -1;
  }
  for (let i = from; i <= last; i++) {
    let k = 0;
    while (k < n && FOLD[u8[i + k]] === needle[k]) k++;
    if (k === n) return i;
  }
  return -1;
}
const FOLD = Uint8Array.from({ length: 256 }, (_, c) => (c >= 65 && c <= 90 ? c | 32 : c));

function latin1(u8: Uint8Array, from: number, to: number): string {
  return to <= from ? '' : Buffer.from(u8.buffer, u8.byteOffset + from, to - from).toString('latin1');
}

/** The buffer's text as a whole number; NaN when it isn't one. */
function decimal(u8: Uint8Array, from: number, to: number): number {
  if (to <= from || to - from > 15) return NaN;
  let v = 0;
  for (let i = from; i < to; i++) {
    const d = u8[i] - 48;
    if (d < 0 || d > 9) return NaN;
    v = v * 10 + d;
  }
  return v;
}

/** Shannon entropy in bits per byte. */
export function entropy(u8: Uint8Array, from: number, to: number): number {
  const n = to - from;
  if (n <= 0) return 0;
  const counts = new Uint32Array(256);
  for (let i = from; i < to; i++) counts[u8[i]]++;
  let bits = 0;
  for (const c of counts) if (c > 0) bits -= (c / n) * Math.log2(c / n);
  return bits;
}
