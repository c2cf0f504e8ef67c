import { readFileSync } from 'node:fs';
import type { Arena } from '../arena.js';
import { foldLiteral, imageOf, MAX_LITERAL, SCRATCH, type Pass } from './scan-image.js';

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

/** Passes of the kernel over tables in the arena, laid out as `Image` says. */
class KernelScan implements LiteralScan {
  readonly found: Int32Array;
  readonly bytes: number;
  private readonly passes: Pass[] = [];
  private epoch = 0;
  private readonly limit: number;

  static build(arena: Arena, literals: readonly Uint8Array[]): KernelScan | undefined {
    const image = imageOf(literals);
    const base = arena.take(image.bytes.length);
    if (base === 0) return undefined;
    arena.u8.set(image.bytes, base);
    const u32 = new Uint32Array(arena.memory.buffer, base, image.bytes.length >> 2);
    for (const word of image.pointers) u32[word] += base;
    const self = new KernelScan(arena, kernelOf(arena), base, image.bytes.length, base + image.out, base + image.scratch, literals.length);
    for (const { stride, table } of image.passes) self.passes.push({ stride, table: base + table });
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

const PIECE = SCRATCH - 32;
