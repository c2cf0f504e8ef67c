import t, { type Test } from 'tap';
import { figures, upkeep, wall } from './figures.js';
import { LANGUAGES } from './language.js';
import { everyPage, firstLoad, looksRight } from './pages.js';
import { openStage } from './stage.js';
import { CHROMIUM } from './window.js';

// Beside the workflows, so that both processors have work.
t.test('every page, and what is done between alarms', { timeout: 540_000, skip: CHROMIUM ? false : 'no chromium here' }, async (t) => {
  const stage = await openStage((end) => t.teardown(end), ['zh']);
  const timed = async (name: string, run: (t: Test) => Promise<unknown>): Promise<void> => {
    const began = performance.now();
    await t.test(name, (t) => run(t).then(() => undefined));
    t.comment(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  };
  await timed('first load', (t) => firstLoad(t, stage));
  await timed('strangers are seen', (t) => looksRight(t, stage));
  await timed('every page in both languages and themes', (t) => everyPage(t, stage));
  const steps = {
    'reports, dashboards, long term, coverage': figures, 'the wall': wall,
  };
  // Two people who save the same settings at once are told of each other.
  for (const language of LANGUAGES) await timed(`channels, registry, settings, upkeep, ${language}`, (t) => upkeep(t, stage, language));
  for (const [name, run] of Object.entries(steps)) await timed(name, (t) => Promise.all(LANGUAGES.map((language) => run(t, stage, language))));
});
