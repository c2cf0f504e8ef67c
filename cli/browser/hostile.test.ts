import t from 'tap';
import { hostile } from './hostile.js';
import { openStage } from './stage.js';
import { CHROMIUM } from './window.js';

t.test('hostile text on every page', { timeout: 290_000, skip: CHROMIUM ? false : 'no chromium here' }, async (t) => {
  const stage = await openStage((end) => t.teardown(end));
  await hostile(t, stage);
});
