/**
 * The arena: one WebAssembly memory that holds packet bytes where they were read, bytes that streams keep for later,
 * and the tables of the scan kernels, so that TypeScript and kernels see the same bytes by integer offsets.
 * It never grows after construction, so that the views below stay valid and monomorphic.
 */
const PAGE = 65536;

export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly view: DataView;
  private top: number;
  private readonly free = new Map<number, number[]>();
  /** Bytes handed out and not given back. */
  used = 0;

  /**
   * @param bytes Size; untouched pages cost no resident memory.
   */
  constructor(bytes: number) {
    const pages = Math.ceil(bytes / PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.u8 = new Uint8Array(this.memory.buffer);
    this.i32 = new Int32Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    this.top = 1024; // offset 0 means "none"
  }

  /** As new: nothing is handed out any more, and all of it is zero. Whoever held a place of it must be gone. */
  reset(): void {
    this.u8.fill(0, 0, this.top);
    this.top = 1024;
    this.free.clear();
    this.used = 0;
  }

  /** Reserves `bytes` for good (aligned to 64); throws RangeError when the arena is too small: a sizing mistake. */
  reserve(bytes: number): number {
    const at = (this.top + 63) & ~63;
    if (at + bytes > this.u8.length) throw new RangeError(`arena of ${this.u8.length} bytes cannot reserve ${bytes}`);
    this.top = at + bytes;
    return at;
  }

  /**
   * Takes a block of a power-of-two size class (256 B … 1 MiB) that holds `bytes`.
   * @returns its offset, or 0 when the arena is full: the caller sheds by policy.
   */
  take(bytes: number): number {
    const size = Arena.sizeClass(bytes);
    const list = this.free.get(size);
    const again = list?.pop();
    if (again !== undefined) {
      this.used += size;
      return again;
    }
    const at = (this.top + 63) & ~63;
    if (at + size > this.u8.length) return 0;
    this.top = at + size;
    this.used += size;
    return at;
  }

  /** Gives a block of `take(bytes)` back. */
  give(at: number, bytes: number): void {
    const size = Arena.sizeClass(bytes);
    const list = this.free.get(size);
    if (list) list.push(at);
    else this.free.set(size, [at]);
    this.used -= size;
  }

  /** The size that `take(bytes)` really hands out. */
  static sizeClass(bytes: number): number {
    if (bytes <= 256) return 256;
    return 1 << (32 - Math.clz32(bytes - 1));
  }
}
