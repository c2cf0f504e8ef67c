import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busErrors } from './errors.js';

function readText(path: string): string | undefined {
  try { return readFileSync(path, 'utf8'); } catch { return undefined; }
}

/** When a process started, in clock ticks since boot with the boot's id: a process id alone is soon used again. */
function identity(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return `${pid} ${started} ${readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}`;
}

/** One process at a time works in a data directory; what a killed process left behind is taken over. */
export class DirectoryLock {
  private constructor(private readonly path: string, private readonly mine: string) {}

  static take(dir: string): DirectoryLock {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, 'lock');
    const mine = identity(process.pid) ?? `${process.pid}`;
    for (let attempt = 0; ; attempt++) {
      try {
        writeFileSync(path, mine, { flag: 'wx', mode: 0o600 });
        return new DirectoryLock(path, mine);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 2) throw error;
      }
      const held = readText(path) ?? '';
      const pid = Number.parseInt(held, 10);
      if (held !== '' && pid > 0 && identity(pid) === held) throw busErrors.directoryBusy(dir, pid);
      try { unlinkSync(path); } catch { /* somebody else was faster; try once more */ }
    }
  }

  release(): void {
    if (readText(this.path) === this.mine) unlinkSync(this.path);
  }
}
