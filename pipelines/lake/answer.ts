import type { LakeLayout, LakeReadingRows, LakeRollupRows } from '../core/lake-ports.ts'
import { type LakeQuery, type LakeQueryRow, type PartName, type Statistic, statisticOf } from './ask.ts'
import { Cells, cellsMax, tooMany } from './cells.ts'
import { foldReadings, foldRollups, type Placed } from './fold.ts'
import type { LakePlan } from './plan.ts'
import type { Selection } from './select.ts'

interface Group { readonly group: Readonly<Record<string, string | null>>, readonly cell: number }

/**
 * The answer as it grows: a cell for each group and interval.
 *
 * State:  `Cells`, and which keys were seen in the intervals that two segments share
 * Limits: groups x intervals within `cellsMax`; by key, `clear` after a key makes room for the next
 * Errors: LAKE_LIMIT
 */
export class Answer {
  readonly statistics: readonly Statistic[]
  readonly parts: ReadonlySet<PartName>
  /** Intervals of a group. */
  readonly intervals: number
  readonly #plan: LakePlan
  readonly #by: LakeQuery['by']
  readonly #labels: readonly string[]
  readonly #intervalMs: number | null
  readonly #selection: Selection
  readonly #cells: Cells
  readonly #groups = new Map<string, Group>()
  readonly #first: number
  /** Keys seen in an interval that more than one segment fills. */
  readonly #shared: ReadonlyMap<number, Set<string>>
  #cell = new Int32Array(0)
  #key: string | null = null
  #base = 0
  /** The interval that this key was last seen in. */
  #seen = -1

  constructor (layout: LakeLayout, { plan, ask, selection }: { readonly plan: LakePlan, readonly ask: LakeQuery, readonly selection: Selection }) {
    const { from, to, resolutionMs: step, segments } = plan
    this.statistics = ask.statistics.map(statisticOf)
    this.parts = new Set(this.statistics.flatMap(({ parts }) => parts))
    this.#plan = plan
    this.#by = ask.by
    this.#labels = ask.by.filter(one => one !== 'key')
    this.#intervalMs = layout.intervalMs
    this.#selection = selection
    this.#cells = new Cells(this.parts)
    this.#first = step === null ? 0 : Math.floor(from / step)
    this.intervals = step === null ? 1 : Math.ceil(to / step) - this.#first
    if (this.intervals > cellsMax) throw tooMany('intervals', this.intervals, cellsMax)
    const inside = segments.slice(1).map(({ from }) => from).filter(at => step === null || at % step !== 0)
    this.#shared = new Map(inside.map(at => [this.#interval(at), new Set<string>()]))
  }

  /** Rows of the next segment, or of the same keys again. */
  begin (): void { this.#key = null }

  addReadings ({ key, count, at, columns }: LakeReadingRows): void {
    const placed = this.#place(key, count, at)
    this.#countReadings(placed)
    foldReadings(this.#cells, placed, columns[0]!)
  }

  /** `columns` of the rows are the parts, in the set's order. */
  addRollups ({ key, count, start, end, expected, received, columns }: LakeRollupRows, sizeMs: number): void {
    const placed = this.#place(key, count, start)
    const cells = this.#cells
    for (let row = 0; row < count; row += 1) {
      // Of hopping windows those that lie side by side.
      if (start[row]! % sizeMs !== 0) placed.cell[row] = -1
      const cell = placed.cell[row]!
      if (cell < 0) continue
      this.#expect(cell, expected[row]! / (end[row]! - start[row]!))
      cells.received[cell]! += received[row]!
    }
    foldRollups(cells, placed, new Map([...this.parts].map((part, index) => [part, columns[index]!])))
  }

  /** Rows of all groups, by group and time; those of a group share its object. */
  * rows (): Generator<LakeQueryRow> {
    const order = this.#groups.size < 2 ? [...this.#groups] : [...this.#groups].sort(([a], [b]) => a < b ? -1 : 1)
    for (const [, { group, cell }] of order) for (let index = 0; index < this.intervals; index += 1) if (this.#cells.received[cell + index]! > 0) yield this.#row(group, cell + index, index)
  }

  clear (): void {
    this.#cells.clear()
    this.#groups.clear()
    for (const keys of this.#shared.values()) keys.clear()
    this.#key = null
  }

  #row (group: Group['group'], cell: number, index: number): LakeQueryRow {
    const cells = this.#cells
    const expected = cells.expected[cell]!
    return { start: this.#start(index), end: this.#end(index), group, values: this.statistics.map(statistic => cells.value(cell, statistic)), received: cells.received[cell]!, expected: Number.isNaN(expected) ? null : expected }
  }

  #start (index: number): number { const { from, resolutionMs } = this.#plan; return resolutionMs === null ? from : Math.max(from, (this.#first + index) * resolutionMs) }
  #end (index: number): number { const { to, resolutionMs } = this.#plan; return resolutionMs === null ? to : Math.min(to, (this.#first + index + 1) * resolutionMs) }
  #interval (at: number): number { const { resolutionMs } = this.#plan; return resolutionMs === null ? 0 : Math.floor(at / resolutionMs) - this.#first }

  #place (key: string, count: number, time: Float64Array): Placed {
    if (key !== this.#key) {
      this.#key = key
      this.#seen = -1
      this.#base = this.#groupOf(key)
    }
    if (this.#cell.length < count) this.#cell = new Int32Array(count)
    const cell = this.#cell
    const base = this.#base
    const { resolutionMs } = this.#plan
    if (resolutionMs === null) cell.fill(base, 0, count)
    else for (let row = 0; row < count; row += 1) cell[row] = base + Math.floor(time[row]! / resolutionMs) - this.#first
    return { key, count, cell, time }
  }

  #countReadings ({ count, cell }: Placed): void {
    const { received } = this.#cells
    const perMs = this.#intervalMs === null ? Number.NaN : 1 / this.#intervalMs
    for (let row = 0; row < count; row += 1) {
      const at = cell[row]!
      if (at !== this.#seen) this.#expect(at, perMs)
      received[at]! += 1
    }
  }

  /** Readings due in the whole interval from a key that gave any of them. */
  #expect (cell: number, perMs: number): void {
    if (cell === this.#seen) return
    this.#seen = cell
    const index = cell - this.#base
    const keys = this.#shared.get(index)
    if (keys?.has(this.#key!)) return
    keys?.add(this.#key!)
    this.#cells.expected[cell]! += perMs * (this.#end(index) - this.#start(index))
  }

  #groupOf (key: string): number {
    const labels = this.#labels.length === 0 ? [] : this.#selection.labels(key)
    const values = this.#by.map(name => name === 'key' ? key : labels[this.#labels.indexOf(name)]!)
    const id = JSON.stringify(values)
    let found = this.#groups.get(id)
    if (found === undefined) this.#groups.set(id, found = { group: Object.fromEntries(this.#by.map((name, index) => [name, values[index]!])), cell: this.#cells.add(this.intervals) })
    return found.cell
  }
}
