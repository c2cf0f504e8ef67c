import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import type { Stage } from './stage.js';
import { SHOTS, id, open } from './window.js';

/** Letters on the wall are at least so high: readable at three metres on a screen of 65 inches (0.75 mm a pixel). */
const WALL_PX = 17;

/** Reports as files, the long-term page, coverage, the audit log, the wall. */
export async function figures(t: Test, { appliance, browser, people }: Stage): Promise<void> {
  const w = await open(browser, appliance.address, people.ana);
  await w.go('/reports', 'report-body');
  await w.page.getByLabel('下一周期').click();
  await w.page.locator(`${id('report-body')} table`).first().waitFor();
  await w.shot('report');
  for (const format of ['pdf', 'docx', 'xlsx', 'html']) {
    const [file] = await Promise.all([w.page.waitForEvent('download'), w.click(`report-${format}`)]);
    const path = `${SHOTS}/report.${format}`;
    await file.saveAs(path);
    const bytes = readFileSync(path);
    t.equal(bytes.subarray(0, 2).toString('latin1'), { pdf: '%P', docx: 'PK', xlsx: 'PK', html: '<!' }[format], `${format} is one`);
    if (format !== 'pdf') continue;
    const read = spawnSync('pdftotext', [path, '-'], { encoding: 'utf8' });
    if (read.error) t.comment('no pdftotext here: the text of the PDF was not read');
    else t.match(read.stdout.replace(/\s/g, ''), /网络安全监测日报.*10\.101\.1\.10|网络安全监测日报/s, 'its text can be read');
  }
  await w.go('/longterm', 'league-row');
  await w.page.locator(`${id('league-row')} summary`).first().click();
  t.match(await w.at('league-row').first().innerText(), /扣 \d+ 分|没有扣分/, 'a score explains itself');
  await w.shot('longterm');
  await w.go('/coverage', 'coverage-phase');
  await w.page.locator('.el-tabs__item').nth(1).click();
  await w.page.locator(`${id('technique')}[data-id="T1190"] summary`).click();
  t.ok(await w.page.locator(`${id('technique')}[data-id="T1190"] a`).count() > 10, 'rules of a technique');
  await w.page.locator('.el-tabs__item').nth(2).click();
  await w.page.locator(`${id('cve')}[data-id="CVE-2017-5638"]`).waitFor();
  await w.shot('coverage');
  const [auditor, wall] = [await open(browser, appliance.address, people.audit, { language: 'en' }), await open(browser, appliance.address, people.lead, { size: [1920, 1080] })];
  await auditor.go('/audit', 'audit-row');
  await auditor.click('audit-verify');
  await auditor.at('audit-proof').waitFor();
  t.match(await auditor.at('audit-proof').innerText(), /intact/i);
  t.notMatch(await auditor.at('page-audit').innerText(), /(GET|POST|PUT|DELETE|PATCH) \/api/, 'actions have names');
  await auditor.shot('audit');

  await wall.go('/screen', 'topology-unit');
  await wall.page.locator('.wall canvas').first().waitFor();
  await wall.shot('wall');
  const cut = await wall.page.evaluate(() => [...document.querySelectorAll('.latest li')].map((li) => ({ li: li.getBoundingClientRect(), box: li.parentElement!.getBoundingClientRect() })).filter(({ li, box }) => li.left < box.right && li.bottom > box.bottom + 1).length);
  t.equal(cut, 0, 'no alert is cut in half at the foot of the list');
  const small = await wall.page.evaluate((least) => [...document.querySelectorAll('.wall *')].flatMap((e) => {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent!.trim() !== '');
    const box = e.getBoundingClientRect();
    // Lettering inside a drawing is scaled with it.
    const svg = e.closest('svg') as SVGSVGElement | null;
    const scale = svg ? svg.getBoundingClientRect().width / (svg.viewBox.baseVal.width || svg.getBoundingClientRect().width) : 1;
    const size = parseFloat(getComputedStyle(e).fontSize) * scale;
    return own && box.width > 0 && size < least ? [`${e.textContent!.trim().slice(0, 20)} ${size.toFixed(1)}`] : [];
  }), WALL_PX);
  t.same(small, [], 'everything on the wall can be read at three metres');
  await wall.page.waitForFunction(() => document.getAnimations().length === 0, undefined, { timeout: 20_000 });
  t.pass('and it stands still when nothing happens');
  for (const x of [w, auditor, wall]) {
    t.same(x.complaints, []);
    await x.close();
  }
}
