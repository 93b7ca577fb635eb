import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { StreamError } from '../core/errors.ts'
import { checkReferences } from './compile.ts'
import { type ContractResolver, resolveContracts } from './contracts.ts'
import { importFresh } from './fresh-import.ts'
import { type DefinitionProblem, Problems, problemsOf } from './problem.ts'
import type { Variables } from './profile.ts'
import type { CheckedDefinition } from './schema.ts'
import type { SourceText } from './source-text.ts'
import { readTypeScript } from './ts-source.ts'
import { checkWritten } from './written.ts'

export interface InspectOptions {
  /** Answers for contracts written as `subject@version`. */
  readonly contracts?: ContractResolver
  /** Values for `${name}` in YAML. */
  readonly variables?: Variables
}
/** A definition as its file has it: `definition` is null when there are problems. */
export interface Inspected { readonly definition: CheckedDefinition | null, readonly problems: readonly DefinitionProblem[], readonly text: SourceText }

/**
 * Read a definition from its file, with its contracts and functions, and find everything wrong with it.
 *
 * Errors: DEFINITION_UNREADABLE when the file is missing or of no known kind
 */
export async function inspectDefinition (path: string, { contracts, variables }: InspectOptions = {}): Promise<Inspected> {
  let text: string
  try { text = await readFile(path, 'utf8') } catch (cause) { throw new StreamError('DEFINITION_UNREADABLE', { file: path, reason: (cause as NodeJS.ErrnoException).code }, { cause }) }
  const problems = new Problems()
  const folder = dirname(resolve(path))
  if (/\.[mc]?[jt]s$/.test(path)) {
    const raw = await importDefault(path, { text, problems })
    return inspected({ raw, problems, folder, text: readTypeScript(text) })
  }
  if (!/\.(ya?ml|json)$/.test(path)) throw new StreamError('DEFINITION_UNREADABLE', { file: path, reason: 'a definition is a .yaml, .yml, .json or .ts file' })
  const { readYaml } = await import('./yaml-source.ts')
  const source = readYaml(text, problems, variables)
  const raw = problems.list.length > 0 ? undefined : await resolveContracts(source.raw, { folder, problems, resolver: contracts ?? null })
  return inspected({ raw, problems, folder, text: source })
}

interface Inspecting { readonly raw: unknown, readonly problems: Problems, readonly folder: string, readonly text: SourceText }

async function inspected ({ raw, problems, folder, text }: Inspecting): Promise<Inspected> {
  if (raw === undefined) return { definition: null, problems: problems.list, text }
  const contractless = new Set(problems.list.map(({ path }) => path.join('.')))
  const shape = new Problems()
  const { definition: whole, rest } = checkWritten(raw, shape)
  // A contract that could not be read was told already; that it is still text is not another problem.
  problems.list.push(...shape.list.filter(({ path }) => !contractless.has(path.join('.'))))
  if (rest === null || contractless.size > 0) return { definition: null, problems: problems.list, text }
  const definition = typeof rest.functions === 'string' ? await withFunctions(rest, { folder, problems, file: rest.functions }) : rest
  if (definition !== null) problems.list.push(...checkReferences(definition))
  return { definition: whole === null || problems.list.length > 0 ? null : definition, problems: problems.list, text }
}

async function importDefault (path: string, { text, problems }: { readonly text: string, readonly problems: Problems }): Promise<unknown> {
  try {
    const module = await importFresh(path)
    if (module.default !== undefined) return module.default
    problems.add([], 'the file has no default export: write export default definePipeline({ ... })')
  } catch (error) {
    const found = problemsOf(error)
    if (found !== null) problems.list.push(...found)
    else problems.add([], `cannot import the file: ${firstLine(error)}`, placeOfError(error, { path, text }))
  }
  return undefined
}

async function withFunctions (definition: CheckedDefinition, { folder, problems, file }: { readonly folder: string, readonly problems: Problems, readonly file: string }): Promise<CheckedDefinition | null> {
  try {
    return { ...definition, functions: await importFresh(resolve(folder, file)) }
  } catch (error) {
    problems.add(['functions'], `cannot import ${JSON.stringify(file)}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : firstLine(error)}`)
    return null
  }
}

const firstLine = (error: unknown) => (error instanceof Error ? error.message : String(error)).split('\n').find(line => line.trim() !== '') ?? 'it throws'

/** Line and column that an import's error names in this file, if it does. */
function placeOfError (error: unknown, { path, text }: { readonly path: string, readonly text: string }): { readonly line?: number, readonly column?: number } {
  const stack = error instanceof Error ? error.stack ?? '' : ''
  const name = resolve(path).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const [, line, column] = new RegExp(`${name}(?:\\?[^:\\s]*)?:(\\d+)(?::(\\d+))?`).exec(stack) ?? []
  if (line === undefined || Number(line) > text.split('\n').length) return {}
  return { line: Number(line), column: Number(column ?? 1) }
}
