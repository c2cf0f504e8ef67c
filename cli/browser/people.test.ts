import t, { type Test } from 'tap';
import { LANGUAGES } from './language.js';
import { secondFactor, shifts, users } from './people.js';
import { openStage } from './stage.js';
import { trial } from './story.js';
import { strict } from './strict.js';
import { CHROMIUM } from './window.js';

t.test('who may sit at the console, and a rule tried on the past', { timeout: 540_000, skip: CHROMIUM ? false : 'no chromium here' }, async (t) => {
  const stage = await openStage((end) => t.teardown(end));
  const both = (run: typeof users) => async (t: Test) => void await Promise.all(LANGUAGES.map((language) => run(t, stage, language)));
  await t.test('users, roles and what a unit sees', both(users));
  await t.test('two-step login and ended sessions', both(secondFactor));
  await t.test('one person after another at one screen', (t) => shifts(t, stage));
  await t.test('administrators kept apart', (t) => Promise.all(LANGUAGES.map((language) => strict(t, stage.browser, (end) => t.teardown(end), language))).then(() => undefined));
  // The analyzer tries one rule at a time.
  for (const language of LANGUAGES) await t.test(`a rule is tried, ${language}`, (t) => trial(t, stage, language));
});
