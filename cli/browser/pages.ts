import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Test } from 'tap';
import type { AlertDetail, AlertRow, Page, TicketDetail } from '../../console/model/api.js';
import type { Person } from './appliance.js';
import { faults, plant, SOUGHT } from './hostile.js';
import { LANGUAGES, mixed, typedByPeople } from './language.js';
import type { Stage } from './stage.js';
import { byTab } from './tabbing.js';
import { id, open, settled, type Window } from './window.js';

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
    const w = await open(browser, appliance.address, who, { fresh: true });
    const bytes = await transferred(w, () => w.go(path, wait));
    t.ok(bytes > 20_000 && bytes < FIRST_LOAD, `${path} takes ${Math.round(bytes / 1024)} KiB`);
    await w.close();
  }
}

/** What looks at the pages sees what it is there for. */
export async function looksRight(t: Test, { appliance, browser, people }: Stage): Promise<void> {
  for (const language of LANGUAGES) {
    const w = await open(browser, appliance.address, people.op, { language });
    await w.go('/notices', 'page-notices');
    await settled(w.page);
    t.same(await mixed(w.page, language), [], 'nothing to complain of');
    await w.page.evaluate(() => {
      const hint = document.documentElement.lang === 'en' ? '保存' : 'Save';
      const add = (name: string, text: string, title?: string): void => {
        const e = document.createElement(name);
        e.textContent = text;
        if (title) e.title = title;
        if (name === 'button') e.style.outline = e.style.boxShadow = 'none';
        document.querySelector('#main')!.append(e);
      };
      add('p', '暂无数据');
      add('p', 'Clear filters');
      add('p', 'This is a sentence of an Englishman');
      add('p', 'triage.undo');
      add('p', 'NaN %');
      add('button', '1', hint);
    });
    t.same((await mixed(w.page, language)).map((x) => x.split(' ')[0]).sort(), language === 'zh' ? ['English', 'English', 'English', 'no', 'no'] : ['Chinese', 'Chinese', 'no', 'no'], `strangers are seen, ${language}`);
    t.equal((await byTab(w.page, '#main')).unseen.length, 1, 'and a focus that is not drawn');
    await w.close();
  }
}

interface Axe { run(context: unknown, options: unknown): Promise<{ violations: { id: string; help: string; nodes: { target: string[]; html: string }[] }[] }> }
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** The document is the same in both themes, so the second looks at the colours alone. */
const RULES = { zh: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], en: ['color-contrast'] };

/** A page to look at: what tells that it is there, what to open on it, whether its controls are walked through by Tab, and in which language. */
interface Visit { path: string; wait: string; name?: string; open?: (w: Window, look: (what: string) => Promise<void>) => Promise<void>; tab?: 'zh' | 'en'; /** The same page as one before, with other content: what axe-core says of it is known. */ again?: true }

/**
 * Every page with the worst that can be captured or pasted on it, in both languages and both themes: nothing of it runs or
 * hides, every text is in the reader's language, nothing is wider than the window, axe-core finds nothing (WCAG 2.1 A and AA),
 * and every control is reached and seen by Tab alone.
 */
