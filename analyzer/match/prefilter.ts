import { readFileSync } from 'node:fs';
import type { Arena } from '../arena.js';

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

/** Copies `length` bytes within the arena's memory; the places may overlap. Cheaper than `copyWithin` for small pieces. */
export type Move = (to: number, from: number, length: number) => void;

interface Kernel {
  move: Move;
  scanHash(at: number, end: number, stride: number, table: number, epoch: number, out: number, count: number): number;
  scanWindows(at: number, end: number, table: number, epoch: number, out: number, count: number): number;
}

let compiled: WebAssembly.Module | undefined;
const kernels = new WeakMap<Arena, Kernel>();
function kernelOf(arena: Arena): Kernel {
  let kernel = kernels.get(arena);
  if (!kernel) {
    compiled ??= new WebAssembly.Module(readFileSync(new URL('kernel.wasm', import.meta.url)));
    const abort = () => {
      throw new Error('scan kernel aborted');
    };
    kernel = new WebAssembly.Instance(compiled, { env: { memory: arena.memory, abort } }).exports as unknown as Kernel;
    kernels.set(arena, kernel);
  }
  return kernel;
}

let lastArena: Arena | undefined;
let lastMove: Move | undefined;
/** The arena's `Move`. */
export function mover(arena: Arena): Move {
  if (arena !== lastArena || lastMove === undefined) {
    lastArena = arena;
    lastMove = kernelOf(arena).move;
  }
  return lastMove;
}

/** Looks for many literals at once; letters A–Z match either case. */
export interface LiteralScan {
  /** @returns how many of `found` are valid: numbers of the literals within the `length` bytes at `at`, each once. */
  scan(at: number, length: number): number;
  readonly found: Int32Array;
  /** Arena bytes of its tables. */
  readonly bytes: number;
  /** Gives its memory back. */
  dispose(): void;
}

export function foldLiteral(literal: Uint8Array): Uint8Array {
  return literal.slice(0, MAX_LITERAL).map((c) => (c >= 65 && c <= 90 ? c | 32 : c));
}

/** The kernel's tables where the arena has room for them, plain TypeScript otherwise. */
export function literalScan(arena: Arena, literals: readonly Uint8Array[]): LiteralScan {
  return KernelScan.build(arena, literals) ?? new ReferenceScan(arena.u8, literals);
}

/** Oracle and fallback: the same answers, one literal after the other. */
export class ReferenceScan implements LiteralScan {
  readonly found: Int32Array;
  readonly bytes = 0;
  private readonly folded: Uint8Array[];
  constructor(private readonly u8: Uint8Array, literals: readonly Uint8Array[]) {
    this.folded = literals.map(foldLiteral);
    this.found = new Int32Array(literals.length);
  }
  scan(at: number, length: number): number {
    const { u8 } = this;
    const text = foldLatin1(u8, at, length);
    let count = 0;
    for (let id = 0; id < this.folded.length; id++) {
      if (text.includes(Buffer.from(this.folded[id]))) this.found[count++] = id;
    }
    return count;
  }
  dispose(): void {}
}

function foldLatin1(u8: Uint8Array, at: number, length: number): Buffer {
  const out = Buffer.from(u8.subarray(at, at + length));
  for (let i = 0; i < out.length; i++) if (out[i] >= 65 && out[i] <= 90) out[i] |= 32;
  return out;
}

interface Pass { stride: 0 | Stride; table: number }

/**
 * At most two passes. Long literals by the hash of four bytes at every 8th, 4th, 2nd or every place, as the shortest of
 * them allows (a literal is entered under as many of its offsets as places are passed over, so that one of them meets a
 * place); few or short ones by nibble tables of four bytes, 16 places at a time. `plan` weighs which takes which.
 *
 * Table of a hash pass (u32): shift, bitmap, heads, shift of heads, stamps. Entry: folded 4 bytes, literal, length,
 * offset of the 4 bytes in the literal, id, next. Table of a window pass: eight nibble tables of 16 bytes, eight heads,
 * stamps (at 160), 16 bytes of scratch (at 176). Entry: literal, length, id, next, offset of the window's last byte.
 */
