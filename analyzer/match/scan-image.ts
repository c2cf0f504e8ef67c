/** Literals up to this long are looked at in full; of longer ones the first part. */
export const MAX_LITERAL = 64;
/** Literals that one pass with nibble tables takes at most: eight buckets of more say yes to everything. */
const MAX_WINDOWED = 256;
/** Bytes of a window. */
const WINDOW = 4;
/** Instructions a byte of a pass, measured: nibble tables, a comparison of theirs; hashes by stride. */
const WINDOW_COST = 2.6;
const COMPARE_COST = 24;
const HASH_COST: Readonly<Record<Stride, number>> = { 1: 10.5, 2: 5.3, 4: 2.8, 8: 1.6 };
/** Shortest literal that is met at every so many places. */
type Stride = 1 | 2 | 4 | 8;
const STRIDES: readonly Stride[] = [8, 4, 2, 1];
const PRIME = 0x9e3779b1;

/** Bytes of the copy that a scan at the end of memory works on. */
export const SCRATCH = 4096;

export interface Pass { stride: 0 | Stride; table: number }

export function foldLiteral(literal: Uint8Array): Uint8Array {
  return literal.slice(0, MAX_LITERAL).map((c) => (c >= 65 && c <= 90 ? c | 32 : c));
}

/**
 * At most two passes. Long literals by the hash of four bytes at every 8th, 4th, 2nd or every place, as the shortest of
 * them allows (a literal is entered under as many of its offsets as places are passed over, so that one of them meets a
 * place); few or short ones by nibble tables of four bytes, 16 places at a time. `divide` weighs which takes which.
 * The tables are made as they would lie at address 0.
 *
 * Table of a hash pass (u32): shift, bitmap, heads, shift of heads, stamps. Entry: folded 4 bytes, literal, length,
 * offset of the 4 bytes in the literal, id, next. Table of a window pass: eight nibble tables of 16 bytes, eight heads,
 * stamps (at 160), 16 bytes of scratch (at 176). Entry: literal, length, id, next, offset of the window's last byte.
 */
export interface Image {
  readonly bytes: Uint8Array;
  /** Words that hold addresses. */
  readonly pointers: Uint32Array;
  readonly out: number;
  readonly scratch: number;
  readonly passes: readonly Pass[];
}

/** Literals whose tables were asked for once, and the tables of those that were asked for again: every capture starts afresh. */
const images = new WeakMap<readonly Uint8Array[], Image | 'once'>();

export function imageOf(literals: readonly Uint8Array[]): Image {
  const known = images.get(literals);
  if (known !== undefined && known !== 'once') return known;
  const image = makeImage(literals);
  images.set(literals, known === undefined ? 'once' : image);
  return image;
}

