import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { verifyBundle } from '../console/server/evidence/bundle.js';
import { AuditChain } from '../console/server/store/audit.js';
import { coded } from '../runtime/errors.js';

const errors = {
  unreadable: coded('SW_VERIFY_UNREADABLE', (path: string, why: string) => `${path} cannot be read: ${why}.`, 'Name a bundle (*.swbundle) or an audit log (*.ndjson) that the console gave out.'),
};

export function register(command: Command): void {
  command
    .argument('<file>', 'evidence bundle of an incident (*.swbundle), or an exported audit log (*.ndjson)')
    .option('--key <id>', 'demand that this key signed it; the console shows its id under the incident\'s chain')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nChecks, with nothing but the file itself: the signature, SHA-256 and SM3 of every file, and the chain\npacket → alert → incident → bulletin → closure; of an audit log the chain of its hashes. Ends with 1 where something is wrong.\n\nExample:\n  npx shouwang verify inc-5d41402abc4b2a76.swbundle --key 9f86d081884c7d659a2feaa0c55ad015')
    .action((path: string, options: { key?: string; json?: boolean }) => {
      let bytes: Buffer;
      try {
        bytes = readFileSync(path);
      } catch (error) {
        throw errors.unreadable(path, (error as Error).message);
      }
      if (path.endsWith('.ndjson')) return audit(bytes.toString(), options.json);
      const result = verifyBundle(bytes, options.key);
      const { manifest } = result;
      if (options.json) {
        process.stdout.write(`${JSON.stringify({ sound: result.sound, faults: result.faults, incident: manifest?.incident, keyId: result.keyId, head: manifest?.head, files: result.files, links: result.links, missing: manifest?.missing ?? [] })}\n`);
      } else {
        for (const fault of result.faults) process.stdout.write(`✗ ${fault}\n`);
        if (manifest) {
          // Titles hold captured text: control characters would reach the terminal.
          process.stdout.write(`Incident ${manifest.incident}: ${manifest.title.replace(/[^\P{C}]/gu, '\u00b7')}\n`);
          process.stdout.write(`Made ${manifest.createdAt} by ${manifest.producer}, signed by key ${result.keyId ?? '(nobody)'}\n`);
          process.stdout.write(`${result.files} of ${manifest.files.length} files and ${result.links} of ${manifest.chain.length} links are sound; end of the chain ${manifest.head}\n`);
          if (manifest.missing.length > 0) process.stdout.write(`Announced but not stored when the bundle was made: ${manifest.missing.join(', ')}\n`);
        }
        process.stdout.write(result.sound ? 'Sound.\n' : 'NOT sound.\n');
      }
      if (!result.sound) process.exitCode = 1;
    });
}

/** An audit log as the console exports it, an entry a line. */
function audit(text: string, json = false): void {
  const chain = new AuditChain();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch {
      row = {};
    }
    if (!chain.add(row as Parameters<AuditChain['add']>[0])) break;
  }
  const { entries, head, brokenAt } = chain;
  if (json) process.stdout.write(`${JSON.stringify({ sound: brokenAt === undefined, entries, head, ...(brokenAt === undefined ? {} : { brokenAt }) })}\n`);
  else process.stdout.write(`${entries} entries; end of the chain ${head}\n${brokenAt === undefined ? '' : `✗ entry ${brokenAt} was changed, moved or taken out\n`}${brokenAt === undefined ? 'Sound.' : 'NOT sound.'}\n`);
  if (brokenAt !== undefined) process.exitCode = 1;
}
