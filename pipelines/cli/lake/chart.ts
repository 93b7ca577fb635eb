import type { LakeReaderPort } from '../../core/lake-ports.ts'
import { type LakeQuery, signalOf } from '../../lake/ask.ts'
import { plannedQuery } from '../../lake/plan.ts'
import { queryLake } from '../../lake/query.ts'
import { type Bar, barChart } from './bar-chart.ts'
import { lineChart, type Panel } from './line-chart.ts'
import { momentText } from './texts.ts'

/** `left`: groups that were not drawn, because there are too many. */
export interface Chart { readonly text: string, readonly left: number }
export interface ChartSpace { readonly width: number, readonly paint?: (mark: string, series: number) => string }

const panelsMax = 12
const barsMax = 60
const heights = { alone: 16, many: 7 } as const

/**
 * The answer to a question as a chart: lines over time, a panel for each group; bars where the range is one interval.
 *
 * Limits: 12 groups of lines, 60 of bars; the rest is counted
 * Errors: those of `queryLake`
 */
export async function chartOf (reader: LakeReaderPort, ask: LakeQuery, { width, paint }: ChartSpace): Promise<Chart> {
  const plan = plannedQuery(reader.layout, ask)
  const { unit = null } = signalOf(reader.layout, ask.signal)
  const counted = ask.statistics.every(name => name === 'count' || name === 'distinct')
  const what = `${ask.signal} ${ask.statistics.length === 1 ? ask.statistics[0]! : ''}`.trim() + (unit === null || counted ? '' : ` [${unit}]`)
  const groups = await groupsOf(reader, ask, plan.resolutionMs === null ? barsMax : panelsMax)
  const left = groups.left
  if (plan.resolutionMs === null) {
    const bars = groups.shown.flatMap(({ name, values }): Bar[] => ask.statistics.map((statistic, index) => ({ name: [name, ...ask.statistics.length === 1 ? [] : [statistic]].filter(part => part !== '').join(' ') || ask.signal, value: values[index]![0]! })))
    return { text: bars.length === 0 ? '' : barChart(`${what}  ${momentText(plan.from)} to ${momentText(plan.to)}, UTC`, bars, width), left }
  }
  const panels = groups.shown.map(({ name, times, values }): Panel => ({ title: name === '' ? what : `${what}  ${name}`, series: ask.statistics.map((statistic, index) => ({ name: statistic, times, values: values[index]! })) }))
  const height = panels.length === 1 ? heights.alone : heights.many
  return { text: lineChart(panels, { width, height, from: plan.from, to: plan.to, stepMs: plan.resolutionMs, ...paint && { paint } }), left }
}

interface Group { readonly name: string, readonly times: number[], readonly values: (number | null)[][] }

/** The first groups with all of their rows. */
async function groupsOf (reader: LakeReaderPort, ask: LakeQuery, groupsMax: number): Promise<{ readonly shown: readonly Group[], readonly left: number }> {
  const shown: Group[] = []
  let left = 0
  let current: string | null = null
  for await (const { group, start, values } of queryLake(reader, ask)) {
    const id = JSON.stringify(Object.values(group))
    if (id !== current) {
      current = id
      if (shown.length === groupsMax) left += 1
      else shown.push({ name: Object.entries(group).map(([name, value]) => name === 'key' ? value : `${name}=${value ?? '-'}`).join(' '), times: [], values: ask.statistics.map(() => []) })
    }
    if (left > 0) continue
    const into = shown.at(-1)!
    into.times.push(start)
    values.forEach((value, index) => { into.values[index]!.push(value) })
  }
  return { shown, left }
}
