import type { Step } from '../../connectors/cassandra/plan.ts'
import type { CassandraSession } from '../../connectors/cassandra/session.ts'
import type { LakeTables } from '../../connectors/cassandra/tables.ts'
import type { LakeLayout } from '../core/lake-ports.ts'
import { CliError } from './exit.ts'
import { layoutOf } from './lake-layout.ts'
import { cassandraOf } from './lake-of.ts'
import type { TargetOptions } from './options.ts'
import { pipelineOf } from './pipeline-of.ts'
import { put } from './talk.ts'

/** A lake in Cassandra, with what would change in it; or an embedded one, whose tables its pipeline makes. */
export type LakeMigration =
  | { readonly kind: 'cassandra', readonly session: CassandraSession, readonly tables: LakeTables, readonly steps: readonly Step[], /** For people. */ readonly where: string }
  | { readonly kind: 'embedded', readonly layout: LakeLayout }

/**
 * Plan the tables of a definition's lake, and hand the plan to `use` while the session is open.
 *
 * Errors: those of the definition and of the lake
 */
export async function withMigration (path: string, options: TargetOptions, use: (migration: LakeMigration) => Promise<void>): Promise<void> {
  const { target, pipeline } = await pipelineOf(path, options)
  if (pipeline.lake === null) throw new CliError('config', `Cannot plan a lake: the definition has none; definition=${JSON.stringify(path)}`)
  const layout = layoutOf(pipeline)
  const settings = cassandraOf({ lakeFile: '', cassandra: target.cassandra })
  if (settings === null) return use({ kind: 'embedded', layout })
  const [{ openSession }, { lakeTables }, { lakePlan }] = await Promise.all([import('../../connectors/cassandra/session.ts'), import('../../connectors/cassandra/tables.ts'), import('../../connectors/cassandra/migrate.ts')])
  const tables = lakeTables(layout)
  const session = await openSession(settings)
  try {
    const where = `Cassandra at ${settings.contactPoints.map(({ host, port }) => `${host}:${port}`).join(',')}, data centre ${settings.localDataCenter}, keyspace ${layout.keyspace}`
    await use({ kind: 'cassandra', session, tables, steps: await lakePlan(session, tables), where })
  } finally {
    await session.close()
  }
}

/** As a file that cqlsh runs. */
export async function printSteps (steps: readonly Step[]): Promise<void> {
  for (const { id, what, cql } of steps) await put(`-- ${id}: ${what}\n${cql};\n\n`)
}

/** The tables of an embedded lake, which nobody has to plan. */
export async function printEmbedded (layout: LakeLayout): Promise<void> {
  const { lakeTables } = await import('../../connectors/duckdb/tables.ts')
  await put('-- The lake is a file in the data folder: its pipeline makes the tables itself when it starts.\n')
  for (const sql of lakeTables(layout).create) if (!sql.startsWith('CREATE TEMP')) await put(`${sql};\n`)
}
