import t, { type Test } from 'tap';
import { bulletin } from './bulletin.js';
import { LANGUAGES } from './language.js';
import { secondFactor, shifts, users } from './people.js';
import { openStage } from './stage.js';
import { story, trial } from './story.js';
import { triage } from './triage.js';
import { CHROMIUM, SHOTS } from './window.js';

t.test('the console in a browser, as each of those who use it', { timeout: 290_000, skip: CHROMIUM ? false : 'no chromium here' }, async (t) => {
  const stage = await openStage((end) => t.teardown(end));
  const timed = async (name: string, run: (t: Test) => Promise<unknown>): Promise<void> => {
    const began = performance.now();
    await t.test(name, (t) => run(t).then(() => undefined));
    t.comment(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  };
  // Two people at two keyboards would move each other's queue.
  for (const language of LANGUAGES) await timed(`triage by keyboard, ${language}`, (t) => triage(t, stage, language));
  const steps = { 'the story of an incident': story, 'from the bulletin to the verified fix and back': bulletin, 'users, roles and what a unit sees': users, 'two-step login and ended sessions': secondFactor };
  for (const [name, run] of Object.entries(steps)) await timed(name, (t) => Promise.all(LANGUAGES.map((language) => run(t, stage, language))));
  // The analyzer tries one rule at a time.
  for (const language of LANGUAGES) await timed(`a rule is tried, ${language}`, (t) => trial(t, stage, language));
  await t.test('one person after another at one screen', (t) => shifts(t, stage));
  t.comment(`screenshots: ${SHOTS}`);
});
