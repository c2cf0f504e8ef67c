import type { Browser } from 'playwright-core';
import t from 'tap';
import type { IncidentRow } from '../../console/model/api.js';
import { accessible, firstLoad } from './access.js';
import { startAppliance, struts, type Appliance, type Person } from './appliance.js';
import { bulletin } from './bulletin.js';
import { figures } from './figures.js';
import { secondFactor, users } from './people.js';
import { story } from './story.js';
import { triage } from './triage.js';
import { CHROMIUM, SHOTS, launch } from './window.js';

/** What the workflows share: one appliance, one browser, the people, and the incident that was a success. */
export interface Stage {
  appliance: Appliance;
  browser: Browser;
  people: Record<'op' | 'op2' | 'ana' | 'lead' | 'audit' | 'wuhan' | 'yichang', Person>;
  broken: IncidentRow;
}

t.test('the console in a browser, as each of those who use it', { timeout: 175_000, skip: CHROMIUM ? false : 'no chromium here' }, async (t) => {
  const [appliance, browser] = await Promise.all([startAppliance(), launch()]);
  t.teardown(() => appliance.stop());
  t.teardown(() => browser.close());
  const people = {
    op: await appliance.person('op', '值班员甲', ['operator']), op2: await appliance.person('op2', '值班员乙', ['operator']), ana: await appliance.person('ana', '分析员甲', ['analyst']), lead: await appliance.person('lead', '分管领导', ['leader']),
    audit: await appliance.person('audit', '审计员', ['auditor']), wuhan: await appliance.person('wuhan', '武汉处置人', ['unit_handler'], 'wuhan'), yichang: await appliance.person('yichang', '宜昌处置人', ['unit_handler'], 'yichang'),
  };
  await appliance.feed(struts('198.51.100.99', '10.101.1.10'));
  for (let k = 0; k < 5; k++) await appliance.feed(struts(`198.51.100.${20 + k}`, `10.10${4 + k}.2.15`, false));
  const broken = await appliance.until<IncidentRow>(people.op, '/api/incidents?verdict=succeeded', (i) => i.attacker.ip === '198.51.100.99');
  await appliance.until<IncidentRow>(people.op, '/api/incidents', (i) => i.attacker.ip === '198.51.100.24');
  const stage: Stage = { appliance, browser, people, broken };
  const steps = { 'first load': firstLoad, 'triage by keyboard': triage, 'the story of an incident': story, 'from the bulletin to the verified fix and back': bulletin, 'users, roles and what a unit sees': users, 'two-step login and ended sessions': secondFactor, 'reports, long term, audit and the wall': figures, 'accessible in both themes': accessible };
  for (const [name, run] of Object.entries(steps)) {
    const began = performance.now();
    await t.test(name, (t) => run(t, stage));
    t.comment(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  t.comment(`screenshots: ${SHOTS}`);
});
