// `npm run check`: types, lint (the arrows between the rooms among it).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { prepare, root } from './prepare.mjs';

/** Runs every check, one after another; @returns the names of those that failed. */
export async function check() {
  const steps = [
    ['types', ['node_modules/typescript/bin/tsc', '-p', '.']],
    ['lint', ['node_modules/oxlint/bin/oxlint']],
  ];
  if (existsSync(`${root}/console/ui/tsconfig.json`)) {
    steps.push(['types of the console', ['node_modules/vue-tsc/bin/vue-tsc.js', '--noEmit', '-p', 'console/ui/tsconfig.json']]);
  }
  const failed = [];
  for (const [name, args] of steps) {
    const [status] = await once(spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] }), 'exit');
    console.error(`${status === 0 ? 'ok' : 'NOT OK'}: ${name}`);
    if (status !== 0) failed.push(name);
  }
  return failed;
}

if (process.argv[1]?.endsWith('check.mjs')) {
  await prepare();
  process.exitCode = (await check()).length === 0 ? 0 : 1;
}
