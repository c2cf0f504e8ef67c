import { writeFileSync } from 'node:fs';
import ExcelJS from 'exceljs';
import JSZip from 'jszip';
import t from 'tap';
import type { Page, ReportData, ReportFileRow, ReportScheduleRow, IncidentRow } from '../../model/api.js';
import { alertOf, startConsole } from '../harness.js';
import { lastWhole } from './data.js';
import { nextRun, runSchedules } from './scheduler.js';

const china = (text: string): number => Date.parse(`${text}+08:00`);

t.test('the last whole day and week, and when a schedule runs, in local time', (t) => {
  t.same(lastWhole('daily', china('2019-06-12T00:10:00'), 480), { from: china('2019-06-11T00:00:00'), to: china('2019-06-12T00:00:00') });
  t.same(lastWhole('weekly', china('2019-06-12T12:00:00'), 480), { from: china('2019-06-03T00:00:00'), to: china('2019-06-10T00:00:00') });
  t.equal(nextRun({ kind: 'weekly', at: 8 * 60 }, china('2019-06-12T12:00:00'), 480), china('2019-06-17T08:00:00'));
  t.equal(nextRun({ kind: 'daily', at: 8 * 60 }, china('2019-06-12T08:00:00'), 480), china('2019-06-13T08:00:00'));
  t.end();
});

t.test('figures, files of every kind, schedules; a unit reads its own', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const yi = await h.person('yi', ['unit_handler'], 'yichang');
  await h.send(alertOf({ id: 'r-1', verdict: 'compromised', title: { zh: '<b>=1+1</b>', en: '=1+1' } }));
  await h.send(alertOf({ id: 'r-2', class: 'port_scan', rule: 'port-scan' }));
  await h.send(alertOf({ id: 'r-3', victim: { ip: '10.2.0.9' } }));
  await h.until(() => h.console.context.counters().alerts === 3, 'alerts');
  const range = `from=${h.clock.now() - 3_600_000}&to=${h.clock.now() + 3_600_000}`;
  const data = (await ana.call<ReportData>('GET', `/api/reports?kind=special&${range}`)).body;
  t.match(data.totals, { alerts: 3, incidents: 2, compromised: 1 });
  t.same(data.league.map((l) => [l.unit.id, l.score]), [['yichang', 100], ['wuhan', 90]]);
  t.same(data.league[1].parts, [{ name: 'compromised', count: 1, each: 10, points: 10 }]);
  t.match((await yi.call<ReportData>('GET', `/api/reports?kind=special&${range}`)).body.totals, { alerts: 1, incidents: 1, compromised: 0 });
  t.equal((await yi.call('GET', `/api/reports?kind=special&${range}&unit=wuhan`)).status, 404);
  const file = (format: string) => ana.call('GET', `/api/reports/file?kind=special&${range}&format=${format}&lang=zh`);
  const html = (await file('html')).raw.toString();
  t.match(html, /网络安全监测专报/);
  t.match(html, /<svg /);
  t.notMatch(html, /<script|<b>/);
  t.equal((await file('pdf')).raw.subarray(0, 5).toString(), '%PDF-');
  const [docx, xlsx] = [(await file('docx')).raw, (await file('xlsx')).raw];
  if (process.env.SW_KEEP) for (const format of ['pdf', 'docx', 'xlsx', 'html']) writeFileSync(`${process.env.SW_KEEP}.${format}`, (await file(format)).raw);
  for (const [raw, prefix] of [[docx, 'word'], [xlsx, 'xl']] as const) {
    const zip = await JSZip.loadAsync(raw);
    const charts = Object.keys(zip.files).filter((n) => n.startsWith(`${prefix}/charts/`) && n.endsWith('.xml'));
    t.ok(charts.length >= 4, `${prefix}: charts that the office program draws`);
    const types = await zip.file('[Content_Types].xml')?.async('string') ?? '';
    const rels = (await Promise.all(Object.keys(zip.files).filter((n) => n.endsWith('.rels')).map((n) => zip.file(n)?.async('string')))).join('');
    for (const name of charts) {
      t.match(await zip.file(name)?.async('string'), /<c:(barChart|lineChart)>[\s\S]*<c:pt idx="0"><c:v>/);
      t.ok(types.includes(`PartName="/${name}"`) && rels.includes(`charts/${name.split('/').at(-1)}"`), `${name} is declared and referred to`);
    }
    for (const name of Object.keys(zip.files).filter((n) => n.endsWith('.xml'))) t.notMatch(await zip.file(name)?.async('string'), /\ue000/u, `${name}: no mark is left`);
  }
  const book = new ExcelJS.Workbook();
  await book.xlsx.load(xlsx as never);
  t.ok(book.worksheets.length > 4);
  book.eachSheet((sheet) => { sheet.eachRow((row) => { row.eachCell((cell) => { if (cell.type === ExcelJS.ValueType.Formula) t.fail('captured text became a formula'); }); }); });

  const made = (await ana.call<ReportScheduleRow>('POST', '/api/report-schedules', { name: '每日汇报表', kind: 'daily', formats: ['html', 'xlsx'], at: 480, enabled: true })).body;
  t.ok(made.nextAt);
  h.advance(86_400_000);
  await runSchedules(h.console.context);
  await runSchedules(h.console.context);
  const again = await h.client('ana');
  const archive = (await again.call<ReportFileRow[]>('GET', '/api/report-archive')).body;
  t.same(archive.map((f) => f.format).sort(), ['html', 'xlsx'], 'each once');
  t.equal((await again.call('GET', archive[0].href)).status, 200);
  const yi2 = await h.client('yi');
  t.same((await yi2.call<ReportFileRow[]>('GET', '/api/report-archive')).body, []);
  t.equal((await yi2.call('GET', archive[0].href)).status, 404);
  t.equal((await again.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items.length, 2);
});
