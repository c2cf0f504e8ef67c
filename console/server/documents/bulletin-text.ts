import type { UserName } from '../../model/api.js';
import { LEVELS, type Level } from '../../model/deadline.js';
import type { RemediationSettings } from '../../model/remediation.js';
import type { Assets } from '../assets.js';
import type { IncidentRecord } from '../store/incidents.js';
import type { AttachmentRecord, TicketRecord } from '../store/tickets.js';
import { documentText } from './fonts.js';

/** A bulletin as the parts of an official document; both file formats are made of it. */
export interface BulletinText {
  head: string;
  number: string;
  /** 签发人 */
  signer: string;
  title: string;
  addressee: string;
  paragraphs: { heading?: string; lines: string[] }[];
  attachments: string[];
  issuer: string;
  /** 密级, as the settings have it, and 紧急程度 by the level; top left. */
  marks: string[];
  /** 整改反馈单, an annex of its own page: label, and what stands in its field already. */
  form: { annex: string; title: string; rows: { label: string; text: string; tall?: boolean }[] };
  /** 成文日期, e.g. 2019年6月10日 */
  date: string;
  copies?: string;
  contact?: string;
  draft: boolean;
  /** What stands around the parts, in the language of the document. */
  words: { form: string; colon: string; signedBy: (name: string) => string; attachments: string; copies: (to: string) => string; contact: (text: string) => string; printed: (date: string) => string; draft: string };
}

const WORDS: Record<'zh' | 'en', BulletinText['words']> = {
  zh: { form: '网络安全事件整改反馈单', colon: '：', signedBy: (n) => `签发人：${n}`, attachments: '附件：', copies: (to) => `抄送：${to.replace(/[。．.]?$/, '。')}`, contact: (c) => `（联系方式：${c}）`, printed: (d) => `${d}印发`, draft: '草　稿' },
  en: { form: 'Feedback form', colon: ':', signedBy: (n) => `Signed: ${n}`, attachments: 'Annex: ', copies: (to) => `Copies: ${to}`, contact: (c) => `(Contact: ${c})`, printed: (d) => `Issued ${d}`, draft: 'DRAFT' },
};

