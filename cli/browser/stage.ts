import type { Browser } from 'playwright-core';
import type { IncidentRow } from '../../console/model/api.js';
import { startAppliance, struts, type Appliance, type Person } from './appliance.js';
import { launch } from './window.js';

/** What the workflows share: one appliance, one browser, the people, and the incident that was a success. */
export interface Stage {
  appliance: Appliance;
  browser: Browser;
  people: Record<'op' | 'op2' | 'ana' | 'lead' | 'audit' | 'wuhan' | 'yichang', Person>;
  broken: IncidentRow;
}

/** Starts it all and has one attack succeed and five be refused. `teardown` takes what ends it again. */
export async function openStage(teardown: (end: () => Promise<void>) => void): Promise<Stage> {
  const [appliance, browser] = await Promise.all([startAppliance(), launch()]);
  teardown(() => appliance.stop());
  teardown(() => browser.close());
  const people = {
    op: await appliance.person('op', '值班员甲', ['operator']), op2: await appliance.person('op2', '值班员乙', ['operator']), ana: await appliance.person('ana', '分析员甲', ['analyst']), lead: await appliance.person('lead', '分管领导', ['leader']),
    audit: await appliance.person('audit', '审计员', ['auditor']), wuhan: await appliance.person('wuhan', '武汉处置人', ['unit_handler'], 'wuhan'), yichang: await appliance.person('yichang', '宜昌处置人', ['unit_handler'], 'yichang'),
  };
  await appliance.feed(struts('198.51.100.99', '10.101.1.10'));
  for (let k = 0; k < 5; k++) await appliance.feed(struts(`198.51.100.${20 + k}`, `10.10${4 + k}.2.15`, false));
  const broken = await appliance.until<IncidentRow>(people.op, '/api/incidents?verdict=succeeded', (i) => i.attacker.ip === '198.51.100.99');
  await appliance.until<IncidentRow>(people.op, '/api/incidents', (i) => i.attacker.ip === '198.51.100.24');
  return { appliance, browser, people, broken };
}
