import { join } from 'node:path';
import type { Command } from 'commander';
import { makeBackup, restoreBackup } from '../console/server/store/backup.js';
import { loadConfig } from '../runtime/config.js';
import { coded } from '../runtime/errors.js';
import { ConsoleFile } from './settings.js';

const errors = {
  where: coded('SW_BACKUP_WHERE', () => 'It is not said which console is meant.', 'Name its data directory with --data (the folder that holds console.db), or its configuration with --config.'),
};
interface Options { data?: string; config?: string; to?: string }

function place(options: Options): { dataDir: string; url?: string } {
  if (options.config) {
    const { console } = loadConfig(options.config, ConsoleFile);
    return { dataDir: console.dataDir, ...(console.database ? { url: console.database } : {}) };
  }
  if (!options.data) throw errors.where();
  return { dataDir: options.data };
}

export function register(command: Command): void {
  command
    .option('--data <dir>', 'data directory of the console (holds console.db)')
    .option('--config <file>', 'configuration of the console')
    .option('--to <dir>', 'new folder for the backup; default: backup/ in the data directory')
    .addHelpText('after', '\nRuns while the console runs. PostgreSQL is dumped with pg_dump.\n\nExample:\n  npx shouwang backup --data /var/lib/shouwang/console --to /mnt/backup/2026-06-01')
    .action(async (options: Options) => {
      const { dataDir, url } = place(options);
      const to = options.to ?? join(dataDir, 'backup', `backup-${new Date().toISOString().replace(/[:.]/g, '-')}`);
      const manifest = await makeBackup(dataDir, to, url);
      process.stdout.write(`${manifest.files.length} files, ${manifest.files.reduce((n, f) => n + f.bytes, 0)} bytes in ${to}\n`);
    });
}

export function registerRestore(command: Command): void {
  command
    .argument('<backup>', 'folder that the backup command or the console made')
    .option('--data <dir>', 'data directory of the console')
    .option('--config <file>', 'configuration of the console')
    .addHelpText('after', '\nStop the console first. What is in the data directory is moved aside, not deleted; every file of the\nbackup is checked against its hash before anything changes.\n\nExample:\n  npx shouwang restore /mnt/backup/2026-06-01 --data /var/lib/shouwang/console')
    .action(async (from: string, options: Options) => {
      const { dataDir, url } = place(options);
      const { manifest, aside } = await restoreBackup(from, dataDir, url);
      process.stdout.write(`Restored the state of ${manifest.at} into ${dataDir}.${aside ? ` What was there is in ${aside}.` : ''}\n`);
    });
}
