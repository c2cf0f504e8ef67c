import { gunzipSync, inflateRawSync } from 'node:zlib';
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import t from 'tap';
import { WebSocket } from 'ws';
import type { IncidentRow, LiveFrame, NoticeRow, Page, RemediationSettingsView, SessionView, TicketDetail } from '../model/api.js';
import { afterWorking } from '../model/calendar.js';
import { watchDeadlines } from './deadline-watch.js';
import { noticeRows } from './notify.js';
import { EVERYTHING } from './store/scope.js';
import { alertOf, startConsole } from './harness.js';

void gunzipSync;
/** The text of one entry of a ZIP file, found through its central directory. */
function entry(zip: Buffer, name: string): string {
  let at = zip.readUInt32LE(zip.length - 22 + 16);
  for (let n = zip.readUInt16LE(zip.length - 22 + 10); n > 0; n--) {
    const [length, extra, comment] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)];
    if (zip.toString('utf8', at + 46, at + 46 + length) === name) {
      const local = zip.readUInt32LE(at + 42);
      const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const data = zip.subarray(from, from + zip.readUInt32LE(at + 20));
      return (zip.readUInt16LE(at + 10) === 0 ? data : inflateRawSync(data)).toString();
    }
    at += 46 + length + extra + comment;
  }
  throw new Error(`no ${name}`);
}

