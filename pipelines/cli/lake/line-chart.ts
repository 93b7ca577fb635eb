import { type Axis, timeAxis, valueAxis } from './axis.ts'
import { Canvas } from './canvas.ts'
import { harmless, momentText, padded, widthOf } from './texts.ts'

/** Points by time; null: there is none, and the line is broken there. */
export interface Series { readonly name: string, readonly times: readonly number[], readonly values: readonly (number | null)[] }
/** What is drawn together: one line in dots, several by marks of their own. */
export interface Panel { readonly title: string, readonly series: readonly Series[] }
export interface ChartOptions {
  readonly width: number
  /** Of a panel. */
  readonly height: number
  readonly from: number
  readonly to: number
  /** Points further apart are not joined. */
  readonly stepMs: number
  readonly paint?: (mark: string, series: number) => string
}

const marks = ['*', '+', 'x', 'o', '#', '@', '%', '='] as const

/** Panels one below the other, all with the same axes, so that they can be compared. Gives '' where there is no point at all. */
export function lineChart (panels: readonly Panel[], options: ChartOptions): string {
  const { from, to, height, width } = options
  const values = panels.flatMap(({ series }) => series.flatMap(one => one.values.filter((value): value is number => value !== null)))
  if (values.length === 0) return ''
  const y = valueAxis(values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b)), Math.max(2, height >> 1))
  const margin = Math.max(...y.ticks.map(tick => y.text(tick).length)) + 2
  const plotWidth = Math.max(10, width - margin)
  const x = timeAxis(from, to, Math.max(2, Math.floor(plotWidth / 9)))
  const drawn = panels.map(panel => panelText(panel, { x, y, margin, plotWidth, options }))
  return `${drawn.join('\n')}${' '.repeat(margin)}${momentText(from)} to ${momentText(to)}, UTC\n`
}

interface Frame { readonly x: Axis, readonly y: Axis, readonly margin: number, readonly plotWidth: number, readonly options: ChartOptions }

function panelText ({ title, series }: Panel, { x, y, margin, plotWidth, options }: Frame): string {
  const { height, paint = (mark: string) => mark } = options
  const canvas = new Canvas(plotWidth, height)
  series.forEach((one, index) => { draw(canvas, one, { x, y, stepMs: options.stepMs, mark: series.length === 1 ? null : marks[index % marks.length]! }) })
  const labels = new Map(y.ticks.map(tick => [height - 1 - Math.round((tick - y.low) / (y.high - y.low) * (height - 1)), y.text(tick)]))
  const rows = canvas.rows(mark => paint(mark, marks.indexOf(mark as typeof marks[number])))
    .map((row, index) => `${(labels.get(index) ?? '').padStart(margin - 2)} ${labels.has(index) ? '┤' : '│'}${row}`.trimEnd())
  const legend = series.length === 1 ? '' : `  ${series.map(({ name }, index) => `${paint(marks[index % marks.length]!, index)} ${harmless(name)}`).join('   ')}`
  return `${harmless(title)}${legend}\n${rows.join('\n')}\n${axisLines(x, margin, plotWidth)}`
}

function draw (canvas: Canvas, { times, values }: Series, { x, y, stepMs, mark }: { readonly x: Axis, readonly y: Axis, readonly stepMs: number, readonly mark: string | null }): void {
  const px = (ms: number) => Math.min(1, Math.max(0, (ms - x.low) / (x.high - x.low)))
  const py = (value: number) => (value - y.low) / (y.high - y.low)
  let before = -1
  for (let index = 0; index < times.length; index += 1) {
    const value = values[index]!
    if (value === null) continue
    const joined = before >= 0 && times[index]! - times[before]! <= stepMs * 1.5
    const from = joined ? before : index
    const ends = [px(times[from]!), py(values[from]!), px(times[index]!), py(value)] as const
    if (mark === null) canvas.line(...ends)
    else canvas.marked(...ends, mark)
    before = index
  }
}

/** The line of the axis with its ticks, and their texts below. */
function axisLines (x: Axis, margin: number, plotWidth: number): string {
  const line = new Array<string>(plotWidth).fill('─')
  let texts = ''
  for (const tick of x.ticks) {
    const column = Math.round((tick - x.low) / (x.high - x.low) * (plotWidth - 1))
    const text = x.text(tick)
    const start = Math.max(0, Math.min(plotWidth - text.length, column - (text.length >> 1)))
    if (start < widthOf(texts) + (texts === '' ? 0 : 2)) continue
    line[column] = '┴'
    texts = padded(texts, start, 'left') + text
  }
  return `${' '.repeat(margin - 1)}└${line.join('')}\n${`${' '.repeat(margin)}${texts}`.trimEnd()}\n`
}
