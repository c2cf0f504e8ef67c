import type { Browser } from 'playwright-core';
import type { IncidentRow } from '../../console/model/api.js';
import { startAppliance, struts, type Appliance, type Person } from './appliance.js';
import { typedByPeople, type Language } from './language.js';
import { launch } from './window.js';

const PEOPLE = {
  op: ['值班员甲', ['operator']], op2: ['值班员乙', ['operator']], ana: ['分析员甲', ['analyst']], lead: ['分管领导', ['leader']], audit: ['审计员甲', ['auditor']],
  wuhan: ['武汉处置人', ['unit_handler'], 'wuhan'], yichang: ['宜昌处置人', ['unit_handler'], 'yichang'],
} as const;
/** What each language has to work on: who broke in where, and the refused attackers with their victims. */
export const FIELD: Record<Language, { attacker: string; victim: string; tried: { attacker: string; victim: string }[] }> = {
  zh: { attacker: '198.51.100.99', victim: '10.101.1.10', tried: [0, 1, 2, 3, 4].map((k) => ({ attacker: `198.51.100.${20 + k}`, victim: `10.10${4 + k}.2.15` })) },
  en: { attacker: '198.51.100.98', victim: '10.101.1.11', tried: [0, 1, 2, 3, 4].map((k) => ({ attacker: `198.51.100.${30 + k}`, victim: `10.10${4 + k}.3.15` })) },
};

/** What the workflows share: one appliance, one browser, the people, and for each language the incident that was a success. */
export interface Stage {
  appliance: Appliance;
  browser: Browser;
  people: Record<keyof typeof PEOPLE, Person>;
  broken: Record<Language, IncidentRow>;
}

/** Starts it all and has attacks succeed and be refused. `teardown` takes what ends it again. */
export async function openStage(teardown: (end: () => Promise<void>) => void, languages: readonly Language[] = ['zh', 'en']): Promise<Stage> {
  const [appliance, browser] = await Promise.all([startAppliance(), launch()]);
  teardown(() => appliance.stop());
  teardown(() => browser.close());
  typedByPeople('值班长', ...Object.values(PEOPLE).map(([name]) => name));
  const people = Object.fromEntries(await Promise.all(Object.entries(PEOPLE).map(async ([account, [name, roles, unit]]) => [account, await appliance.person(account, name, [...roles], unit)]))) as Stage['people'];
  const broken = {} as Stage['broken'];
  for (const language of languages) {
    const { attacker, victim, tried } = FIELD[language];
    await appliance.feed(struts(attacker, victim));
    for (const one of tried) await appliance.feed(struts(one.attacker, one.victim, false));
  }
  for (const language of languages) {
    broken[language] = await appliance.until<IncidentRow>(people.op, '/api/incidents?verdict=succeeded', (i) => i.attacker.ip === FIELD[language].attacker);
    await appliance.until<IncidentRow>(people.op, '/api/incidents', (i) => i.attacker.ip === FIELD[language].tried[4].attacker);
  }
  return { appliance, browser, people, broken };
}