export async function everyPage(t: Test, stage: Stage): Promise<void> {
  const { appliance, browser, people } = stage;
  const planted = await plant(stage);
  typedByPeople('通用岗');
  const everybody = await appliance.person('everything', '通用岗', ['system_admin', 'security_admin', 'operator', 'analyst']);
  const one = async <T extends { id: string }>(path: string) => (await people.op.call<Page<T>>('GET', path)).items[0];
  const [incident, alert] = [stage.broken.zh, await one<AlertRow>('/api/alerts?verdict=succeeded&ip=198.51.100.99')];
  const draft = await people.op.call<TicketDetail>('POST', '/api/tickets', { incident: incident.id });
  // What was written into the log is the official text.
  typedByPeople(draft.title, incident.title.zh);
  const evidence = (await people.op.call<AlertDetail>('GET', `/api/alerts/${alert.id}`)).evidence[0];
  const chain = async (w: Window, look: (what: string) => Promise<void>): Promise<void> => {
    await w.click('step-look');
    await w.at('step-evidence').waitFor();
    await w.page.locator('mark').first().waitFor();
    t.match(await w.at('step-evidence').innerText(), /<script>window\.owned=1/, 'the markup stands there as text');
    t.match(await w.at('step-evidence').innerText(), /⟨U\+202E⟩[^]*⟨ESC⟩/, 'what hides is shown by name');
    await w.click('chain-open');
    await w.at('chain').waitFor();
    await look('with its evidence');
  };
  const bytes = async (w: Window, look: (what: string) => Promise<void>): Promise<void> => {
    await w.page.locator('.el-radio-button').nth(1).click();
    await look('as bytes');
    await w.page.locator('.el-tabs__item').nth(1).click();
    await w.at('packet-row').first().waitFor();
    for (let n = 3, rows = await w.at('packet-row').count(); n < Math.min(rows, 6); n++) {
      await w.at('packet-row').nth(n).click();
      await w.at('layer').first().waitFor();
      await look(`packet ${n + 1} with its layers`);
    }
  };
  const visits: Visit[] = [
    { path: '/overview', wait: 'overview-incident' },
    { path: '/incidents', wait: 'incident-row', tab: 'en' },
    { path: `/incidents/${incident.id}`, wait: 'story', name: 'incident', tab: 'zh' },
    { path: `/incidents/${planted.incident}`, wait: 'story', name: 'incident-hostile', again: true, open: chain },
    { path: '/alerts', wait: 'alert-row' },
    { path: `/alerts/${alert.id}`, wait: 'evidence', name: 'alert' },
    { path: `/alerts/${planted.alert}`, wait: 'evidence', name: 'alert-hostile', again: true, open: async (w, look) => {
      await w.click('eve-open');
      await w.at('eve').waitFor();
      await look('with its event');
    } },
    { path: `/evidence/${evidence.id}?alert=${alert.id}`, wait: 'stream', name: 'evidence' },
    ...planted.evidence.map((e, n): Visit => ({ path: `/evidence/${e}?alert=${planted.alert}`, wait: 'stream', name: `evidence-hostile${n + 1}`, again: true, open: bytes })),
    { path: `/campaigns/${planted.campaign}`, wait: 'campaign-incident', name: 'campaign' },
    ...SOUGHT.map((text, n): Visit => ({ path: `/search?text=${encodeURIComponent(text)}`, wait: 'page-search', name: `search-hostile${n + 1}`, ...(n > 0 ? { again: true } : {}) })),
    { path: '/suppressions', wait: 'suppression-row' },
    { path: '/dashboards', wait: 'panel-bits' },
    { path: '/tickets', wait: 'ticket-row' },
    { path: `/tickets/${draft.id}`, wait: 'ticket-edit', name: 'ticket', tab: 'zh', open: async (w, look) => {
      await w.click('ticket-edit');
      await w.at('edit-save').waitFor();
      await look('being written');
    } },
    { path: `/tickets/${planted.ticket}`, wait: 'ticket-state', name: 'ticket-hostile', again: true, open: async (w, look) => {
      await w.click('bulletin-open');
      await w.at('bulletin-preview').waitFor();
      await look('its bulletin');
    } },
    { path: '/reports', wait: 'report-body', tab: 'en', open: async (w, look) => {
      // The report of yesterday is empty, that of today is not.
      await w.click('report-next');
      await look('of today');
    } },
    { path: '/longterm', wait: 'league-row' },
    { path: '/settings', wait: 'settings-number', tab: 'en' },
    { path: '/registry', wait: 'system-row', tab: 'zh' },
    { path: '/rules', wait: 'rule-row', tab: 'en' },
    { path: '/coverage', wait: 'coverage-phase' },
    { path: '/nodes', wait: 'node' },
    { path: '/users', wait: 'user-row', tab: 'zh' },
    { path: '/channels', wait: 'page-channels', tab: 'en' },
    { path: '/upkeep', wait: 'retention-save', tab: 'zh' },
    { path: '/account', wait: 'session-row', tab: 'en' },
    { path: '/notices', wait: 'page-notices' },
    { path: '/screen', wait: 'topology-unit' },
  ];
  for (const language of LANGUAGES) {
    const theme = language === 'zh' ? 'light' : 'dark';
    const w = await open(browser, appliance.address, everybody, { language, theme, motion: language === 'zh' });
    await w.page.addInitScript(() => addEventListener('securitypolicyviolation', (e) => { (window as unknown as { refused: string[] }).refused = [...((window as unknown as { refused?: string[] }).refused ?? []), `${e.violatedDirective} ${e.blockedURI}`]; }));
    for (const v of visits) await lookAt(t, w, v, theme);
    if (language === 'en') await dialogs(t, w, incident.id);
    t.same(w.complaints, [], `every text in ${language}`);
    await w.close();
    const auditor = await open(browser, appliance.address, people.audit, { language, theme });
    await lookAt(t, auditor, { path: '/audit', wait: 'audit-row', tab: 'zh', open: async (a, look) => {
      await a.click('filter-action');
      await a.choose('新建抑制', 'Made a suppression');
      await a.page.locator(`${id('audit-row')}:has-text("198.51.100.67")`).first().click();
      await a.at('audit-details').waitFor();
      await look('an entry');
    } }, theme);
    await log(t, auditor);
    t.same(auditor.complaints, [], `every text in ${language}`);
    await auditor.close();
  }
  t.ok((await people.ana.call<Page<AlertRow>>('GET', `/api/alerts?text=${encodeURIComponent('window.owned')}`)).items.length > 0, 'it can be searched for');
}

