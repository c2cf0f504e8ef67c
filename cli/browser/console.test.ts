import t, { type Test } from 'tap';
import { bulletin } from './bulletin.js';
import { LANGUAGES } from './language.js';
import { openStage } from './stage.js';
import { story } from './story.js';
import { triage } from './triage.js';
import { CHROMIUM, SHOTS } from './window.js';

t.test('the console in a browser, as those who work on findings use it', { timeout: 540_000, skip: CHROMIUM ? false : 'no chromium here' }, async (t) => {
  const stage = await openStage((end) => t.teardown(end));
  const both = (run: typeof story) => async (t: Test) => void await Promise.all(LANGUAGES.map((language) => run(t, stage, language)));
  // Two people at two keyboards would move each other's queue.
  for (const language of LANGUAGES) await t.test(`triage by keyboard, ${language}`, (t) => triage(t, stage, language));
  await t.test('the story of an incident', both(story));
  await t.test('from the bulletin to the verified fix and back', both(bulletin));
  t.comment(`screenshots: ${SHOTS}`);
});
