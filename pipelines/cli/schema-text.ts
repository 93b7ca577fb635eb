import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { CliError } from './exit.ts'
import { openRegistry, type RegistryOptions } from './registry-of.ts'

export interface SchemaText { readonly schema: string, readonly subject: string | null, readonly version: number | null }

/** A schema from a file, or `subject@version` (or `subject@latest`) from the registry. Errors: CliError data */
export async function schemaText (given: string, options: RegistryOptions): Promise<SchemaText> {
  const [, subject, version] = /^([^@\s]+)@(\d{1,9}|latest)$/.exec(given) ?? []
  if (subject === undefined || version === undefined || existsSync(given)) {
    const schema = await readFile(given, 'utf8').catch((error: NodeJS.ErrnoException) => { throw new CliError('data', `Cannot read the schema: file=${JSON.stringify(given)} code=${error.code}; a schema of the registry is written subject@version`) })
    return { schema, subject: null, version: null }
  }
  const { registry, where, close } = await openRegistry(options)
  try {
    const found = version === 'latest' ? await registry.latest(subject) : await registry.version(subject, Number(version))
    if (found !== null) return { schema: found.schema, subject, version: 'version' in found ? found.version as number : Number(version) }
    const { nearest } = await import('../core/nearest.ts')
    const near = nearest(subject, await registry.subjects())
    throw new CliError('data', `Cannot find the schema: subject=${JSON.stringify(subject)} version=${version} registry=${where}${near === null || near === subject ? '' : `; did you mean ${JSON.stringify(near)}?`}`)
  } finally {
    await close()
  }
}
