import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { filterRefused, interfaceName } from './errors.js';

/** The longest filter taken; the compiled program of a longer one exceeds the kernel's limit anyway. */
const MAX_FILTER = 8192;
/** pcap-filter(7) needs these and no others; no shell ever sees them, this is the second lock. */
const FILTER_TEXT = /^[\w\s()[\]{}<>=!&|.:/+*~^%,\\-]*$/;
const INTERFACE = /^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,31}$/;
const COMPILE_MS = 5000;

/** @throws OperatorError SW_COLLECT_INTERFACE_NAME */
export function checkInterface(name: string): void {
  if (!INTERFACE.test(name)) throw interfaceName(name);
}

/**
 * Checks a BPF filter: its characters, and with tcpdump's compiler where that is there (for Ethernet; the compiler of
 * the capture itself has the last word).
 * @throws OperatorError SW_COLLECT_FILTER
 */
export async function checkFilter(filter: string, tcpdump: string | undefined): Promise<void> {
  if (filter.length > MAX_FILTER) throw filterRefused(`${filter.slice(0, 60)}…`, `it is longer than ${MAX_FILTER} characters`);
  if (filter.trim() === '') return;
  if (!FILTER_TEXT.test(filter)) throw filterRefused(filter, 'it has characters no filter needs');
  if (filter.trim().startsWith('-')) throw filterRefused(filter, 'it begins like an option');
  if (tcpdump === undefined) return;
  const message = await new Promise<string>((resolve) => {
    execFile(tcpdump, ['-d', '--', filter], { timeout: COMPILE_MS, maxBuffer: 4 * 1024 * 1024 }, (error, _out, stderr) => {
      resolve(error ? lastLine(stderr) || error.message : '');
    });
  });
  if (message !== '') throw filterRefused(filter, message);
}

/** Path of a program in PATH or where Debian keeps it out of an ordinary user's PATH. */
export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin']) {
    if (folder === '') continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there; the next folder may have it.
    }
  }
  return undefined;
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').replace(/^tcpdump: /, '').trim();
}
