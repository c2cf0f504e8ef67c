import { run } from './analysis.mjs';

await run('capture-player');
