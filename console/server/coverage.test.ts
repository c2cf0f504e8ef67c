import t from 'tap';
import { CLASS_NAMES, PHASES } from '../../contracts/classes.js';
import type { CoverageView, RuleRow } from '../model/api.js';
import { coverageOf } from './coverage.js';
import { startConsole } from './harness.js';

const rule = (id: string, more: Partial<RuleRow>) => ({
  id, title: { zh: id, en: id }, severity: 'medium', class: 'exploit', phase: 'execution', techniques: [], references: [], enabled: true, ...more,
} as Parameters<typeof coverageOf>[0][number]);

t.test('what the rules see, by technique, vulnerability and phase', async (t) => {
  const view = coverageOf([
    rule('b', { techniques: ['T1505.003'], references: ['CVE-2019-999', 'https://example.org/CVE-2019-1'] }),
    rule('a', { severity: 'critical', techniques: ['T1190'], references: ['CVE-2019-2725', 'CNVD-2018-02471'], phase: 'access' }),
    rule('off', { enabled: false, techniques: ['T1001'] }),
  ], new Map([['a', 3], ['b', 4], ['off', 9]]));
  t.same([view.rules, Object.keys(view.titles)], [2, ['a', 'b']], 'a rule that is off sees nothing');
  t.same(view.techniques.map((x) => [x.id, x.rules, x.hits24h]), [['T1190', ['a'], 3], ['T1505', ['b'], 4], ['T1505.003', ['b'], 4]]);
  t.same(view.vulnerabilities.map((x) => [x.kind, x.id, x.severity]), [['cve', 'CVE-2019-2725', 'critical'], ['cve', 'CVE-2019-999', 'medium'], ['cnvd', 'CNVD-2018-02471', 'critical']]);
  t.same(view.phases.map((p) => p.phase), PHASES);
  t.same(view.phases.find((p) => p.phase === 'access')?.classes.find((c) => c.class === 'exploit')?.rules, ['a'], 'a rule may say another phase than its class');
  t.ok(CLASS_NAMES.every((c) => view.phases.some((p) => p.classes.some((x) => x.class === c))), 'a class without a rule is a gap that shows');
});

t.test('the route reads the rules that run', async (t) => {
  const h = await startConsole({ rulesDir: 'rules/java' });
  t.teardown(() => h.stop());
  const ana = await h.person('ana', ['analyst']);
  const view = (await ana.call<CoverageView>('GET', '/api/coverage')).body;
  const rows = (await ana.call<RuleRow[]>('GET', '/api/rules')).body;
  t.ok(view.rules > 5 && view.vulnerabilities.some((v) => v.kind === 'cve' && v.rules.length > 0));
  t.same(Object.keys(view.titles).sort(), rows.filter((r) => r.enabled).map((r) => r.id).sort());
  t.ok(rows.some((r) => r.references.some((x) => x.startsWith('CVE-'))), 'rows name their vulnerabilities');
});
