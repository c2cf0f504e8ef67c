import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import t from 'tap';
import { ARGUMENTS, CHROMIUM } from './browser/window.js';
import { conversation } from './conversation.js';

const PASSWORD = 'Quiet-Harbour-47';
/** Screenshots for whoever looks at a failed run; the workflows and the other pages are in browser/. */
const SHOTS = join('dist', 'screenshots');

interface Appliance { child: ChildProcess; address: string; code: string | undefined; output: () => string; stop(): Promise<number | null> }

async function up(data: string, ...more: string[]): Promise<Appliance> {
  const child = spawn(process.execPath, ['bin/shouwang.mjs', 'up', '--data', data, '--port', '0', ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout!.on('data', (d: Buffer) => { text += d.toString(); });
  child.stderr!.on('data', (d: Buffer) => { text += d.toString(); });
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  for (let i = 0; i < 600; i++) {
    if (/No interface is watched/.test(text)) break;
    if (child.exitCode !== null) throw new Error(`the appliance ended: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const address = /ready.*?(http:\/\/\S+)/.exec(text)?.[1];
  if (!address) throw new Error(`no address in: ${text}`);
  return {
    child, address, code: /([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})/.exec(text)?.[1], output: () => text,
    stop: () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['bin/shouwang.mjs', ...args]);
  let out = '';
  let err = '';
  child.stdout.on('data', (d: Buffer) => { out += d.toString(); });
  child.stderr.on('data', (d: Buffer) => { err += d.toString(); });
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, out, err })));
}

const id = (name: string): string => `[data-testid="${name}"]`;
const field = (name: string): string => `input${id(name)}, ${id(name)} input`;

async function signIn(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForSelector(`${id('nav')}, ${id('login-submit')}`);
  if (await page.$(id('nav'))) return; // the session has outlived the restart
  await page.fill(field('login-account'), 'chief');
  await page.fill(field('login-password'), PASSWORD);
  await page.click(id('login-submit'));
  await page.waitForSelector(id('nav'));
}

t.test('the appliance, from the first start to a restart, in a browser', { timeout: 170_000, skip: CHROMIUM ? false : 'no chromium here' }, async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'sw-up-'));
  mkdirSync(SHOTS, { recursive: true });
  t.teardown(() => rmSync(data, { recursive: true, force: true }));
  let appliance = await up(data);
  t.teardown(() => void appliance.child.kill('SIGKILL'));
  t.ok(appliance.code, 'a set-up code is printed');
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM!, args: ARGUMENTS });
  t.teardown(() => browser.close());
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1366, height: 768 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog opened: ${dialog.message()}`);
    void dialog.dismiss();
  });

  await page.goto(appliance.address);
  await page.fill(field('setup-code'), appliance.code!);
  await page.fill(field('setup-account'), 'chief');
  await page.fill(field('setup-name'), '值班长');
  await page.fill(field('setup-password'), PASSWORD);
  await page.fill(field('setup-again'), PASSWORD);
  await page.click(id('setup-submit'));
  await page.waitForSelector(`${id('nav')}, ${id('login-submit')}`);
  await signIn(page, appliance.address);
  t.pass('the first administrator is set up and signed in');

  await page.goto(`${appliance.address}/overview`);
  await page.waitForSelector(id('overview-incident'), { timeout: 30_000 });
  t.match(await page.innerText('body'), /演示/, 'what comes from the demonstration says so');
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(SHOTS, 'overview-zh.png') });

  // An attacker's User-Agent and path that would run as markup, or turn the text around, if anything let them.
  const evil = '<script>alert(document.domain)</script><img src=x onerror=alert(1)>';
  const hostile = join(data, 'hostile.pcap');
  writeFileSync(hostile, conversation([
    [true, `POST /login.action?next=${'%3Cscript%3E'} HTTP/1.1\r\nHost: portal.gov.cn\r\nUser-Agent: ${evil} \xe2\x80\xaegnp.exe\r\nContent-Type: %{(#_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#cmd='id').(#p=new java.lang.ProcessBuilder(#cmd))}\r\nContent-Length: 0\r\n\r\n`],
    [false, 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 39\r\n\r\nuid=0(root) gid=0(root) groups=0(root)\n'],
  ], { client: ['198.51.100.99', 41234], server: ['10.101.1.10', 8080] }));
  const replayed = await run('replay', hostile, '--data', data, '--timestamps', 'now', '--node', 'gate-7', '--unit', 'wuhan');
  t.equal(replayed.code, 0, replayed.err);

  await page.goto(`${appliance.address}/alerts`);
  const row = page.locator(`${id('alert-row')}:has-text("198.51.100.99")`).first();
  await row.waitFor({ timeout: 20_000 });
  await row.click();
  await row.press('Enter').catch(() => {});
  if (!/\/alerts\/.+/.test(page.url())) await row.dblclick().catch(() => {});
  await page.waitForURL(/\/alerts\/.+/, { timeout: 10_000 });
  await page.waitForSelector(id('because'));
  await page.waitForSelector(id('http-view'));
  const text = await page.innerText('body');
  t.match(text, /<script>alert/, 'captured markup is shown as text');
  t.match(text, /uid=0\(root\)/, 'the response is readable');
  t.match(text, /攻击成功/, 'the verdict is named');
  await page.screenshot({ path: join(SHOTS, 'alert-zh.png'), fullPage: true });
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator(id('evidence-download')).first().click()]);
  t.match(download.suggestedFilename(), /\.pcap$/, 'the evidence can be downloaded');

  await page.click(id('switch-language'));
  await page.waitForTimeout(500);
  t.match(await page.innerText('body'), /Succeeded/i, 'the page speaks English');
  await page.screenshot({ path: join(SHOTS, 'alert-en.png'), fullPage: true });
  t.same(complaints, [], 'no script of a stranger ran, no page failed');

  const stopped = performance.now();
  t.equal(await appliance.stop(), 0, 'Ctrl-C ends it cleanly');
  t.comment(`stopped in ${(performance.now() - stopped).toFixed(0)} ms`);
  const started = performance.now();
  appliance = await up(data);
  t.comment(`second start in ${(performance.now() - started).toFixed(0)} ms`);
  t.equal(appliance.code, undefined, 'no second set-up code');
  await signIn(page, appliance.address);
  await page.goto(`${appliance.address}/alerts`);
  await page.locator(`${id('alert-row')}:has-text("198.51.100.99")`).first().waitFor({ timeout: 20_000 });
  t.pass('what was shown is still there');

  await page.click(id('demo-clear'));
  const confirm = page.locator('.el-message-box__btns .el-button--primary, [data-testid="demo-confirm"]').first();
  if (await confirm.isVisible().catch(() => false)) await confirm.click();
  await page.waitForSelector(id('demo-banner'), { state: 'detached', timeout: 10_000 });
  await page.goto(`${appliance.address}/alerts`);
  await page.locator(`${id('alert-row')}:has-text("198.51.100.99")`).first().waitFor({ timeout: 20_000 });
  t.equal(await page.locator(`${id('alert-row')}:has-text("192.0.2.66")`).count(), 0, 'the demonstration is gone, the rest stays');
  t.equal(await appliance.stop(), 0);
});