class KernelScan implements LiteralScan {
  readonly found: Int32Array;
  readonly bytes: number;
  private readonly passes: Pass[] = [];
  private epoch = 0;
  private readonly limit: number;

  static build(arena: Arena, literals: readonly Uint8Array[]): KernelScan | undefined {
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
    const base = arena.take(plan.size);
    if (base === 0) return undefined;
    const u32 = new Uint32Array(arena.memory.buffer);
    const { u8 } = arena;
    u8.fill(0, base, base + plan.size);
    folded.forEach((l, id) => u8.set(l, base + texts[id]));
    const self = new KernelScan(arena, kernelOf(arena), base, plan.size, base + out, base + scratch, literals.length);
    const places = new Places();
    if (hash) {
      const table = (base + hash.table) >> 2;
      u32.set([32 - bits, base + hash.bitmap, base + hash.heads, 32 - headBits, base + stamps], table);
      let entry = base + hash.entries;
      for (const id of hash.ids) {
        const l = folded[id];
        const from = places.choose(l, stride);
        for (let k = 0; k < stride; k++) {
          const o = from + k;
          const x = fingerprint(l, o);
          const value = Math.imul(x, PRIME) >>> 0;
          const bit = value >>> (32 - bits);
          u8[base + hash.bitmap + (bit >> 3)] |= 1 << (bit & 7);
          const head = ((base + hash.heads) >> 2) + (value >>> (32 - headBits));
          u32.set([x, base + texts[id], l.length, o, id, u32[head]], entry >> 2);
          u32[head] = entry;
          entry += 24;
        }
      }
      self.passes.push({ stride, table: base + hash.table });
    }
    if (windowed.length > 0) {
      const table = base + windowTable;
      const { tables, members } = windowTables(windowed.map((id) => folded[id]));
      u8.set(tables, table);
      members.forEach(({ literal, bucket, last }, n) => {
        const id = windowed[literal];
        const head = ((table + 128) >> 2) + bucket;
        const entry = base + windowEntries + n * 20;
        u32.set([base + texts[id], folded[id].length, id, u32[head], last], entry >> 2);
        u32[head] = entry;
      });
      u32[(table + 160) >> 2] = base + stamps;
      self.passes.push({ stride: 0, table });
    }
    return self;
  }

  private constructor(
    private readonly arena: Arena, private readonly kernel: Kernel, private readonly base: number, private readonly size: number,
    private readonly out: number, private readonly scratch: number, literals: number,
  ) {
    this.found = arena.i32.subarray(out >> 2, (out >> 2) + literals);
    this.limit = arena.u8.length - 32;
    this.bytes = size;
  }

  scan(at: number, length: number): number {
    this.epoch = (this.epoch + 1) | 0;
    if (this.epoch === 0) this.epoch = 1;
    if (at + length <= this.limit) return this.run(at, length, 0);
    // The last bytes of memory: the kernel reads a little beyond what it looks at, so they are copied, in pieces.
    let count = 0;
    for (let done = 0; done < length; done += PIECE - MAX_LITERAL) {
      const n = Math.min(PIECE, length - done);
      this.arena.u8.copyWithin(this.scratch, at + done, at + done + n);
      count = this.run(this.scratch, n, count);
    }
    return count;
  }

  private run(from: number, length: number, before: number): number {
    let count = before;
    for (const pass of this.passes) {
      count = pass.stride === 0
        ? this.kernel.scanWindows(from, from + length, pass.table, this.epoch, this.out, count)
        : this.kernel.scanHash(from, from + length, pass.stride, pass.table, this.epoch, this.out, count);
    }
    return count;
  }

  dispose(): void {
    this.arena.give(this.base, this.size);
  }
}

const SCRATCH = 4096;
const PIECE = SCRATCH - 32;

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
