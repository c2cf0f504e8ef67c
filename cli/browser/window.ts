/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Test support: a browser window of one person, in one language, with its screenshots. */

import { existsSync, mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chromium, type Browser, type BrowserContext, type CDPSession, type Locator, type Page } from 'playwright-core';
import type { Person } from './appliance.js';
import { mixed, typedByPeople, type Language } from './language.js';

/** The engine without windows of its own does the same for three quarters of the work. */
export const CHROMIUM = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => existsSync(p));
export const ARGUMENTS = ['--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Kept for whoever looks at a run; not in the repository. */
export const SHOTS = resolve('dist', 'screenshots');

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM!, args: ARGUMENTS });
export const id = (name: string): string => `[data-testid="${name}"]`;
export const field = (name: string): string => `input${id(name)}, textarea${id(name)}, ${id(name)} input, ${id(name)} textarea`;

export interface Window {
  page: Page;
  context: BrowserContext;
  language: Language;
  /** What went wrong without anybody asking: script faults, dialogs, answers of the server that are faults, texts in the wrong language. */
  complaints: string[];
  at(testid: string): Locator;
  /** Loads a page, as an address typed by hand would. */
  go(path: string, wait?: string): Promise<void>;
  /** Goes to a page within the console, as a link would; the first time it is loaded. */
  see(path: string, wait: string): Promise<void>;
  fill(testid: string, text: string): Promise<void>;
  click(testid: string): Promise<void>;
  /** Waits for a text in the language of the window. */
  reads(zh: string | RegExp, en: string | RegExp, within?: string): Promise<void>;
  /** Chooses from the options of an open list. */
  choose(zh: string, en: string): Promise<void>;
  /** Waits until the dialog that was open is gone, so that keys and clicks reach the page again. */
  closed(): Promise<void>;
  /** Everything that stands on the page. */
  text(): Promise<string>;
  /** Keeps a picture, and looks whether everything on it is in the language of the window. */
  shot(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Nothing is on its way: the page is there, what it asked for has come, and nothing moves. */
export const settled = (page: Page): Promise<unknown> => page.waitForFunction(
  // In a dialog that is closed a wheel may stand still: nobody waits for it.
  () => document.querySelector('[data-left]') === null && [...document.querySelectorAll('.spin')].every((e) => !e.checkVisibility({ visibilityProperty: true })) && document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity || (a.effect as KeyframeEffect | null)?.target?.closest('.arcs')),
  undefined, { timeout: 5000 },
).catch(() => undefined);

/** Windows that nobody sits at any more. A new one starts without fonts, without compiled scripts, and costs four times a load. */
const idle = new WeakMap<Browser, Map<Language, Page[]>>();
const idleOf = (browser: Browser, language: Language): Page[] => {
  const held = idle.get(browser) ?? idle.set(browser, new Map()).get(browser)!;
  return held.get(language) ?? held.set(language, []).get(language)!;
};

/**
 * Opens a window; without a person nobody is logged in. Nothing of who sat there before is left: no session, nothing stored.
 * @param options `tolerated`: answers of the server that the test itself brings about; `fresh`: nothing was loaded here before;
 * `motion`: dialogs fade and slide, which costs five times the dialog
 */
export async function open(browser: Browser, address: string, person?: Person, options: { language?: Language; theme?: 'light' | 'dark'; size?: [number, number]; tolerated?: number; fresh?: boolean; motion?: boolean } = {}): Promise<Window> {
  const { language = 'zh', theme = 'light', size: [width, height] = [1366, 768] } = options;
  const left = options.fresh ? undefined : idleOf(browser, language).pop();
  const page = left ?? await (await browser.newContext({ locale: language === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Asia/Shanghai', acceptDownloads: true })).newPage();
  const context = page.context();
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: theme, reducedMotion: options.motion ? 'no-preference' : 'reduce' });
  if (person) await context.addCookies([{ name: 'sw_session', value: person.cookie, url: address, httpOnly: true, sameSite: 'Strict' }]);
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on('response', (r) => { if ((r.status() >= 500 || r.status() === 429) && r.status() !== options.tolerated) complaints.push(`${r.status()} ${r.url()}`); });
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog opened: ${dialog.message()}`);
    void dialog.dismiss();
  });
  mkdirSync(SHOTS, { recursive: true });
  const at = (name: string): Locator => page.locator(id(name));
  // Asked for at once and packed fast: a picture of each step would otherwise be a third of what a run costs.
  let camera: Promise<CDPSession> | undefined;
  const picture = async (path: string): Promise<void> => {
    const { data } = await (await (camera ??= context.newCDPSession(page))).send('Page.captureScreenshot', { format: 'png', optimizeForSpeed: true });
    await writeFile(path, Buffer.from(data, 'base64'));
  };
  let loaded = false;
  const go = async (path: string, wait?: string): Promise<void> => {
    await page.goto(address + path);
    loaded = true;
    if (wait) await at(wait).first().waitFor();
  };
  return {
    page, context, language, complaints, at, go,
    async see(path, wait) {
      if (!loaded) return go(path, wait);
      await page.evaluate((to) => {
        // The same page with another question stays and loads again.
        if (new URL(to, location.href).pathname !== location.pathname) document.querySelectorAll('[data-testid^="page-"]').forEach((e) => e.setAttribute('data-left', ''));
        history.pushState(null, '', to);
        dispatchEvent(new PopStateEvent('popstate', { state: null }));
      }, path);
      await page.locator('[data-left]').first().waitFor({ state: 'detached' });
      await at(wait).first().waitFor();
    },
    async fill(name, text) {
      typedByPeople(text);
      await page.locator(field(name)).first().fill(text);
    },
    click: (name) => at(name).first().click(),
    reads: (zh, en, within = 'body') => page.locator(within).getByText(language === 'zh' ? zh : en).first().waitFor(),
    choose: (zh, en) => page.locator('.el-select-dropdown__item:visible').getByText(language === 'zh' ? zh : en).first().click(),
    closed: async () => { await page.waitForFunction(() => [...document.querySelectorAll('.el-overlay')].every((e) => !e.checkVisibility())); },
    text: () => page.innerText('body'),
    async shot(name) {
      await settled(page);
      complaints.push(...(await mixed(page, language)).map((m) => `${name}, ${language}: ${m}`));
      await picture(join(SHOTS, `${name}-${language}.png`));
    },
    async close() {
      await camera?.then((c) => c.detach());
      page.removeAllListeners();
      await page.evaluate(() => { localStorage.clear(); sessionStorage.clear(); });
      await context.clearCookies();
      await page.goto('about:blank');
      idleOf(browser, language).push(page);
    },
  };
}
