import { generateSync } from 'otplib';
import type { Test } from 'tap';
import type { Browser } from 'playwright-core';
import { startStrict } from './appliance.js';
import { other, typedByPeople, type Language } from './language.js';
import { id, open, type Window } from './window.js';

const PASSWORD = 'Quiet-Harbour-47';
const NEXT = 'Broad-Lantern-58';

const watcherName = '值班员丙';

/**
 * Administrators kept apart (三员分立): the set-up makes all three, each must bind a second factor, a password takes two of
 * them, and who guesses is locked out. The security administrator reads the other language.
 */
export async function strict(t: Test, browser: Browser, teardown: (end: () => Promise<void>) => void, language: Language): Promise<void> {
  const { address, code, stop } = await startStrict();
  teardown(stop);
  typedByPeople(watcherName);
  const complaints: Window[] = [];
  const window = async (reads = language): Promise<Window> => {
    const w = await open(browser, address, undefined, { language: reads, tolerated: 429 });
    complaints.push(w);
    return w;
  };
  /** Logs in; whoever uses a password that others know chooses another, whoever has no second factor binds one. */
  const enter = async (w: Window, account: string, password: string): Promise<void> => {
    await w.go('/login', 'login-submit');
    await w.fill('login-account', account);
    await w.fill('login-password', password);
    await w.click('login-submit');
  };
  const enrol = async (w: Window, password: string): Promise<void> => {
    await w.at('totp-begin').waitFor();
    await w.reads('您的角色要求两步验证，启用后才能继续使用。', 'Your role demands two-step login: turn it on to go on.', '[role="alert"]');
    await w.shot('totp-demanded');
    await w.click('totp-begin');
    await w.fill('totp-password', password);
    await w.click('totp-next');
    await w.at('totp-qr').waitFor();
    const secret = (await w.at('totp-secret').innerText()).replace(/\s/g, '');
    typedByPeople(secret);
    await w.shot('totp-scan');
    await w.fill('totp-code', generateSync({ secret }));
    await w.click('totp-next');
    await w.at('recovery-codes').waitFor();
    await w.shot('totp-codes');
    await w.click('totp-next');
  };

  const sys = await window();
  await sys.go('/', 'setup-code');
  await sys.reads('首次启用', 'First run', 'h1');
  await sys.fill('setup-code', code);
  for (const [part, account] of [['setup', 'sysadmin'], ['setup-securityAdmin', 'secadmin'], ['setup-auditor', 'auditor']]) {
    await sys.fill(`${part}-account`, account);
    await sys.fill(`${part}-name`, account);
    await sys.fill(`${part}-password`, PASSWORD);
  }
  await sys.fill('setup-again', PASSWORD);
  await sys.shot('strict-setup');
  await sys.click('setup-submit');
  await enrol(sys, PASSWORD);
  await sys.at('session-row').first().waitFor();
  await sys.reads('实时', 'Live', id('live-state'));
  await sys.shot('strict-enrolled');

  const sec = await window(other(language));
  await enter(sec, 'secadmin', PASSWORD);
  await sec.fill('password-current', PASSWORD);
  await sec.fill('password-next', NEXT);
  await sec.fill('password-again', 'Broad-Lantern-59');
  await sec.click('password-save');
  await sec.reads('两次输入的密码不一致', 'The two passwords differ', id('password-error'));
  await sec.fill('password-again', NEXT);
  await sec.shot('strict-password');
  await sec.click('password-save');
  await enrol(sec, NEXT);

  await sys.see('/users', 'user-row');
  await sys.click('user-new');
  t.equal(await sys.at('user-password').count(), 0, 'no administrator sets a password');
  await sys.fill('user-account', 'watcher');
  await sys.fill('user-name', watcherName);
  await sys.shot('strict-new-user');
  await sys.click('user-save');
  const mine = sys.page.locator(`${id('user-row')}[data-account="watcher"]`);
  await mine.locator(id('user-reset')).click();
  const first = await sys.at('reset-half').innerText();
  t.equal(await mine.locator(id('user-roles')).count(), 0, 'nor gives the system administrator roles');
  await sec.see('/users', 'user-row');
  const theirs = sec.page.locator(`${id('user-row')}[data-account="watcher"]`);
  await theirs.locator(id('user-roles')).click();
  await sec.click('role-operator');
  await sec.click('role-security_admin');
  t.equal(await sec.at('roles-save').isDisabled(), true, 'an administrator does no daily work');
  await sec.shot('strict-roles');
  await sec.click('role-security_admin');
  await sec.click('roles-save');
  await sec.reads('值班员', 'Operator', `${id('user-row')}[data-account="watcher"] .role`);
  await theirs.locator(id('reset-approve')).click();
  const second = await sec.at('reset-half').innerText();
  await sec.shot('strict-half');
  t.equal(await sec.at('user-new').count(), 0, 'the security administrator makes no account');

  const watcher = await window();
  await watcher.go('/reset', 'reset-submit');
  await watcher.fill('reset-account', 'watcher');
  await watcher.fill('reset-code', first.trim());
  await watcher.fill('reset-code2', second.trim());
  await watcher.fill('reset-password', NEXT);
  await watcher.fill('reset-again', NEXT);
  await watcher.shot('strict-reset');
  await watcher.click('reset-submit');
  await watcher.at('login-submit').waitFor();
  await enter(watcher, 'watcher', NEXT);
  await watcher.at('nav').waitFor();
  t.pass('with both halves the person chooses a password');

  // Somebody guesses.
  await watcher.click('user-menu');
  await watcher.click('sign-out');
  await watcher.at('login-submit').waitFor();
  for (let n = 1; n <= 6; n++) {
    await watcher.fill('login-account', 'watcher');
    await watcher.fill('login-password', `Wrong-Guess-${n}`);
    await Promise.all([watcher.page.waitForResponse((r) => r.url().endsWith('/api/login')), watcher.click('login-submit')]);
    if (n === 1) {
      await watcher.reads('账号或密码错误。', 'Wrong account or password.', id('login-error'));
      await watcher.shot('login-wrong');
    }
  }
  await watcher.reads(/失败次数过多，请 \d+ 秒后重试/, /Too many failures; wait \d+ seconds/, id('login-error'));
  await watcher.shot('login-locked');
  await watcher.fill('login-password', NEXT);
  await Promise.all([watcher.page.waitForResponse((r) => r.url().endsWith('/api/login') && r.status() === 429), watcher.click('login-submit')]);
  t.pass('locked out even with the right password');
  for (const w of complaints) {
    t.same(w.complaints, []);
    await w.close();
  }
}
