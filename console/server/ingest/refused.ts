import { closeSync, fsyncSync, openSync, statSync, writeSync } from 'node:fs';

/** Somebody reads the file before it is this large; then alerts wait on the bus again. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * Whether the store, or what makes rows of alerts, can never take these values; what is only out of order for now (a full
 * disk, a lost connection, a deadlock) is not. Classes of SQLSTATE: 22 data exception, 23 integrity constraint violation.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return true;
  const code = String((error as { code?: unknown } | undefined)?.code ?? '');
  return /^2[23][0-9A-Z]{3}$/.test(code) || /^SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code);
}

/** Keeps an alert that cannot be stored as one line of `file`, on disk when this returns. @returns false when the file is full */
export function setAside(file: string, json: string): boolean {
  const fd = openSync(file, 'a', 0o600);
  try {
    if (statSync(file).size + json.length > MAX_BYTES) return false;
    writeSync(fd, `${json.replaceAll('\n', ' ')}\n`);
    fsyncSync(fd);
    return true;
  } finally {
    closeSync(fd);
  }
}
