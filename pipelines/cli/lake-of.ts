import { cassandraSettings, type CassandraSettings } from '../../connectors/cassandra/config.ts'
import type { LakeLayout, LakePort, LakePositionsPort, LakeReaderPort } from '../core/lake-ports.ts'
import { type KnownSchemas, rawDecode } from './raw-decode.ts'
import type { LakePlace } from './system.ts'

/**
 * The lake of a pipeline, to write: in Cassandra where somebody named one, else in a file of the pipeline's folder.
 *
 * `schemas`: for `lake.raw.fields`, filled by the leg while it reads.
 *
 * Errors: LAKE_CONFIG, and those of the lake
 */
export async function openLakeOf (place: LakePlace, layout: LakeLayout, schemas: KnownSchemas = new Map()): Promise<LakePort> {
  const settings = cassandraOf(place)
  if (settings !== null) {
    const { openCassandraLakeSometime } = await import('../../connectors/cassandra/late.ts')
    return openCassandraLakeSometime({ settings, layout, decodeRaw: contract => rawDecode(contract, schemas) })
  }
  const { openLake } = await import('../../connectors/duckdb/lake.ts')
  return openLake({ file: place.lakeFile, layout })
}

/**
 * The lake of a pipeline, to read.
 *
 * Errors: LAKE_LOCKED while a process writes an embedded one, LAKE_CONFIG, and those of the lake
 */
export async function openLakeReaderOf (place: LakePlace, layout: LakeLayout): Promise<LakeReaderPort> {
  const settings = cassandraOf(place)
  if (settings !== null) {
    const { openCassandraReader } = await import('../../connectors/cassandra/reader.ts')
    return openCassandraReader({ settings, layout })
  }
  const { openDuckReader } = await import('../../connectors/duckdb/lake-reader.ts')
  return openDuckReader({ file: place.lakeFile, layout })
}

/**
 * How far the lake of a pipeline is, to look: its tables stay as they are.
 *
 * Errors: LAKE_LOCKED while a process writes an embedded one, LAKE_CONFIG, and those of the lake
 */
export async function openLakePositionsOf (place: LakePlace, layout: LakeLayout): Promise<LakePositionsPort> {
  const settings = cassandraOf(place)
  if (settings !== null) return (await import('../../connectors/cassandra/positions-reader.ts')).openCassandraPositions({ settings, layout })
  return (await import('../../connectors/duckdb/positions-reader.ts')).openDuckPositions({ file: place.lakeFile, layout })
}

/** Null: the lake is embedded. Errors: LAKE_CONFIG */
export function cassandraOf ({ cassandra = null }: LakePlace): CassandraSettings | null {
  return cassandra === null ? null : cassandraSettings(cassandra)
}