function makeImage(literals: readonly Uint8Array[]): Image {
  const folded = literals.map(foldLiteral);
  const { windowed, hashed, stride } = divide(folded);
  const plan = new Layout();
  const stamps = plan.words(Math.max(1, literals.length));
  const out = plan.words(Math.max(1, literals.length));
  const scratch = plan.bytes(SCRATCH);
  const texts = folded.map((l) => plan.bytes(l.length));
  // 128 bits of bitmap for each entry keep false alarms below one in a hundred; above 512 KiB it would leave the cache.
  const bits = Math.min(22, Math.max(14, Math.ceil(Math.log2(hashed.length * stride * 128 || 1))));
  const headBits = Math.min(18, Math.max(8, bits - 6));
  const hash = hashed.length > 0 && {
    ids: hashed, table: plan.words(5), bitmap: plan.bytes(1 << (bits - 3)), heads: plan.words(1 << headBits), entries: plan.words(hashed.length * stride * 6),
  };
  const windowTable = windowed.length > 0 ? plan.bytes(192) : 0;
  const windowEntries = plan.words(windowed.length * 5);
  const bytes = new Uint8Array((plan.size + 3) & ~3);
  const u32 = new Uint32Array(bytes.buffer);
  folded.forEach((l, id) => bytes.set(l, texts[id]));
  const pointers: number[] = [];
  /** Writes an address; 0 is none. */
  const point = (word: number, address: number): void => {
    if (address !== 0 && u32[word] === 0) pointers.push(word);
    u32[word] = address;
  };
  const passes: Pass[] = [];
  const places = new Places();
  if (hash) {
    const table = hash.table >> 2;
    u32[table] = 32 - bits;
    point(table + 1, hash.bitmap);
    point(table + 2, hash.heads);
    u32[table + 3] = 32 - headBits;
    u32[table + 4] = stamps;
    pointers.push(table + 4);
    let entry = hash.entries;
    for (const id of hash.ids) {
      const l = folded[id];
      const from = places.choose(l, stride);
      for (let k = 0; k < stride; k++) {
        const o = from + k;
        const x = fingerprint(l, o);
        const value = Math.imul(x, PRIME) >>> 0;
        const bit = value >>> (32 - bits);
        bytes[hash.bitmap + (bit >> 3)] |= 1 << (bit & 7);
        const head = (hash.heads >> 2) + (value >>> (32 - headBits));
        const e = entry >> 2;
        u32[e] = x;
        point(e + 1, texts[id]);
        u32[e + 2] = l.length;
        u32[e + 3] = o;
        u32[e + 4] = id;
        point(e + 5, u32[head]);
        point(head, entry);
        entry += 24;
      }
    }
    passes.push({ stride, table: hash.table });
  }
  if (windowed.length > 0) {
    const { tables, members } = windowTables(windowed.map((id) => folded[id]));
    bytes.set(tables, windowTable);
    members.forEach(({ literal, bucket, last }, n) => {
      const id = windowed[literal];
      const head = ((windowTable + 128) >> 2) + bucket;
      const entry = windowEntries + n * 20;
      const e = entry >> 2;
      point(e, texts[id]);
      u32[e + 1] = folded[id].length;
      u32[e + 2] = id;
      point(e + 3, u32[head]);
      u32[e + 4] = last;
      point(head, entry);
    });
    u32[(windowTable + 160) >> 2] = stamps;
    pointers.push((windowTable + 160) >> 2);
    passes.push({ stride: 0, table: windowTable });
  }
  return { bytes, pointers: Uint32Array.from(pointers), out, scratch, passes };
}

/** Offsets of tables within one block, each aligned. */
class Layout {
  size = 0;
  bytes(n: number): number {
    const at = (this.size + 15) & ~15;
    this.size = at + n;
    return at;
  }
  words(n: number): number {
    return this.bytes(n * 4);
  }
}

function fingerprint(bytes: Uint8Array, at: number): number {
  return ((bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) | 0x20202020) >>> 0;
}

/** What most requests carry: four bytes of it are a bad place to look at. */
const EVERYDAY = Buffer.from('GET POST / HTTP/1.1\r\nHost: www. .com .cn\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 '
  + '(KHTML, like Gecko) Chrome/ Safari/ Firefox/ Mobile\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8\r\n'
  + 'Accept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: http://https://\r\nConnection: keep-alive\r\n'
  + 'Cookie: JSESSIONID= PHPSESSID=\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: 200 OK\r\nServer: nginx Date: GMT '
  + 'Last-Modified: Cache-Control: no-cache text/javascript text/css application/json index.html index.php login.jsp /static/ /images/ /api/ .css?v= .js <div class=" </div>');

/**
 * Picks the part of a literal under which it is entered: four bytes that everyday traffic does not have and that few
 * other literals are entered under, so that what they lead to is short.
 */
class Places {
  private readonly weight = new Map<number, number>();
  constructor() {
    for (let i = 0; i + 4 <= EVERYDAY.length; i++) this.weight.set(fingerprint(EVERYDAY, i), 64);
  }
  choose(literal: Uint8Array, stride: number): number {
    let best = 0;
    let least = Infinity;
    for (let from = 0; from + stride + 3 <= literal.length; from++) {
      let sum = 0;
      for (let k = 0; k < stride; k++) sum += (this.weight.get(fingerprint(literal, from + k)) ?? 0) + (literal[from + k] === 0 || literal[from + k] === 0x20 ? 1 : 0);
      if (sum < least) [best, least] = [from, sum];
    }
    for (let k = 0; k < stride; k++) {
      const x = fingerprint(literal, best + k);
      this.weight.set(x, (this.weight.get(x) ?? 0) + 8);
    }
    return best;
  }
}

