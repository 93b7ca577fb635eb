import type { LakeLayout, LakePositionsPort } from '../../pipelines/core/lake-ports.ts'
import type { CassandraSettings } from './config.ts'
import { openSession } from './session.ts'
import { qualified } from './table.ts'
import { lakeTables } from './tables.ts'

/**
 * The positions of a pipeline as its lake in Cassandra has them.
 *
 * Errors: LAKE_UNREACHABLE, LAKE_DENIED, LAKE_CONFIG, and as `lakeError` says
 */
export async function openCassandraPositions ({ settings, layout }: { readonly settings: CassandraSettings, readonly layout: LakeLayout }): Promise<LakePositionsPort> {
  const { keyspace, pipeline, offsets } = lakeTables(layout)
  const session = await openSession(settings)
  try {
    const isThere = (await session.execute('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?', [keyspace, offsets.name])).rowLength > 0
    const select = `SELECT offset, metadata FROM ${qualified(keyspace, offsets.name)} WHERE pipeline = ? AND topic = ? AND partition = ?`
    return {
      async committed (topic, partition) {
        const row = isThere ? (await session.execute(select, [pipeline, topic, partition])).first() : null
        return row && { offset: Number(row.offset), metadata: String(row.metadata) }
      },
      close: () => session.close(),
    }
  } catch (error) {
    await session.close()
    throw error
  }
}
