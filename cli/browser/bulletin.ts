import type { Test } from 'tap';
import type { TicketDetail } from '../../console/model/api.js';
import { QUIET_MS, struts } from './appliance.js';
import type { Stage } from './stage.js';
import { id, open, type Window } from './window.js';

/** From the incident to the closed finding and back: draft, second person, unit, return, two proofs, the same attack again. */
export async function bulletin(t: Test, { appliance, browser, people, broken }: Stage): Promise<void> {
  const op = await open(browser, appliance.address, people.op);
  const lead = await open(browser, appliance.address, people.lead);
  const unit = await open(browser, appliance.address, people.wuhan, { language: 'en' });
  const state = (w: Window, value: string) => w.page.locator(`${id('ticket-state')}[data-state="${value}"]`).waitFor();
  /** Begins an action, fills its form, carries it out. */
  const act = async (w: Window, action: string, fields: Record<string, string> = {}) => {
    await w.click(`act-${action}`);
    for (const [name, text] of Object.entries(fields)) await w.fill(`act-${name}`, text);
    if (Object.keys(fields).length > 0) await w.click('act-ok');
  };
  await op.go(`/incidents/${broken.id}`, 'create-ticket');
  await op.click('create-ticket');
  await op.click('ticket-create');
  await op.at('ticket-edit').waitFor();
  const path = new URL(op.page.url()).pathname;
  const ticket = () => people.op.call<TicketDetail>('GET', `/api${path}`);
  t.match((await ticket()).titles, { zh: /^关于.*的通报$/, en: /^Bulletin: / }, 'a list shows the title in the language of its reader');
  await op.click('ticket-edit');
  await op.fill('edit-title', '关于武汉市政务云遭受命令执行攻击的通报');
  // Two people write at one draft.
  const second = await open(browser, appliance.address, people.op2);
  await second.go(path, 'ticket-edit');
  await second.click('ticket-edit');
  await second.fill('edit-demands', '立即断网');
  await second.click('edit-save');
  await second.at('ticket-edit').waitFor();
  await second.close();
  await op.at('kept').waitFor();
  t.match(await op.at('kept').innerText(), /立即断网/, 'what the other wrote is shown at once');
  t.equal(await op.page.locator(`input${id('edit-title')}, ${id('edit-title')} input`).inputValue(), '关于武汉市政务云遭受命令执行攻击的通报', 'what is being written stays');
  await op.page.waitForTimeout(1000);
  await op.click('edit-save');
  await op.at('ticket-edit').waitFor();
  await op.click('bulletin-open');
  await op.at('bulletin-preview').waitFor();
  await op.shot('bulletin');
  await op.page.keyboard.press('Escape');
  await act(op, 'submit');
  await state(op, 'review');
  t.equal(await op.at('act-approve').isDisabled(), true, 'the author does not approve');
  await lead.go(path, 'act-approve');
  await act(lead, 'approve');
  await state(lead, 'issued');
  t.match(await lead.at('ticket-number').innerText(), /网安通〔\d{4}〕1号/);
  const [pdf] = await Promise.all([lead.page.waitForEvent('download'), lead.click('bulletin-pdf')]);
  t.match(pdf.suggestedFilename(), /网安通.*\.pdf$/);

  await unit.go('/notices', 'notice-row');
  await unit.click('notice-row');
  await unit.go(path, 'act-acknowledge');
  await act(unit, 'acknowledge', { signer: 'Zhang San' });
  await state(unit, 'acknowledged');
  await act(unit, 'contain', { reason: 'The host is off the network' });
  await state(unit, 'contained');
  // A unit that needs longer asks; the form of the date is typed.
  await unit.click('act-request_extension');
  await unit.fill('act-until', '2099-01-01 09:00:00');
  await unit.page.keyboard.press('Enter');
  await unit.fill('act-reason', 'The vendor has no patch yet');
  await unit.click('act-ok');
  await op.at('act-grant_extension').waitFor();
  await act(op, 'grant_extension');
  await op.at('act-grant_extension').waitFor({ state: 'detached' });
  await act(op, 'remind');
  await op.page.getByText('催办').first().waitFor();
  await unit.page.reload();
  await unit.click('act-give_feedback');
  await unit.fill('act-phone', '027-00000000');
  await unit.fill('act-cause', 'Struts 2.3.5 <b>unpatched</b>');
  await unit.fill('act-measures', 'Upgraded to 2.5.33');
  await unit.page.locator(id('act-files')).setInputFiles({ name: '../证明 <img>.png', mimeType: 'image/png', buffer: Buffer.from('89504e470d0a1a0a0000', 'hex') });
  await unit.shot('feedback');
  await unit.click('act-ok');
  await state(unit, 'feedback');

  // Two people on one ticket: the second keeps what was typed, sees what the first did, and sends again.
  const other = await open(browser, appliance.address, people.op2);
  await other.go(path, 'act-return');
  await other.click('act-return');
  await other.fill('act-reason', '佐证不全，请补充升级后的版本截图');
  await op.at('act-verify').waitFor();
  await act(op, 'verify');
  await state(op, 'verifying');
  await other.at('raced').waitFor();
  t.match(await other.at('raced').innerText(), /值班员甲/, 'who was faster');
  t.equal(await other.page.locator(`textarea${id('act-reason')}, ${id('act-reason')} textarea`).inputValue(), '佐证不全，请补充升级后的版本截图', 'nothing typed is lost');
  await other.shot('conflict');
  // Time to read it: a click that was on its way is not taken for an answer.
  await other.page.waitForTimeout(1000);
  await other.click('act-ok');
  await state(other, 'returned');
  await other.close();

  await unit.page.locator(`${id('ticket-state')}[data-state="returned"]`).waitFor();
  await act(unit, 'appeal', { reason: 'It was an authorised scan' });
  await state(unit, 'appealed');
  const ana = await open(browser, appliance.address, people.ana);
  await ana.go(path, 'appeal');
  await act(ana, 'refuse_appeal', { reason: '命令结果已返回，不是误报' });
  await state(ana, 'acknowledged');
  await ana.close();
  await unit.page.locator(`${id('ticket-state')}[data-state="acknowledged"]`).waitFor();
  await act(unit, 'give_feedback', { phone: '027-00000000', cause: 'Unpatched Struts', measures: 'Upgraded, screenshot attached' });
  await state(unit, 'feedback');
  await op.page.locator(`${id('ticket-state')}[data-state="feedback"]`).waitFor();
  await act(op, 'verify');
  await state(op, 'verifying');
  await op.click('act-pass');
  await op.fill('act-result', '复测返回 403，不再执行命令');
  await op.page.locator(id('act-files')).setInputFiles({ name: 'retest.txt', mimeType: 'text/plain', buffer: Buffer.from('HTTP/1.1 403 Forbidden') });
  await op.click('act-ok');
  await op.page.waitForFunction((sel) => /watching|closed/.test(document.querySelector(sel)?.getAttribute('data-state') ?? ''), id('ticket-state'));
  await op.shot('proofs');
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS + 200));
  if ((await ticket()).state === 'watching') {
    await op.page.reload();
    await op.at('act-close').waitFor();
    await op.click('act-close');
  }
  await state(op, 'closed');
  t.equal(await op.page.locator(`${id('proofs')} [data-done="true"]`).count(), 2, 'closed with both proofs');

  await appliance.feed(struts('198.51.100.99', '10.101.1.10'));
  await op.page.locator(`${id('ticket-state')}[data-state="issued"]`).waitFor({ timeout: 30_000 });
  t.match(await op.at('history').innerText(), /系统自动[\s\S]*重开|重开/, 'the same attack reopens it by itself');
  await op.at('round').first().locator('summary').click();
  t.match(await op.at('round').first().innerText(), /Upgraded, screenshot attached[\s\S]*复测返回 403/, 'what the round before took is still there');
  await op.shot('reopened');
  await unit.go('/notices', 'notice-row');
  t.ok(await unit.page.locator(`${id('notice-row')}[data-kind="reopened"]`).count() > 0, 'and the unit is told');
  await unit.shot('notices');
  for (const w of [op, lead, unit]) {
    t.same(w.complaints, []);
    await w.close();
  }
}
