import type { WindowSpec } from '../core/spec.ts'
import type { ResultWriter } from './results.ts'
import { isFinal, lastCell, reportedEndCell, reportedStartCell, revisionCell, type SessionBook, startCell } from './session-book.ts'

export interface SessionReportsOptions { readonly spec: WindowSpec, readonly gapMs: number, readonly book: SessionBook, readonly writer: ResultWriter, readonly reporting: boolean }

/** What sessions report. A session that grew or merged takes back the intervals it was reported under. */
export class SessionReports {
  readonly #with: SessionReportsOptions
  readonly #one = new Int32Array(1)

  constructor (options: SessionReportsOptions) { this.#with = options }

  result (slot: number, final: boolean): void {
    const { spec: { intervalMs }, gapMs, book, writer, reporting } = this.#with
    const start = book.cell(slot, startCell)
    const last = book.cell(slot, lastCell)
    const end = last + gapMs
    if (reporting) this.#retract(slot, start, end)
    this.#one[0] = slot
    const row = writer.append({ panes: book.panes, slots: this.#one, count: 1, start, end, expected: intervalMs === null ? Number.NaN : (last - start) / intervalMs + 1 })
    const { rows } = writer
    rows.final[row] = final ? 1 : 0
    rows.closing[row] = final && (book.flags(slot) & isFinal) === 0 ? 1 : 0
    if (!reporting) return
    rows.revision[row] = this.#takeRevision(slot)
    book.setCell(slot, reportedStartCell, start)
    book.setCell(slot, reportedEndCell, end)
    if (final) book.flag(slot, isFinal)
  }

  #retract (slot: number, start: number, end: number): void {
    const { book, writer } = this.#with
    const intervals: [number, number][] = []
    const merged = book.merged.get(slot) ?? []
    for (let i = 0; i < merged.length; i += 2) intervals.push([merged[i]!, merged[i + 1]!])
    book.merged.delete(slot)
    const reportedStart = book.cell(slot, reportedStartCell)
    if (!Number.isNaN(reportedStart)) intervals.push([reportedStart, book.cell(slot, reportedEndCell)])
    intervals.sort((a, b) => a[1] - b[1] || a[0] - b[0])
    for (const [oldStart, oldEnd] of intervals) {
      if (oldStart === start && oldEnd === end) continue
      writer.retract({ key: book.panes.keyOf[slot]!, start: oldStart, end: oldEnd, revision: this.#takeRevision(slot) })
    }
  }

  #takeRevision (slot: number): number {
    const { book } = this.#with
    const revision = book.cell(slot, revisionCell)
    book.setCell(slot, revisionCell, revision + 1)
    return revision
  }
}
