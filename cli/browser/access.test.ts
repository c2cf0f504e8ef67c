import t from 'tap';
import { accessible, firstLoad } from './access.js';
import { openStage } from './stage.js';
import { strict } from './strict.js';
import { CHROMIUM } from './window.js';

// Beside the workflows, so that both processors have work.
t.test('what a browser needs of the console, and what people need who see or move otherwise', { timeout: 290_000, skip: CHROMIUM ? false : 'no chromium here' }, async (t) => {
  const stage = await openStage((end) => t.teardown(end));
  await t.test('first load', (t) => firstLoad(t, stage));
  await t.test('administrators kept apart', (t) => strict(t, stage.browser, (end) => t.teardown(end)));
  await t.test('accessible in both themes', (t) => accessible(t, stage));
});
