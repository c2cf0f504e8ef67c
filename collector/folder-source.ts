import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, renameSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../runtime/errors.js';
import { folderMissing } from './errors.js';
import { readInto } from './file-source.js';
import { initialStatus, type PacketSink, type PacketSource, type SourceRun } from './packet-source.js';

const POLL_MS = 1000;
/** Names remembered; a folder with more files than this is nobody's in-tray. */
const MAX_REMEMBERED = 200_000;
/** Files that programs write before they rename them. */
const UNFINISHED = /^\.|\.(tmp|part|partial|crdownload|filepart)$|~$/i;

export interface FolderOptions {
  path: string;
  /** Default: `.shouwang-state.json` in the folder. */
  stateFile?: string;
  /** A file is complete when neither size nor time has changed for this long. */
  settleMs: number;
  /** Ends when every file there has been read. */
  once?: boolean;
}

/** Reads capture files as they arrive in a folder, each once, oldest first, also over restarts. */
export class FolderSource implements PacketSource {
  readonly name: string;
  readonly status = initialStatus(-1);
  /** Files read, and files that were no captures. */
  filesRead = 0;
  filesRefused = 0;
  private readonly abort = new AbortController();
  private readonly stateFile: string;
  private done = new Map<string, string>();
  private readonly seen = new Map<string, { mark: string; since: number }>();

  constructor(private readonly options: FolderOptions) {
    this.name = `folder:${basename(resolve(options.path))}`;
    this.stateFile = options.stateFile ?? join(options.path, '.shouwang-state.json');
  }

  async run(open: (run: SourceRun) => PacketSink): Promise<void> {
    this.loadState();
    this.list(); // a folder that is not there is an error now, one that goes away later is a reason to wait
    this.status.state = 'running';
    const { signal } = this.abort;
    while (!signal.aborted) {
      const ready = this.ready();
      for (const file of ready) {
        if (signal.aborted) break;
        await this.read(file, open);
      }
      if (this.options.once && this.seen.size === 0) break;
      if (ready.length === 0) await sleep(Math.min(POLL_MS, Math.max(50, this.options.settleMs / 2)), undefined, { signal: this.abort.signal }).catch(() => undefined);
    }
    this.status.state = 'ended';
  }

  stop(): void {
    this.abort.abort();
  }

  private async read(file: { name: string; mark: string }, open: (run: SourceRun) => PacketSink): Promise<void> {
    // The epoch follows from the file: after a crash in mid-file the repeat is recognised block by block.
    const epoch = createHash('sha256').update(`${file.name} ${file.mark}`).digest('hex').slice(0, 32);
    try {
      await readInto(join(this.options.path, file.name), open, this.status, this.abort.signal, epoch);
      this.filesRead++;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.filesRefused++;
      this.status.reasons = [{ code: error.code, message: error.message }];
    }
    if (this.abort.signal.aborted) return;
    this.seen.delete(file.name);
    this.done.set(file.name, file.mark);
    this.saveState();
  }

  /** Files that are complete and not yet read, oldest first. */
  private ready(): { name: string; mark: string }[] {
    let files: { name: string; stats: Stats }[];
    try {
      files = this.list();
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.status.reasons = [{ code: error.code, message: error.message }];
      return [];
    }
    const now = Date.now();
    const present = new Set(files.map((f) => f.name));
    for (const name of this.seen.keys()) if (!present.has(name)) this.seen.delete(name);
    const ready: { name: string; mark: string; at: number }[] = [];
    for (const { name, stats } of files) {
      const mark = `${stats.size} ${stats.mtimeMs}`;
      if (this.done.get(name) === mark) continue;
      const known = this.seen.get(name);
      if (known?.mark !== mark) this.seen.set(name, { mark, since: Math.min(now, Math.max(stats.mtimeMs, stats.ctimeMs)) });
      if (now - this.seen.get(name)!.since >= this.options.settleMs) ready.push({ name, mark, at: stats.mtimeMs });
    }
    return ready.sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
  }

  private list(): { name: string; stats: Stats }[] {
    const { path } = this.options;
    try {
      return readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isFile() && !UNFINISHED.test(entry.name) && join(path, entry.name) !== this.stateFile)
        .flatMap(({ name }) => {
          const stats = statSync(join(path, name), { throwIfNoEntry: false });
          return stats ? [{ name, stats }] : [];
        });
    } catch (error) {
      throw folderMissing(path, (error as Error).message);
    }
  }

  private loadState(): void {
    try {
      const state = JSON.parse(readFileSync(this.stateFile, 'utf8')) as unknown;
      if (typeof state !== 'object' || state === null) return;
      this.done = new Map(Object.entries(state).filter((e): e is [string, string] => typeof e[1] === 'string'));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== undefined && code !== 'ENOENT') throw folderMissing(this.stateFile, (error as Error).message);
    }
  }

  /** Files that have gone are forgotten; written beside and renamed, so that it is whole at any time. */
  private saveState(): void {
    const present = new Set(this.list().map((f) => f.name));
    for (const name of this.done.keys()) {
      if (!present.has(name) || this.done.size > MAX_REMEMBERED) this.done.delete(name);
    }
    try {
      writeFileSync(`${this.stateFile}.tmp`, JSON.stringify(Object.fromEntries(this.done)), { mode: 0o600 });
      renameSync(`${this.stateFile}.tmp`, this.stateFile);
    } catch (error) {
      throw folderMissing(this.stateFile, (error as Error).message);
    }
  }
}
