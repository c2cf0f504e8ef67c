// `npm run check`: types, lint (the arrows between the rooms among it).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { prepare, root } from './prepare.mjs';

/** Runs every check; @returns the names of those that failed. */
export function check() {
  const steps = [
    ['types', ['node_modules/typescript/bin/tsc', '-p', '.']],
    ['lint', ['node_modules/oxlint/bin/oxlint']],
  ];
  if (existsSync(`${root}/console/ui/tsconfig.json`)) {
    steps.push(['types of the console', ['node_modules/vue-tsc/bin/vue-tsc.js', '--noEmit', '-p', 'console/ui/tsconfig.json']]);
  }
  const failed = [];
  for (const [name, args] of steps) {
    const done = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
    console.error(`${done.status === 0 ? 'ok' : 'NOT OK'}: ${name}`);
    if (done.status !== 0) failed.push(name);
  }
  return failed;
}

if (process.argv[1]?.endsWith('check.mjs')) {
  await prepare();
  process.exitCode = check().length === 0 ? 0 : 1;
}
