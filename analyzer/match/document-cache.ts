import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRuleDocument, type Parsed } from './document.js';
import { regexesFound, rememberRegexes, type RegexFacts } from './regex.js';
import type { Place } from './signature.js';

/** A right document and the places of values that were asked for, by path. */
interface Entry { document: NonNullable<Parsed['document']>; places: Record<string, [line: number, column: number]> }
/** By the hash of the text. */
type Entries = Record<string, Entry>;
interface Kept { documents: Entries; regexes: Record<string, RegexFacts> }

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('base64url');

/**
 * Rule documents and expressions that were found right before, so that a start need not read and prove them again. An entry counts for the very
 * same text and the very same code only; the file counts when its own hash holds and nobody else may write it.
 */
export class DocumentCache {
  private readonly path: string;
  private entries: Entries = {};
  private used: Entries = {};
  private missed = 0;
  private regexes = 0;

  constructor(private readonly folder: string) {
    this.path = join(folder, `rules-${codeVersion().slice(0, 16)}.json`);
    try {
      const { uid, mode, size } = statSync(this.path);
      if ((process.getuid !== undefined && uid !== process.getuid()) || (mode & 0o022) !== 0 || size > 256 << 20) return;
      const text = readFileSync(this.path, 'utf8');
      const cut = text.indexOf('\n');
      if (sha256(text.slice(cut + 1)) === text.slice(0, cut)) {
        const kept = JSON.parse(text.slice(cut + 1)) as Kept;
        this.entries = kept.documents;
        rememberRegexes(kept.regexes);
      }
    } catch { /* none yet, or none of use */ }
    this.regexes = Object.keys(regexesFound()).length;
  }

  /** As `parseRuleDocument`. */
  parse(text: string, file: string): Parsed {
    const key = sha256(text);
    const known = this.entries[key];
    if (known) {
      this.used[key] = known;
      let full: Parsed | undefined;
      return { document: known.document, errors: [], placeOf: this.places(known, file, (path, wanted) => (full ??= parseRuleDocument(text, file)).placeOf(path, wanted)) };
    }
    const parsed = parseRuleDocument(text, file);
    if (!parsed.document) return parsed;
    const entry: Entry = { document: parsed.document, places: {} };
    this.used[key] = entry;
    this.missed++;
    return { ...parsed, placeOf: this.places(entry, file, (path, wanted) => parsed.placeOf(path, wanted)) };
  }

  /** Remembers what is asked: a warning is told at every start, and names the same place each time. */
  private places(entry: Entry, file: string, ask: Parsed['placeOf']): Parsed['placeOf'] {
    return (path, wanted): Place => {
      const key = JSON.stringify([path, wanted === true]);
      const place = entry.places[key];
      if (place) return { file, line: place[0], column: place[1] };
      const { line, column } = ask(path, wanted);
      entry.places[key] = [line, column];
      this.missed++;
      return { file, line, column };
    };
  }

  /** Writes what was used of it, when something was new. Never fails: it is only a cache. */
  save(): void {
    const regexes = regexesFound();
    if (this.missed === 0 && Object.keys(regexes).length === this.regexes) return;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      const kept: Kept = { documents: { ...this.entries, ...this.used }, regexes };
      const body = JSON.stringify(kept);
      const draft = `${this.path}.${process.pid}`;
      writeFileSync(draft, `${sha256(body)}\n${body}`, { mode: 0o600 });
      renameSync(draft, this.path);
    } catch { /* a read-only installation starts a little slower */ }
  }
}

/** The hash of the code that decides what a right document is. */
function codeVersion(): string {
  const files = ['./document-cache.js', './document.js', './nearest.js', '../../contracts/rule.js', '../../contracts/classes.js', './regex.js', './regex-syntax.js'];
  return sha256(files.map((f) => {
    try {
      return readFileSync(fileURLToPath(new URL(f, import.meta.url)), 'utf8');
    } catch {
      return f;
    }
  }).join('\0'));
}
