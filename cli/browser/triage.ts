import type { Test } from 'tap';
import type { AlertRow, IncidentRow } from '../../console/model/api.js';
import { struts } from './appliance.js';
import type { Stage } from './stage.js';
import { id, open } from './window.js';

/** The queue by keyboard alone: move, open, take, escalate, dismiss with a reason, several at once, find, suppress and undo. */
export async function triage(t: Test, { appliance, browser, people }: Stage): Promise<void> {
  const w = await open(browser, appliance.address, people.op);
  const { page } = w;
  const key = (...keys: string[]) => keys.reduce((before, k) => before.then(() => page.keyboard.press(k)), Promise.resolve());
  const on = () => page.locator(`${id('incident-row')}.on`).getAttribute('data-id');
  await w.go('/incidents', 'incident-row');
  await page.locator('main').focus();
  const first = await on();
  await key('j');
  t.not(await on(), first, 'j moves down');
  await key('k');
  t.equal(await on(), first, 'k moves up');
  await key('Enter');
  await w.at('incident-state').waitFor();
  await key('Escape');
  await w.at('incident-row').first().waitFor();
  await w.shot('queue');

  // The first stays for the story; what follows works on those that were only tried.
  const tried = await page.locator(`${id('incident-row')}:has(${'[data-verdict="attempted"]'})`).evaluateAll((rows) => rows.map((r) => r.getAttribute('data-id')!));
  t.ok(tried.length >= 5, 'incidents to work on');
  const walk = async (to: string) => {
    for (let i = 0; i < 12; i++) await key('k');
    for (let i = 0; i < 12 && await on() !== to; i++) await key('j');
  };
  await walk(tried[0]);
  await key('a');
  await page.locator(`${id('incident-row')}[data-id="${tried[0]}"]:has-text("值班员甲")`).waitFor();
  t.pass('a takes it');
  await walk(tried[0]);
  await key('e');
  await w.fill('act-reason', '疑似定向攻击');
  await key('Control+Enter');
  await page.locator(`${id('incident-row')}[data-id="${tried[0]}"]:has-text("▲")`).waitFor();
  t.pass('e escalates with a reason');
  await w.at('act-ok').waitFor({ state: 'hidden' });
  await walk(tried[1]);
  await key('d');
  await w.at('act-reason').waitFor();
  t.equal(await w.at('act-ok').isDisabled(), true, 'no dismissal without a reason');
  await w.fill('act-reason', '授权的渗透测试');
  await w.shot('dismiss');
  await key('Control+Enter');
  await page.locator(`${id('incident-row')}[data-id="${tried[1]}"]`).waitFor({ state: 'detached' });
  t.match((await people.op.call<IncidentRow>('GET', `/api/incidents/${tried[1]}`)).state, 'dismissed', 'd dismisses');

  // A dialog that is still closing takes the keys.
  await w.at('act-ok').waitFor({ state: 'hidden' });
  for (const [n, one] of [tried[2], tried[3]].entries()) {
    await walk(one);
    await key('x');
    await page.getByText(`已选 ${n + 1}`).first().waitFor();
  }
  await key('d');
  await w.fill('act-reason', '同一批扫描器');
  await key('Control+Enter');
  await w.at('bulk-results').waitFor();
  await w.shot('bulk');
  t.equal(await w.at('bulk-done').count(), 2, 'what became of each is said');
  await w.click('bulk-close');
  await w.at('bulk-results').waitFor({ state: 'hidden' });
  await page.locator(`${id('incident-row')}[data-id="${tried[3]}"]`).waitFor({ state: 'detached' });

  await key('/');
  await page.keyboard.type('198.51.100.99');
  await page.waitForFunction((sel) => document.querySelectorAll(sel).length === 1, id('incident-row'));
  t.pass('free text finds the attacker');
  await w.click('saved-filters');
  await w.click('save-filter');
  await w.fill('filter-name', '重点来源');
  await w.click('filter-save');
  await w.go('/incidents', 'incident-row');
  t.ok(await w.at('incident-row').count() > 1, 'without the filter there are more');
  await w.click('saved-filters');
  await w.click('saved-filter');
  await page.waitForFunction((sel) => document.querySelectorAll(sel).length === 1, id('incident-row'));
  t.match(page.url(), /text=198/, 'a saved filter is an address, too');

  // From the alert itself: what it would have hidden, then done, then undone.
  await w.go('/alerts?ip=198.51.100.20', 'alert-row');
  await page.locator('main').focus();
  await key('j', 's');
  await w.at('suppress-preview').waitFor();
  await page.waitForFunction((sel) => /\d/.test(document.querySelector(sel)?.querySelector('b')?.textContent ?? ''), id('suppress-preview'));
  await w.shot('suppress');
  await w.fill('suppress-reason', '授权扫描，一个月内不看');
  await w.click('suppress-apply');
  await w.at('suppress-undo').waitFor();
  await appliance.feed(struts('198.51.100.20', '10.116.2.15', false));
  await appliance.until<AlertRow>(people.op, '/api/alerts?ip=198.51.100.20&suppressed=true', (a) => a.victim.ip === '10.116.2.15');
  await w.go('/alerts?ip=198.51.100.20', 'alert-row');
  t.notMatch(await w.text(), /10\.116\.2\.15/, 'what comes from then on is hidden');
  await w.go('/suppressions', 'suppression-row');
  await w.shot('suppressions');
  await w.click('suppression-undo');
  await page.locator('.el-message-box__btns .el-button--primary').click({ timeout: 2000 }).catch(() => undefined);
  await appliance.until<AlertRow>(people.op, '/api/alerts?ip=198.51.100.20', (a) => a.victim.ip === '10.116.2.15');
  t.pass('undone, it is back in the list');

  await key('Control+k');
  await page.keyboard.type('198.51.100.99');
  await key('Enter');
  await w.at('found-incidents').waitFor();
  await w.at('found-alerts').waitFor();
  await w.shot('search');
  t.same(w.complaints, []);
  await w.close();
}
