import type { LakeReaderPort } from '../../core/lake-ports.ts'
import { CliError } from '../exit.ts'
import { lakeFileOf } from '../lake-file.ts'
import { layoutOf } from '../lake-layout.ts'
import { openLakeReaderOf } from '../lake-of.ts'
import type { TargetOptions } from '../options.ts'
import { pipelineOf } from '../pipeline-of.ts'

/**
 * The lake of a definition, to read, until `use` has settled.
 *
 * Errors: those of the definition, LAKE_CONFIG, LAKE_LOCKED while a process writes an embedded one, and those of the lake
 */
export async function withLake (path: string, options: TargetOptions, use: (reader: LakeReaderPort) => Promise<void>): Promise<void> {
  const { target, pipeline } = await pipelineOf(path, options)
  if (pipeline.lake === null) throw new CliError('config', `Cannot ask the lake: the definition has none; definition=${JSON.stringify(path)}`)
  const reader = await openLakeReaderOf({ lakeFile: lakeFileOf(options.data, pipeline.name, target.folder), cassandra: target.cassandra }, layoutOf(pipeline))
  try {
    await use(reader)
  } finally {
    await reader.close()
  }
}
