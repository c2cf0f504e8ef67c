import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { followIndicators, loadIndicators } from './indicators.js';

const NOW = Date.parse('2019-06-10T08:00:00Z');

t.test('lists that change are in force without a restart, and wrong ones change nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shouwang-lists-'));
  const lists = join(folder, 'lists');
  mkdirSync(lists);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const put = (name: string, text: string): void => {
    writeFileSync(join(folder, 'draft'), text);
    renameSync(join(folder, 'draft'), join(lists, name));
  };
  put('city.csv', 'value,type,source,confidence,expires,label\n198.51.100.7,ip,city,90,,c2\n');
  const indicators = { store: loadIndicators([lists]) };
  const before = indicators.store;
  const said: string[] = [];
  const log = { info: (line: string) => void said.push(line), warn: (line: string) => void said.push(line), error: (line: string) => void said.push(line) };
  const stop = followIndicators([lists], indicators, log, 20);
  t.teardown(stop);
  const until = async (line: string): Promise<void> => {
    for (let i = 0; i < 1000 && !said.includes(line); i++) await new Promise((resolve) => setTimeout(resolve, 20));
    t.ok(said.includes(line), line);
    said.length = 0;
  };

  put('campaign.json', JSON.stringify({ type: 'bundle', objects: [{ type: 'indicator', confidence: 80, pattern: "[domain-name:value = 'c2.example' OR ipv4-addr:value = '203.0.113.0/24']" }] }));
  await until('indicator lists read again');
  t.not(indicators.store, before);
  t.match(indicators.store.find('domain', 'c2.example', NOW), { confidence: 80, source: 'campaign' });
  t.match(indicators.store.address(0xcb007109, undefined, NOW), { kind: 'address' }, 'a range');
  t.match(indicators.store.find('address', '198.51.100.7', NOW), { label: 'c2', source: 'city' });

  const good = indicators.store;
  rmSync(join(lists, 'city.csv'));
  put('campaign.json', '{');
  await until('the indicator lists stay as they were');
  t.equal(indicators.store, good);

  put('campaign.json', '[]');
  put('city.csv', 'value,type\nnew.example,domain\n');
  await until('indicator lists read again');
  t.ok(indicators.store.find('domain', 'new.example', NOW));
  t.equal(indicators.store.find('domain', 'c2.example', NOW), undefined, 'what a list no longer has');
  t.end();
});
