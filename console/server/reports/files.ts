import { AlignmentType, Document, Footer, HeadingLevel, Packer, PageNumber, Paragraph, Table, TableCell, TableLayoutType, TableRow, TextRun, WidthType } from 'docx';
import ExcelJS from 'exceljs';
import JSZip from 'jszip';
import PDFDocument from 'pdfkit';
import { FONTS } from '../documents/fonts.js';
import { chartsIntoDocument, chartsIntoWorkbook, pointsOf, type Placed } from './chart-xml.js';
import type { Paper, Section } from './tables.js';

const escape = (text: string | number): string => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const BLUE = '#1d5fa8';
/** Names beside bars take so many places; Chinese characters take two. */
const NAME_PLACES = 24;
const placesOf = (text: string | number): number => String(text).replaceAll(/[^\x00-\xff]/g, 'xx').length;
/** A name that fits beside its bar. */
function fitted(name: string): string {
  if (placesOf(name) <= NAME_PLACES) return name;
  let [text, places] = ['', 0];
  for (const c of name) {
    places += placesOf(c);
    if (places >= NAME_PLACES) return `${text}…`;
    text += c;
  }
  return text;
}
/** Thousands apart; text as it is. */
const shown = (value: string | number): string => (typeof value === 'number' ? value.toLocaleString('en-US') : value);
/** Whether a column holds numbers, which stand at the right. */
const numeric = (rows: Section['rows'], column: number): boolean => rows.length > 0 && rows.every((row) => typeof row[column] === 'number');

/** A chart as SVG; text is escaped, colours stand on light and dark paper. */
export function chartSvg(chart: NonNullable<Section['chart']>): string {
  const W = 640;
  if (chart.kind === 'bars') {
    const max = Math.max(1, ...chart.items.map((i) => i.value));
    const height = chart.items.length * 26 + 8;
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${height}" width="${W}" height="${height}" font-size="13" font-family="sans-serif">${chart.items.map((i, n) => {
      const width = Math.round((i.value / max) * 380);
      return `<text x="170" y="${n * 26 + 20}" text-anchor="end">${escape(fitted(i.name))}</text><rect x="180" y="${n * 26 + 6}" width="${Math.max(1, width)}" height="18" fill="${BLUE}"/><text x="${188 + width}" y="${n * 26 + 20}">${shown(i.value)}</text>`;
    }).join('')}</svg>`;
  }
  const points = chart.points.length > 0 ? chart.points : [[0, 0] as [number, number]];
  const [from, to, max] = [points[0][0], points[points.length - 1][0], Math.max(1, ...points.map((p) => p[1]))];
  const at = ([x, y]: [number, number]): string => `${(40 + ((x - from) / Math.max(1, to - from)) * (W - 60)).toFixed(1)},${(150 - (y / max) * 130).toFixed(1)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} 170" width="${W}" height="170" font-size="12" font-family="sans-serif"><polyline fill="none" stroke="${BLUE}" stroke-width="2" points="${points.map(at).join(' ')}"/><line x1="40" y1="150" x2="${W - 20}" y2="150" stroke="#888"/><text x="36" y="24" text-anchor="end">${shown(max)}</text><text x="36" y="154" text-anchor="end">0</text><text x="40" y="166">${escape(chart.labels[0] ?? '')}</text><text x="${W - 20}" y="166" text-anchor="end">${escape(chart.labels.at(-1) ?? '')}</text></svg>`;
}

/** One page without scripts or anything from elsewhere. */
export function htmlReport(p: Paper, lang: 'zh' | 'en'): Buffer {
  const section = (s: Section): string => `<h2>${escape(s.heading)}</h2>${s.chart ? chartSvg(s.chart) : ''}${s.columns.length > 0 ? `<table><thead><tr>${s.columns.map((c) => `<th>${escape(c)}</th>`).join('')}</tr></thead><tbody>${s.rows.map((r) => `<tr>${r.map((c) => `<td${typeof c === 'number' ? ' class="n"' : ''}>${escape(shown(c))}</td>`).join('')}</tr>`).join('')}</tbody></table>` : ''}`;
  return Buffer.from(`<!doctype html><html lang="${lang === 'zh' ? 'zh-CN' : 'en'}"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${escape(p.title)}</title><style>body{font:15px/1.6 "Noto Serif SC","Songti SC",serif;max-width:900px;margin:2em auto;padding:0 1em;color:#111;background:#fff}h1,.head{text-align:center}table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:4px 8px;text-align:left;overflow-wrap:anywhere}th{background:#eef3f9}svg{max-width:100%;height:auto}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}@page{size:A4;margin:20mm 18mm}@media print{body{font-size:10.5pt;max-width:none;margin:0;padding:0}h2{break-after:avoid}svg,tr{break-inside:avoid}svg{break-after:avoid}thead{display:table-header-group}th{print-color-adjust:exact;-webkit-print-color-adjust:exact}svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}}</style></head><body><h1>${escape(p.title)}</h1><p class="head">${escape(p.period)}<br>${escape(p.made)}</p><h2>${escape(p.lead)}</h2>${p.summary.map((x) => `<p>${escape(x)}</p>`).join('')}${p.sections.map(section).join('')}</body></html>\n`);
}

