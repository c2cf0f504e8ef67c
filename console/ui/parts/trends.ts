import type { EChartsCoreOption } from 'echarts/core';
import type { SeriesView } from '../../model/api.js';
import { t } from '../i18n/index.js';
import { SERIES } from './palette.js';

export const WEEK_MS = 7 * 86_400_000;
const STEPS = [10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000];
/** About as many points as a chart has room for. */
const POINTS = 240;
/** Bucket width for a period, in ms. */
export const stepFor = (span: number): number => STEPS.find((s) => span / s <= POINTS) ?? 86_400_000;

export interface Panel { name: string; measurement: string; field: string; groupBy: string; stack: 'line' | 'bar'; scale: (step: number) => number; format: (v: number) => string; label: (tag: string) => string; colour?: (tag: string) => string; most?: number }

const sum = (series: SeriesView[]) => series.reduce((all, s) => all + s.values.reduce((n, [, v]) => n + (v ?? 0), 0), 0);
export const totalOf = sum;
/** The fullest bucket over all series. */
export function peakOf(series: SeriesView[]): number {
  const at = new Map<number, number>();
  for (const s of series) for (const [t0, v] of s.values) at.set(t0, (at.get(t0) ?? 0) + (v ?? 0));
  return Math.max(0, ...at.values());
}

/** The busiest series of a panel; with `before`, the sum of a week earlier as a dashed line over them. */
export function trendOption(panel: Panel, now: SeriesView[], before: SeriesView[] | undefined, step: number, from: number, to: number): EChartsCoreOption {
  const factor = panel.scale(step);
  const tag = (s: SeriesView) => Object.values(s.tags)[0] ?? '';
  const shown = now.toSorted((a, b) => sum([b]) - sum([a])).slice(0, panel.most ?? 8);
  const old = new Map<number, number>();
  for (const s of before ?? []) for (const [at, v] of s.values) if (v !== null) old.set(at + WEEK_MS, (old.get(at + WEEK_MS) ?? 0) + v * factor);
  return {
    color: SERIES,
    grid: { left: 8, right: 14, top: 34, bottom: 34, containLabel: true },
    legend: { top: 4, right: 12, type: 'scroll', width: '80%' },
    tooltip: { trigger: 'axis', valueFormatter: (v: unknown) => (v === null || v === undefined ? '—' : panel.format(Number(v))) },
    // The whole time asked for, though little happened in it.
    xAxis: { type: 'time', min: from, max: to, splitLine: { show: false }, axisLabel: { hideOverlap: true } },
    yAxis: { type: 'value', splitNumber: 3, axisLabel: { formatter: (v: number) => panel.format(v) } },
    dataZoom: [{ type: 'inside', zoomOnMouseWheel: 'ctrl', moveOnMouseMove: false }, { type: 'slider', height: 18, bottom: 6, brushSelect: true }],
    series: [
      ...shown.map((s) => ({
        name: panel.label(tag(s)), type: panel.stack, stack: 'all', barMaxWidth: 14, showSymbol: s.values.filter(([, v]) => v).length < 4, lineStyle: { width: 1.4 },
        ...(panel.stack === 'line' ? { areaStyle: { opacity: 0.3 } } : {}), ...(panel.colour ? { itemStyle: { color: panel.colour(tag(s)) } } : {}),
        data: s.values.map(([at, v]) => [at, v === null ? null : v * factor]),
      })),
      ...(before ? [{ name: t('reports.lastWeek'), type: 'line', showSymbol: false, lineStyle: { type: 'dashed', width: 2, color: '#8594a5' }, itemStyle: { color: '#8594a5' }, data: [...old].sort((a, b) => a[0] - b[0]) }] : []),
    ],
  };
}
