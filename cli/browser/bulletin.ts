import type { Test } from 'tap';
import type { TicketDetail } from '../../console/model/api.js';
import { QUIET_MS, struts } from './appliance.js';
import { other, typedByPeople, type Language } from './language.js';
import { FIELD, type Stage } from './stage.js';
import { id, open, type Window } from './window.js';

/**
 * From the incident to the closed finding and back: draft, second person, unit, return, two proofs, the same attack again.
 * @param language of those who write and watch; the unit reads the other one, as people of one ticket do
 */
export async function bulletin(t: Test, { appliance, browser, people, broken }: Stage, language: Language): Promise<void> {
  const theirs = other(language);
  const proof = { name: '../证明 <img>.png', mimeType: 'image/png', buffer: Buffer.from('89504e470d0a1a0a0000', 'hex') };
  typedByPeople(proof.name, proof.name.slice(3));
  const op = await open(browser, appliance.address, people.op, { language });
  const lead = await open(browser, appliance.address, people.lead, { language });
  const unit = await open(browser, appliance.address, people.wuhan, { language: theirs });
  const said = (zh: string, en: string, of: Language = language): string => (of === 'zh' ? zh : en);
  const state = (w: Window, value: string) => w.page.locator(`${id('ticket-state')}[data-state="${value}"]`).waitFor();
  /** Begins an action, fills its form, carries it out. */
  const act = async (w: Window, action: string, fields: Record<string, string> = {}) => {
    await w.click(`act-${action}`);
    for (const [name, text] of Object.entries(fields)) await w.fill(`act-${name}`, text);
    if (Object.keys(fields).length > 0) await w.click('act-ok');
  };
  /** Time to read it: a click that was on its way is not taken for an answer. */
  const read = (w: Window) => w.page.waitForTimeout(1000);
  await op.go(`/incidents/${broken[language].id}`, 'create-ticket');
  await op.click('create-ticket');
  await op.reads('整改责任单位', 'Unit that must fix it', '[role="dialog"]');
  await op.shot('ticket-new');
  await op.click('ticket-create');
  await op.at('ticket-edit').waitFor();
  const path = new URL(op.page.url()).pathname;
  const ticket = () => people.op.call<TicketDetail>('GET', `/api${path}`);
  t.match((await ticket()).titles, { zh: /^关于.*的通报$/, en: /^Bulletin: / }, 'a list shows the title in the language of its reader');
  await op.shot('ticket-draft');
  await op.click('ticket-edit');
  const title = said('关于武汉市政务云遭受命令执行攻击的通报', 'Bulletin: commands were run on the Wuhan government cloud');
  await op.fill('edit-title', title);
  // Two people write at one draft.
  const demand = said('立即断网', 'Take it off the network at once');
  const second = await open(browser, appliance.address, people.ana, { language });
  await second.go(path, 'ticket-edit');
  await second.click('ticket-edit');
  await second.fill('edit-demands', demand);
  await second.click('edit-save');
  await second.at('ticket-edit').waitFor();
  await op.at('kept').waitFor();
  t.ok((await op.at('kept').innerText()).includes(demand), 'what the other wrote is shown at once');
  t.equal(await op.page.locator(`input${id('edit-title')}, ${id('edit-title')} input`).inputValue(), title, 'what is being written stays');
  await op.shot('ticket-kept');
  await read(op);
  await op.click('edit-save');
  await op.at('ticket-edit').waitFor();
  await op.click('bulletin-open');
  await op.at('bulletin-preview').waitFor();
  await op.reads(/三、处置要求/, /3\. What is demanded/, id('bulletin-preview'));
  await op.shot('bulletin');
  await op.page.keyboard.press('Escape');
  await act(op, 'submit');
  await state(op, 'review');
  await op.reads('待审批', 'Awaiting approval', id('ticket-state'));
  t.equal(await op.at('act-approve').isDisabled(), true, 'the author does not approve');
  await lead.go(path, 'act-approve');
  await lead.shot('ticket-approve');
  await act(lead, 'approve');
  await state(lead, 'issued');
  t.match(await lead.at('ticket-number').innerText(), /网安通〔\d{4}〕\d+号/);
  for (const format of ['pdf', 'docx'] as const) {
    const [file] = await Promise.all([lead.page.waitForEvent('download'), lead.click(`bulletin-${format}`)]);
    t.match(file.suggestedFilename(), new RegExp(`网安通.*\\.${format}$`));
  }
  // Who looks on draws every step again.
  t.same(lead.complaints, []);
  await lead.close();

  await unit.go('/notices', 'notice-row');
  await unit.reads('通报下发', 'Issued', id('notice-row'));
  await unit.shot('notices-issued');
  await unit.page.locator(`${id('notice-row')}[data-kind="issued"]`, { hasText: title }).click();
  await unit.at('act-acknowledge').waitFor();
  t.equal(new URL(unit.page.url()).pathname, path, 'a notice leads to its ticket');
  await act(unit, 'acknowledge', { signer: said('张三', 'Zhang San', theirs) });
  await state(unit, 'acknowledged');
  await unit.shot('ticket-signed');
  await act(unit, 'contain', { reason: said('主机已断网', 'The host is off the network', theirs) });
  await state(unit, 'contained');
  // A unit that needs longer asks; the form of the date is typed.
  await unit.click('act-request_extension');
  await unit.fill('act-until', '2099-01-01 09:00:00');
  await unit.page.keyboard.press('Enter');
  await unit.fill('act-reason', said('厂商尚无补丁', 'The vendor has no patch yet', theirs));
  await unit.shot('ticket-extension');
  await unit.click('act-ok');
  await op.at('act-grant_extension').waitFor();
  await op.reads('延期申请', 'Extension asked for');
  await act(op, 'grant_extension');
  await op.at('act-grant_extension').waitFor({ state: 'detached' });
  await act(op, 'remind');
  await op.reads('催办', 'Remind', id('history'));
  await unit.reads('催办 1 次', /reminded 1/i);
  await unit.click('act-give_feedback');
  await unit.fill('act-phone', '027-00000000');
  await unit.fill('act-cause', 'Struts 2.3.5 <b>unpatched</b>');
  await unit.fill('act-measures', said('已升级到 2.5.33', 'Upgraded to 2.5.33', theirs));
  await unit.page.locator(id('act-files')).setInputFiles(proof);
  await unit.page.getByText('证明').first().waitFor();
  await unit.shot('feedback');
  await unit.click('act-ok');
  await state(unit, 'feedback');

  // Two people on one ticket: the second keeps what was typed, sees what the first did, and sends again.
  const missing = said('佐证不全，请补充升级后的版本截图', 'The proof is not complete: add a picture of the new version');
  await second.at('act-return').waitFor();
  await second.click('act-return');
  await second.fill('act-reason', missing);
  await op.at('act-verify').waitFor();
  await act(op, 'verify');
  await state(op, 'verifying');
  await second.at('raced').waitFor();
  t.match(await second.at('raced').innerText(), /值班员甲/, 'who was faster');
  t.equal(await second.page.locator(`textarea${id('act-reason')}, ${id('act-reason')} textarea`).inputValue(), missing, 'nothing typed is lost');
  await second.shot('conflict');
  await read(second);
  await second.click('act-ok');
  await state(second, 'returned');

  await state(unit, 'returned');
  await unit.shot('ticket-returned');
  await act(unit, 'appeal', { reason: said('这是授权的扫描', 'It was an authorised scan', theirs) });
  await state(unit, 'appealed');
  await second.at('appeal').waitFor();
  await second.at('act-refuse_appeal').waitFor();
  await second.shot('appeal');
  await act(second, 'refuse_appeal', { reason: said('命令结果已返回，不是误报', 'The result of the command came back: no false positive') });
  await state(second, 'acknowledged');
  await state(unit, 'acknowledged');
  const measures = said('已升级，附截图', 'Upgraded, screenshot attached', theirs);
  await act(unit, 'give_feedback', { phone: '027-00000000', cause: said('未打补丁', 'Unpatched Struts', theirs), measures });
  await state(unit, 'feedback');
  await state(op, 'feedback');
  await act(op, 'verify');
  await state(op, 'verifying');
  await op.click('act-pass');
  const result = said('复测返回 403，不再执行命令', 'The retest got 403, the command is not run');
  await op.fill('act-result', result);
  await op.page.locator(id('act-files')).setInputFiles({ name: 'retest.txt', mimeType: 'text/plain', buffer: Buffer.from('HTTP/1.1 403 Forbidden') });
  await op.shot('ticket-pass');
  await op.click('act-ok');
  await op.page.waitForFunction((sel) => /watching|closed/.test(document.querySelector(sel)?.getAttribute('data-state') ?? ''), id('ticket-state'));
  await op.reads('归档所需的两项证明', 'The two proofs that closing needs');
  await op.shot('proofs');
  // The console closes it by itself within a minute; a person need not wait for that.
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS + 200));
  if ((await ticket()).state === 'watching') {
    await op.page.locator(`${id('act-close')}:not([disabled])`).waitFor();
    await op.click('act-close');
  }
  await state(op, 'closed');
  t.equal(await op.page.locator(`${id('proofs')} [data-done="true"]`).count(), 2, 'closed with both proofs');
  await op.shot('ticket-closed');

  await appliance.feed(struts(FIELD[language].attacker, FIELD[language].victim));
  await op.page.locator(`${id('ticket-state')}[data-state="issued"]`).waitFor({ timeout: 30_000 });
  t.match(await op.at('history').innerText(), new RegExp(`${said('系统自动', 'Console')}[\\s\\S]*${said('重开', 'Reopen')}`), 'the same attack reopens it by itself');
  await op.at('round').first().locator('summary').click();
  const round = await op.at('round').first().innerText();
  t.ok(round.includes(measures) && round.includes(result), 'what the round before took is still there');
  await op.shot('reopened');
  await unit.see('/notices', 'notice-row');
  await unit.page.locator(`${id('notice-row')}[data-kind="reopened"]`).first().waitFor();
  await unit.reads('重开', 'Reopened', `${id('notice-row')}[data-kind="reopened"]`);
  await unit.shot('notices');
  await unit.see('/tickets', 'ticket-row');
  await unit.shot('tickets');
  for (const w of [op, second, unit]) {
    t.same(w.complaints, []);
    await w.close();
  }
}
