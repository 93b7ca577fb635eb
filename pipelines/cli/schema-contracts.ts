import type { RegistryPort } from '../core/ports.ts'
import { locateProblem, type Problem } from '../define/check.ts'
import { schemaBreaks } from '../define/compile.ts'
import { inspectDefinition } from '../define/inspect.ts'
import { loadDefinition } from '../define/load.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import type { CheckedDefinition } from '../define/schema.ts'
import type { WriterSchema } from '../define/schema-breaks.ts'
import type { Variables } from '../define/profile.ts'
import { registryContracts } from './contracts.ts'
import { subjectOf } from './subjects.ts'

/** A contract of a definition: what its source or table is sent as. */
export interface NamedContract { readonly part: 'source' | 'table', readonly name: string, readonly subject: string, readonly contract: string }

export interface LoadedContracts { readonly definition: CheckedDefinition, readonly variables: Variables, readonly contracts: readonly NamedContract[] }

/** A definition with its contracts, under the subjects that a registry has them. Errors: DEFINITION_INVALID */
export async function contractsOf (path: string, registry: RegistryPort, variables: Variables = {}): Promise<LoadedContracts> {
  const definition = await loadDefinition(path, { contracts: registryContracts(registry), variables })
  const { compileDefinition } = await import('../define/compile.ts')
  const { sources, tables } = compileDefinition(definition)
  const named = (part: 'source' | 'table', some: CompiledPipeline['sources'] | CompiledPipeline['tables']) => some.map(({ name, topic, subject, contract }) => ({ part, name, subject: subjectOf(registry, { topic, subject, contract }), contract }))
  return { definition, variables, contracts: [...named('source', sources), ...named('table', tables)] }
}

/** What the latest schemas of a registry would break in a definition, where it is written. */
export async function breaksIn (path: string, { definition, contracts, variables }: LoadedContracts, registry: RegistryPort): Promise<readonly Problem[]> {
  const writers: WriterSchema[] = []
  for (const { part, name, subject } of contracts) {
    const latest = await registry.latest(subject)
    if (latest !== null) writers.push({ part, name, called: `${subject}@${latest.version}`, schema: latest.schema })
  }
  const { text } = await inspectDefinition(path, { contracts: registryContracts(registry), variables })
  return schemaBreaks(definition, writers).map(problem => locateProblem(problem, { file: path, text })).sort((a, b) => a.line - b.line || a.column - b.column)
}