/** How often a byte is met, of 4096: in everyday text and in random bytes. */
const COMMON = (() => {
  const counts = new Float64Array(256);
  for (const c of EVERYDAY) counts[c | 32] += 2048 / EVERYDAY.length;
  for (let c = 0; c < 256; c++) counts[c | 32] += 8;
  return counts;
})();

interface Member { literal: number; bucket: number; last: number }

/** Nibble tables of literals' rarest windows, similar windows in one bucket. */
function windowTables(literals: readonly Uint8Array[]): { tables: Uint8Array; members: Member[] } {
  const windows = literals.map((l, literal) => {
    let from = 0;
    let least = Infinity;
    for (let at = 0; at + Math.min(WINDOW, l.length) <= l.length; at++) {
      let weight = 1;
      for (let k = at; k < Math.min(at + WINDOW, l.length); k++) weight *= COMMON[l[k] | 32];
      if (weight < least) [from, least] = [at, weight];
    }
    return { literal, bytes: l.subarray(from, from + WINDOW), last: Math.min(from + WINDOW, l.length) - 1 };
  });
  windows.sort((a, b) => compare(a.bytes, b.bytes));
  const tables = new Uint8Array(128);
  const members = windows.map(({ literal, bytes, last }, n): Member => {
    const bucket = Math.floor((n * 8) / windows.length);
    for (let k = 0; k < WINDOW; k++) {
      const c = bytes[bytes.length - WINDOW + k];
      for (let v = 0; v < 16; v++) {
        // Bytes before a literal that is shorter than the window may be anything.
        if (c === undefined || ((c | 32) & 15) === v) tables[k * 32 + v] |= 1 << bucket;
        if (c === undefined || (c | 32) >> 4 === v) tables[k * 32 + 16 + v] |= 1 << bucket;
      }
    }
    return { literal, bucket, last };
  });
  return { tables, members };
}

const NOISE = Uint8Array.from({ length: 1024 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);

/** Buckets that nibble tables ask to compare, a byte of everyday traffic. */
function alarms(tables: Uint8Array): number {
  let hits = 0;
  for (const sample of [EVERYDAY, NOISE]) {
    for (let i = WINDOW - 1; i < sample.length; i++) {
      let m = 255;
      for (let k = 0; k < WINDOW; k++) {
        const c = sample[i - WINDOW + 1 + k] | 32;
        m &= tables[k * 32 + (c & 15)] & tables[k * 32 + 16 + (c >> 4)];
      }
      for (; m !== 0; m &= m - 1) hits += 1 / (2 * sample.length);
    }
  }
  return hits;
}

/** Which literals go through nibble tables, and with which stride the others through hashes: what costs least. */
function divide(folded: readonly Uint8Array[]): { windowed: number[]; hashed: number[]; stride: Stride } {
  let best: ReturnType<typeof divide> = { windowed: [], hashed: folded.map((_, id) => id), stride: 1 };
  let least = Infinity;
  for (const limit of [4, 5, 7, 11, Infinity]) {
    const windowed: number[] = [];
    const hashed: number[] = [];
    let shortest = Infinity;
    folded.forEach((l, id) => {
      if (l.length < limit) windowed.push(id);
      else {
        hashed.push(id);
        shortest = Math.min(shortest, l.length);
      }
    });
    if (limit > 4 && windowed.length > MAX_WINDOWED) break;
    const stride = STRIDES.find((s) => s + 3 <= shortest) ?? 1;
    let cost = hashed.length > 0 ? HASH_COST[stride] : 0;
    if (windowed.length > 0) {
      const { tables } = windowTables(windowed.map((id) => folded[id]));
      cost += WINDOW_COST + COMPARE_COST * alarms(tables) * (1 + windowed.length / 64);
    }
    if (cost < least) {
      least = cost;
      best = { windowed, hashed, stride };
    }
  }
  return best;
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < WINDOW; i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0);
    if (d !== 0) return d;
  }
  return a.length - b.length;
}
