import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { coded } from '../../runtime/errors.js';
import type { StoredFile } from '../packet-stage-store.js';

const unwritable = coded('SW_FILE_STORE', (folder: string, why: string) => `Files cannot be stored in "${folder}" (${why}).`, 'Name a folder that may be written and has room.');

/**
 * A folder for files by their SHA-256: `ab/abcd…` as Suricata lays them out, certificates as `certs/abcd….pem`. A file
 * that is there already stays as it is. @throws OperatorError (SW_FILE_STORE)
 */
export function fileStoreAt(folder: string): (file: StoredFile) => void {
  return ({ kind, sha256, bytes }) => {
    const within = join(folder, kind === 'file' ? sha256.slice(0, 2) : 'certs');
    const path = join(within, kind === 'file' ? sha256 : `${sha256}.pem`);
    try {
      if (existsSync(path)) return;
      mkdirSync(within, { recursive: true, mode: 0o750 });
      // Whole or not at all: a crash leaves no half of a file under its digest.
      writeFileSync(`${path}.${process.pid}.part`, bytes, { mode: 0o640 });
      renameSync(`${path}.${process.pid}.part`, path);
    } catch (error) {
      throw unwritable(folder, (error as NodeJS.ErrnoException).code ?? 'unknown');
    }
  };
}
