import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RegistryPort } from '../core/ports.ts'
import type { ContractResolver } from '../define/contracts.ts'

/** Contracts written as `subject@version`, from an open registry. */
export function registryContracts (registry: RegistryPort): ContractResolver {
  return async (subject, version) => {
    if (version === 'latest') return registry.latest(subject)
    const found = await registry.version(subject, version)
    return found === null ? null : { version, schema: found.schema }
  }
}

/**
 * The same from the registries of the pipelines in a data folder, asked in order of their names. Nothing is opened before a
 * definition asks.
 */
export function embeddedContracts (data = process.env.MILLRACE_DATA ?? '.millrace'): ContractResolver {
  return async (subject, version) => {
    const folders = existsSync(data) ? [data, ...readdirSync(data).sort().map(name => join(data, name))].filter(folder => existsSync(join(folder, 'log'))) : []
    for (const folder of folders) {
      const { openReader } = await import('./embedded.ts')
      const { log, registry } = await openReader(folder)
      try {
        const found = await registryContracts(registry)(subject, version)
        if (found !== null) return found
      } finally {
        await log.close()
      }
    }
    return null
  }
}
