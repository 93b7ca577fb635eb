import { type Batch, cell, createBatch } from '../../../pipelines/core/batch.ts'
import type { JournalContent } from '../../../pipelines/core/journal.ts'
import { KeyTable } from '../../../pipelines/core/keys.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import type { FieldSpec, MappingSpec, NormaliseSpec, SignalSpec } from '../../../pipelines/core/spec.ts'
import type { NormaliseStage } from '../../../pipelines/core/stage.ts'
import type { TableRow, TableView } from '../../../pipelines/core/table.ts'
import { createNormaliseStage } from '../../../pipelines/normalise/stage.ts'

/** A record as plain data; its position is its place in the list. */
export interface Reading { readonly key: string, readonly at: number, readonly arrival: number, readonly fields: Readonly<Record<string, unknown>> }
export interface Row { readonly position: number, readonly key: string, readonly at: number, readonly signals: Readonly<Record<string, unknown>> }

export const field = (name: string, kind: FieldSpec['kind'], unit: string | null = null): FieldSpec => ({ name, path: [name], kind, unit, nullable: true })
export const signal = (name: string, kind: SignalSpec['kind'], unit: string | null = null): SignalSpec => ({ name, kind, unit })
export const from = (name: string, { unit = null, scale = 1, offset = 0 }: { readonly unit?: string | null, readonly scale?: number, readonly offset?: number } = {}): MappingSpec =>
  ({ kind: 'field', field: name, from: unit, scale, offset })

export function specOf (parts: Partial<NormaliseSpec> & Pick<NormaliseSpec, 'fields' | 'signals' | 'mappings'>): NormaliseSpec {
  return { source: 'test', ranges: parts.signals.map(() => null), dedupe: null, futureMaxMs: 300_000, codegen: true, ...parts }
}

/** A compacted topic's latest rows, changed by hand. */
export class Table implements TableView {
  readonly name: string
  version = 0
  readonly #rows = new Map<string, TableRow>()

  constructor (name: string) { this.name = name }

  get (key: string): TableRow | undefined { return this.#rows.get(key) }
  keys (): Iterable<string> { return this.#rows.keys() }
  set (key: string, row: TableRow | null): void {
    this.version += 1
    if (row === null) this.#rows.delete(key)
    else this.#rows.set(key, row)
  }
}

/** Decode's part of a task and the stage under test, fed with plain readings. */
export class Bench {
  readonly spec: NormaliseSpec
  keys = new KeyTable(1 << 16)
  stage: NormaliseStage
  readonly out = new Outputs()
  readonly journal: ({ readonly position: number } & JournalContent)[] = []
  readonly #tables: ReadonlyMap<string, TableView>
  readonly #live: boolean
  #input: Batch
  /** What the stage returned last. */
  last: Batch | null = null

  constructor (spec: NormaliseSpec, { tables = [], live = true }: { readonly tables?: readonly TableView[], readonly live?: boolean } = {}) {
    this.spec = spec
    this.#live = live
    this.#tables = new Map(tables.map(table => [table.name, table]))
    this.stage = createNormaliseStage(spec, { number: 1, keys: this.keys, tables: this.#tables })
    this.#input = createBatch(spec.fields, 64)
  }

  get input (): Batch { return this.#input }

  /** One batch of consecutive readings, the first at `position`. */
  feed (readings: readonly Reading[], position = 0): Row[] {
    const input = this.#input
    input.bytes = Buffer.from(readings.map((_, row) => `\0\0\0\0\x07${String(position + row).padStart(5)}`).join(''))
    for (const column of input.columns) if (column.kind === 'text') column.dictionary.clear()
    readings.forEach((reading, row) => {
      input.key[row] = this.keys.internText(reading.key)
      input.at[row] = reading.at
      input.arrival[row] = reading.arrival
      input.position[row] = position + row
      input.valueStart[row] = row * 10
      input.valueEnd[row] = row * 10 + 10
      input.columns.forEach(column => { write(column, row, reading.fields[column.name] ?? null) })
    })
    input.count = readings.length
    const batch = this.stage.process(input, this.out, this.#live ? (at, content) => { this.journal.push({ position: at, ...content }) } : null)
    this.last = batch
    return Array.from({ length: batch.count }, (_, row) => ({
      position: batch.position[row]!, key: this.keys.text(batch.key[row]!), at: batch.at[row]!,
      signals: Object.fromEntries(batch.columns.map(column => [column.name, cell(column, row)])),
    }))
  }

  /** Drop everything but the snapshot. */
  restart (): void {
    const [keys, state] = [this.keys.snapshot(), this.stage.snapshot()]
    this.keys = new KeyTable(1 << 16)
    this.keys.restore(keys)
    this.stage = createNormaliseStage(this.spec, { number: 1, keys: this.keys, tables: this.#tables })
    this.stage.restore(state)
    this.#input = createBatch(this.spec.fields, 64)
  }
}

function write (column: Batch['columns'][number], row: number, value: unknown): void {
  column.known[row] = value === null ? 0 : 1
  switch (column.kind) {
    case 'number': column.values[row] = value === null ? Number.NaN : value as number; break
    case 'bool': column.values[row] = value === true ? 1 : 0; break
    case 'text': column.values[row] = value === null ? 0 : column.dictionary.internText(value as string); break
    case 'value': column.values[row] = value
  }
}
