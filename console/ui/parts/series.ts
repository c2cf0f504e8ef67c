import type { EChartsCoreOption } from 'echarts/core';
import type { SeriesView, Severity } from '../../model/api.js';
import { SEVERITIES } from '../../../contracts/classes.js';
import { t } from '../i18n/index.js';
import { rate } from '../text/quantity.js';
import { SERIES, severityColour } from './palette.js';

const frame = { left: 8, right: 14, top: 34, bottom: 6, containLabel: true };
const nameOf = (series: SeriesView) => Object.values(series.tags)[0] ?? '';

/** Stacked areas of bits per second, one for each protocol. */
export function trafficOption(series: SeriesView[]): EChartsCoreOption {
  return {
    color: SERIES,
    grid: frame,
    legend: { top: 6, left: 12, right: 12, type: 'scroll' },
    tooltip: { trigger: 'axis', valueFormatter: (v: unknown) => rate(Number(v)) },
    xAxis: { type: 'time', splitLine: { show: false }, axisLabel: { hideOverlap: true } },
    yAxis: { type: 'value', axisLabel: { formatter: (v: number) => rate(v) }, splitNumber: 3 },
    series: series.map((s) => ({ name: nameOf(s), type: 'line', stack: 'all', showSymbol: s.values.filter(([, v]) => v).length < 4, smooth: 0.15, areaStyle: { opacity: 0.35 }, lineStyle: { width: 1.4 }, data: s.values })),
  };
}

/** Stacked bars of alerts, one colour a severity, the worst on top. */
export function alertOption(series: SeriesView[]): EChartsCoreOption {
  const by = new Map(series.map((s) => [nameOf(s), s]));
  const known = SEVERITIES.filter((s) => by.has(s));
  return {
    grid: frame,
    legend: { top: 6, right: 12 },
    tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
    xAxis: { type: 'time', splitLine: { show: false }, axisLabel: { hideOverlap: true } },
    yAxis: { type: 'value', minInterval: 1, splitNumber: 3 },
    series: known.map((s: Severity) => ({ name: t(`words.severity.${s}`), type: 'bar', stack: 'all', barMaxWidth: 14, itemStyle: { color: severityColour(s) }, data: by.get(s)!.values })),
  };
}
