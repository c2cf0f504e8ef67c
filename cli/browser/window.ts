/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Test support: a browser window of one person, in one language, with its screenshots. */

import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import type { Person } from './appliance.js';

export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => existsSync(p));
const ARGUMENTS = ['--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Kept for whoever looks at a run; not in the repository. */
export const SHOTS = resolve('dist', 'screenshots');

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM!, args: ARGUMENTS });
export const id = (name: string): string => `[data-testid="${name}"]`;
export const field = (name: string): string => `input${id(name)}, textarea${id(name)}, ${id(name)} input, ${id(name)} textarea`;

export interface Window {
  page: Page;
  context: BrowserContext;
  /** What went wrong without anybody asking: script faults, dialogs, answers of the server that are faults. */
  complaints: string[];
  at(testid: string): Locator;
  go(path: string, wait?: string): Promise<void>;
  fill(testid: string, text: string): Promise<void>;
  click(testid: string): Promise<void>;
  /** Everything that stands on the page. */
  text(): Promise<string>;
  shot(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a window; without a person nobody is logged in. */
export async function open(browser: Browser, address: string, person?: Person, options: { language?: 'zh' | 'en'; theme?: 'light' | 'dark'; size?: [number, number] } = {}): Promise<Window> {
  const { language = 'zh', theme = 'light', size: [width, height] = [1366, 768] } = options;
  const context = await browser.newContext({ locale: language === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Asia/Shanghai', colorScheme: theme, viewport: { width, height }, acceptDownloads: true });
  if (person) await context.addCookies([{ name: 'sw_session', value: person.cookie, url: address, httpOnly: true, sameSite: 'Strict' }]);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on('response', (r) => { if (r.status() >= 500 || r.status() === 429) complaints.push(`${r.status()} ${r.url()}`); });
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog opened: ${dialog.message()}`);
    void dialog.dismiss();
  });
  mkdirSync(SHOTS, { recursive: true });
  const at = (name: string): Locator => page.locator(id(name));
  return {
    page, context, complaints, at,
    async go(path, wait) {
      await page.goto(address + path);
      if (wait) await at(wait).first().waitFor();
    },
    fill: (name, text) => page.locator(field(name)).first().fill(text),
    click: (name) => at(name).first().click(),
    text: () => page.innerText('body'),
    shot: async (name) => { await page.screenshot({ path: join(SHOTS, `${name}-${language}.png`) }); },
    close: () => context.close(),
  };
}
