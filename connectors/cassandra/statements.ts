import type { Client } from 'cassandra-driver'
import { prepared } from './driver.ts'
import { lakeError } from './errors.ts'
import type { Statement } from './staged.ts'
import { identifier, type LakeTable, qualified } from './table.ts'

/** A statement before it is prepared; of the values the first `lead` stand before the partition key's. */
export interface StatementText { readonly cql: string, readonly values: number, readonly leadBytes: number }

/** Bytes of a write timestamp among the values. */
const stampBytes = 4 + 8

/** Writes the columns given, those of the key first, with a write timestamp behind them. */
export function insertOf (keyspace: string, table: LakeTable, columns: readonly { readonly name: string }[]): StatementText {
  const names = columns.map(({ name }) => identifier(name))
  return { cql: `INSERT INTO ${qualified(keyspace, table.name)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) USING TIMESTAMP ?`, values: names.length + 1, leadBytes: 0 }
}

/** Removes a row as of a write timestamp, which stands before the key. */
export function deleteOf (keyspace: string, table: LakeTable, key: readonly { readonly name: string }[]): StatementText {
  const where = key.map(({ name }) => `${identifier(name)} = ?`).join(' AND ')
  return { cql: `DELETE FROM ${qualified(keyspace, table.name)} USING TIMESTAMP ? WHERE ${where}`, values: key.length + 1, leadBytes: stampBytes }
}

/** Errors: as `lakeError` says */
export async function prepare (client: Client, { cql, values, leadBytes }: StatementText): Promise<Statement> {
  try {
    return { id: await prepared(client, cql), values, leadBytes }
  } catch (error) {
    throw lakeError(error, { cql: cql.slice(0, cql.indexOf(' (')) })
  }
}
