import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { typedByPeople, type Language } from './language.js';
import type { Stage } from './stage.js';
import { SHOTS, id, open, type Window } from './window.js';

/** Letters on the wall are at least so high: readable at three metres on a screen of 65 inches (0.75 mm a pixel). */
const WALL_PX = 17;
/** Each file in both languages would be made twice by the same code; the PDF is, for its letters. */
const FILES: Record<Language, readonly ('pdf' | 'docx' | 'xlsx' | 'html')[]> = { zh: ['pdf', 'xlsx'], en: ['pdf', 'docx', 'html'] };

/** Reports as files and by schedule, dashboards, the long-term page, coverage. */
export async function figures(t: Test, { appliance, browser, people }: Stage, language: Language): Promise<void> {
  const w = await open(browser, appliance.address, people.ana, { language });
  await w.go('/reports', 'report-body');
  await w.click('report-next');
  await w.page.locator(`${id('report-body')} table`).first().waitFor();
  await w.shot('report');
  for (const format of FILES[language]) {
    const [file] = await Promise.all([w.page.waitForEvent('download'), w.click(`report-${format}`)]);
    const path = `${SHOTS}/report-${language}.${format}`;
    await file.saveAs(path);
    const bytes = readFileSync(path);
    t.equal(bytes.subarray(0, 2).toString('latin1'), { pdf: '%P', docx: 'PK', xlsx: 'PK', html: '<!' }[format], `${format} is one`);
    if (format !== 'pdf') continue;
    const read = spawnSync('pdftotext', [path, '-'], { encoding: 'utf8' });
    if (read.error) t.comment('no pdftotext here: the text of the PDF was not read');
    else t.match(read.stdout.replace(/\s+/g, language === 'zh' ? '' : ' '), language === 'zh' ? /网络安全监测日报/ : /daily/i, 'its text can be read');
  }
  const tabs = w.page.locator('.el-tabs__item');
  await tabs.nth(1).click();
  await w.click('schedule-new');
  const name = language === 'zh' ? '每日汇报' : 'Morning report';
  await w.fill('schedule-name', name);
  await w.shot('schedule-new');
  await w.click('schedule-save');
  const row = w.page.locator(id('schedule-row'), { hasText: name });
  await row.waitFor();
  await w.reads('日报', 'Daily', id('schedule-row'));
  await w.shot('schedules');
  await row.getByRole('button').last().click();
  await row.waitFor({ state: 'detached' });
  await tabs.nth(2).click();
  await w.reads('还没有生成过报表', 'No report has been made yet');
  await w.shot('archive');
  await w.see('/dashboards', 'panel-bits');
  await w.page.locator(`${id('page-dashboards')} canvas`).first().waitFor();
  await w.shot('dashboards');
  await w.see('/longterm', 'league-row');
  await w.page.locator(`${id('league-row')} summary`).first().click();
  t.match(await w.at('league-row').first().innerText(), language === 'zh' ? /扣 \d+ 分|没有扣分/ : /points less|No points lost/, 'a score explains itself');
  await w.shot('longterm');
  await w.see('/coverage', 'coverage-phase');
  await w.page.locator('.el-tabs__item').nth(1).click();
  await w.page.locator(`${id('technique')}[data-id="T1190"] summary`).click();
  t.ok(await w.page.locator(`${id('technique')}[data-id="T1190"] a`).count() > 10, 'rules of a technique');
  await w.shot('coverage-technique');
  await w.page.locator('.el-tabs__item').nth(2).click();
  await w.page.locator(`${id('cve')}[data-id="CVE-2017-5638"]`).waitFor();
  await w.shot('coverage');
  t.same(w.complaints, []);
  await w.close();
}

