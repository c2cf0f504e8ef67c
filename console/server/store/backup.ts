import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, createReadStream, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import Database from 'libsql';
import { backupFailed, restoreFailed } from '../errors.js';

/** A backup is a folder: the store, the hashed files, the keys, and `manifest.json` with the SHA-256 of everything. */
export interface BackupManifest { format: 'shouwang-backup-1'; at: string; engine: 'sqlite' | 'postgres'; files: { name: string; bytes: number; sha256: string }[] }
const KEYS = ['signing.key', 'seal.key'];
/** Backups that are kept in a data directory. */
const KEPT = 7;

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
function* walk(folder: string): Generator<string> {
  for (const e of readdirSync(folder, { withFileTypes: true })) {
    if (e.isDirectory()) yield* walk(join(folder, e.name));
    else if (e.isFile()) yield join(folder, e.name);
  }
}

/** Copies a console's data while it runs. Hashed files never change, so that those copied after the store are the ones it names. */
export async function makeBackup(dataDir: string, to: string, url?: string, now = Date.now()): Promise<BackupManifest> {
  if (existsSync(to) && readdirSync(to).length > 0) throw backupFailed(`${to} is not empty`);
  const unfinished = `${to}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  try {
    if (url) {
      const dump = spawnSync('pg_dump', ['--format=custom', '--no-owner', '--file', join(unfinished, 'console.pgdump'), '--dbname', url], { encoding: 'utf8' });
      if (dump.error) throw backupFailed('pg_dump is not on this machine; install postgresql-client of the server\'s version, or back up on the server');
      if (dump.status !== 0) throw backupFailed(dump.stderr.trim().slice(0, 500));
    } else {
      const source = join(dataDir, 'console.db');
      if (!existsSync(source)) throw backupFailed(`${source} is not there`);
      const db = new Database(source);
      try {
        db.exec('PRAGMA busy_timeout = 30000');
        db.exec(`vacuum into '${join(unfinished, 'console.db').replaceAll("'", "''")}'`);
      } finally {
        db.close();
      }
    }
    if (existsSync(join(dataDir, 'files'))) cpSync(join(dataDir, 'files'), join(unfinished, 'files'), { recursive: true, filter: (path) => statSync(path).isDirectory() || /^[0-9a-f]{64}$/.test(path.split(/[\\/]/).at(-1) ?? '') });
    for (const key of KEYS) if (existsSync(join(dataDir, key))) copyFileSync(join(dataDir, key), join(unfinished, key));
    const manifest: BackupManifest = { format: 'shouwang-backup-1', at: new Date(now).toISOString(), engine: url ? 'postgres' : 'sqlite', files: [] };
    for (const path of walk(unfinished)) manifest.files.push({ name: relative(unfinished, path), bytes: statSync(path).size, sha256: await hashOf(path) });
    writeFileSync(join(unfinished, 'manifest.json'), JSON.stringify(manifest, null, 1), { mode: 0o600 });
    rmSync(to, { recursive: true, force: true });
    renameSync(unfinished, to);
    return manifest;
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** A data directory that is a mount cannot be renamed: then what is in it goes into a folder of it. @returns where it is */
function moveAside(dataDir: string): string {
  const name = `before-restore-${Date.now()}`;
  try {
    renameSync(dataDir, `${dataDir}.${name}`);
    return `${dataDir}.${name}`;
  } catch {
    const inside = join(dataDir, name);
    mkdirSync(inside, { mode: 0o700 });
    for (const entry of readdirSync(dataDir)) if (entry !== name) renameSync(join(dataDir, entry), join(inside, entry));
    return inside;
  }
}
function moveBack(aside: string, dataDir: string): void {
  if (dirname(aside) !== dataDir) {
    rmSync(dataDir, { recursive: true, force: true });
    renameSync(aside, dataDir);
    return;
  }
  for (const entry of readdirSync(dataDir)) if (join(dataDir, entry) !== aside) rmSync(join(dataDir, entry), { recursive: true, force: true });
  for (const entry of readdirSync(aside)) renameSync(join(aside, entry), join(dataDir, entry));
  rmSync(aside, { recursive: true, force: true });
}

/** Puts a backup back, whole or not at all; what is there is moved aside. The console must not be running. @returns where the old data went */
export async function restoreBackup(from: string, dataDir: string, url?: string): Promise<{ manifest: BackupManifest; aside?: string }> {
  let manifest: BackupManifest;
  try {
    manifest = JSON.parse(readFileSync(join(from, 'manifest.json'), 'utf8')) as BackupManifest;
    if (manifest.format !== 'shouwang-backup-1') throw new TypeError('another format');
  } catch {
    throw restoreFailed(`${from} is no backup`);
  }
  if ((manifest.engine === 'postgres') !== (url !== undefined)) throw restoreFailed(`the backup is of ${manifest.engine}, the configuration says ${url ? 'postgres' : 'sqlite'}`);
  for (const f of manifest.files) {
    const path = join(from, f.name);
    if (f.name.split(/[\\/]/).includes('..') || !existsSync(path) || await hashOf(path) !== f.sha256) throw restoreFailed(`${f.name} is missing or was changed`);
  }
  let aside: string | undefined;
  let source = from;
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    // A backup that lies in the data directory, as the console makes them, moves along.
    const within = relative(realpathSync(dataDir), realpathSync(from));
    aside = moveAside(dataDir);
    if (!within.startsWith('..') && !isAbsolute(within)) source = join(aside, within);
  }
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    for (const f of manifest.files) {
      if (f.name === 'console.pgdump') continue;
      mkdirSync(join(dataDir, f.name, '..'), { recursive: true, mode: 0o700 });
      copyFileSync(join(source, f.name), join(dataDir, f.name));
    }
    // One transaction: a dump that breaks off leaves the database as it was.
    if (url) {
      const done = spawnSync('pg_restore', ['--clean', '--if-exists', '--no-owner', '--single-transaction', '--dbname', url, join(source, 'console.pgdump')], { encoding: 'utf8' });
      if (done.error) throw restoreFailed('pg_restore is not on this machine; install postgresql-client of the server\'s version');
      if (done.status !== 0) throw restoreFailed(done.stderr.trim().slice(0, 500));
    }
  } catch (error) {
    if (aside) moveBack(aside, dataDir);
    throw (error as { code?: string }).code?.startsWith('SW_') ? error : restoreFailed((error as Error).message);
  }
  return { manifest, ...(aside ? { aside } : {}) };
}

export function listBackups(dataDir: string): { name: string; manifest: BackupManifest }[] {
  const folder = join(dataDir, 'backup');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory()).flatMap((e) => {
    try {
      return [{ name: e.name, manifest: JSON.parse(readFileSync(join(folder, e.name, 'manifest.json'), 'utf8')) as BackupManifest }];
    } catch {
      return [];
    }
  }).sort((a, b) => (a.manifest.at < b.manifest.at ? 1 : -1));
}
/** The oldest go: each is as large as the store. */
export function dropOldBackups(dataDir: string): void {
  for (const { name } of listBackups(dataDir).slice(KEPT)) rmSync(join(dataDir, 'backup', name), { recursive: true, force: true });
}
