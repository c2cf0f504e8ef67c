import type JSZip from 'jszip';
import type { Section } from './tables.js';

/**
 * Charts as office programs draw and edit them (DrawingML, ECMA-376 part 1, section 21.2): the same part stands in a
 * document and in a workbook. Values are in the part itself, so that a chart needs no program to be seen.
 */
export type Chart = NonNullable<Section['chart']>;
/** Where in a workbook the values stand, e.g. `'1 趋势'!$A$2:$A$25`. */
export interface CellRanges { names: string; values: string }

const C = 'http://schemas.openxmlformats.org/drawingml/2006/chart';
const A = 'http://schemas.openxmlformats.org/drawingml/2006/main';
const R = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006/relationships';
const CHART_TYPE = 'application/vnd.openxmlformats-officedocument.drawingml.chart+xml';
const BLUE = '1D5FA8';
// Marks of time below a curve: as many as stand beside one another.
const LABELS = 6;
// Text that XML 1.0 can hold; the rest was taken out when the report was written.
export const xml = (text: string | number): string => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '');

/** Names and values of a chart's points, in their order. */
export const pointsOf = (chart: Chart): { name: string; value: number }[] => (chart.kind === 'bars' ? chart.items : chart.points.map(([, value], n) => ({ name: chart.labels[n], value })));

const points = (list: readonly (string | number)[]): string => `<c:ptCount val="${list.length}"/>${list.map((v, i) => `<c:pt idx="${i}"><c:v>${xml(v)}</c:v></c:pt>`).join('')}`;

function chartPart(chart: Chart, list: { name: string; value: number }[], title: string, cells?: CellRanges): string {
  const names = points(list.map((p) => p.name));
  const values = `<c:formatCode>General</c:formatCode>${points(list.map((p) => p.value))}`;
  const series = `<c:ser><c:idx val="0"/><c:order val="0"/><c:tx><c:v>${xml(title)}</c:v></c:tx><c:spPr>${chart.kind === 'bars' ? `<a:solidFill><a:srgbClr val="${BLUE}"/></a:solidFill>` : `<a:ln w="22225"><a:solidFill><a:srgbClr val="${BLUE}"/></a:solidFill></a:ln>`}</c:spPr>${chart.kind === 'bars' ? '<c:invertIfNegative val="0"/>' : '<c:marker><c:symbol val="none"/></c:marker>'}
    ${chart.kind === 'bars' ? '<c:dLbls><c:numFmt formatCode="#,##0" sourceLinked="0"/><c:showLegendKey val="0"/><c:showVal val="1"/><c:showCatName val="0"/><c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>' : ''}
    <c:cat>${cells ? `<c:strRef><c:f>${xml(cells.names)}</c:f><c:strCache>${names}</c:strCache></c:strRef>` : `<c:strLit>${names}</c:strLit>`}</c:cat>
    <c:val>${cells ? `<c:numRef><c:f>${xml(cells.values)}</c:f><c:numCache>${values}</c:numCache></c:numRef>` : `<c:numLit>${values}</c:numLit>`}</c:val>${chart.kind === 'bars' ? '' : '<c:smooth val="0"/>'}</c:ser>`;
  const plot = chart.kind === 'bars'
    ? `<c:barChart><c:barDir val="bar"/><c:grouping val="clustered"/><c:varyColors val="0"/>${series}<c:gapWidth val="60"/><c:axId val="1"/><c:axId val="2"/></c:barChart>`
    : `<c:lineChart><c:grouping val="standard"/><c:varyColors val="0"/>${series}<c:marker val="1"/><c:axId val="1"/><c:axId val="2"/></c:lineChart>`;
  const bars = chart.kind === 'bars';
  // Counts are whole: no half marks on a short axis.
  const few = list.every((p) => p.value <= 8);
  const grey = '<c:spPr><a:ln w="6350"><a:solidFill><a:srgbClr val="BFBFBF"/></a:solidFill></a:ln></c:spPr>';
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<c:chartSpace xmlns:c="${C}" xmlns:a="${A}" xmlns:r="${R}"><c:roundedCorners val="0"/><c:chart><c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1200" b="0"/></a:pPr><a:r><a:rPr lang="zh-CN" sz="1200" b="0"/><a:t>${xml(title)}</a:t></a:r></a:p></c:rich></c:tx><c:overlay val="0"/></c:title><c:autoTitleDeleted val="0"/><c:plotArea><c:layout/>${plot}
<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="${bars ? 'maxMin' : 'minMax'}"/></c:scaling><c:delete val="0"/><c:axPos val="${bars ? 'l' : 'b'}"/><c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>${grey}${bars ? '' : '<c:txPr><a:bodyPr rot="-2700000" vert="horz"/><a:p><a:pPr><a:defRPr sz="800"/></a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>'}<c:crossAx val="2"/><c:crosses val="autoZero"/><c:auto val="0"/><c:lblAlgn val="ctr"/><c:lblOffset val="100"/>${bars ? '' : `<c:tickLblSkip val="${Math.max(1, Math.ceil(list.length / LABELS))}"/><c:tickMarkSkip val="${Math.max(1, Math.ceil(list.length / LABELS))}"/>`}<c:noMultiLvlLbl val="1"/></c:catAx>
<c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/><c:min val="0"/></c:scaling><c:delete val="0"/><c:axPos val="${bars ? 't' : 'l'}"/><c:majorGridlines>${grey}</c:majorGridlines><c:numFmt formatCode="#,##0" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>${grey}<c:crossAx val="1"/><c:crosses val="${bars ? 'max' : 'autoZero'}"/><c:crossBetween val="between"/>${few ? '<c:majorUnit val="1"/>' : ''}</c:valAx></c:plotArea><c:plotVisOnly val="1"/><c:dispBlanksAs val="zero"/></c:chart></c:chartSpace>`;
}

const graphic = (id: string): string => `<a:graphic xmlns:a="${A}"><a:graphicData uri="${C}"><c:chart xmlns:c="${C}" xmlns:r="${R}" r:id="${id}"/></a:graphicData></a:graphic>`;
const text = async (zip: JSZip, name: string): Promise<string> => (await zip.file(name)?.async('string')) ?? '';
async function declare(zip: JSZip, parts: { name: string; type: string }[]): Promise<void> {
  const types = await text(zip, '[Content_Types].xml');
  zip.file('[Content_Types].xml', types.replace('</Types>', `${parts.map((p) => `<Override PartName="/${p.name}" ContentType="${p.type}"/>`).join('')}</Types>`));
}
/** Adds a relationship to the part at `of`. @returns its id */
async function relate(zip: JSZip, of: string, type: string, target: string): Promise<string> {
  const name = of.replace(/([^/]+)$/, '_rels/$1.rels');
  const held = await text(zip, name) || `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="${PACKAGE}"></Relationships>`;
  const id = `chart${held.split('<Relationship ').length}`;
  zip.file(name, held.replace(/<Relationships([^>]*)\/>/, '<Relationships$1></Relationships>').replace('</Relationships>', `<Relationship Id="${id}" Type="${R}/${type}" Target="${target}"/></Relationships>`));
  return id;
}

export interface Placed { title: string; chart: Chart; points: { name: string; value: number }[] }
/** How tall a chart is, in EMU, at 160 mm width: bars need their lines. */
const height = (p: Placed): number => (p.chart.kind === 'bars' ? 1_100_000 + p.points.length * 260_000 : 2_700_000);
const WIDTH = 5_700_000;

/** Puts charts where the paragraph's whole text is `marker(n)`. */
export async function chartsIntoDocument(zip: JSZip, charts: readonly Placed[], marker: (n: number) => string): Promise<void> {
  let body = await text(zip, 'word/document.xml');
  for (const [n, p] of charts.entries()) {
    const name = `word/charts/chart${n + 1}.xml`;
    zip.file(name, chartPart(p.chart, p.points, p.title));
    const id = await relate(zip, 'word/document.xml', 'chart', `charts/chart${n + 1}.xml`);
    const drawing = `<w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" distT="0" distB="0" distL="0" distR="0"><wp:extent cx="${WIDTH}" cy="${height(p)}"/><wp:docPr id="${9000 + n}" name="chart${n + 1}" descr="${xml(p.title)}"/><wp:cNvGraphicFramePr/>${graphic(id)}</wp:inline></w:drawing>`;
    body = body.replace(new RegExp(`<w:t(?: [^>]*)?>${marker(n)}</w:t>`), () => drawing);
  }
  zip.file('word/document.xml', body);
  await declare(zip, charts.map((_, n) => ({ name: `word/charts/chart${n + 1}.xml`, type: CHART_TYPE })));
}

