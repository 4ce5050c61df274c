// The parts of ECharts that are used, and how charts look here. Tooltips are drawn, not written as HTML: the policy of the pages refuses that.
import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use, type ComposeOption } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import type { BarSeriesOption, LineSeriesOption } from 'echarts/charts'
import type { GridComponentOption, LegendComponentOption, TooltipComponentOption } from 'echarts/components'

use([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

export type ChartOption = ComposeOption<BarSeriesOption | LineSeriesOption | GridComponentOption | LegendComponentOption | TooltipComponentOption>
export type Running = { set(o: ChartOption): void; stop(): void }

export const palette = ['#2456a6', '#3a9d8f', '#d08a14', '#b5452c', '#7a5fb0', '#8792a2']
const axis = { axisLine: { lineStyle: { color: '#cfd5dd' } }, axisTick: { show: false }, axisLabel: { color: '#545c69', fontSize: 11 }, splitLine: { lineStyle: { color: '#eef0f4' } } }

/** A plain chart over categories: lines or bars, one axis or two. */
export function plot(x: string[], series: { name: string; data: (number | null)[]; type?: 'line' | 'bar'; stack?: string; right?: boolean; area?: boolean; colour?: string }[], show: (n: number) => string = (n) => n.toLocaleString('en-US'), showRight = show): ChartOption {
  const right = series.some((s) => s.right)
  const compact = (n: number) => (Math.abs(n) >= 1e6 ? n / 1e6 + 'M' : Math.abs(n) >= 1e4 ? n / 1e3 + 'k' : String(n))
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    color: palette,
    grid: { left: 4, right: 4, top: series.length > 1 ? 34 : 14, bottom: 4, containLabel: true },
    legend: series.length > 1 ? { top: 0, left: 0, icon: 'roundRect', itemWidth: 10, itemHeight: 10, itemGap: 16, textStyle: { color: '#545c69', fontSize: 12 } } : undefined,
    tooltip: { trigger: 'axis', renderMode: 'richText', confine: true, backgroundColor: '#fff', borderColor: '#cfd5dd', textStyle: { color: '#1b1f27', fontSize: 12 }, valueFormatter: (v) => (v === null || v === undefined ? '—' : show(Number(v))) },
    xAxis: { type: 'category', data: x, boundaryGap: series.some((s) => s.type === 'bar'), ...axis, splitLine: { show: false } },
    yAxis: [{ type: 'value', ...axis, axisLabel: { ...axis.axisLabel, formatter: (v: number) => compact(v) } }, ...(right ? [{ type: 'value' as const, ...axis, splitLine: { show: false }, axisLabel: { ...axis.axisLabel, formatter: (v: number) => showRight(v) } }] : [])],
    series: series.map((s) => (s.type === 'bar'
      ? { type: 'bar', name: s.name, data: s.data, stack: s.stack, barMaxWidth: 22, yAxisIndex: s.right ? 1 : 0, ...(s.colour ? { itemStyle: { color: s.colour } } : {}) }
      : { type: 'line', name: s.name, data: s.data, showSymbol: s.data.length < 3, symbolSize: 5, lineStyle: { width: 2 }, yAxisIndex: s.right ? 1 : 0, areaStyle: s.area ? { opacity: 0.08 } : undefined, ...(s.colour ? { itemStyle: { color: s.colour } } : {}) })),
  } as ChartOption
}

/** Draws into a box and keeps the size of it. */
export function start(box: HTMLElement, option: ChartOption): Running {
  const chart = init(box)
  chart.setOption(option)
  const watcher = new ResizeObserver(() => chart.resize())
  watcher.observe(box)
  return {
    set: (o) => chart.setOption(o, { notMerge: true }),
    stop: () => {
      watcher.disconnect()
      chart.dispose()
    },
  }
}
