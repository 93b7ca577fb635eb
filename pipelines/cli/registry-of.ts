import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { RegistryPort } from '../core/ports.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'

export interface RegistryOptions extends TargetOptions { readonly registry?: string }
export interface OpenRegistry { readonly registry: RegistryPort, /** For people. */ readonly where: string, close (): Promise<void> }

const formOption = () => new Option('--output <form>', 'how to print').choices(['table', 'json']).default('table')

/** The options that say which registry a verb asks. */
export function addRegistryOptions (command: Command): Command {
  return addTargetOptions(command.option('--registry <url>', 'the registry; else that of the profile, -X or SCHEMA_REGISTRY_URL, else the data folder\'s')).addOption(formOption())
}

/**
 * The registry that is named, or that of the data folder. `definition` is the file beside which profiles may lie; `writes` says that
 * something is to be registered.
 *
 * Errors: REGISTRY_CONFIG, PROFILE_INVALID; for a data folder LOG_LOCKED, and an error of exit 69 where there is none to read
 */
export async function openRegistry (options: RegistryOptions, { definition, writes = false }: { readonly definition?: string, readonly writes?: boolean } = {}): Promise<OpenRegistry> {
  const config = await configOf(options, definition)
  if (config !== null) {
    const [{ registryClient }, { machineClock }] = await Promise.all([import('../../connectors/registry/public.ts'), import('../../connectors/embedded/clock.ts')])
    return { registry: registryClient({ ...config, clock: machineClock, cacheFolder: null }), where: config.urls.join(','), close: async () => {} }
  }
  const { openEmbedded, openReader } = await import('./embedded.ts')
  const { log, registry } = writes ? await openEmbedded(registryFolder(options.data)) : await openReader(existsSync(join(options.data, registryFolderName)) ? registryFolder(options.data) : options.data)
  return { registry, where: `the data folder ${options.data}`, close: () => log.close() }
}

async function configOf (options: RegistryOptions, definition: string | undefined) {
  const [{ registryConfig }, { registryVariablesOf }] = await Promise.all([import('../../connectors/registry/config.ts'), import('./target.ts')])
  if (options.registry !== undefined) return registryConfig(process.env, { 'schema.registry.url': options.registry })
  return registryConfig(await registryVariablesOf(options, definition))
}

/** Beside the folders of pipelines: what `millrace registry` serves. */
export const registryFolderName = '.registry'

/** A pipeline's own folder, or that of the registry in a data folder. */
export function registryFolder (data: string): string { return existsSync(join(data, 'log')) ? data : join(data, registryFolderName) }
