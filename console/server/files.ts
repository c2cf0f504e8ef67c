import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const SHA256 = /^[0-9a-f]{64}$/;

/** Files under the hash of their content, outside the web root, readable by this program's user alone. */
export class HashedFiles {
  constructor(private readonly folder: string) {}

  private path(sha256: string): string {
    if (!SHA256.test(sha256)) throw new TypeError('not a SHA-256');
    return join(this.folder, sha256.slice(0, 2), sha256);
  }

  /** Stores the bytes, synced to disk before it resolves. @returns their SHA-256 */
  async put(bytes: Uint8Array): Promise<string> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const path = this.path(sha256);
    if ((await stat(path).catch(() => undefined))?.size === bytes.length) return sha256;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const unfinished = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    const file = await open(unfinished, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    return sha256;
  }

  /** Undefined where the file is not there. */
  async read(sha256: string): Promise<{ stream: ReadStream; bytes: number } | undefined> {
    const path = this.path(sha256);
    const found = await stat(path).catch(() => undefined);
    return found && { stream: createReadStream(path), bytes: found.size };
  }

  /** The whole file; undefined where it is not there. */
  async bytes(sha256: string): Promise<Buffer | undefined> { return readFile(this.path(sha256)).catch(() => undefined); }

  async remove(sha256: string): Promise<void> { await rm(this.path(sha256), { force: true }); }
}
