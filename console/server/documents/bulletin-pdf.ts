import PDFDocument from 'pdfkit';
import type { BulletinText } from './bulletin-text.js';
import { FONTS } from './fonts.js';

// Millimetres of GB/T 9704: paper A4, top 37, left 28, right 26, bottom 35; sizes in points: title 22 (2号), text 16 (3号), notes 14 (4号).
const MM = 72 / 25.4;
const MARGINS = { top: 37 * MM, left: 28 * MM, right: 26 * MM, bottom: 35 * MM };
const [HEAD, TITLE, TEXT, NOTE] = [36, 22, 16, 14];
const RED = '#d7000f';
const LINE = 28;

/** The bulletin as an official document: red head, number, signer, red line, title, addressee, text, attachments, issuer and date. */
export function bulletinPdf(b: BulletinText): Promise<Buffer> {
  const doc = new PDFDocument({ size: 'A4', margins: MARGINS, bufferPages: true, info: { Title: b.title, Author: b.issuer, Subject: b.number } });
  doc.registerFont('text', FONTS.regular);
  doc.registerFont('bold', FONTS.bold);
  const chunks: Buffer[] = [];
  const done = new Promise<Buffer>((resolve, reject) => {
    doc.on('data', (chunk: Buffer) => chunks.push(chunk));
    doc.on('end', () => resolve(Buffer.concat(chunks)));
    doc.on('error', reject);
  });
  const left = MARGINS.left;
  const width = doc.page.width - MARGINS.left - MARGINS.right;
  const indent = TEXT * 2;
  const gap = (size: number): number => Math.max(0, LINE - size * 1.45);

  // 密级和紧急程度: top left, in the first lines of the type area, above the head.
  doc.font('bold').fontSize(TEXT).fillColor('black');
  b.marks.forEach((mark, n) => doc.text(mark, left, MARGINS.top - LINE * (b.marks.length - n), { lineBreak: false }));
  doc.font('bold').fontSize(HEAD).fillColor(RED);
  // A long head shrinks until it fits its line.
  for (let size = HEAD; size > 16 && doc.widthOfString(b.head) > width; size--) doc.fontSize(size - 1);
  doc.text(b.head, left, MARGINS.top, { width, align: 'center' });
  doc.font('text').fontSize(TEXT).fillColor('black').moveDown(0.8);
  const y = doc.y;
  if (b.signer) {
    doc.text(b.number, left + TEXT, y, { width: width * 0.6 - TEXT, align: 'left', lineBreak: true });
    const below = doc.y;
    doc.text(b.words.signedBy(b.signer), left + width * 0.6, y, { width: width * 0.4 - TEXT, align: 'right' });
    doc.y = Math.max(below, doc.y);
  } else doc.text(b.number, left, y, { width, align: 'center' });
  doc.moveTo(left, doc.y + 6).lineTo(left + width, doc.y + 6).lineWidth(1.6).strokeColor(RED).stroke();
  doc.y += 34;
  doc.font('bold').fontSize(TITLE).text(b.title, left, doc.y, { width, align: 'center', lineGap: 6 });
  doc.font('text').fontSize(TEXT);
  doc.y += 16;
  doc.text(`${b.addressee}${b.words.colon}`, left, doc.y, { width, lineGap: gap(TEXT) });
  for (const { heading, lines } of b.paragraphs) {
    // A heading does not stand alone at the foot of a page.
    if (doc.y + LINE * 2 > doc.page.height - MARGINS.bottom) doc.addPage();
    doc.font('bold').text(heading ?? '', left, doc.y, { width, indent, lineGap: gap(TEXT) }).font('text');
    for (const line of lines) doc.text(line, left, doc.y, { width, indent, lineGap: gap(TEXT) });
  }
  if (b.attachments.length > 0) {
    doc.y += LINE / 2;
    b.attachments.forEach((name, n) => doc.text(`${n === 0 ? b.words.attachments : '　　　'}${n + 1}. ${name}`, left, doc.y, { width, indent, lineGap: gap(TEXT) }));
  }
  // Issuer and date stay together on one page.
  if (doc.y + LINE * 4 > doc.page.height - MARGINS.bottom) doc.addPage();
  doc.y += LINE * 1.5;
  // The date ends four characters from the edge, the issuer stands over its middle; the seal goes over both.
  const aside = Math.max(0, TEXT * 4 + (doc.widthOfString(b.date) - doc.widthOfString(b.issuer)) / 2);
  doc.text(b.issuer, left, doc.y, { width: width - aside, align: 'right', lineGap: gap(TEXT) });
  doc.text(b.date, left, doc.y, { width: width - TEXT * 4, align: 'right', lineGap: gap(TEXT) });
  if (b.contact) doc.text(b.words.contact(b.contact), left, doc.y + LINE / 2, { width, indent, lineGap: gap(TEXT) });
  // The feedback form, on a page of its own before the 版记.
  doc.addPage();
  doc.font('bold').fontSize(TEXT).fillColor('black').text(b.form.annex, left, MARGINS.top).fontSize(TITLE - 4).text(b.form.title, left, doc.y + 8, { width, align: 'center' });
  doc.y += 12;
  for (const row of b.form.rows) {
    const label = width * 0.28;
    doc.fontSize(NOTE - 2);
    const height = Math.max(row.tall ? 66 : 26, doc.font('text').heightOfString(row.text, { width: width - label - 16 }) + 10, doc.font('bold').heightOfString(row.label, { width: label - 16 }) + 10);
    const at = doc.y;
    doc.lineWidth(0.7).strokeColor('black').rect(left, at, label, height).stroke().rect(left + label, at, width - label, height).stroke();
    doc.font('bold').text(row.label, left + 8, at + 5, { width: label - 16 });
    // Where a seal goes the line stands at the foot of its field.
    doc.font('text').text(row.text, left + label + 8, row.tall && row.text !== '' ? at + height - 22 : at + 5, { width: width - label - 16 });
    doc.y = at + height;
  }
  doc.font('text');
  // 版记: at the foot of the last page, between lines.
  const pad = NOTE / 2;
  doc.fontSize(NOTE);
  const inner = width - NOTE * 2;
  const copies = b.copies ? doc.heightOfString(b.words.copies(b.copies), { width: inner }) + pad * 2 : 0;
  const printed = NOTE * 1.45 + pad * 2;
  if (doc.y + copies + printed + pad > doc.page.height - MARGINS.bottom) doc.addPage();
  let foot = doc.page.height - MARGINS.bottom - copies - printed;
  const rule = (at: number, thickness: number): void => { doc.moveTo(left, at).lineTo(left + width, at).lineWidth(thickness).strokeColor('black').stroke(); };
  rule(foot, 1);
  if (b.copies) {
    doc.text(b.words.copies(b.copies), left + NOTE, foot + pad, { width: inner });
    foot += copies;
    rule(foot, 0.7);
  }
  const when = b.words.printed(b.date);
  doc.text(b.issuer, left + NOTE, foot + pad, { width: inner - doc.widthOfString(when) - NOTE, lineBreak: false, ellipsis: true });
  doc.text(when, left + NOTE, foot + pad, { width: inner, align: 'right', lineBreak: false });
  rule(foot + printed, 1);
  const pages = doc.bufferedPageRange();
  for (let n = 0; n < pages.count; n++) {
    doc.switchToPage(n);
    doc.page.margins.bottom = 0;
    // One character in from the outer edge: right on odd pages, left on even ones.
    doc.font('text').fontSize(NOTE).fillColor('black').text(`— ${n + 1} —`, left + NOTE, doc.page.height - MARGINS.bottom + 24, { width: width - NOTE * 2, align: n % 2 === 0 ? 'right' : 'left', lineBreak: false });
    if (b.draft) doc.save().rotate(-35, { origin: [doc.page.width / 2, doc.page.height / 2] }).font('bold').fontSize(90).fillColor('#999999').opacity(0.25).text(b.words.draft, 0, doc.page.height / 2 - 60, { width: doc.page.width, align: 'center', lineBreak: false }).restore();
  }
  doc.end();
  return done;
}
