import { createHash } from 'node:crypto';
import { latin } from '../bytes.js';

/** Of a request, what is searched for a calculation: expressions are short and stand in parameters and headers. */
const LOOKED_AT = 4096;
/** Calculations of one request that are done. */
const MAX_CALCULATIONS = 4;
/** A shorter result may stand in any page. */
const LEAST_RESULT = 1000n;
/** Base64 that the request says is to be decoded: what is read of it, and how many. */
const MAX_INNER = 2;
/** An MD5 in an error message has lost its ends; nobody guesses what is left, either. */
const MIDDLE: readonly [number, number] = [2, 28];

/** Products, sums that something is told to print, digests: what the matches below read. */
const CALCULATIONS = new RegExp([
  String.raw`(\d{2,10}|\(\d{1,9}\s?\+\s?\d{1,9}\))\s?\*\s?'?(\d{2,10})`,
  String.raw`\bmd5\(\s*["']?([\w.-]{1,40})["']?\s*\)`,
  String.raw`\bhashbytes\(\s*'md5'\s*,\s*'([\w.-]{1,40})'`,
  String.raw`\becho[\s+]+(-n[\s+]+)?["']?([\w.-]{1,40})["']?[\s+]*\|[\s+]*md5sum`,
  String.raw`\bexpr[\s+]{1,4}(\d{3,10})[\s+]{1,4}\\?([-+*])[\s+]{1,4}(\d{3,10})`,
  String.raw`(?:print(?:ln|f)?|echo|throw|die|exit|\()\s?\(\s?(\d{3,10})\s?([-+])\s?(\d{3,10})\s?\)`,
  String.raw`\bset[\s+]/a[\s+]+(\d{3,10})\s?([-+])\s?(\d{3,10})`,
].join('|'), 'gi');

/**
 * A calculation in the request whose result, which nobody can guess, stands in the reply: whoever sent it had the server
 * evaluate text. Scanners ask for products and sums of random numbers and for MD5 digests.
 * @param asked places in `u8` of what was requested; `at` and `length` bound the reply's body.
 * @returns the calculation with its result, or undefined. Costs a look at each byte of the request where there is none.
 */
export function computed(u8: Uint8Array, asked: readonly { at: number; length: number }[], at: number, length: number): string | undefined {
  let left = MAX_CALCULATIONS;
  for (const span of asked) {
    const end = span.at + Math.min(span.length, LOOKED_AT);
    if (!likely(u8, span.at, end)) continue;
    const text = plain(latin(u8, span.at, end - span.at));
    for (const m of text.matchAll(CALCULATIONS)) {
      const asks = calculation(m);
      if (asks === undefined) continue;
      if (left-- === 0) return undefined;
      const [result, number] = asks;
      const sought = number ? result : result.slice(...MIDDLE);
      // A result that was sent along need not have been calculated.
      if (!text.includes(sought) && stands(u8, at, length, sought, number)) return `${m[0]} = ${result}`;
    }
  }
  return undefined;
}

/** Whether anything in the bytes looks like the start of a calculation. */
function likely(u8: Uint8Array, from: number, to: number): boolean {
  for (let p = from + 1; p < to - 2; p++) {
    const next = u8[p + 1]!;
    switch (u8[p]) {
      case 0x2a: // *
        if (digit(next) || ((next === 0x20 || next === 0x27) && digit(u8[p + 2]))) return true;
        break;
      case 0x25: // %2a, and an escaped bracket behind md5
        if (next === 0x32 && ((u8[p + 2]! | 0x20) === 0x61 || (u8[p + 2] === 0x38 && u8[p - 1] === 0x35))) return true;
        break;
      case 0x35: // md5( md5sum 'md5'
        if (next === 0x28 || next === 0x73 || next === 0x27) return true;
        break;
      case 0x28: // print(1
        if (digit(next) && letter(u8[p - 1]!)) return true;
        break;
      case 0x78: // expr
        if (next === 0x70 && u8[p + 2] === 0x72) return true;
        break;
      case 0x2f: // set /a
        if ((next | 0x20) === 0x61 && (u8[p + 2] === 0x20 || u8[p + 2] === 0x2b)) return true;
        break;
      case 0x34: // base64_decode, base64 -d
        if (u8[p - 1] === 0x36 && (next === 0x5f || next === 0x20)) return true;
        break;
      default:
    }
  }
  return false;
}

/** Without escapes, and with what is in Base64 for the server to decode. */
function plain(text: string): string {
  const open = text.replace(/%([2-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  let inner = '';
  for (const m of [...open.matchAll(/(?:base64_decode\(\s*["']|echo[^|;]{1,12}?)([A-Za-z0-9+/]{12,400}={0,2})/gi)].slice(0, MAX_INNER)) inner += `\n${Buffer.from(m[1]!, 'base64').toString('latin1')}`;
  return `${open}${inner}`;
}

/** The result of a match of `CALCULATIONS`, and whether it is a number; undefined where it is too small to prove anything. */
function calculation(m: RegExpMatchArray): [string, boolean] | undefined {
  const [, a, b, word, hashed, bare, line, ...sums] = m;
  if (a !== undefined) return wide(sum(a) * BigInt(b!));
  const digested = word ?? hashed ?? (line === undefined ? undefined : bare === undefined ? `${line}\n` : line);
  if (digested !== undefined) return [createHash('md5').update(digested).digest('hex'), false];
  const at = sums.findIndex((s) => s !== undefined);
  if (at < 0) return undefined;
  const [x, operator, y] = [BigInt(sums[at]!), sums[at + 1]!, BigInt(sums[at + 2]!)];
  return wide(operator === '+' ? x + y : operator === '-' ? x - y : x * y);
}

const wide = (n: bigint): [string, boolean] | undefined => (n >= LEAST_RESULT || n <= -LEAST_RESULT ? [String(n), true] : undefined);

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

const letter = (v: number): boolean => (v | 0x20) >= 0x61 && (v | 0x20) <= 0x7a || v === 0x28;
const digit = (v: number | undefined): boolean => v !== undefined && v >= 0x30 && v <= 0x39;
