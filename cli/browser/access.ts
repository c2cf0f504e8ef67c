import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Test } from 'tap';
import type { AlertDetail, AlertRow, IncidentRow, Page, TicketDetail } from '../../console/model/api.js';
import type { Person } from './appliance.js';
import type { Stage } from './stage.js';
import { open, type Window } from './window.js';

/** Bytes that may cross the wire before a page can be used. */
const FIRST_LOAD = 500 * 1024;

/** Everything that crossed the wire while a page loaded, compressed as it was sent. */
async function transferred(w: Window, run: () => Promise<void>): Promise<number> {
  const sizes: Promise<number>[] = [];
  const count = (request: { sizes(): Promise<{ responseBodySize: number; responseHeadersSize: number }> }) => { sizes.push(request.sizes().then((s) => s.responseBodySize + s.responseHeadersSize, () => 0)); };
  w.page.on('requestfinished', count);
  await run();
  await w.page.waitForLoadState('networkidle').catch(() => undefined);
  w.page.off('requestfinished', count);
  return (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
}

export async function firstLoad(t: Test, { appliance, browser, people }: Stage): Promise<void> {
  for (const [path, who, wait] of [['/login', undefined, 'login-submit'], ['/incidents', people.op, 'incident-row']] as [string, Person | undefined, string][]) {
    const w = await open(browser, appliance.address, who);
    const bytes = await transferred(w, () => w.go(path, wait));
    t.ok(bytes > 20_000 && bytes < FIRST_LOAD, `${path} takes ${Math.round(bytes / 1024)} KiB`);
    await w.close();
  }
}

interface Axe { run(context: unknown, options: unknown): Promise<{ violations: { id: string; help: string; nodes: { target: string[]; html: string }[] }[] }> }

/** axe-core on every page in both themes and both languages, and the path by keyboard alone. */
export async function accessible(t: Test, { appliance, browser, people }: Stage): Promise<void> {
  const everybody = await appliance.person('everything', '通用岗', ['system_admin', 'security_admin', 'operator', 'analyst']);
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const w = await open(browser, appliance.address, everybody);
  const { page } = w;
  const one = async <T extends { id: string }>(path: string) => (await people.op.call<Page<T>>('GET', path)).items[0];
  const [incident, alert] = [await one<IncidentRow>('/api/incidents?verdict=succeeded'), await one<AlertRow>('/api/alerts?verdict=succeeded')];
  const ticket = await people.op.call<TicketDetail>('POST', '/api/tickets', { incident: incident.id });
  const evidence = (await people.op.call<AlertDetail>('GET', `/api/alerts/${alert.id}`)).evidence[0];
  const paths = ['/overview', '/incidents', `/incidents/${incident.id}`, '/alerts', `/alerts/${alert.id}`, `/evidence/${evidence.id}?alert=${alert.id}`, '/suppressions', '/dashboards', '/tickets', `/tickets/${ticket.id}`, '/reports', '/longterm', '/settings', '/registry',
    '/rules', '/coverage', '/nodes', '/users', '/channels', '/upkeep', '/account', '/notices', '/search?text=10.101', '/screen'];
  await w.go('/overview', 'page-overview');
  /** Within the page, as a link would; a full load of each would take minutes. */
  const visit = async (path: string) => {
    await page.evaluate((to) => {
      history.pushState({}, '', to);
      dispatchEvent(new PopStateEvent('popstate', { state: {} }));
    }, path);
    await page.waitForFunction(() => document.querySelector('[data-testid^="page-"], .wall') !== null && document.querySelector('.spin') === null, undefined, { timeout: 5000 }).catch(() => undefined);
    await page.waitForTimeout(300);
    // Colours on their way are nobody's fault.
    await page.waitForFunction(() => document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity), undefined, { timeout: 3000 }).catch(() => undefined);
  };
  /** The document is the same in both themes, so the second looks at the colours alone. */
  const check = async (name: string, runOnly: string[]) => {
    if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe);
    const found = await page.evaluate(async (only) => (window as unknown as { axe: Axe }).axe.run(document, { runOnly: only, resultTypes: ['violations'], reporter: 'no-passes', preload: false }), runOnly);
    t.same(found.violations.map((v) => `${v.id} (${v.help}): ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.html.slice(0, 140)}`).join(' | ')}`), [], name);
  };
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  for (const [theme, language] of [['light', 'zh'], ['dark', 'en']] as const) {
    for (const path of paths) {
      await visit(path);
      await check(`${path} in ${theme}, ${language}`, theme === 'light' ? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] : ['color-contrast']);
      t.ok(await overflow() <= 0, `${path} fits the window in ${language}`);
      await page.screenshot({ path: `dist/screenshots/page${path.split('?')[0].replaceAll('/', '-').replace(/-(inc|tkt)-.*|(?<=alerts|evidence)-.*/, '-one')}-${language}-${theme}.png` });
    }
    if (theme === 'light') {
      await visit('/overview');
      await w.click('switch-theme');
      await w.click('switch-language');
    }
  }

  // By Tab alone.
  await w.go('/incidents', 'incident-row');
  t.equal(await page.evaluate(() => document.activeElement?.id), 'main', 'a page begins in its content, so that its keys work at once');
  const unseen: string[] = [];
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const e = document.activeElement as HTMLElement | null;
      if (!e || e === document.body) return 'ok';
      const near = e.closest('.el-input__wrapper, .el-select__wrapper, .el-checkbox, .el-textarea') ?? e;
      const style = getComputedStyle(e);
      const box = getComputedStyle(near);
      const shown = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || (box.boxShadow !== 'none' && box.boxShadow !== '') || (box.outlineStyle !== 'none' && parseFloat(box.outlineWidth) > 0);
      return shown ? 'ok' : e.outerHTML.slice(0, 120);
    });
    if (seen !== 'ok') unseen.push(seen);
  }
  t.same(unseen, [], 'where the focus is can be seen');
  t.same(w.complaints, []);
  await w.close();
}
