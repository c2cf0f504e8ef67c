#!/usr/bin/env node
// The command line. Builds the checkout first when it has not been built yet.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
if (!existsSync(join(root, 'dist/bundle/main.js'))) {
  const { prepare } = await import('../deploy/dev/prepare.mjs');
  await prepare();
}
await import('../dist/bundle/main.js');
