import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeReadings } from '../../pipelines/core/lake-ports.ts'
import type { BucketNames } from './buckets.ts'
import { KeyGroups } from './groups.ts'
import { rowBytesMax, timeMax } from './reading-rows.ts'
import type { Refusal } from './refusal.ts'
import { type Statement, StagedRows } from './staged.ts'
import { insertOf, type StatementText } from './statements.ts'
import type { RawTable } from './tables.ts'

/** A record's value with its prefix as the contract has it: longs as bigint, bytes as Uint8Array, unions as the bare value. Errors: throws for one that it cannot read */
export type DecodeFields = (value: Uint8Array) => Readonly<Record<string, unknown>>

export function fieldsInsert (keyspace: string, table: RawTable): StatementText {
  const { key, bucket, at, partition, offset, arrived_at: arrivedAt } = table.column
  return insertOf(keyspace, table, [key, bucket, at, partition, offset, arrivedAt, ...table.fields])
}

/**
 * The contract's fields of readings as rows, beside those of the readings. An object is made for each: whoever wants them has said so.
 *
 * Units: written as of the task's highest arrival at the reading
 */
export class FieldRows {
  readonly rows: StagedRows
  readonly #groups: KeyGroups
  readonly #table: RawTable
  readonly #decode: DecodeFields

  constructor (table: RawTable, statement: Statement, decode: DecodeFields) {
    this.rows = new StagedRows(table.name, [statement])
    this.#groups = new KeyGroups(this.rows)
    this.#table = table
    this.#decode = decode
  }

  add ({ topic, partition, batch, keys }: LakeReadings, names: ReadonlyMap<string, BucketNames>, refused: (refusal: Refusal) => void): void {
    const { rows } = this
    const buckets = names.get(this.#table.name)!
    const { cells } = rows
    const origin = rows.addOrigin({ topic, partition })
    const { count, key, at, arrival, arrivalClock, position, bytes, valueStart, valueEnd } = batch
    for (let row = 0; row < count; row += 1) {
      const from = cells.used
      const group = Math.abs(at[row]!) <= timeMax ? this.#groups.of(keys, key[row]!, buckets.of(at[row]!)) : -1
      // The reading's own row says so.
      if (group < 0) continue
      const value = bytes.subarray(valueStart[row], valueEnd[row])
      cells.whole(at[row]!)
      cells.int(partition)
      cells.whole(position[row]!)
      cells.whole(arrival[row]!)
      const why = this.#fields(value)
      cells.stamp(arrivalClock[row]!)
      if (why === null && cells.used - from <= rowBytesMax) {
        rows.add(group, 0, origin, position[row]!, arrival[row]!)
        continue
      }
      cells.used = from
      refused({ table: this.#table.name, key: keys.bytes(key[row]!), value, why: why ?? `the row has more than ${rowBytesMax} bytes`, arrival: arrival[row]!, source: { topic, partition, offset: position[row]! } })
    }
  }

  clear (): void {
    this.rows.clear()
    this.#groups.clear()
  }

  /** Null: all of them are written. */
  #fields (value: Uint8Array): string | null {
    try {
      const record = this.#decode(value)
      for (const { field, encode } of this.#table.fields) {
        const given = record[field]
        if (given === null || given === undefined) this.rows.cells.unset()
        else this.rows.cells.blob(encode(given))
      }
      return null
    } catch (error) {
      return error instanceof StreamError ? `${error.details.field}: ${error.details.why}` : (error as Error).message
    }
  }
}
