/** What `bin/analysis.mjs` starts, each when asked for: the command line and the threads of an analysis. */
export const parts = {
  main: () => import('./main.js'),
  'shard-worker': () => import('./shards/worker.js'),
  'capture-player': () => import('./capture-player.js'),
};
