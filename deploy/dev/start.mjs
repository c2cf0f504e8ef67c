// `npm start`: installs, builds and runs the appliance in this process, so that signals reach it.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

await prepare();
process.argv = [process.argv[0], join(root, 'bin/shouwang.mjs'), 'up', ...process.argv.slice(2)];
await import(pathToFileURL(join(root, 'dist/bundle/main.js')).href);
