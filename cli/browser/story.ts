import { spawnSync } from 'node:child_process';
import type { Test } from 'tap';
import type { Stage } from './stage.js';
import { SHOTS, open } from './window.js';

/** An incident as a story, down to the bytes, in English; and its proof taken to another machine. */
export async function story(t: Test, { appliance, browser, people, broken }: Stage): Promise<void> {
  const w = await open(browser, appliance.address, people.ana, { language: 'en', theme: 'dark' });
  const { page } = w;
  await w.go(`/incidents/${broken.id}`, 'story');
  await page.locator('.concluded .why').waitFor();
  const said = await w.text();
  t.match(said, /What was concluded and why/);
  t.match(said, /What to do now/);
  t.ok(await w.at('phase-timeline').isVisible(), 'time line across phases');
  t.ok(await page.locator('main svg').count() > 1, 'graph of attacker and victims');
  await w.click('step-look');
  await w.at('step-evidence').waitFor();
  await page.locator('mark').first().waitFor();
  t.match(await w.at('step-evidence').innerText(), /uid=0\(root\)/, 'the answer as text, what matched marked');
  await w.shot('incident');
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
  t.match((await w.at('packet').innerText()).replaceAll('\n', ' '), /Ethernet.*IPv4.*TCP/s, 'decoded layers');
  await w.shot('packets');
  const [pcap] = await Promise.all([page.waitForEvent('download'), w.click('evidence-download')]);
  t.match(pcap.suggestedFilename(), /\.pcap$/);
  await w.go(`/incidents/${broken.id}`, 'story');
  await w.click('chain-open');
  await w.at('chain').locator('summary').first().click();
  t.match(await w.at('chain').innerText(), /SHA-256.*SM3|SM3.*SHA-256/s);
  await w.shot('chain');
  const [bundle] = await Promise.all([page.waitForEvent('download'), w.click('bundle')]);
  const path = `${SHOTS}/${bundle.suggestedFilename()}`;
  await bundle.saveAs(path);
  const verified = spawnSync(process.execPath, ['bin/shouwang.mjs', 'verify', path], { encoding: 'utf8' });
  t.equal(verified.status, 0, `one command checks it elsewhere: ${verified.stdout} ${verified.stderr}`);
  t.same(w.complaints, []);
  await w.close();
}
