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
  /** 成文日期, e.g. 2019年6月10日 */
  date: string;
  copies?: string;
  contact?: string;
  draft: boolean;
}

const local = (ms: number, offset: number): Date => new Date(ms + offset * 60_000);
const date = (ms: number, offset: number): string => { const d = local(ms, offset); return `${d.getUTCFullYear()}年${d.getUTCMonth() + 1}月${d.getUTCDate()}日`; };
const moment = (ms: number, offset: number): string => { const d = local(ms, offset); return `${date(ms, offset)}${d.getUTCHours()}时${String(d.getUTCMinutes()).padStart(2, '0')}分`; };
const ORDINALS = ['一', '二', '三', '四', '五', '六'];

export function bulletinText(
  t: TicketRecord, i: IncidentRecord, settings: RemediationSettings, assets: Assets, people: ReadonlyMap<string, UserName>, attachments: readonly AttachmentRecord[],
): BulletinText {
  const { offset } = settings.calendar;
  const system = assets.registry.systems.find((s) => s.id === i.system);
  const level = t.level as Level;
  const lines = (text: string): string[] => documentText(text).split('\n').map((l) => l.trim()).filter(Boolean);
  const parts: { heading: string; lines: string[] }[] = [
    {
      heading: '事件情况',
      lines: [
        ...lines(t.summary),
        `涉及系统：${system ? `${system.zh}（${[i.victim_ip, ...(system.domains ?? [])].join('，')}）` : i.victim_ip}${system?.level ? `，等级保护第${['', '一', '二', '三', '四', '五'][system.level]}级` : ''}${system?.filing ? `，备案号 ${system.filing}` : ''}。`,
        `攻击来源：${i.attacker_ip}。事件级别：${LEVELS[level].roman} 级（${LEVELS[level].zh}）。`,
        `首次发现：${moment(i.first_seen, offset)}；最近发生：${moment(i.last_seen, offset)}。`,
      ].map(documentText),
    },
    { heading: '影响研判', lines: lines(t.impact) },
    { heading: '处置要求', lines: lines(t.demands) },
  ];
  if (t.due_acknowledge !== null && t.due_contain !== null && t.due_rectify !== null) {
    parts.push({ heading: '反馈时限', lines: [`请于${moment(t.due_acknowledge, offset)}前签收，${moment(t.due_contain, offset)}前完成应急处置，${moment(t.due_rectify, offset)}前完成整改并反馈结果。`] });
  }
  const present = parts.filter((p) => p.lines.length > 0);
  return {
    head: documentText(settings.head), number: documentText(t.number ?? '（未编号）'), signer: documentText(t.approver === null ? '' : people.get(t.approver)?.name ?? t.approver),
    title: documentText(t.title), addressee: documentText(t.addressee ?? assets.unit(t.unit)?.zh ?? t.unit),
    paragraphs: present.map((p, n) => ({ heading: `${ORDINALS[n]}、${p.heading}`, lines: p.lines })),
    attachments: attachments.filter((a) => t.issued === null || a.at <= t.issued).map((a) => documentText(a.name)), issuer: documentText(settings.issuer),
    date: date(t.issued ?? t.created, offset), ...(t.copies ? { copies: documentText(t.copies) } : {}), ...(settings.contact ?? t.contact ? { contact: documentText([settings.contact, t.contact].filter(Boolean).join('；')) } : {}), draft: t.issued === null,
  };
}
