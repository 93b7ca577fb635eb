import { chunksInsert } from './chunk-rows.ts'
import { alertByDayStatement, alertStatement } from './event-rows.ts'
import { keyStatements } from './key-rows.ts'
import { deadLetterStatement, lateStatement } from './letter-rows.ts'
import { positionStatement } from './positions.ts'
import { fieldsInsert } from './field-rows.ts'
import { readingsInsert } from './reading-rows.ts'
import { rollupStatements } from './rollup-rows.ts'
import type { CassandraSession } from './session.ts'
import type { Statement } from './staged.ts'
import { prepare, type StatementText } from './statements.ts'
import type { LakeTables } from './tables.ts'

/** Everything that a writer says, prepared. */
export interface LakeStatements {
  readonly readings: Statement | null
  readonly chunks: Statement | null
  /** In the order of the tables. */
  readonly raw: readonly Statement[]
  readonly rollups: readonly { readonly table: string, readonly insert: Statement, readonly remove: Statement }[]
  readonly keys: readonly Statement[]
  readonly alerts: Statement
  readonly alertsByDay: Statement
  readonly deadLetters: Statement
  readonly late: Statement
  readonly positions: Statement
}

/** Errors: as `lakeError` says */
export async function prepareStatements ({ client }: CassandraSession, tables: LakeTables): Promise<LakeStatements> {
  const { keyspace, readings, chunks, raw, rollups, keys, alerts, alertsByDay, deadLetters, late, offsets } = tables
  const of = (text: StatementText) => prepare(client, text)
  return {
    readings: readings && await of(readingsInsert(keyspace, readings)),
    chunks: chunks && await of(chunksInsert(keyspace, chunks)),
    raw: await Promise.all(raw.map(table => of(fieldsInsert(keyspace, table)))),
    rollups: await Promise.all(rollups.map(async table => {
      const [insert, remove] = rollupStatements(keyspace, table)
      return { table: table.name, insert: await of(insert), remove: await of(remove) }
    })),
    // Without labels there is nothing to write of them.
    keys: await Promise.all(keyStatements(keyspace, keys).slice(0, keys.labels.length === 0 ? 2 : 3).map(of)),
    alerts: await of(alertStatement(keyspace, alerts)),
    alertsByDay: await of(alertByDayStatement(keyspace, alertsByDay)),
    deadLetters: await of(deadLetterStatement(keyspace, deadLetters)),
    late: await of(lateStatement(keyspace, late)),
    positions: await of(positionStatement(keyspace, offsets)),
  }
}
