import { writeFileSync } from 'node:fs';
import ExcelJS from 'exceljs';
import JSZip from 'jszip';
import t from 'tap';
import type { Page, ReportData, ReportFileRow, ReportScheduleRow, IncidentRow, TicketDetail } from '../../model/api.js';
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
  t.match(html, /@media print\{.*thead\{display:table-header-group\}/, 'printed with its heads on every page');
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
  for (const sheet of book.worksheets.slice(1)) {
    t.match(sheet.views[0], { state: 'frozen', ySplit: 1 }, `${sheet.name}: its head stays`);
    t.match(sheet.pageSetup, { orientation: 'landscape', fitToPage: true, fitToWidth: 1, fitToHeight: 0, printTitlesRow: '1:1' }, `${sheet.name}: as wide as the paper`);
  }
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

t.test('hostile text goes through every export as text', async (t) => {
  const h = await startConsole();
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const ben = await h.person('ben', ['operator']);
  const bad = '=HYPERLINK("http://x","y")<script>1</script>]]><w:p/>\r\nBcc: z\u0000\ud800&quot;';
  await h.send(alertOf({ id: 'x-1', verdict: 'compromised', rule: bad, node: bad, title: { zh: bad, en: bad }, attacker: { ip: '=1+1|cmd', port: 1 } }, { http: { hostname: bad, url: bad, http_user_agent: bad } }));
  await h.until(() => h.console.context.counters().alerts === 1, 'the alert');
  const incident = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items[0];
  const ticket = (await ana.call<TicketDetail>('POST', '/api/tickets', { incident: incident.id, title: bad.slice(0, 200), summary: bad })).body;
  await ana.call('POST', `/api/tickets/${ticket.id}/actions`, { version: ticket.version, action: 'submit' });
  await ben.call('POST', `/api/tickets/${ticket.id}/actions`, { version: ticket.version + 1, action: 'approve' });
  const range = `from=${h.clock.now() - 3_600_000}&to=${h.clock.now() + 3_600_000}`;
  const get = async (url: string) => (await ana.call('GET', url)).raw;
  const wellFormed = (xml: string): string[] => {
    const open: string[] = [];
    const wrong = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(xml) ? ['a character that XML has not'] : [];
    for (const [tag, close, name, self] of xml.replace(/<\?[^>]*\?>/g, '').matchAll(/<(\/?)([\w:]+)[^<>]*?(\/?)>/g)) {
      if (close) { if (open.pop() !== name) wrong.push(tag); } else if (!self) open.push(name);
    }
    return [...wrong, ...open];
  };
  for (const url of [`/api/reports/file?kind=special&${range}&format=docx`, `/api/reports/file?kind=special&${range}&format=xlsx`, `/api/tickets/${ticket.id}/document?format=docx`]) {
    const zip = await JSZip.loadAsync(await get(url));
    for (const name of Object.keys(zip.files).filter((n) => /\.(xml|rels)$/.test(n))) {
      const xml = await zip.file(name)?.async('string') ?? '';
      t.same(wellFormed(xml), [], `${url} ${name}`);
      t.notMatch(xml, /<script|<f>|TargetMode="External"/, 'no markup, no formula, no link out');
    }
  }
  const html = (await get(`/api/reports/file?kind=special&${range}&format=html`)).toString();
  t.notMatch(html, /<script|<w:p/);
  t.match(html, /&#60;script&#62;/);
  for (const url of [`/api/reports/file?kind=special&${range}&format=pdf`, `/api/tickets/${ticket.id}/document?format=pdf`]) t.equal((await get(url)).subarray(0, 5).toString(), '%PDF-');
  for (const url of [`/api/incidents/${incident.id}/stix`, '/api/indicators/stix']) t.equal((JSON.parse((await get(url)).toString()) as { type: string }).type, 'bundle');
  // The bulletin brings the form for its answer; its fonts are in the file.
  const docx = await JSZip.loadAsync(await get(`/api/tickets/${ticket.id}/document?format=docx&lang=zh`));
  const text = (await docx.file('word/document.xml')?.async('string') ?? '').replace(/<[^>]+>/g, '');
  for (const part of ['加急', '附件：1. 网络安全事件整改反馈单', '是否属实', '（盖章）', '核查方法和结果', '印发']) t.ok(text.includes(part), part);
  const pdf = (await get(`/api/tickets/${ticket.id}/document?format=pdf&lang=zh`)).toString('latin1');
  t.equal(pdf.match(/\/FontFile[23] /g)?.length, pdf.match(/\/Type \/FontDescriptor/g)?.length, 'every font is embedded');
  const headers = (await ana.call('GET', `/api/tickets/${ticket.id}/document?format=pdf`)).headers;
  t.notMatch(String(headers['content-disposition']), /[\r\n<>"]/);
});
