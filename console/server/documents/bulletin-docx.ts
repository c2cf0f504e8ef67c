import { AlignmentType, BorderStyle, Document, Footer, HeightRule, Packer, PageNumber, Paragraph, TabStopType, Table, TableCell, TableLayoutType, TableRow, TextRun, VerticalAlign, WidthType, type IParagraphOptions } from 'docx';
import type { BulletinText } from './bulletin-text.js';

// Twips: 1 mm = 56.7; sizes are half points. Typefaces as GB/T 9704 names them: the office that opens the file has them.
const mm = (n: number): number => Math.round(n * 56.7);
const FANGSONG = { ascii: 'Times New Roman', eastAsia: '仿宋_GB2312', hAnsi: 'Times New Roman' };
const HEI = { ascii: 'Times New Roman', eastAsia: '黑体', hAnsi: 'Times New Roman' };
const SONG = { ascii: 'Times New Roman', eastAsia: '方正小标宋简体', hAnsi: 'Times New Roman' };
const LINE = { line: 560, lineRule: 'exact' as const };

/** Width of a text of 16 points, by what its characters usually take. */
const twips = (text: string): number => [...text].reduce((n, c) => n + (c > '\u2e80' ? 320 : 160), 0);

/** The same bulletin as a file that an office goes on editing. */
export async function bulletinDocx(b: BulletinText): Promise<Buffer> {
  const p = (text: string, options: IParagraphOptions & { font?: typeof FANGSONG; size?: number; bold?: boolean; color?: string } = {}): Paragraph => {
    const { font = FANGSONG, size = 32, bold = false, color, ...rest } = options;
    return new Paragraph({ spacing: LINE, ...rest, children: [new TextRun({ text, font, size, bold, ...(color ? { color } : {}) })] });
  };
  const indent = { firstLine: 640 };
  const children: (Paragraph | Table)[] = [
    ...b.marks.map((mark) => p(mark, { font: HEI })),
    // A long head shrinks until it fits its line of 156 mm.
    p(b.head, { font: SONG, size: Math.max(32, Math.min(72, Math.floor(442 / Math.max(1, [...b.head].reduce((n, c) => n + (c > '\u2e80' ? 1 : 0.55), 0))) * 2)), bold: true, color: 'D7000F', alignment: AlignmentType.CENTER, spacing: { after: 360 } }),
    new Paragraph({
      tabStops: [{ type: TabStopType.RIGHT, position: mm(156) }], border: { bottom: { style: BorderStyle.SINGLE, size: 14, color: 'D7000F', space: 6 } }, spacing: { after: 480 },
      ...(b.signer ? {} : { alignment: AlignmentType.CENTER }),
      // One character in from either edge; the red line runs the whole width.
      children: [new TextRun({ text: `${b.signer ? '　' : ''}${b.number}`, font: FANGSONG, size: 32 }), ...(b.signer ? [new TextRun({ text: `\t${b.words.signedBy(b.signer)}　`, font: FANGSONG, size: 32 })] : [])],
    }),
    p(b.title, { font: SONG, size: 44, alignment: AlignmentType.CENTER, spacing: { after: 320 } }),
    p(`${b.addressee}${b.words.colon}`),
  ];
  for (const { heading, lines } of b.paragraphs) {
    if (heading) children.push(p(heading, { font: HEI, indent, keepNext: true }));
    for (const line of lines) children.push(p(line, { indent }));
  }
  b.attachments.forEach((name, n) => children.push(p(`${n === 0 ? b.words.attachments : '　　　'}${n + 1}. ${name}`, { indent, ...(n === 0 ? { spacing: { ...LINE, before: 280 } } : {}) })));
  children.push(p(b.issuer, { alignment: AlignmentType.RIGHT, indent: { right: Math.max(0, Math.round(1280 + (twips(b.date) - twips(b.issuer)) / 2)) }, spacing: { ...LINE, before: 840 }, keepNext: true }), p(b.date, { alignment: AlignmentType.RIGHT, indent: { right: 1280 } }));
  if (b.contact) children.push(p(b.words.contact(b.contact), { indent }));
  // The feedback form, on a page of its own before the 版记.
  const field = (text: string, width: number, font: typeof FANGSONG, low = false): TableCell => new TableCell({
    width: { size: width, type: WidthType.DXA }, verticalAlign: low ? VerticalAlign.BOTTOM : VerticalAlign.CENTER, margins: { left: 120, right: 120, top: 40, bottom: 40 }, children: [new Paragraph({ children: [new TextRun({ text, font, size: 24 })] })],
  });
  const [label, blank] = [mm(42), mm(114)];
  children.push(p(b.form.annex, { font: HEI, pageBreakBefore: true }), p(b.form.title, { font: SONG, size: 36, alignment: AlignmentType.CENTER, spacing: { ...LINE, after: 160 } }), new Table({
    width: { size: label + blank, type: WidthType.DXA }, layout: TableLayoutType.FIXED, columnWidths: [label, blank],
    rows: b.form.rows.map((row) => new TableRow({ cantSplit: true, height: { value: row.tall ? 1320 : 520, rule: HeightRule.ATLEAST }, children: [field(row.label, label, HEI), field(row.text, blank, FANGSONG, row.tall)] })),
  }));
  const ruled = (...sides: ('top' | 'bottom')[]) => ({ border: Object.fromEntries(sides.map((side) => [side, { style: BorderStyle.SINGLE, size: 6, color: '000000', space: 4 }])) });
  if (b.copies) children.push(p(b.words.copies(b.copies), { size: 28, ...ruled('top'), spacing: { before: 560 }, indent: { left: 280, right: 280 } }));
  children.push(p(`${b.issuer}\t${b.words.printed(b.date)}`, { size: 28, ...ruled('top', 'bottom'), ...(b.copies ? {} : { spacing: { before: 560 } }), indent: { left: 280, right: 280 }, tabStops: [{ type: TabStopType.RIGHT, position: mm(151) }] }));
  const page = (alignment: (typeof AlignmentType)['LEFT' | 'RIGHT'], indent: object) => new Footer({ children: [new Paragraph({ alignment, indent, children: [new TextRun({ children: ['— ', PageNumber.CURRENT, ' —'], size: 28 })] })] });
  const document = new Document({
    evenAndOddHeaderAndFooters: true,
    creator: b.issuer, title: b.title, subject: b.number,
    sections: [{
      properties: { page: { size: { width: mm(210), height: mm(297) }, margin: { top: mm(37), left: mm(28), right: mm(26), bottom: mm(35) } } },
      footers: { default: page(AlignmentType.RIGHT, { right: 280 }), even: page(AlignmentType.LEFT, { left: 280 }) },
      children: [...(b.draft ? [p(b.words.draft, { alignment: AlignmentType.RIGHT, color: '999999' })] : []), ...children],
    }],
  });
  return Packer.toBuffer(document);
}
