import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { compare, table } from './compare.js';
import { makeRules } from './rules.js';
import { makeTraffic } from './traffic.js';

t.test('the same seed makes the same capture and the same rules', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shouwang-bench-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [a, b] = ['a.pcap', 'b.pcap'].map((name) => join(folder, name)) as [string, string];
  const made = makeTraffic(a, { seed: 3, bytes: 1 << 20, kind: 'mixed', attackEvery: 5 });
  makeTraffic(b, { seed: 3, bytes: 1 << 20, kind: 'mixed', attackEvery: 5 });
  t.ok(readFileSync(a).equals(readFileSync(b)));
  t.ok(made.packets > 500 && made.bytes >= 1 << 20);
  t.equal(makeRules(50, 3, 'suricata'), makeRules(50, 3, 'suricata'));
  t.equal(makeRules(50, 3, 'snort').split('\n').length, 51);
  t.end();
});

t.test('a small comparison runs to its end and tells every figure', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shouwang-bench-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const figures = await compare({ folder, seed: 3, mixed: 1 << 20, http: 0, runs: 1, rules: [20], peers: [], say: () => {} });
  t.same(figures.map((f) => f.program), ['limit', 'shouwang']);
  for (const f of figures) t.ok(f.packets > 500 && f.wall > 0 && f.resident > 0, f.program);
  t.match(table(figures), /mixed +20 +shouwang/);
});
