import type { DeadLetter } from '../../schemas/dead-letter.ts'
import { ChunkRows } from './chunk-rows.ts'
import { EventRows } from './event-rows.ts'
import { KeyRows } from './key-rows.ts'
import { LetterRows } from './letter-rows.ts'
import type { LakeStatements } from './prepared.ts'
import { type DecodeFields, FieldRows } from './field-rows.ts'
import { ReadingRows } from './reading-rows.ts'
import { refusedLetter, type Refusal } from './refusal.ts'
import { RollupRows } from './rollup-rows.ts'
import type { StagedRows } from './staged.ts'
import type { LakeTables } from './tables.ts'

/** A row of more than so many bytes counts as several. */
const rowBytesMean = 256

/**
 * What goes into one commit: rows of every table, and what cannot be stored.
 *
 * State:  rows and letters, until `clear`
 * Limits: `weight` is for the caller to bound
 */
export class Stage {
  readonly readings: ReadingRows | null
  readonly chunks: ChunkRows | null
  /** By source. */
  readonly raw: ReadonlyMap<string, FieldRows>
  readonly rollups: readonly RollupRows[]
  readonly events: EventRows
  readonly deadLetters: LetterRows
  readonly late: LetterRows
  readonly keys: KeyRows
  readonly refused: DeadLetter[] = []
  /** Rows in it, before those of a pane that were replaced are left out. */
  readonly tables: readonly StagedRows[]
  readonly #pipeline: string

  constructor ({ pipeline, readings, chunks, raw, keys, alerts, alertsByDay, deadLetters, late }: LakeTables, statements: LakeStatements, decodeRaw: (contract: string) => DecodeFields) {
    this.#pipeline = pipeline
    this.readings = readings && new ReadingRows(readings.name, statements.readings!)
    this.chunks = chunks && new ChunkRows(chunks.name, statements.chunks!)
    this.raw = new Map(raw.map((table, index) => [table.source, new FieldRows(table, statements.raw[index]!, decodeRaw(table.contract))]))
    this.rollups = statements.rollups.map(({ table, insert, remove }) => new RollupRows(table, [insert, remove]))
    this.events = new EventRows({ table: alerts.name, statement: statements.alerts }, { table: alertsByDay.name, statement: statements.alertsByDay })
    this.deadLetters = new LetterRows(deadLetters.name, statements.deadLetters)
    this.late = new LetterRows(late.name, statements.late)
    this.keys = new KeyRows(keys.name, statements.keys)
    const { readings: one, chunks: two, rollups, events } = this
    this.tables = [one?.rows, two?.rows, ...[...this.raw.values()].map(({ rows }) => rows), ...rollups.map(({ rows }) => rows), events.alerts, events.byDay, this.deadLetters.rows, this.late.rows, this.keys.rows].filter(rows => rows !== undefined)
  }

  /** Rows, or what their bytes are worth in rows. */
  get weight (): number { return this.tables.reduce((sum, rows) => sum + Math.max(rows.count, Math.ceil(rows.bytes / rowBytesMean)), 0) }

  readonly refuse = (refusal: Refusal): void => { this.refused.push(refusedLetter(this.#pipeline, refusal)) }

  clear (): void {
    for (const part of [this.readings, this.chunks, ...this.raw.values(), ...this.rollups, this.events, this.deadLetters, this.late, this.keys]) part?.clear()
    this.refused.length = 0
  }
}