// A sheet is printed on A4 across, as wide as the paper and as long as it is, its head on every page.
const PAGE: Partial<ExcelJS.PageSetup> = { paperSize: 9, orientation: 'landscape', fitToPage: true, fitToWidth: 1, fitToHeight: 0, margins: { left: 0.5, right: 0.5, top: 0.6, bottom: 0.6, header: 0.3, footer: 0.3 } };
/** Height of a line in points. */
const LINE = 15;
const THIN: Partial<ExcelJS.Border> = { style: 'thin', color: { argb: 'FFBFBFBF' } };

export async function xlsxReport(p: Paper): Promise<Buffer> {
  const book = new ExcelJS.Workbook();
  book.creator = 'Shouwang';
  const first = book.addWorksheet(p.lead, { pageSetup: PAGE });
  first.addRows([[p.title], [p.period], [p.made], ...p.summary.map((x) => [x])]);
  first.getColumn(1).width = 90;
  first.getColumn(1).alignment = { wrapText: true, vertical: 'top' };
  first.getRow(1).font = { bold: true, size: 16 };
  const charts: Parameters<typeof chartsIntoWorkbook>[1][number][] = [];
  p.sections.forEach((s, n) => {
    const trend = s.chart?.kind === 'trend' ? s.chart : undefined;
    const columns = trend ? trend.columns : s.columns;
    const rows = trend ? trend.points.map(([, value], i) => [trend.labels[i], value]) : s.rows;
    if (columns.length === 0) return;
    const sheet = book.addWorksheet(`${/^[一二三四五六七八九十]/.test(s.heading) ? '' : `${n + 2} `}${s.heading.replace(/[*?:\\/[\]]/g, ' ')}`.slice(0, 31), { views: [{ state: 'frozen', ySplit: 1 }], pageSetup: { ...PAGE, printTitlesRow: '1:1' } });
    const head = sheet.addRow(columns);
    // Cells are values: text that begins with = stays text.
    sheet.addRows(rows);
    columns.forEach((name, i) => {
      const column = sheet.getColumn(i + 1);
      column.width = Math.min(60, Math.max(10, placesOf(name) + 5, ...rows.map((r) => placesOf(r[i] ?? '') + 4)));
      if (numeric(rows, i)) column.numFmt = '#,##0';
      column.alignment = { wrapText: true, vertical: 'top', horizontal: numeric(rows, i) ? 'right' : 'left', indent: 1 };
    });
    // Not every program makes room for a text that wraps.
    rows.forEach((r, n) => { sheet.getRow(n + 2).height = LINE * Math.max(1, ...r.map((c, i) => Math.ceil((placesOf(c) + 2) / (sheet.getColumn(i + 1).width ?? 10)))); });
    sheet.eachRow((row) => row.eachCell({ includeEmpty: true }, (cell) => { cell.border = { top: THIN, left: THIN, bottom: THIN, right: THIN }; }));
    head.eachCell((cell) => {
      cell.font = { bold: true };
      cell.fill = { type: 'pattern', pattern: 'solid', fgColor: { argb: 'FFEEF3F9' } };
    });
    if (!s.chart) return;
    const points = pointsOf(s.chart);
    const column = (letter: string): string => `'${sheet.name.replaceAll("'", "''")}'!$${letter}$2:$${letter}$${points.length + 1}`;
    if (points.length > 0) charts.push({ title: s.heading, chart: s.chart, points, sheet: book.worksheets.length, column: columns.length + 1, cells: { names: column('A'), values: column('B') } });
  });
  const zip = await JSZip.loadAsync(await book.xlsx.writeBuffer());
  await chartsIntoWorkbook(zip, charts);
  return zip.generateAsync({ type: 'nodebuffer', compression: 'DEFLATE' });
}

