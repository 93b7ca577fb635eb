import type { DeadLetter } from '../../schemas/dead-letter.ts'
import type { LateReading } from '../../schemas/late-reading.ts'
import { bucketText } from './buckets.ts'
import { TextGroups } from './groups.ts'
import { rowBytesMax, timeMax } from './reading-rows.ts'
import { type Statement, StagedRows } from './staged.ts'
import { insertOf, type StatementText } from './statements.ts'
import { dayShards, type LakeTables, shardOf } from './tables.ts'

type Source = DeadLetter['source']

export function deadLetterStatement (keyspace: string, table: LakeTables['deadLetters']): StatementText {
  const { day, shard, arrived_at: arrivedAt, topic, partition, offset, step, reason, message, schema_id: schemaId, key, value, headers } = table.column
  return insertOf(keyspace, table, [day, shard, arrivedAt, topic, partition, offset, step, reason, message, schemaId, key, value, headers])
}
export function lateStatement (keyspace: string, table: LakeTables['late']): StatementText {
  const { day, shard, arrived_at: arrivedAt, topic, partition, offset, window, key, at, value } = table.column
  return insertOf(keyspace, table, [day, shard, arrivedAt, topic, partition, offset, window, key, at, value])
}

/**
 * Dead letters and late readings as rows. What is too large for a row is left out of it, never the row: a letter is what is left of a record.
 *
 * Units: written as of its arrival
 */
export class LetterRows {
  readonly rows: StagedRows
  readonly #groups: TextGroups

  constructor (table: string, statement: Statement) {
    this.rows = new StagedRows(table, [statement])
    this.#groups = new TextGroups(this.rows)
  }

  addDeadLetter ({ step, reason, message, arrival, schemaId, key, value, headers, source }: DeadLetter): void {
    const { cells } = this.rows
    const headersText = headers.length === 0 ? null : JSON.stringify(headers.map(([name, bytes]) => [name, bytes === null ? null : Buffer.from(bytes).toString('hex')]))
    this.#row(arrival, source, () => {
      cells.text(step)
      cells.text(reason)
      cells.text(message)
      if (schemaId === null) cells.unset()
      else cells.int(schemaId)
      this.#fitting(key)
      this.#fitting(value)
      this.#fitting(headersText === null ? null : Buffer.from(headersText))
    })
  }

  addLate ({ window, key, at, arrival, value, source }: LateReading): void {
    const { cells } = this.rows
    this.#row(arrival, source, () => {
      cells.text(window)
      cells.text(key)
      cells.whole(at)
      this.#fitting(value)
    })
  }

  clear (): void {
    this.rows.clear()
    this.#groups.clear()
  }

  #row (arrival: number, source: Source, write: () => void): void {
    const { rows } = this
    const { topic, partition, offset } = source
    // A log may have any number for an arrival; the day is only where to look for it.
    const day = bucketText(Math.max(-timeMax, Math.min(timeMax, arrival)), 'day')
    const shard = shardOf(`${topic}/${partition}/${offset}`, dayShards)
    const group = this.#groups.of(`${shard}/${day}`, cells => { cells.text(day); cells.int(shard) })
    rows.cells.whole(arrival)
    rows.cells.text(topic)
    rows.cells.int(partition)
    rows.cells.whole(offset)
    write()
    rows.cells.stamp(arrival)
    rows.add(group, 0, rows.addOrigin({ topic, partition }), offset, arrival)
  }

  #fitting (value: Uint8Array | null): void {
    const { cells } = this.rows
    if (value === null || value.length > rowBytesMax / 4) cells.unset()
    else cells.blob(value)
  }
}
