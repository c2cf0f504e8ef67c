import { CLASSES, type DetectionClass } from '../../contracts/classes.js';
import type { Level } from '../model/deadline.js';
import type { Assets } from './assets.js';
import type { IncidentRecord } from './store/incidents.js';

const VERDICT_ZH = ['攻击尝试，尚未发现得手', '攻击已得手', '主机已失陷'];

/** The text of a bulletin as the incident gives it; a person edits it before it goes out. Official language: Chinese. */
export function draftBulletin(i: IncidentRecord, _level: Level, assets: Assets, advice: readonly string[]): { title: string; summary: string; impact: string; demands: string } {
  const classes = (JSON.parse(i.classes_json) as DetectionClass[]).map((c) => CLASSES[c]).filter(Boolean);
  const names = classes.map((c) => c.zh).join('、') || '网络攻击';
  const system = assets.system(i.system)?.zh ?? i.victim_ip;
  const techniques = (JSON.parse(i.techniques_json) as string[]).join('、');
  const codes = [...new Set(classes.map((c) => `${c.gb2023}（GB/Z 20986-2007：${c.gb2007}）`))].join('；');
  return {
    title: `关于${system}遭受${classes[0]?.zh ?? '网络攻击'}的通报`.slice(0, 200),
    summary: [
      `监测发现，${i.attacker_ip} 对${system}（${i.victim_ip}）实施${names}，共 ${i.alerts} 条告警、${i.events} 次事件。`,
      `研判结论：${VERDICT_ZH[i.verdict] ?? ''}。`,
      codes ? `事件分类：${codes}。` : '', techniques ? `攻击技术（ATT&CK）：${techniques}。` : '',
    ].filter(Boolean).join('\n'),
    impact: i.verdict >= 1 ? `${system}的数据和权限可能已被获取，相邻系统存在被横向渗透的风险。` : `${system}正受到针对性攻击，若存在相应漏洞将被利用。`,
    demands: ['1. 立即签收并核实情况；', '2. 按时限完成处置，留存日志和样本；', ...advice.slice(0, 5).map((a, n) => `${n + 3}. ${a}`), `${Math.min(5, advice.length) + 3}. 整改完成后提交反馈，接受复测。`].join('\n').slice(0, 8000),
  };
}