/** A table of so few rows stays on one page. */
const TOGETHER = 12;
/** Width of the text of an A4 page between its margins, in twentieths of a point. */
const DOCX_WIDTH = 11_906 - 2 * 1_134;
/** Most characters of a cell that count for the width of its column; Chinese ones take two places. */
const WIDTH_MAX = 44;
/** Share of the width that each column of a table takes: what its longest text needs, and at least its head. */
function shares(s: Section): number[] {
  const widest = s.columns.map((c, i) => Math.max(placesOf(c) * 1.2, ...s.rows.map((r) => Math.min(WIDTH_MAX, placesOf(shown(r[i] ?? ''))))) + 4);
  const total = widest.reduce((a, b) => a + b, 0);
  return widest.map((w) => w / total);
}

export async function docxReport(p: Paper): Promise<Buffer> {
  const run = (text: string | number, bold = false, size = 24): TextRun => new TextRun({ text: String(text), bold, size, color: '000000', font: { ascii: 'Times New Roman', eastAsia: '宋体', hAnsi: 'Times New Roman' } });
  const cell = (text: string | number, bold = false, keepNext = false, right = typeof text === 'number'): TableCell => new TableCell({ children: [new Paragraph({ keepNext, ...(right ? { alignment: AlignmentType.RIGHT } : {}), children: [run(shown(text), bold, 20)] })], margins: { left: 80, right: 80 }, ...(bold ? { shading: { fill: 'EEF3F9' } } : {}) });
  // Not a text that a report holds: the parts before it are written without control characters.
  const marker = (n: number): string => `\ue000chart${n}\ue001`;
  const charts: Placed[] = [];
  const place = (s: Section): Paragraph[] => {
    const points = s.chart ? pointsOf(s.chart) : [];
    if (!s.chart || points.length === 0) return [];
    charts.push({ title: s.heading, chart: s.chart, points });
    return [new Paragraph({ keepNext: s.columns.length > 0, children: [new TextRun(marker(charts.length - 1))] })];
  };
  const children = [
    new Paragraph({ alignment: AlignmentType.CENTER, spacing: { after: 120 }, children: [run(p.title, true, 40)] }), new Paragraph({ alignment: AlignmentType.CENTER, spacing: { after: 60 }, children: [run(p.period)] }), new Paragraph({ alignment: AlignmentType.CENTER, spacing: { after: 240 }, children: [run(p.made)] }),
    new Paragraph({ heading: HeadingLevel.HEADING_2, keepNext: true, spacing: { before: 280, after: 120 }, children: [run(p.lead, true, 28)] }),
    ...p.summary.map((x) => new Paragraph({ indent: { firstLine: 480 }, spacing: { line: 400 }, children: [run(x)] })),
    ...p.sections.flatMap((s) => [
      new Paragraph({ heading: HeadingLevel.HEADING_2, keepNext: true, spacing: { before: 280, after: 120 }, children: [run(s.heading, true, 28)] }), ...place(s),
      ...(s.columns.length === 0 ? [] : [new Table({
        width: { size: DOCX_WIDTH, type: WidthType.DXA }, layout: TableLayoutType.FIXED, columnWidths: shares(s).map((w) => Math.floor(w * DOCX_WIDTH)),
        rows: [new TableRow({ tableHeader: true, cantSplit: true, children: s.columns.map((c, i) => cell(c, true, true, numeric(s.rows, i))) }), ...s.rows.map((r, n) => new TableRow({ cantSplit: true, children: r.map((c) => cell(c, false, s.rows.length <= TOGETHER && n < s.rows.length - 1)) }))],
      })]),
    ]),
  ];
  const page = new Footer({ children: [new Paragraph({ alignment: AlignmentType.CENTER, children: [new TextRun({ children: [PageNumber.CURRENT, ' / ', PageNumber.TOTAL_PAGES], size: 18 })] })] });
  const zip = await JSZip.loadAsync(await Packer.toBuffer(new Document({ title: p.title, creator: 'Shouwang', sections: [{ properties: { page: { size: { width: 11_906, height: 16_838 }, margin: { top: 1134, bottom: 1134, left: 1134, right: 1134 } } }, footers: { default: page }, children }] })));
  await chartsIntoDocument(zip, charts, marker);
  return zip.generateAsync({ type: 'nodebuffer', compression: 'DEFLATE' });
}

