import t from 'tap';
import { bulletin } from './bulletin.js';
import { figures } from './figures.js';
import { secondFactor, shifts, users } from './people.js';
import { openStage } from './stage.js';
import { story } from './story.js';
import { triage } from './triage.js';
import { CHROMIUM, SHOTS } from './window.js';

t.test('the console in a browser, as each of those who use it', { timeout: 290_000, skip: CHROMIUM ? false : 'no chromium here' }, async (t) => {
  const stage = await openStage((end) => t.teardown(end));
  const steps = { 'triage by keyboard': triage, 'the story of an incident': story, 'from the bulletin to the verified fix and back': bulletin, 'users, roles and what a unit sees': users, 'one person after another at one screen': shifts, 'two-step login and ended sessions': secondFactor, 'reports, long term, audit and the wall': figures };
  for (const [name, run] of Object.entries(steps)) {
    const began = performance.now();
    await t.test(name, (t) => run(t, stage));
    t.comment(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  t.comment(`screenshots: ${SHOTS}`);
});
