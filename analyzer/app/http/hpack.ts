import { latin } from '../bytes.js';

/** Bytes a dynamic table may take, whatever the peer announced: ten times what servers allow by default. */
export const MAX_TABLE = 65536;
/** Header fields of one block; proxies refuse more than a few hundred. */
export const MAX_FIELDS = 256;
/** Characters of all fields of one block: references to a long entry cost a byte each (an "HPACK bomb"). */
export const MAX_FIELD_CHARS = 131072;

/** Static table (RFC 7541 Appendix A): name, then the value after a blank. */
const STATIC: readonly (readonly [string, string])[] = (
  ':authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|' +
  ':status 204|:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|' +
  'accept-encoding gzip, deflate|accept-language|accept-ranges|accept|access-control-allow-origin|age|' +
  'allow|authorization|cache-control|content-disposition|content-encoding|content-language|' +
  'content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|' +
  'if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|' +
  'max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|' +
  'set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate'
)
  .split('|')
  .map((entry) => {
    const cut = entry.indexOf(' ');
    return cut < 0 ? [entry, ''] : [entry.slice(0, cut), entry.slice(cut + 1)];
  });

/** Lengths of the Huffman codes of 0…256 in base 36; the code is canonical, so that lengths say all (Appendix B). */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f565' +
  '65666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmp' +
  'qqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';

/** For each code length: its first code, how many there are, and where their symbols begin in `symbols`. */
const firstCode = new Int32Array(31);
const countOf = new Int32Array(31);
const beginOf = new Int32Array(31);
const symbols = new Int16Array(257);
{
  const lengths = Array.from(LENGTHS, (c) => Number.parseInt(c, 36));
  let n = 0;
  for (let bits = 1, code = 0; bits <= 30; bits++) {
    code <<= 1;
    firstCode[bits] = code;
    beginOf[bits] = n;
    for (let symbol = 0; symbol < 257; symbol++) if (lengths[symbol] === bits) symbols[n++] = symbol;
    countOf[bits] = n - beginOf[bits]!;
    code += countOf[bits]!;
  }
}

/** Decodes Huffman-coded bytes to characters 0…255 (RFC 7541 5.2). @returns undefined when they are not such a code. */
export function huffman(u8: Uint8Array, at: number, length: number): string | undefined {
  let out = '';
  let code = 0,
    bits = 0;
  for (let p = at; p < at + length; p++) {
    const byte = u8[p]!;
    for (let shift = 7; shift >= 0; shift--) {
      code = (code << 1) | ((byte >> shift) & 1);
      bits++;
      const index = code - firstCode[bits]!;
      if (index >= 0 && index < countOf[bits]!) {
        const symbol = symbols[beginOf[bits]! + index]!;
        if (symbol === 256) return undefined;
        out += String.fromCharCode(symbol);
        code = bits = 0;
      } else if (bits === 30) return undefined;
    }
  }
  // what is left is padding: ones, fewer than a byte
  return bits < 8 && code === (1 << bits) - 1 ? out : undefined;
}

export type Field = readonly [name: string, value: string];
/** Stands for an entry that was made in bytes which are missing. */
const UNKNOWN: Field = ['', ''];

/** One direction's header compression (RFC 7541). Fields are strings of one character a byte. */
export class Hpack {
  private readonly table: Field[] = [];
  private size = 0;
  private limit = 4096;
  private p = 0;
  private partial = false;
  /** Fields of the last block that refer to what was never seen: they are left out. */
  unknown = 0;

  /**
   * Blocks are missing: entries made from now on keep their places, since new ones come in front; what was there before
   * is not known any more.
   */
  forget(): void {
    this.table.length = this.size = 0;
    this.partial = true;
  }

  /** @returns the fields, or undefined when the block is broken and the table therefore lost. */
  decode(u8: Uint8Array, at: number, length: number): Field[] | undefined {
    const fields: Field[] = [];
    const end = at + length;
    let chars = 0;
    this.p = at;
    this.unknown = 0;
    while (this.p < end) {
      const first = u8[this.p]!;
      if ((first & 0xe0) === 0x20) {
        const size = this.integer(u8, end, 5);
        if (size < 0) return undefined;
        this.limit = Math.min(size, MAX_TABLE);
        this.evict(0);
        continue;
      }
      let field: Field | undefined;
      if ((first & 0x80) !== 0) field = this.entry(this.integer(u8, end, 7));
      else {
        const keep = (first & 0x40) !== 0;
        const index = this.integer(u8, end, keep ? 6 : 4);
        if (index < 0) return undefined;
        const name = index === 0 ? this.string(u8, end) : this.entry(index)?.[0];
        const value = name === undefined ? undefined : this.string(u8, end);
        if (name === undefined || value === undefined) return undefined;
        field = name === '' && index !== 0 ? UNKNOWN : [name, value];
        if (keep) this.add(field);
      }
      if (!field) return undefined;
      if (field === UNKNOWN) {
        this.unknown++;
        continue;
      }
      chars += field[0].length + field[1].length;
      if (fields.length < MAX_FIELDS && chars <= MAX_FIELD_CHARS) fields.push(field);
    }
    return fields;
  }

  private entry(index: number): Field | undefined {
    return index <= 0 ? undefined : index <= 61 ? STATIC[index - 1] : (this.table[index - 62] ?? (this.partial ? UNKNOWN : undefined));
  }

  private add(field: Field): void {
    const size = field[0].length + field[1].length + 32;
    this.evict(size);
    if (size > this.limit) return;
    this.table.unshift(field);
    this.size += size;
  }

  private evict(more: number): void {
    while (this.table.length > 0 && this.size + more > this.limit) {
      const [name, value] = this.table.pop()!;
      this.size -= name.length + value.length + 32;
    }
  }

  /** RFC 7541 5.1. @returns -1 when cut or beyond any sensible value. */
  private integer(u8: Uint8Array, end: number, bits: number): number {
    if (this.p >= end) return -1;
    const max = (1 << bits) - 1;
    let value = u8[this.p++]! & max;
    if (value < max) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.p >= end) return -1;
      const byte = u8[this.p++]!;
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
    return -1;
  }

  private string(u8: Uint8Array, end: number): string | undefined {
    if (this.p >= end) return undefined;
    const coded = (u8[this.p]! & 0x80) !== 0;
    const length = this.integer(u8, end, 7);
    if (length < 0 || this.p + length > end) return undefined;
    const at = this.p;
    this.p += length;
    return coded ? huffman(u8, at, length) : latin(u8, at, length);
  }
}
