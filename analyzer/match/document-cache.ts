import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRuleDocument, type Parsed } from './document.js';
import type { Place } from './signature.js';

/** A right document and the place of its first value, by the hash of its text. */
type Entries = Record<string, { document: NonNullable<Parsed['document']>; line: number; column: number }>;

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('base64url');

/**
 * Rule documents that were found right before, so that a start need not read YAML again. An entry counts for the very
 * same text and the very same code only; the file counts when its own hash holds and nobody else may write it.
 */
export class DocumentCache {
  private readonly path: string;
  private entries: Entries = {};
  private used: Entries = {};
  private missed = 0;

  constructor(private readonly folder: string) {
    this.path = join(folder, `rules-${codeVersion().slice(0, 16)}.json`);
    try {
      const { uid, mode, size } = statSync(this.path);
      if ((process.getuid !== undefined && uid !== process.getuid()) || (mode & 0o022) !== 0 || size > 256 << 20) return;
      const text = readFileSync(this.path, 'utf8');
      const cut = text.indexOf('\n');
      if (sha256(text.slice(cut + 1)) === text.slice(0, cut)) this.entries = JSON.parse(text.slice(cut + 1)) as Entries;
    } catch { /* none yet, or none of use */ }
  }

  /** As `parseRuleDocument`. */
  parse(text: string, file: string): Parsed {
    const key = sha256(text);
    const known = this.entries[key];
    if (known) {
      this.used[key] = known;
      let full: Parsed | undefined;
      const first: Place = { file, line: known.line, column: known.column };
      return {
        document: known.document, errors: [],
        placeOf: (path, wanted) => (path.length === 0 ? first : (full ??= parseRuleDocument(text, file)).placeOf(path, wanted)),
      };
    }
    const parsed = parseRuleDocument(text, file);
    if (parsed.document) {
      const { line, column } = parsed.placeOf([]);
      this.used[key] = { document: parsed.document, line, column };
      this.missed++;
    }
    return parsed;
  }

  /** Writes what was used of it, when something was new. Never fails: it is only a cache. */
  save(): void {
    if (this.missed === 0) return;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      const body = JSON.stringify({ ...this.entries, ...this.used });
      const draft = `${this.path}.${process.pid}`;
      writeFileSync(draft, `${sha256(body)}\n${body}`, { mode: 0o600 });
      renameSync(draft, this.path);
    } catch { /* a read-only installation starts a little slower */ }
  }
}

/** The hash of the code that decides what a right document is. */
function codeVersion(): string {
  const files = ['./document.js', './nearest.js', '../../contracts/rule.js', '../../contracts/classes.js'];
  return sha256(files.map((f) => {
    try {
      return readFileSync(fileURLToPath(new URL(f, import.meta.url)), 'utf8');
    } catch {
      return f;
    }
  }).join('\0'));
}
