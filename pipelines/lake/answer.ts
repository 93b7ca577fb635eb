import type { LakeLayout, LakeReadingRows, LakeRollupRows, LakeSpan } from '../core/lake-ports.ts'
import { type LakeQuery, type LakeQueryRow, type PartName, type Statistic, statisticOf } from './ask.ts'
import { Cells, cellsMax, tooMany } from './cells.ts'
import type { Coverage, Hole } from './coverage.ts'
import { foldReadings, foldRollups, type Placed } from './fold.ts'
import type { LakePlan } from './plan.ts'
import type { Selection } from './select.ts'

interface Group { readonly group: Readonly<Record<string, string | null>>, readonly cell: number }
/** What is read next: all keys over `whole`, or of each its own hole. `coverage`: of windows. */
export interface Part { readonly whole: LakeSpan, readonly holes?: ReadonlyMap<string, Hole>, readonly coverage?: Coverage }

/**
 * The answer as it grows: a cell for each group and interval.
 *
 * Shape:  of a key, parts come in order of time, but for its holes: those come once it is known what they lie between
 * State:  `Cells`; of keys that come more than once, the last interval that has them
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
  /** Where windows begin to answer. */
  readonly #windowsFrom: number
  /** Of each key the last interval that has it; null: no key comes twice. */
  readonly #last: Map<string, number> | null
  #part: Part
  #before = -1
  #after = Number.POSITIVE_INFINITY
  #cell = new Int32Array(0)
  #key: string | null = null
  #base = 0
  /** From where on this key is read. */
  #from = 0
  /** No window has what is read. */
  #isLast = true
  /** The interval that this key was last seen in. */
  #seen = -1

  constructor (layout: LakeLayout, { plan, ask, selection }: { readonly plan: LakePlan, readonly ask: LakeQuery, readonly selection: Selection }) {
    const { from, to, resolutionMs: step, segments } = plan
    this.statistics = ask.statistics.map(statisticOf)
    this.parts = new Set([...this.statistics.flatMap(({ parts }) => parts), ...this.statistics.some(({ q }) => !Number.isNaN(q)) && haveEnds(layout, plan, ask.signal) ? ['min', 'max'] as const : []])
    this.#plan = plan
    this.#by = ask.by
    this.#labels = ask.by.filter(one => one !== 'key')
    this.#intervalMs = layout.intervalMs
    this.#selection = selection
    this.#cells = new Cells(this.parts)
    this.#first = step === null ? 0 : Math.floor(from / step)
    this.intervals = step === null ? 1 : Math.ceil(to / step) - this.#first
    if (this.intervals > cellsMax) throw tooMany('intervals', this.intervals, cellsMax)
    this.#last = segments.length > 1 || plan.isFilled ? new Map() : null
    this.#part = { whole: { from, to } }
    this.#windowsFrom = segments.find(({ source }) => source !== 'readings')?.from ?? from
  }

  /** Rows of another part, or of the same keys again. */
  begin (part: Part): void {
    this.#part = part
    this.#key = null
  }

  /** The part has been read. */
  end (): void {
    this.#endKey()
    this.#key = null
  }

  /** The last interval that has a key; -1: none. */
  last (key: string): number { return this.#last?.get(key) ?? -1 }

  addReadings ({ key, count, at, columns }: LakeReadingRows): void {
    const placed = this.#place(key, count, at)
    this.#countReadings(placed)
    foldReadings(this.#cells, placed, columns[0]!)
  }

  /** `columns` of the rows are the parts, in the set's order. */
  addRollups ({ key, count, start, end, expected, received, columns }: LakeRollupRows): void {
    const placed = this.#place(key, count, start)
    const cells = this.#cells
    const coverage = this.#part.coverage!
    for (let row = 0; row < count; row += 1) {
      const cell = placed.cell[row]!
      if (!coverage.takes(start[row]!, end[row]!, cell - this.#base)) {
        placed.cell[row] = -1
        continue
      }
      this.#expect(cell, expected[row]! / (end[row]! - start[row]!))
      cells.received[cell]! += received[row]!
      if (!(cells.windowsTo[cell]! >= end[row]!)) cells.windowsTo[cell] = end[row]!
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
    this.forgetKeys()
  }

  /** Other keys follow. */
  forgetKeys (): void {
    this.#last?.clear()
    this.#key = null
  }

  #row (group: Group['group'], cell: number, index: number): LakeQueryRow {
    const cells = this.#cells
    const windowsTo = known(cells.windowsTo[cell]!)
    const readingsFrom = known(cells.readingsFrom[cell]!) ?? (windowsTo === null ? this.#start(index) : null)
    return { start: this.#start(index), end: this.#end(index), group, values: this.statistics.map(statistic => cells.value(cell, statistic)), received: cells.received[cell]!, expected: known(cells.expected[cell]!), windowsTo, readingsFrom }
  }

  #start (index: number): number { const { from, resolutionMs } = this.#plan; return resolutionMs === null ? from : Math.max(from, (this.#first + index) * resolutionMs) }
  #end (index: number): number { const { to, resolutionMs } = this.#plan; return resolutionMs === null ? to : Math.min(to, (this.#first + index + 1) * resolutionMs) }

  #place (key: string, count: number, time: Float64Array): Placed {
    if (key !== this.#key) {
      this.#endKey()
      this.#beginKey(key)
    }
    if (this.#cell.length < count) this.#cell = new Int32Array(count)
    const cell = this.#cell
    const base = this.#base
    const { resolutionMs } = this.#plan
    if (resolutionMs === null) cell.fill(base, 0, count)
    else for (let row = 0; row < count; row += 1) cell[row] = base + Math.floor(time[row]! / resolutionMs) - this.#first
    return { key, count, cell, time }
  }

  #beginKey (key: string): void {
    const { holes, coverage } = this.#part
    const hole = holes?.get(key)
    this.#key = key
    this.#seen = -1
    this.#base = this.#groupOf(key)
    this.#before = hole?.before ?? this.last(key)
    this.#after = hole?.after ?? Number.POSITIVE_INFINITY
    this.#from = (hole ?? this.#part.whole).from
    this.#isLast = hole?.isLast ?? this.#from >= this.#windowsFrom
    coverage?.begin(key, hole, this.#before)
  }

  #endKey (): void {
    if (this.#key === null) return
    this.#part.coverage?.end()
    if (this.#last !== null && this.#seen >= 0) this.#last.set(this.#key, Math.max(this.last(this.#key), this.#seen - this.#base))
  }

  #countReadings ({ count, cell }: Placed): void {
    const { received, readingsFrom } = this.#cells
    const perMs = this.#intervalMs === null ? Number.NaN : 1 / this.#intervalMs
    for (let row = 0; row < count; row += 1) {
      const at = cell[row]!
      if (at !== this.#seen) {
        this.#expect(at, perMs)
        const from = Math.max(this.#from, this.#start(at - this.#base))
        if (this.#isLast && !(readingsFrom[at]! <= from)) readingsFrom[at] = from
      }
      received[at]! += 1
    }
  }

  /** Readings due in the whole interval from a key that gave any of them. */
  #expect (cell: number, perMs: number): void {
    if (cell === this.#seen) return
    this.#seen = cell
    const index = cell - this.#base
    if (index > this.#before && index < this.#after) this.#cells.expected[cell]! += perMs * (this.#end(index) - this.#start(index))
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

const known = (value: number): number | null => Number.isNaN(value) ? null : value

/** Whether every window that may answer has the least and the greatest value of the signal. */
function haveEnds ({ windows }: LakeLayout, { segments, finer }: LakePlan, signal: string): boolean {
  const names = new Set([...segments.map(({ source }) => source), ...finer])
  return windows.every(({ name, parts }) => !names.has(name) || (['min', 'max'] as const).every(part => parts.some(one => one.signal === signal && one.part === part)))
}
