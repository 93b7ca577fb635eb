import { type DuckDBValue, DuckDBBlobValue, DuckDBTimestampMillisecondsValue, DuckDBTimestampValue } from '@duckdb/node-api'
import type { LakeRow } from '../../pipelines/core/lake-ports.ts'

/** A row as plain JavaScript: times as milliseconds since the epoch, whole numbers as numbers, anything else as its text. */
export function plainRow (row: Readonly<Record<string, DuckDBValue>>): LakeRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]))
}

function plain (value: DuckDBValue): LakeRow[string] {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof DuckDBTimestampMillisecondsValue) return Number(value.millis)
  if (value instanceof DuckDBTimestampValue) return Number(value.micros) / 1_000
  if (value instanceof DuckDBBlobValue) return value.bytes
  return String(value)
}