async function accessible(t: Test, { page, language }: Window, what: string): Promise<void> {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
  const found = await page.evaluate(async (only) => (window as unknown as { axe: Axe }).axe.run(document, { runOnly: only, resultTypes: ['violations'], reporter: 'no-passes', preload: false }), RULES[language]);
  t.same(found.violations.map((x) => `${x.id} (${x.help}): ${x.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.html.slice(0, 140)}`).join(' | ')}`), [], what);
}

async function lookAt(t: Test, w: Window, v: Visit, theme: 'light' | 'dark'): Promise<void> {
  const { page, language } = w;
  const name = v.name ?? v.path.slice(1);
  await w.see(v.path, v.wait);
  await settled(page);
  const look = async (what: string): Promise<void> => {
    await settled(page);
    t.same([...await page.evaluate(faults), ...await page.evaluate(() => (window as unknown as { refused?: string[] }).refused ?? [])], [], `${name} ${what}, ${language}`);
  };
  await look('');
  if (!v.again) await accessible(t, w, `${name} in ${theme}, ${language}`);
  await w.shot(`page-${name}-${theme}`);
  if (v.tab === language) {
    const { missed, unseen, steps } = await byTab(page, '#main');
    t.same({ missed, unseen }, { missed: [], unseen: [] }, `${name}: ${steps} steps of Tab reach and show every control`);
  }
  if (!v.open) return;
  await v.open(w, look);
  await w.shot(`page-${name}-opened-${theme}`);
  if (v.tab === language && name === 'ticket') {
    const { missed, unseen, steps } = await byTab(page, '#main');
    t.same({ missed, unseen }, { missed: [], unseen: [] }, `the form of the bulletin: ${steps} steps of Tab`);
  }
}

/** What a key opens a key closes, and the focus is back where it was; inside, Tab goes round and does not leave. */
async function dialogs(t: Test, w: Window, incident: string): Promise<void> {
  const { page } = w;
  await w.see('/incidents', 'incident-row');
  t.equal(await page.evaluate(() => document.activeElement?.id), 'main', 'a page begins in its content, so that its keys work at once');
  const here = `/incidents/${incident}`;
  for (const [path, opener] of [
    [here, 'act-dismiss'], [here, 'suppress'], [here, 'rank'], [here, 'create-ticket'], ['/users', 'user-new'], ['/users', 'user-roles'], ['/channels', 'channel-new'],
    ['/account', 'token-new'], ['/account', 'password-change'], ['/rules', 'rule-try'],
  ] as const) {
    if (new URL(page.url()).pathname !== path) await w.see(path, opener);
    await settled(page);
    await w.at(opener).first().focus();
    await page.keyboard.press('Enter');
    await page.locator('[role="dialog"]:visible').first().waitFor();
    await settled(page);
    const { missed, unseen } = await byTab(page, '.el-overlay:not([style*="display: none"]) .el-dialog, .el-overlay:not([style*="display: none"]) .el-drawer');
    const inside = await page.evaluate(() => document.activeElement?.closest('[role="dialog"]') !== null);
    t.same({ missed, unseen, inside }, { missed: [], unseen: [], inside: true }, `${opener}: everything in the dialog is reached, and Tab stays in it`);
    await page.keyboard.press('Escape');
    await w.closed();
    t.equal(await page.evaluate((sel) => document.activeElement?.closest(sel) !== null, id(opener)), true, `${opener}: the focus is back`);
  }
}

/** The audit log: verified, in words, and read by keys alone. */
async function log(t: Test, w: Window): Promise<void> {
  const { page } = w;
  await page.keyboard.press('Escape');
  await w.closed();
  // While the drawer slides away keys are nobody's.
  await settled(page);
  await page.locator(`${id('page-audit')} [role="rowgroup"]`).focus();
  for (const key of ['k', 'j']) await page.keyboard.press(key);
  await page.locator(`${id('audit-row')}.on`).waitFor();
  await page.keyboard.press('Enter');
  await page.locator('[role="dialog"]:visible').first().waitFor();
  await settled(page);
  await page.keyboard.press('Escape');
  await w.closed();
  await page.keyboard.press('j');
  t.equal(await page.locator(`${id('audit-row')}.on`).count(), 1, 'after an entry was read the keys go on');
  await w.click('audit-verify');
  await w.reads(/日志链完整/, /The chain is intact/, id('audit-proof'));
  const said = await w.at('page-audit').innerText();
  t.notMatch(said, /(GET|POST|PUT|DELETE|PATCH) \/api/, 'actions have names');
  t.notMatch(said, /usr-[0-9a-f]{8}/, 'people have names');
  await w.shot('audit');
}
