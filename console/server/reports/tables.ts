import { LEVELS } from '../../model/deadline.js';
import { INCIDENT_STATE_NAMES, type IncidentState } from '../../model/incident.js';
import { TICKET_STATE_NAMES, type TicketState } from '../../model/ticket.js';
import type { ReportData } from '../../model/report.js';
import { documentText } from '../documents/fonts.js';

/** A report as headed tables of text, from which every file format is made. */
export interface Section { heading: string; columns: string[]; rows: (string | number)[][]; chart?: { kind: 'bars'; items: { name: string; value: number }[] } | { kind: 'trend'; points: [number, number][]; /** Local time of each point, as text. */ labels: string[]; columns: [string, string] } }
export interface Paper {
  title: string;
  period: string;
  /** Who made it, and when. */
  made: string;
  /** Heading of the summary. */
  lead: string;
  summary: string[];
  sections: Section[];
}
const ORDINALS = ['一', '二', '三', '四', '五', '六', '七', '八', '九', '十', '十一', '十二', '十三', '十四', '十五', '十六'];

/** @param issuer office that signs for it */
export function paperOf(d: ReportData, lang: 'zh' | 'en', offset: number, issuer: string): Paper {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const s = (text: string | undefined): string => documentText(text ?? '').replaceAll('\n', ' ');
  const when = (text: string): string => new Date(Date.parse(text) + offset * 60_000).toISOString().slice(0, 16).replace('T', ' ');
  const chinese = (text: string): string => {
    const at = new Date(Date.parse(text) + offset * 60_000);
    const [hour, minute] = [at.getUTCHours(), at.getUTCMinutes()];
    return `${at.getUTCFullYear()}年${at.getUTCMonth() + 1}月${at.getUTCDate()}日${hour === 0 && minute === 0 ? '' : `${hour}时${String(minute).padStart(2, '0')}分`}`;
  };
  const day = Date.parse(d.to) - Date.parse(d.from) === 86_400_000 && when(d.from).endsWith('00:00');
  const long = Date.parse(d.to) - Date.parse(d.from) > 8 * 86_400_000;
  const label = (at: number): string => (long ? when(new Date(at).toISOString()).slice(5, 10) : when(new Date(at).toISOString()).slice(5));
  const bars = (heading: string, of: string, list: ReportData['bySeverity']): Section => ({
    heading, columns: [of, t('告警数', 'Alerts')], rows: list.filter((b) => b.value > 0).map((b) => [s(b.name[lang]), b.value]), chart: { kind: 'bars', items: list.filter((b) => b.value > 0).slice(0, 10).map((b) => ({ name: s(b.name[lang]), value: b.value })) },
  });
  const minutes = (n: number | undefined): string => (n === undefined ? '—' : n < 120 ? t(`${n} 分钟`, `${n} min`) : n < 2880 ? t(`${(n / 60).toFixed(1)} 小时`, `${(n / 60).toFixed(1)} h`) : t(`${(n / 1440).toFixed(1)} 天`, `${(n / 1440).toFixed(1)} d`));
  const sections: Section[] = [
    { heading: t('告警趋势', 'Alerts over time'), columns: [], rows: [], chart: { kind: 'trend', points: d.trend, labels: d.trend.map(([at]) => label(at)), columns: [t('时间', 'Time'), t('告警', 'Alerts')] } },
    bars(t('按严重程度', 'By severity'), t('严重程度', 'Severity'), d.bySeverity), bars(t('按研判结论', 'By verdict'), t('结论', 'Verdict'), d.byVerdict), bars(t('按攻击类别', 'By class'), t('类别', 'Class'), d.byClass), bars(t('按单位', 'By unit'), t('单位', 'Unit'), d.byUnit),
    { heading: t('重点事件', 'Incidents'), columns: [t('事件', 'Incident'), t('级别', 'Level'), t('单位', 'Unit'), t('状态', 'State'), t('最近发生', 'Last seen'), t('告警', 'Alerts')], rows: d.incidents.map((i) => [s(i.title[lang]), LEVELS[i.level].roman, s(i.unit?.[lang]), INCIDENT_STATE_NAMES[i.state as IncidentState]?.[lang] ?? i.state, when(i.lastSeen), i.alerts]) },
    { heading: t('通报与整改', 'Bulletins'), columns: [t('编号', 'Number'), t('标题', 'Title'), t('单位', 'Unit'), t('级别', 'Level'), t('状态', 'State'), t('超期', 'Overdue')], rows: d.tickets.map((k) => [s(k.number), s(k.titles?.[lang] ?? k.title), s(k.unit[lang]), LEVELS[k.level].roman, TICKET_STATE_NAMES[k.state as TicketState]?.[lang] ?? k.state, k.overdue ? t('是', 'yes') : '']) },
    { heading: t('处置时效', 'Times'), columns: [t('平均签收', 'Mean time to acknowledge'), t('平均处置', 'Mean time to contain'), t('平均整改', 'Mean time to fix')], rows: [[minutes(d.times.acknowledge), minutes(d.times.contain), minutes(d.times.rectify)]] },
    { heading: t('单位排名', 'League table'), columns: [t('名次', 'Rank'), t('单位', 'Unit'), t('得分', 'Score'), t('扣分', 'Points lost'), t('事件', 'Incidents'), t('通报', 'Bulletins')], rows: d.league.map((l, n) => [n + 1, s(l.unit[lang]), l.score, l.parts.map((p) => `${PARTS[p.name][lang]} ${p.count}×${p.each}`).join(t('，', ', ')), l.incidents, l.tickets]) },
    { heading: t('重复发生', 'Recurrence'), columns: [t('单位', 'Unit'), t('系统', 'System'), t('类别', 'Class'), t('次数', 'Times'), t('重开', 'Reopened')], rows: d.recurrence.map((r) => [s(r.unit?.[lang]), s(r.system?.[lang]), s(r.className[lang]), r.incidents, r.reopened]) },
    { heading: t('工作量最大的规则', 'Rules with most work'), columns: [t('规则', 'Rule'), t('告警', 'Alerts'), t('事件', 'Incidents'), t('排除率', 'Dismissed')], rows: d.rules.map((r) => [s(r.name[lang]), r.alerts, r.incidents, `${Math.round(r.dismissedShare * 100)}%`]) },
    { heading: t('工作量最大的资产', 'Assets with most work'), columns: [t('资产', 'Asset'), t('告警', 'Alerts'), t('事件', 'Incidents')], rows: d.assets.map((r) => [s(r.name[lang]), r.alerts, r.incidents]) },
    ...(d.months ? [{ heading: t('逐月', 'By month'), columns: [t('月份', 'Month'), t('告警', 'Alerts'), t('事件', 'Incidents'), t('通报', 'Bulletins'), t('归档', 'Closed'), t('平均整改', 'Mean time to fix')], rows: d.months.map((m) => [m.month, m.alerts, m.incidents, m.tickets, m.closed, minutes(m.times.rectify)]) }] : []),
  ];
  return {
    title: `${d.unit ? `${s(d.unit[lang])} ` : ''}${d.title[lang]}`, period: lang === 'zh' ? (day ? chinese(d.from) : `${chinese(d.from)}至${chinese(d.to)}`) : `${when(d.from)} — ${when(d.to)}`,
    made: t(`编制单位：${s(issuer)}　编制时间：${chinese(d.generatedAt)}`, `Made by ${s(issuer)} on ${when(d.generatedAt)}`), lead: t('一、总体情况', 'Summary'), summary: d.summary.map((x) => s(x[lang])),
    sections: sections.filter((x) => x.rows.length > 0 || (x.chart?.kind === 'trend' && x.chart.points.length > 0)).map((x, n) => ({ ...x, heading: lang === 'zh' ? `${ORDINALS[n + 1]}、${x.heading}` : x.heading })),
  };
}
export const PARTS: Record<ReportData['league'][number]['parts'][number]['name'], { zh: string; en: string }> = {
  compromised: { zh: '失陷', en: 'compromised' }, succeeded: { zh: '得手', en: 'succeeded' }, overdue: { zh: '超期', en: 'overdue' }, no_feedback: { zh: '两周未反馈', en: 'no feedback in two weeks' },
  recurrence: { zh: '复发', en: 'recurrence' }, returned: { zh: '退回', en: 'returned' }, unacknowledged: { zh: '未签收', en: 'not signed for' },
};
