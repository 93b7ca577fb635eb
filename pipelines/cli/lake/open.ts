import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { LakeReaderPort } from '../../core/lake-ports.ts'
import { compileDefinition } from '../../define/compile.ts'
import { loadDefinition } from '../../define/load.ts'
import { CliError } from '../exit.ts'
import { layoutOf } from '../lake-layout.ts'
import { openLakeReaderOf } from '../lake-of.ts'
import type { TargetOptions } from '../options.ts'
import { exportVariables, targetOf } from '../target.ts'

/**
 * The lake of a definition, to read, until `use` has settled.
 *
 * Errors: those of the definition, LAKE_CONFIG, LAKE_LOCKED while a process writes an embedded one, and those of the lake
 */
export async function withLake (path: string, options: TargetOptions, use: (reader: LakeReaderPort) => Promise<void>): Promise<void> {
  const target = await targetOf(options, { definition: path })
  exportVariables(target.variables)
  const loaded = await loadDefinition(path, { contracts: target.contracts, variables: target.variables })
  const definition = target.keyspace === null || loaded.lake === undefined ? loaded : { ...loaded, lake: { ...loaded.lake, keyspace: target.keyspace } }
  const pipeline = compileDefinition(definition)
  if (pipeline.lake === null) throw new CliError('config', `Cannot ask the lake: the definition has none; definition=${JSON.stringify(path)}`)
  const reader = await openLakeReaderOf({ lakeFile: lakeFileOf(options.data, pipeline.name, target.folder), cassandra: target.cassandra }, layoutOf(pipeline))
  try {
    await use(reader)
  } finally {
    await reader.close()
  }
}

/** In the pipeline's folder, which may itself be what was named. */
function lakeFileOf (data: string, pipeline: string, folder: string): string {
  const named = join(data, 'lake.duckdb')
  return existsSync(named) ? named : resolve(data, pipeline, folder, 'lake.duckdb')
}