t.test('numbers, deadlines, reminders, supervision, notices and the document', async (t) => {
  const h = await startConsole({ holidays: 'deploy/config/holidays.yaml' });
  t.teardown(() => h.stop());
  await h.useRegistry();
  const ana = await h.person('ana', ['analyst']);
  const ben = await h.person('ben', ['operator']);
  const wu = await h.person('wu', ['unit_handler'], 'wuhan');
  const yi = await h.person('yi', ['unit_handler'], 'yichang');
  const boss = await h.person('boss', ['leader']);
  const sec = await h.person('sec', ['security_admin']);
  const held = (await ben.call<RemediationSettingsView>('GET', '/api/settings/remediation')).body;
  const settings = { ...held.settings, number: '鄂网安通〔{year}〕{seq:3}号', head: '湖北省政务网络安全监测通报', issuer: '湖北省政务网络安全监测中心', escalation: { remindAt: 50, superviseAfter: 10 } };
  t.equal((await ben.call('PUT', '/api/settings/remediation', { version: 0, settings })).status, 403);
  t.equal((await sec.call('PUT', '/api/settings/remediation', { version: 0, settings: { ...settings, deadlines: { ...settings.deadlines, 3: { acknowledge: 9, contain: 5, rectify: 1 } } } })).status, 400);
  t.match((await sec.call<RemediationSettingsView>('PUT', '/api/settings/remediation', { version: 0, settings })).body, { version: 1, by: { account: 'sec' } });
  t.equal((await sec.call('PUT', '/api/settings/remediation', { version: 0, settings })).status, 409, 'of two at once one wins');
  t.ok(held.settings.calendar.holidays.includes('2019-10-07') && held.settings.calendar.workdays.includes('2019-10-12'), 'days off from the file');
  // A national day's week: work begins again on Tuesday the eighth, and the Saturday after it is worked.
  const calendar = { ...held.settings.calendar, from: 540, to: 1020 };
  t.equal(afterWorking(Date.parse('2019-09-30T16:00:00+08:00'), 2 * 3_600_000, calendar), Date.parse('2019-10-08T10:00:00+08:00'));
  t.equal(afterWorking(Date.parse('2019-10-11T16:00:00+08:00'), 2 * 3_600_000, calendar), Date.parse('2019-10-12T10:00:00+08:00'));

  await h.send(alertOf({ id: 'm-1', verdict: 'succeeded' }));
  await h.until(() => h.console.context.counters().alerts === 1, 'the alert');
  const incident = (await ana.call<Page<IncidentRow>>('GET', '/api/incidents')).body.items[0];
  const draft = (await ana.call<TicketDetail>('POST', '/api/tickets', { incident: incident.id, level: 3, copies: '省委网信办，省公安厅', contact: '张工 027-12345678' })).body;
  let version = draft.version;
  const go = async (who: typeof ana, action: string, more: object = {}): Promise<TicketDetail> => {
    const r = await who.call<TicketDetail>('POST', `/api/tickets/${draft.id}/actions`, { version, action, ...more });
    t.equal(r.status, 200, action);
    version = r.body.version;
    return r.body;
  };
  const socket = new WebSocket(`${h.console.address.replace('http', 'ws')}/api/live`, { headers: { cookie: wu.cookie } });
  const frames: LiveFrame[] = [];
  socket.on('message', (data) => frames.push(JSON.parse(String(data)) as LiveFrame));
  await once(socket, 'open');
  await go(ana, 'submit');
  const issued = await go(ben, 'approve');
  t.match(issued.number, /^鄂网安通〔\d{4}〕001号$/);
  t.match(issued.deadlines, [{ clock: 'acknowledge', overdue: false }, { clock: 'contain' }, { clock: 'rectify' }]);
  await h.until(() => frames.some((f) => f.kind === 'batch' && f.items.some((i) => i.kind === 'notice' && i.notice.kind === 'issued')), 'the push');
  socket.close();
  const notices = async (who: typeof ana) => (await who.call<Page<NoticeRow>>('GET', '/api/notices?unread=true')).body.items.map((n) => n.kind);
  t.same(await notices(wu), ['issued']);
  t.same(await notices(yi), [], 'another unit hears nothing');

  h.advance(2.5 * 3_600_000);
  t.equal(await watchDeadlines(h.console.context), 1, 'past half of four hours: a reminder');
  t.equal(await watchDeadlines(h.console.context), 0, 'once');
  h.advance(2 * 3_600_000);
  t.equal(await watchDeadlines(h.console.context), 1, 'overdue');
  t.equal(await watchDeadlines(h.console.context), 0);
  const wu2 = await h.client('wu');
  const boss2 = await h.client('boss');
  void boss;
  t.same((await notices(wu2)).sort(), ['due_soon', 'issued', 'overdue']);
  t.same(await notices(boss2), ['overdue', 'review']);
  const detail = (await wu2.call<TicketDetail>('GET', `/api/tickets/${draft.id}?lang=en`)).body;
  t.match(detail, { supervised: true, reminded: 1, due: { overdue: true }, proofs: { shut: false, quiet: false } });
  t.ok(detail.escalatedAt);
  t.match(detail.history.find((e) => e.action === 'overdue')?.text, /Overdue \(signing/);
  const first = (await wu2.call<Page<NoticeRow>>('GET', '/api/notices')).body.items[0];
  // As they were kept before titles had both languages.
  const [asKept] = (await h.console.context.store.notices.list('u-wu', {})).rows;
  const { zh, en } = JSON.parse(asKept.title) as { zh: string; en: string };
  const earlier = [{ ...asKept, id: 'ntc-old1', title: zh, kind: 'due_soon', text: '签收' }, { ...asKept, id: 'ntc-old2', title: '某人改过的标题' }];
  const old = new Map((await noticeRows(h.console.context, EVERYTHING, earlier)).map((n) => [n.id, n]));
  t.match(old.get('ntc-old1'), { titles: { zh, en }, texts: { zh: '签收', en: 'signing for it' } }, 'an earlier notice is told in both languages, too');
  t.match(old.get('ntc-old2'), { title: '某人改过的标题', titles: undefined }, "what is a person's stays as it was written");
  t.equal((await wu2.call('POST', '/api/notices/read', { ids: [first.id] })).status, 204);
  t.equal((await notices(wu2)).length, 2);

  t.equal((await wu2.call<SessionView>('GET', '/api/session')).body.unreadNotices, 2);
  version = detail.version;
  const wu3 = wu2;
  await go(wu3, 'acknowledge', { signer: '吴' });
  const appealed = await go(wu3, 'appeal', { reason: '内部压测' });
  t.match(appealed.appeal, { reason: '内部压测', by: { account: 'wu' } });
  const ana2 = await h.client('ana');
  t.match((await go(ana2, 'refuse_appeal', { reason: '来源不在白名单' })).appeal, { decision: 'refused', answer: '来源不在白名单' });

  const pdf = await wu3.call('GET', `/api/tickets/${draft.id}/document?format=pdf`);
  t.equal(pdf.raw.subarray(0, 5).toString(), '%PDF-');
  t.match(pdf.headers['content-disposition'], /filename\*=UTF-8''%E9%84%82/);
  t.ok(pdf.raw.includes('FontFile2') && pdf.raw.length < 1_000_000, 'the typeface is embedded, and only what is used of it');
  if (process.env.SW_KEEP) writeFileSync(process.env.SW_KEEP, pdf.raw);
  const docx = await wu3.call('GET', `/api/tickets/${draft.id}/document?format=docx`);
  if (process.env.SW_KEEP) writeFileSync(`${process.env.SW_KEEP}.docx`, docx.raw);
  const xml = entry(docx.raw, 'word/document.xml').replace(/<[^>]+>/g, '');
  for (const part of ['湖北省政务网络安全监测通报', issued.number as string, '签发人：ben', '武汉市：', '一、事件情况', '处置要求', '反馈时限', '湖北省政务网络安全监测中心', '抄送：省委网信办']) t.ok(xml.includes(part), part);
  const english = await wu3.call('GET', `/api/tickets/${draft.id}/document?format=docx&lang=en`);
  const text = entry(english.raw, 'word/document.xml').replace(/<[^>]+>/g, '');
  for (const part of ['Signed: ben', 'Wuhan:', '1. What happened', 'By when', 'Copies: ', '(Contact: ', 'Bulletin: sql injection against Wuhan office', 'Monitoring saw 203.0.113.9']) t.ok(text.includes(part), part);
  t.notMatch(text, /签发人|事件情况|年\d+月|监测发现|整改/, 'what nobody has edited is in the language of the reader');
  t.equal((await wu3.call('GET', `/api/tickets/${draft.id}/document?format=pdf&lang=en`)).raw.subarray(0, 5).toString(), '%PDF-');
  t.equal((await yi.call('GET', `/api/tickets/${draft.id}/document?format=pdf`)).status >= 400, true);
});
