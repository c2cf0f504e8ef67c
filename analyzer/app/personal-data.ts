/** Distinct values kept of one body; more are told as this many. */
const MAX_DISTINCT = 20_000;
/** Shortest run of digits that can be anything: a mobile number. */
const SHORTEST = 11;
/** Registers of a sketch of distinct values: within 9 %. */
const REGISTERS = 128;

/** Distinct numbers of persons in one body. Nothing of their values is kept. */
export interface PersonalData {
  id_cards: number;
  mobiles: number;
  bank_cards: number;
  /** Sketch by which distinct values of several bodies can be counted together, base64; only with 8 or more values. */
  sketch?: string;
}

/** Where the digests begin. Fixed: threads and runs must count alike, and 128 maxima of ranks give no number back. */
const KEY = 0x7368776e;
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK = '10X98765432';
/** First two digits of identity numbers: provinces of GB/T 2260. */
const REGIONS = new Set([11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83]);

const seen = new Set<number>();
const registers = new Uint8Array(REGISTERS);

/**
 * Counts distinct numbers of persons in a text: identity numbers (GB 11643-1999: region, date of birth, check digit),
 * mobile numbers (11 digits, 13–19), bank cards (16–19 digits, issuer, Luhn). Looks at every eleventh byte until a digit turns up,
 * so that a body without any costs a tenth of a pass.
 * @returns undefined when there are none.
 */
export function personalData(u8: Uint8Array, at: number, length: number): PersonalData | undefined {
  const end = at + length;
  let idCards = 0;
  let mobiles = 0;
  let bankCards = 0;
  let any = false;
  for (let p = at + SHORTEST - 1; p < end; ) {
    if (!digit(u8[p]!)) {
      p += SHORTEST;
      continue;
    }
    let from = p;
    while (from > at && digit(u8[from - 1]!)) from--;
    let to = p + 1;
    while (to < end && digit(u8[to]!)) to++;
    const run = to - from;
    p = to + SHORTEST;
    if (run < SHORTEST || run > 19) continue;
    // Part of a longer token (a digest, a decimal fraction, a file's name) is no number of a person.
    const before = from > at ? u8[from - 1]! : 0x20;
    const after = to < end ? u8[to]! : 0x20;
    const x = run === 17 && (after === 0x58 || after === 0x78);
    const behind = x && to + 1 < end ? u8[to + 1]! : after;
    if (word(before) || before === 0x2e || (!x && word(after)) || (x && word(behind))) continue;
    const kind = run === 11 ? (isMobile(u8, from) ? 1 : 0) : run === 18 || x ? (isIdCard(u8, from, x) ? 2 : 0) : 0;
    const what = kind !== 0 ? kind : run >= 16 && !x && isBankCard(u8, from, run) ? 3 : 0;
    if (what === 0) continue;
    if (!any) {
      any = true;
      seen.clear();
      registers.fill(0);
    }
    if (seen.size >= MAX_DISTINCT) continue;
    const hash = hashed(u8, from, run, what);
    if (seen.has(hash)) continue;
    seen.add(hash);
    note(hash);
    if (what === 1) mobiles++;
    else if (what === 2) idCards++;
    else bankCards++;
  }
  if (!any) return undefined;
  return {
    id_cards: idCards, mobiles, bank_cards: bankCards,
    ...(seen.size >= 8 && { sketch: Buffer.from(registers).toString('base64') }),
  };
}

function digit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function word(c: number): boolean {
  return (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f || c === 0x2d;
}

function isMobile(u8: Uint8Array, at: number): boolean {
  if (u8[at] !== 0x31 || u8[at + 1]! < 0x33) return false;
  // 13800000000 and its like are examples.
  let same = 0;
  for (let i = 4; i < 11; i++) if (u8[at + i] === u8[at + i - 1]) same++;
  return same < 6;
}

function isIdCard(u8: Uint8Array, at: number, x: boolean): boolean {
  const n = (from: number, count: number) => {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 10 + u8[at + from + i]! - 0x30;
    return value;
  };
  const year = n(6, 4);
  const month = n(10, 2);
  const day = n(12, 2);
  if (!REGIONS.has(n(0, 2)) || year < 1900 || year > 2035 || month < 1 || month > 12 || day < 1 || day > 31) return false;
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return false;
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += (u8[at + i]! - 0x30) * WEIGHTS[i]!;
  const check = CHECK[sum % 11]!;
  return x ? check === 'X' : check.charCodeAt(0) === u8[at + 17];
}

function isBankCard(u8: Uint8Array, at: number, length: number): boolean {
  const first = u8[at]! - 0x30;
  const two = first * 10 + u8[at + 1]! - 0x30;
  // UnionPay 62, Visa 4 (16 digits), Mastercard 51–55 (16 digits); the bins of this country's banks lie in 62.
  if (two !== 62 && !(length === 16 && (first === 4 || (two >= 51 && two <= 55)))) return false;
  let sum = 0;
  for (let i = 0; i < length; i++) {
    let d = u8[at + length - 1 - i]! - 0x30;
    if (i % 2 === 1) d = d > 4 ? d * 2 - 9 : d * 2;
    sum += d;
  }
  return sum % 10 === 0;
}

function hashed(u8: Uint8Array, at: number, length: number, kind: number): number {
  let h = KEY ^ kind;
  for (let i = 0; i < length; i++) {
    h = Math.imul(h ^ u8[at + i]!, 0x5bd1e995);
    h ^= h >>> 13;
  }
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 12)) >>> 0;
}

function note(hash: number): void {
  const rank = Math.clz32((hash << 7) | 0x40) + 1;
  const register = hash >>> 25;
  if (rank > registers[register]!) registers[register] = rank;
}

/** Counts distinct values over several bodies by their sketches (HyperLogLog; linear counting while few). */
export class DistinctSketch {
  private readonly registers = new Uint8Array(REGISTERS);

  add(sketch: string): void {
    const other = Buffer.from(sketch, 'base64');
    for (let i = 0; i < REGISTERS && i < other.length; i++) if (other[i]! > this.registers[i]!) this.registers[i] = other[i]!;
  }

  get count(): number {
    let sum = 0;
    let zeros = 0;
    for (let i = 0; i < REGISTERS; i++) {
      sum += 2 ** -this.registers[i]!;
      if (this.registers[i] === 0) zeros++;
    }
    const raw = (0.7213 / (1 + 1.079 / REGISTERS)) * REGISTERS * REGISTERS / sum;
    return Math.round(raw <= 2.5 * REGISTERS && zeros > 0 ? REGISTERS * Math.log(REGISTERS / zeros) : raw);
  }
}
