import { spawnSync } from 'node:child_process';
import type { Test } from 'tap';
import type { Language } from './language.js';
import type { Stage } from './stage.js';
import { SHOTS, id, open, type Window } from './window.js';

/** An incident as a story, down to the bytes; its proof taken to another machine; a rule tried on what was captured. */
export async function story(t: Test, { appliance, browser, people, broken }: Stage, language: Language): Promise<void> {
  const w = await open(browser, appliance.address, people.ana, { language, theme: language === 'en' ? 'dark' : 'light' });
  const { page } = w;
  const said = (zh: string, en: string): string => (language === 'zh' ? zh : en);
  await w.go(`/incidents/${broken[language].id}`, 'story');
  await page.locator('.concluded .why').waitFor();
  await w.reads('结论与依据', 'What was concluded and why');
  t.equal(await page.getByText(said('现在怎么做', 'What to do now'), { exact: true }).count(), 1, 'what to do now is said once');
  t.ok(await w.at('phase-timeline').isVisible(), 'time line across phases');
  t.ok(await page.locator('main svg').count() > 1, 'graph of attacker and victims');
  await w.shot('incident');
  await w.click('step-look');
  await w.at('step-evidence').waitFor();
  await page.locator('mark').first().waitFor();
  t.match(await w.at('step-evidence').innerText(), /uid=0\(root\)/, 'the answer as text, what matched marked');
  await w.shot('incident-evidence');
  await w.click('rank');
  await w.at('ranking').waitFor();
  await w.shot('ranking');
  await page.keyboard.press('Escape');
  await w.click('open-packets');
  await w.at('stream').waitFor();
  const conversation = await w.at('stream').innerText();
  t.match(conversation, /POST \/login\.action/);
  t.match(conversation, /uid=0\(root\)/, 'the capture that is offered first has the answer, too');
  t.match(conversation, /<script>alert\(document\.domain\)/, 'markup of the attacker is text');
  t.notMatch(conversation, /\u202e/, 'what turns text around is shown by name');
  await w.shot('stream');
  await page.locator('.el-tabs__item').nth(1).click();
  await w.at('packet-row').nth(3).click();
  await w.at('layer').first().waitFor();
  const layers = (await w.at('packet').innerText()).replaceAll('\n', ' ');
  t.match(layers, language === 'zh' ? /以太网帧.*IPv4.*TCP.*源端口/s : /Ethernet.*IPv4.*TCP.*Source port/s, 'decoded layers');
  await w.shot('packets');
  const [pcap] = await Promise.all([page.waitForEvent('download'), w.click('evidence-download')]);
  t.match(pcap.suggestedFilename(), /\.pcap$/);
  await w.see(`/incidents/${broken[language].id}`, 'story');
  await w.click('chain-open');
  await w.at('chain').locator('summary').first().click();
  t.match(await w.at('chain').innerText(), /SHA-256.*SM3|SM3.*SHA-256/s);
  await w.shot('chain');
  const [bundle] = await Promise.all([page.waitForEvent('download'), w.click('bundle')]);
  const path = `${SHOTS}/${bundle.suggestedFilename()}`;
  await bundle.saveAs(path);
  if (language === 'zh') {
    const verified = spawnSync(process.execPath, ['bin/shouwang.mjs', 'verify', path], { encoding: 'utf8' });
    t.equal(verified.status, 0, `one command checks it elsewhere: ${verified.stdout} ${verified.stderr}`);
  }
  t.same(w.complaints, []);
  await w.close();
}

/** A rule nobody has switched on, tried on what was captured a moment ago; and one that is none. */
export async function trial(t: Test, { appliance, browser, people }: Stage, language: Language): Promise<void> {
  const w = await open(browser, appliance.address, people.ana, { language });
  await w.go('/rules', 'rule-row');
  await w.click('rule-try');
  await w.fill('trial-text', 'alert http any any -> any any (msg:"OGNL in a content type"; content:"ognl.OgnlContext"; sid:4242; rev:1;)');
  await w.click('trial-start');
  await w.page.locator(`${id('trial-state')}[data-state="done"]`).waitFor({ timeout: 60_000 });
  await w.reads('已完成', 'Done', id('trial-state'));
  t.ok(await w.at('trial-finding').count() >= 6, 'one refused attack after the other, and the one that worked');
  t.match(await w.at('trial-finding').first().locator('a').getAttribute('href'), /^\/evidence\/.+\?alert=/, 'with the way to its packets');
  await w.shot('trial');
  // What is wrong with a rule the analyzer says itself, in the words of its own language.
  if (language === 'en') await wrong(t, w);
  t.same(w.complaints, []);
  await w.close();
}

async function wrong(t: Test, w: Window): Promise<void> {
  await w.fill('trial-text', 'id: not-a-rule');
  await w.click('trial-start');
  await w.page.locator(`${id('trial-state')}[data-state="failed"]`).waitFor({ timeout: 60_000 });
  t.match(await w.text(), /rule\.yaml/, 'what is wrong with it is said');
  await w.shot('trial-wrong');
}
