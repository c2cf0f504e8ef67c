import { readFileSync } from 'node:fs';

/** Seconds for which the calling thread has run on a processor so far; 0 where the system does not say (schedstat of Linux). */
export function threadSeconds(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e9 || 0;
  } catch {
    return 0;
  }
}
