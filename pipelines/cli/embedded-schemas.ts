import { machineClock } from '../../connectors/embedded/clock.ts'
import type { EmbeddedLog } from '../../connectors/embedded/log.ts'
import { embeddedRegistry } from '../../connectors/embedded/registry.ts'
import { SchemaCatalogue } from '../../connectors/registry/catalogue.ts'
import { logStore, schemasTopic } from '../../connectors/registry/log-store.ts'
import { cataloguePort } from '../../connectors/registry/port.ts'
import type { RegistryPort } from '../core/ports.ts'

/** The registry of an embedded log, for the one process that writes. What version 0.1.0 kept beside the log moves into it, under its ids. */
export async function embeddedCatalogue (log: EmbeddedLog): Promise<SchemaCatalogue> {
  const store = logStore({ log, clock: machineClock })
  const catalogue = await SchemaCatalogue.open(store)
  if (catalogue.all({ deleted: true }).length > 0) return catalogue
  const before = embeddedRegistry(log)
  const changes = []
  for (const subject of await before.subjects()) {
    for (let version = 1, found = await before.version(subject, version); found !== null; version += 1, found = await before.version(subject, version)) {
      changes.push({ kind: 'schema', subject, version, id: found.id, schema: found.schema, references: [], deleted: false } as const)
    }
  }
  if (changes.length === 0) return catalogue
  await store.append(changes)
  return SchemaCatalogue.open(store)
}

/**
 * The same for reading beside the process that writes: what is not known is looked up in the log anew.
 *
 * Errors: LOG_READ_ONLY when something is registered
 */
export async function followedRegistry (log: EmbeddedLog): Promise<RegistryPort> {
  const open = async () => await log.topic(schemasTopic) === null ? embeddedRegistry(log) : cataloguePort(await SchemaCatalogue.open(logStore({ log, clock: machineClock })))
  let port = await open()
  const fresh = async () => { port = await open(); return port }
  return {
    byId: async id => await port.byId(id) ?? (await fresh()).byId(id),
    byGuid: async guid => await port.byGuid(guid) ?? (await fresh()).byGuid(guid),
    register: async (subject, avro) => (await fresh()).register(subject, avro),
    conflicts: async (subject, avro) => (await fresh()).conflicts(subject, avro),
    latest: async subject => (await fresh()).latest(subject),
    version: async (subject, version) => (await fresh()).version(subject, version),
    subjects: async () => (await fresh()).subjects(),
  }
}
