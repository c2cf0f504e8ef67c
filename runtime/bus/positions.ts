import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

/** Where a consumer stands: everything before `cursor` is done, except `open`. */
export interface Position { cursor: number; open: number[] }

/** How long acknowledgements gather before they are written. What a crash takes with it is delivered again. */
const GATHER_MS = 20;
/** The file is rewritten with one line for each consumer when it has grown to this. */
const COMPACT_BYTES = 256 * 1024;
/** Messages open at once that are remembered one by one; with more, all from the first on are delivered again. */
const OPEN_MAX = 4096;

/** Places of the consumers of one directory: an append-only file of lines `crc name json`, the last line of a name stands. */
export class Positions {
  readonly #now = new Map<string, Position>();
  readonly #changed = new Map<string, () => Position>();
  #timer: NodeJS.Timeout | undefined;
  #fd: number;
  #bytes = 0;

  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (existsSync(path)) {
      for (const line of readFileSync(path, 'utf8').split('\n')) {
        const match = /^([0-9a-f]{8}) (\S+ (\{.*\}))$/.exec(line);
        if (!match || crc32(match[2]).toString(16).padStart(8, '0') !== match[1]) continue;
        this.#now.set(match[2].slice(0, match[2].indexOf(' ')), JSON.parse(match[3]));
      }
    }
    this.#fd = this.#rewrite();
  }

  #line(name: string, position: Position): string {
    const text = `${name} ${JSON.stringify(position)}`;
    return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
  }

  #rewrite(): number {
    const text = [...this.#now].map(([name, position]) => this.#line(name, position)).join('');
    writeFileSync(`${this.path}.new`, text, { mode: 0o600 });
    renameSync(`${this.path}.new`, this.path);
    this.#bytes = text.length;
    return openSync(this.path, 'a', 0o600);
  }

  get(name: string): Position | undefined { return this.#now.get(name); }

  /** The furthest cursor among names with this prefix. */
  furthest(prefix: string): number {
    let cursor = 1;
    for (const [name, position] of this.#now) if (name.startsWith(prefix)) cursor = Math.max(cursor, position.cursor);
    return cursor;
  }

  /** Takes note that `name` moved; `read` is asked for the position when it is written. */
  touch(name: string, read: () => Position): void {
    this.#changed.set(name, read);
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let text = '';
    for (const [name, read] of this.#changed) {
      let position = read();
      if (position.open.length > OPEN_MAX) position = { cursor: position.open[0], open: [] };
      this.#now.set(name, position);
      text += this.#line(name, position);
    }
    this.#changed.clear();
    if (text === '') return;
    try {
      this.#bytes += writeSync(this.#fd, text);
      if (this.#bytes > COMPACT_BYTES) {
        closeSync(this.#fd);
        this.#fd = this.#rewrite();
      }
    } catch {
      // A full disk costs redelivery after a restart and nothing else; the journal itself reports the disk.
    }
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }
}
