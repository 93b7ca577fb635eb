import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** File of the embedded lake: in the pipeline's folder, which may itself be what was named. */
export function lakeFileOf (data: string, pipeline: string, folder: string): string {
  const named = join(data, 'lake.duckdb')
  return existsSync(named) ? named : resolve(data, pipeline, folder, 'lake.duckdb')
}
