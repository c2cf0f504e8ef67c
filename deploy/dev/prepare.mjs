// Installs and builds what is missing or out of date; does nothing in well under a second when all is current.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const rooms = ['contracts', 'runtime', 'collector', 'analyzer', 'console', 'deploy', 'bench', 'cli', 'rules'];
const [major, minor] = process.versions.node.split('.').map(Number);

/** Fails with what to do when this Node is too old. */
export function requireNode() {
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`SW_NODE_VERSION: Node ${process.versions.node} is too old. Install Node 20.19 or later, then run this again.`);
  process.exit(2);
}

async function run(command, args) {
  const [ended] = await once(spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2] }), 'exit').then(([code, signal]) => [code ?? signal], (error) => [error.code]);
  if (ended !== 0) {
    console.error(`SW_PREPARE_FAILED: "${command} ${args.join(' ')}" ended with ${ended}. Read its output above, mend it and run this again.`);
    process.exit(2);
  }
}

/** Names, sizes and times of everything the build reads. */
function sourceStamp() {
  const hash = createHash('sha256');
  const visit = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (/\.(ts|mjs|vue|css|html|sql|json|svg|ttf|otf)$/.test(entry.name)) {
        const s = statSync(path);
        hash.update(`${path}:${s.size}:${s.mtimeMs};`);
      }
    }
  };
  for (const room of rooms) if (existsSync(join(root, room))) visit(join(root, room));
  return hash.digest('hex');
}

/** What is printed goes to standard error, so that a pipe behind a command stays clean. */
export async function prepare() {
  requireNode();
  const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).update(process.version.split('.')[0]).digest('hex');
  const installed = join(root, 'node_modules/.shouwang-installed');
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== lock) {
    console.error('Installing packages (once) …');
    await run('npm', ['ci', '--no-audit', '--no-fund', '--include=dev', '--loglevel=error']);
    writeFileSync(installed, lock);
  }
  const stamp = sourceStamp();
  const built = join(root, 'dist/.built');
  if (!existsSync(built) || readFileSync(built, 'utf8') !== stamp) {
    console.error('Building …');
    await run(process.execPath, ['deploy/dev/build.mjs']);
    mkdirSync(dirname(built), { recursive: true });
    writeFileSync(built, stamp);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prepare();
