import { existsSync, realpathSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeLayout, LakePositionsPort } from '../../pipelines/core/lake-ports.ts'
import { lakeError } from './database.ts'
import { isOpenHere } from './file.ts'
import { InstanceScans } from './scans.ts'
import { presentTables } from './table-stats.ts'
import { lakeTables } from './tables.ts'

/**
 * The positions of a pipeline as its embedded lake has them, read at once. A lake that is not there yet has none.
 *
 * Errors: LAKE_LOCKED while a process writes it, LAKE_DAMAGED
 */
export async function openDuckPositions ({ file, layout }: { readonly file: string, readonly layout: LakeLayout }): Promise<LakePositionsPort> {
  const found = existsSync(file) ? await positionsIn(file, layout) : new Map()
  return { committed: async (topic, partition) => found.get(`${partition}/${topic}`) ?? null, close: async () => {} }
}

async function positionsIn (file: string, layout: LakeLayout): Promise<Map<string, { readonly offset: number, readonly metadata: string }>> {
  if (isOpenHere(realpathSync(file))) throw new StreamError('LAKE_LOCKED', { file, pid: process.pid })
  let scans: InstanceScans
  try {
    scans = new InstanceScans(await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' }), file)
  } catch (cause) {
    throw lakeError(cause, { file })
  }
  try {
    const { offsets } = lakeTables(layout)
    if (!(await presentTables(scans)).has(offsets.name)) return new Map()
    const rows = await scans.rows(`SELECT pipeline, topic, "partition", "offset", metadata FROM ${offsets.name}`)
    return new Map(rows.filter(([pipeline]) => pipeline === layout.pipeline).map(([, topic, partition, offset, metadata]) => [`${Number(partition)}/${String(topic)}`, { offset: Number(offset), metadata: String(metadata) }]))
  } finally {
    await scans.close()
  }
}
