import type { Test } from 'tap';
import type { AlertRow, IncidentRow } from '../../console/model/api.js';
import { struts } from './appliance.js';
import type { Language } from './language.js';
import { FIELD, type Stage } from './stage.js';
import { id, open } from './window.js';

/** The queue by keyboard alone: move, open, take, escalate, dismiss with a reason, several at once, find, suppress and undo. */
export async function triage(t: Test, { appliance, browser, people }: Stage, language: Language): Promise<void> {
  const [me, name] = language === 'zh' ? [people.op, '值班员甲'] : [people.op2, '值班员乙'];
  const { attacker, tried: mine } = FIELD[language];
  const w = await open(browser, appliance.address, me, { language, motion: language === 'zh' });
  const { page } = w;
  const said = (zh: string, en: string): string => (language === 'zh' ? zh : en);
  const key = (...keys: string[]) => keys.reduce((before, k) => before.then(() => page.keyboard.press(k)), Promise.resolve());
  const on = () => page.locator(`${id('incident-row')}.on`).getAttribute('data-id');
  const row = (one: string, text = '') => page.locator(`${id('incident-row')}[data-id="${one}"]${text && `:has-text("${text}")`}`);
  const only = () => page.waitForFunction((sel) => document.querySelectorAll(sel).length === 1, id('incident-row'));
  await w.go('/incidents', 'incident-row');
  await page.locator('main').focus();
  await w.reads('研判结论', 'Verdict', '[role="columnheader"]');
  const first = await on();
  await key('j');
  t.not(await on(), first, 'j moves down');
  await key('k');
  t.equal(await on(), first, 'k moves up');
  await w.shot('queue');
  await key('Enter');
  await w.at('incident-state').waitFor();
  await key('Escape');
  await w.at('incident-row').first().waitFor();
  await key('?');
  await w.reads('指派给我（事件队列）', 'Assign to me (incident queue)', '[role="dialog"]');
  await w.shot('queue-keys');
  await key('Escape');
  await w.closed();

  // The first stays for the story; what follows works on those that were only tried.
  const all = (await people.op.call<{ items: IncidentRow[] }>('GET', '/api/incidents?limit=100')).items;
  const tried = mine.map((m) => all.find((i) => i.attacker.ip === m.attacker)!.id);
  const walk = async (to: string) => {
    for (let i = 0; i < 40 && await on() !== to; i++) {
      const down = await page.evaluate(([sel, wanted]) => {
        const ids = [...document.querySelectorAll(sel)].map((e) => [e.getAttribute('data-id'), e.getBoundingClientRect().top, e.classList.contains('on')] as const);
        return (ids.find(([x]) => x === wanted)?.[1] ?? 0) > (ids.find(([, , here]) => here)?.[1] ?? 0);
      }, [id('incident-row'), to] as const);
      await key(down ? 'j' : 'k');
    }
    t.equal(await on(), to, 'j and k lead there');
  };
  await walk(tried[0]);
  await key('a');
  await row(tried[0], name).waitFor();
  await w.reads('已完成：分派', 'Done: Assign');
  await walk(tried[0]);
  await key('e');
  await w.reads('上报理由', 'Reason to escalate', '[role="dialog"]');
  await w.fill('act-reason', said('疑似定向攻击', 'Looks targeted'));
  await w.shot('escalate');
  await key('Control+Enter');
  await row(tried[0], `▲ ${said('已上报', 'Escalated')}`).waitFor();
  await w.closed();
  await walk(tried[1]);
  await key('d');
  await w.at('act-reason').waitFor();
  t.equal(await w.at('act-ok').isDisabled(), true, 'no dismissal without a reason');
  await w.fill('act-reason', said('授权的渗透测试', 'An authorised penetration test'));
  await w.shot('dismiss');
  await key('Control+Enter');
  await row(tried[1]).waitFor({ state: 'detached' });
  t.equal((await me.call<IncidentRow>('GET', `/api/incidents/${tried[1]}`)).state, 'dismissed', 'd dismisses');

  // A dialog that is still closing takes the keys.
  await w.closed();
  for (const [n, one] of [tried[2], tried[3]].entries()) {
    await walk(one);
    await key('x');
    await page.getByText(said(`已选 ${n + 1}`, `${n + 1} selected`)).first().waitFor();
  }
  await w.shot('bulk-selected');
  await key('d');
  await w.fill('act-reason', said('同一批扫描器', 'The same scanners'));
  await key('Control+Enter');
  await w.at('bulk-results').waitFor();
  await w.reads('2 项成功，0 项未处理', '2 done, 0 refused', '[role="dialog"]');
  await w.shot('bulk');
  t.equal(await w.at('bulk-done').count(), 2, 'what became of each is said');
  await w.click('bulk-close');
  await w.closed();
  await row(tried[3]).waitFor({ state: 'detached' });

  await key('/');
  await page.keyboard.type(attacker);
  await only();
  t.pass('free text finds the attacker');
  await w.click('saved-filters');
  await w.click('save-filter');
  await w.fill('filter-name', said('重点来源', 'Sources to watch'));
  await w.shot('filter-save');
  await w.click('filter-save');
  await w.reads('筛选已保存', 'Filter saved');
  await w.go('/incidents', 'incident-row');
  t.ok(await w.at('incident-row').count() > 1, 'without the filter there are more');
  await w.click('saved-filters');
  await w.at('saved-filter').first().waitFor();
  await w.shot('filters');
  await w.click('saved-filter');
  await only();
  t.match(page.url(), new RegExp(`text=${attacker}`), 'a saved filter is an address, too');

  // From the alert itself: what it would have hidden, then done, then undone at once, then done and undone from the list.
  const { attacker: source } = mine[0];
  const hidden = said('10.116.2.15', '10.116.3.15');
  await w.see(`/alerts?ip=${source}`, 'alert-row');
  const suppress = async () => {
    await page.locator('main').focus();
    await key('j', 's');
    await w.at('suppress-preview').waitFor();
    await page.waitForFunction((sel) => /\d/.test(document.querySelector(sel)?.querySelector('b')?.textContent ?? ''), id('suppress-preview'));
    await w.reads(/会影响 \d+ 条告警、\d+ 起事件/, /Would have touched alerts: \d+, incidents: \d+/, id('suppress-preview'));
    await w.click('suppress-days');
    await w.choose('7 天', '7 days');
    await w.fill('suppress-reason', said('授权扫描，一周内不看', 'An authorised scan, not to be seen for a week'));
  };
  await suppress();
  await w.shot('suppress');
  await w.click('suppress-apply');
  await w.reads(/抑制已生效，至 \d{4}/, /In force until \d/);
  await w.shot('suppressed');
  await w.click('suppress-undo');
  await w.reads('已撤销，被隐藏的告警已回到队列', 'Undone; what it hid is back in the queue');
  await w.closed();
  await suppress();
  await w.click('suppress-apply');
  await w.at('suppress-undo').waitFor();
  await appliance.feed(struts(source, hidden, false));
  await appliance.until<AlertRow>(me, `/api/alerts?ip=${source}&suppressed=true`, (a) => a.victim.ip === hidden);
  await w.go(`/alerts?ip=${source}`, 'alert-row');
  t.notOk((await w.text()).includes(hidden), 'what comes from then on is hidden');
  await w.see('/suppressions', 'suppression-row');
  await w.reads('生效中', 'In force', id('suppression-row'));
  await w.shot('suppressions');
  await w.click('suppression-undo');
  await appliance.until<AlertRow>(me, `/api/alerts?ip=${source}`, (a) => a.victim.ip === hidden);
  t.pass('undone, it is back in the list');

  await key('Control+k');
  await page.keyboard.type(attacker);
  await key('Enter');
  await w.at('found-incidents').waitFor();
  await w.at('found-alerts').waitFor();
  await w.shot('search');
  t.same(w.complaints, []);
  await w.close();
}
