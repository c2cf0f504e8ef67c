import { randomUUID } from 'node:crypto';
import type { ReportFormat, ReportKind, ReportScheduleForm } from '../../model/report.js';
import type { Context } from '../context.js';
import type { ReportFileRecord, ScheduleRecord } from '../store/figures.js';
import { NOTHING_TOLD } from '../store/told.js';
import { lastWhole, reportData } from './data.js';
import { paperOf } from './tables.js';
import type { Scope } from '../store/scope.js';

const DAY_MS = 86_400_000;
export const TYPES: Record<ReportFormat, string> = {
  html: 'text/html; charset=utf-8', pdf: 'application/pdf', docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};

/** One report as a file. */
export async function reportFile(context: Context, scope: Scope, kind: ReportKind, from: number, to: number, format: ReportFormat, lang: 'zh' | 'en', unit?: string): Promise<Buffer> {
  const paper = paperOf(await reportData(context, scope, kind, from, to, unit), lang, context.remediation.calendar.offset, context.remediation.issuer);
  // Loaded when first wanted: the writers would double the time to start.
  const write = await import('./files.js');
  switch (format) {
    case 'html': return write.htmlReport(paper, lang);
    case 'pdf': return write.pdfReport(paper);
    case 'docx': return write.docxReport(paper);
    case 'xlsx': return write.xlsxReport(paper);
  }
}

/** The next time a schedule runs, after `now`. */
export function nextRun(form: Pick<ReportScheduleForm, 'kind' | 'at'>, now: number, offset: number): number {
  const shift = offset * 60_000;
  for (let day = Math.floor((now + shift) / DAY_MS); ; day++) {
    const at = day * DAY_MS + form.at * 60_000 - shift;
    // 1970-01-05 was a Monday.
    if (at > now && (form.kind === 'daily' || (day + 3) % 7 === 0)) return at;
  }
}

/** Makes what is due, each report once; a failure is noted and tried at the next time. */
export async function runSchedules(context: Context): Promise<void> {
  const { store, clock, files } = context;
  for (const record of await store.figures.schedules()) {
    const form = JSON.parse(record.form_json) as ReportScheduleForm;
    const now = clock.now();
    if (!form.enabled || record.next_at > now) continue;
    const next: ScheduleRecord = { ...record, next_at: nextRun(form, now, context.remediation.calendar.offset), last_at: now, last_error: null };
    try {
      const { from, to } = lastWhole(form.kind, now, context.remediation.calendar.offset);
      const scope = context.assets().scopeOf(form.unit ?? record.unit);
      const made: { name: string; type: string; sha256: string }[] = [];
      const records: ReportFileRecord[] = [];
      for (const format of form.formats) {
        const bytes = await reportFile(context, scope, form.kind, from, to, format, form.lang ?? 'zh', form.unit);
        const sha256 = await files.put(bytes);
        records.push({ id: `rpt-${randomUUID()}`, name: form.name, kind: form.kind, format, from_at: from, to_at: to, at: now, bytes: bytes.length, sha256, unit: form.unit ?? record.unit });
        made.push({ name: `${form.kind}-${new Date(from + context.remediation.calendar.offset * 60_000).toISOString().slice(0, 10)}.${format}`, type: TYPES[format], sha256 });
      }
      const told = context.outbound?.report(record.id, form.name, { from: new Date(from).toISOString(), to: new Date(to).toISOString() }, made, form.unit ?? record.unit) ?? NOTHING_TOLD;
      // Listed, told and done at once: after a stop it is made again, whole.
      await store.together(async (s) => {
        for (const file of records) await s.figures.putFile(file);
        await s.told(told);
        await s.figures.putSchedule(next);
      });
      context.announceTold(told);
    } catch (error) {
      next.last_error = (error as Error).message.slice(0, 500);
      context.log.warn('a scheduled report could not be made', { error, schedule: record.id });
      await store.figures.putSchedule(next);
    }
  }
}
