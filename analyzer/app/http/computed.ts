import { createHash } from 'node:crypto';
import { latin } from '../bytes.js';

/** Of a request, what is searched for a calculation: expressions are short and stand in parameters and headers. */
const LOOKED_AT = 4096;
/** Calculations of one request that are done. */
const MAX_CALCULATIONS = 4;
/** A shorter result may stand in any page. */
const LEAST_RESULT = 1000n;
const STAR = 0x2a;
const FIVE = 0x35;
const PERCENT = 0x25;
/** Signs of a calculation as forms escape them. */
const ESCAPED: Readonly<Record<string, string>> = { '27': "'", '28': '(', '29': ')', '2a': '*', '2b': '+' };

/**
 * A calculation in the request whose result, which nobody can guess, stands in the reply: whoever sent it had the server
 * evaluate text. Scanners ask for products of random numbers and for MD5 digests.
 * @param asked places in `u8` of what was requested, decoded; `at` and `length` bound the reply's body.
 * @returns the calculation with its result, or undefined. Costs a scan for `*` and `5(` where there is none.
 */
export function computed(u8: Uint8Array, asked: readonly { at: number; length: number }[], at: number, length: number): string | undefined {
  let left = MAX_CALCULATIONS;
  for (const span of asked) {
    const end = span.at + Math.min(span.length, LOOKED_AT);
    let any = false;
    for (let p = span.at + 1; p < end - 1 && !any; p++) any = u8[p] === STAR || (u8[p] === FIVE && u8[p + 1] === 0x28) || (u8[p] === PERCENT && u8[p + 1] === 0x32 && (u8[p + 2]! | 0x20) === 0x61);
    if (!any) continue;
    const text = latin(u8, span.at, end - span.at).replace(/%(2[789ab])/gi, (_, hex: string) => ESCAPED[hex.toLowerCase()]!);
    for (const m of text.matchAll(/(\d{2,10}|\(\d{1,9}\s?\+\s?\d{1,9}\))\s?\*\s?'?(\d{2,10})|\bmd5\(\s*["']?([\w.-]{1,40})["']?\s*\)/gi)) {
      if (left-- === 0) return undefined;
      const [whole, a, b, word] = m;
      const product = word === undefined ? sum(a!) * BigInt(b!) : 0n;
      if (word === undefined && product < LEAST_RESULT) continue;
      const result = word === undefined ? String(product) : createHash('md5').update(word).digest('hex');
      // A result that was sent along need not have been calculated.
      if (!text.includes(result) && stands(u8, at, length, result, word === undefined)) return `${whole} = ${result}`;
    }
  }
  return undefined;
}

/** A number, or a sum in brackets. */
function sum(text: string): bigint {
  return text.replace(/[()\s]/g, '').split('+').reduce((all, n) => all + BigInt(n), 0n);
}

function stands(u8: Uint8Array, at: number, length: number, result: string, number: boolean): boolean {
  const body = Buffer.from(u8.buffer, u8.byteOffset + at, length);
  for (let p = body.indexOf(result); p >= 0; p = body.indexOf(result, p + 1)) {
    // A number within a longer one is another number.
    if (!number || !(digit(body[p - 1]) || digit(body[p + result.length]))) return true;
  }
  return false;
}

const digit = (v: number | undefined): boolean => v !== undefined && v >= 0x30 && v <= 0x39;
