/** What a table of windows needs to know of its entries. */
export interface Windowed {
  /** Packet time at which the entry began, µs. */
  firstUs: number;
}

/**
 * A bounded table of what is followed for a while: an entry lives `windowUs` from its beginning, and the oldest makes
 * room when the table is full. `ended` is told of each entry that goes.
 */
export class WindowTable<K, V extends Windowed> {
  private readonly map = new Map<K, V>();
  evicted = 0;

  constructor(private readonly most: number, private readonly windowUs: number, private readonly ended: (entry: V) => void = () => {}) {}

  get size(): number {
    return this.map.size;
  }

  /** The live entry of a key. */
  find(key: K, timeUs: number): V | undefined {
    const entry = this.map.get(key);
    if (entry === undefined || timeUs - entry.firstUs <= this.windowUs) return entry;
    this.drop(key, entry);
    return undefined;
  }

  add(key: K, entry: V): V {
    if (this.map.size >= this.most) {
      const oldest = this.map.entries().next().value;
      if (oldest) {
        this.evicted++;
        this.drop(oldest[0], oldest[1]);
      }
    }
    this.map.set(key, entry);
    return entry;
  }

  delete(key: K): void {
    this.map.delete(key);
  }

  values(): Iterable<V> {
    return this.map.values();
  }

  /** Packet time has come to `nowUs`. Insertion order is the order of beginnings. */
  advance(nowUs: number): void {
    for (const [key, entry] of this.map) {
      if (nowUs - entry.firstUs <= this.windowUs) break;
      this.drop(key, entry);
    }
  }

  flush(): void {
    for (const [key, entry] of this.map) this.drop(key, entry);
  }

  private drop(key: K, entry: V): void {
    this.map.delete(key);
    this.ended(entry);
  }
}

/** Distinct things, counted up to a cap. */
export class Distinct<T> {
  private readonly seen = new Set<T>();

  constructor(private readonly most: number) {}

  /** @returns whether it is new; false for all once the cap is reached. */
  add(value: T): boolean {
    if (this.seen.size >= this.most || this.seen.has(value)) return false;
    this.seen.add(value);
    return true;
  }

  has(value: T): boolean {
    return this.seen.has(value);
  }

  get size(): number {
    return this.seen.size;
  }

  get full(): boolean {
    return this.seen.size >= this.most;
  }

  first(count: number): T[] {
    const out: T[] = [];
    for (const value of this.seen) {
      if (out.length === count) break;
      out.push(value);
    }
    return out;
  }
}
