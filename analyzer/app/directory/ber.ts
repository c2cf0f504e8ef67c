/** BER as LDAP, Kerberos and SNMP use it: one element at a time, inside a parent's end. */
let value = 0;
let stop = 0;
/** Where the value of the last element begins and ends. */
export const valueAt = (): number => value;
export const valueEnd = (): number => stop;

/** Reads tag and length. @returns the tag (one byte), or -1 when the element does not fit in [at, end). */
export function element(u8: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return -1;
  let n = u8[at + 1]!;
  value = at + 2;
  if (n & 0x80) {
    const k = n & 0x7f;
    if (k === 0 || k > 4 || value + k > end) return -1;
    n = 0;
    for (let i = 0; i < k; i++) n = n * 256 + u8[value++]!;
  }
  stop = value + n;
  return stop > end ? -1 : u8[at]!;
}

/** Whole length of a constructed element from its first bytes; 0 more bytes are needed, -1 it is none. */
export function wholeLength(u8: Uint8Array, at: number, length: number): number {
  if (length < 2) return 0;
  const n = u8[at + 1]!;
  if (n < 0x80) return 2 + n;
  const k = n & 0x7f;
  if (k === 0 || k > 4) return -1;
  if (length < 2 + k) return 0;
  let v = 0;
  for (let i = 0; i < k; i++) v = v * 256 + u8[at + 2 + i]!;
  return 2 + k + v;
}

/** A small INTEGER or ENUMERATED. */
export function integer(u8: Uint8Array, at: number, end: number): number {
  let v = 0;
  for (let p = at; p < end && p < at + 6; p++) v = v * 256 + u8[p]!;
  return v;
}
