import { run } from './analysis.mjs';

await run('shard-worker');