export function pdfReport(p: Paper): Promise<Buffer> {
  const doc = new PDFDocument({ size: 'A4', margin: 50, bufferPages: true, info: { Title: p.title } });
  doc.registerFont('text', FONTS.regular);
  doc.registerFont('bold', FONTS.bold);
  const chunks: Buffer[] = [];
  const done = new Promise<Buffer>((resolve, reject) => { doc.on('data', (c: Buffer) => chunks.push(c)); doc.on('end', () => resolve(Buffer.concat(chunks))); doc.on('error', reject); });
  const width = doc.page.width - 100;
  doc.font('bold').fontSize(20).text(p.title, { align: 'center' }).font('text').fontSize(11).text(p.period, { align: 'center' }).text(p.made, { align: 'center' }).moveDown().font('bold').fontSize(14).text(p.lead, 50).font('text').fontSize(11).moveDown(0.3);
  for (const line of p.summary) doc.text(line, { indent: 22 });
  for (const s of p.sections) {
    if (doc.y > doc.page.height - 160) doc.addPage();
    doc.moveDown().font('bold').fontSize(14).text(s.heading, 50).font('text').fontSize(9.5).moveDown(0.3);
    if (s.chart) drawChart(doc, s.chart, width);
    if (s.columns.length === 0) continue;
    const widths = shares(s).map((w) => w * width);
    const right = s.columns.map((_, i) => numeric(s.rows, i));
    const line = (cells: (string | number)[], bold: boolean): void => {
      doc.font(bold ? 'bold' : 'text');
      const height = Math.max(...cells.map((c, i) => doc.heightOfString(shown(c), { width: widths[i] - 8 }))) + 6;
      if (doc.y + height > doc.page.height - 60) {
        doc.addPage();
        // The head again: nobody counts columns back.
        if (!bold) { line(s.columns, true); doc.font('text'); }
      }
      const y = doc.y;
      let x = 50;
      cells.forEach((c, i) => { doc.lineWidth(0.5).rect(x, y, widths[i], height).fillAndStroke(bold ? '#eef3f9' : '#ffffff', '#999999').fillColor('black').text(shown(c), x + 4, y + 3, { width: widths[i] - 8, align: right[i] ? 'right' : 'left' }); x += widths[i]; });
      doc.x = 50;
      doc.y = y + height;
    };
    // A short table begins where it ends on the same page.
    if (s.rows.length <= TOGETHER && doc.y + (s.rows.length + 1) * 20 > doc.page.height - 60) doc.addPage();
    line(s.columns, true);
    for (const r of s.rows) line(r, false);
  }
  const pages = doc.bufferedPageRange();
  for (let n = 0; n < pages.count; n++) {
    doc.switchToPage(n);
    doc.page.margins.bottom = 0;
    doc.font('text').fontSize(9).text(`${n + 1} / ${pages.count}`, 50, doc.page.height - 36, { width, align: 'center', lineBreak: false });
  }
  doc.end();
  return done;
}
function drawChart(doc: PDFKit.PDFDocument, chart: NonNullable<Section['chart']>, width: number): void {
  if (chart.kind === 'bars') {
    const max = Math.max(1, ...chart.items.map((i) => i.value));
    for (const item of chart.items) {
      if (doc.y > doc.page.height - 80) doc.addPage();
      const y = doc.y;
      doc.fillColor('black').text(fitted(item.name), 46, y, { width: 116, align: 'right', lineBreak: false });
      doc.rect(168, y + 2, Math.max(1, (item.value / max) * (width - 190)), 10).fill(BLUE);
      doc.fillColor('black').text(shown(item.value), 172 + (item.value / max) * (width - 190), y, { lineBreak: false });
      doc.x = 50;
      doc.y = y + 17;
    }
    doc.moveDown(0.4);
    return;
  }
  const [from, to, max] = [chart.points[0]?.[0] ?? 0, chart.points.at(-1)?.[0] ?? 1, Math.max(1, ...chart.points.map((p) => p[1]))];
  const top = doc.y;
  chart.points.forEach(([x, y], n) => { const px = 80 + ((x - from) / Math.max(1, to - from)) * (width - 40); const py = top + 110 - (y / max) * 100; if (n === 0) doc.moveTo(px, py); else doc.lineTo(px, py); });
  doc.lineWidth(1.4).stroke(BLUE).moveTo(80, top + 110).lineTo(40 + width, top + 110).lineWidth(0.5).stroke('#888888');
  doc.fillColor('black').text(shown(max), 40, top + 4, { width: 36, align: 'right', lineBreak: false }).text('0', 40, top + 104, { width: 36, align: 'right', lineBreak: false });
  // Where the curve begins, where its middle is, where it ends.
  for (const [n, x, align] of [[0, 80, 'left'], [Math.floor((chart.labels.length - 1) / 2), 40 + width / 2 - 20, 'center'], [chart.labels.length - 1, width - 40, 'right']] as const) doc.text(chart.labels[n] ?? '', x, top + 114, { width: 80, align, lineBreak: false });
  doc.x = 50;
  doc.y = top + 136;
}
