import { generateSync } from 'otplib';
import type { Test } from 'tap';
import { PASSWORD } from './appliance.js';
import { typedByPeople, type Language } from './language.js';
import type { Stage } from './stage.js';
import { id, open } from './window.js';

/** Accounts and roles, and what a unit sees. */
export async function users(t: Test, { appliance, browser, people, broken }: Stage, language: Language): Promise<void> {
  const admin = await open(browser, appliance.address, appliance.admin, { language });
  const account = `new-hand-${language}`;
  await admin.go('/users', 'user-row');
  await admin.click('user-new');
  await admin.fill('user-account', account);
  await admin.fill('user-name', '新来的 <b>同事</b>');
  await admin.fill('user-password', PASSWORD);
  await admin.shot('user-new');
  await admin.click('user-save');
  const row = `${id('user-row')}[data-account="${account}"]`;
  await admin.page.locator(row).locator(id('user-roles')).click();
  await admin.click('role-operator');
  await admin.click('role-auditor');
  await admin.reads(/不能由同一人担任/, /may not be one person/, '[role="dialog"] [role="alert"]');
  t.equal(await admin.at('roles-save').isDisabled(), true, 'an auditor is nothing else');
  await admin.shot('user-roles');
  await admin.click('role-auditor');
  await admin.click('roles-save');
  await admin.reads('值班员', 'Operator', `${row} .role`);
  t.equal(await admin.page.locator(`${id('user-row')}[data-account="chief"] ${id('user-roles')}`).count(), 0, 'nobody gives roles to themselves');
  await admin.shot('users');

  const far = await open(browser, appliance.address, people.yichang, { language });
  for (const path of ['/incidents', '/alerts']) {
    await far.see(path, path === '/incidents' ? 'page-incidents' : 'page-alerts');
    await far.page.waitForLoadState('networkidle').catch(() => undefined);
    t.notMatch(await far.text(), /10\.101\.1\.1/, `${path} of another unit shows nothing of this one`);
  }
  await far.go(`/incidents/${broken[language].id}`);
  await far.page.locator('[role="alert"]').first().waitFor();
  t.notMatch(await far.text(), /198\.51\.100\.9/, 'nor does the address of its incident');
  await far.shot('unit-refused');
  await far.see('/search?text=198.51.100.9', 'page-search');
  await far.reads(/没有找到/, /Nothing found/);
  t.equal(await far.at('found-incidents').count() + await far.at('found-alerts').count(), 0, 'nor does the search');
  await far.shot('unit');
  for (const w of [admin, far]) {
    t.same(w.complaints, []);
    await w.close();
  }
}

/** Two-step login, tokens, sessions that are ended. */
export async function secondFactor(t: Test, { appliance, browser }: Stage, language: Language): Promise<void> {
  const account = `careful-${language}`;
  typedByPeople('谨慎的人');
  const person = await appliance.person(account, '谨慎的人', ['operator']);
  const w = await open(browser, appliance.address, person, { language });
  await w.go('/account', 'totp-begin');
  await w.click('totp-begin');
  await w.fill('totp-password', PASSWORD);
  await w.click('totp-next');
  await w.at('totp-qr').waitFor();
  t.ok(await w.page.locator(id('totp-qr')).evaluate((img) => (img as HTMLImageElement).complete && (img as HTMLImageElement).naturalWidth > 0), 'the QR code is drawn under the content security policy');
  const secret = (await w.at('totp-secret').innerText()).replace(/\s/g, '');
  const code = (ahead: number) => generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + ahead });
  await w.fill('totp-code', code(0));
  await w.click('totp-next');
  await w.at('recovery-codes').waitFor();
  const recovery = (await w.page.locator(`${id('recovery-codes')} li`).first().innerText()).trim();
  await w.click('totp-next');
  await w.reads(/已启用，剩余恢复码 10 个/, 'On; 10 recovery codes left');
  await w.click('token-new');
  await w.fill('token-name', 'nightly export');
  await w.click('scope-incident.read');
  await w.shot('token-new');
  await w.click('token-save');
  await w.at('token-value').waitFor();
  await w.click('token-revoke');
  await w.reads('令牌已吊销', 'Token revoked');
  const elsewhere = await open(browser, appliance.address, undefined, { language });
  const login = async (second: string, name: string) => {
    await elsewhere.context.clearCookies();
    await elsewhere.go('/login', 'login-submit');
    await elsewhere.fill('login-account', account);
    await elsewhere.fill('login-password', PASSWORD);
    await elsewhere.click('login-submit');
    await elsewhere.at('login-code').waitFor();
    await elsewhere.fill('login-code', second);
    await elsewhere.shot(name);
    await elsewhere.click('login-submit');
    await elsewhere.at('nav').waitFor();
  };
  await login(recovery, 'login-recovery');
  t.pass('logging in takes a recovery code');
  await login(code(30), 'login-code');
  t.pass('or the code');

  await w.page.reload();
  await w.at('session-row').first().waitFor();
  t.equal(await w.at('session-row').count(), 3);
  await w.shot('account');
  const ends = w.at('session-end');
  while (await ends.count() > 0) {
    const before = await ends.count();
    await ends.first().click();
    await w.page.waitForFunction(([sel, n]) => document.querySelectorAll(sel as string).length < (n as number), [id('session-end'), before] as const);
  }
  await elsewhere.see('/incidents', 'login-submit');
  await elsewhere.reads('会话已结束，请重新登录', 'Your session has ended; please sign in again');
  await elsewhere.shot('session-ended');
  t.pass('a session that was ended elsewhere is over');
  for (const x of [w, elsewhere]) {
    t.same(x.complaints, []);
    await x.close();
  }
}

/** One screen, one person after another without a new page: each sees their own part, and nothing of whoever sat there before. */
export async function shifts(t: Test, { appliance, browser }: Stage): Promise<void> {
  const w = await open(browser, appliance.address, undefined, { size: [1920, 1080] });
  await w.go('/login', 'login-submit');
  const seen: Record<string, [topology: number, units: number]> = {};
  for (const account of ['lead', 'wuhan', 'ana']) {
    await w.fill('login-account', account);
    await w.fill('login-password', PASSWORD);
    await w.click('login-submit');
    await w.click('nav-screen');
    await w.at('topology-unit').first().waitFor();
    const topology = await w.at('topology-unit').count();
    await w.page.getByText('退出大屏').click();
    await w.click('nav-alerts');
    await w.at('alert-row').first().waitFor();
    await w.click('filter-unit');
    await w.page.locator('.el-select-dropdown__item:visible').first().waitFor();
    seen[account] = [topology, await w.page.locator('.el-select-dropdown__item:visible').count()];
    await w.page.keyboard.press('Escape');
    await w.click('user-menu');
    await w.click('sign-out');
    await w.at('login-submit').waitFor();
  }
  t.ok(seen.lead[0] >= 25 && seen.lead[1] >= 25, 'the province sees all its units');
  t.ok(seen.wuhan[0] < 5 && seen.wuhan[1] < 5, 'a unit its own');
  t.same(seen.ana, seen.lead, 'and whoever comes after it everything again');
  t.same(w.complaints, []);
  await w.close();
}
