import { type Client, types } from 'cassandra-driver'
import type { LakeRow } from '../../pipelines/core/lake-ports.ts'

/** All rows of a query, with values as the embedded lake gives them: times as milliseconds, whole numbers as numbers, maps as JSON. */
export async function plainRows (client: Client, cql: string): Promise<LakeRow[]> {
  const rows: LakeRow[] = []
  for await (const row of client.stream(cql, [], { prepare: true, fetchSize: 5_000 }) as unknown as AsyncIterable<types.Row>) {
    rows.push(Object.fromEntries(row.keys().map(name => [name, plain(row[name])])))
  }
  return rows
}

function plain (value: unknown): LakeRow[string] {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.getTime()
  if (value instanceof types.Long) return value.toNumber()
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  return typeof value === 'object' ? JSON.stringify(value) : value as string | number | boolean
}