/** What is too small for the wall, in the page. */
const small = (w: Window, least: number): Promise<string[]> => w.page.evaluate((px) => [...document.querySelectorAll('.wall *')].flatMap((e) => {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent!.trim() !== '');
  const box = e.getBoundingClientRect();
  // Lettering inside a drawing is scaled with it.
  const svg = e.closest('svg') as SVGSVGElement | null;
  const scale = svg ? svg.getBoundingClientRect().width / (svg.viewBox.baseVal.width || svg.getBoundingClientRect().width) : 1;
  const size = parseFloat(getComputedStyle(e).fontSize) * scale;
  return own && box.width > 0 && size < px ? [`${e.textContent!.trim().slice(0, 20)} ${size.toFixed(1)}`] : [];
}), least);

/** The wall at both of its sizes. */
export async function wall(t: Test, { appliance, browser, people }: Stage, language: Language): Promise<void> {
  const w = await open(browser, appliance.address, people.lead, { language, size: [1920, 1080], motion: true });
  await w.go('/screen', 'topology-unit');
  for (const width of [1920, 3840]) {
    await w.page.setViewportSize({ width, height: width * 9 / 16 });
    await w.page.locator('.wall canvas').first().waitFor();
    await w.shot(`wall-${width}`);
    const cut = await w.page.evaluate(() => [...document.querySelectorAll('.latest li')].map((li) => ({ li: li.getBoundingClientRect(), box: li.parentElement!.getBoundingClientRect() })).filter(({ li, box }) => li.left < box.right && li.bottom > box.bottom + 1).length);
    t.equal(cut, 0, 'no alert is cut in half at the foot of the list');
    t.same(await small(w, WALL_PX * width / 1920), [], `everything on the wall can be read at three metres, ${width} pixels wide`);
  }
  await w.page.waitForFunction(() => document.getAnimations().length === 0, undefined, { timeout: 20_000 });
  t.pass('and it stands still when nothing happens');
  t.same(w.complaints, []);
  await w.close();
}

/** Channels, registry, settings, upkeep: what administrators do between alarms. */
export async function upkeep(t: Test, { appliance, browser }: Stage, language: Language): Promise<void> {
  typedByPeople('保障岗');
  const keeper = await appliance.person(`keeper-${language}`, '保障岗', ['system_admin', 'security_admin']);
  const w = await open(browser, appliance.address, keeper, { language });
  const said = (zh: string, en: string): string => (language === 'zh' ? zh : en);
  await w.go('/channels', 'channel-new');
  await w.click('channel-new');
  await w.fill('channel-name', said('归档文件', 'File for the archive'));
  await w.click('channel-kind');
  await w.choose('EVE 文件', 'EVE file');
  await w.fill('channel-file', `eve-${language}.json`);
  await w.shot('channel-new');
  await w.click('channel-save');
  const row = w.page.locator(id('channel-row'), { hasText: said('归档文件', 'File for the archive') });
  await row.waitFor();
  await row.locator(id('channel-test')).click();
  await w.reads(/测试成功/, /It works/, '.el-message');
  await w.shot('channels');
  await row.getByRole('button').last().click();
  await w.page.locator('.el-message-box').waitFor();
  await w.shot('channel-remove');
  await w.page.locator('.el-message-box__btns .el-button--primary').click();
  await row.waitFor({ state: 'detached' });

  await w.see('/registry', 'system-row');
  await w.fill('registry-search', '10.101');
  await w.page.waitForFunction((sel) => document.querySelectorAll(sel).length < 5, id('system-row'));
  await w.shot('registry');
  await w.page.locator('.el-tabs__item').nth(2).click();
  await w.fill('import-text', 'units:\n  - { id: wuhan, zh: 武汉市 }\nsystems: 7\n');
  await w.click('import-check');
  await w.at('import-error').waitFor();
  await w.shot('registry-fault');

  await w.see('/settings', 'settings-number');
  await w.click('settings-save');
  await w.reads('设置已保存，对之后下发的通报生效', 'Saved; applies to bulletins issued from now on');
  await w.shot('settings');

  await w.see('/upkeep', 'retention-dry');
  await w.click('retention-dry');
  await w.reads('将删除', 'Would delete', id('retention-result'));
  await w.click('backup-now');
  await w.at('backup-row').first().waitFor();
  await w.shot('upkeep');
  t.same(w.complaints, []);
  await w.close();
}
