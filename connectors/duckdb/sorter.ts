import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { type Column, type ColumnSpec, createColumn } from '../../pipelines/core/batch.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import type { LakeReadingRows } from '../../pipelines/core/lake-ports.ts'
import { BlockBuilder, BufferPool } from './block.ts'
import { ChunkFiller, LongTextStore, plainShape } from './chunk.ts'
import { type CellType, cellTypeOf, type TableColumn } from './tables.ts'

/** Readings of one task in the order of the log. `key[row]` is the key's text. */
export interface SortedReadings { readonly count: number, readonly key: readonly string[], readonly at: Float64Array, readonly arrival: Float64Array, readonly offset: Float64Array, readonly columns: readonly Column[] }
export interface SortedTask { readonly source: string, readonly partition: number, readonly rows: number, /** First and last offset. */ readonly first: number, readonly last: number }

const rowColumns: readonly TableColumn[] = [
  { name: 'key', type: 'text' }, { name: 'source', type: 'text' }, { name: 'at', type: 'double' }, { name: 'arrival', type: 'double' }, { name: 'partition', type: 'integer' }, { name: 'offset', type: 'double' },
]
const sqlTypes: Readonly<Record<CellType, string>> = { text: 'VARCHAR', blob: 'BLOB', double: 'DOUBLE', stamp: 'DOUBLE', moment: 'DOUBLE', integer: 'INTEGER', bigint: 'DOUBLE', bool: 'BOOLEAN' }
const firstSignal = rowColumns.length
const keysMax = 1 << 16

/**
 * Brings readings that come device by device back into the order in which they came, task by task: the inverse of what a lake does.
 *
 * Shape:  add..., then tasks, then sorted of each task
 * State:  a database in memory, and beyond `memoryMax` in a temporary folder that `close` deletes
 */
export class ReadingSorter {
  readonly #signals: readonly ColumnSpec[]
  readonly #folder: string
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #types: readonly CellType[]
  readonly #filler: ChunkFiller
  readonly #pool = new BufferPool(4)
  #appender: DuckDBAppender | null = null
  #keys = new KeyTable(keysMax)

  static async open (signals: readonly ColumnSpec[], { memoryMax = '1GB' }: { readonly memoryMax?: string } = {}): Promise<ReadingSorter> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-sort-'))
    const instance = await DuckDBInstance.create(':memory:', { memory_limit: memoryMax, temp_directory: folder, preserve_insertion_order: 'false' })
    const sorter = new ReadingSorter(signals, folder, instance, await instance.connect())
    const columns = [...rowColumns, ...sorter.#signalColumns()]
    await sorter.#connection.run(`CREATE TABLE readings (${columns.map(({ name, type }) => `"${name}" ${sqlTypes[type]}`).join(', ')})`)
    return sorter
  }

  private constructor (signals: readonly ColumnSpec[], folder: string, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#signals = signals
    this.#folder = folder
    this.#instance = instance
    this.#connection = connection
    const columns = [...rowColumns, ...this.#signalColumns()]
    this.#types = columns.map(({ type }) => type)
    this.#filler = new ChunkFiller(plainShape(columns), new LongTextStore())
  }

  /** `columns` are the signals, in their order. */
  async add ({ key, source, count, at, arrival, partition, offset, columns }: LakeReadingRows): Promise<void> {
    if (count === 0) return
    this.#appender ??= await this.#connection.createAppender('readings')
    if (this.#keys.size >= keysMax - 1) this.#keys = new KeyTable(keysMax)
    const block = new BlockBuilder(count, this.#types, this.#pool)
    block.texts(new Int32Array(count).fill(this.#keys.internText(key)), this.#keys)
    block.text(source)
    block.doubles(at)
    block.doubles(arrival)
    block.integers(partition)
    block.doubles(offset)
    for (const column of columns) block.column(column)
    const built = block.finish()
    this.#filler.append(this.#appender, built)
    this.#pool.give(built.buffer)
  }

  async tasks (): Promise<readonly SortedTask[]> {
    this.#appender?.closeSync()
    this.#appender = null
    const reader = await this.#connection.runAndReadAll('SELECT source, "partition", count(*), min("offset"), max("offset") FROM readings GROUP BY ALL ORDER BY source, "partition"')
    return reader.getRows().map(([source, partition, rows, first, last]) => ({ source: String(source), partition: Number(partition), rows: Number(rows), first: Number(first), last: Number(last) }))
  }

  async * sorted ({ source, partition }: Pick<SortedTask, 'source' | 'partition'>): AsyncGenerator<SortedReadings> {
    const connection = await this.#instance.connect()
    try {
      const result = await connection.stream('SELECT * FROM readings WHERE source = $1 AND "partition" = $2 ORDER BY "offset"', [source, partition])
      for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
        const cells = (index: number) => chunk!.getColumnValues(index)
        const numbers = (index: number) => Float64Array.from(cells(index) as number[])
        yield { count: chunk.rowCount, key: cells(0) as string[], at: numbers(2), arrival: numbers(3), offset: numbers(5), columns: this.#signals.map((signal, index) => columnOf(signal, cells(firstSignal + index))) }
      }
    } finally {
      connection.closeSync()
    }
  }

  close (): void {
    this.#appender?.closeSync()
    this.#connection.closeSync()
    this.#instance.closeSync()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #signalColumns (): readonly TableColumn[] { return this.#signals.map(({ kind }, index) => ({ name: `s${index}`, type: cellTypeOf(kind) })) }
}

function columnOf (spec: ColumnSpec, cells: readonly unknown[]): Column {
  const column = createColumn(spec, cells.length)
  cells.forEach((cell, row) => {
    column.known[row] = cell === null ? 0 : 1
    if (column.kind === 'text') column.values[row] = cell === null ? 0 : column.dictionary.internText(cell as string)
    else if (column.kind === 'value') column.values[row] = cell === null ? null : JSON.parse(cell as string)
    else column.values[row] = cell === null ? Number.NaN : Number(cell)
  })
  return column
}