const local = (ms: number, offset: number): Date => new Date(ms + offset * 60_000);
const date = (ms: number, offset: number): string => { const d = local(ms, offset); return `${d.getUTCFullYear()}年${d.getUTCMonth() + 1}月${d.getUTCDate()}日`; };
const moment = (ms: number, offset: number): string => { const d = local(ms, offset); return `${date(ms, offset)}${d.getUTCHours()}时${String(d.getUTCMinutes()).padStart(2, '0')}分`; };
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const englishDate = (ms: number, offset: number): string => { const d = local(ms, offset); return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}`; };
const englishMoment = (ms: number, offset: number): string => `${englishDate(ms, offset)}, ${local(ms, offset).toISOString().slice(11, 16)}`;
/** 紧急程度 of GB/T 9704; levels Ⅲ and Ⅳ have none. */
const URGENCY: Partial<Record<Level, { zh: string; en: string }>> = { 1: { zh: '特急', en: 'Most urgent' }, 2: { zh: '加急', en: 'Urgent' } };
function feedbackForm(zh: boolean, number: string, unit: string): BulletinText['form'] {
  const rows: [string, string, string, string, boolean?][] = [
    ['通报编号', 'Bulletin', number, number], ['单位名称', 'Unit', unit, unit],
    ['是否属实', 'Genuine', '□ 属实　　□ 不属实（说明理由并附佐证）', '[ ] yes    [ ] no (give the reason and proof)'],
    ['原因分析', 'Cause', '', '', true], ['处置和整改措施', 'What was done', '', '', true], ['残余风险', 'What risk is left', '', ''], ['整改完成时间', 'Completed on', '', ''], ['佐证材料', 'Proof attached', '', ''],
    ['责任人及电话', 'Responsible, phone', '', ''], ['单位负责人签字', 'Signed for the unit', '（盖章）　　　　　　年　　月　　日', '(seal)            date', true],
    ['核查方法和结果', 'Verified how, result', '（由监测单位填写）', '(by the monitoring centre)'], ['核查人及时间', 'Verified by, when', '（由监测单位填写）', '(by the monitoring centre)'],
  ];
  return { annex: zh ? '附件1' : 'Annex 1', title: zh ? WORDS.zh.form : WORDS.en.form, rows: rows.map(([a, b, c, d, tall]) => ({ label: zh ? a : b, text: zh ? c : d, ...(tall ? { tall } : {}) })) };
}
const ORDINALS = ['一', '二', '三', '四', '五', '六'];

/**
 * The bulletin as a document. What a person wrote (title, facts, demands) stands as it was written; everything around it
 * is in the language asked for.
 */
export function bulletinText(
  t: TicketRecord, i: IncidentRecord, settings: RemediationSettings, assets: Assets, people: ReadonlyMap<string, UserName>, attachments: readonly AttachmentRecord[], lang: 'zh' | 'en' = 'zh',
): BulletinText {
  const { offset } = settings.calendar;
  const zh = lang === 'zh';
  const day = zh ? date : englishDate;
  const at = zh ? moment : englishMoment;
  const system = assets.registry.systems.find((s) => s.id === i.system);
  const level = t.level as Level;
  const lines = (text: string): string[] => documentText(text).split('\n').map((l) => l.trim()).filter(Boolean);
  const place = [i.victim_ip, ...(system?.domains ?? [])].join(zh ? '，' : ', ');
  const parts: { heading: string; lines: string[] }[] = [
    {
      heading: zh ? '事件情况' : 'What happened',
      lines: [
        ...lines(t.summary),
        zh ? `涉及系统：${system ? `${system.zh}（${place}）` : i.victim_ip}${system?.level ? `，等级保护第${['', '一', '二', '三', '四', '五'][system.level]}级` : ''}${system?.filing ? `，备案号 ${system.filing}` : ''}。`
          : `System: ${system ? `${system.en} (${place})` : i.victim_ip}${system?.level ? `, classified protection level ${system.level}` : ''}${system?.filing ? `, filed as ${system.filing}` : ''}.`,
        zh ? `攻击来源：${i.attacker_ip}。事件级别：${LEVELS[level].roman} 级（${LEVELS[level].zh}）。` : `Source: ${i.attacker_ip}. Level: ${LEVELS[level].roman} (${LEVELS[level].en}).`,
        zh ? `首次发现：${at(i.first_seen, offset)}；最近发生：${at(i.last_seen, offset)}。` : `First seen: ${at(i.first_seen, offset)}; last seen: ${at(i.last_seen, offset)}.`,
      ].map(documentText),
    },
    { heading: zh ? '影响研判' : 'What it means', lines: lines(t.impact) },
    { heading: zh ? '处置要求' : 'What is demanded', lines: lines(t.demands) },
  ];
  if (t.due_acknowledge !== null && t.due_contain !== null && t.due_rectify !== null) {
    const [sign, contain, fix] = [t.due_acknowledge, t.due_contain, t.due_rectify].map((ms) => at(ms, offset));
    parts.push({
      heading: zh ? '反馈时限' : 'By when',
      lines: [zh ? `请于${sign}前签收，${contain}前完成应急处置，${fix}前完成整改并反馈结果。` : `Sign for this bulletin by ${sign}, contain the incident by ${contain}, and fix it and report by ${fix}.`],
    });
  }
  const number = documentText(t.number ?? (zh ? '（未编号）' : '(no number yet)'));
  const addressee = documentText(t.addressee ?? assets.unit(t.unit)?.[lang] ?? t.unit);
  const present = parts.filter((p) => p.lines.length > 0);
  if (zh) present.at(-1)?.lines.push('特此通报。');
  return {
    head: documentText(settings.head), number, signer: documentText(t.approver === null ? '' : people.get(t.approver)?.name ?? t.approver),
    title: documentText(t.title), addressee,
    marks: [...(settings.secrecy ? [documentText(settings.secrecy)] : []), ...(URGENCY[level] ? [URGENCY[level][lang]] : [])], form: feedbackForm(zh, number, addressee),
    paragraphs: present.map((p, n) => ({ heading: zh ? `${ORDINALS[n]}、${p.heading}` : `${n + 1}. ${p.heading}`, lines: p.lines })),
    attachments: [WORDS[lang].form, ...attachments.filter((a) => t.issued === null || a.at <= t.issued).map((a) => documentText(a.name))], issuer: documentText(settings.issuer),
    date: day(t.issued ?? t.created, offset), ...(t.copies ? { copies: documentText(t.copies) } : {}), ...(settings.contact ?? t.contact ? { contact: documentText([settings.contact, t.contact].filter(Boolean).join(zh ? '；' : '; ')) } : {}), draft: t.issued === null, words: WORDS[lang],
  };
}
