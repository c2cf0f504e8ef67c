import type { Bilingual } from '../../contracts/alert.js';
import { CLASSES, gb2023In, type DetectionClass } from '../../contracts/classes.js';
import type { Assets } from './assets.js';
import type { IncidentRecord } from './store/incidents.js';
import type { TicketRecord } from './store/tickets.js';

export interface Draft { title: string; summary: string; impact: string; demands: string }
const FIELDS = ['title', 'summary', 'impact', 'demands'] as const;
const VERDICTS = [{ zh: '攻击尝试，尚未发现得手', en: 'an attempt; no success was seen' }, { zh: '攻击已得手', en: 'the attack succeeded' }, { zh: '主机已失陷', en: 'the host is compromised' }];
/** Pieces of advice that a bulletin names; more are in the incident. */
const ADVICE_MAX = 5;
const DEMANDS_MAX = 8000;
const TITLE_MAX = 200;

/** The text of a bulletin as the incident gives it, in both languages; a person edits it before it goes out. Official language: Chinese. */
export function draftBulletin(i: IncidentRecord, assets: Assets, advice: readonly Bilingual[]): Record<'zh' | 'en', Draft> {
  const classes = (JSON.parse(i.classes_json) as DetectionClass[]).map((c) => CLASSES[c]).filter(Boolean);
  const techniques = JSON.parse(i.techniques_json) as string[];
  const told = advice.slice(0, ADVICE_MAX);
  const inLanguage = (lang: 'zh' | 'en'): Draft => {
    const zh = lang === 'zh';
    const system = assets.system(i.system)?.[lang] ?? i.victim_ip;
    const names = classes.map((c) => (zh ? c.zh : c.en.toLowerCase()));
    const codes = [...new Set(classes.map((c) => (zh ? `${c.gb2023.replace(/^\d+ /, '')}（GB/T 20986—2023），${c.gb2007}（GB/Z 20986—2007）` : `${gb2023In('en', c.gb2023)} (GB/T 20986-2023), ${c.gb2007} (GB/Z 20986-2007)`)))].join(zh ? '；' : '; ');
    const verdict = VERDICTS[i.verdict]?.[lang] ?? '';
    const demands = zh ? ['立即签收并核实情况；', '按时限完成处置，留存日志和样本；', ...told.map((a) => a.zh), '整改完成后提交反馈，接受复测。']
      : ['Sign for this bulletin at once and verify the facts.', 'Contain it within the time set; keep logs and samples.', ...told.map((a) => a.en), 'When it is mended, give feedback and take the retest.'];
    return {
      title: (zh ? `关于${system}遭受${names[0] ?? '网络攻击'}的通报` : `Bulletin: ${names[0] ?? 'attack'} against ${system}`).slice(0, TITLE_MAX),
      summary: (zh ? [
        `监测发现，${i.attacker_ip} 对${system}（${i.victim_ip}）实施${names.join('、') || '网络攻击'}，共 ${i.alerts} 条告警、${i.events} 次事件。`,
        `研判结论：${verdict}。`, codes ? `事件分类：${codes}。` : '', techniques.length > 0 ? `攻击技术（ATT&CK）：${techniques.join('、')}。` : '',
      ] : [
        `Monitoring saw ${i.attacker_ip} attack ${system} (${i.victim_ip}): ${names.join(', ') || 'an attack'}; alerts: ${i.alerts}, events: ${i.events}.`,
        `Verdict: ${verdict}.`, codes ? `Classification: ${codes}.` : '', techniques.length > 0 ? `Techniques (ATT&CK): ${techniques.join(', ')}.` : '',
      ]).filter(Boolean).join('\n'),
      impact: i.verdict >= 1
        ? (zh ? `${system}的数据和权限可能已被获取，相邻系统存在被横向渗透的风险。` : `Data and rights of ${system} may have been taken; systems beside it may be attacked from it.`)
        : (zh ? `${system}正受到针对性攻击，若存在相应漏洞将被利用。` : `${system} is under attack; if the weakness is there, it will be used.`),
      // Below “一、” an official document counts “（一）”.
      demands: demands.map((d, n) => (zh ? `（${'一二三四五六七八九十'[n]}）${d}` : `${n + 1}. ${d}`)).join('\n').slice(0, DEMANDS_MAX),
    };
  };
  return { zh: inLanguage('zh'), en: inLanguage('en') };
}

/** What a reader of that language sees: what a person wrote as it was written, what nobody changed in their language. */
export function bulletinFor<T extends TicketRecord>(t: T, lang: 'zh' | 'en'): T {
  if (lang === 'zh' || t.draft_json === null) return t;
  const draft = JSON.parse(t.draft_json) as Record<'zh' | 'en', Draft>;
  return { ...t, ...Object.fromEntries(FIELDS.flatMap((f) => (t[f] === draft.zh[f] ? [[f, draft.en[f]]] : []))) };
}

/** The title in both languages, as long as it is the one that the console drafted. */
export function titlesOf(t: Pick<TicketRecord, 'title' | 'draft_json'>): { titles?: Bilingual } {
  if (t.draft_json === null) return {};
  const { zh, en } = JSON.parse(t.draft_json) as Record<'zh' | 'en', Draft>;
  return t.title === zh.title ? { titles: { zh: zh.title, en: en.title } } : {};
}
