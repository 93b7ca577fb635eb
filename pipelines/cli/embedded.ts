import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { type EmbeddedLog, openEmbeddedLog } from '../../connectors/embedded/log.ts'
import type { SchemaCatalogue } from '../../connectors/registry/catalogue.ts'
import { cataloguePort } from '../../connectors/registry/port.ts'
import type { Profile } from '../define/profile.ts'
import { embeddedContracts } from './contracts.ts'
import { embeddedCatalogue, followedRegistry } from './embedded-schemas.ts'
import { CliError } from './exit.ts'
import type { Reader, System, Target } from './system.ts'

export interface Embedded extends System { readonly log: EmbeddedLog, readonly catalogue: SchemaCatalogue }

interface EmbeddedFacts extends Partial<Pick<Target, 'keyspace' | 'cassandra'>> { readonly profile?: Profile }

/** The embedded log of a data folder, and the lake there unless Cassandra has it. */
export function embeddedTarget (data: string, { profile: { variables = {}, topics } = {}, keyspace = null, cassandra = null }: EmbeddedFacts = {}): Target {
  return {
    kind: 'embedded', folder: '.', variables, describe: 'embedded', keyspace, cassandra, partitions: topics?.partitions ?? null,
    contracts: embeddedContracts(data),
    open: async folder => ({ ...await openEmbedded(folder), cassandra }),
    openReader: () => openReader(data),
    openLog: async () => (await openReader(data)).log,
  }
}

/** The embedded log and registry of a data folder, for the one process that writes. Errors: LOG_LOCKED */
export async function openEmbedded (folder: string): Promise<Embedded> {
  const log = await openEmbeddedLog({ folder: join(folder, 'log'), clock: machineClock })
  const catalogue = await embeddedCatalogue(log)
  return { log, registry: cataloguePort(catalogue), catalogue, clock: machineClock, lakeFile: join(folder, 'lake.duckdb') }
}

/** The same for reading beside a running pipeline. */
export async function openReader (folder: string): Promise<Reader> {
  const log = await openEmbeddedLog({ folder: join(pipelineFolder(folder), 'log'), clock: machineClock, readOnly: true })
  return { log, registry: await followedRegistry(log) }
}

/** The folder itself, or the only pipeline's folder in it. */
export function pipelineFolder (folder: string): string {
  if (existsSync(join(folder, 'log'))) return folder
  const found = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder).filter(name => !name.startsWith('.') && existsSync(join(folder, name, 'log'))) : []
  if (found.length === 1) return join(folder, found[0]!)
  if (found.length === 0) throw new CliError('external', `Cannot find a log: folder=${JSON.stringify(folder)}; start a pipeline with \`millrace dev\`, name its folder with --data, or a cluster with --profile`)
  throw new CliError('usage', `Cannot choose between pipelines: name one with --data ${found.map(name => join(folder, name)).join(' or ')}`)
}
