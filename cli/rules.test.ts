import t from 'tap';
import { dirname, join } from 'node:path';
import { judge } from '../analyzer/match/prove.js';
import { playCaptures } from './capture-players.js';
import type { Played } from './capture-player.js';
import { loadPack, PACK } from './pack.js';

/** What the pack promises: each rule speaks on its hits as they state, and is silent on its misses. */
t.test('every shipped rule keeps what its captures promise', { timeout: 900_000 }, async (t) => {
  const { loaded } = loadPack([]);
  const paths = new Set(loaded.documents.flatMap(({ document, file }) => document.captures.map((c) => join(dirname(file), c.file))));
  const played = new Map<string, Played>();
  await playCaptures([PACK], [...paths], (one) => void played.set(one.path, one));
  for (const { document, file } of loaded.documents) {
    const wrong = document.captures.flatMap((capture) => {
      const one = played.get(join(dirname(file), capture.file));
      const why = one === undefined ? 'was not played' : one.failure ?? judge(document, capture, one.alerts);
      return why === undefined ? [] : [`${capture.file}: ${why}`];
    });
    t.same(wrong, [], document.id);
  }
});