/** Puts a chart beside the values of a sheet; `sheet` counts from 1, `column` is where the chart begins. */
export async function chartsIntoWorkbook(zip: JSZip, charts: readonly (Placed & { sheet: number; column: number; cells: CellRanges })[]): Promise<void> {
  const parts: { name: string; type: string }[] = [];
  for (const [i, p] of charts.entries()) {
    const n = i + 1;
    zip.file(`xl/charts/chart${n}.xml`, chartPart(p.chart, p.points, p.title, p.cells));
    const drawing = `xl/drawings/drawing${n}.xml`;
    const id = await relate(zip, drawing, 'chart', `../charts/chart${n}.xml`);
    zip.file(drawing, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" xmlns:a="${A}"><xdr:oneCellAnchor><xdr:from><xdr:col>${p.column}</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>2</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:ext cx="${WIDTH}" cy="${height(p)}"/><xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="2" name="chart${n}" descr="${xml(p.title)}"/><xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>${graphic(id)}</xdr:graphicFrame><xdr:clientData/></xdr:oneCellAnchor></xdr:wsDr>`);
    const sheet = `xl/worksheets/sheet${p.sheet}.xml`;
    const on = await relate(zip, sheet, 'drawing', `../drawings/drawing${n}.xml`);
    zip.file(sheet, (await text(zip, sheet)).replace('</worksheet>', `<drawing xmlns:r="${R}" r:id="${on}"/></worksheet>`));
    parts.push({ name: `xl/charts/chart${n}.xml`, type: CHART_TYPE }, { name: drawing, type: 'application/vnd.openxmlformats-officedocument.drawing+xml' });
  }
  await declare(zip, parts);
}
